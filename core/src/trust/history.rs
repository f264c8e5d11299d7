//! What mail with a key is worth: it grows with time and with use, once both sides have been heard.

use super::evidence::Correspondence;
use super::points::{HISTORY, HISTORY_DAYS, HISTORY_GROWTH, HISTORY_MESSAGES};
use crate::time::{DAY, Time};

impl Correspondence {
    /// A key that a signed mail brought.
    #[must_use]
    pub const fn first_mail(at: Time) -> Self {
        Self { first_seen: at, messages: 0, two_way: false, taken_by_hand: false }
    }

    /// A key that the person took in by hand.
    #[must_use]
    pub const fn by_hand(at: Time) -> Self {
        Self { taken_by_hand: true, ..Self::first_mail(at) }
    }

    /// Points at a moment: 10 at once, 40 after 90 days and 20 messages, and nothing in between
    /// without an answer to a mail that was encrypted to this key. Whoever only sends mail in
    /// another's name never grows.
    #[must_use]
    pub fn points(&self, at: Time) -> u32 {
        let seconds = at.unix_seconds().saturating_sub(self.first_seen.unix_seconds());
        let days = u32::try_from((seconds / DAY).max(0)).unwrap_or(u32::MAX);
        if !self.two_way {
            return HISTORY;
        }
        let grown = HISTORY_GROWTH * self.messages.min(HISTORY_MESSAGES) * days.min(HISTORY_DAYS);
        HISTORY + grown / (HISTORY_MESSAGES * HISTORY_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(days: i64, messages: u32, two_way: bool) -> u32 {
        let first_seen = Time::from_unix_seconds(1_795_262_400);
        let history = Correspondence { first_seen, messages, two_way, taken_by_hand: false };
        history.points(first_seen.plus_days(days))
    }

    #[test]
    fn the_table_of_the_design_holds() {
        let rows = [
            (0, 0, 10),
            (7, 2, 10),
            (30, 5, 12),
            (30, 20, 20),
            (90, 5, 17),
            (90, 20, 40),
            (365, 100, 40),
            (1000, 400, 40),
        ];
        for (days, messages, expected) in rows {
            assert_eq!(points(days, messages, true), expected, "{days} days, {messages} messages");
        }
    }

    #[test]
    fn without_an_answer_nothing_grows() {
        assert_eq!(points(365, 100, false), HISTORY);
    }

    #[test]
    fn a_key_that_is_seen_first_tomorrow_is_new() {
        assert_eq!(points(-1, 20, true), HISTORY);
    }
}
