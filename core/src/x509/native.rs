//! The fast paths of native targets: what aws-lc-rs does, it does several times faster and with
//! its own defences against timing. What it does not do comes back as nothing, and the portable
//! code does it.

use std::sync::OnceLock;

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey as Peer};
use aws_lc_rs::constant_time;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384,
    OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{self, EcdsaKeyPair, RsaEncoding, UnparsedPublicKey, VerificationAlgorithm};
use zeroize::Zeroizing;

use super::algorithm_identifier::{algorithm_der, oid};
use super::curve::Curve;
use super::tlv::{self, tag};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::ports::{KeyError, OaepParameters};
use crate::secret::SecretBytes;

/// Whether an RSA signature holds; `public_key` is a DER RSAPublicKey (RFC 8017, appendix A.1.1).
/// Nothing where the algorithm is not one of aws-lc-rs.
pub(super) fn verify_rsa(
    algorithm: SignatureAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let verification: &'static dyn VerificationAlgorithm = match algorithm {
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length } if digest == mask_digest => {
            match (digest, salt_length) {
                (DigestAlgorithm::Sha256, 32) => &signature::RSA_PSS_2048_8192_SHA256,
                (DigestAlgorithm::Sha384, 48) => &signature::RSA_PSS_2048_8192_SHA384,
                (DigestAlgorithm::Sha512, 64) => &signature::RSA_PSS_2048_8192_SHA512,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(UnparsedPublicKey::new(verification, public_key).verify(message, signature).is_ok())
}

/// PKCS#1 v1.5 encryption; `public_key` as above. Nothing where aws-lc-rs does not take the key.
pub(super) fn encrypt_rsa_pkcs1(public_key: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let key = Pkcs1PublicEncryptingKey::new(encrypting_key(public_key)?).ok()?;
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let length = key.encrypt(secret, &mut ciphertext).ok()?.len();
    ciphertext.truncate(length);
    Some(ciphertext)
}

/// OAEP with one hash for both; nothing for other parameters and keys.
pub(super) fn encrypt_rsa_oaep(
    public_key: &[u8],
    parameters: &OaepParameters,
    secret: &[u8],
) -> Option<Vec<u8>> {
    let algorithm = oaep(parameters)?;
    let key = OaepPublicEncryptingKey::new(encrypting_key(public_key)?).ok()?;
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let length = key.encrypt(algorithm, secret, &mut ciphertext, label(parameters)).ok()?.len();
    ciphertext.truncate(length);
    Some(ciphertext)
}

fn encrypting_key(public_key: &[u8]) -> Option<PublicEncryptingKey> {
    let algorithm = algorithm_der(oid::RSA_ENCRYPTION, &[tag::NULL, 0]);
    PublicEncryptingKey::from_der(&tlv::sequence(&[&algorithm, &tlv::bit_string(public_key)])).ok()
}

/// Whether an ECDSA signature holds, whose DER was found strict before.
pub(super) fn verify_ecdsa(
    curve: Curve,
    digest: DigestAlgorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let verification = match (curve, digest) {
        (Curve::P256, DigestAlgorithm::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, DigestAlgorithm::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, DigestAlgorithm::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, DigestAlgorithm::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, DigestAlgorithm::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, DigestAlgorithm::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, DigestAlgorithm::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, DigestAlgorithm::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, DigestAlgorithm::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    };
    Some(UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok())
}

/// An ECDSA signature in DER with the digest that belongs to the curve.
pub(super) fn sign_ecdsa(
    curve: Curve,
    digest: DigestAlgorithm,
    scalar: &[u8],
    point: &[u8],
    message: &[u8],
) -> Option<Vec<u8>> {
    let algorithm = match (curve, digest) {
        (Curve::P256, DigestAlgorithm::Sha256) => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        (Curve::P384, DigestAlgorithm::Sha384) => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        (Curve::P521, DigestAlgorithm::Sha512) => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return None,
    };
    let key = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point).ok()?;
    Some(key.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec())
}

/// The uncompressed public point of a scalar that was found in range before.
pub(super) fn public_point(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>> {
    let key = agreement::PrivateKey::from_private_key(ecdh(curve), scalar).ok()?;
    Some(key.compute_public_key().ok()?.as_ref().to_vec())
}

const fn ecdh(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &ECDH_P256,
        Curve::P384 => &ECDH_P384,
        Curve::P521 => &ECDH_P521,
    }
}

/// ECDH: the x-coordinate. The peer's point is checked to be on the curve.
pub(super) fn agree(curve: Curve, scalar: &[u8], peer: &[u8]) -> Option<SecretBytes> {
    let algorithm = ecdh(curve);
    let key = agreement::PrivateKey::from_private_key(algorithm, scalar).ok()?;
    agreement::agree(&key, Peer::new(algorithm, peer), (), |secret| Ok(SecretBytes::copy_of(secret))).ok()
}

/// What is compared to take as many instructions after bad padding as after good padding.
const BALANCE: [u8; 580] = [0; 580];

/// An RSA key that aws-lc-rs uses: 2048 to 8192 bits.
pub(super) struct RsaSecret {
    pkcs8: SecretBytes,
    transport: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    // Reading a key checks it, which costs a quarter of a decryption: this is made when it is used.
    signing: OnceLock<Option<RsaKeyPair>>,
}

impl RsaSecret {
    /// From PKCS#8; nothing where aws-lc-rs does not take the key.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?;
        Some(Self {
            pkcs8: SecretBytes::copy_of(pkcs8),
            // A clone is the same key, counted twice.
            transport: Pkcs1PrivateDecryptingKey::new(key.clone()).ok()?,
            oaep: OaepPrivateDecryptingKey::new(key).ok()?,
            signing: OnceLock::new(),
        })
    }

    fn signing(&self) -> Option<&RsaKeyPair> {
        self.signing.get_or_init(|| RsaKeyPair::from_pkcs8(self.pkcs8.expose()).ok()).as_ref()
    }

    /// The message of a PKCS#1 v1.5 ciphertext in a buffer as long as the modulus, and the length of the message; a
    /// length that none has where the padding is bad.
    ///
    /// Both take the same steps (`scripts/long/instruction-counts` counts them): a sender who can tell them
    /// apart by their time decrypts what he likes (RFC 3218).
    pub(super) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> (Zeroizing<Vec<u8>>, u64) {
        let mut plaintext = Zeroizing::new(vec![0; self.transport.min_output_size()]);
        let length = self.transport.decrypt(ciphertext, &mut plaintext).map(|message| message.len() as u64);
        // Of bad padding aws-lc notes an error, and here it does so of a key that is none. That takes a little
        // longer than the former: as long as a comparison of so many octets.
        match length {
            Ok(_) => drop(PublicEncryptingKey::from_der(&[])),
            Err(_) => drop(constant_time::verify_slices_are_equal(&BALANCE, &BALANCE)),
        }
        (plaintext, length.unwrap_or(u64::MAX))
    }

    /// OAEP with one hash for both; nothing for other parameters.
    pub(super) fn decrypt_oaep(
        &self,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Option<Result<SecretBytes, KeyError>> {
        let algorithm = oaep(parameters)?;
        let mut plaintext = Zeroizing::new(vec![0; self.oaep.min_output_size()]);
        let decrypted = self.oaep.decrypt(algorithm, ciphertext, &mut plaintext, label(parameters));
        Some(decrypted.map(|secret| SecretBytes::copy_of(secret)).map_err(|_| KeyError::Failed))
    }

    /// A signature, or nothing for an algorithm that aws-lc-rs does not make.
    pub(super) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        let encoding = signing(algorithm)?;
        let key = self.signing()?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

fn label(parameters: &OaepParameters) -> Option<&[u8]> {
    (!parameters.label.is_empty()).then_some(parameters.label.as_slice())
}

fn oaep(parameters: &OaepParameters) -> Option<&'static OaepAlgorithm> {
    if parameters.digest != parameters.mask_digest {
        return None;
    }
    match parameters.digest {
        DigestAlgorithm::Sha1 => Some(&OAEP_SHA1_MGF1SHA1),
        DigestAlgorithm::Sha256 => Some(&OAEP_SHA256_MGF1SHA256),
        DigestAlgorithm::Sha384 => Some(&OAEP_SHA384_MGF1SHA384),
        DigestAlgorithm::Sha512 => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    }
}

fn signing(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256) => Some(&signature::RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384) => Some(&signature::RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512) => Some(&signature::RSA_PKCS1_SHA512),
        SignatureAlgorithm::RsaPss { digest, mask_digest, salt_length } if digest == mask_digest => {
            match (digest, salt_length) {
                (DigestAlgorithm::Sha256, 32) => Some(&signature::RSA_PSS_SHA256),
                (DigestAlgorithm::Sha384, 48) => Some(&signature::RSA_PSS_SHA384),
                (DigestAlgorithm::Sha512, 64) => Some(&signature::RSA_PSS_SHA512),
                _ => None,
            }
        }
        _ => None,
    }
}
