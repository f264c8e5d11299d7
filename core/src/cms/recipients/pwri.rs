//! Passphrases: PBKDF2 and the wrap of RFC 3211 (RFC 5652, section 6.2.4).

use const_oid::ObjectIdentifier;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

use super::{KeyBox, Method, RecipientKind, skip_version, version};
use crate::algorithm::{ContentEncryption, DigestAlgorithm};
use crate::cms::content_cipher::{ContentCipher, decrypt_blocks, encrypt_blocks};
use crate::limits;
use crate::ports::Random;
use crate::secret::SecretBytes;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in};
use crate::x509::tlv::{self, Elements, tag};

const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const PWRI_KEK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.9");
const FUNCTIONS: [(ObjectIdentifier, DigestAlgorithm); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.7"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.8"), DigestAlgorithm::Sha224),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.9"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.10"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.11"), DigestAlgorithm::Sha512),
];
/// Iterations that are written: what OWASP asks for with SHA-256 (2023).
const WRITTEN_ITERATIONS: u32 = 600_000;
/// Bytes of a salt that are written (RFC 8018, section 4.1 asks for 8 at least).
const SALT_BYTES: usize = 16;

/// A key wrapped with one derived from a passphrase.
#[derive(Debug)]
pub(crate) struct Passphrase {
    salt: Vec<u8>,
    iterations: u32,
    function: DigestAlgorithm,
    cipher: ContentCipher,
    encrypted_key: Vec<u8>,
}

impl Passphrase {
    /// Derives the key, which costs time, and unwraps. Nothing for a wrong passphrase.
    pub(crate) fn open(&self, passphrase: &SecretBytes) -> Option<SecretBytes> {
        let length = self.cipher.key_length();
        let key = pbkdf2(self.function, passphrase, &self.salt, self.iterations, length)?;
        unwrap(&self.cipher, &key, &self.encrypted_key)
    }
}

/// Reads the fields of a PasswordRecipientInfo.
pub(super) fn read(mut fields: Elements<'_>) -> Option<KeyBox> {
    skip_version(&mut fields)?;
    let derivation = fields.optional(tag::constructed(0))?;
    let wrap = fields.expect(tag::SEQUENCE)?.whole;
    let encrypted_key = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    let method = derivation
        .filter(|_| fields.is_empty())
        .and_then(|derivation| read_method(derivation.content, wrap, encrypted_key));
    let (algorithm, method) = match method {
        Some(method) => (name_of(&method), Method::Passphrase(method)),
        None => ("unknown".into(), Method::Unsupported),
    };
    Some(KeyBox { kind: RecipientKind::Passphrase, name: None, algorithm, method })
}

fn read_method(derivation: &[u8], wrap: &[u8], encrypted_key: Vec<u8>) -> Option<Passphrase> {
    let (salt, iterations, key_length, function) = read_pbkdf2(derivation)?;
    let (algorithm, parameters) = algorithm_in(wrap)?;
    let cipher = ContentCipher::parse(parameters.filter(|_| algorithm == PWRI_KEK)?.whole).ok()?;
    // RFC 3211 wraps with CBC; the ciphers that are refused for contents are refused here.
    let is_sound = !cipher.algorithm().is_authenticated()
        && !cipher.algorithm().is_broken()
        && cipher.derived_with().is_none()
        && key_length.is_none_or(|length| length == cipher.key_length() as u32);
    is_sound.then_some(Passphrase { salt, iterations, function, cipher, encrypted_key })
}

/// The fields of an implicitly tagged AlgorithmIdentifier with PBKDF2-params (RFC 8018, appendix
/// A.2): salt, iterations, key length, function. Iterations above the limit are refused here.
fn read_pbkdf2(fields: &[u8]) -> Option<(Vec<u8>, u32, Option<u32>, DigestAlgorithm)> {
    let mut fields = Elements::new(fields);
    let algorithm = fields.expect(tag::OBJECT_IDENTIFIER)?.content;
    let mut parameters = Elements::new(fields.expect(tag::SEQUENCE)?.content);
    let salt = parameters.expect(tag::OCTET_STRING)?.content.to_vec();
    let iterations = number(parameters.expect(tag::INTEGER)?.content)?;
    let key_length = match parameters.optional(tag::INTEGER)? {
        Some(length) => Some(number(length.content)?),
        None => None,
    };
    let function = match parameters.optional(tag::SEQUENCE)? {
        None => DigestAlgorithm::Sha1,
        Some(function) => {
            let (function, _) = algorithm_in(function.whole)?;
            FUNCTIONS.iter().find(|(known, _)| *known == function)?.1
        }
    };
    let is_sound = algorithm == PBKDF2.as_bytes()
        && (1..=limits::PBKDF2_ITERATIONS).contains(&iterations)
        && fields.is_empty()
        && parameters.is_empty();
    is_sound.then_some((salt, iterations, key_length, function))
}

fn number(content: &[u8]) -> Option<u32> {
    let magnitude = tlv::unsigned(content)?;
    (magnitude.len() <= 4).then(|| magnitude.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
}

fn name_of(method: &Passphrase) -> String {
    format!("pbkdf2-{} {}", method.function.name(), method.cipher.algorithm().name())
}

fn pbkdf2(
    function: DigestAlgorithm,
    passphrase: &SecretBytes,
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Option<SecretBytes> {
    let mut key = Zeroizing::new(vec![0; length]);
    let passphrase = passphrase.expose();
    match function {
        DigestAlgorithm::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(passphrase, salt, iterations, &mut key),
        DigestAlgorithm::Sha224 => pbkdf2::pbkdf2_hmac::<Sha224>(passphrase, salt, iterations, &mut key),
        DigestAlgorithm::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, salt, iterations, &mut key),
        DigestAlgorithm::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(passphrase, salt, iterations, &mut key),
        DigestAlgorithm::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(passphrase, salt, iterations, &mut key),
        _ => return None,
    }
    Some(SecretBytes::new(std::mem::take(&mut *key)))
}

/// RFC 3211, section 2.3.2. A length octet, the complement of the key's first three octets, the
/// key and random padding were encrypted twice in one go; the last block's plaintext is the
/// initialization vector that the second pass began with.
fn unwrap(cipher: &ContentCipher, key: &SecretBytes, wrapped: &[u8]) -> Option<SecretBytes> {
    let block = cipher.initial().len();
    // Two blocks at least, whole ones (CVE-2025-9230 read before the first).
    if wrapped.len() < 2 * block || !wrapped.len().is_multiple_of(block) {
        return None;
    }
    let algorithm = cipher.algorithm();
    let mut bytes = Zeroizing::new(wrapped.to_vec());
    let last = wrapped.len() - block;
    let before_last = wrapped.get(last - block..last)?;
    decrypt_blocks(algorithm, key.expose(), before_last, bytes.get_mut(last..)?)?;
    let initial = Zeroizing::new(bytes.get(last..)?.to_vec());
    decrypt_blocks(algorithm, key.expose(), &initial, bytes.get_mut(..last)?)?;
    decrypt_blocks(algorithm, key.expose(), cipher.initial(), &mut bytes)?;
    let (length, rest) = bytes.split_first()?;
    let (check, rest) = rest.split_at_checked(3)?;
    let mut good = Choice::from(1);
    for (check, key) in check.iter().zip(rest) {
        good &= (check ^ key).ct_eq(&0xff);
    }
    good &= !length.ct_gt(&u8::try_from(rest.len()).unwrap_or(u8::MAX)) & length.ct_gt(&2);
    let key = rest.get(..usize::from(*length).min(rest.len()))?;
    bool::from(good).then(|| SecretBytes::copy_of(key))
}

/// RFC 3211, section 2.3.1.
fn wrap(
    cipher: &ContentCipher,
    key: &SecretBytes,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Option<Vec<u8>> {
    let block = cipher.initial().len();
    let content_key = content_key.expose();
    let total = (4 + content_key.len()).next_multiple_of(block).max(2 * block);
    let mut bytes = Zeroizing::new(vec![u8::try_from(content_key.len()).ok()?]);
    bytes.extend(content_key.get(..3)?.iter().map(|octet| !octet));
    bytes.extend_from_slice(content_key);
    let mut padding = vec![0; total - bytes.len()];
    random.fill(&mut padding);
    bytes.extend(padding);
    encrypt_blocks(cipher.algorithm(), key.expose(), cipher.initial(), &mut bytes)?;
    let last = bytes.get(total - block..)?.to_vec();
    encrypt_blocks(cipher.algorithm(), key.expose(), &last, &mut bytes)?;
    Some(std::mem::take(&mut *bytes))
}

/// DER of a PasswordRecipientInfo: PBKDF2 with HMAC-SHA-256, AES-256-CBC.
pub(crate) fn write(
    passphrase: &SecretBytes,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Option<Vec<u8>> {
    let mut salt = vec![0; SALT_BYTES];
    random.fill(&mut salt);
    let cipher = ContentCipher::generate(ContentEncryption::Aes256Cbc, false, random)?;
    let function = DigestAlgorithm::Sha256;
    let key = pbkdf2(function, passphrase, &salt, WRITTEN_ITERATIONS, cipher.key_length())?;
    let encrypted_key = wrap(&cipher, &key, content_key, random)?;
    let function = FUNCTIONS.iter().find(|(_, known)| *known == function)?.0;
    let parameters = tlv::sequence(&[
        &tlv::encode(tag::OCTET_STRING, &salt),
        &tlv::integer(&WRITTEN_ITERATIONS.to_be_bytes()),
        &algorithm_der(function, &[tag::NULL, 0]),
    ]);
    let derivation = [tlv::encode(tag::OBJECT_IDENTIFIER, PBKDF2.as_bytes()), parameters].concat();
    let fields = [
        version(0),
        tlv::encode(tag::constructed(0), &derivation),
        algorithm_der(PWRI_KEK, &cipher.to_der()),
        tlv::encode(tag::OCTET_STRING, &encrypted_key),
    ];
    Some(tlv::encode(tag::constructed(3), &fields.concat()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn hex(digits: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            digits.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// The same bytes over and over.
    struct Fixed(Vec<u8>);

    impl Random for Fixed {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(self.0.iter().cycle()).for_each(|(byte, fixed)| *byte = *fixed);
        }
    }

    #[test]
    fn the_second_example_of_rfc_3211_holds() {
        let passphrase = b"All n-entities must communicate with other n-entities via n-1 entiteeheehees";
        let salt = hex("1234567878563412");
        let passphrase = SecretBytes::copy_of(passphrase);
        let key = pbkdf2(DigestAlgorithm::Sha1, &passphrase, &salt, 500, 24).unwrap();
        assert_eq!(key.expose(), hex("6a8970bf68c92caea84a8df28510858607126380cc47ab2d"));
        let initial = tlv::encode(tag::OCTET_STRING, &hex("baf1ca7931213c4e"));
        let identifier = algorithm_der(ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), &initial);
        let cipher = ContentCipher::parse(&identifier).unwrap();
        let wrapped = hex("c03c514abdb9e2c5aac038572b5e24553876b377aafb82eca5a9d73f8ab143d9ec74e6cad7db260c");
        let content_key = hex("8c637d887223a2f965b566eb014b0fa5d52300a3f7ea40fffc577203c71baf3b");
        assert_eq!(unwrap(&cipher, &key, &wrapped).unwrap().expose(), content_key);
        let content_key = SecretBytes::new(content_key);
        let mut padding = Fixed(hex("fa060a45"));
        assert_eq!(wrap(&cipher, &key, &content_key, &mut padding).unwrap(), wrapped);
    }

    #[test]
    fn what_is_wrapped_unwraps_and_a_changed_bit_or_length_does_not() {
        let mut random = Fixed(vec![0x5a]);
        let cipher = ContentCipher::generate(ContentEncryption::Aes256Cbc, false, &mut random).unwrap();
        let key = SecretBytes::new(vec![1; 32]);
        for length in [16, 24, 32] {
            let content_key = SecretBytes::new((0..length).collect());
            let wrapped = wrap(&cipher, &key, &content_key, &mut random).unwrap();
            assert_eq!(unwrap(&cipher, &key, &wrapped).unwrap().expose(), content_key.expose());
            for short in 0..wrapped.len() {
                assert!(
                    unwrap(&cipher, &key, &wrapped[..short])
                        .is_none_or(|found| { found.expose() != content_key.expose() })
                );
            }
            assert!(unwrap(&cipher, &SecretBytes::new(vec![2; 32]), &wrapped).is_none());
        }
    }
}
