//! The key itself: an AsymmetricKeyPackage with one OneAsymmetricKey (RFC 5958), its certificates among the attributes
//! (RFC 7906, section 14: userCertificate).

use counterseal_core::der::tlv::{self, Elements, tag};
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{Certificate, SecretKey};
use zeroize::Zeroizing;

use crate::identifiers::{KEY_PURPOSE, LOG_SECRET};
use crate::limits;
use crate::log::{KeyId, Purpose};
use crate::sync::{CraftError, SharedKey};

/// id-at-userCertificate, 2.5.4.36.
const USER_CERTIFICATE: &[u8] = &[0x55, 4, 36];
/// Universal tag of an ENUMERATED.
const ENUMERATED: u8 = 0x0a;
/// Bytes of a log secret.
const LOG_SECRET_BYTES: usize = 32;

/// DER of the AsymmetricKeyPackage.
pub(super) fn write(key: &SharedKey) -> Result<SecretBytes, CraftError> {
    let fields = match key.purpose {
        Purpose::LogSecret => Zeroizing::new(
            [
                tlv::integer(&[]),
                tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, &LOG_SECRET)]),
                tlv::encode(tag::OCTET_STRING, key.secret.expose()),
            ]
            .concat(),
        ),
        Purpose::Decryption | Purpose::SigningAndDecryption | Purpose::PersonalAuthority => {
            // What is written comes from a key that was read, and so has one form.
            let pkcs8 = SecretKey::from_pkcs8_der(key.secret.expose())
                .map_err(|error| CraftError::Failed(error.to_string()))?
                .to_pkcs8_der();
            let fields = tlv::only(pkcs8.expose(), tag::SEQUENCE).unwrap_or_default();
            Zeroizing::new(fields.to_vec())
        }
    };
    let attributes = tlv::encode(tag::constructed(0), &attributes(key));
    let one = Zeroizing::new([fields.as_slice(), &attributes].concat());
    let one = Zeroizing::new(tlv::encode(tag::SEQUENCE, &one));
    Ok(SecretBytes::new(tlv::encode(tag::SEQUENCE, &one)))
}

/// The elements of the SET OF Attribute, in the order of DER.
fn attributes(key: &SharedKey) -> Vec<u8> {
    let purpose = tlv::encode(ENUMERATED, &[key.purpose.number()]);
    let mut attributes = vec![attribute(&KEY_PURPOSE, vec![purpose])];
    if !key.certificates.is_empty() {
        attributes.push(attribute(USER_CERTIFICATE, key.certificates.clone()));
    }
    attributes.sort();
    attributes.concat()
}

fn attribute(kind: &[u8], mut values: Vec<Vec<u8>>) -> Vec<u8> {
    values.sort();
    let values = tlv::encode(tag::SET, &values.concat());
    tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, kind), &values])
}

/// Reads a package with one key. Its id is computed from its secret.
pub(super) fn read(package: &[u8]) -> Option<SharedKey> {
    let one = tlv::only(tlv::only(package, tag::SEQUENCE)?, tag::SEQUENCE)?;
    let mut fields = Elements::new(one);
    let version = fields.expect(tag::INTEGER)?;
    let algorithm = fields.expect(tag::SEQUENCE)?;
    let secret = fields.expect(tag::OCTET_STRING)?;
    let attributes = read_attributes(fields.expect(tag::constructed(0))?.content)?;
    if !fields.is_empty() || version.content != [0] {
        return None;
    }
    if algorithm.whole == tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, &LOG_SECRET)]) {
        return log_secret(secret.content, attributes);
    }
    let bare = Zeroizing::new([version.whole, algorithm.whole, secret.whole].concat());
    key_pair(&SecretBytes::new(tlv::encode(tag::SEQUENCE, &bare)), attributes)
}

fn log_secret(secret: &[u8], attributes: Attributes) -> Option<SharedKey> {
    let is_sound = secret.len() == LOG_SECRET_BYTES
        && attributes.purpose == Purpose::LogSecret
        && attributes.certificates.is_empty();
    let secret = SecretBytes::copy_of(secret);
    let id = KeyId::of_log_secret(&secret);
    is_sound.then_some(SharedKey { id, purpose: Purpose::LogSecret, secret, certificates: Vec::new() })
}

fn key_pair(pkcs8: &SecretBytes, attributes: Attributes) -> Option<SharedKey> {
    let Attributes { purpose, mut certificates } = attributes;
    let key = SecretKey::from_pkcs8_der(pkcs8.expose()).ok()?;
    // Beside its own only those of the CA above it: nothing else travels by this way.
    let is_own = |certificate: &Certificate| certificate.fingerprint() == key.fingerprint();
    let is_sound = purpose != Purpose::LogSecret
        && certificates.iter().any(is_own)
        && certificates.iter().all(|other| is_own(other) || other.is_certificate_authority());
    certificates
        .sort_by_key(|certificate| (!is_own(certificate), std::cmp::Reverse(certificate.not_before())));
    is_sound.then(|| SharedKey {
        id: KeyId::of_public_key(key.public_key().as_der()),
        purpose,
        secret: key.to_pkcs8_der(),
        certificates: certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect(),
    })
}

struct Attributes {
    purpose: Purpose,
    certificates: Vec<Certificate>,
}

fn read_attributes(content: &[u8]) -> Option<Attributes> {
    let (mut purpose, mut certificates) = (None, None);
    let mut attributes = Elements::new(content);
    while !attributes.is_empty() {
        let mut attribute = Elements::new(attributes.expect(tag::SEQUENCE)?.content);
        let kind = attribute.expect(tag::OBJECT_IDENTIFIER)?.content;
        let values = attribute.expect(tag::SET)?;
        if !attribute.is_empty() {
            return None;
        }
        if kind == KEY_PURPOSE && purpose.is_none() {
            purpose = Some(read_purpose(values.content)?);
        } else if kind == USER_CERTIFICATE && certificates.is_none() {
            certificates = Some(read_certificates(values.content)?);
        } else {
            return None;
        }
    }
    Some(Attributes { purpose: purpose?, certificates: certificates.unwrap_or_default() })
}

fn read_purpose(value: &[u8]) -> Option<Purpose> {
    match tlv::only(value, ENUMERATED)? {
        [number] => Purpose::from_number(*number),
        _ => None,
    }
}

fn read_certificates(values: &[u8]) -> Option<Vec<Certificate>> {
    let mut elements = Elements::new(values);
    let mut certificates = Vec::new();
    while !elements.is_empty() {
        if certificates.len() == limits::KEY_CERTIFICATES {
            return None;
        }
        certificates.push(Certificate::from_der(elements.expect(tag::SEQUENCE)?.whole).ok()?);
    }
    Some(certificates)
}
