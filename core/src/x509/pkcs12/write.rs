//! Writing a file: the modern form, and the one that old programs read.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::Encode;
use der::asn1::BmpString;
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::Parameters;

use super::bags::{CERTIFICATE_BAG, FRIENDLY_NAME, LOCAL_KEY_ID, SHROUDED_KEY_BAG, X509_CERTIFICATE};
use super::derivation::{self, Budget, Purpose};
use super::encryption::SHA1_3DES;
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
/// Salts that are drawn until gpgsm 2.2 reads one as everybody does. It misreads two in 256, so
/// that only a broken generator comes to the end.
const SALT_DRAWS: usize = 32;

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

/// Encrypts the DER of a PrivateKeyInfo: EncryptedPrivateKeyInfo (RFC 5958, section 3) with PBES2,
/// PBKDF2-HMAC-SHA-256 and AES-256-CBC, under a passphrase in UTF-8.
///
/// # Errors
/// None that a key can cause: [`Pkcs12Error::Malformed`] where a cipher refuses its parameters.
pub fn encrypt_private_key(
    private_key_info: &SecretBytes,
    passphrase: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, Pkcs12Error> {
    let passphrase = Passphrase::new(passphrase);
    FileWriter { passphrase, protection: Protection::Modern, random }.encrypted_key(private_key_info)
}

struct FileWriter<'a> {
    passphrase: Passphrase,
    protection: Protection,
    random: &'a mut dyn Random,
}

impl FileWriter<'_> {
    /// A PKCS8ShroudedKeyBag (RFC 7292, section 4.2.2).
    fn key_bag(&mut self, key: &KeyEntry) -> Result<Vec<u8>, Pkcs12Error> {
        let encrypted = self.encrypted_key(&key.private_key_info)?;
        bag(SHROUDED_KEY_BAG, &encrypted, key.friendly_name.as_deref(), key.local_key_id.as_deref())
    }

    /// An EncryptedPrivateKeyInfo.
    fn encrypted_key(&mut self, private_key_info: &SecretBytes) -> Result<Vec<u8>, Pkcs12Error> {
        let (algorithm, ciphertext) = self.encrypt(private_key_info.expose())?;
        Ok(sequence(&[algorithm, octet_string(&ciphertext)]))
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
        let scheme = Parameters::generate_pbkdf2_sha256_aes256cbc(MODERN_ITERATIONS, &salt, vector);
        let scheme = scheme.map(EncryptionScheme::from).map_err(|_| malformed("PBES2-params"))?;
        let ciphertext =
            scheme.encrypt(passphrase.expose(), plaintext).map_err(|_| malformed("plaintext"))?;
        Ok((scheme.to_der().map_err(|_| malformed("PBES2-params"))?, ciphertext))
    }

    fn encrypt_triple_des(&mut self, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
        let salt = self.triple_des_salt(OLD_ITERATIONS)?;
        let key = self.triple_des(Purpose::Key, &salt, OLD_ITERATIONS)?;
        let vector = self.triple_des(Purpose::InitializationVector, &salt, OLD_ITERATIONS)?;
        let mode = cbc::Encryptor::<des::TdesEde3>::new_from_slices(key.expose(), vector.expose());
        let ciphertext = encrypt_padded(mode.ok(), plaintext)?;
        let parameters = sequence(&[octet_string(&salt), integer(OLD_ITERATIONS)]);
        Ok((sequence(&[object_identifier(SHA1_3DES), parameters]), ciphertext))
    }

    /// A salt that gpgsm 2.2 reads too.
    fn triple_des_salt(&mut self, iterations: u32) -> Result<[u8; 8], Pkcs12Error> {
        let mut salt = self.random();
        for _ in 1..SALT_DRAWS {
            let key = self.triple_des(Purpose::Key, &salt, iterations)?;
            if !derivation::is_misread_by_gpgsm(&key, &salt, first(self.passphrase.terminated())?) {
                break;
            }
            salt = self.random();
        }
        Ok(salt)
    }

    fn triple_des(&self, purpose: Purpose, salt: &[u8], iterations: u32) -> Result<SecretBytes, Pkcs12Error> {
        let length = if matches!(purpose, Purpose::InitializationVector) { 8 } else { 24 };
        let passphrase = first(self.passphrase.terminated())?;
        let sha1 = DigestAlgorithm::Sha1;
        derivation::derive(sha1, purpose, passphrase, salt, iterations, length, &mut Budget::new())
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Salts of files of OpenSSL that gpgsm 2.2.40 refused, with passphrase `geheim` and 2048
    /// iterations.
    const REFUSED: [u64; 3] = [0x9fbd_d70e_8a5a_053a, 0x2cc9_4cdc_063c_7831, 0x089a_8250_544c_2370];

    /// Salts of files that it took.
    const TAKEN: [u64; 3] = [0xb349_c027_0d3d_0f1d, 0xa6be_7a98_5771_d5e1, 0x8b3a_0bfa_8457_d9ef];

    /// Numbers that are the same in every run (splitmix64).
    struct Numbers(u64);

    impl Random for Numbers {
        fn fill(&mut self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(8) {
                self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut number = self.0;
                number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                number ^= number >> 31;
                chunk.copy_from_slice(&number.to_le_bytes()[..chunk.len()]);
            }
        }
    }

    /// Whether gpgsm 2.2 misreads a key of Triple DES under `geheim`.
    fn is_misread(writer: &FileWriter<'_>, salt: &[u8], iterations: u32) -> bool {
        let key = writer.triple_des(Purpose::Key, salt, iterations).unwrap();
        derivation::is_misread_by_gpgsm(&key, salt, first(writer.passphrase.terminated()).unwrap())
    }

    fn writer(random: &mut Numbers) -> FileWriter<'_> {
        let passphrase = Passphrase::new(&SecretBytes::copy_of(b"geheim"));
        FileWriter { passphrase, protection: Protection::TripleDes, random }
    }

    #[test]
    fn the_salts_that_gpgsm_refused_are_known_as_such() {
        let mut numbers = Numbers(1);
        let writer = writer(&mut numbers);
        for refused in REFUSED {
            assert!(is_misread(&writer, &refused.to_be_bytes(), 2048), "{refused:x}");
        }
        for taken in TAKEN {
            assert!(!is_misread(&writer, &taken.to_be_bytes(), 2048), "{taken:x}");
        }
    }

    #[test]
    fn no_salt_that_gpgsm_misreads_is_written() {
        const ITERATIONS: u32 = 2;
        let mut numbers = Numbers(1);
        let mut writer = writer(&mut numbers);
        let drawn: Vec<[u8; 8]> = (0..2000).map(|_| writer.random()).collect();
        // Two in 256: there is something to be avoided.
        let misread = drawn.iter().filter(|salt| is_misread(&writer, *salt, ITERATIONS)).count();
        assert!((4..40).contains(&misread), "{misread}");
        for _ in 0..2000 {
            let salt = writer.triple_des_salt(ITERATIONS).unwrap();
            assert!(!is_misread(&writer, &salt, ITERATIONS));
        }
    }

    #[test]
    fn a_file_gets_the_next_salt_where_gpgsm_misreads_the_first() {
        /// Counts, so that the first salt is one that gpgsm misreads after 50,000 iterations.
        struct From71(u64);
        impl Random for From71 {
            fn fill(&mut self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.0.to_be_bytes());
                self.0 += 1;
            }
        }
        let passphrase = Passphrase::new(&SecretBytes::copy_of(b"geheim"));
        let mut random = From71(71);
        let mut writer = FileWriter { passphrase, protection: Protection::TripleDes, random: &mut random };
        let (algorithm, _) = writer.encrypt(b"key").unwrap();
        let holds = |salt: u64| algorithm.windows(8).any(|octets| octets == salt.to_be_bytes());
        assert!(holds(72) && !holds(71));
    }

    #[test]
    fn a_broken_generator_does_not_hold_us_up() {
        struct Same;
        impl Random for Same {
            fn fill(&mut self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&REFUSED[0].to_be_bytes());
            }
        }
        let passphrase = Passphrase::new(&SecretBytes::copy_of(b"geheim"));
        let mut writer = FileWriter { passphrase, protection: Protection::TripleDes, random: &mut Same };
        assert_eq!(writer.triple_des_salt(2048).unwrap(), REFUSED[0].to_be_bytes());
    }
}
