//! Passphrases: PBKDF2 and the wrap of RFC 3211 (RFC 5652, section 6.2.4).

use cms::content_info::CmsVersion;
use cms::enveloped_data::{PasswordRecipientInfo, RecipientInfo};
use const_oid::ObjectIdentifier;
use der::asn1::{Any, OctetString};
use der::referenced::OwnedToRef as _;
use der::{Decode as _, Encode as _};
use pkcs5::pbes2::{PBKDF2_OID, Pbkdf2Params};
use spki::AlgorithmIdentifierOwned;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

use super::{KeyBox, Method, RecipientKind};
use crate::algorithm::ContentEncryption;
use crate::cms::content_cipher::{ContentCipher, decrypt_blocks, encrypt_blocks};
use crate::limits;
use crate::ports::Random;
use crate::secret::SecretBytes;
use crate::x509::pkcs12::{Budget, Pbkdf2};

const PWRI_KEK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.9");
/// Iterations that are written: what OWASP asks for with SHA-256 (2023).
const WRITTEN_ITERATIONS: u32 = 600_000;
/// Bytes of a salt that are written (RFC 8018, section 4.1 asks for 8 at least).
const SALT_BYTES: usize = 16;

/// A key wrapped with one derived from a passphrase.
#[derive(Debug)]
pub(crate) struct Passphrase {
    /// PBKDF2 with its parameters, within the limits.
    derivation: AlgorithmIdentifierOwned,
    cipher: ContentCipher,
    encrypted_key: Vec<u8>,
}

impl Passphrase {
    /// Derives the key, which costs time, and unwraps. Nothing for a wrong passphrase.
    pub(crate) fn open(&self, passphrase: &SecretBytes) -> Option<SecretBytes> {
        let key = derive(&self.derivation, passphrase, self.cipher.key_length())?;
        unwrap(&self.cipher, &key, &self.encrypted_key)
    }
}

/// Reads a PasswordRecipientInfo.
pub(super) fn read(recipient_info: &[u8]) -> Option<KeyBox> {
    let Ok(RecipientInfo::Pwri(info)) = RecipientInfo::from_der(recipient_info) else { return None };
    let (algorithm, method) = match read_method(info) {
        Some((name, method)) => (name, Method::Passphrase(method)),
        None => ("unknown".into(), Method::Unsupported),
    };
    Some(KeyBox { kind: RecipientKind::Passphrase, name: None, algorithm, method })
}

/// The method and its name. Iterations above the limit are refused here.
fn read_method(info: PasswordRecipientInfo) -> Option<(String, Passphrase)> {
    let derivation = info.key_derivation_alg?;
    let pbkdf2 = Pbkdf2::read(&derivation.owned_to_ref()).ok()?;
    let wrap = info.key_enc_alg.parameters.filter(|_| info.key_enc_alg.oid == PWRI_KEK)?;
    let cipher = ContentCipher::parse(&wrap.to_der().ok()?).ok()?;
    // RFC 3211 wraps with CBC; the ciphers that are refused for contents are refused here.
    let is_sound = !cipher.algorithm().is_authenticated()
        && !cipher.algorithm().is_broken()
        && cipher.derived_with().is_none()
        && pbkdf2.key_length.is_none_or(|length| length == cipher.key_length())
        && (1..=limits::PBKDF2_ITERATIONS).contains(&pbkdf2.iterations);
    let name = format!("pbkdf2-{} {}", pbkdf2.digest.name(), cipher.algorithm().name());
    let encrypted_key = info.enc_key.into_bytes().to_vec();
    is_sound.then_some((name, Passphrase { derivation, cipher, encrypted_key }))
}

fn derive(
    derivation: &AlgorithmIdentifierOwned,
    passphrase: &SecretBytes,
    length: usize,
) -> Option<SecretBytes> {
    let pbkdf2 = Pbkdf2::read(&derivation.owned_to_ref()).ok()?;
    pbkdf2.derive(passphrase, length, &mut Budget::new()).ok()
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
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let cipher = ContentCipher::generate(ContentEncryption::Aes256Cbc, false, random)?;
    let derivation = pbkdf2_with(&Pbkdf2Params::hmac_sha256(WRITTEN_ITERATIONS, &salt).ok()?)?;
    let key = derive(&derivation, passphrase, cipher.key_length())?;
    let encrypted_key = wrap(&cipher, &key, content_key, random)?;
    let inner = Any::from_der(&cipher.to_der()).ok()?;
    let info = PasswordRecipientInfo {
        version: CmsVersion::V0,
        key_derivation_alg: Some(derivation),
        key_enc_alg: AlgorithmIdentifierOwned { oid: PWRI_KEK, parameters: Some(inner) },
        enc_key: OctetString::new(encrypted_key).ok()?,
    };
    RecipientInfo::Pwri(info).to_der().ok()
}

fn pbkdf2_with(parameters: &Pbkdf2Params) -> Option<AlgorithmIdentifierOwned> {
    let parameters = Any::encode_from(parameters).ok()?;
    Some(AlgorithmIdentifierOwned { oid: PBKDF2_OID, parameters: Some(parameters) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use pkcs5::pbes2::Pbkdf2Prf;

    use super::*;
    use crate::x509::algorithm_identifier::algorithm_der;
    use crate::x509::tlv::{self, tag};

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
        let mut parameters = Pbkdf2Params::hmac_sha256(500, &salt).unwrap();
        parameters.prf = Pbkdf2Prf::HmacWithSha1;
        let key = derive(&pbkdf2_with(&parameters).unwrap(), &passphrase, 24).unwrap();
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
