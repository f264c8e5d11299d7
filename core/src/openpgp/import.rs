//! Keyrings become part of the web.

use std::fmt;

use super::certificate::Certificate;
use super::issuers::Issuers;
use super::keyring::Keyring;
use super::reader::{self, CertificateRefused};
use super::web::Web;
use crate::fingerprint::OpenPgpFingerprint;

/// Why nothing of an import was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// One of the inputs is no keyring, neither armored nor binary.
    NoKeyring,
    /// More bytes than [`crate::limits::OPENPGP_KEYRING_BYTES`].
    TooLarge,
    /// More certificates than [`crate::limits::OPENPGP_CERTIFICATES`].
    TooManyCertificates,
}

impl fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoKeyring => "this is no OpenPGP keyring",
            Self::TooLarge => "the keyrings are too large",
            Self::TooManyCertificates => "there are too many certificates",
        })
    }
}

impl std::error::Error for ImportError {}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The certificates that are now in the web as they are here.
    pub read: Vec<OpenPgpFingerprint>,
    /// Certificates that were not taken, and why.
    pub refused: Vec<Refused>,
    /// Pieces that are no certificate.
    pub skipped: usize,
}

/// A certificate that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub fingerprint: OpenPgpFingerprint,
    /// Why.
    pub why: CertificateRefused,
}

impl Web {
    /// Adds what keyrings say to what is known, and forgets nothing of that: for keyrings that
    /// somebody else chose. Of a certificate that is known only new certifications count, and a
    /// revocation that ends it for good.
    ///
    /// # Errors
    /// As [`Web::import`].
    pub fn add(&mut self, keyrings: &[&[u8]]) -> Result<Imported, ImportError> {
        let (read, mut imported) = self.read(keyrings)?;
        for new in read {
            imported.read.push(new.fingerprint);
            let merged = self.certificate(&new.fingerprint).map(|known| known.with_news_of(&new));
            self.insert(merged.unwrap_or(new));
        }
        Ok(imported)
    }

    /// Reads keyrings and verifies what they say: each self-signature, and each certification
    /// whose issuer is in the web or in one of the keyrings.
    ///
    /// What is read of a certificate takes the place of what was known of it. Whoever keeps the
    /// bytes of a certificate gives the old and the new ones at once, and they become one: else a
    /// revocation that only the old ones have would be forgotten.
    ///
    /// # Errors
    /// See [`ImportError`]; the web is then unchanged. A single certificate that cannot be read is
    /// no error ([`Imported::refused`]).
    pub fn import(&mut self, keyrings: &[&[u8]]) -> Result<Imported, ImportError> {
        let (read, mut imported) = self.read(keyrings)?;
        for certificate in read {
            imported.read.push(certificate.fingerprint);
            self.insert(certificate);
        }
        Ok(imported)
    }

    /// The certificates of keyrings, verified with what is here.
    fn read(&self, keyrings: &[&[u8]]) -> Result<(Vec<Certificate>, Imported), ImportError> {
        let keyring = Keyring::split(keyrings)?;
        let mut imported = Imported { skipped: keyring.skipped, ..Imported::default() };
        let mut read = Vec::with_capacity(keyring.certificates.len());
        let mut issuers = Issuers::new(self, &keyring);
        for (fingerprint, parts) in &keyring.certificates {
            match reader::read(*fingerprint, parts, &mut issuers) {
                Ok(certificate) => read.push(certificate),
                Err(why) => imported.refused.push(Refused { fingerprint: *fingerprint, why }),
            }
        }
        Ok((read, imported))
    }
}
