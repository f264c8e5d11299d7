//! `cseal device recover drill`: whether the paper would bring everything back, without needing it.

use counterseal_core::time::Time;
use counterseal_keysync::recovery::{RecoverError, Recovered, recover};

use super::super::account::Membership;
use super::super::export;
use super::{copies, seed};
use crate::args::RecoverDrill;
use crate::clock;
use crate::commands::history;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::randomness::SystemRandom;
use crate::render::recover as render;
use crate::store::Store;

/// The setting that holds when the paper was last tried: seconds since 1970, big-endian.
const LAST: &str = "drill";

/// Opens the copy as a new device would, and keeps the date.
pub(super) fn run(arguments: &RecoverDrill) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let membership = Membership::expect(&store)?;
    let objects = match &arguments.copy {
        Some(path) => copies::at(path)?,
        None => copies::of(&export::in_memory(&mut store, &membership, now)?, "the copy")?,
    };
    let seed = seed::read(&arguments.seed)?;
    let recovered = recover(&seed, &objects, now, &mut SystemRandom).map_err(failed)?;
    if recovered.account != membership.account {
        return Err(Failure::no("other-account", "the paper opens the copy of another account"));
    }
    let missing = recovered.missing();
    if missing.is_empty() {
        let seconds = now.unix_seconds().to_be_bytes();
        history::write(&mut store, |writer| writer.set_device_setting(LAST, &seconds))?;
    }
    render::drill(&counts(&recovered), missing.len(), now, &arguments.report)?;
    Ok(if missing.is_empty() { Exit::Done } else { Exit::No })
}

/// Devices and keys.
fn counts(recovered: &Recovered) -> (usize, usize) {
    let keys = recovered.changes.iter();
    let keys = keys.filter(|change| matches!(change, counterseal_keysync::sync::Change::Key(_))).count();
    (recovered.devices().len(), keys)
}

/// When the paper was last shown to open everything.
///
/// # Errors
/// What is wrong with the store.
pub(crate) fn last(store: &Store) -> Result<Option<Time>, Failure> {
    let kept = store.device_setting(LAST)?;
    let seconds = kept.and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
    Ok(seconds.map(Time::from_unix_seconds))
}

pub(super) fn failed(error: RecoverError) -> Failure {
    match error {
        RecoverError::OtherSeed => {
            Failure::no("other-account", "nothing of the account opens with these words")
                .hint("is it the sheet of this account? It has the account's fingerprint on it")
        }
        other => Failure::unknown("device-log", other.to_string()),
    }
}
