//! One AuthEnvelopedData of the two that are around a package.

use std::io::Cursor;

use counterseal_core::algorithm::{ContentEncryption, KeyAlgorithm};
use counterseal_core::cms::{self, ContentType, OpenError, OpenOptions, Recipient};
use counterseal_core::ports::{Random, SecretKeys};
use counterseal_core::secret::SecretBytes;

use crate::sync::CraftError;

/// How the key of a layer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To a P-256 key (RFC 5753): the inner layer.
    Agreed,
    /// To an ML-KEM-768 key (RFC 9936): the outer layer.
    Encapsulated,
}

impl Kind {
    const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Agreed => KeyAlgorithm::P256,
            Self::Encapsulated => KeyAlgorithm::MlKem768,
        }
    }
}

/// Seals for all of these keys. The content type is id-data, because `openssl cms` authenticates no attributes, which
/// every other type must have (RFC 5083, section 2.1).
pub(super) fn seal(
    content: &[u8],
    recipients: &[Recipient],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CraftError> {
    let mut object = Vec::new();
    let length = Some(content.len() as u64);
    let cipher = ContentEncryption::Aes256Gcm;
    cms::seal(&mut Cursor::new(content), length, &ContentType::Data, recipients, cipher, random, &mut object)
        .map_err(|error| CraftError::Failed(error.to_string()))?;
    Ok(object)
}

/// Opens a layer with the one key of ours that it names, which must be of that kind.
pub(super) fn open(
    object: &[u8],
    kind: Kind,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
) -> Result<SecretBytes, CraftError> {
    // Never longer than what it is in, so that no half of it is left behind by growing.
    let mut content = zeroize::Zeroizing::new(Vec::with_capacity(object.len()));
    let opened = cms::open(&mut Cursor::new(object), keys, random, &OpenOptions::default(), &mut *content)
        .map_err(|error| match error {
            OpenError::NotForUs { .. } => CraftError::NotForUs,
            OpenError::Locked { .. } => CraftError::Locked,
            _ => CraftError::Forged,
        })?;
    let opened_by = keys.held().iter().find(|held| Some(held.fingerprint) == opened.opened_by);
    let is_sound = opened.cipher == ContentEncryption::Aes256Gcm
        && opened.content_type == ContentType::Data
        && opened_by.is_some_and(|held| held.algorithm == kind.algorithm());
    if !is_sound {
        return Err(CraftError::Forged);
    }
    Ok(SecretBytes::copy_of(&content))
}
