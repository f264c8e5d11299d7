//! A SignedData without signatures: how certificates travel (RFC 8551, section 3.8).

use std::io::Cursor;

use super::content_type::ContentType;
use super::elements::{INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, context, encode, encode_set};
use super::signed::SignedError;
use super::signed::object::Object;
use crate::x509::Certificate;

/// The certificates of an object that has nothing else; revocation lists are left aside.
///
/// # Errors
/// [`SignedError::NotOnlyCertificates`] where something is signed, and what
/// [`super::read_signed`] says.
pub fn certificates_only(der: &[u8]) -> Result<Vec<Certificate>, SignedError> {
    let object = Object::read(&mut Cursor::new(der), None, &mut std::io::sink());
    match object {
        Ok(object) if object.signer_infos.is_empty() && !object.had_content => Ok(object.certificates),
        Ok(_) | Err(SignedError::ContentMissing) => Err(SignedError::NotOnlyCertificates),
        Err(error) => Err(error),
    }
}

/// An object that carries certificates, in DER.
#[must_use]
pub fn write_certificates_only(certificates: &[Certificate]) -> Vec<u8> {
    let identifier =
        |content_type: &ContentType| encode(OBJECT_IDENTIFIER, &[&content_type.object_identifier()]);
    let signed = encode(
        SEQUENCE,
        &[
            &encode(INTEGER, &[&[1]]),
            &encode(SET, &[]),
            &encode(SEQUENCE, &[&identifier(&ContentType::Data)]),
            &certificate_set(certificates),
            &encode(SET, &[]),
        ],
    );
    encode(SEQUENCE, &[&identifier(&ContentType::SignedData), &encode(context(0), &[&signed])])
}

/// The field `certificates` of a SignedData: each certificate once, in the order of DER. Nothing at
/// all where there are none.
pub(super) fn certificate_set<'c>(certificates: impl IntoIterator<Item = &'c Certificate>) -> Vec<u8> {
    let mut set: Vec<Vec<u8>> =
        certificates.into_iter().map(|certificate| certificate.as_der().to_vec()).collect();
    set.sort();
    set.dedup();
    if set.is_empty() { Vec::new() } else { encode_set(context(0), set) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::read_signed;
    use super::super::signed::testing::{Forged, Minted, Person};
    use super::*;
    use crate::x509::KeyKind;

    fn person(serial_number: u8) -> Person {
        Person::minted(
            KeyKind::P256,
            &Minted { common_name: "Alice", serial_number, key_identifier: vec![1; 20] },
        )
    }

    #[test]
    fn certificates_travel_alone() {
        let certificates = [person(1).certificate, person(2).certificate];
        let object = write_certificates_only(&certificates);
        let mut read_back = certificates_only(&object).unwrap();
        read_back.sort_by_key(|certificate| certificate.serial_number().to_vec());
        assert_eq!(read_back, certificates);
        assert_eq!(certificates_only(&write_certificates_only(&[])), Ok(Vec::new()));
    }

    #[test]
    fn certificates_alone_are_signed_by_nobody() {
        let object = write_certificates_only(&[person(1).certificate]);
        let signed = read_signed(&mut Cursor::new(&object), None, &[], &mut std::io::sink()).unwrap();
        assert!(signed.signers.is_empty());
    }

    #[test]
    fn what_is_signed_is_more_than_certificates() {
        let alice = person(1);
        let mut signed = Forged::good(&alice, b"Hello");
        assert_eq!(certificates_only(&signed.build()), Err(SignedError::NotOnlyCertificates));
        signed.content = None;
        assert_eq!(certificates_only(&signed.build()), Err(SignedError::NotOnlyCertificates));
    }
}
