//! How a command ends that did not do what it was asked for.

/// The exit codes: one meaning each, for all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for questions: yes.
    Done,
    /// Answered, and the answer is no.
    No,
    /// Wrong command line.
    Usage,
    /// Could not find out.
    Unknown,
    /// Something is at odds with a pin or with earlier mail.
    Contradiction,
    /// Our bug.
    Bug,
    /// Nothing was written; whoever holds the mail keeps it and tries again (EX_TEMPFAIL of `sysexits.h`).
    Later,
}

impl Exit {
    /// The number that the caller sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Contradiction => 4,
            Self::Bug => 70,
            Self::Later => 75,
        }
    }
}

/// Why a command stopped: the exit code, a word that never changes, and what a person reads.
///
/// The texts may hold foreign words; they are made safe where they are printed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One of `docs/formats/reasons.md`.
    pub(crate) word: &'static str,
    /// The cause, with both values where two disagree.
    pub(crate) message: String,
    /// Lines of detail under the cause: one for each recipient, say.
    pub(crate) details: Vec<String>,
    /// What to do, ready to paste.
    pub(crate) hint: Option<String>,
    /// The error below, for `-v`.
    pub(crate) cause: Option<String>,
}

impl Failure {
    /// A failure with its word and its cause.
    pub(crate) fn new(exit: Exit, word: &'static str, message: impl Into<String>) -> Self {
        Self { exit, word, message: message.into(), details: Vec::new(), hint: None, cause: None }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// It could not be found out.
    pub(crate) fn unknown(word: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Unknown, word, message)
    }

    /// The answer is no.
    pub(crate) fn no(word: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::No, word, message)
    }

    /// Adds what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds lines of detail.
    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// Adds the error below.
    pub(crate) fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// A file or stream that could not be read or written.
    pub(crate) fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        Self::unknown("io", format!("{}: {}", what.into(), plain(error)))
    }
}

/// The system's words without Rust's `(os error 2)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
