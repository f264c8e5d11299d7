//! Where the mailbox of an address is, which whoever named the server for sending may name too: the person's devices can meet
//! in it. Nobody needs it to send, so whatever is wrong with it leaves it out, and is said.

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{LogIn, MailServer};

use super::account::{NewAccount, url_of_mailbox};
use super::server::{Taken, asks, doubt};
use crate::args;
use crate::config::Config;
use crate::failure::Failure;
use crate::sync_places;
use crate::terminal::ask_shown;

/// Puts the mailbox into the account where it is proven as its server had to be, or where the person says that it is theirs:
/// it gets the same password. Answered is why it was left out.
pub(super) fn add(
    arguments: &args::Setup,
    address: &EmailAddress,
    taken: &Taken,
    account: &mut NewAccount,
) -> Result<Option<String>, Failure> {
    let Some(offer) = &taken.mailbox else { return Ok(None) };
    let url = url_of_mailbox(&offer.server);
    if !is_for(account, arguments.user.is_some(), &taken.server, &offer.server, address) {
        return Ok(Some(format!(
            "your mailbox, {url}, is left out: it wants another log-in than the server for sending"
        )));
    }
    if let Some(why) = doubt(offer, address, taken.named) {
        let found = format!("{url} was found by {} for your mailbox, and {why}", taken.named.word());
        if !asks(arguments) {
            return Ok(Some(format!("{found}: it is left out; {}", by_hand(account, &url))));
        }
        let question = format!(
            "{found}.\nYour devices could meet there, and it would get your password. Is it your server? (yes or no)"
        );
        let answer = ask_shown(&question).map_err(|error| Failure::io("the terminal", &error))?;
        if !matches!(answer.as_deref(), Some("yes" | "y")) {
            return Ok(None);
        }
    }
    account.imap = Some(url);
    Ok(None)
}

/// Whether the log-in of the account is the one that the mailbox wants: an account has one.
fn is_for(
    account: &NewAccount,
    is_user_typed: bool,
    server: &MailServer,
    mailbox: &MailServer,
    address: &EmailAddress,
) -> bool {
    let address = address.to_string();
    let name = |server: &MailServer| server.user.clone().unwrap_or_else(|| address.clone());
    let has_name = is_user_typed || name(server) == name(mailbox);
    account.user.is_some() && mailbox.log_in != LogIn::Nothing && mailbox.log_in == server.log_in && has_name
}

/// Logs in to it. Where that fails it is left out, and why is answered.
pub(super) fn try_log_in(account: &mut NewAccount) -> Option<String> {
    let url = account.imap.clone()?;
    let tried = match Config::parse(&account.to_toml()) {
        Ok(written) => written
            .accounts
            .iter()
            .try_for_each(sync_places::mailbox::log_in)
            .map_err(|error| error.to_string()),
        Err(what) => Err(what),
    };
    let why = tried.err()?;
    account.imap = None;
    Some(format!("your mailbox, {url}, is left out: {why}; when that is mended, {}", by_hand(account, &url)))
}

fn by_hand(account: &NewAccount, url: &str) -> String {
    format!("write imap = \"{url}\" into [account.{}] of config.toml", account.name)
}
