//! How `sendmail` ends: the exit codes of `sysexits.h`, which programs that send mail know.

use counterseal_core::address::EmailAddress;
use counterseal_core::submission::SubmissionError;

use crate::failure::{Exit, Failure};
use crate::queue::{Id, QueueError};
use crate::render;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The mail is ours.
    Done,
    /// Wrong command line, or no recipients.
    Usage,
    /// The mail cannot be read in one way only, or is too large.
    Data,
    /// The server will never take it.
    Unavailable,
    /// Our bug.
    Software,
    /// Input or output failed.
    Io,
    /// Later it may work.
    Temporary,
    /// The policy refuses.
    Permission,
    /// Settings, the key store, or a directory that is not ours alone.
    Configuration,
}

impl Code {
    /// The number that the caller sees.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 64,
            Self::Data => 65,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::Io => 74,
            Self::Temporary => 75,
            Self::Permission => 77,
            Self::Configuration => 78,
        }
    }
}

/// Why a mail is not sent.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) code: Code,
    pub(crate) failure: Box<Failure>,
}

impl Rejection {
    pub(crate) fn new(code: Code, failure: Failure) -> Self {
        Self { code, failure: Box::new(failure) }
    }

    /// Says it on standard error, in one piece.
    pub(crate) fn tell(&self, verbose: bool) -> Code {
        render::failure::show(&self.failure, None, verbose);
        self.code
    }

    /// The same, where a copy is held: for the caller, who may release it, or for another reader.
    pub(crate) fn held(mut self, id: &Id, reader: Option<&EmailAddress>) -> Self {
        let who = reader.map_or_else(|| "you".to_owned(), ToString::to_string);
        self.failure.details.push(format!("the mail is held, sealed to {who}, as {id}"));
        if reader.is_none() {
            let step = self
                .failure
                .hint
                .map_or_else(|| "once that is mended".to_owned(), |hint| format!("{hint}; then"));
            self.failure.hint = Some(format!("{step} `cseal queue release {id}`"));
        }
        self
    }

    /// The same, where none can be.
    pub(crate) fn not_kept(mut self, why: &QueueError) -> Self {
        self.failure.details.push(format!("no copy is kept: {why}"));
        self
    }

    /// The answer in a dialogue of SMTP (RFC 5321, section 4.2; RFC 3463).
    pub(crate) fn reply(&self) -> String {
        let code = match self.code {
            Code::Done => "250 2.0.0",
            Code::Permission => "550 5.7.10",
            Code::Temporary | Code::Io => "451 4.3.0",
            Code::Data | Code::Usage => "554 5.6.0",
            Code::Unavailable => "554 5.0.0",
            Code::Software | Code::Configuration => "554 5.3.5",
        };
        let words = [std::slice::from_ref(&self.failure.message), &self.failure.details].concat().join("; ");
        // One line of ASCII: callers show it as it is.
        let is_plain = |character: char| character == ' ' || character.is_ascii_graphic();
        let words: String =
            words.chars().map(|one| if is_plain(one) { one } else { '?' }).take(400).collect();
        format!("{code} {words}")
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        let code = match (failure.word, failure.exit) {
            ("io", _) => Code::Io,
            ("store-busy" | "disk-full" | "queue-full" | "queue-busy", _) | (_, Exit::Later) => {
                Code::Temporary
            }
            ("malformed" | "limit" | "no-author", _) | (_, Exit::Usage) => Code::Data,
            ("locked" | "no-signing-key" | "cannot-sign" | "not-the-signer", _)
            | (_, Exit::No | Exit::Contradiction) => Code::Permission,
            (_, Exit::Bug) => Code::Software,
            (_, Exit::Done | Exit::Unknown) => Code::Configuration,
        };
        Self::new(code, failure)
    }
}

impl From<SubmissionError> for Rejection {
    fn from(error: SubmissionError) -> Self {
        let hint = match &error {
            SubmissionError::NoDomain(_) => {
                Some("write the whole address, or name the person in /etc/aliases")
            }
            SubmissionError::BareCarriageReturn => Some("end lines with LF or CRLF"),
            _ => None,
        };
        let code = if error == SubmissionError::NoRecipients { Code::Usage } else { Code::Data };
        let failure = Failure::unknown("malformed", error.to_string());
        Self::new(
            code,
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            },
        )
    }
}

impl From<QueueError> for Rejection {
    fn from(error: QueueError) -> Self {
        let code = match &error {
            QueueError::TooLarge(_) => Code::Data,
            QueueError::Unsafe(..) | QueueError::Damaged(..) => Code::Configuration,
            QueueError::Io(..) => Code::Io,
            _ if error.is_temporary() => Code::Temporary,
            _ => Code::Software,
        };
        Self::new(code, error.into())
    }
}
