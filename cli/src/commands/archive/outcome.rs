//! What became of one mail, and of all.

use std::collections::BTreeMap;

use counterseal_core::cms::{RecipientDescription, Warning};
use counterseal_core::message::{Accept, Status, Verdict};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::render::recipients;

/// What became of one mail.
pub(crate) enum Outcome {
    /// Its encryption is gone.
    Decrypted(Vec<Warning>),
    /// It has other readers.
    Rewrapped(Vec<Warning>),
    /// It is sealed anew.
    Resealed(Vec<Warning>),
    /// Its readers are the wanted ones already.
    Already,
    /// It is not encrypted.
    NotEncrypted,
    /// An earlier run did it.
    Before,
    /// Its signatures were looked at; this is what would be enough.
    Judged(Box<Status>, Accept),
    /// It stays as it was.
    Trouble(Trouble),
}

impl Outcome {
    /// The word of the summary and of JSON.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Decrypted(_) => "decrypted",
            Self::Rewrapped(_) => "rewrapped",
            Self::Resealed(_) => "resealed",
            Self::Already => "already",
            Self::NotEncrypted => "not-encrypted",
            Self::Before => "before",
            Self::Judged(status, _) => status.verdict.word(),
            Self::Trouble(_) => "not-opened",
        }
    }

    fn warnings(&self) -> &[Warning] {
        match self {
            Self::Decrypted(warnings) | Self::Rewrapped(warnings) | Self::Resealed(warnings) => warnings,
            _ => &[],
        }
    }
}

/// Why a mail stays as it was.
pub(crate) struct Trouble {
    pub(crate) failure: Failure,
    /// For whom it was sealed, where that is known.
    pub(crate) recipients: Vec<RecipientDescription>,
}

impl Trouble {
    /// The cause, and which keys it takes.
    pub(crate) fn message(&self) -> String {
        let readers = recipients::list(&self.recipients).join(", ");
        [self.failure.message.as_str(), &readers].join(if readers.is_empty() { "" } else { " " })
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, recipients: Vec::new() }
    }
}

/// One mail in a report.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Named {
    /// Where it is: the number in an mbox, the name of a file.
    pub(crate) place: String,
    /// Its Message-ID.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) message_id: Option<String>,
    /// A word of `docs/formats/reasons.md`, or a verdict.
    pub(crate) word: String,
    /// The cause, or the line about the author.
    pub(crate) message: String,
}

/// What became of all mails. Its size does not depend on how many there are.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Mails.
    pub(crate) mails: u64,
    /// How many of each outcome.
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// How many were under a broken or outdated cipher.
    pub(crate) weak_cipher: u64,
    /// How many could have been changed on the way without notice.
    pub(crate) no_integrity: u64,
    /// How many mails wait for each key: the readers that they name.
    pub(crate) wanted: BTreeMap<String, u64>,
    /// How many want others than those.
    pub(crate) wanted_others: u64,
    /// The first of those that could not be opened, or are not verified.
    pub(crate) named: Vec<Named>,
    /// How many more there are.
    pub(crate) unnamed: u64,
    /// How many files could not be read at all.
    pub(crate) unreadable: u64,
    /// Whether a mail is at odds with what is known.
    pub(crate) conflict: bool,
}

/// Different keys that a summary counts apart.
const WANTED: usize = 200;
/// Mails that a summary names; `--verbose` and `--json` name all.
const NAMED: usize = 100;

impl Summary {
    /// Counts one mail.
    pub(crate) fn add(&mut self, place: &str, message_id: Option<&str>, outcome: &Outcome) {
        self.mails += 1;
        *self.outcomes.entry(outcome.word().to_owned()).or_default() += 1;
        let has = |wanted: &[Warning]| outcome.warnings().iter().any(|warning| wanted.contains(warning));
        self.weak_cipher += u64::from(has(&[Warning::BrokenCipher, Warning::OutdatedCipher]));
        self.no_integrity += u64::from(has(&[Warning::NoIntegrity]));
        match outcome {
            Outcome::Trouble(trouble) => self.add_trouble((place, message_id), trouble),
            Outcome::Judged(status, least) if !status.satisfies(*least) => {
                self.conflict |= status.verdict == Verdict::Conflict;
                let author = crate::render::status::lines(status, *least, false)
                    .into_iter()
                    .next()
                    .unwrap_or_default();
                self.name((place, message_id), status.verdict.word(), &author);
            }
            _ => {}
        }
    }

    fn add_trouble(&mut self, mail: (&str, Option<&str>), trouble: &Trouble) {
        self.unreadable += u64::from(trouble.failure.word == "io");
        self.name(mail, trouble.failure.word, &trouble.message());
        for recipient in &trouble.recipients {
            let line = recipients::line(recipient);
            if self.wanted.len() < WANTED || self.wanted.contains_key(&line) {
                *self.wanted.entry(line).or_default() += 1;
            } else {
                self.wanted_others += 1;
            }
        }
    }

    fn name(&mut self, (place, message_id): (&str, Option<&str>), word: &str, message: &str) {
        if self.named.len() >= NAMED {
            self.unnamed += 1;
            return;
        }
        self.named.push(Named {
            place: place.to_owned(),
            message_id: message_id.map(str::to_owned),
            word: word.to_owned(),
            message: message.to_owned(),
        });
    }

    /// How many mails stayed as they were although they should not have.
    pub(crate) fn troubles(&self) -> u64 {
        self.outcomes.get("not-opened").copied().unwrap_or_default()
    }

    /// How many have this outcome.
    pub(crate) fn count(&self, word: &str) -> u64 {
        self.outcomes.get(word).copied().unwrap_or_default()
    }
}
