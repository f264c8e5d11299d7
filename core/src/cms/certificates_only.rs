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
