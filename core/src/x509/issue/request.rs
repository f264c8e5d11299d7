//! Certification requests (PKCS#10, RFC 2986): what somebody sends to a CA.

use der::Encode as _;
use x509_cert::ext::pkix::KeyUsages;

use super::extensions::Extensions;
use super::{
    IssueError, Subject, addresses, check_addresses, encryption_usage, person_name, signature_by, tlv,
};
use crate::address::EmailAddress;
use crate::ports::{KeyError, SecretKeys};
use crate::x509::algorithm_identifier::signature_to;
use crate::x509::certificate::CertificateError;
use crate::x509::public_key::PublicKey;
use crate::x509::tlv::{Elements, tag};
use crate::x509::{name_text, subject_names};

/// 1.2.840.113549.1.9.14, extensionRequest (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];

/// 2.5.29.17, subjectAltName (RFC 5280, section 4.2.1.6).
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];

/// A request for a certificate that names the subject's addresses, signed with the key that the
/// certificate will be about. What the key may be used for is asked for as widely as the key
/// allows; the CA decides.
///
/// # Errors
/// [`IssueError::UnsuitableKey`] for a key that cannot sign, since a request is signed with it; and
/// the others of [`IssueError`].
pub fn certification_request(keys: &dyn SecretKeys, subject: &Subject<'_>) -> Result<Vec<u8>, IssueError> {
    check_addresses(subject)?;
    let key = subject.public_key.algorithm();
    let signature = signature_by(key).ok_or(IssueError::UnsuitableKey(key))?;
    let algorithm = signature_to(signature, key).and_then(|algorithm| algorithm.to_der().ok());
    let algorithm = algorithm.ok_or(IssueError::UnsuitableKey(key))?;
    let information = information(subject)?;
    let fingerprint = subject.public_key.fingerprint();
    let value = keys.sign(&fingerprint, signature, &information).map_err(IssueError::Key)?;
    // A fault in signing would otherwise go out.
    subject
        .public_key
        .verify(signature, &information, &value)
        .map_err(|_| IssueError::Key(KeyError::Failed))?;
    Ok(tlv::sequence(&[&information, &algorithm, &tlv::bit_string(&value)]))
}

/// CertificationRequestInfo (RFC 2986, section 4.1).
fn information(subject: &Subject<'_>) -> Result<Vec<u8>, IssueError> {
    let usage = encryption_usage(subject.public_key).unwrap_or_default() | KeyUsages::DigitalSignature;
    let extensions = Extensions::of_leaf(subject, usage, None).map_err(addresses)?;
    let extensions = extensions.to_der().map_err(addresses)?;
    let attribute = tlv::sequence(&[
        &tlv::encode(tag::OBJECT_IDENTIFIER, EXTENSION_REQUEST),
        &tlv::encode(tag::SET, &extensions),
    ]);
    Ok(tlv::sequence(&[
        &tlv::integer(&[]),
        &person_name(subject),
        subject.public_key.as_der(),
        &tlv::encode(tag::constructed(0), &attribute),
    ]))
}

/// A request that somebody signed with the key it is about.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    /// The key.
    pub public_key: PublicKey,
    /// The common name that is asked for: foreign text.
    pub name: String,
    /// The addresses that are asked for.
    pub addresses: Vec<EmailAddress>,
}

impl CertificationRequest {
    /// Reads a request, and checks that whoever made it has the key.
    ///
    /// # Errors
    /// [`CertificateError`] for what cannot be read, and [`CertificateError::BadKey`] where the signature does not
    /// hold.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let request = read(der).ok_or(CertificateError::Malformed)?;
        let public_key = PublicKey::from_der(request.public_key)?;
        let signature = signature_by(public_key.algorithm()).ok_or(CertificateError::BadKey)?;
        let algorithm = signature_to(signature, public_key.algorithm()).and_then(|it| it.to_der().ok());
        if algorithm.as_deref() != Some(request.algorithm)
            || public_key.verify(signature, request.information, request.signature).is_err()
        {
            return Err(CertificateError::BadKey);
        }
        let names = name_text::values(request.subject, "2.5.4.3").ok_or(CertificateError::Malformed)?;
        Ok(Self {
            public_key,
            name: names.into_iter().next().unwrap_or_default(),
            addresses: subject_names::addresses(request.alternative_names, request.subject)?,
        })
    }
}

/// The parts of a request as they stand there.
struct Read<'a> {
    information: &'a [u8],
    subject: &'a [u8],
    public_key: &'a [u8],
    alternative_names: Option<&'a [u8]>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

fn read(der: &[u8]) -> Option<Read<'_>> {
    let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE)?);
    let information = fields.expect(tag::SEQUENCE)?;
    let algorithm = fields.expect(tag::SEQUENCE)?.whole;
    let signature = tlv::whole_bits(fields.expect(tag::BIT_STRING)?.content)?;
    let mut inside = Elements::new(information.content);
    let version = inside.expect(tag::INTEGER)?.content;
    let subject = inside.expect(tag::SEQUENCE)?.whole;
    let public_key = inside.expect(tag::SEQUENCE)?.whole;
    let attributes = inside.expect(tag::constructed(0))?.content;
    let is_whole = fields.is_empty() && inside.is_empty() && version == [0];
    let alternative_names = alternative_names(attributes)?;
    let information = information.whole;
    is_whole.then_some(Read { information, subject, public_key, alternative_names, algorithm, signature })
}

/// The value of subjectAltName among the extensions that are asked for.
fn alternative_names(attributes: &[u8]) -> Option<Option<&[u8]>> {
    let mut attributes = Elements::new(attributes);
    while !attributes.is_empty() {
        let mut attribute = Elements::new(attributes.expect(tag::SEQUENCE)?.content);
        let kind = attribute.expect(tag::OBJECT_IDENTIFIER)?.content;
        let values = attribute.expect(tag::SET)?.content;
        if kind != EXTENSION_REQUEST {
            continue;
        }
        let mut extensions = Elements::new(tlv::only(values, tag::SEQUENCE)?);
        while !extensions.is_empty() {
            let mut extension = Elements::new(extensions.expect(tag::SEQUENCE)?.content);
            let kind = extension.expect(tag::OBJECT_IDENTIFIER)?.content;
            extension.optional(tag::BOOLEAN)?;
            let value = extension.expect(tag::OCTET_STRING)?.content;
            if kind == SUBJECT_ALTERNATIVE_NAME {
                return Some(Some(value));
            }
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys::Keyring;
    use crate::testing::SystemRandom;
    use crate::x509::{KeyKind, SecretKey};

    fn request(kind: KeyKind) -> Result<Vec<u8>, IssueError> {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let addresses = [EmailAddress::parse("alice@example.org").unwrap()];
        let subject = Subject { name: "Alice", addresses: &addresses, public_key: key.public_key() };
        certification_request(&Keyring::from(key.clone()), &subject)
    }

    #[test]
    fn a_request_names_the_address_and_is_signed() {
        let request = request(KeyKind::P256).unwrap();
        let holds = |needle: &[u8]| request.windows(needle.len()).any(|window| window == needle);
        assert!(holds(b"alice@example.org") && holds(EXTENSION_REQUEST));
    }

    #[test]
    fn a_request_reads_back_and_one_that_was_changed_does_not() {
        for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
            let request = request(kind).unwrap();
            let read = CertificationRequest::from_der(&request).unwrap();
            assert_eq!(read.public_key.algorithm(), kind.algorithm());
            assert_eq!((read.name.as_str(), read.addresses.len()), ("Alice", 1));
            assert_eq!(read.addresses.first().unwrap().to_string(), "alice@example.org");
            for index in 0..request.len() {
                let mut changed = request.clone();
                *changed.get_mut(index).unwrap() ^= 1;
                assert!(CertificationRequest::from_der(&changed).is_err(), "{index}");
                assert!(CertificationRequest::from_der(request.get(..index).unwrap()).is_err());
            }
        }
    }

    #[test]
    fn a_key_that_cannot_sign_asks_for_nothing() {
        assert!(matches!(request(KeyKind::X25519), Err(IssueError::UnsuitableKey(_))));
        assert!(matches!(request(KeyKind::MlKem768), Err(IssueError::UnsuitableKey(_))));
    }
}
