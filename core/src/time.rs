//! A moment, as an argument: nothing in this library asks a clock.

/// A moment in time, in seconds since 1970-01-01 00:00:00 UTC, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Seconds of a day.
pub const DAY: i64 = 86_400;

impl Time {
    /// The moment that many seconds after the epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// The moment `seconds` later (earlier, where negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The moment `days` later (earlier, where negative).
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(DAY))
    }

    /// Year, month (1 to 12) and day (1 to 31) in UTC, proleptic Gregorian.
    ///
    /// The algorithm is the usual one of counting days in eras of 400 years from 1 March.
    #[must_use]
    pub const fn civil_date(self) -> (i64, u8, u8) {
        let days = self.0.div_euclid(DAY) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month as u8, day as u8)
    }

    /// Hour, minute and second of the day in UTC.
    #[must_use]
    pub const fn clock(self) -> (u8, u8, u8) {
        let seconds = self.0.rem_euclid(DAY);
        ((seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8)
    }

    /// The moment of a UTC date and time of day; nothing where a field is out of range.
    #[must_use]
    pub fn from_civil(year: i64, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let in_range = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && (-100_000..=100_000).contains(&year);
        if !in_range {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let shifted_month = i64::from((month + 9) % 12);
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let time = Self(days * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second));
        (time.civil_date() == (year, month, day)).then_some(time)
    }

    /// RFC 3339 in UTC, to the second: `2026-11-21T12:00:00Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = self.civil_date();
        let (hour, minute, second) = self.clock();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The UTC date alone: `2026-11-21`.
    #[must_use]
    pub fn to_date(self) -> String {
        let (year, month, day) = self.civil_date();
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for seconds in [0, -1, 951_782_400, 1_795_262_400, 4_102_444_799, -62_135_596_800] {
            let time = Time::from_unix_seconds(seconds);
            let (year, month, day) = time.civil_date();
            let (hour, minute, second) = time.clock();
            assert_eq!(Time::from_civil(year, month, day, hour, minute, second), Some(time));
        }
        assert_eq!(Time::from_unix_seconds(1_795_262_400).to_rfc3339(), "2026-11-21T12:00:00Z");
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert_eq!(Time::from_civil(2026, 2, 29, 0, 0, 0), None);
        assert!(Time::from_civil(2028, 2, 29, 0, 0, 0).is_some());
    }
}
