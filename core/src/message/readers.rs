//! What is known of a reader's program, and what is therefore written.

use crate::algorithm::{ContentEncryption, DigestAlgorithm, KeyAlgorithm};
use crate::cms::{Capabilities, KeyTransport, Recipient};
use crate::policy::Accepted;

/// Readers whose programs can open the same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ReaderClass {
    /// RSA, and nothing known: every program there is. An EC recipient in the same object would
    /// lock out NSS 3.87, Python's cryptography and forge.
    CbcRsa,
    /// EC, and nothing known.
    CbcAgreement,
    /// Reads AES-GCM, and so is new enough for any mixture of keys.
    Gcm,
    /// ML-KEM.
    Kem,
}

impl ReaderClass {
    pub(super) fn of(accepted: &Accepted) -> Self {
        match accepted.public_key().algorithm() {
            KeyAlgorithm::MlKem512 | KeyAlgorithm::MlKem768 | KeyAlgorithm::MlKem1024 => Self::Kem,
            _ if reads_gcm(accepted) => Self::Gcm,
            KeyAlgorithm::Rsa { .. } => Self::CbcRsa,
            _ => Self::CbcAgreement,
        }
    }

    pub(super) const fn cipher(self) -> ContentEncryption {
        match self {
            Self::CbcRsa | Self::CbcAgreement => ContentEncryption::Aes256Cbc,
            Self::Gcm | Self::Kem => ContentEncryption::Aes256Gcm,
        }
    }
}

/// The cipher that all of these readers open.
pub(super) fn common_cipher<'a>(mut readers: impl Iterator<Item = &'a Accepted>) -> ContentEncryption {
    if readers.all(|reader| ReaderClass::of(reader).cipher().is_authenticated()) {
        ContentEncryption::Aes256Gcm
    } else {
        ContentEncryption::Aes256Cbc
    }
}

/// The recipient of an accepted reader, with the key transport that the reader is known to read.
pub(super) fn recipient(accepted: &Accepted, transport: Option<&KeyTransport>) -> Recipient {
    let key = accepted.public_key();
    let transport = match (key.algorithm(), transport) {
        (KeyAlgorithm::Rsa { .. }, Some(transport)) => transport.clone(),
        (KeyAlgorithm::Rsa { .. }, None) if reads_oaep(accepted) => {
            KeyTransport::oaep(DigestAlgorithm::Sha256)
        }
        // Policy accepts no key that cannot be encrypted to; sealing would refuse one.
        (algorithm, _) => KeyTransport::usual_for(algorithm).unwrap_or(KeyTransport::Pkcs1),
    };
    match accepted.certificate() {
        Some(certificate) => Recipient::Certificate { certificate: certificate.clone(), transport },
        None => Recipient::PublicKey { key: key.clone(), transport },
    }
}

fn capabilities_of(accepted: &Accepted) -> Option<Capabilities> {
    let announced = accepted.capabilities().or_else(|| accepted.certificate()?.capabilities())?;
    Capabilities::from_der(announced).ok()
}

fn reads_gcm(accepted: &Accepted) -> bool {
    capabilities_of(accepted).is_some_and(|capabilities| capabilities.reads(ContentEncryption::Aes256Gcm))
}

fn reads_oaep(accepted: &Accepted) -> bool {
    capabilities_of(accepted).is_some_and(|capabilities| capabilities.reads_rsa_oaep(DigestAlgorithm::Sha256))
}
