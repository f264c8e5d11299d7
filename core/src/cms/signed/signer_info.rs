//! One SignerInfo (RFC 5652, section 5.3) as it stands in the object.

use super::algorithms::read_digest_algorithm;
use super::object::version;
use crate::algorithm::DigestAlgorithm;
use crate::cms::elements::{self, INTEGER, SEQUENCE, SET, context};
use crate::der::{DerError, DerErrorKind, Reader, Tag, to_der};
use crate::limits::STRUCTURE_BYTES;
use crate::ports::KeyName;

/// A SignerInfo, read but not judged.
pub(crate) struct SignerInfo {
    /// The signer's certificate.
    pub name: KeyName,
    /// digestAlgorithm, where it is one that we know.
    pub digest: Option<DigestAlgorithm>,
    /// DER of digestAlgorithm.
    pub digest_algorithm: Vec<u8>,
    /// signedAttrs, where there are any.
    pub signed_attributes: Option<SignedAttributesBytes>,
    /// DER of signatureAlgorithm.
    pub signature_algorithm: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// unsignedAttrs as a SET in DER. Nobody signed them: nothing in them is ever believed.
    pub unsigned_attributes: Option<Vec<u8>>,
}

/// The signed attributes, as they came and in DER.
pub(crate) struct SignedAttributesBytes {
    /// The element as it came, with the tag of a SET in front, as it is signed (RFC 5652,
    /// section 5.4).
    pub original: Vec<u8>,
    /// The same with definite lengths and strings in one piece, in the order as it came.
    pub normalized: Vec<u8>,
}

impl SignedAttributesBytes {
    /// What the signature may be over: the bytes as they came, since many programs sign what they
    /// send; and DER with its sorted SET, which is what should be signed.
    pub(crate) fn signed_forms(&self) -> Result<Vec<Vec<u8>>, elements::NotDer> {
        let attributes = elements::elements(elements::content_of(&self.normalized, SET)?)?;
        let sorted = attributes.iter().map(|attribute| attribute.whole.to_vec()).collect();
        let mut forms = vec![self.original.clone(), elements::encode_set(SET, sorted)];
        forms.dedup();
        Ok(forms)
    }
}

impl SignerInfo {
    /// Reads the element of a SignerInfo.
    pub(super) fn read(element: &[u8]) -> Result<Self, DerError> {
        let mut reader = Reader::new(element);
        reader.enter(Tag::SEQUENCE)?;
        version(&mut reader)?;
        let name = read_name(&mut reader)?;
        let digest_algorithm = to_der(&reader.element_of(Tag::SEQUENCE, STRUCTURE_BYTES)?)?;
        let signed_attributes = read_signed_attributes(&mut reader)?;
        let signature_algorithm = to_der(&reader.element_of(Tag::SEQUENCE, STRUCTURE_BYTES)?)?;
        let signature = reader.string(Tag::OCTET_STRING)?.read_all(STRUCTURE_BYTES)?;
        let unsigned_attributes = match reader.next_is(Tag::context(1))? {
            true => Some(as_set(to_der(&reader.element(STRUCTURE_BYTES)?)?)),
            false => None,
        };
        reader.leave()?;
        reader.finish()?;
        let digest = read_digest_algorithm(&digest_algorithm);
        Ok(Self {
            name,
            digest,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unsigned_attributes,
        })
    }
}

/// SignerIdentifier.
fn read_name(reader: &mut Reader<&[u8]>) -> Result<KeyName, DerError> {
    let offset = reader.position();
    if reader.next_is(Tag::context(0))? {
        return Ok(KeyName::KeyIdentifier(reader.string(Tag::context(0))?.read_all(STRUCTURE_BYTES)?));
    }
    let element = to_der(&reader.element_of(Tag::SEQUENCE, STRUCTURE_BYTES)?)?;
    let name = elements::content_of(&element, SEQUENCE).and_then(issuer_and_serial_number);
    name.map_err(|_| DerError { offset, kind: DerErrorKind::BadValue })
}

/// The content of an IssuerAndSerialNumber.
pub(super) fn issuer_and_serial_number(content: &[u8]) -> Result<KeyName, elements::NotDer> {
    match elements::elements(content)?.as_slice() {
        [issuer, serial_number] if issuer.tag == SEQUENCE => Ok(KeyName::IssuerAndSerialNumber {
            issuer: issuer.whole.to_vec(),
            serial_number: serial_number.expect(INTEGER)?.to_vec(),
        }),
        _ => Err(elements::NotDer),
    }
}

fn read_signed_attributes(reader: &mut Reader<&[u8]>) -> Result<Option<SignedAttributesBytes>, DerError> {
    if !reader.next_is(Tag::context(0))? {
        return Ok(None);
    }
    let offset = reader.position();
    let element = reader.element(STRUCTURE_BYTES)?;
    if element.first() != Some(&context(0)) {
        // A primitive [0] would be the same bytes under another tag.
        return Err(DerError { offset, kind: DerErrorKind::BadValue });
    }
    let normalized = as_set(to_der(&element)?);
    Ok(Some(SignedAttributesBytes { original: as_set(element), normalized }))
}

/// Replaces the implicit tag by that of a SET.
fn as_set(mut element: Vec<u8>) -> Vec<u8> {
    if let Some(tag) = element.first_mut() {
        *tag = SET;
    }
    element
}
