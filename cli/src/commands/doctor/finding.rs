//! What `cseal doctor` found: a word, a sentence, and what to do.

use crate::failure::Failure;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth knowing, and perhaps meant so.
    Note,
    /// Something is to be done.
    Warning,
    /// Something does not work, or cannot be looked at.
    Broken,
}

impl Severity {
    /// The word in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

/// One finding.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// One of `docs/formats/reasons.md`.
    pub(crate) word: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Finding {
    /// Worth knowing.
    pub(super) fn note(word: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, word, message: message.into(), hint: None }
    }

    /// To be done something about.
    pub(super) fn warning(word: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, word, message: message.into(), hint: None }
    }

    /// Broken.
    pub(super) fn broken(word: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Broken, word, message: message.into(), hint: None }
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Failure> for Finding {
    fn from(failure: Failure) -> Self {
        let message = match &failure.cause {
            Some(cause) => format!("{} ({cause})", failure.message),
            None => failure.message,
        };
        Self { severity: Severity::Broken, word: failure.word, message, hint: failure.hint }
    }
}
