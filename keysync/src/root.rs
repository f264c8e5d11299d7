//! The root of an account: keys that follow from a seed on paper.
//!
//! The root signs the first entry of the log, and the one that puts things right after all devices were lost; and it
//! is a reader of every key package. The seed is shown once and erased.

use std::fmt;

use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::IssueError;
use counterseal_core::x509::{KeyKind, SecretKey};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::device::DeviceKeys;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 32;
/// Bytes of a P-256 scalar.
const SCALAR_BYTES: usize = 32;
/// Bytes of an ML-KEM seed (FIPS 203, section 7.1: `d || z`).
const ENCAPSULATION_SEED_BYTES: usize = 64;
/// What the certificates of the root are called.
const NAME: &str = "recovery";

/// The seed is none: not of [`SEED_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASeed;

impl fmt::Display for NotASeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a seed has {SEED_BYTES} bytes")
    }
}

impl std::error::Error for NotASeed {}

/// The keys that follow from a seed: to sign, and to be sealed to in both layers of a key package.
///
/// Each follows by HKDF-SHA-256 (RFC 5869) without salt, with `counterseal-keysync/1 root ` and `signing`, `agreement` or
/// `encapsulation` in `info`, and one octet behind it that counts from 0 until the result is a key: for P-256 the 32
/// bytes of a scalar between 1 and the order of the group, for ML-KEM-768 its seed of 64 bytes.
#[derive(Clone)]
pub struct RootKeys([SecretKey; 3]);

impl RootKeys {
    /// The keys of this seed.
    ///
    /// # Errors
    /// [`NotASeed`].
    pub fn from_seed(seed: &SecretBytes) -> Result<Self, NotASeed> {
        if seed.len() != SEED_BYTES {
            return Err(NotASeed);
        }
        Ok(Self([
            derive(seed, "signing", KeyKind::P256, SCALAR_BYTES)?,
            derive(seed, "agreement", KeyKind::P256, SCALAR_BYTES)?,
            derive(seed, "encapsulation", KeyKind::MlKem768, ENCAPSULATION_SEED_BYTES)?,
        ]))
    }

    /// The root as a device that has no machine, with certificates for its keys. Certificates of one root differ each
    /// time; its identity does not.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn certify(&self, now: Time, random: &mut dyn Random) -> Result<DeviceKeys, IssueError> {
        DeviceKeys::certify(NAME, self.0.clone(), now, random)
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RootKeys(..)")
    }
}

/// The first secret of the log of an account with this seed: so the seed alone finds the first box, and opens what
/// [`crate::copy`] wrote. 32 bytes.
#[must_use]
pub fn first_log_secret(seed: &SecretBytes) -> SecretBytes {
    let mut secret = zeroize::Zeroizing::new([0; 32]);
    // The only error is an output above 8160 bytes.
    let _ = Hkdf::<Sha256>::new(None, seed.expose())
        .expand(b"counterseal-keysync/1 root log secret", &mut *secret);
    SecretBytes::copy_of(&*secret)
}

fn derive(seed: &SecretBytes, purpose: &str, kind: KeyKind, bytes: usize) -> Result<SecretKey, NotASeed> {
    let hkdf = Hkdf::<Sha256>::new(None, seed.expose());
    (0..=u8::MAX)
        .find_map(|counter| {
            let mut secret = zeroize::Zeroizing::new(vec![0; bytes]);
            let info = [b"counterseal-keysync/1 root ", purpose.as_bytes(), &[counter]].concat();
            hkdf.expand(&info, &mut secret).ok()?;
            SecretKey::from_secret(kind, &SecretBytes::copy_of(&secret)).ok()
        })
        .ok_or(NotASeed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::device::DeviceKeyUse;
    use crate::testing::{NOW, SystemRandom};

    fn keys(byte: u8) -> RootKeys {
        RootKeys::from_seed(&SecretBytes::new(vec![byte; SEED_BYTES])).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_root_and_another_seed_another() {
        let [first, again, other] =
            [7, 7, 8].map(|byte| keys(byte).certify(NOW, &mut SystemRandom).unwrap().certificates().clone());
        assert_eq!(first.id(), again.id());
        assert_eq!(first.agreement().fingerprint(), again.agreement().fingerprint());
        assert_eq!(first.encapsulation().fingerprint(), again.encapsulation().fingerprint());
        assert_ne!(first.id(), other.id());
        assert_ne!(first.signing().fingerprint(), first.agreement().fingerprint());
    }

    #[test]
    fn what_root_signs_holds_for_whoever_knows_its_certificates() {
        let root = keys(7).certify(NOW, &mut SystemRandom).unwrap();
        let signature = root.signer().sign_bytes(b"label").unwrap();
        assert!(root.certificates().signed_bytes(b"label", &signature));
        assert!(root.to_pkcs8(DeviceKeyUse::Encapsulation).is_some());
    }

    #[test]
    fn a_seed_of_another_length_is_none() {
        for length in [0, 16, 31, 33, 64] {
            assert_eq!(RootKeys::from_seed(&SecretBytes::new(vec![7; length])).err(), Some(NotASeed));
        }
    }
}
