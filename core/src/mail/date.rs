//! When a mail says it was written.

use super::HeaderSection;
use crate::time::{DAY, Time};

/// The moment of the Date field (RFC 5322, section 3.6.1); nothing where there is not exactly one
/// that can be read.
#[must_use]
pub fn date(headers: &HeaderSection<'_>) -> Option<Time> {
    let text = headers.only("Date")?.text();
    let date = mail_parser::DateTime::parse_rfc822(text.trim())?;
    date.is_valid().then(|| Time::from_unix_seconds(date.to_timestamp()))
}

/// A moment as a Date field says it, in UTC (RFC 5322, section 3.3).
#[must_use]
pub fn write_date(time: Time) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let named = |names: &[&'static str], index: i64| {
        usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
    };
    // The first day of Unix time was a Thursday.
    let day_name = named(&DAYS, time.unix_seconds().div_euclid(DAY).rem_euclid(7));
    let ((year, month, day), (hour, minute, second)) = (time.civil_date(), time.clock());
    let month = named(&MONTHS, i64::from(month) - 1);
    format!("{day_name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_is_written_is_read_again() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (1_795_262_400, "Sat, 21 Nov 2026 12:00:00 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
        ] {
            let time = Time::from_unix_seconds(seconds);
            assert_eq!(write_date(time), text);
            let header = format!("Date: {text}\r\n\r\n");
            assert_eq!(date(&HeaderSection::read(header.as_bytes()).unwrap()), Some(time));
        }
    }

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
