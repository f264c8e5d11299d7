//! Why a pairing ended without success: words that both screens show.

use std::fmt;

/// Why a pairing was given up. The words are part of the format: docs/formats/pairing.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbortReason {
    /// Its time was over.
    Expired,
    /// A person ended it.
    Cancelled,
    /// The digits were wrong three times, or the words on the two screens differ.
    CodeMismatch,
    /// The words were wrong three times.
    WordsMismatch,
    /// What answered is not the device whose code was scanned.
    NotTheDevice,
    /// What has to be fulfilled before keys are released is not.
    PolicyRefused,
    /// The other side speaks a later version.
    VersionTooOld,
    /// The other side wants something else: two new devices, a meeting and a pairing.
    WrongIntent,
    /// What came cannot be read, or was changed on its way.
    Damaged,
    /// Too many objects of strangers came.
    TooManyStrangers,
}

impl AbortReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Expired,
        Self::Cancelled,
        Self::CodeMismatch,
        Self::WordsMismatch,
        Self::NotTheDevice,
        Self::PolicyRefused,
        Self::VersionTooOld,
        Self::WrongIntent,
        Self::Damaged,
        Self::TooManyStrangers,
    ];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::CodeMismatch => "code-mismatch",
            Self::WordsMismatch => "words-mismatch",
            Self::NotTheDevice => "not-the-device-you-scanned",
            Self::PolicyRefused => "policy-refused",
            Self::VersionTooOld => "version-too-old",
            Self::WrongIntent => "wrong-intent",
            Self::Damaged => "damaged",
            Self::TooManyStrangers => "too-many-strangers",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

impl fmt::Display for AbortReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl std::error::Error for AbortReason {}
