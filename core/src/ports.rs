//! What the caller brings: secret keys, randomness, bytes that can be read twice.

use std::fmt;
use std::io::{Read, Seek, Write};

use crate::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use crate::fingerprint::Fingerprint;
use crate::secret::SecretBytes;

/// Unpredictable bytes: the operating system's generator, or a fixed stream in a test.
pub trait Random {
    /// Fills all of `bytes`. There is no failure: a caller without randomness must not start.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Bytes that can be read more than once: a file, a buffer, a spool.
pub trait Source: Read + Seek {}
impl<T: Read + Seek + ?Sized> Source for T {}

/// A place for content that is too large for memory; what it writes to disk is encrypted.
pub trait Spools {
    /// A new, empty spool.
    ///
    /// # Errors
    /// Whatever the system says when no file can be made.
    fn create(&self) -> std::io::Result<Box<dyn Spool>>;
}

/// One spool: first written, then read.
pub trait Spool: Write {
    /// Ends the writing; the result reads from the first byte.
    ///
    /// # Errors
    /// Whatever the system says when what was written cannot be kept.
    fn into_source(self: Box<Self>) -> std::io::Result<Box<dyn Source>>;
}

/// Spools in memory, for small content and for callers without a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemorySpools;

impl Spools for MemorySpools {
    fn create(&self) -> std::io::Result<Box<dyn Spool>> {
        Ok(Box::new(MemorySpool(SecretVec::default())))
    }
}

#[derive(Default)]
struct SecretVec(zeroize::Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for SecretVec {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

struct MemorySpool(SecretVec);

impl Write for MemorySpool {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Spool for MemorySpool {
    fn into_source(self: Box<Self>) -> std::io::Result<Box<dyn Source>> {
        Ok(Box::new(std::io::Cursor::new(self.0)))
    }
}

/// How a CMS object names the key it is sealed to or signed by (RFC 5652, sections 5.3 and 6.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// By the certificate: its issuer and serial number.
    IssuerAndSerialNumber {
        /// DER of the issuer's Name.
        issuer: Vec<u8>,
        /// Content octets of the serial number's INTEGER.
        serial_number: Vec<u8>,
    },
    /// By the subject key identifier.
    KeyIdentifier(Vec<u8>),
}

/// The public half of a secret key that we hold.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// Of its SubjectPublicKeyInfo.
    pub fingerprint: Fingerprint,
    /// Kind and strength.
    pub algorithm: KeyAlgorithm,
    /// DER of its SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// DER of every certificate that was ever issued for it, newest first.
    pub certificates: Vec<Vec<u8>>,
    /// Every name by which a CMS object may call it: both forms for each certificate, and the
    /// SHA-1 key identifier of the bare key (RFC 5280, section 4.2.1.2, method 1).
    pub names: Vec<KeyName>,
    /// Whether the secret half cannot be used now because its store is locked.
    pub locked: bool,
    /// Whether the secret half is on a token, which is spoken to only where a message names the key: it may
    /// have to be inserted, asks for a PIN, and takes its time.
    pub on_token: bool,
}

/// Padding of RSA decryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OaepParameters {
    /// Digest of the label.
    pub digest: DigestAlgorithm,
    /// Digest of the mask generation function MGF1.
    pub mask_digest: DigestAlgorithm,
    /// The label, mostly empty.
    pub label: Vec<u8>,
}

/// What RSAES-PKCS1-v1_5 gives with implicit rejection (RFC 3218): some secret, always.
#[derive(Clone, Debug)]
pub struct RsaTransported {
    /// The message, or the same as `rejection` where padding or length are wrong.
    pub secret: SecretBytes,
    /// What stands in for a message. Whoever compares the two answers an attacker's question, so
    /// only where a person had keys tried is that done.
    pub rejection: SecretBytes,
}

/// Why a secret key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// No such key is held.
    Absent,
    /// The key is held, but its store is locked.
    Locked,
    /// The key cannot do this: an RSA operation with an EC key, say.
    Unsuitable,
    /// The operation failed on what was given to it.
    Failed,
}

impl fmt::Display for KeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "no such key is held",
            Self::Locked => "the key's store is locked",
            Self::Unsuitable => "the key cannot do this",
            Self::Failed => "the operation failed",
        })
    }
}

impl std::error::Error for KeyError {}

/// Operations with secret keys. The keys themselves never come out.
pub trait SecretKeys {
    /// Every key that is held, locked ones included.
    fn held(&self) -> &[HeldKey];

    /// Every held key that a CMS object may mean by this name. Whoever holds many keys keeps an index,
    /// so that no message costs more because there are more keys.
    fn named(&self, name: &KeyName) -> Vec<&HeldKey> {
        self.held().iter().filter(|key| key.names.contains(name)).collect()
    }

    /// RSAES-PKCS1-v1_5 (RFC 8017, section 7.2.2) with implicit rejection (RFC 3218): whatever is
    /// wrong with padding or length, a secret of `length` bytes comes back that follows from key
    /// and ciphertext. It is the same every time, and nothing tells the difference.
    ///
    /// # Errors
    /// Only for what is public: [`KeyError::Absent`], [`KeyError::Locked`], and
    /// [`KeyError::Unsuitable`] for another kind of key and for a length beyond that of the modulus.
    fn decrypt_rsa_pkcs1(
        &self,
        key: &Fingerprint,
        ciphertext: &[u8],
        length: usize,
    ) -> Result<RsaTransported, KeyError>;

    /// RSAES-OAEP (RFC 8017, section 7.1.2).
    ///
    /// # Errors
    /// As said at [`KeyError`]; every failure of the padding is [`KeyError::Failed`].
    fn decrypt_rsa_oaep(
        &self,
        key: &Fingerprint,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError>;

    /// Diffie-Hellman: the x-coordinate for NIST curves (RFC 5753, section 3.1), the shared
    /// secret for X25519 (RFC 8418). `peer` is the public point in uncompressed form, or the 32
    /// bytes of X25519.
    ///
    /// # Errors
    /// [`KeyError::Failed`] for a point that is not on the curve and for an all-zero secret.
    fn agree(&self, key: &Fingerprint, peer: &[u8]) -> Result<SecretBytes, KeyError>;

    /// ML-KEM decapsulation (FIPS 203); it never fails on a ciphertext of the right length.
    ///
    /// # Errors
    /// [`KeyError::Failed`] for a ciphertext of a wrong length.
    fn decapsulate(&self, key: &Fingerprint, ciphertext: &[u8]) -> Result<SecretBytes, KeyError>;

    /// Signs `message` (which is digested here); ECDSA signatures are DER `ECDSA-Sig-Value`.
    ///
    /// # Errors
    /// As said at [`KeyError`].
    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// Holds no key at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecretKeys;

impl SecretKeys for NoSecretKeys {
    fn held(&self) -> &[HeldKey] {
        &[]
    }

    fn decrypt_rsa_pkcs1(&self, _: &Fingerprint, _: &[u8], _: usize) -> Result<RsaTransported, KeyError> {
        Err(KeyError::Absent)
    }

    fn decrypt_rsa_oaep(
        &self,
        _: &Fingerprint,
        _: &OaepParameters,
        _: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Absent)
    }

    fn agree(&self, _: &Fingerprint, _: &[u8]) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Absent)
    }

    fn decapsulate(&self, _: &Fingerprint, _: &[u8]) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Absent)
    }

    fn sign(&self, _: &Fingerprint, _: SignatureAlgorithm, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::Absent)
    }
}
