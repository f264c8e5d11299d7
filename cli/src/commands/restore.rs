//! `cseal restore`: a backup takes the place of the store.

use counterseal_core::fingerprint::Fingerprint;

use super::store::{self, Unlock};
use crate::agent::Agent;
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::places;
use crate::render::backup;
use crate::store::{Staged, Store, StoreError};

/// Verifies the file as a whole, then puts it in place, and says what came of it.
pub(crate) fn run(arguments: &args::Restore) -> Result<Exit, Failure> {
    let directory = places::data()?;
    if Store::exists(&directory) && !arguments.replace {
        return Err(Failure::from(StoreError::Exists).hint(
            "put the backup in its place with --replace; keys that only the present store has are kept",
        ));
    }
    let how = Unlock::from_options(&arguments.passphrase);
    let staged = if Staged::needs_secret(&arguments.file)? {
        how.open(|opener| Staged::read(&directory, &arguments.file, Some(opener))).map_err(of_its_time)?
    } else {
        Staged::read(&directory, &arguments.file, None)?
    };
    // An agent keeps the present store open, and would go on with it.
    if let Ok(present) = Store::open(&directory) {
        let _ = Agent::of(present.id()).is_some_and(|agent| agent.lock());
    }
    let restored = staged.with_removed_keys(arguments.with_removed_keys).put_in_place(
        &directory,
        clock::now(),
        |present, missing| unlock(arguments, present, missing),
    )?;
    backup::restored(&restored, &arguments.report)?;
    Ok(Exit::Done)
}

/// A backup knows nothing of what opened the store later.
fn of_its_time(failure: Failure) -> Failure {
    match failure.word {
        "wrong-passphrase" | "wrong-recovery-code" => failure.hint(
            "a backup opens with the passphrase, or the recovery code, that the store had when the backup was made",
        ),
        _ => failure,
    }
}

/// Opens the present store, which has keys that the backup has not, or says that some were removed: without the
/// first nothing is replaced, and the second is its owner's word alone.
fn unlock(arguments: &args::Restore, present: &Store, missing: &[Fingerprint]) -> Result<(), Failure> {
    let how = match &arguments.present_passphrase_file {
        Some(file) => Unlock::from_file(Some(file)),
        None => Unlock::from_options(&arguments.passphrase),
    };
    store::unlock(present, &how).map_err(|failure| match failure.word {
        "wrong-passphrase" | "wrong-recovery-code" | "passphrase-needed" if missing.is_empty() => {
            backup::removed_by_whom()
        }
        "wrong-passphrase" | "wrong-recovery-code" | "passphrase-needed" => backup::keys_missing(missing),
        "store-tampered" if missing.is_empty() => failure.hint(backup::WITH_REMOVED_KEYS),
        _ => failure,
    })
}
