//! What is taken in from a signed mail that was read: its certificates, what its author can read, and
//! an entry for history.

use super::level::Level;
use super::log::Event;
use crate::limits::CLOCK_SKEW_SECONDS;
use crate::time::Time;

/// What is known of a signed mail after it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedMail {
    /// Whether the signature holds and its algorithms are strong.
    pub holds: bool,
    /// Whether the signer's certificate names the one author.
    pub is_by_author: bool,
    /// Whether the signature covers the whole mail.
    pub is_whole: bool,
    /// What was decided about the key.
    pub level: Level,
    /// When the signer says it was signed.
    pub signing_time: Option<Time>,
    /// The same for the same mail: a digest of what was signed.
    pub message: [u8; 32],
    /// Whether it answers an encrypted mail of ours.
    pub answers: bool,
}

/// What is taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Harvest {
    /// The signer's certificate, and those that its chain needs.
    pub certificates: bool,
    /// What the signer can read (SMIMECapabilities).
    pub capabilities: bool,
    /// What history says of it.
    pub event: Option<Event>,
}

/// What may be taken in from a mail that is read at a moment. `capabilities_since` is the signing time
/// of the capabilities that are known already.
///
/// From a mail whose signature does not hold, or that is not its author's, nothing is. A key that is
/// at odds with another one starts no history: it would only have to wait.
#[must_use]
pub fn harvest(mail: &SignedMail, capabilities_since: Option<Time>, at: Time) -> Harvest {
    if !mail.holds || !mail.is_by_author || !mail.is_whole {
        return Harvest::default();
    }
    match mail.level {
        Level::None | Level::Invalid | Level::Conflict => Harvest::default(),
        Level::Unverified | Level::Opportunistic | Level::Checked | Level::Verified | Level::Strong => {
            Harvest {
                certificates: true,
                capabilities: is_newer(mail.signing_time, capabilities_since, at),
                event: Some(Event::Received { message: mail.message, answers: mail.answers }),
            }
        }
    }
}

/// An old mail that is read again must not bring back an old cipher, nor must one from the future
/// keep every later mail from being heard.
fn is_newer(signing_time: Option<Time>, known: Option<Time>, at: Time) -> bool {
    match (signing_time, known) {
        (None, known) => known.is_none(),
        (Some(signed), _) if signed > at.plus_seconds(CLOCK_SKEW_SECONDS) => false,
        (Some(signed), known) => known.is_none_or(|known| known < signed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);
    const GOOD: SignedMail = SignedMail {
        holds: true,
        is_by_author: true,
        is_whole: true,
        level: Level::Unverified,
        signing_time: Some(NOW),
        message: [1; 32],
        answers: false,
    };

    #[test]
    fn a_good_mail_brings_all() {
        let harvest = harvest(&GOOD, None, NOW);
        assert!(harvest.certificates && harvest.capabilities && harvest.event.is_some());
    }

    #[test]
    fn a_mail_that_is_not_the_authors_or_does_not_hold_brings_nothing() {
        for mail in [
            SignedMail { holds: false, ..GOOD },
            SignedMail { is_by_author: false, ..GOOD },
            SignedMail { is_whole: false, ..GOOD },
            SignedMail { level: Level::Conflict, ..GOOD },
            SignedMail { level: Level::Invalid, ..GOOD },
        ] {
            assert_eq!(harvest(&mail, None, NOW), Harvest::default(), "{mail:?}");
        }
    }

    #[test]
    fn capabilities_are_replaced_by_newer_ones_only() {
        let capabilities =
            |signing_time, known| harvest(&SignedMail { signing_time, ..GOOD }, known, NOW).capabilities;
        let (before, after) = (NOW.plus_days(-1), NOW.plus_days(1));
        assert!(capabilities(Some(NOW), Some(before)));
        assert!(!capabilities(Some(before), Some(NOW)), "an old mail read again");
        assert!(!capabilities(Some(NOW), Some(NOW)));
        assert!(!capabilities(Some(after), None), "one from the future");
        assert!(capabilities(None, None));
        assert!(!capabilities(None, Some(before)));
    }
}
