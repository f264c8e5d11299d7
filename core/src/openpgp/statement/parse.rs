//! Reading the text of a statement.

use std::iter::Peekable;

use super::{Basis, Reason, Statement, StatementError, StatementKind};
use crate::address::EmailAddress;
use crate::limits;
use crate::openpgp::link::sha256;
use crate::time::Time;

/// Letters and hyphens of 260 bits.
const KEY_LENGTH: usize = 13 * 5 - 1;
/// Letters and hyphens of 520 bits, which is all there is.
const LONGEST_KEY: usize = 26 * 5 - 1;

impl Statement {
    /// Reads the text of a statement.
    ///
    /// # Errors
    /// [`StatementError::TooLarge`], [`StatementError::Line`] and [`StatementError::NotCanonical`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        if text.len() > limits::STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        }
        let mut lines = Lines { lines: text.lines().enumerate().peekable() };
        let statement = lines.statement()?;
        // Whatever the reader was too kind about shows here.
        if statement.to_text() == text { Ok(statement) } else { Err(StatementError::NotCanonical) }
    }
}

/// What is left to read.
struct Lines<'t, I: Iterator<Item = (usize, &'t str)>> {
    lines: Peekable<I>,
}

impl<'t, I: Iterator<Item = (usize, &'t str)>> Lines<'t, I> {
    fn statement(&mut self) -> Result<Statement, StatementError> {
        self.value("SMIME-Statement", |value| (value == "1").then_some(()))?;
        let kind = self.value("Type", Some)?;
        let subject = self.value("Subject", |value| EmailAddress::parse(value).ok())?;
        let key = self.value("Key", key)?;
        let spki_sha256 = self.value("SPKI-SHA256", sha256)?;
        let endorsed = match kind {
            "endorsement" => Some((self.value("Basis", basis)?, self.value("Amount", amount)?)),
            _ => None,
        };
        let issued = self.value("Issued", time)?;
        let expires = match kind {
            "withdrawal" => None,
            _ => self.optional("Expires", time)?,
        };
        let kind = match (kind, endorsed) {
            (_, Some((basis, amount))) => StatementKind::Endorsement { basis, amount },
            ("link", None) => StatementKind::Link,
            ("uses", None) => StatementKind::Uses,
            ("succession", None) => {
                let old = self.value("Replaces", self::key)?;
                StatementKind::Succession { old, reason: self.value("Reason", reason)? }
            }
            ("withdrawal", None) => {
                let statement = self.value("Replaces", sha256)?;
                StatementKind::Withdrawal { statement, reason: self.value("Reason", reason)? }
            }
            // The second line says something that we do not know.
            _ => return Err(StatementError::Line(2)),
        };
        let extensions = self.extensions()?;
        Ok(Statement { kind, subject, key, spki_sha256, issued, expires, extensions })
    }

    /// The value of the next line, which must have this key.
    fn value<T>(&mut self, key: &str, read: impl FnOnce(&'t str) -> Option<T>) -> Result<T, StatementError> {
        let (number, line) = self.lines.next().map_or((usize::MAX, ""), |(index, line)| (index + 1, line));
        let value = line.split_once(": ").filter(|(found, _)| *found == key).map(|(_, value)| value);
        value.and_then(read).ok_or(StatementError::Line(number))
    }

    fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'t str) -> Option<T>,
    ) -> Result<Option<T>, StatementError> {
        let is_next = self.lines.peek().is_some_and(|(_, line)| line.split(": ").next() == Some(key));
        if is_next { self.value(key, read).map(Some) } else { Ok(None) }
    }

    /// Everything that is left must be lines of others.
    fn extensions(&mut self) -> Result<Vec<(String, String)>, StatementError> {
        let read = |(index, line): (usize, &str)| {
            let pair = line.split_once(": ").filter(|(key, value)| is_extension(key) && is_plain(value));
            pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or(StatementError::Line(index + 1))
        };
        self.lines.by_ref().map(read).collect()
    }
}

fn is_extension(key: &str) -> bool {
    let is_letter = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    key.strip_prefix("X-").is_some_and(|name| !name.is_empty() && name.bytes().all(is_letter))
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control)
}

/// A UDF of at least 260 bits, in groups of four.
fn key(value: &str) -> Option<String> {
    let groups_are_whole = value.split('-').all(|group| {
        group.len() == 4 && group.bytes().all(|letter| matches!(letter, b'A'..=b'Z' | b'2'..=b'7'))
    });
    let fits = (KEY_LENGTH..=LONGEST_KEY).contains(&value.len());
    (groups_are_whole && fits).then(|| value.to_owned())
}

fn basis(value: &str) -> Option<Basis> {
    Basis::ALL.into_iter().find(|basis| basis.word() == value)
}

fn reason(value: &str) -> Option<Reason> {
    Reason::ALL.into_iter().find(|reason| reason.word() == value)
}

fn amount(value: &str) -> Option<u8> {
    value.parse().ok().filter(|amount| (1..=120).contains(amount))
}

/// `2026-11-21T00:00:00Z`; that it is written so is seen when it is written again.
fn time(value: &str) -> Option<Time> {
    let (date, clock) = value.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
    let [hour, minute, second] = clock.split(':').collect::<Vec<_>>().try_into().ok()?;
    Time::from_civil(
        year.parse().ok().filter(|year| (1970..=9999).contains(year))?,
        month.parse().ok()?,
        day.parse().ok()?,
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprint;

    const ISSUED: Time = Time::from_unix_seconds(1_795_219_200);

    fn statement(kind: StatementKind) -> Statement {
        let subject = EmailAddress::parse("alice@example.org").unwrap();
        Statement::new(kind, subject, &Fingerprint::of_public_key(b"bytes"), ISSUED)
    }

    fn kinds() -> [StatementKind; 5] {
        let old = Statement::name_of(&Fingerprint::of_public_key(b"older bytes"));
        [
            StatementKind::Endorsement { basis: Basis::InPerson, amount: 120 },
            StatementKind::Link,
            StatementKind::Uses,
            StatementKind::Succession { old, reason: Reason::Superseded },
            StatementKind::Withdrawal { statement: [7; 32], reason: Reason::Error },
        ]
    }

    #[test]
    fn what_is_written_is_read_again() {
        for kind in kinds() {
            let mut statement = statement(kind);
            assert_eq!(Statement::parse(&statement.to_text()).as_ref(), Ok(&statement));
            statement.extensions.push(("X-Note".to_owned(), "met at the lake".to_owned()));
            assert_eq!(Statement::parse(&statement.to_text()).as_ref(), Ok(&statement));
        }
    }

    #[test]
    fn it_is_about_its_key_and_for_its_time() {
        let statement = statement(StatementKind::Link);
        assert!(statement.is_about(&Fingerprint::of_public_key(b"bytes")));
        assert!(!statement.is_about(&Fingerprint::of_public_key(b"other bytes")));
        assert!(statement.holds_at(ISSUED.plus_days(5 * 365 - 1)));
        assert!(!statement.holds_at(ISSUED.plus_days(5 * 365)));
        assert!(!statement.holds_at(ISSUED.plus_seconds(-1)));
    }

    #[test]
    fn a_text_that_is_written_otherwise_is_refused() {
        let good = statement(StatementKind::Endorsement { basis: Basis::Video, amount: 60 }).to_text();
        assert!(Statement::parse(&good).is_ok());
        for (from, to) in [
            ("\n", "\r\n"),
            ("Type: ", "Type:  "),
            ("video\n", "video \n"),
            ("Amount: 60", "Amount: 060"),
            ("Amount: 60", "Amount: +60"),
            ("Amount: 60", "Amount: 121"),
            ("Amount: 60", "Amount: 0"),
            ("Basis: video\nAmount: 60", "Amount: 60\nBasis: video"),
            ("T00:00:00Z", "T24:00:00Z"),
            ("T00:00:00Z", "T00:00:00+00:00"),
            ("2026-11-21", "2026-11-1"),
            ("SMIME-Statement: 1", "SMIME-Statement: 2"),
            ("Type: endorsement", "Type: friendship"),
            ("Type: endorsement", "Type: link"),
            ("alice@example.org", "alice@EXAMPLE.org"),
            ("Issued", "\nIssued"),
        ] {
            let bad = good.replacen(from, to, if from == "\n" { usize::MAX } else { 1 });
            assert_ne!(bad, good);
            assert!(Statement::parse(&bad).is_err(), "{bad}");
        }
        assert!(Statement::parse(good.trim_end()).is_err());
        assert!(Statement::parse(&format!("{good}Comment: hello\n")).is_err());
        assert!(Statement::parse(&format!("{good}X-Note: {}\n", "x".repeat(4096))).is_err());
    }

    #[test]
    fn a_short_key_is_no_key() {
        let good = statement(StatementKind::Link).to_text();
        let key = Statement::name_of(&Fingerprint::of_public_key(b"bytes"));
        let short = key.get(..key.len() - 5).unwrap();
        assert_eq!(Statement::parse(&good.replace(&key, short)), Err(StatementError::Line(4)));
    }
}
