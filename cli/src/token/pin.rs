//! PINs: from a file, from a descriptor, or typed. Never from an argument or a variable, never kept, and never
//! tried twice: a few wrong ones lock a token.

use counterseal_core::secret::SecretBytes;

use super::error::TokenError;
use super::protocol::State;
use crate::args;
use crate::failure::Failure;
use crate::passphrase;
use crate::terminal::{self, Question, ask_secret};

/// Where PINs come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct PinSource {
    options: args::Pin,
    /// Nobody is there to be asked, at a terminal or at the token's own reader.
    is_silent: bool,
}

impl PinSource {
    /// By the options of a command; without any somebody is asked.
    pub(crate) fn from_options(options: &args::Pin) -> Self {
        Self { options: options.clone(), is_silent: false }
    }

    /// From nowhere: tokens that want a PIN stay closed.
    pub(crate) fn silent() -> Self {
        Self { options: args::Pin::default(), is_silent: true }
    }

    /// Whether a token's own reader may ask.
    ///
    /// # Errors
    /// A failure that names the token, where nobody is there to answer.
    pub(super) fn may_ask_at(&self, token: &State) -> Result<(), Failure> {
        if self.is_silent { Err(TokenError::PinNeeded(token.label.clone()).into()) } else { Ok(()) }
    }

    /// The PIN of a token.
    pub(super) fn of(&self, token: &State) -> Result<SecretBytes, Failure> {
        let given = args::Passphrase {
            passphrase_file: self.options.pin_file.clone(),
            passphrase_fd: self.options.pin_fd,
            ..args::Passphrase::default()
        };
        let is_given = given.passphrase_file.is_some() || given.passphrase_fd.is_some();
        if is_given && token.is_last_try {
            return Err(TokenError::LastTry(token.label.clone()).into());
        }
        let pin = match passphrase::given(&given)? {
            Some(pin) => pin,
            None => {
                self.may_ask_at(token)?;
                typed(token)?
            }
        };
        if pin.is_empty() { Err(Failure::usage("the PIN is empty; no token was asked")) } else { Ok(pin) }
    }
}

fn typed(token: &State) -> Result<SecretBytes, Failure> {
    let label = terminal::SafeText(&token.label);
    let remark = match (token.is_last_try, token.had_wrong_pin) {
        (true, _) => " (LAST TRY: a wrong one locks it)",
        (false, true) => " (the last one was wrong)",
        (false, false) => "",
    };
    match ask_secret(&format!("PIN of the token {label}{remark}")) {
        Ok(Question::Answered(pin)) => Ok(pin),
        Ok(Question::Cancelled) => Err(TokenError::Cancelled.into()),
        Ok(Question::NoTerminal) => Err(TokenError::PinNeeded(token.label.clone()).into()),
        Err(error) => Err(Failure::io("the terminal", &error)),
    }
}
