//! Signed attributes (RFC 5652, sections 5.3 and 11): what a signature covers besides the content.
//!
//! The rules are those that forgeries lean on: an attribute that matters stands there once, with
//! one value of the right type.

use const_oid::ObjectIdentifier;

use super::content_type::ContentType;
use super::elements::{self, Element, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, encode, encode_set};
use super::signed::SignatureFault;
use crate::limits;
use crate::time::Time;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const CAPABILITIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.15");
const ENCRYPTION_KEY_PREFERENCE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.11");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const TIME_STAMP_TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
const ALGORITHM_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.52");

/// The attributes that have a meaning here; all others are [`FurtherAttribute`]s.
const KNOWN: [ObjectIdentifier; 8] = [
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_TIME,
    CAPABILITIES,
    ENCRYPTION_KEY_PREFERENCE,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    ALGORITHM_PROTECTION,
];

/// A signed attribute with one value, whose meaning is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherAttribute {
    /// The content octets of its object identifier.
    pub kind: Vec<u8>,
    /// DER of its value.
    pub value: Vec<u8>,
}

impl FurtherAttribute {
    /// Whether all of them can be signed: none is of a kind that is known here, no kind stands there twice, and
    /// each value is one value in DER.
    pub(crate) fn can_be_signed(attributes: &[Self]) -> bool {
        let is_known = |kind: &[u8]| KNOWN.iter().any(|identifier| identifier.as_bytes() == kind);
        let is_single = |kind: &[u8]| attributes.iter().filter(|other| other.kind == kind).count() == 1;
        attributes.iter().all(|Self { kind, value }| {
            !kind.is_empty() && !is_known(kind) && is_single(kind) && elements::element(value).is_ok()
        })
    }
}

/// The signed attributes of one SignerInfo, each type at most once.
pub(crate) struct SignedAttributes<'a>(Vec<(&'a [u8], Vec<Element<'a>>)>);

impl<'a> SignedAttributes<'a> {
    /// Reads the content of `SET OF Attribute`, in DER.
    pub(crate) fn read(content: &'a [u8]) -> Result<Self, SignatureFault> {
        let mut attributes: Vec<(&[u8], Vec<Element<'_>>)> = Vec::new();
        for attribute in elements::elements(content).map_err(|_| SignatureFault::MalformedAttributes)? {
            let (kind, values) = read_attribute(&attribute).ok_or(SignatureFault::MalformedAttributes)?;
            if attributes.iter().any(|(other, _)| *other == kind) {
                return Err(SignatureFault::DuplicateAttribute);
            }
            attributes.push((kind, values));
        }
        Ok(Self(attributes))
    }

    /// RFC 5652, section 11.1: there, and the type of what was signed.
    pub(crate) fn check_content_type(&self, signed: &ContentType) -> Result<(), SignatureFault> {
        let value = self.single(&CONTENT_TYPE)?.ok_or(SignatureFault::NoContentType)?;
        let octets = value.expect(OBJECT_IDENTIFIER).map_err(|_| SignatureFault::MalformedAttributes)?;
        if octets == signed.object_identifier() { Ok(()) } else { Err(SignatureFault::OtherContentType) }
    }

    /// RFC 5652, section 11.2: the digest that the content must have.
    pub(crate) fn message_digest(&self) -> Result<&'a [u8], SignatureFault> {
        let value = self.single(&MESSAGE_DIGEST)?.ok_or(SignatureFault::NoMessageDigest)?;
        value.expect(OCTET_STRING).map_err(|_| SignatureFault::MalformedAttributes)
    }

    /// RFC 5652, section 11.3: when the signer says to have signed.
    pub(crate) fn signing_time(&self) -> Result<Option<Time>, SignatureFault> {
        self.single(&SIGNING_TIME)?
            .map(|value| read_time(&value).ok_or(SignatureFault::MalformedAttributes))
            .transpose()
    }

    /// The DER of SMIMECapabilities (RFC 8551, section 2.5.2).
    pub(crate) fn capabilities(&self) -> Result<Option<&'a [u8]>, SignatureFault> {
        Ok(self.single(&CAPABILITIES)?.map(|value| value.whole))
    }

    /// The DER of SMIMEEncryptionKeyPreference (RFC 8551, section 2.5.3).
    pub(crate) fn encryption_key_preference(&self) -> Result<Option<&'a [u8]>, SignatureFault> {
        Ok(self.single(&ENCRYPTION_KEY_PREFERENCE)?.map(|value| value.whole))
    }

    /// The DER of SigningCertificate (RFC 2634, section 5.4).
    pub(crate) fn signing_certificate(&self) -> Result<Option<&'a [u8]>, SignatureFault> {
        Ok(self.single(&SIGNING_CERTIFICATE)?.map(|value| value.whole))
    }

    /// The DER of SigningCertificateV2 (RFC 5035, section 3).
    pub(crate) fn signing_certificate_v2(&self) -> Result<Option<&'a [u8]>, SignatureFault> {
        Ok(self.single(&SIGNING_CERTIFICATE_V2)?.map(|value| value.whole))
    }

    /// The DER of CMSAlgorithmProtection (RFC 6211).
    pub(crate) fn algorithm_protection(&self) -> Result<Option<&'a [u8]>, SignatureFault> {
        Ok(self.single(&ALGORITHM_PROTECTION)?.map(|value| value.whole))
    }

    /// All attributes with one value that have no meaning here.
    pub(crate) fn further(&self) -> Vec<FurtherAttribute> {
        let is_known = |kind: &[u8]| KNOWN.iter().any(|identifier| identifier.as_bytes() == kind);
        let further = self.0.iter().filter(|(kind, _)| !is_known(kind));
        let further = further.filter_map(|(kind, values)| match values.as_slice() {
            [value] => Some(FurtherAttribute { kind: kind.to_vec(), value: value.whole.to_vec() }),
            _ => None,
        });
        further.collect()
    }

    fn single(&self, identifier: &ObjectIdentifier) -> Result<Option<Element<'a>>, SignatureFault> {
        match self.0.iter().find(|(kind, _)| *kind == identifier.as_bytes()) {
            None => Ok(None),
            Some((_, values)) => match values.as_slice() {
                [value] => Ok(Some(*value)),
                _ => Err(SignatureFault::NotOneValue),
            },
        }
    }
}

/// Attributes that speak for the signer must not stand where nobody signs them (RFC 5652, sections
/// 11.1 to 11.3; RFC 8551, section 2.5; RFC 5035; RFC 6211). A copy there would be ignored by us, but
/// not by every program, and then two readers would see two messages.
pub(crate) fn check_unsigned(set: &[u8]) -> Result<(), SignatureFault> {
    let content = elements::content_of(set, SET).map_err(|_| SignatureFault::MalformedAttributes)?;
    for attribute in elements::elements(content).map_err(|_| SignatureFault::MalformedAttributes)? {
        let (kind, _) = read_attribute(&attribute).ok_or(SignatureFault::MalformedAttributes)?;
        if KNOWN.iter().any(|identifier| identifier.as_bytes() == kind) {
            return Err(SignatureFault::UnsignedAttribute);
        }
    }
    Ok(())
}

/// The time stamps among unsigned attributes (RFC 3161, appendix A), at most
/// [`limits::TIME_STAMPS`].
pub(crate) fn time_stamps(set: &[u8]) -> Vec<Vec<u8>> {
    let attributes = elements::content_of(set, SET).and_then(elements::elements).unwrap_or_default();
    let of_kind = |(kind, values)| (kind == TIME_STAMP_TOKEN.as_bytes()).then_some(values);
    let values = attributes.iter().filter_map(|attribute| read_attribute(attribute).and_then(of_kind));
    values.flatten().take(limits::TIME_STAMPS).map(|value| value.whole.to_vec()).collect()
}

/// `SEQUENCE { type, SET OF value }`.
fn read_attribute<'a>(attribute: &Element<'a>) -> Option<(&'a [u8], Vec<Element<'a>>)> {
    let parts = elements::elements(attribute.expect(SEQUENCE).ok()?).ok()?;
    let [kind, values] = parts.as_slice() else { return None };
    let values = elements::elements(values.expect(SET).ok()?).ok()?;
    Some((kind.expect(OBJECT_IDENTIFIER).ok()?, values))
}

/// What a signer may put beside the content; each function gives one attribute in DER.
pub(crate) mod build {
    use super::*;

    pub(crate) fn content_type(content_type: &ContentType) -> Vec<u8> {
        attribute(&CONTENT_TYPE, &encode(OBJECT_IDENTIFIER, &[&content_type.object_identifier()]))
    }

    pub(crate) fn message_digest(digest: &[u8]) -> Vec<u8> {
        attribute(&MESSAGE_DIGEST, &encode(OCTET_STRING, &[digest]))
    }

    pub(crate) fn signing_time(time: Time) -> Vec<u8> {
        attribute(&SIGNING_TIME, &write_time(time))
    }

    pub(crate) fn capabilities(capabilities: &[u8]) -> Vec<u8> {
        attribute(&CAPABILITIES, capabilities)
    }

    pub(crate) fn encryption_key_preference(preference: &[u8]) -> Vec<u8> {
        attribute(&ENCRYPTION_KEY_PREFERENCE, preference)
    }

    pub(crate) fn signing_certificate_v2(signing_certificate: &[u8]) -> Vec<u8> {
        attribute(&SIGNING_CERTIFICATE_V2, signing_certificate)
    }

    pub(crate) fn algorithm_protection(protection: &[u8]) -> Vec<u8> {
        attribute(&ALGORITHM_PROTECTION, protection)
    }

    pub(crate) fn further(attribute: &FurtherAttribute) -> Vec<u8> {
        let FurtherAttribute { kind, value } = attribute;
        encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[kind]), &encode(SET, &[value])])
    }

    /// All attributes as the `SET OF` that is signed, in DER.
    pub(crate) fn set(attributes: Vec<Vec<u8>>) -> Vec<u8> {
        encode_set(SET, attributes)
    }

    fn attribute(kind: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
        encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[kind.as_bytes()]), &encode(SET, &[value])])
    }
}

/// UTCTime or GeneralizedTime in the forms of RFC 5652, section 11.3: to the second, in UTC. A
/// GeneralizedTime before 2050 is not as the RFC wants it, but says the same.
fn read_time(value: &Element<'_>) -> Option<Time> {
    let text = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year_digits = match (value.tag, text.len()) {
        (elements::UTC_TIME, 12) => 2,
        (elements::GENERALIZED_TIME, 14) => 4,
        _ => return None,
    };
    let (year, rest) = text.split_at_checked(year_digits)?;
    let mut year: i64 = year.parse().ok()?;
    if year_digits == 2 {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let pairs: Vec<u8> = rest
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |number, digit| number * 10 + (digit - b'0')))
        .collect();
    let [month, day, hour, minute, second] = pairs.as_slice() else { return None };
    Time::from_civil(year, *month, *day, *hour, *minute, *second)
}

/// UTCTime to 2049, GeneralizedTime from 2050 (RFC 5652, section 11.3).
fn write_time(time: Time) -> Vec<u8> {
    let (year, month, day) = time.civil_date();
    let (hour, minute, second) = time.clock();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        encode(elements::UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()])
    } else {
        encode(elements::GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(attributes: &[Vec<u8>]) -> Result<SignedAttributes<'static>, SignatureFault> {
        SignedAttributes::read(attributes.concat().leak())
    }

    #[test]
    fn built_attributes_are_read_back() {
        let time = Time::from_unix_seconds(1_795_262_400);
        let attributes = read(&[
            build::content_type(&ContentType::Data),
            build::message_digest(b"digest"),
            build::signing_time(time),
        ])
        .unwrap();
        assert_eq!(attributes.check_content_type(&ContentType::Data), Ok(()));
        assert_eq!(attributes.message_digest(), Ok(&b"digest"[..]));
        assert_eq!(attributes.signing_time(), Ok(Some(time)));
        assert_eq!(attributes.capabilities(), Ok(None));
    }

    #[test]
    fn a_missing_attribute_is_named() {
        let attributes = read(&[build::signing_time(Time::from_unix_seconds(0))]).unwrap();
        assert_eq!(attributes.check_content_type(&ContentType::Data), Err(SignatureFault::NoContentType));
        assert_eq!(attributes.message_digest(), Err(SignatureFault::NoMessageDigest));
    }

    #[test]
    fn another_content_type_is_refused() {
        let attributes = read(&[build::content_type(&ContentType::TimeStampInfo)]).unwrap();
        assert_eq!(attributes.check_content_type(&ContentType::Data), Err(SignatureFault::OtherContentType));
    }

    #[test]
    fn the_same_attribute_twice_is_refused() {
        let twice = [build::message_digest(b"1"), build::message_digest(b"2")];
        assert_eq!(read(&twice).err(), Some(SignatureFault::DuplicateAttribute));
    }

    #[test]
    fn two_values_or_none_are_refused() {
        for values in [&[][..], &[4, 1, 1, 4, 1, 2]] {
            let attribute = encode(
                SEQUENCE,
                &[&encode(OBJECT_IDENTIFIER, &[MESSAGE_DIGEST.as_bytes()]), &encode(SET, &[values])],
            );
            assert_eq!(read(&[attribute]).unwrap().message_digest(), Err(SignatureFault::NotOneValue));
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let mut digest = build::message_digest(b"digest");
        let value = digest.len() - 8;
        *digest.get_mut(value).unwrap() = 0x0c;
        assert_eq!(read(&[digest]).unwrap().message_digest(), Err(SignatureFault::MalformedAttributes));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = build::content_type(&ContentType::Data);
        for length in 1..whole.len() {
            let cut = whole.get(..length).unwrap().to_vec();
            assert_eq!(read(&[cut]).err(), Some(SignatureFault::MalformedAttributes));
        }
    }

    #[test]
    fn times_are_read_in_both_forms_and_in_no_other() {
        let time = |tag, text: &str| read_time(&elements::element(&encode(tag, &[text.as_bytes()])).unwrap());
        let noon = Some(Time::from_unix_seconds(1_795_262_400));
        assert_eq!(time(elements::UTC_TIME, "261121120000Z"), noon);
        assert_eq!(time(elements::GENERALIZED_TIME, "20261121120000Z"), noon);
        for wrong in [
            "2611211200Z",
            "261121120000",
            "261121120000+0000",
            "261321120000Z",
            "2611211200.0Z",
            "2+1121120000Z",
        ] {
            assert_eq!(time(elements::UTC_TIME, wrong), None, "{wrong}");
        }
        assert_eq!(time(elements::GENERALIZED_TIME, "261121120000Z"), None);
        assert_eq!(time(OCTET_STRING, "261121120000Z"), None);
    }

    #[test]
    fn times_are_written_as_the_standard_wants_them() {
        for seconds in [-631_152_000, 0, 1_795_262_400, 2_524_607_999, 2_524_608_000] {
            let time = Time::from_unix_seconds(seconds);
            let der = write_time(time);
            assert_eq!(read_time(&elements::element(&der).unwrap()), Some(time));
            let expected =
                if seconds < 2_524_608_000 { elements::UTC_TIME } else { elements::GENERALIZED_TIME };
            assert_eq!(der.first(), Some(&expected));
        }
    }
}
