//! What came of `cseal backup` and `cseal restore`.

use std::path::Path;

use counterseal_core::fingerprint::Fingerprint;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::args::Report;
use crate::failure::Failure;
use crate::store::Restored;
use crate::terminal::{SafeText, print, say};

/// A backup that was written.
pub(crate) struct Written<'a> {
    /// Where; nothing for standard output.
    pub(crate) file: Option<&'a Path>,
    /// Secret keys, those on tokens too.
    pub(crate) keys: usize,
    /// Of these, those that a token keeps, and no backup has.
    pub(crate) on_tokens: usize,
    /// The change of the store that it holds.
    pub(crate) epoch: i64,
}

#[derive(Serialize)]
struct WrittenObject {
    version: u32,
    file: Option<String>,
    keys: usize,
    on_tokens: usize,
    epoch: i64,
}

#[derive(Serialize)]
struct RestoredObject {
    version: u32,
    made: Option<String>,
    keys: usize,
    kept: Vec<String>,
    /// Of these, those that stay for old mail only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
    contacts_gone: usize,
    aside: Vec<String>,
}

/// Says what is in the backup. Its JSON goes to standard error where the backup goes to standard output.
pub(crate) fn written(written: &Written<'_>, report: &Report) -> Result<(), Failure> {
    let file = written.file.map(|file| file.display().to_string());
    if report.json {
        let object = line(&WrittenObject {
            version: 1,
            file,
            keys: written.keys,
            on_tokens: written.on_tokens,
            epoch: written.epoch,
        });
        if written.file.is_none() {
            say(&object);
            return Ok(());
        }
        return printed(&object);
    }
    let file = file.map_or_else(String::new, |file| format!("{}: ", SafeText(&file)));
    say(&format!("{file}a backup with {}.", counted(written.keys - written.on_tokens, "secret key")));
    if written.on_tokens > 0 {
        let keys = counted(written.on_tokens, "key");
        say(&format!("Not in it: {keys} on a token, which nothing but the token has."));
    }
    Ok(())
}

/// Says what is in place now, what was kept and what is gone.
pub(crate) fn restored(restored: &Restored, report: &Report) -> Result<(), Failure> {
    let kept: Vec<String> = restored.kept.iter().map(ToString::to_string).collect();
    let aside: Vec<String> = restored.aside.iter().map(|path| path.display().to_string()).collect();
    if report.json {
        let object = RestoredObject {
            version: 1,
            made: restored.made.map(|made| made.to_rfc3339()),
            keys: restored.keys,
            kept,
            retired: restored.retired.iter().map(ToString::to_string).collect(),
            removed: restored.removed.iter().map(ToString::to_string).collect(),
            contacts_gone: restored.gone,
            aside,
        };
        return printed(&line(&object));
    }
    let of = restored.made.map(|made| format!(" of {}", made.to_date())).unwrap_or_default();
    say(&format!("Restored: a key store{of} with {}.", counted(restored.keys, "secret key")));
    if !kept.is_empty() {
        say("Kept from the store that was here, because the backup has them not:");
        kept.iter().for_each(|key| say(&format!("  {key}")));
    }
    if !restored.retired.is_empty() {
        say(
            "Of these, retired, because the backup has a personal CA for the same address, which others know:",
        );
        restored.retired.iter().for_each(|key| say(&format!("  {key}")));
    }
    if !restored.removed.is_empty() {
        say(
            "Removed from the store that was here, and so not restored (--with-removed-keys brings them back):",
        );
        restored.removed.iter().for_each(|key| say(&format!("  {key}")));
    }
    if restored.gone > 0 {
        let gone = counted(restored.gone, "row");
        say(&format!(
            "Gone with the store that was here, because the backup has them not: {gone} of pins and contacts."
        ));
    }
    if !aside.is_empty() {
        say("The store that was here could not be read as a whole. Nothing of it was deleted; it is now:");
        aside.iter().for_each(|path| say(&format!("  {}", SafeText(path))));
    }
    Ok(())
}

/// The refusal to lose keys.
pub(crate) fn keys_missing(missing: &[Fingerprint]) -> Failure {
    let count = counted(missing.len(), "secret key");
    Failure::unknown(
        "keys-missing",
        format!("the key store that is here has {count} that the backup has not, and does not open; nothing was changed"),
    )
    .details(missing.iter().map(ToString::to_string).collect())
    .hint("give the passphrase of the present store with --present-passphrase-file FILE")
}

/// What takes no word of the present store for anything.
pub(crate) const WITH_REMOVED_KEYS: &str =
    "--with-removed-keys restores every key of the backup, whatever the present store says was removed";

/// Why nothing is restored: keys of the backup were removed here, by nobody knows whom.
pub(crate) fn removed_by_whom() -> Failure {
    Failure::unknown(
        "removed-by-whom",
        "the key store that is here says that keys of the backup were removed, and does not open; nothing was changed",
    )
    .hint(format!(
        "give the passphrase of the present store with --present-passphrase-file FILE; {WITH_REMOVED_KEYS}"
    ))
}

fn printed(object: &str) -> Result<(), Failure> {
    print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error))
}
