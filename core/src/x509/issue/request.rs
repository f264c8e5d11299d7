//! Certification requests (PKCS#10, RFC 2986): what somebody sends to a CA.

use der::Encode as _;
use x509_cert::ext::pkix::KeyUsages;

use super::extensions::Extensions;
use super::{
    IssueError, Subject, addresses, check_addresses, encryption_usage, person_name, signature_by, tlv,
};
use crate::ports::{KeyError, SecretKeys};
use crate::x509::algorithm_identifier::signature_to;
use crate::x509::tlv::tag;

/// 1.2.840.113549.1.9.14, extensionRequest (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::address::EmailAddress;
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
    fn a_key_that_cannot_sign_asks_for_nothing() {
        assert!(matches!(request(KeyKind::X25519), Err(IssueError::UnsuitableKey(_))));
        assert!(matches!(request(KeyKind::MlKem768), Err(IssueError::UnsuitableKey(_))));
    }
}
