//! How much one box may have, and how long it is there.

use counterseal_core::time::{DAY, Time};

use super::protocol::Class;
use crate::limits;

/// What an administrator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Boxes of pairings.
    pub pairing: BoxLimits,
    /// Boxes of accounts.
    pub account: BoxLimits,
    /// Bytes on disk of all boxes and objects together; without it a part of the disk of an embedded store, and no limit
    /// with PostgreSQL.
    pub total_bytes: Option<u64>,
}

/// What one box may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxLimits {
    /// Objects.
    pub objects: u64,
    /// Bytes of one.
    pub object_bytes: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// New ones on one day.
    pub puts_a_day: u64,
    /// Seconds that it is there: after its creation for a pairing, after its last read for an account.
    pub seconds: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pairing: BoxLimits {
                objects: limits::PAIRING_OBJECTS,
                object_bytes: limits::PAIRING_OBJECT_BYTES as u64,
                bytes: limits::PAIRING_BYTES,
                puts_a_day: limits::PAIRING_OBJECTS,
                seconds: limits::PAIRING_SECONDS,
            },
            account: BoxLimits {
                objects: limits::ACCOUNT_OBJECTS,
                object_bytes: limits::OBJECT_BYTES as u64,
                bytes: limits::ACCOUNT_BYTES,
                puts_a_day: limits::ACCOUNT_PUTS_A_DAY,
                seconds: limits::ACCOUNT_DAYS * DAY,
            },
            total_bytes: None,
        }
    }
}

impl Limits {
    /// Of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> &BoxLimits {
        match class {
            Class::Pairing => &self.pairing,
            Class::Account => &self.account,
        }
    }

    /// When a box that is created or read now ends.
    #[must_use]
    pub const fn end(&self, class: Class, now: Time) -> i64 {
        match class {
            Class::Pairing => now.plus_seconds(self.pairing.seconds).unix_seconds(),
            // Reads are noted once a week: a box is there for a week more, so that it never ends too early.
            Class::Account => {
                now.plus_seconds(self.account.seconds).plus_days(limits::READ_NOTE_DAYS).unix_seconds()
            }
        }
    }

    /// When a box now ends that is being read; nothing where that need not be noted.
    #[must_use]
    pub fn prolonged(&self, class: Class, expires: i64, now: Time) -> Option<i64> {
        match class {
            Class::Pairing => None,
            Class::Account => (expires <= now.plus_seconds(self.account.seconds).unix_seconds())
                .then(|| self.end(class, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_is_read_never_ends_before_its_time_and_is_noted_once_a_week() {
        let limits = Limits::default();
        let (mut now, mut notes) = (Time::from_unix_seconds(0), 0);
        let mut expires = limits.end(Class::Account, now);
        for _ in 0..70 {
            now = now.plus_days(1);
            if let Some(later) = limits.prolonged(Class::Account, expires, now) {
                (expires, notes) = (later, notes + 1);
            }
            assert!(expires >= now.plus_days(400).unix_seconds());
        }
        assert_eq!(notes, 10);
    }

    #[test]
    fn the_box_of_a_pairing_is_not_prolonged() {
        let now = Time::from_unix_seconds(1000);
        assert_eq!(Limits::default().end(Class::Pairing, now), 1600);
        assert_eq!(Limits::default().prolonged(Class::Pairing, 1600, now), None);
    }
}
