//! Password-based encryption of every generation: PBES1 and PBES2 (RFC 8018) and the schemes of
//! RFC 7292, appendix C.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use der::Sequence;
use der::asn1::OctetStringRef;
use spki::AlgorithmIdentifierRef;

use super::Pkcs12Error;
use super::derivation::{self, Budget, Purpose};
use super::passphrase::Passphrase;
use super::structure::malformed;
use crate::algorithm::DigestAlgorithm;
use crate::secret::SecretBytes;

const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
pub(super) const SHA1_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
const RC2_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.2");
const DES_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.7");

/// A cipher with everything but its key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cipher {
    Aes(usize),
    TripleDes,
    TripleDesTwoKeys,
    Des,
    Rc2 { key_length: usize, effective_bits: usize },
    Rc4 { key_length: usize },
}

impl Cipher {
    fn key_length(&self) -> usize {
        match self {
            Self::Aes(length) => *length,
            Self::TripleDes => 24,
            Self::TripleDesTwoKeys => 16,
            Self::Des => 8,
            Self::Rc2 { key_length, .. } | Self::Rc4 { key_length } => *key_length,
        }
    }
}

/// Decrypts with each form of the passphrase until one fits and `is_plausible` agrees.
///
/// A wrong passphrase shows as wrong padding; one in 256 passes that, hence the second look.
pub(super) fn decrypt(
    algorithm: &AlgorithmIdentifierRef<'_>,
    ciphertext: &[u8],
    passphrase: &Passphrase,
    budget: &mut Budget,
    is_plausible: impl Fn(&[u8]) -> bool,
) -> Result<SecretBytes, Pkcs12Error> {
    let scheme = Scheme::read(algorithm)?;
    for form in scheme.forms(passphrase) {
        let (cipher, key, vector) = scheme.derive(form, budget)?;
        let plaintext = decrypt_with(&cipher, key.expose(), vector.expose(), ciphertext)?;
        if let Some(plaintext) = plaintext.filter(|plaintext| is_plausible(plaintext.expose())) {
            return Ok(plaintext);
        }
    }
    Err(Pkcs12Error::WrongPassphrase)
}

/// An encryption scheme with its parameters.
enum Scheme<'a> {
    /// RFC 7292, appendix C: SHA-1, and a key and vector by appendix B.
    Pkcs12(Cipher, SaltAndIterations<'a>),
    /// RFC 8018, section 6.1.
    Pbes1(DigestAlgorithm, Cipher, SaltAndIterations<'a>),
    /// RFC 8018, section 6.2.
    Pbes2(Derivation<'a>, Cipher, &'a [u8]),
}

impl<'a> Scheme<'a> {
    fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Pkcs12Error> {
        use DigestAlgorithm::{Md5, Sha1};
        let rc2 = |key_length, effective_bits| Cipher::Rc2 { key_length, effective_bits };
        let name = algorithm.oid.to_string();
        let old = match name.as_str() {
            "1.2.840.113549.1.5.13" => return Self::read_pbes2(algorithm),
            "1.2.840.113549.1.12.1.1" => Ok(Cipher::Rc4 { key_length: 16 }),
            "1.2.840.113549.1.12.1.2" => Ok(Cipher::Rc4 { key_length: 5 }),
            "1.2.840.113549.1.12.1.3" => Ok(Cipher::TripleDes),
            "1.2.840.113549.1.12.1.4" => Ok(Cipher::TripleDesTwoKeys),
            "1.2.840.113549.1.12.1.5" => Ok(rc2(16, 128)),
            "1.2.840.113549.1.12.1.6" => Ok(rc2(5, 40)),
            "1.2.840.113549.1.5.3" => Err((Md5, Cipher::Des)),
            "1.2.840.113549.1.5.6" => Err((Md5, rc2(8, 64))),
            "1.2.840.113549.1.5.10" => Err((Sha1, Cipher::Des)),
            "1.2.840.113549.1.5.11" => Err((Sha1, rc2(8, 64))),
            _ => return Err(Pkcs12Error::Unsupported { what: name }),
        };
        let parameters = algorithm.parameters.ok_or(malformed("PBEParameter"))?;
        let parameters = parameters.decode_as().map_err(|_| malformed("PBEParameter"))?;
        Ok(match old {
            Ok(cipher) => Self::Pkcs12(cipher, parameters),
            Err((digest, cipher)) => Self::Pbes1(digest, cipher, parameters),
        })
    }

    fn read_pbes2(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Pkcs12Error> {
        let parameters = algorithm.parameters.ok_or(malformed("PBES2-params"))?;
        let parameters: Pbes2Parameters<'a> =
            parameters.decode_as().map_err(|_| malformed("PBES2-params"))?;
        let derivation = Derivation::read(&parameters.derivation)?;
        let (cipher, vector) = read_cipher(&parameters.encryption, derivation.key_length())?;
        if derivation.key_length().is_some_and(|length| length != cipher.key_length()) {
            return Err(malformed("PBES2-params"));
        }
        Ok(Self::Pbes2(derivation, cipher, vector))
    }

    fn forms<'p>(&self, passphrase: &'p Passphrase) -> &'p [SecretBytes] {
        match self {
            Self::Pkcs12(..) => passphrase.terminated(),
            Self::Pbes1(..) | Self::Pbes2(..) => passphrase.plain(),
        }
    }

    /// Cipher, key and initialization vector for one form of the passphrase.
    fn derive(
        &self,
        passphrase: &SecretBytes,
        budget: &mut Budget,
    ) -> Result<(Cipher, SecretBytes, SecretBytes), Pkcs12Error> {
        match self {
            Self::Pkcs12(cipher, parameters) => {
                let mut derive = |purpose, length| {
                    let salt = parameters.salt.as_bytes();
                    let sha1 = DigestAlgorithm::Sha1;
                    derivation::derive(sha1, purpose, passphrase, salt, parameters.iterations, length, budget)
                };
                let key = derive(Purpose::Key, cipher.key_length())?;
                let vector = match cipher {
                    Cipher::Rc4 { .. } => SecretBytes::new(Vec::new()),
                    _ => derive(Purpose::InitializationVector, 8)?,
                };
                Ok((cipher.clone(), key, vector))
            }
            Self::Pbes1(digest, cipher, parameters) => {
                let salt = parameters.salt.as_bytes();
                let derived = derivation::pbkdf1(*digest, passphrase, salt, parameters.iterations, budget)?;
                let (key, vector) = derived.expose().split_at_checked(8).ok_or(malformed("PBEParameter"))?;
                Ok((cipher.clone(), SecretBytes::copy_of(key), SecretBytes::copy_of(vector)))
            }
            Self::Pbes2(derivation, cipher, vector) => {
                let key = derivation.derive(passphrase, cipher.key_length(), budget)?;
                Ok((cipher.clone(), key, SecretBytes::copy_of(vector)))
            }
        }
    }
}

/// RFC 8018, appendix A.3, and RFC 7292, appendix C.
#[derive(Sequence)]
struct SaltAndIterations<'a> {
    salt: &'a OctetStringRef,
    iterations: u32,
}

/// RFC 8018, appendix A.4.
#[derive(Sequence)]
struct Pbes2Parameters<'a> {
    derivation: AlgorithmIdentifierRef<'a>,
    encryption: AlgorithmIdentifierRef<'a>,
}

/// How PBES2 makes its key.
enum Derivation<'a> {
    Pbkdf2(Pbkdf2<'a>),
    Scrypt(ScryptParameters<'a>),
}

impl<'a> Derivation<'a> {
    fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Pkcs12Error> {
        if algorithm.oid != SCRYPT {
            return Pbkdf2::read(algorithm).map(Self::Pbkdf2);
        }
        let parameters = algorithm.parameters.ok_or(malformed("scrypt-params"))?;
        let parameters = parameters.decode_as().map_err(|_| malformed("scrypt-params"))?;
        Ok(Self::Scrypt(parameters))
    }

    fn key_length(&self) -> Option<usize> {
        match self {
            Self::Pbkdf2(parameters) => parameters.key_length,
            Self::Scrypt(parameters) => parameters.key_length.map(usize::from),
        }
    }

    fn derive(
        &self,
        passphrase: &SecretBytes,
        length: usize,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Pkcs12Error> {
        match self {
            Self::Pbkdf2(parameters) => parameters.derive(passphrase, length, budget),
            Self::Scrypt(parameters) => derivation::scrypt(
                passphrase,
                parameters.salt.as_bytes(),
                parameters.cost,
                parameters.block_size,
                parameters.parallelization,
                length,
            ),
        }
    }
}

/// RFC 7914, section 7.1.
#[derive(Sequence)]
struct ScryptParameters<'a> {
    salt: &'a OctetStringRef,
    cost: u64,
    block_size: u32,
    parallelization: u32,
    key_length: Option<u16>,
}

/// PBKDF2 with its parameters (RFC 8018, appendix A.2).
pub(crate) struct Pbkdf2<'a> {
    salt: &'a [u8],
    pub(crate) iterations: u32,
    pub(crate) digest: DigestAlgorithm,
    /// Where it is given.
    pub(crate) key_length: Option<usize>,
}

#[derive(Sequence)]
struct Pbkdf2Parameters<'a> {
    salt: &'a OctetStringRef,
    iterations: u32,
    key_length: Option<u16>,
    function: Option<AlgorithmIdentifierRef<'a>>,
}

impl<'a> Pbkdf2<'a> {
    pub(crate) fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Pkcs12Error> {
        if algorithm.oid != PBKDF2 {
            return Err(Pkcs12Error::Unsupported { what: algorithm.oid.to_string() });
        }
        let parameters = algorithm.parameters.ok_or(malformed("PBKDF2-params"))?;
        let parameters: Pbkdf2Parameters<'a> =
            parameters.decode_as().map_err(|_| malformed("PBKDF2-params"))?;
        Ok(Self {
            salt: parameters.salt.as_bytes(),
            iterations: parameters.iterations,
            digest: parameters.function.as_ref().map_or(Ok(DigestAlgorithm::Sha1), hmac_digest)?,
            key_length: parameters.key_length.map(usize::from),
        })
    }

    pub(crate) fn derive(
        &self,
        passphrase: &SecretBytes,
        length: usize,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Pkcs12Error> {
        derivation::pbkdf2(self.digest, passphrase, self.salt, self.iterations, length, budget)
    }
}

/// The digest of an HMAC (RFC 8018, appendix B.1); its parameters are NULL or absent.
pub(super) fn hmac_digest(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<DigestAlgorithm, Pkcs12Error> {
    if algorithm.parameters.is_some_and(|parameters| !parameters.is_null()) {
        return Err(malformed("HMAC parameters"));
    }
    match algorithm.oid.to_string().as_str() {
        "1.2.840.113549.2.7" => Ok(DigestAlgorithm::Sha1),
        "1.2.840.113549.2.8" => Ok(DigestAlgorithm::Sha224),
        "1.2.840.113549.2.9" => Ok(DigestAlgorithm::Sha256),
        "1.2.840.113549.2.10" => Ok(DigestAlgorithm::Sha384),
        "1.2.840.113549.2.11" => Ok(DigestAlgorithm::Sha512),
        other => Err(Pkcs12Error::Unsupported { what: other.to_owned() }),
    }
}

/// The cipher of PBES2 and its initialization vector (RFC 8018, appendix B.2; RFC 3565).
fn read_cipher<'a>(
    algorithm: &AlgorithmIdentifierRef<'a>,
    key_length: Option<usize>,
) -> Result<(Cipher, &'a [u8]), Pkcs12Error> {
    let cipher = match algorithm.oid {
        rfc5911::ID_AES_128_CBC => Cipher::Aes(16),
        rfc5911::ID_AES_192_CBC => Cipher::Aes(24),
        rfc5911::ID_AES_256_CBC => Cipher::Aes(32),
        rfc5911::DES_EDE_3_CBC => Cipher::TripleDes,
        DES_CBC => Cipher::Des,
        RC2_CBC => return read_rc2(algorithm, key_length),
        other => return Err(Pkcs12Error::Unsupported { what: other.to_string() }),
    };
    let vector = algorithm.parameters.ok_or(malformed("PBES2-params"))?;
    let vector: &OctetStringRef = vector.decode_as().map_err(|_| malformed("PBES2-params"))?;
    Ok((cipher, vector.as_bytes()))
}

/// RFC 8018, appendix B.2.3.
#[derive(Sequence)]
struct Rc2Parameters<'a> {
    version: Option<u32>,
    vector: &'a OctetStringRef,
}

fn read_rc2<'a>(
    algorithm: &AlgorithmIdentifierRef<'a>,
    key_length: Option<usize>,
) -> Result<(Cipher, &'a [u8]), Pkcs12Error> {
    let parameters = algorithm.parameters.ok_or(malformed("RC2-CBC-Parameter"))?;
    let parameters: Rc2Parameters<'a> = parameters.decode_as().map_err(|_| malformed("RC2-CBC-Parameter"))?;
    let effective_bits = match parameters.version {
        None => 32,
        Some(160) => 40,
        Some(120) => 64,
        Some(58) => 128,
        Some(other) => return Err(Pkcs12Error::Unsupported { what: format!("RC2 version {other}") }),
    };
    let key_length = key_length.unwrap_or(effective_bits / 8);
    if !(1..=128).contains(&key_length) {
        return Err(malformed("PBES2-params"));
    }
    Ok((Cipher::Rc2 { key_length, effective_bits }, parameters.vector.as_bytes()))
}

/// Nothing where the padding is wrong.
fn decrypt_with(
    cipher: &Cipher,
    key: &[u8],
    vector: &[u8],
    ciphertext: &[u8],
) -> Result<Option<SecretBytes>, Pkcs12Error> {
    match cipher {
        Cipher::Aes(16) => cbc(aes::Aes128Dec::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::Aes(24) => cbc(aes::Aes192Dec::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::Aes(_) => cbc(aes::Aes256Dec::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::TripleDes => cbc(des::TdesEde3::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::TripleDesTwoKeys => cbc(des::TdesEde2::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::Des => cbc(des::Des::new_from_slice(key).ok(), vector, ciphertext),
        Cipher::Rc2 { effective_bits, .. } => {
            cbc(Some(rc2::Rc2::new_with_eff_key_len(key, *effective_bits)), vector, ciphertext)
        }
        Cipher::Rc4 { .. } => Ok(Some(SecretBytes::new(rc4(key, ciphertext)))),
    }
}

fn cbc<C: BlockCipherDecrypt>(
    cipher: Option<C>,
    vector: &[u8],
    ciphertext: &[u8],
) -> Result<Option<SecretBytes>, Pkcs12Error> {
    let mode = cipher.and_then(|cipher| cbc::Decryptor::inner_iv_slice_init(cipher, vector).ok());
    let mode = mode.ok_or(malformed("encryption parameters"))?;
    let mut buffer = zeroize::Zeroizing::new(ciphertext.to_vec());
    let plaintext = mode.decrypt_padded::<Pkcs7>(&mut buffer);
    Ok(plaintext.ok().map(SecretBytes::copy_of))
}

/// RC4 as everyone knows it; it has no standard to cite. Only the oldest files have it.
fn rc4(key: &[u8], input: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut other = 0u8;
    for (index, &byte) in (0..=255u8).zip(key.iter().cycle()) {
        other = other.wrapping_add(state[usize::from(index)]).wrapping_add(byte);
        state.swap(usize::from(index), usize::from(other));
    }
    let (mut index, mut other) = (0u8, 0u8);
    let keystream = std::iter::repeat_with(|| {
        index = index.wrapping_add(1);
        other = other.wrapping_add(state[usize::from(index)]);
        state.swap(usize::from(index), usize::from(other));
        state[usize::from(state[usize::from(index)].wrapping_add(state[usize::from(other)]))]
    });
    input.iter().zip(keystream).map(|(byte, key)| byte ^ key).collect()
}

/// Whether these octets look like the DER or BER that was encrypted: one SEQUENCE.
pub(super) fn is_sequence(plaintext: &[u8]) -> bool {
    plaintext.first() == Some(&0x30) && crate::der::to_der(plaintext).is_ok()
}
