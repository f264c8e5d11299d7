//! What the corpora with encrypted messages share.

use std::io::Cursor;
use std::path::Path;

use counterseal_core::algorithm::ContentEncryption;
use counterseal_core::cms::{self, ContentType, OpenError, OpenOptions, Opened, Recipient};
use counterseal_core::keys::{Keyring, import};
use counterseal_core::ports::{Random, SecretKeys};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::Certificate;

/// The system's randomness.
pub(super) struct System;

impl Random for System {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A keyring of all keys and certificates in these files.
pub(super) fn keyring(files: &[&Path]) -> Keyring {
    let mut ring = Keyring::new();
    for file in files {
        let imported = import(&std::fs::read(file).unwrap(), None);
        assert!(imported.refused.is_empty(), "{}: {:?}", file.display(), imported.refused);
        imported.keys.into_iter().for_each(|key| ring.add_key(key));
        for certificate in imported.certificates {
            ring.add_certificate(certificate);
        }
    }
    ring
}

/// The only certificate in a file.
pub(super) fn certificate(file: &Path) -> Certificate {
    import(&std::fs::read(file).unwrap(), None).certificates.remove(0)
}

pub(super) fn open(message: &[u8], ring: &dyn SecretKeys) -> Result<(Opened, Vec<u8>), OpenError> {
    open_with(message, ring, &OpenOptions::default())
}

pub(super) fn open_with(
    message: &[u8],
    ring: &dyn SecretKeys,
    options: &OpenOptions,
) -> Result<(Opened, Vec<u8>), OpenError> {
    let mut content = Vec::new();
    let opened = cms::open(&mut Cursor::new(message), ring, &mut System, options, &mut content)?;
    Ok((opened, content))
}

/// Options with a passphrase.
pub(super) fn passphrase(passphrase: &[u8]) -> OpenOptions {
    OpenOptions { passphrase: Some(SecretBytes::copy_of(passphrase)), ..OpenOptions::default() }
}

pub(super) fn seal(content: &[u8], recipients: &[Recipient], cipher: ContentEncryption) -> Vec<u8> {
    let length = Some(content.len() as u64);
    let mut message = Vec::new();
    cms::seal(&mut &*content, length, &ContentType::Data, recipients, cipher, &mut System, &mut message)
        .unwrap();
    message
}

/// A certificate's holder as a recipient, in the way that most programs read.
pub(super) fn recipient(certificate: &Certificate) -> Recipient {
    let transport = cms::KeyTransport::usual_for(certificate.public_key().algorithm()).unwrap();
    Recipient::Certificate { certificate: certificate.clone(), transport }
}
