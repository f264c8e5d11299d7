#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::testing::SystemRandom;
use crate::x509::{KeyKind, SecretKey};

/// A token that has the key in memory.
struct Simulated {
    key: SecretKey,
    is_bare: bool,
    /// Whether it has a fault: the last octet of what it signs is another.
    is_faulty: bool,
}

impl Simulated {
    fn with(key: &SecretKey) -> TokenKey<Self> {
        let token = Self { key: key.clone(), is_bare: true, is_faulty: false };
        TokenKey::new(key.public_key().clone(), token)
    }
}

impl TokenOperations for Simulated {
    fn rsa(&self, number: &[u8]) -> Result<SecretBytes, KeyError> {
        if !self.is_bare {
            return Err(KeyError::Unsuitable);
        }
        let power = self.key.rsa_power(number).ok_or(KeyError::Failed)?;
        let zeros = power.iter().take_while(|octet| **octet == 0).count();
        Ok(SecretBytes::copy_of(&power[zeros..]))
    }

    fn rsa_oaep(&self, parameters: &OaepParameters, ciphertext: &[u8]) -> Result<SecretBytes, KeyError> {
        self.key.decrypt_rsa_oaep(parameters, ciphertext)
    }

    fn rsa_sign_pkcs1(&self, digest_info: &[u8]) -> Result<Vec<u8>, KeyError> {
        let size = self.key.public_key().rsa_modulus().unwrap().len();
        let mut encoded = vec![0xff; size];
        (encoded[0], encoded[1], encoded[size - digest_info.len() - 1]) = (0, 1, 0);
        encoded[size - digest_info.len()..].copy_from_slice(digest_info);
        let mut signature = self.key.rsa_power(&encoded).ok_or(KeyError::Failed)?.to_vec();
        *signature.last_mut().unwrap() ^= u8::from(self.is_faulty);
        Ok(signature)
    }

    fn rsa_sign_pss(&self, hash: DigestAlgorithm, salt: u32, value: &[u8]) -> Result<Vec<u8>, KeyError> {
        let salt = vec![7; salt as usize];
        let bits = self.key.public_key().rsa_modulus().unwrap().len() * 8;
        let encoded = rsa_padding::encode_pss(hash, hash, &salt, value, bits).unwrap();
        Ok(self.key.rsa_power(&encoded).ok_or(KeyError::Failed)?.to_vec())
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        self.key.agree(peer)
    }

    fn ecdsa(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Unsuitable)
    }
}

fn rsa() -> SecretKey {
    SecretKey::generate(KeyKind::Rsa2048, &mut SystemRandom).unwrap()
}

#[test]
fn a_badly_padded_message_gives_the_same_secret_every_time_and_no_error() {
    let key = rsa();
    let message = SecretBytes::new(vec![5; 24]);
    let good = key.public_key().encrypt_rsa_pkcs1(&mut SystemRandom, &message).unwrap();
    assert_eq!(Simulated::with(&key).decrypt_rsa_pkcs1(&good, 24).unwrap().secret.expose(), message.expose());
    let mut changed = good.clone();
    changed[100] ^= 1;
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for (ciphertext, length) in [
        (&changed[..], 24),
        (&good[1..], 24),
        (&[], 24),
        (&vec![0xff; good.len()], 24),
        (&vec![0; good.len()], 24),
        (&good, 16),
        (&good, 32),
    ] {
        // Each time a token that knows nothing of the time before.
        let opened = Simulated::with(&key).decrypt_rsa_pkcs1(ciphertext, length).unwrap();
        let again = Simulated::with(&key).decrypt_rsa_pkcs1(ciphertext, length).unwrap();
        assert_eq!(opened.secret.expose(), opened.rejection.expose());
        assert_eq!(opened.secret.expose(), again.secret.expose());
        assert_eq!(opened.secret.len(), length);
        assert!(!secrets.iter().any(|other| other == opened.secret.expose()));
        secrets.push(opened.secret.expose().to_vec());
    }
    let longer = Simulated::with(&key).decrypt_rsa_pkcs1(&good, good.len() + 1);
    assert_eq!(longer.unwrap_err(), KeyError::Unsuitable);
}

#[test]
fn rejections_of_one_key_say_nothing_of_those_of_another() {
    let (one, other) = (rsa(), rsa());
    let of = |key| Simulated::with(key).decrypt_rsa_pkcs1(&[0; 256], 32).unwrap().rejection;
    assert_ne!(of(&one).expose(), of(&other).expose());
}

#[test]
fn a_token_that_looks_at_the_padding_itself_is_not_asked_for_pkcs1_and_is_for_oaep() {
    let key = rsa();
    let token = Simulated { key: key.clone(), is_bare: false, is_faulty: false };
    let token = TokenKey::new(key.public_key().clone(), token);
    assert_eq!(token.decrypt_rsa_pkcs1(&[0; 256], 24).unwrap_err(), KeyError::Unsuitable);
    for mask_digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha1] {
        let digest = DigestAlgorithm::Sha256;
        let parameters = OaepParameters { digest, mask_digest, label: Vec::new() };
        let message = SecretBytes::new(vec![5; 24]);
        let sealed = key.public_key().encrypt_rsa_oaep(&mut SystemRandom, &parameters, &message).unwrap();
        assert_eq!(token.decrypt_rsa_oaep(&parameters, &sealed).unwrap().expose(), message.expose());
        let bare = Simulated::with(&key).decrypt_rsa_oaep(&parameters, &sealed).unwrap();
        assert_eq!(bare.expose(), message.expose());
        let refused = Simulated::with(&key).decrypt_rsa_oaep(&parameters, &[0; 256]);
        assert_eq!(refused.unwrap_err(), KeyError::Failed);
    }
}

#[test]
fn a_signature_that_does_not_hold_never_leaves() {
    let key = rsa();
    let sha256 = DigestAlgorithm::Sha256;
    let pss = SignatureAlgorithm::RsaPss { digest: sha256, mask_digest: sha256, salt_length: 32 };
    for algorithm in [SignatureAlgorithm::RsaPkcs1(sha256), pss] {
        let signature = Simulated::with(&key).sign(algorithm, b"message").unwrap();
        assert_eq!(key.public_key().verify(algorithm, b"message", &signature), Ok(()));
    }
    let token = Simulated { key: key.clone(), is_bare: true, is_faulty: true };
    let faulty = TokenKey::new(key.public_key().clone(), token);
    assert_eq!(faulty.sign(SignatureAlgorithm::RsaPkcs1(sha256), b"message"), Err(KeyError::Failed));
    let weak = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    assert_eq!(Simulated::with(&key).sign(weak, b"message"), Err(KeyError::Unsuitable));
}

#[test]
fn a_point_that_is_not_on_the_curve_does_not_reach_the_token() {
    let (own, peer) = (KeyKind::P256, KeyKind::P256);
    let [own, peer] = [own, peer].map(|kind| SecretKey::generate(kind, &mut SystemRandom).unwrap());
    let mut point = peer.public_key().raw().unwrap().to_vec();
    let secret = Simulated::with(&own).agree(&point).unwrap();
    assert_eq!(secret.expose(), peer.agree(own.public_key().raw().unwrap()).unwrap().expose());
    *point.last_mut().unwrap() ^= 1;
    assert_eq!(Simulated::with(&own).agree(&point).unwrap_err(), KeyError::Failed);
}
