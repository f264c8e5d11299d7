//! The clock, and the times that people type.

use std::time::{SystemTime, UNIX_EPOCH};

use counterseal_core::time::Time;

use crate::failure::Failure;

/// Now.
pub(crate) fn now() -> Time {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    };
    Time::from_unix_seconds(seconds)
}

/// The moment that `--at` names, or now.
pub(crate) fn at(typed: Option<&str>) -> Result<Time, Failure> {
    typed.map_or_else(|| Ok(now()), |typed| parse("--at", typed))
}

/// RFC 3339, or a date alone, which is its first second in UTC.
pub(crate) fn parse(option: &str, typed: &str) -> Result<Time, Failure> {
    let seconds = typed.parse::<jiff::Timestamp>().map(|timestamp| timestamp.as_second()).ok();
    let seconds = seconds.or_else(|| midnight(typed));
    seconds.map(Time::from_unix_seconds).ok_or_else(|| {
        Failure::usage(format!("{option} {typed}: neither a time nor a date"))
            .hint("write 2026-11-21, or 2026-11-21T12:00:00Z")
    })
}

/// A date alone: jiff takes times of day as dates too, so the shape is checked first.
fn midnight(typed: &str) -> Option<i64> {
    let is_date = typed.len() == 10 && typed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_date {
        return None;
    }
    let date = typed.parse::<jiff::civil::Date>().ok()?;
    Time::from_civil(
        date.year().into(),
        u8::try_from(date.month()).ok()?,
        u8::try_from(date.day()).ok()?,
        0,
        0,
        0,
    )
    .map(Time::unix_seconds)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_second_in_utc() {
        assert_eq!(parse("--at", "2026-11-21").unwrap().to_rfc3339(), "2026-11-21T00:00:00Z");
        assert_eq!(parse("--at", "2026-11-21T12:00:00+02:00").unwrap().to_rfc3339(), "2026-11-21T10:00:00Z");
        assert_eq!(parse("--at", "1969-12-31T23:59:59Z").unwrap().unix_seconds(), -1);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for typed in ["", "yesterday", "2026-02-29", "2026-11-21T12:00:00", "12:00", "2026-13-01"] {
            assert!(parse("--at", typed).is_err(), "{typed}");
        }
    }
}
