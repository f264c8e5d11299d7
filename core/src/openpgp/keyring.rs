//! Keyring files: `gpg --export`, armored or binary, several one after the other, or the answer of
//! a web key directory.

use std::collections::BTreeMap;

use sequoia_openpgp::cert::raw::{RawCert, RawCertParser};
use sequoia_openpgp::parse::Parse as _;

use super::import::ImportError;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;

/// The certificates of some keyrings, split but not yet looked into.
#[derive(Debug, Default)]
pub(super) struct Keyring<'a> {
    /// By fingerprint; a certificate that came in several parts or versions has all of them.
    pub(super) certificates: BTreeMap<OpenPgpFingerprint, Vec<RawCert<'a>>>,
    /// Pieces that are no certificate.
    pub(super) skipped: usize,
}

impl<'a> Keyring<'a> {
    /// Splits keyrings into their certificates.
    pub(super) fn split(keyrings: &[&'a [u8]]) -> Result<Self, ImportError> {
        if keyrings.iter().map(|bytes| bytes.len()).sum::<usize>() > limits::OPENPGP_KEYRING_BYTES {
            return Err(ImportError::TooLarge);
        }
        let mut keyring = Self::default();
        for bytes in keyrings {
            keyring.take(bytes)?;
        }
        Ok(keyring)
    }

    fn take(&mut self, bytes: &'a [u8]) -> Result<(), ImportError> {
        let parser = RawCertParser::from_bytes(bytes).map_err(|_| ImportError::NoKeyring)?;
        for certificate in parser {
            let Ok(certificate) = certificate else {
                self.skipped += 1;
                continue;
            };
            let Some(fingerprint) = fingerprint_of(&certificate.fingerprint()) else {
                self.skipped += 1;
                continue;
            };
            self.certificates.entry(fingerprint).or_default().push(certificate);
            if self.certificates.len() > limits::OPENPGP_CERTIFICATES {
                return Err(ImportError::TooManyCertificates);
            }
        }
        Ok(())
    }
}

/// Our own form of a fingerprint; keys of version 3 and of unknown versions have none.
pub(super) fn fingerprint_of(fingerprint: &sequoia_openpgp::Fingerprint) -> Option<OpenPgpFingerprint> {
    OpenPgpFingerprint::from_bytes(fingerprint.as_bytes())
}
