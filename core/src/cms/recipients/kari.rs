//! Key agreement with an ephemeral key of the sender: ECDH on the NIST curves (RFC 5753) and
//! X25519 (RFC 8418).

use std::rc::Rc;

use const_oid::ObjectIdentifier;

use super::{
    KeyBox, Method, RecipientKind, read_issuer_and_serial_number, skip_version, version, write_name,
};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm};
use crate::cms::key_derivation::{hkdf, x963};
use crate::cms::key_wrap::Wrap;
use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::ports::{KeyError, KeyName, Random, SecretKeys};
use crate::secret::SecretBytes;
use crate::x509::PublicKey;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in, oid};
use crate::x509::tlv::{self, Elements, tag};

/// Key derivation of X9.63 with standard and with cofactor Diffie-Hellman, which are the same on
/// curves of cofactor 1 (RFC 5753, section 7.1.4).
const X963_SCHEMES: [(ObjectIdentifier, DigestAlgorithm); 10] = [
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.2"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.0"), DigestAlgorithm::Sha224),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.1"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.2"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.3"), DigestAlgorithm::Sha512),
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.3"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.0"), DigestAlgorithm::Sha224),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.1"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.2"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.3.132.1.14.3"), DigestAlgorithm::Sha512),
];
/// Key derivation by HKDF (RFC 8418, section 2.2).
const HKDF_SCHEMES: [(ObjectIdentifier, DigestAlgorithm); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.19"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.20"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.21"), DigestAlgorithm::Sha512),
];
/// What is written for the NIST curves: gpgsm, NSS and OpenSSL all read it.
const WRITTEN_ON_CURVES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");
/// What is written for X25519 (RFC 8418, section 2.2 asks for HKDF).
const WRITTEN_FOR_X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.19");

/// One reader's part of a key agreement.
#[derive(Debug)]
pub(crate) struct KeyAgreement {
    shared: Rc<Shared>,
    encrypted_key: Vec<u8>,
}

/// What all readers of one KeyAgreeRecipientInfo share.
#[derive(Debug)]
struct Shared {
    /// Nothing where the sender left the curve to the reader's key (RFC 5753, section 3.1.1).
    curve: Option<KeyAlgorithm>,
    point: Vec<u8>,
    derivation: Derivation,
    wrap: Wrap,
    /// The wrap's AlgorithmIdentifier exactly as it came: it is hashed, NULL or not.
    wrap_identifier: Vec<u8>,
    user_keying_material: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum Derivation {
    X963(DigestAlgorithm),
    Hkdf(DigestAlgorithm),
}

impl KeyAgreement {
    pub(super) fn suits(&self, algorithm: KeyAlgorithm) -> bool {
        let point_length = match algorithm {
            KeyAlgorithm::P256 => 65,
            KeyAlgorithm::P384 => 97,
            KeyAlgorithm::P521 => 133,
            KeyAlgorithm::X25519 => 32,
            _ => return false,
        };
        self.shared.point.len() == point_length && self.shared.curve.is_none_or(|curve| curve == algorithm)
    }

    pub(super) fn open(&self, key: &Fingerprint, keys: &dyn SecretKeys) -> Result<SecretBytes, KeyError> {
        let agreed = keys.agree(key, &self.shared.point)?;
        let wrapping_key = self.shared.wrapping_key(&agreed).ok_or(KeyError::Failed)?;
        self.shared.wrap.unwrap(&wrapping_key, &self.encrypted_key).ok_or(KeyError::Failed)
    }
}

impl Shared {
    fn wrapping_key(&self, agreed: &SecretBytes) -> Option<SecretBytes> {
        let length = self.wrap.key_length();
        let info = shared_info(&self.wrap_identifier, self.user_keying_material.as_deref(), length);
        match self.derivation {
            Derivation::X963(digest) => x963(digest, agreed.expose(), &info, length),
            // RFC 8418, section 2.2: no salt.
            Derivation::Hkdf(digest) => hkdf(digest, agreed.expose(), &[], &info, length),
        }
    }
}

/// ECC-CMS-SharedInfo (RFC 5753, section 7.2).
fn shared_info(wrap_identifier: &[u8], user_keying_material: Option<&[u8]>, key_length: usize) -> Vec<u8> {
    let material = user_keying_material
        .map(|material| tlv::encode(tag::constructed(0), &tlv::encode(tag::OCTET_STRING, material)))
        .unwrap_or_default();
    let bits = (key_length as u32 * 8).to_be_bytes();
    let length = tlv::encode(tag::constructed(2), &tlv::encode(tag::OCTET_STRING, &bits));
    tlv::sequence(&[wrap_identifier, &material, &length])
}

/// Reads the fields of a KeyAgreeRecipientInfo: one box for each RecipientEncryptedKey.
pub(super) fn read(mut fields: Elements<'_>) -> Option<Vec<KeyBox>> {
    skip_version(&mut fields)?;
    let originator = fields.expect(tag::constructed(0))?.content;
    let material = match fields.optional(tag::constructed(1))? {
        Some(material) => Some(tlv::only(material.content, tag::OCTET_STRING)?.to_vec()),
        None => None,
    };
    let identifier = fields.expect(tag::SEQUENCE)?.whole;
    let mut encrypted_keys = Elements::new(fields.expect(tag::SEQUENCE)?.content);
    if !fields.is_empty() {
        return None;
    }
    let shared = read_shared(originator, identifier, material).map(Rc::new);
    let algorithm = shared.as_ref().map_or_else(|| "unknown".into(), |shared| name_of(shared));
    let mut boxes = Vec::new();
    while !encrypted_keys.is_empty() {
        if boxes.len() > limits::RECIPIENTS {
            return Some(boxes);
        }
        let mut fields = Elements::new(encrypted_keys.expect(tag::SEQUENCE)?.content);
        let name = read_reader_name(&mut fields)?;
        let encrypted_key = fields.expect(tag::OCTET_STRING)?.content.to_vec();
        let method = match shared.clone().filter(|_| fields.is_empty()) {
            Some(shared) => Method::Agreement(KeyAgreement { shared, encrypted_key }),
            None => Method::Unsupported,
        };
        let algorithm = algorithm.clone();
        boxes.push(KeyBox { kind: RecipientKind::KeyAgreement, name: Some(name), algorithm, method });
    }
    Some(boxes)
}

fn read_shared(originator: &[u8], identifier: &[u8], material: Option<Vec<u8>>) -> Option<Shared> {
    let (curve, point) = read_originator_key(originator)?;
    let (scheme, parameters) = algorithm_in(identifier)?;
    let find = |schemes: &[(ObjectIdentifier, DigestAlgorithm)]| {
        schemes.iter().find(|(known, _)| *known == scheme).map(|(_, digest)| *digest)
    };
    let derivation = match (find(&X963_SCHEMES), find(&HKDF_SCHEMES)) {
        (Some(digest), _) => Derivation::X963(digest),
        (_, Some(digest)) => Derivation::Hkdf(digest),
        _ => return None,
    };
    let wrap_identifier = parameters?.whole.to_vec();
    let wrap = Wrap::parse(&wrap_identifier)?;
    Some(Shared { curve, point, derivation, wrap, wrap_identifier, user_keying_material: material })
}

/// The sender's ephemeral key. A static one, named by certificate, is refused: it would be the
/// sender's signing key, and nobody writes it.
fn read_originator_key(originator: &[u8]) -> Option<(Option<KeyAlgorithm>, Vec<u8>)> {
    let mut fields = Elements::new(tlv::only(originator, tag::constructed(1))?);
    let (algorithm, parameters) = algorithm_in(fields.expect(tag::SEQUENCE)?.whole)?;
    let point = tlv::whole_bits(fields.expect(tag::BIT_STRING)?.content)?.to_vec();
    if !fields.is_empty() {
        return None;
    }
    if algorithm == oid::X25519 {
        return parameters.is_none().then_some((Some(KeyAlgorithm::X25519), point));
    }
    if algorithm != oid::EC_PUBLIC_KEY {
        return None;
    }
    let curve = match parameters.map(|parameters| (parameters.tag, parameters.content)) {
        None | Some((tag::NULL, [])) => None,
        Some((tag::OBJECT_IDENTIFIER, named)) if named == oid::P256.as_bytes() => Some(KeyAlgorithm::P256),
        Some((tag::OBJECT_IDENTIFIER, named)) if named == oid::P384.as_bytes() => Some(KeyAlgorithm::P384),
        Some((tag::OBJECT_IDENTIFIER, named)) if named == oid::P521.as_bytes() => Some(KeyAlgorithm::P521),
        // Explicit parameters describe a curve of the sender's choice (CVE-2020-0601).
        Some(_) => return None,
    };
    Some((curve, point))
}

/// KeyAgreeRecipientIdentifier (RFC 5652, section 6.2.2); a date beside the identifier says which
/// of several keys, and does not matter to us.
fn read_reader_name(fields: &mut Elements<'_>) -> Option<KeyName> {
    let element = fields.any()?;
    match element.tag {
        tag::SEQUENCE => read_issuer_and_serial_number(element.content),
        0xa0 => {
            let identifier = Elements::new(element.content).expect(tag::OCTET_STRING)?.content;
            Some(KeyName::KeyIdentifier(identifier.to_vec()))
        }
        _ => None,
    }
}

fn name_of(shared: &Shared) -> String {
    let derivation = match shared.derivation {
        Derivation::X963(digest) => digest.name().to_string(),
        Derivation::Hkdf(digest) => format!("hkdf-{}", digest.name()),
    };
    format!("ecdh-{derivation} {}", shared.wrap.name())
}

/// DER of a KeyAgreeRecipientInfo for one key, with an ephemeral key of its own.
pub(crate) fn write(
    name: &KeyName,
    key: &PublicKey,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let (originator_algorithm, scheme, derivation) = match key.algorithm() {
        KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 => {
            // RFC 5753, section 3.1.1: parameters absent; the curve is the reader's.
            (oid::EC_PUBLIC_KEY, WRITTEN_ON_CURVES, Derivation::X963(DigestAlgorithm::Sha256))
        }
        KeyAlgorithm::X25519 => (oid::X25519, WRITTEN_FOR_X25519, Derivation::Hkdf(DigestAlgorithm::Sha256)),
        _ => return Err(KeyError::Unsuitable),
    };
    let (point, agreed) = key.agree_ephemeral(random)?;
    let wrap = Wrap::Aes256;
    let shared = Shared {
        curve: None,
        derivation,
        wrap,
        wrap_identifier: wrap.to_der(),
        user_keying_material: None,
        point,
    };
    let wrapping_key = shared.wrapping_key(&agreed).ok_or(KeyError::Failed)?;
    let encrypted_key = wrap.wrap(&wrapping_key, content_key).ok_or(KeyError::Failed)?;
    let originator_key = [algorithm_der(originator_algorithm, &[]), tlv::bit_string(&shared.point)].concat();
    let originator = tlv::encode(tag::constructed(1), &originator_key);
    let reader = write_name(name, |key_identifier| {
        tlv::encode(tag::constructed(0), &tlv::encode(tag::OCTET_STRING, key_identifier))
    });
    let reader_key = tlv::sequence(&[&reader, &tlv::encode(tag::OCTET_STRING, &encrypted_key)]);
    let fields = [
        version(3),
        tlv::encode(tag::constructed(0), &originator),
        algorithm_der(scheme, &shared.wrap_identifier),
        tlv::sequence(&[&reader_key]),
    ];
    Ok(tlv::encode(tag::constructed(1), &fields.concat()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::cms::test_keys::{KEYS, Ring, SystemRandom};

    /// The fields of a KeyAgreeRecipientInfo whose parameters are as given.
    fn built(originator_parameters: &[u8], wrap: &[u8], material: Option<&[u8]>) -> (Vec<u8>, SecretBytes) {
        let key = &KEYS[1];
        let (point, agreed) = key.public_key().agree_ephemeral(&mut SystemRandom).unwrap();
        // RFC 5753, section 7.2, written out for AES-256 and P-256.
        let tagged = |number, bytes: &[u8]| {
            tlv::encode(tag::constructed(number), &tlv::encode(tag::OCTET_STRING, bytes))
        };
        let material_in_info = material.map(|material| tagged(0, material)).unwrap_or_default();
        let info = tlv::sequence(&[wrap, &material_in_info, &tagged(2, &[0, 0, 1, 0])]);
        let wrapping_key = x963(DigestAlgorithm::Sha384, agreed.expose(), &info, 32).unwrap();
        let content_key = SecretBytes::new(vec![7; 32]);
        let encrypted_key = Wrap::Aes256.wrap(&wrapping_key, &content_key).unwrap();
        let originator_key =
            [algorithm_der(oid::EC_PUBLIC_KEY, originator_parameters), tlv::bit_string(&point)].concat();
        let reader = tagged(0, &key.public_key().key_identifier());
        let fields = [
            version(3),
            tlv::encode(tag::constructed(0), &tlv::encode(tag::constructed(1), &originator_key)),
            material.map(|material| tagged(1, material)).unwrap_or_default(),
            algorithm_der(ObjectIdentifier::new_unwrap("1.3.132.1.11.2"), wrap),
            tlv::sequence(&[&tlv::sequence(&[&reader, &tlv::encode(tag::OCTET_STRING, &encrypted_key)])]),
        ];
        (fields.concat(), content_key)
    }

    fn opened(fields: &[u8]) -> Option<SecretBytes> {
        let key = &KEYS[1];
        let boxes = read(Elements::new(fields)).unwrap();
        let key_box = boxes.first().unwrap();
        key_box.method.open(&key.fingerprint(), &Ring::of(&KEYS), 32).ok().map(|unboxed| unboxed.key)
    }

    #[test]
    fn keying_material_and_null_parameters_are_hashed_as_they_came() {
        // NSS sends both.
        let null = [tag::NULL, 0];
        let aes_256_wrap = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.45");
        for parameters in [&[][..], &null] {
            let wrap = algorithm_der(aes_256_wrap, parameters);
            for material in [None, Some(&b"sixteen and more bytes of material"[..])] {
                let (fields, content_key) = built(&[], &wrap, material);
                assert_eq!(opened(&fields).unwrap().expose(), content_key.expose());
            }
        }
    }

    #[test]
    fn the_curve_may_be_left_out_or_named_but_not_described() {
        let wrap = Wrap::Aes256.to_der();
        let named = tlv::encode(tag::OBJECT_IDENTIFIER, oid::P256.as_bytes());
        let other = tlv::encode(tag::OBJECT_IDENTIFIER, oid::P384.as_bytes());
        let described = tlv::sequence(&[&tlv::integer(&[1])]);
        for (parameters, is_good) in
            [(&[][..], true), (&[tag::NULL, 0], true), (&named, true), (&described, false)]
        {
            assert_eq!(opened(&built(parameters, &wrap, None).0).is_some(), is_good);
        }
        let (fields, _) = built(&other, &wrap, None);
        let boxes = read(Elements::new(&fields)).unwrap();
        assert!(!boxes.first().unwrap().method.suits(KeyAlgorithm::P256));
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_is_refused() {
        let (fields, _) = built(&[], &Wrap::Aes256.to_der(), None);
        let place = fields.windows(3).position(|window| window == [0x42, 0, 4]).unwrap() + 3;
        for point in [[0_u8; 64], [0xff; 64], [1; 64]] {
            let mut changed = fields.clone();
            changed.get_mut(place..place + 64).unwrap().copy_from_slice(&point);
            assert!(opened(&changed).is_none());
        }
    }

    /// Made with Python's `cryptography` by RFC 8418, section 2.2: HKDF with SHA-256, AES-256 wrap;
    /// the sender's ephemeral secret is 32 times 0x45, the reader's 32 times 0x52.
    #[test]
    fn an_x25519_recipient_of_another_program_opens() {
        let recipient = "a18185020103a02ca12a300506032b656e0321003286894cd2845a6db6a28fbf0677605f80e5a62385bf4e10\
             a790ae5fde36736b301a060b2a864886f70d0109100313300b060960864801650304012d30363034a0080406\
             726561646572042861aafbd2602afa44e9d62df116b6fc2be8e9d8ada50708d245c5d983d3bde18421d16bc5\
             3efc7f04";
        let recipient: Vec<u8> = recipient
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let secret = tlv::encode(tag::OCTET_STRING, &tlv::encode(tag::OCTET_STRING, &[0x52; 32]));
        let pkcs8 = tlv::sequence(&[&tlv::integer(&[]), &algorithm_der(oid::X25519, &[]), &secret]);
        let key = crate::x509::SecretKey::from_pkcs8_der(&pkcs8).unwrap();
        let open = |recipient: &[u8]| {
            let boxes = super::super::read(recipient);
            let method = &boxes.first().unwrap().method;
            method.open(&key.fingerprint(), &Ring::of(std::slice::from_ref(&key)), 32).ok()
        };
        assert_eq!(open(&recipient).unwrap().key.expose(), (0..32).collect::<Vec<u8>>());
        let mut changed = recipient;
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&changed).is_none());
    }

    #[test]
    fn an_x25519_key_of_zeros_is_refused() {
        let name = KeyName::KeyIdentifier(KEYS[4].public_key().key_identifier().to_vec());
        let written =
            write(&name, KEYS[4].public_key(), &SecretBytes::new(vec![7; 32]), &mut SystemRandom).unwrap();
        let boxes = super::super::read(&written);
        let open = |boxes: &[KeyBox]| {
            boxes.first().unwrap().method.open(&KEYS[4].fingerprint(), &Ring::of(&KEYS), 32).map(drop)
        };
        assert!(open(&boxes).is_ok());
        let place = written.windows(3).position(|window| window == [3, 0x21, 0]).unwrap() + 3;
        let mut changed = written;
        changed.get_mut(place..place + 32).unwrap().fill(0);
        assert_eq!(open(&super::super::read(&changed)).unwrap_err(), KeyError::Failed);
    }
}
