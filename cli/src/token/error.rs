//! Why a token did not do what it was asked to, and the words for it.

use std::path::PathBuf;

use super::protocol::{Refusal, State};
use crate::failure::Failure;

/// Why a token did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenError {
    /// `config.toml` names no library.
    NotConfigured,
    /// A library cannot be used.
    Library(PathBuf, String),
    /// No library has a token of that name.
    NotThere(String),
    /// Several tokens have that name: their serial numbers.
    Several(String, Vec<String>),
    /// The PIN was wrong; whether the next one that is wrong locks the token.
    WrongPin { label: String, is_last_try: bool },
    /// One more wrong PIN would lock it, and this one was typed by nobody.
    LastTry(String),
    /// Too many wrong PINs.
    Locked(String),
    /// There is nobody to ask for the PIN.
    PinNeeded(String),
    /// Nobody typed one.
    Cancelled,
    /// The secret key that belongs there is not on the token.
    NoKey(String),
    /// The token cannot do this with its key.
    Unsuitable(String),
    /// What the library says.
    Failed(String, String),
}

impl TokenError {
    /// What a refusal of the library means for a token.
    pub(super) fn of(refusal: Refusal, token: &State, library: &std::path::Path) -> Self {
        let label = token.label.clone();
        match refusal {
            Refusal::Library(why) => Self::Library(library.to_owned(), why),
            Refusal::NoToken => Self::NotThere(label),
            Refusal::NoKey => Self::NoKey(label),
            Refusal::WrongPin => Self::WrongPin { label, is_last_try: false },
            Refusal::PinLocked => Self::Locked(label),
            Refusal::NoPin => Self::Failed(label, "it wants its PIN once more".to_owned()),
            Refusal::Unsuitable => Self::Unsuitable(label),
            Refusal::Failed(words) => Self::Failed(label, words),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotConfigured => {
                Self::unknown("no-token-library", "config.toml names no library for tokens").hint(format!(
                    "write two lines into {}: [[token]] and library = \"/usr/lib/...so\"; \
                         OpenSC's is opensc-pkcs11.so",
                    crate::config::Config::path()
                        .map_or_else(|_| "config.toml".to_owned(), |path| path.display().to_string())
                ))
            }
            TokenError::Library(library, why) => Self::unknown(
                "token-library",
                format!("{}: the library for tokens cannot be used: {why}", library.display()),
            )
            .hint("its path stands in config.toml, under [[token]]"),
            TokenError::NotThere(label) => {
                Self::unknown("no-token", format!("the token {label} is not there"))
                    .hint("insert it; what is there is listed by `cseal doctor`")
            }
            TokenError::Several(label, serials) => {
                Self::unknown("several-tokens", format!("{} tokens are called {label}", serials.len()))
                    .details(serials)
                    .hint("name one by its serial number")
            }
            TokenError::WrongPin { label, is_last_try } => {
                let failure = Self::unknown("wrong-pin", format!("wrong PIN for the token {label}"));
                failure.hint(if is_last_try {
                    "ONE try is left: the next wrong PIN locks the token"
                } else {
                    "few tries lock a token; nothing was tried a second time"
                })
            }
            TokenError::LastTry(label) => Self::unknown(
                "pin-last-try",
                format!("the next wrong PIN locks the token {label}; no file was asked for one"),
            )
            .hint("type it at a terminal, without --pin-file and --pin-fd"),
            TokenError::Locked(label) => Self::unknown(
                "token-locked",
                format!("the token {label} is locked after too many wrong PINs"),
            )
            .hint("its maker's program unlocks it, with its PUK or SO PIN"),
            TokenError::PinNeeded(label) => Self::unknown(
                "pin-needed",
                format!("the token {label} needs its PIN, and there is no terminal to ask on"),
            )
            .hint("give it with --pin-file FILE or --pin-fd N"),
            TokenError::Cancelled => Self::unknown("cancelled", "cancelled"),
            TokenError::NoKey(label) => {
                Self::unknown("no-key", format!("the secret key is not on the token {label} any more"))
            }
            TokenError::Unsuitable(label) => {
                Self::unknown("token-unsuitable", format!("the token {label} cannot do this with its key"))
                    .hint("see what it must be able to do: docs/keys.md, Keys on a token")
            }
            TokenError::Failed(label, words) => {
                Self::unknown("token-failed", format!("the token {label} failed")).because(words)
            }
        }
    }
}
