//! PKCS#12 files (RFC 7292): how a secret key and its certificates travel between programs.
//!
//! Everything that programs wrote in thirty years is read: RC2, RC4 and Triple DES of the
//! nineties, PBES2 of today, integrity by the old key derivation and by PBMAC1 (RFC 9579), BER
//! with indefinite lengths. Two forms are written, see [`Protection`].
//!
//! A wrong passphrase, a damaged file and an encryption that we do not know are different errors,
//! because a person does something else about each.

mod bags;
mod derivation;
mod encryption;
mod mac;
mod passphrase;
mod structure;
mod write;

use std::fmt;

use crate::algorithm::DigestAlgorithm;
use crate::limits;
use crate::secret::SecretBytes;

pub(crate) use derivation::Budget;
pub(crate) use encryption::Pbkdf2;
pub use write::{Protection, encrypt_private_key, write};

use passphrase::Passphrase;
use structure::Pfx;

/// Reads a PKCS#12 file, in DER or BER.
///
/// The passphrase is UTF-8; an empty one also opens files that were written without any. Keys and
/// certificates come in the order of the file, and nothing is said yet about which belong
/// together: compare public keys, or [`KeyEntry::local_key_id`].
///
/// # Errors
/// [`Pkcs12Error`]; nothing of the file comes out then.
pub fn read(file: &[u8], passphrase: &SecretBytes) -> Result<Contents, Pkcs12Error> {
    if file.len() > limits::PKCS12_BYTES {
        return Err(Pkcs12Error::Limit(Pkcs12Limit::Bytes));
    }
    let der = structure::definite(file)?;
    let pfx = Pfx::read(&der)?;
    let mut passphrase = Passphrase::new(passphrase);
    let mut budget = Budget::new();
    let integrity = mac::check(&pfx, &mut passphrase, &mut budget)?;
    bags::read_authenticated_safe(pfx.authenticated_safe(), &passphrase, integrity, &mut budget)
}

/// Decrypts an EncryptedPrivateKeyInfo (RFC 5208, section 6; PEM label `ENCRYPTED PRIVATE KEY`)
/// by any of the algorithms that PKCS#12 files use. The result is the DER of a PrivateKeyInfo.
///
/// # Errors
/// [`Pkcs12Error`]; there is no integrity here, so a damaged file may look like a wrong passphrase.
pub fn decrypt_private_key(file: &[u8], passphrase: &SecretBytes) -> Result<SecretBytes, Pkcs12Error> {
    if file.len() > limits::PKCS12_BYTES {
        return Err(Pkcs12Error::Limit(Pkcs12Limit::Bytes));
    }
    let der = structure::definite(file)?;
    bags::decrypt_key(&der, &Passphrase::new(passphrase), &mut Budget::new())
}

/// What a PKCS#12 file holds.
#[derive(Debug)]
pub struct Contents {
    /// The secret keys, in the order of the file.
    pub keys: Vec<KeyEntry>,
    /// The certificates, in the order of the file.
    pub certificates: Vec<CertificateEntry>,
    /// Whether a change of the file would have been noticed.
    pub integrity: Integrity,
    /// Object identifiers of bags that are not ours: revocation lists, other secrets.
    pub ignored: Vec<String>,
}

/// One secret key of a file.
#[derive(Debug)]
pub struct KeyEntry {
    /// DER of the PrivateKeyInfo (RFC 5208, RFC 5958).
    pub private_key_info: SecretBytes,
    /// A name for people. It is foreign text.
    pub friendly_name: Option<String>,
    /// The same octets stand at the certificate of this key, where a program wrote them.
    pub local_key_id: Option<Vec<u8>>,
}

/// One certificate of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEntry {
    /// DER of the certificate; not looked into here.
    pub certificate: Vec<u8>,
    /// A name for people. It is foreign text.
    pub friendly_name: Option<String>,
    /// The same octets stand at the key of this certificate, where a program wrote them.
    pub local_key_id: Option<Vec<u8>>,
}

/// How a file is protected against changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// Not at all: it has no MacData.
    None,
    /// HMAC with the key derivation of RFC 7292, appendix B.
    Mac(DigestAlgorithm),
    /// HMAC with PBKDF2 (RFC 9579).
    Pbmac1(DigestAlgorithm),
}

/// Why a file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pkcs12Error {
    /// The passphrase does not fit this file.
    WrongPassphrase,
    /// The file needs an algorithm or a form that we do not know.
    Unsupported {
        /// Its object identifier, or its name.
        what: String,
    },
    /// This is no PKCS#12 file, or a damaged one.
    Malformed {
        /// The ASN.1 type that could not be read.
        what: &'static str,
    },
    /// The file asks for more than we give to any file.
    Limit(Pkcs12Limit),
}

/// A limit of [`crate::limits`] that a file exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs12Limit {
    /// [`limits::PKCS12_BYTES`].
    Bytes,
    /// [`limits::PKCS12_BAGS`].
    Bags,
    /// [`limits::PKCS12_NESTING`].
    Nesting,
    /// [`limits::PBKDF2_ITERATIONS`] of one derivation, [`limits::PKCS12_ITERATIONS`] of a file.
    Iterations,
    /// [`limits::SCRYPT_BYTES`].
    Memory,
}

impl fmt::Display for Pkcs12Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassphrase => formatter.write_str("the passphrase does not fit"),
            Self::Unsupported { what } => write!(formatter, "{what} is not supported"),
            Self::Malformed { what } => write!(formatter, "malformed {what}"),
            Self::Limit(limit) => write!(formatter, "too many or too large: {limit:?}"),
        }
    }
}

impl std::error::Error for Pkcs12Error {}
