//! The directories and the files in them: whose they are, who may read them, and what was left behind.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::Finding;
use crate::config::Config;
use crate::failure::Failure;
use crate::places;
use crate::queue::{Box, Queue};
use crate::store::{is_copy_of_store, is_left_over};

/// The directory of the store, and every file in it.
pub(super) fn files(directory: &Path) -> Vec<Finding> {
    let Ok(found) = fs::metadata(directory) else { return Vec::new() };
    let mut findings: Vec<Finding> = owned_alone(directory, &found).into_iter().collect();
    let Ok(entries) = fs::read_dir(directory) else { return findings };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_file() {
            findings.extend(owned_alone(&path, &found));
        }
        let name = entry.file_name();
        let shown = path.display();
        if is_left_over(&name) {
            findings.push(
                Finding::note("left-over", format!("{shown} is left of a command that was cut off"))
                    .hint(format!("where no cseal is running: rm {shown}")),
            );
        } else if is_copy_of_store(&name) {
            findings.push(
                Finding::note("kept-aside", format!("{shown} is a key store that could not be read"))
                    .hint("when you are sure that every mail opens without it, delete it"),
            );
        }
    }
    findings
}

/// Whoever may write to the cache may have our answers fail, though nothing in it is believed unchecked.
pub(super) fn cache() -> Vec<Finding> {
    let directory = match places::cache() {
        Ok(directory) => directory,
        Err(failure) => return vec![Finding::from(failure)],
    };
    match fs::metadata(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Ok(found) if found.is_dir() && found.uid() == own_id() && found.mode() & 0o022 == 0 => {
            match fs::read_dir(&directory) {
                Ok(_) => Vec::new(),
                Err(error) => vec![unusable(&directory, &error.to_string())],
            }
        }
        Ok(_) => vec![unusable(&directory, "it is not a directory of yours alone")],
        Err(error) => vec![unusable(&directory, &error.to_string())],
    }
}

fn unusable(directory: &Path, why: &str) -> Finding {
    let shown = directory.display();
    Finding::warning("cache", format!("{shown}: the cache cannot be used: {why}"))
        .hint(format!("it can be fetched again: rm -r {shown}"))
}

fn owned_alone(path: &Path, found: &Metadata) -> Option<Finding> {
    let shown = path.display();
    if found.uid() != own_id() {
        let finding = Finding::broken("other-owner", format!("{shown} belongs to another user"));
        return Some(finding.hint(format!("chown it to yourself: {shown}")));
    }
    let mode = found.mode() & 0o777;
    if mode & 0o077 == 0 {
        return None;
    }
    let right = if found.is_dir() { "700" } else { "600" };
    let finding =
        Finding::warning("open-permissions", format!("{shown} is open to others (mode {mode:03o})"));
    Some(finding.hint(format!("chmod {right} {shown}")))
}

fn own_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Mail that nobody got, and servers that took none. A queue that is not there yet is not made.
pub(super) fn queue() -> Result<Vec<Finding>, Failure> {
    let directory = places::state()?.join("queue");
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let queue = Queue::open(&directory)?;
    let (held, failed) = (queue.list(Box::Held)?.len(), queue.list(Box::Failed)?.len());
    let message = format!("mails that are held: {held}, that could not be delivered: {failed}");
    let finding = Finding::warning("undelivered", message).hint("see which, and why: cseal queue list");
    let mut findings = if held + failed > 0 { vec![finding] } else { Vec::new() };
    // What is wrong with the settings is said with the tokens, which are of the same file.
    let accounts = Config::read().map_or_else(|_| Vec::new(), |config| config.accounts);
    findings.extend(accounts.iter().filter_map(|account| {
        let rest = queue.rest(&account.name)?;
        let message = format!("account {} does not send: {}", account.name, rest.why);
        Some(Finding::warning("not-sent", message).hint("once that is mended: cseal queue flush"))
    }));
    Ok(findings)
}
