//! Writing a file: the modern form, and the one that old programs read.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::Encode;
use der::asn1::BmpString;

use super::bags::{CERTIFICATE_BAG, FRIENDLY_NAME, LOCAL_KEY_ID, SHROUDED_KEY_BAG, X509_CERTIFICATE};
use super::derivation::{self, Budget, Purpose};
use super::encryption::{HMAC_SHA256, PBES2, PBKDF2, SHA1_3DES};
use super::mac::{hmac, mac_key};
use super::passphrase::Passphrase;
use super::structure::{DATA, ENCRYPTED_DATA, malformed};
use super::{CertificateEntry, KeyEntry, Pkcs12Error};
use crate::algorithm::DigestAlgorithm;
use crate::der::{Tag, encode, encode_all};
use crate::ports::Random;
use crate::secret::SecretBytes;

/// How a file is encrypted and protected against changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, HMAC-SHA-256: programs of 2020 and later.
    Modern,
    /// Triple DES and HMAC-SHA-1 in the key derivation of RFC 7292: the form that every program
    /// reads, old Windows, macOS, Android and gpgsm 2.2 among them. Take a long passphrase.
    TripleDes,
}

/// PBKDF2 iterations of the modern form, three times for a file: OWASP's advice of 2023.
const MODERN_ITERATIONS: u32 = 600_000;
/// Iterations of old derivations, where old Windows stops at 600,000 and others are slow.
const OLD_ITERATIONS: u32 = 50_000;

/// Writes keys and certificates, all encrypted under one passphrase (UTF-8).
///
/// # Errors
/// [`Pkcs12Error::Malformed`] for a name that no BMPString can hold.
pub fn write(
    keys: &[KeyEntry],
    certificates: &[CertificateEntry],
    passphrase: &SecretBytes,
    protection: Protection,
    random: &mut dyn Random,
) -> Result<Vec<u8>, Pkcs12Error> {
    let mut writer = FileWriter { passphrase: Passphrase::new(passphrase), protection, random };
    let mut safes = Vec::new();
    if !certificates.is_empty() {
        let bags = certificates.iter().map(certificate_bag).collect::<Result<Vec<_>, _>>()?;
        safes.push(writer.encrypted_safe(&sequence(&bags))?);
    }
    if !keys.is_empty() {
        let bags = keys.iter().map(|key| writer.key_bag(key)).collect::<Result<Vec<_>, _>>()?;
        safes.push(plain_safe(&sequence(&bags)));
    }
    let authenticated_safe = sequence(&safes);
    let mac = writer.mac(&authenticated_safe)?;
    Ok(sequence(&[integer(3), plain_safe(&authenticated_safe), mac]))
}

struct FileWriter<'a> {
    passphrase: Passphrase,
    protection: Protection,
    random: &'a mut dyn Random,
}

impl FileWriter<'_> {
    /// A PKCS8ShroudedKeyBag (RFC 7292, section 4.2.2).
    fn key_bag(&mut self, key: &KeyEntry) -> Result<Vec<u8>, Pkcs12Error> {
        let (algorithm, ciphertext) = self.encrypt(key.private_key_info.expose())?;
        let encrypted = sequence(&[algorithm, octet_string(&ciphertext)]);
        bag(SHROUDED_KEY_BAG, &encrypted, key.friendly_name.as_deref(), key.local_key_id.as_deref())
    }

    /// EncryptedData as ContentInfo (RFC 5652, section 8).
    fn encrypted_safe(&mut self, safe_contents: &[u8]) -> Result<Vec<u8>, Pkcs12Error> {
        let (algorithm, ciphertext) = self.encrypt(safe_contents)?;
        let content = encode(Tag::context(0), false, &ciphertext);
        let encrypted = sequence(&[integer(0), sequence(&[object_identifier(DATA), algorithm, content])]);
        Ok(sequence(&[object_identifier(ENCRYPTED_DATA), encode(Tag::context(0), true, &encrypted)]))
    }

    /// AlgorithmIdentifier and ciphertext, with a salt of its own.
    fn encrypt(&mut self, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
        match self.protection {
            Protection::Modern => self.encrypt_pbes2(plaintext),
            Protection::TripleDes => self.encrypt_triple_des(plaintext),
        }
    }

    fn encrypt_pbes2(&mut self, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
        let (salt, vector): ([u8; 16], [u8; 16]) = (self.random(), self.random());
        let passphrase = first(self.passphrase.plain())?;
        let sha256 = DigestAlgorithm::Sha256;
        let key = derivation::pbkdf2(sha256, passphrase, &salt, MODERN_ITERATIONS, 32, &mut Budget::new())?;
        let mode = cbc::Encryptor::<aes::Aes256>::new_from_slices(key.expose(), &vector);
        let ciphertext = encrypt_padded(mode.ok(), plaintext)?;
        let function = sequence(&[object_identifier(HMAC_SHA256), null()]);
        let derivation = sequence(&[octet_string(&salt), integer(MODERN_ITERATIONS), function]);
        let derivation = sequence(&[object_identifier(PBKDF2), derivation]);
        let cipher = sequence(&[object_identifier(rfc5911::ID_AES_256_CBC), octet_string(&vector)]);
        Ok((sequence(&[object_identifier(PBES2), sequence(&[derivation, cipher])]), ciphertext))
    }

    fn encrypt_triple_des(&mut self, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
        let salt: [u8; 8] = self.random();
        let passphrase = first(self.passphrase.terminated())?;
        let derive = |purpose, length| {
            let sha1 = DigestAlgorithm::Sha1;
            derivation::derive(sha1, purpose, passphrase, &salt, OLD_ITERATIONS, length, &mut Budget::new())
        };
        let (key, vector) = (derive(Purpose::Key, 24)?, derive(Purpose::InitializationVector, 8)?);
        let mode = cbc::Encryptor::<des::TdesEde3>::new_from_slices(key.expose(), vector.expose());
        let ciphertext = encrypt_padded(mode.ok(), plaintext)?;
        let parameters = sequence(&[octet_string(&salt), integer(OLD_ITERATIONS)]);
        Ok((sequence(&[object_identifier(SHA1_3DES), parameters]), ciphertext))
    }

    /// MacData (RFC 7292, section 4).
    fn mac(&mut self, authenticated_safe: &[u8]) -> Result<Vec<u8>, Pkcs12Error> {
        let (digest, name, iterations) = match self.protection {
            Protection::Modern => (DigestAlgorithm::Sha256, rfc5912::ID_SHA_256, MODERN_ITERATIONS),
            Protection::TripleDes => (DigestAlgorithm::Sha1, rfc5912::ID_SHA_1, OLD_ITERATIONS),
        };
        let salt: [u8; 16] = self.random();
        let passphrase = first(self.passphrase.terminated())?;
        let key = mac_key(digest, passphrase, &salt, iterations, &mut Budget::new())?;
        let mac = hmac(digest, &key, authenticated_safe)?;
        let algorithm = sequence(&[object_identifier(name), null()]);
        let digest_info = sequence(&[algorithm, octet_string(&mac)]);
        Ok(sequence(&[digest_info, octet_string(&salt), integer(iterations)]))
    }

    fn random<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// The standard's form of a passphrase.
fn first(forms: &[SecretBytes]) -> Result<&SecretBytes, Pkcs12Error> {
    forms.first().ok_or(Pkcs12Error::WrongPassphrase)
}

fn encrypt_padded<M: BlockModeEncrypt>(mode: Option<M>, plaintext: &[u8]) -> Result<Vec<u8>, Pkcs12Error> {
    let padding = malformed("plaintext");
    let mode = mode.ok_or(padding.clone())?;
    let mut buffer = plaintext.to_vec();
    buffer.resize(plaintext.len() + 16, 0);
    let length = mode.encrypt_padded::<Pkcs7>(&mut buffer, plaintext.len()).map_err(|_| padding)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// A CertBag (RFC 7292, section 4.2.3).
fn certificate_bag(entry: &CertificateEntry) -> Result<Vec<u8>, Pkcs12Error> {
    let certificate = encode(Tag::context(0), true, &octet_string(&entry.certificate));
    let inner = sequence(&[object_identifier(X509_CERTIFICATE), certificate]);
    bag(CERTIFICATE_BAG, &inner, entry.friendly_name.as_deref(), entry.local_key_id.as_deref())
}

fn bag(
    kind: ObjectIdentifier,
    value: &[u8],
    friendly_name: Option<&str>,
    local_key_id: Option<&[u8]>,
) -> Result<Vec<u8>, Pkcs12Error> {
    let mut parts = vec![object_identifier(kind), encode(Tag::context(0), true, value)];
    let mut attributes = Vec::new();
    if let Some(name) = friendly_name {
        let name = BmpString::from_utf8(name).and_then(|name| name.to_der());
        attributes.push(attribute(FRIENDLY_NAME, &name.map_err(|_| malformed("friendlyName"))?));
    }
    if let Some(identifier) = local_key_id {
        attributes.push(attribute(LOCAL_KEY_ID, &octet_string(identifier)));
    }
    if !attributes.is_empty() {
        attributes.sort();
        parts.push(encode_all(Tag::SET, &attributes));
    }
    Ok(sequence(&parts))
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[object_identifier(kind), encode(Tag::SET, true, value)])
}

fn plain_safe(content: &[u8]) -> Vec<u8> {
    let content = encode(Tag::context(0), true, &octet_string(content));
    sequence(&[object_identifier(DATA), content])
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    encode_all(Tag::SEQUENCE, elements)
}

fn object_identifier(name: ObjectIdentifier) -> Vec<u8> {
    encode(Tag::OBJECT_IDENTIFIER, false, name.as_bytes())
}

fn octet_string(content: &[u8]) -> Vec<u8> {
    encode(Tag::OCTET_STRING, false, content)
}

fn null() -> Vec<u8> {
    encode(Tag::NULL, false, &[])
}

/// Big-endian without needless zeros, and with one where the first bit is set.
fn integer(value: u32) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    match bytes.first() {
        None | Some(0x80..) => encode(Tag::INTEGER, false, &[&[0][..], &bytes].concat()),
        Some(_) => encode(Tag::INTEGER, false, &bytes),
    }
}
