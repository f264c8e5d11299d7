//! Times in certificates and revocation lists (RFC 5280, section 4.1.2.5).

use crate::time::Time;
use crate::x509::tlv::{Element, encode, only};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A UTCTime or GeneralizedTime with seconds and `Z`, and without a fraction.
pub(crate) fn read(element: &Element<'_>) -> Option<Time> {
    let digits = element.content.strip_suffix(b"Z").filter(|digits| digits.is_ascii())?;
    let digits = std::str::from_utf8(digits).ok()?;
    let (year, rest) = match (element.tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let field = |index: usize| {
        let digits = rest.get(2 * index..2 * index + 2)?;
        u8::try_from(number(digits)?).ok()
    };
    Time::from_civil(year, field(0)?, field(1)?, field(2)?, field(3)?, field(4)?)
}

/// From DER with nothing after it.
pub(crate) fn read_generalized(der: &[u8]) -> Option<Time> {
    let content = only(der, GENERALIZED_TIME)?;
    read(&Element { tag: GENERALIZED_TIME, content, whole: der })
}

/// The DER of a time: UTCTime until 2049, GeneralizedTime from then on and before 1950.
pub(crate) fn write(time: Time) -> Vec<u8> {
    let text: String = time.to_rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let text = text.replace('T', "");
    match (time.civil_date().0, text.get(2..)) {
        (1950..=2049, Some(short)) => encode(UTC_TIME, short.as_bytes()),
        _ => encode(GENERALIZED_TIME, text.as_bytes()),
    }
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::x509::tlv::Elements;

    fn time(der: &[u8]) -> Option<String> {
        read(&Elements::new(der).any().unwrap()).map(Time::to_rfc3339)
    }

    #[test]
    fn both_forms_are_read_and_written() {
        for (form, text) in [
            (&b"\x17\x0d261121120000Z"[..], "2026-11-21T12:00:00Z"),
            (b"\x17\x0d500101120000Z", "1950-01-01T12:00:00Z"),
            (b"\x18\x0f20501121120000Z", "2050-11-21T12:00:00Z"),
        ] {
            assert_eq!(time(form).as_deref(), Some(text));
            assert_eq!(write(read(&Elements::new(form).any().unwrap()).unwrap()), form);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for form in [
            &b"\x17\x0b2611211200Z"[..],
            b"\x17\x11261121120000+0100",
            b"\x18\x1120261121120000.5Z",
            b"\x17\x0d261321120000Z",
            b"\x17\x0d2611211200+0Z",
        ] {
            assert_eq!(time(form), None);
        }
    }
}
