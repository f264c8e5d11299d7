//! Secret keys in the files by which they travel, always sealed under a passphrase.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::pkcs12::{self, CertificateEntry, KeyEntry, Pkcs12Error, Protection};
use counterseal_core::x509::{Certificate, pem};

use crate::failure::Failure;
use crate::randomness::SystemRandom;
use crate::store::{KeyUse, StoreKeys, StoredKey};

/// Bytes of a PKCS#12 localKeyID: enough to tell the keys of one file apart.
const LOCAL_KEY_ID: usize = 20;

/// What goes into a file together.
pub(crate) struct Bundle<'a> {
    /// What programs call it: an address.
    pub(crate) name: &'a str,
    pub(crate) keys: &'a [&'a StoredKey],
    /// Of the keys, and those above them.
    pub(crate) certificates: &'a [Certificate],
}

/// A PKCS#12 file.
pub(crate) fn p12(
    bundle: &Bundle<'_>,
    held: &StoreKeys<'_>,
    passphrase: &SecretBytes,
    protection: Protection,
) -> Result<Vec<u8>, Failure> {
    let mut entries = Vec::new();
    for key in bundle.keys {
        entries.push(KeyEntry {
            private_key_info: held.open(&key.fingerprint)?.to_pkcs8_der(),
            friendly_name: bundle.friendly_name(&key.fingerprint),
            local_key_id: Some(local_key_id(key.fingerprint.sha256())),
        });
    }
    let certificates: Vec<CertificateEntry> =
        bundle.certificates.iter().map(|certificate| bundle.entry(certificate)).collect();
    pkcs12::write(&entries, &certificates, passphrase, protection, &mut SystemRandom).map_err(not_made)
}

impl Bundle<'_> {
    fn entry(&self, certificate: &Certificate) -> CertificateEntry {
        let friendly_name = self.friendly_name(&certificate.fingerprint());
        let is_own = friendly_name.is_some();
        CertificateEntry {
            certificate: certificate.as_der().to_vec(),
            friendly_name,
            local_key_id: is_own.then(|| local_key_id(certificate.fingerprint().sha256())),
        }
    }

    /// A name for each key: Java has one entry for a name, and forgets all others of that name.
    fn friendly_name(&self, key: &Fingerprint) -> Option<String> {
        let place = self.keys.iter().position(|own| own.fingerprint == *key)?;
        Some(if place == 0 { self.name.to_owned() } else { format!("{} {}", self.name, place + 1) })
    }
}

fn local_key_id(fingerprint: &[u8; 32]) -> Vec<u8> {
    fingerprint.iter().take(LOCAL_KEY_ID).copied().collect()
}

/// PEM blocks, the key that opens mail first: programs that read one key read that.
pub(crate) fn pkcs8(
    keys: &[&StoredKey],
    held: &StoreKeys<'_>,
    passphrase: &SecretBytes,
) -> Result<Vec<u8>, Failure> {
    let mut keys = keys.to_vec();
    keys.sort_by_key(|key| key.key_use != KeyUse::Encryption);
    let mut file = String::new();
    for key in keys {
        let private_key_info = held.open(&key.fingerprint)?.to_pkcs8_der();
        let sealed = pkcs12::encrypt_private_key(&private_key_info, passphrase, &mut SystemRandom);
        file.push_str(&pem::encode("ENCRYPTED PRIVATE KEY", &sealed.map_err(not_made)?));
    }
    Ok(file.into_bytes())
}

fn not_made(error: Pkcs12Error) -> Failure {
    Failure::unknown("cannot-export", "the file could not be made").because(error)
}
