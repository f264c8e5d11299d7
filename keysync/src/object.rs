//! What lies in a box: padded, and sealed under the secret of the log, so that whoever keeps the box learns nothing.
//!
//! The same parcel under the same secret always gives the same object: devices that post the same thing post it once,
//! and a box has it once. Key and nonce of the seal follow from secret and parcel, so that no two different parcels share
//! them.

use std::io::Cursor;

use counterseal_core::algorithm::ContentEncryption;
use counterseal_core::cms::{self, ContentType, OpenOptions, Recipient};
use counterseal_core::der::tlv::{self, Elements, tag};
use counterseal_core::ports::{NoSecretKeys, Random};
use counterseal_core::secret::SecretBytes;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::limits;
use crate::log::KeyId;
use crate::sync::{CraftError, Parcel};

/// Seals a parcel for the box of this log secret.
///
/// # Errors
/// [`CraftError::Failed`] for a parcel that is larger than an object may be.
pub fn seal(secret: &SecretBytes, parcel: &Parcel) -> Result<Vec<u8>, CraftError> {
    let content = write(parcel).ok_or_else(|| CraftError::Failed("too large for a box".to_owned()))?;
    let recipient = Recipient::KeyEncryptionKey {
        identifier: KeyId::of_log_secret(secret).as_bytes().to_vec(),
        key: wrapping_key(secret),
    };
    let mut object = Vec::new();
    cms::seal(
        &mut Cursor::new(content.as_slice()),
        Some(content.len() as u64),
        &ContentType::Data,
        &[recipient],
        ContentEncryption::Aes256Gcm,
        &mut FromContent::new(secret, &content),
        &mut object,
    )
    .map_err(|error| CraftError::Failed(error.to_string()))?;
    Ok(object)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`CraftError::Forged`].
pub fn unseal(secret: &SecretBytes, object: &[u8]) -> Result<Parcel, CraftError> {
    if object.len() > limits::OBJECT_BYTES {
        return Err(CraftError::Forged);
    }
    let identifier = KeyId::of_log_secret(secret).as_bytes().to_vec();
    let options = OpenOptions {
        key_encryption_keys: vec![(identifier, wrapping_key(secret))],
        ..OpenOptions::default()
    };
    let mut content = Zeroizing::new(Vec::with_capacity(object.len()));
    let mut random = FromContent::new(secret, object);
    let opened = cms::open(&mut Cursor::new(object), &NoSecretKeys, &mut random, &options, &mut *content)
        .map_err(|_| CraftError::Forged)?;
    if opened.cipher != ContentEncryption::Aes256Gcm {
        return Err(CraftError::Forged);
    }
    read(&content).ok_or(CraftError::Forged)
}

fn wrapping_key(secret: &SecretBytes) -> SecretBytes {
    expand(secret, b"counterseal-keysync/1 seal")
}

fn expand(secret: &SecretBytes, info: &[u8]) -> SecretBytes {
    let mut key = Zeroizing::new([0; 32]);
    // The only error is an output above 8160 bytes.
    let _ = Hkdf::<Sha256>::new(None, secret.expose()).expand(info, &mut *key);
    SecretBytes::copy_of(&*key)
}

/// The parcel as `[n] content`, where n says which kind, and zeros behind it up to the end of a bucket.
fn write(parcel: &Parcel) -> Option<Zeroizing<Vec<u8>>> {
    let (number, content) = match parcel {
        Parcel::Entry(entry) => (0, entry),
        Parcel::Package(package) => (1, package),
        Parcel::Note(note) => (2, note),
    };
    let mut padded = Zeroizing::new(tlv::encode(tag::primitive(number), content));
    let whole = bucket(padded.len())?;
    padded.resize(whole, 0);
    Some(padded)
}

/// The bucket that so many bytes go into.
fn bucket(bytes: usize) -> Option<usize> {
    let step = limits::PADDED_BYTES.into_iter().next_back()?;
    let above = || bytes.div_ceil(step).checked_mul(step);
    let whole = limits::PADDED_BYTES.into_iter().find(|bucket| bytes <= *bucket).or_else(above)?;
    // Some room for the envelope.
    (whole + step <= limits::OBJECT_BYTES).then_some(whole)
}

fn read(content: &[u8]) -> Option<Parcel> {
    let parcel = Elements::new(content).any()?;
    let padding = content.get(parcel.whole.len()..)?;
    if padding.iter().any(|octet| *octet != 0) || bucket(parcel.whole.len()) != Some(content.len()) {
        return None;
    }
    let bytes = parcel.content.to_vec();
    let number = |number| tag::primitive(number);
    match parcel.tag {
        kind if kind == number(0) => Some(Parcel::Entry(bytes)),
        kind if kind == number(1) => Some(Parcel::Package(bytes)),
        kind if kind == number(2) => Some(Parcel::Note(bytes)),
        _ => None,
    }
}

/// Bytes that follow from the secret and from what is sealed, and that nobody else can foresee.
struct FromContent {
    seed: SecretBytes,
    blocks: u32,
}

impl FromContent {
    fn new(secret: &SecretBytes, content: &[u8]) -> Self {
        let info = [b"counterseal-keysync/1 object ".as_slice(), &Sha256::digest(content)].concat();
        Self { seed: expand(secret, &info), blocks: 0 }
    }
}

impl Random for FromContent {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = expand(&self.seed, &self.blocks.to_be_bytes());
            self.blocks += 1;
            for (byte, random) in chunk.iter_mut().zip(block.expose()) {
                *byte = *random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn secret(byte: u8) -> SecretBytes {
        SecretBytes::new(vec![byte; 32])
    }

    #[test]
    fn a_parcel_comes_out_as_it_went_in_and_under_no_other_secret() {
        for parcel in
            [Parcel::Entry(vec![1; 700]), Parcel::Package(vec![2; 20_000]), Parcel::Note(Vec::new())]
        {
            let object = seal(&secret(7), &parcel).unwrap();
            assert_eq!(unseal(&secret(7), &object), Ok(parcel));
            assert_eq!(unseal(&secret(8), &object), Err(CraftError::Forged));
        }
    }

    #[test]
    fn the_same_parcel_is_the_same_object_and_another_one_shares_nothing_with_it() {
        let object = seal(&secret(7), &Parcel::Entry(vec![1; 700])).unwrap();
        assert_eq!(seal(&secret(7), &Parcel::Entry(vec![1; 700])).unwrap(), object);
        let other = seal(&secret(7), &Parcel::Note(vec![1; 700])).unwrap();
        // Behind the header nothing is alike: neither the wrapped key, nor nonce, nor ciphertext.
        let alike = object.iter().zip(&other).skip(200).filter(|(one, two)| one == two).count();
        assert!(alike < object.len() / 64, "{alike}");
    }

    #[test]
    fn sizes_tell_the_bucket_and_no_more() {
        let size = |bytes: usize| seal(&secret(7), &Parcel::Entry(vec![1; bytes])).unwrap().len();
        assert_eq!(size(0), size(4000));
        assert_eq!(size(4100), size(16_000));
        assert_eq!(size(17_000), size(65_000));
        assert_eq!(size(66_000), size(130_000));
        for bytes in (0..300).chain(3_900..4_200).chain(65_400..65_600) {
            assert!(seal(&secret(7), &Parcel::Entry(vec![1; bytes])).is_ok(), "{bytes}");
        }
        assert!(seal(&secret(7), &Parcel::Package(vec![1; limits::OBJECT_BYTES])).is_err());
    }

    #[test]
    fn no_octet_can_be_changed_or_cut_off() {
        let object = seal(&secret(7), &Parcel::Note(vec![1; 100])).unwrap();
        for index in (0..object.len()).filter(|index| *index < 300 || index % 17 == 0) {
            let mut changed = object.clone();
            changed[index] ^= 1;
            assert_ne!(unseal(&secret(7), &changed), Ok(Parcel::Entry(vec![1; 100])), "{index}");
            if let Ok(parcel) = unseal(&secret(7), &changed) {
                assert_eq!(parcel, Parcel::Note(vec![1; 100]), "{index}");
            }
            assert!(unseal(&secret(7), &object[..index]).is_err());
        }
        assert!(unseal(&secret(7), &[&object[..], &[0]].concat()).is_err());
    }
}
