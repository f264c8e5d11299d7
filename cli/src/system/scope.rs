//! By whose settings a mail is sent: those of the person who calls, or those of the machine.

use std::env;
use std::path::Path;

use super::SETTINGS;
use crate::config::Config;
use crate::failure::Failure;
use crate::token::check_settings;

/// Whose settings, keys and queue are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those of the person who calls.
    Person,
    /// Those of the machine.
    System,
}

impl Scope {
    /// Whoever has an account of their own sends by it. All others are sent for by the machine, where it is set up.
    ///
    /// # Errors
    /// `config` where a person's own file cannot be understood: it may say that they send for themselves.
    pub(crate) fn of_caller() -> Result<Self, Failure> {
        let is_elsewhere = env::var_os("COUNTERSEAL_HOME").is_some_and(|value| !value.is_empty());
        if is_elsewhere || !Path::new(SETTINGS).join("config.toml").exists() {
            return Ok(Self::Person);
        }
        match own_settings()? {
            Some(own) if !own.accounts.is_empty() => Ok(Self::Person),
            _ => Ok(Self::System),
        }
    }
}

/// The settings of whom the machine sends for. The home of a service may be a folder like /tmp, where others write: what
/// they put there is not its own.
///
/// # Errors
/// `config` where they cannot be understood.
pub(crate) fn own_settings() -> Result<Option<Config>, Failure> {
    let own = Config::path().ok().filter(|path| check_settings(path).is_ok());
    own.map(|_| Config::read()).transpose()
}
