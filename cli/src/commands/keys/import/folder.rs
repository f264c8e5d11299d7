//! A folder of whatever there is: keys here, their certificates there, contacts, and files of no concern.

use std::fs;
use std::path::{Path, PathBuf};

use counterseal_core::keys::{Import, ImportError};

use super::{MAIL_BYTES, mail};
use crate::failure::Failure;
use crate::files::read_file;
use crate::sources::KeyFiles;
use crate::trust_file;

/// Folders below a folder: mutt's has one of keys and one of certificates.
const DEPTH: usize = 3;
/// Files of a folder; above that it is none of keys.
const FILES: usize = 10_000;

/// One thing to be taken in, whole or not at all.
pub(crate) enum Item {
    /// Keys and certificates.
    Keys(PathBuf, Import),
    /// A signed mail.
    Mail(PathBuf, Vec<u8>),
    /// What is there and cannot be read, and why.
    Refused(PathBuf, String),
}

/// What a folder holds, the own keys first with every certificate that belongs to them: these stand
/// in files of their own where mutt keeps them.
pub(super) struct Folder {
    pub(super) items: Vec<Item>,
    /// Files in which nothing was recognised.
    pub(super) others: usize,
}

impl Folder {
    /// Reads all of it.
    pub(super) fn read(folder: &Path, key_files: &mut KeyFiles<'_>) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        files(folder, DEPTH, &mut paths)?;
        paths.sort();
        // What was taken along is reported by itself, and its vCards hold the same certificates once more.
        let taken_along = [trust_file::NAME, trust_file::VCARDS].map(|name| folder.join(name));
        if taken_along.first().is_some_and(|trust| paths.contains(trust)) {
            paths.retain(|path| !taken_along.contains(path));
        }
        let mut found = Self { items: Vec::new(), others: 0 };
        for path in paths {
            found.add(path, key_files);
        }
        found.gather_own(folder);
        Ok(found)
    }

    /// Of what another program handed out.
    pub(super) fn of(folder: &Path, items: Vec<Item>) -> Self {
        let mut found = Self { items, others: 0 };
        found.gather_own(folder);
        found
    }

    fn add(&mut self, path: PathBuf, key_files: &mut KeyFiles<'_>) {
        let bytes = match read_file(&path, MAIL_BYTES) {
            Ok(bytes) => bytes,
            Err(failure) => return self.items.push(Item::Refused(path, failure.message)),
        };
        let is_named_mail = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml"));
        if is_named_mail && mail::is_mail(&bytes) {
            return self.items.push(Item::Mail(path, bytes.to_vec()));
        }
        match key_files.open(&path, &bytes) {
            Ok(found) if !found.is_empty() => self.items.push(Item::Keys(path, found)),
            Ok(found) => match found.refused.iter().find(|one| one.why != ImportError::NotRecognised) {
                Some(refused) => self.items.push(Item::Refused(path, refused.why.to_string())),
                None => self.others += 1,
            },
            // One file with another passphrase keeps no other out.
            Err(failure) => self.items.push(Item::Refused(path, failure.message)),
        }
    }

    /// Moves every secret key, its certificates and all CAs into one item in front.
    fn gather_own(&mut self, folder: &Path) {
        let mut own = Import::default();
        for item in &mut self.items {
            if let Item::Keys(_, found) = item {
                own.keys.append(&mut found.keys);
            }
        }
        if own.keys.is_empty() {
            return;
        }
        for item in &mut self.items {
            let Item::Keys(_, found) = item else { continue };
            let (theirs, others) = std::mem::take(&mut found.certificates).into_iter().partition(|one| {
                one.is_certificate_authority()
                    || own.keys.iter().any(|key| key.fingerprint() == one.fingerprint())
            });
            let new: Vec<_> = Vec::into_iter(theirs).filter(|one| !own.certificates.contains(one)).collect();
            own.certificates.extend(new);
            found.certificates = others;
        }
        self.items.retain(|item| !matches!(item, Item::Keys(_, found) if found.is_empty()));
        self.items.insert(0, Item::Keys(folder.to_owned(), own));
    }
}

/// The regular files below a folder; links are not followed.
fn files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::io(folder.display().to_string(), error);
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        if kind.is_dir() && depth > 0 {
            files(&entry.path(), depth - 1, found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
        if found.len() > FILES {
            return Err(Failure::unknown("limit", format!("{}: more than {FILES} files", folder.display())));
        }
    }
    Ok(())
}
