//! Through which proxy this process asks.

use std::sync::OnceLock;

use super::Trouble;
use crate::account::{Host, Way};
use crate::config::Config;
use crate::failure::Failure;
use crate::system::{Scope, own_settings};

/// Read once: a file that changes in between sends no half of the questions another way.
static WAY: OnceLock<Result<Way, String>> = OnceLock::new();

/// This process goes by these settings, if they say something, and nothing was asked yet.
pub(crate) fn go_by(config: &Config) {
    match &config.network {
        Way::Unsaid => {}
        said => drop(WAY.set(Ok(said.clone()))),
    }
}

/// The proxy of `[network]` in `config.toml`; nothing where the way is straight.
///
/// # Errors
/// `config` where the settings cannot be read: then nothing is asked, since they may name a proxy.
pub(crate) fn proxy() -> Result<Option<&'static Host>, Trouble> {
    match WAY.get_or_init(|| of_settings().map_err(|failure| failure.message)) {
        Ok(way) => Ok(way.proxy()),
        Err(message) => Err(Trouble::new("config", message.as_str())),
    }
}

/// Where the machine sends for the caller, what their own file says counts all the same.
fn of_settings() -> Result<Way, Failure> {
    if Scope::of_caller()? == Scope::Person {
        return Ok(Config::read()?.network);
    }
    match own_settings()? {
        Some(own) if own.network != Way::Unsaid => return Ok(own.network),
        _ => {}
    }
    let config = Config::of_system()?;
    if config.is_hidden {
        let what = "the config.toml of this machine may name a proxy, and only root can read it";
        return Err(Failure::unknown("config", what));
    }
    Ok(config.network)
}
