//! TSTInfo (RFC 3161, section 2.4.2): what a time stamp says.

use der::Decode as _;
use spki::AlgorithmIdentifierOwned;

use crate::algorithm::DigestAlgorithm;
use crate::time::Time;
use crate::x509::algorithm_identifier::digest_from;
use crate::x509::asn1_time;
use crate::x509::tlv::{Element, Elements, only, tag, unsigned};

const GENERALIZED_TIME: u8 = 0x18;

/// What a time stamp says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// Of the bytes.
    pub(super) imprint: (DigestAlgorithm, Vec<u8>),
    /// The last second that the time and its accuracy allow.
    pub(super) latest: Time,
    pub(super) nonce: Option<Vec<u8>>,
}

impl Info {
    /// Nothing where it is malformed, of another version, digested by an algorithm that is not
    /// known, or has a critical extension: none is known.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut fields = Elements::new(only(der, tag::SEQUENCE)?);
        fields.expect(tag::INTEGER).filter(|version| version.content == [1])?;
        fields.expect(tag::OBJECT_IDENTIFIER)?;
        let imprint = imprint(fields.expect(tag::SEQUENCE)?.content)?;
        fields.expect(tag::INTEGER)?;
        let time = time(&fields.expect(GENERALIZED_TIME)?)?;
        let accuracy = fields.optional(tag::SEQUENCE)?.map_or(Some(0), |field| accuracy(field.content))?;
        fields.optional(tag::BOOLEAN)?;
        let nonce = match fields.optional(tag::INTEGER)? {
            Some(nonce) => Some(unsigned(nonce.content)?.to_vec()),
            None => None,
        };
        fields.optional(tag::constructed(0))?;
        let extensions = fields.optional(tag::constructed(1))?;
        let is_understood = extensions.is_none_or(|list| has_nothing_critical(list.content) == Some(true));
        let info = Self { imprint, latest: time.plus_seconds(accuracy), nonce };
        (fields.is_empty() && is_understood).then_some(info)
    }
}

fn imprint(content: &[u8]) -> Option<(DigestAlgorithm, Vec<u8>)> {
    let mut fields = Elements::new(content);
    let algorithm = AlgorithmIdentifierOwned::from_der(fields.expect(tag::SEQUENCE)?.whole).ok()?;
    let octets = fields.expect(tag::OCTET_STRING)?.content.to_vec();
    fields.is_empty().then_some((digest_from(&algorithm).ok()?, octets))
}

/// A GeneralizedTime that may have a fraction of a second, which is rounded up.
fn time(element: &Element<'_>) -> Option<Time> {
    let text = element.content.strip_suffix(b"Z")?;
    let (seconds, fraction) = match text.iter().position(|octet| *octet == b'.') {
        Some(point) => (text.get(..point)?, Some(text.get(point + 1..)?)),
        None => (text, None),
    };
    let is_fraction = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit) && digits.last() != Some(&b'0');
    if fraction.is_some_and(|digits| digits.is_empty() || !is_fraction(digits)) {
        return None;
    }
    let whole = [seconds, b"Z"].concat();
    let time = asn1_time::read(&Element { tag: GENERALIZED_TIME, content: &whole, whole: &whole })?;
    Some(time.plus_seconds(i64::from(fraction.is_some())))
}

/// Accuracy in seconds, rounded up.
fn accuracy(content: &[u8]) -> Option<i64> {
    let mut fields = Elements::new(content);
    let seconds = fields.optional(tag::INTEGER)?.map_or(Some(0), |field| number(field.content))?;
    let milliseconds = fields.optional(tag::primitive(0))?.is_some();
    let microseconds = fields.optional(tag::primitive(1))?.is_some();
    fields.is_empty().then_some(seconds + i64::from(milliseconds || microseconds))
}

/// Up to 32 bits: whoever is that inaccurate proves nothing.
fn number(content: &[u8]) -> Option<i64> {
    let magnitude = unsigned(content).filter(|magnitude| magnitude.len() <= 4)?;
    Some(magnitude.iter().fold(0, |number, octet| number << 8 | i64::from(*octet)))
}

fn has_nothing_critical(content: &[u8]) -> Option<bool> {
    let mut rest = Elements::new(content);
    while !rest.is_empty() {
        let mut fields = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        fields.expect(tag::OBJECT_IDENTIFIER)?;
        if fields.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.content != [0]) {
            return Some(false);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::x509::tlv::{encode, integer, sequence};

    const SHA256: &[u8] = &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

    fn info(time: &str, rest: &[&[u8]]) -> Option<Info> {
        let imprint = sequence(&[SHA256, &encode(tag::OCTET_STRING, &[7; 32])]);
        let time = encode(GENERALIZED_TIME, time.as_bytes());
        let start: [&[u8]; 5] = [&integer(&[1]), &[6, 1, 0x2a], &imprint, &integer(&[9]), &time];
        Info::read(&sequence(&[&start.concat(), &rest.concat()]))
    }

    fn latest(time: &str, rest: &[&[u8]]) -> Option<String> {
        info(time, rest).map(|info| info.latest.to_rfc3339())
    }

    #[test]
    fn the_latest_moment_counts() {
        let plain = Some("2026-11-21T12:00:00Z".to_owned());
        assert_eq!(latest("20261121120000Z", &[]), plain);
        let second_later = Some("2026-11-21T12:00:01Z".to_owned());
        assert_eq!(latest("20261121120000.25Z", &[]), second_later);
        let milliseconds = sequence(&[&encode(tag::primitive(0), &[5])]);
        assert_eq!(latest("20261121120000Z", &[&milliseconds]), second_later);
        let minute = sequence(&[&integer(&[60])]);
        assert_eq!(latest("20261121120000Z", &[&minute]), Some("2026-11-21T12:01:00Z".to_owned()));
        for malformed in [
            "20261121120000.Z",
            "20261121120000.50Z",
            "20261121120000",
            "202611211200Z",
            "20261121120000.x1Z",
        ] {
            assert_eq!(latest(malformed, &[]), None, "{malformed}");
        }
        let ages = sequence(&[&integer(&[1, 0, 0, 0, 0])]);
        assert_eq!(latest("20261121120000Z", &[&ages]), None);
    }

    #[test]
    fn nonces_are_read_and_critical_extensions_are_not_passed_over() {
        let nonce = integer(&[0x80, 1]);
        assert_eq!(info("20261121120000Z", &[&nonce]).unwrap().nonce, Some(vec![0x80, 1]));
        let extension = |flag: &[u8]| {
            let one = sequence(&[&[6, 1, 0x2a], flag, &encode(tag::OCTET_STRING, &[])]);
            encode(tag::constructed(1), &one)
        };
        assert!(info("20261121120000Z", &[&extension(&[])]).is_some());
        assert!(info("20261121120000Z", &[&extension(&[1, 1, 0xff])]).is_none());
    }
}
