//! When a mail says it was written.

use super::HeaderSection;
use crate::time::Time;

/// The moment of the Date field (RFC 5322, section 3.6.1); nothing where there is not exactly one
/// that can be read.
#[must_use]
pub fn date(headers: &HeaderSection<'_>) -> Option<Time> {
    let text = headers.only("Date")?.text();
    let date = mail_parser::DateTime::parse_rfc822(text.trim())?;
    date.is_valid().then(|| Time::from_unix_seconds(date.to_timestamp()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn date_of(header: &str) -> Option<String> {
        date(&HeaderSection::read(header.as_bytes()).unwrap()).map(Time::to_rfc3339)
    }

    #[test]
    fn a_date_is_read_with_its_zone() {
        let header = "Date: Sat, 21 Nov 2026 13:00:00 +0100\r\n\r\n";
        assert_eq!(date_of(header).as_deref(), Some("2026-11-21T12:00:00Z"));
        let without_day = "Date: 21 Nov 2026 12:00 -0000\r\n\r\n";
        assert_eq!(date_of(without_day).as_deref(), Some("2026-11-21T12:00:00Z"));
    }

    #[test]
    fn two_dates_are_none() {
        let field = "Date: Sat, 21 Nov 2026 13:00:00 +0100\r\n";
        assert_eq!(date_of(&format!("{field}{field}\r\n")), None);
        assert_eq!(date_of("Date: tomorrow\r\n\r\n"), None);
    }
}
