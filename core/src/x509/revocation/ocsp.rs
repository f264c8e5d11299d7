//! Answers about single certificates: the Online Certificate Status Protocol (RFC 6960), as it
//! comes from a responder, a file, or a CMS object (RFC 5940).

mod request;
mod single;

use std::fmt;

use const_oid::ObjectIdentifier;

use super::UnusableList;
use super::extensions::{self, unknown};
use crate::limits;
use crate::time::Time;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::signature::SignedBytes;
use crate::x509::tlv::{Element, Elements, only, tag, whole_bits};
use crate::x509::{Certificate, PublicKey, asn1_time};

pub use request::OcspRequest;
pub(crate) use single::{CertificateStatus, SingleResponse};

/// id-pkix-ocsp-basic, id-pkix-ocsp-nonce and id-pkix-ocsp-extended-revoke (RFC 6960, appendix B).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const EXTENDED_REVOKE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.9");
const ENUMERATED: u8 = 0x0a;

/// A successful OCSP response. Only its form is checked yet: who signed it is a question of a
/// path.
#[derive(Clone, PartialEq, Eq)]
pub struct OcspResponse {
    der: Vec<u8>,
    signed: SignedBytes,
    responder: Responder,
    produced_at: Time,
    singles: Vec<SingleResponse>,
    certificates: Vec<Certificate>,
    nonce: Option<Vec<u8>>,
    unusable: Option<UnusableList>,
}

/// Who says to have signed a response (RFC 6960, section 4.2.1).
#[derive(Clone, PartialEq, Eq)]
enum Responder {
    ByName(DistinguishedName),
    /// SHA-1 of the bits of the key.
    ByKey(Vec<u8>),
}

/// Why bytes are no OCSP response that says anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspError {
    /// Not the DER of an OCSPResponse with a BasicOCSPResponse in it.
    Malformed,
    /// Larger than [`limits::OCSP_RESPONSE_BYTES`], or with more answers or certificates than
    /// [`limits::OCSP_ANSWERS`] and [`limits::OCSP_CERTIFICATES`].
    TooLarge,
    /// The responder refused to answer: its OCSPResponseStatus.
    Refused(u8),
}

impl fmt::Display for OcspError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("not an OCSP response"),
            Self::TooLarge => formatter.write_str("the OCSP response is too large"),
            Self::Refused(status) => write!(formatter, "the OCSP responder refused: {}", refusal(*status)),
        }
    }
}

impl std::error::Error for OcspError {}

/// OCSPResponseStatus (RFC 6960, section 4.2.1).
const fn refusal(status: u8) -> &'static str {
    match status {
        1 => "malformedRequest",
        2 => "internalError",
        3 => "tryLater",
        5 => "sigRequired",
        6 => "unauthorized",
        _ => "unknown status",
    }
}

impl OcspResponse {
    /// Reads one OCSPResponse, with nothing after it.
    ///
    /// # Errors
    /// [`OcspError`].
    pub fn from_der(der: &[u8]) -> Result<Self, OcspError> {
        if der.len() > limits::OCSP_RESPONSE_BYTES {
            return Err(OcspError::TooLarge);
        }
        let mut fields = Elements::new(only(der, tag::SEQUENCE).ok_or(OcspError::Malformed)?);
        match fields.expect(ENUMERATED).map(|status| status.content) {
            Some([0]) => {}
            Some([status]) => return Err(OcspError::Refused(*status)),
            _ => return Err(OcspError::Malformed),
        }
        let bytes = fields.expect(tag::constructed(0)).filter(|_| fields.is_empty());
        let basic = bytes.and_then(|bytes| basic_response(bytes.content)).ok_or(OcspError::Malformed)?;
        read(der, basic)
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// When the responder says to have signed it.
    #[must_use]
    pub const fn produced_at(&self) -> Time {
        self.produced_at
    }

    /// The nonce of the request that it answers, where it repeats one.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// Why it cannot be used, where it cannot.
    pub(crate) const fn unusable(&self) -> Option<&UnusableList> {
        self.unusable.as_ref()
    }

    /// What it says of a certificate whose issuer has this key.
    pub(crate) fn about(&self, certificate: &Certificate, issuer: &PublicKey) -> Vec<&SingleResponse> {
        self.singles.iter().filter(|single| single.identifier.is_of(certificate, issuer)).collect()
    }

    /// Certificates that came along, for the responder's among them.
    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether it says to be signed by somebody of that name, with that key.
    pub(crate) fn is_by(&self, name: Option<&DistinguishedName>, key: &PublicKey) -> bool {
        match &self.responder {
            Responder::ByName(responder) => Some(responder) == name,
            Responder::ByKey(identifier) => *identifier == key.key_identifier(),
        }
    }

    /// Whether that key signed it, in a way that still proves something: a responder that repeats
    /// what it is sent would sign the collisions of others.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let is_strong = self.signed.algorithm().is_some_and(|algorithm| !algorithm.is_weak());
        is_strong && self.signed.is_signed_by(key).is_ok()
    }
}

impl fmt::Debug for OcspResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, produced_at) = (self.singles.len(), self.produced_at.to_rfc3339());
        write!(formatter, "OcspResponse({count} certificates, {produced_at})")
    }
}

/// The BasicOCSPResponse in ResponseBytes.
fn basic_response(bytes: &[u8]) -> Option<&[u8]> {
    let mut fields = Elements::new(only(bytes, tag::SEQUENCE)?);
    let is_basic = fields.expect(tag::OBJECT_IDENTIFIER)?.content == BASIC.as_bytes();
    let response = fields.expect(tag::OCTET_STRING).filter(|_| is_basic && fields.is_empty())?;
    Some(response.content)
}

fn read(der: &[u8], basic: &[u8]) -> Result<OcspResponse, OcspError> {
    let parts = Parts::of_basic(basic).ok_or(OcspError::Malformed)?;
    let data = Data::read(parts.data.content).ok_or(OcspError::Malformed)?;
    let (nonce, unusable) = response_extensions(data.extensions).ok_or(OcspError::Malformed)?;
    if data.singles.len() > limits::OCSP_ANSWERS || parts.certificates.len() > limits::OCSP_CERTIFICATES {
        return Err(OcspError::TooLarge);
    }
    let singles = data.singles.iter().map(|single| SingleResponse::read(single.content));
    Ok(OcspResponse {
        der: der.to_vec(),
        signed: SignedBytes::new(parts.data.whole, parts.algorithm.whole, parts.signature),
        responder: responder(&data.responder).ok_or(OcspError::Malformed)?,
        produced_at: asn1_time::read(&data.produced_at).ok_or(OcspError::Malformed)?,
        singles: singles.collect::<Option<_>>().ok_or(OcspError::Malformed)?,
        // What no certificate can be read from is nobody's.
        certificates: parts
            .certificates
            .iter()
            .filter_map(|one| Certificate::from_der(one.whole).ok())
            .collect(),
        nonce,
        unusable,
    })
}

/// BasicOCSPResponse.
struct Parts<'a> {
    data: Element<'a>,
    algorithm: Element<'a>,
    signature: &'a [u8],
    certificates: Vec<Element<'a>>,
}

impl<'a> Parts<'a> {
    fn of_basic(der: &'a [u8]) -> Option<Self> {
        let mut fields = Elements::new(only(der, tag::SEQUENCE)?);
        let data = fields.expect(tag::SEQUENCE)?;
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let signature = whole_bits(fields.expect(tag::BIT_STRING)?.content)?;
        let certificates = match fields.optional(tag::constructed(0))? {
            Some(list) => all_of(only(list.content, tag::SEQUENCE)?)?,
            None => Vec::new(),
        };
        fields.is_empty().then_some(Self { data, algorithm, signature, certificates })
    }
}

/// ResponseData.
struct Data<'a> {
    responder: Element<'a>,
    produced_at: Element<'a>,
    singles: Vec<Element<'a>>,
    extensions: Option<Element<'a>>,
}

impl<'a> Data<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let mut fields = Elements::new(content);
        if let Some(version) = fields.optional(tag::constructed(0))? {
            only(version.content, tag::INTEGER).filter(|version| *version == [0])?;
        }
        let responder = fields.any()?;
        let produced_at = fields.any()?;
        let singles = all_of(fields.expect(tag::SEQUENCE)?.content)?;
        let extensions = fields.optional(tag::constructed(1))?;
        let is_whole = fields.is_empty() && singles.iter().all(|single| single.tag == tag::SEQUENCE);
        is_whole.then_some(Self { responder, produced_at, singles, extensions })
    }
}

fn all_of(content: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut rest = Elements::new(content);
    let mut found = Vec::new();
    while !rest.is_empty() {
        found.push(rest.any()?);
    }
    Some(found)
}

fn responder(element: &Element<'_>) -> Option<Responder> {
    match element.tag {
        name if name == tag::constructed(1) => {
            DistinguishedName::from_der(element.content).map(Responder::ByName)
        }
        key if key == tag::constructed(2) => {
            only(element.content, tag::OCTET_STRING).map(|identifier| Responder::ByKey(identifier.to_vec()))
        }
        _ => None,
    }
}

type NonceAndTrouble = (Option<Vec<u8>>, Option<UnusableList>);

fn response_extensions(extensions: Option<Element<'_>>) -> Option<NonceAndTrouble> {
    let Some(list) = extensions else { return Some((None, None)) };
    let (mut nonce, mut unusable) = (None, None);
    for extension in extensions::read(list.content)? {
        if extension.extn_id == NONCE {
            // An OCTET STRING in the value; before RFC 8954 some wrote the bare octets.
            let value = extension.extn_value.as_bytes();
            nonce = Some(only(value, tag::OCTET_STRING).unwrap_or(value).to_vec());
        } else if extension.extn_id != EXTENDED_REVOKE {
            unusable = unusable.or(unknown(&extension));
        }
    }
    Some((nonce, unusable))
}
