//! `cseal backup`: the whole store as one sealed file.

use std::io::Write;

use super::store::{self, Unlock};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::passphrase;
use crate::render::backup::{self, Written};
use crate::store::{BackupNote, Protection, Store, StoreError, verify_backup};

const INSTEAD: &str = "--new-passphrase-file FILE";

/// Writes it, reads it once more, and remembers that it was made.
pub(crate) fn run(arguments: &args::Backup) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    keeps_all(&store, arguments)?;
    let mut output = Output::at(Some(&arguments.file), arguments.overwrite, Content::Binary)?;
    let is_stream = output.is_stdout();
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let protection = protection(arguments, &store)?;
    let now = clock::now();
    let (keys, on_tokens) = (store.secret_keys()?.len(), store.token_keys()?.len());
    let header = store.back_up(protection.as_ref(), &mut output, now)?;
    output.flush().map_err(|error| Failure::io(arguments.file.display().to_string(), &error))?;
    output.commit()?;
    if !is_stream {
        verify_backup(&store, &arguments.file)?;
    }
    let note = BackupNote { made: now, keys: u32::try_from(keys).unwrap_or(u32::MAX) };
    store.write(now, |writer| writer.note_backup(&note))?;
    let written = Written {
        file: (!is_stream).then_some(arguments.file.as_path()),
        keys,
        on_tokens,
        epoch: header.epoch,
    };
    backup::written(&written, &arguments.report)?;
    Ok(Exit::Done)
}

/// Keys that are gone from the store may be in the backup of before: that is not replaced by one without them.
fn keeps_all(store: &Store, arguments: &args::Backup) -> Result<(), Failure> {
    let lost = store.lost_keys()?;
    if lost.is_empty() || !(arguments.overwrite && arguments.file.exists()) {
        return Ok(());
    }
    let keys = lost.iter().map(|key| format!("gone  {key}")).collect();
    Err(Failure::unknown(
        "key-missing",
        "secret keys are gone from the store, which the backup of before may have",
    )
    .details(keys)
    .hint("restore from it first, or write to another file"))
}

/// The passphrase of its own that a backup gets, where one was asked for or nothing else would open it.
fn protection(arguments: &args::Backup, store: &Store) -> Result<Option<Protection>, Failure> {
    let passphrase = match &arguments.new_passphrase_file {
        Some(file) => passphrase::from_file(file)?,
        None if store.opens_backups()? => return Ok(None),
        None => passphrase::ask_new("Passphrase for the backup", INSTEAD).map_err(|failure| {
            if failure.word == "passphrase-needed" { StoreError::NothingOpens.into() } else { failure }
        })?,
    };
    if passphrase.is_empty() {
        return Err(passphrase::empty(INSTEAD));
    }
    Ok(Some(Protection::Passphrase(passphrase)))
}
