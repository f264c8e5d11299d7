//! Keys that are the same in every run, and what can be done with them outside of every rule.

use p256::ecdsa::signature::Signer as _;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, RsaPrivateKey};

use crate::asn1::{algorithm, bits, explicit, integer, null, number, octets, oid, seq, tag, tlv};
use crate::primitives::{Stream, derived, mgf1, sha1, sha256};

pub(crate) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(crate) const SHA1: &str = "1.3.14.3.2.26";
pub(crate) const MD5: &str = "1.2.840.113549.2.5";
pub(crate) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub(crate) const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
pub(crate) const RSA_SHA1: &str = "1.2.840.113549.1.1.5";
pub(crate) const RSA_MD5: &str = "1.2.840.113549.1.1.4";
pub(crate) const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";

/// A secret key.
#[derive(Clone)]
pub(crate) enum Key {
    /// The scalar of a key on P-256.
    P256(Vec<u8>),
    X25519(Vec<u8>),
    Rsa(Box<RsaPrivateKey>),
}

impl Key {
    pub(crate) fn p256(label: &str) -> Self {
        Self::P256(derived(&format!("P-256 key of {label}"), 32))
    }

    pub(crate) fn x25519(label: &str) -> Self {
        Self::X25519(derived(&format!("X25519 key of {label}"), 32))
    }

    pub(crate) fn rsa(label: &str, bits: usize, exponent: u64) -> Self {
        let mut random = Stream::new(&format!("RSA key of {label}"));
        let exponent = BoxedUint::from(exponent);
        Self::Rsa(Box::new(RsaPrivateKey::new_with_exp(&mut random, bits, exponent).expect("a key")))
    }

    pub(crate) fn rsa_key(&self) -> &RsaPrivateKey {
        match self {
            Self::Rsa(key) => key,
            _ => panic!("no RSA key"),
        }
    }

    fn signing(scalar: &[u8]) -> p256::ecdsa::SigningKey {
        p256::ecdsa::SigningKey::from_slice(scalar).expect("a scalar")
    }

    /// The point, the 32 octets, or the RSAPublicKey.
    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(scalar) => {
                Self::signing(scalar).verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }
            Self::X25519(secret) => {
                let secret: [u8; 32] = secret.clone().try_into().expect("32 octets");
                x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(secret)).as_bytes().to_vec()
            }
            Self::Rsa(key) => seq(&[&integer(&key.n().to_be_bytes()), &integer(&key.e().to_be_bytes())]),
        }
    }

    /// The SubjectPublicKeyInfo.
    pub(crate) fn public_key_info(&self) -> Vec<u8> {
        let identifier = match self {
            Self::P256(_) => algorithm(EC_PUBLIC_KEY, &oid(P256)),
            Self::X25519(_) => algorithm("1.3.101.110", &[]),
            Self::Rsa(_) => algorithm(RSA_ENCRYPTION, &null()),
        };
        seq(&[&identifier, &bits(&self.public())])
    }

    /// The subjectKeyIdentifier.
    pub(crate) fn identifier(&self) -> Vec<u8> {
        sha1(&self.public())
    }

    pub(crate) fn pkcs8(&self) -> Vec<u8> {
        match self {
            Self::P256(scalar) => {
                let public = explicit(1, &bits(&self.public()));
                let key = seq(&[&number(1), &octets(scalar), &public]);
                seq(&[&number(0), &algorithm(EC_PUBLIC_KEY, &oid(P256)), &octets(&key)])
            }
            Self::X25519(secret) => {
                seq(&[&number(0), &algorithm("1.3.101.110", &[]), &octets(&octets(secret))])
            }
            Self::Rsa(key) => key.to_pkcs8_der().expect("a key").as_bytes().to_vec(),
        }
    }

    /// What the key says of an algorithm when it signs as it should.
    pub(crate) fn usual(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => algorithm(RSA_SHA256, &null()),
            _ => algorithm(ECDSA_SHA256, &[]),
        }
    }

    /// ECDSA as in RFC 6979, or PKCS#1 v1.5; both give the same signature in every run.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(scalar) => {
                let signature: p256::ecdsa::Signature = Self::signing(scalar).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::Rsa(_) => self.sign_info(&digest_info(SHA256, &null(), &sha256(message))),
            Self::X25519(_) => panic!("X25519 does not sign"),
        }
    }

    /// PKCS#1 v1.5 around these octets, whatever they are.
    pub(crate) fn sign_info(&self, info: &[u8]) -> Vec<u8> {
        let size = self.rsa_key().size();
        let block = [&[0, 1][..], &vec![0xff; size - info.len() - 3], &[0], info].concat();
        self.raw_secret(&block)
    }

    /// The RSA secret operation on any block.
    pub(crate) fn raw_secret(&self, block: &[u8]) -> Vec<u8> {
        let key = self.rsa_key();
        let number = BoxedUint::from_be_slice(block, key.n().bits_precision()).expect("a number");
        let none: Option<&mut Stream> = None;
        let result = rsa::hazmat::rsa_decrypt(none, key, &number).expect("an operation");
        let octets = result.to_be_bytes();
        octets[octets.len() - key.size()..].to_vec()
    }

    /// The RSA public operation on any block.
    pub(crate) fn raw_public(&self, block: &[u8]) -> Vec<u8> {
        let key = self.rsa_key();
        let number = BoxedUint::from_be_slice(block, key.n().bits_precision()).expect("a number");
        let result = rsa::hazmat::rsa_encrypt(key, &number).expect("an operation");
        let octets = result.to_be_bytes();
        octets[octets.len() - key.size()..].to_vec()
    }

    /// PSS with SHA-256 and a salt of any length; the mask with either digest.
    pub(crate) fn sign_pss(&self, mask: fn(&[u8]) -> Vec<u8>, message: &[u8], salt: usize) -> Vec<u8> {
        let size = self.rsa_key().size();
        let salt = derived("salt", salt);
        let hash = sha256(&[&[0; 8][..], &sha256(message), &salt].concat());
        let mut block = vec![0; size - hash.len() - 2 - salt.len()];
        block.push(1);
        block.extend(&salt);
        let masks = mgf1(mask, &hash, block.len());
        block.iter_mut().zip(masks).for_each(|(octet, mask)| *octet ^= mask);
        block[0] &= 0x7f;
        self.raw_secret(&[&block[..], &hash, &[0xbc]].concat())
    }

    /// Diffie-Hellman with a public key.
    pub(crate) fn agree(&self, peer: &Self) -> Vec<u8> {
        match (self, peer) {
            (Self::P256(scalar), Self::P256(_)) => {
                let secret = p256::SecretKey::from_slice(scalar).expect("a scalar");
                let peer = p256::PublicKey::from_sec1_bytes(&peer.public()).expect("a point");
                let agreed = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
                agreed.raw_secret_bytes().to_vec()
            }
            (Self::X25519(secret), Self::X25519(_)) => {
                let array = |octets: Vec<u8>| <[u8; 32]>::try_from(octets).expect("32 octets");
                let peer = x25519_dalek::PublicKey::from(array(peer.public()));
                let secret = x25519_dalek::StaticSecret::from(array(secret.clone()));
                secret.diffie_hellman(&peer).as_bytes().to_vec()
            }
            _ => panic!("keys of two kinds"),
        }
    }
}

/// A DigestInfo (RFC 8017, section 9.2).
pub(crate) fn digest_info(digest: &str, parameters: &[u8], value: &[u8]) -> Vec<u8> {
    seq(&[&algorithm(digest, parameters), &octets(value)])
}

/// PKCS#1 v1.5 encryption padding with these non-zero octets in front of the message.
pub(crate) fn pkcs1_block(size: usize, message: &[u8]) -> Vec<u8> {
    let padding: Vec<u8> =
        derived("padding", size - message.len() - 3).into_iter().map(|octet| octet.max(1)).collect();
    [&[0, 2][..], &padding, &[0], message].concat()
}

/// OAEP with SHA-256 for both purposes and no label (RFC 8017, section 7.1.1), with a say in the
/// data block before it is masked.
pub(crate) fn oaep_block(size: usize, message: &[u8], spoil: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut data = sha256(&[]);
    data.resize(size - 33 - message.len() - 1, 0);
    data.push(1);
    data.extend(message);
    spoil(&mut data);
    let mut seed = derived("seed", 32);
    let masks = mgf1(sha256, &seed, data.len());
    data.iter_mut().zip(masks).for_each(|(octet, mask)| *octet ^= mask);
    let masks = mgf1(sha256, &data, 32);
    seed.iter_mut().zip(masks).for_each(|(octet, mask)| *octet ^= mask);
    [&[0][..], &seed, &data].concat()
}

/// A PEM block.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der, "\n");
    format!("-----BEGIN {label}-----\n{text}-----END {label}-----\n")
}

/// Base64 in lines of 64.
pub(crate) fn base64(octets: &[u8], line_end: &str) -> String {
    let text = base64_simd::STANDARD.encode_to_string(octets);
    let lines = text.as_bytes().chunks(64);
    lines.map(|line| String::from_utf8_lossy(line).into_owned() + line_end).collect()
}

/// UTCTime
pub(crate) fn utc_time(text: &str) -> Vec<u8> {
    tlv(tag::UTC_TIME, &[text.as_bytes()])
}
