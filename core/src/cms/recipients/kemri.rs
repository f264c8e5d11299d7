//! Key encapsulation: ML-KEM in KEMRecipientInfo (RFC 9629, RFC 9936).

use const_oid::ObjectIdentifier;

use super::{KeyBox, Method, RecipientKind, read_name, skip_version, version, write_name};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm};
use crate::cms::key_derivation::hkdf;
use crate::cms::key_wrap::Wrap;
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, KeyName, Random, SecretKeys};
use crate::secret::SecretBytes;
use crate::x509::PublicKey;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in, oid};
use crate::x509::tlv::{self, Elements, tag};

const ORI_KEM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.13.3");

/// HKDF by its digest (RFC 8619).
const DERIVATIONS: [(ObjectIdentifier, DigestAlgorithm); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.28"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.29"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.30"), DigestAlgorithm::Sha512),
];
const MECHANISMS: [(ObjectIdentifier, KeyAlgorithm); 3] = [
    (oid::ML_KEM_512, KeyAlgorithm::MlKem512),
    (oid::ML_KEM_768, KeyAlgorithm::MlKem768),
    (oid::ML_KEM_1024, KeyAlgorithm::MlKem1024),
];

/// A key wrapped with an encapsulated one.
#[derive(Debug)]
pub(crate) struct KeyEncapsulation {
    mechanism: KeyAlgorithm,
    ciphertext: Vec<u8>,
    derivation: DigestAlgorithm,
    wrap: Wrap,
    /// DER of CMSORIforKEMOtherInfo, of the bytes that came.
    info: Vec<u8>,
    encrypted_key: Vec<u8>,
}

impl KeyEncapsulation {
    pub(super) fn suits(&self, algorithm: KeyAlgorithm) -> bool {
        algorithm == self.mechanism
    }

    pub(super) fn open(&self, key: &Fingerprint, keys: &dyn SecretKeys) -> Result<SecretBytes, KeyError> {
        let shared = keys.decapsulate(key, &self.ciphertext)?;
        let length = self.wrap.key_length();
        let wrapping_key =
            hkdf(self.derivation, shared.expose(), &[], &self.info, length).ok_or(KeyError::Failed)?;
        self.wrap.unwrap(&wrapping_key, &self.encrypted_key).ok_or(KeyError::Failed)
    }
}

/// Reads the fields of an OtherRecipientInfo; nothing where it is no KEMRecipientInfo.
pub(super) fn read(mut fields: Elements<'_>) -> Option<KeyBox> {
    let kind = fields.expect(tag::OBJECT_IDENTIFIER)?.content;
    if kind != ORI_KEM.as_bytes() {
        let method = Method::Unsupported;
        return Some(KeyBox {
            kind: RecipientKind::Unknown,
            name: None,
            algorithm: "unknown".into(),
            method,
        });
    }
    let mut fields = Elements::new(fields.expect(tag::SEQUENCE)?.content);
    skip_version(&mut fields)?;
    let name = read_name(&mut fields)?;
    let (algorithm, method) = match read_method(fields) {
        Some(method) => (name_of(&method), Method::Encapsulation(method)),
        None => ("unknown".into(), Method::Unsupported),
    };
    Some(KeyBox { kind: RecipientKind::KeyEncapsulation, name: Some(name), algorithm, method })
}

fn read_method(mut fields: Elements<'_>) -> Option<KeyEncapsulation> {
    let mechanism = without_parameters(fields.expect(tag::SEQUENCE)?.whole, &MECHANISMS)?;
    let ciphertext = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    let derivation = without_parameters(fields.expect(tag::SEQUENCE)?.whole, &DERIVATIONS)?;
    let key_length = fields.expect(tag::INTEGER)?;
    let material = fields.optional(tag::constructed(0))?;
    let wrap_identifier = fields.expect(tag::SEQUENCE)?.whole;
    let encrypted_key = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    let wrap = Wrap::parse(wrap_identifier)?;
    // RFC 9629, section 3: kekLength must be what the wrap takes.
    let fits = tlv::unsigned(key_length.content)? == [wrap.key_length() as u8];
    let material = material.map(|material| material.whole).unwrap_or_default();
    let info = tlv::sequence(&[wrap_identifier, key_length.whole, material]);
    (fits && fields.is_empty()).then_some(KeyEncapsulation {
        mechanism,
        ciphertext,
        derivation,
        wrap,
        info,
        encrypted_key,
    })
}

/// What the table says of an AlgorithmIdentifier, whose parameters must be absent (RFC 9936,
/// section 2.2; RFC 8619, section 2).
fn without_parameters<T: Copy>(identifier: &[u8], table: &[(ObjectIdentifier, T)]) -> Option<T> {
    let (algorithm, parameters) = algorithm_in(identifier)?;
    let found = table.iter().find(|(known, _)| *known == algorithm)?;
    parameters.is_none().then_some(found.1)
}

fn oid_of<T: PartialEq>(value: &T, table: &[(ObjectIdentifier, T)]) -> Option<ObjectIdentifier> {
    table.iter().find(|(_, known)| known == value).map(|(oid, _)| *oid)
}

fn name_of(method: &KeyEncapsulation) -> String {
    format!("{} hkdf-{} {}", method.mechanism.name(), method.derivation.name(), method.wrap.name())
}

/// DER of an OtherRecipientInfo with a KEMRecipientInfo for this key: HKDF with SHA-256 and
/// AES-256 wrap, which RFC 9936, section 2.2.1 wants for every parameter set.
pub(crate) fn write(
    name: &KeyName,
    key: &PublicKey,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let mechanism = oid_of(&key.algorithm(), &MECHANISMS).ok_or(KeyError::Unsuitable)?;
    let derivation = oid_of(&DigestAlgorithm::Sha256, &DERIVATIONS).ok_or(KeyError::Unsuitable)?;
    let wrap = Wrap::Aes256;
    let key_length = tlv::integer(&[wrap.key_length() as u8]);
    let (ciphertext, shared) = key.encapsulate(random)?;
    let info = tlv::sequence(&[&wrap.to_der(), &key_length]);
    let wrapping_key = hkdf(DigestAlgorithm::Sha256, shared.expose(), &[], &info, wrap.key_length())
        .ok_or(KeyError::Failed)?;
    let encrypted_key = wrap.wrap(&wrapping_key, content_key).ok_or(KeyError::Failed)?;
    let recipient = tlv::sequence(&[
        &version(0),
        &write_name(name, |key_identifier| tlv::encode(0x80, key_identifier)),
        &algorithm_der(mechanism, &[]),
        &tlv::encode(tag::OCTET_STRING, &ciphertext),
        &algorithm_der(derivation, &[]),
        &key_length,
        &wrap.to_der(),
        &tlv::encode(tag::OCTET_STRING, &encrypted_key),
    ]);
    let kind = tlv::encode(tag::OBJECT_IDENTIFIER, ORI_KEM.as_bytes());
    Ok(tlv::encode(tag::constructed(4), &[kind, recipient].concat()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::cms::test_keys::{KEYS, Ring, SystemRandom};

    /// What comes of a RecipientInfo for the key of ML-KEM-768.
    fn opened(recipient_info: &[u8]) -> Result<SecretBytes, KeyError> {
        let boxes = super::super::read(recipient_info);
        let method = &boxes.first().unwrap().method;
        method.open(&KEYS[6].fingerprint(), &Ring::of(&KEYS), 32).map(|unboxed| unboxed.key)
    }

    fn written() -> Vec<u8> {
        let key = KEYS[6].public_key();
        let name = KeyName::KeyIdentifier(key.key_identifier().to_vec());
        write(&name, key, &SecretBytes::new(vec![7; 32]), &mut SystemRandom).unwrap()
    }

    #[test]
    fn a_length_of_key_that_is_not_the_wraps_is_refused() {
        let recipient_info = written();
        assert_eq!(opened(&recipient_info).unwrap().expose(), [7; 32]);
        // kekLength stands behind HKDF with SHA-256, whose identifier ends in 3, 28.
        let place = recipient_info.windows(5).position(|window| window == [3, 28, 2, 1, 32]).unwrap() + 4;
        for length in [0, 16, 24, 31, 33, 0x7f, 0xff] {
            let mut changed = recipient_info.clone();
            *changed.get_mut(place).unwrap() = length;
            assert_eq!(opened(&changed).unwrap_err(), KeyError::Unsuitable, "{length}");
        }
    }

    #[test]
    fn a_changed_ciphertext_or_key_opens_nothing() {
        let recipient_info = written();
        let ciphertext =
            recipient_info.windows(4).position(|window| window == [4, 0x82, 4, 0x40]).unwrap() + 4;
        for place in [ciphertext, ciphertext + 500, ciphertext + 1087, recipient_info.len() - 1] {
            let mut changed = recipient_info.clone();
            *changed.get_mut(place).unwrap() ^= 1;
            assert_eq!(opened(&changed).unwrap_err(), KeyError::Failed, "{place}");
        }
    }

    #[test]
    fn a_key_of_another_size_does_not_suit() {
        let boxes = super::super::read(&written());
        let method = &boxes.first().unwrap().method;
        assert!(method.suits(KeyAlgorithm::MlKem768));
        assert!(!method.suits(KeyAlgorithm::MlKem512) && !method.suits(KeyAlgorithm::MlKem1024));
    }
}
