//! `cseal keys remove`: a secret key is destroyed, and its tombstone stays.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::trust::log::EventKind;

use super::revoke::own_key;
use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::renew::{self as render, Loss};
use crate::store::{KeyUse, Store, StoredKey};
use crate::terminal;

/// Says what will be lost, asks for the whole fingerprint, and erases what opens the key.
pub(super) fn run(arguments: &args::Remove) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let key = own_key(&store, &arguments.key)?;
    let Some(retired) = key.retired else {
        return Err(Failure::no("key-in-use", format!("{} is in use", key.fingerprint))
            .hint("retire it first: `cseal keys renew` makes the key that follows"));
    };
    let loss = loss(&store, &key, retired)?;
    confirm(arguments, &key.fingerprint, &loss)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| writer.remove_secret_key(&key))?;
    if !store.wipe()? {
        return Err(Failure::unknown(
            "store-busy",
            format!("{} is removed, but another program keeps old pages of the store", key.fingerprint),
        )
        .hint("end the other cseal; the pages are overwritten at its next change"));
    }
    render::removed(&key.fingerprint, &loss, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What is known of the mail that was encrypted to a key: while it was in use, and a mail can be late.
fn loss(store: &Store, key: &StoredKey, retired: Time) -> Result<Loss, Failure> {
    let opens_mail = key.key_use == KeyUse::Encryption;
    let received = store.log()?.entries.into_iter().filter(|entry| {
        let is_within = (key.created..=retired).contains(&entry.at);
        is_within && entry.event == EventKind::Received
    });
    let mails = if opens_mail { received.count() } else { 0 };
    Ok(Loss { opens_mail, from: key.created.to_date(), until: retired.to_date(), mails })
}

fn confirm(arguments: &args::Remove, key: &Fingerprint, loss: &Loss) -> Result<(), Failure> {
    let typed = match &arguments.fingerprint {
        Some(typed) => typed.clone(),
        None => {
            terminal::say(&loss.warning(key));
            ask()?
        }
    };
    if is_whole(&typed, key) {
        return Ok(());
    }
    Err(Failure::no("other-fingerprint", "what was typed is not the whole fingerprint; nothing was removed")
        .hint(format!("the key is {key}")))
}

fn ask() -> Result<String, Failure> {
    let answer = terminal::ask_shown("The whole fingerprint");
    let answer = answer.map_err(|error| Failure::io("the terminal", &error))?.ok_or_else(|| {
        Failure::usage("there is no terminal to ask for the fingerprint on")
            .hint("give the whole fingerprint with --fingerprint WHOLE")
    })?;
    if answer.is_empty() {
        return Err(Failure::unknown("cancelled", "cancelled; nothing was removed"));
    }
    Ok(answer)
}

/// All groups that are shown, or all of SHA-256; five groups are enough to name a key, and not to end it.
fn is_whole(typed: &str, key: &Fingerprint) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
    };
    let typed = plain(typed);
    [key.to_string(), key.to_hex(), key.to_full_string()].iter().any(|whole| plain(whole) == typed)
}
