//! Which files of a folder are mails.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, ReadDir};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One file.
    Mbox,
    /// A folder with `cur`, `new` and `tmp`, and folders below it that are the same and begin with a dot.
    Maildir,
    /// A folder with `.eml` files, in further folders too.
    Folder,
}

impl Kind {
    /// By what is there.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let metadata = fs::metadata(path).map_err(|error| Failure::io(path.display().to_string(), &error))?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(Failure::unknown(
                "not-an-mbox",
                format!("{}: neither a file nor a folder", path.display()),
            )
            .hint("an archive is read more than once: name the file itself, not a pipe"));
        }
        let is_within = |parent: &Path| path.is_dir() && is_maildir(parent);
        if matches!(path.file_name().map(OsStrExt::as_bytes), Some(b"cur" | b"new"))
            && let Some(parent) = path.parent().filter(|parent| is_within(parent))
        {
            return Err(Failure::usage(format!("{}: a part of a Maildir", path.display()))
                .hint(format!("name the Maildir itself: {}", parent.display())));
        }
        Ok(match metadata.is_dir() {
            false => Self::Mbox,
            true if is_maildir(path) => Self::Maildir,
            true => Self::Folder,
        })
    }
}

fn is_maildir(path: &Path) -> bool {
    path.join("cur").is_dir() && path.join("new").is_dir()
}

/// The mails of a Maildir or of a folder, by their names within it, in the order of the file system.
pub(super) struct Mails {
    root: PathBuf,
    kind: Kind,
    folders: VecDeque<PathBuf>,
    open: Option<(PathBuf, ReadDir)>,
}

impl Mails {
    pub(super) fn of(root: &Path, kind: Kind) -> Result<Self, Failure> {
        let folders = match kind {
            Kind::Maildir => {
                maildir_folders(root).map_err(|error| Failure::io(root.display().to_string(), &error))?
            }
            Kind::Mbox | Kind::Folder => VecDeque::from([PathBuf::new()]),
        };
        Ok(Self { root: root.to_owned(), kind, folders, open: None })
    }

    fn next_mail(&mut self) -> Result<Option<PathBuf>, Failure> {
        loop {
            let Some((folder, entries)) = &mut self.open else {
                let Some(folder) = self.folders.pop_front() else { return Ok(None) };
                let path = self.root.join(&folder);
                let entries =
                    fs::read_dir(&path).map_err(|error| Failure::io(path.display().to_string(), &error))?;
                self.open = Some((folder, entries));
                continue;
            };
            let failed =
                |error: io::Error| Failure::io(self.root.join(&*folder).display().to_string(), &error);
            let Some(entry) = entries.next().transpose().map_err(failed)? else {
                self.open = None;
                continue;
            };
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
            let path = folder.join(&name);
            if name.as_bytes().starts_with(b".") {
                continue;
            }
            // A link could lead anywhere, and in circles.
            if kind.is_dir() && self.kind == Kind::Folder {
                self.folders.push_back(path);
            } else if kind.is_file() && (self.kind == Kind::Maildir || is_eml(&name)) {
                return Ok(Some(path));
            }
        }
    }
}

impl Iterator for Mails {
    type Item = Result<PathBuf, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_mail().transpose()
    }
}

fn is_eml(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.len()
        .checked_sub(4)
        .and_then(|start| name.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(b".eml"))
}

/// `cur` and `new` of a Maildir and of its folders.
fn maildir_folders(root: &Path) -> io::Result<VecDeque<PathBuf>> {
    let mut folders = vec![PathBuf::new()];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir() && entry.file_name().as_bytes().starts_with(b".");
        if is_folder && is_maildir(&entry.path()) {
            folders.push(PathBuf::from(entry.file_name()));
        }
    }
    Ok(folders.iter().flat_map(|folder| [folder.join("cur"), folder.join("new")]).collect())
}

/// The name of a mail with another size: Dovecot keeps the size in the name, and believes it.
pub(super) fn without_size(mail: &Path) -> PathBuf {
    let name = mail.file_name().unwrap_or_default().as_bytes();
    let flags = name.iter().position(|byte| *byte == b':').unwrap_or(name.len());
    let (unique, flags) = name.split_at_checked(flags).unwrap_or_default();
    let mut kept: Vec<u8> = Vec::with_capacity(name.len());
    for (index, field) in unique.split(|byte| *byte == b',').enumerate() {
        let is_size = match field {
            [b'S' | b'W', b'=', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if index == 0 || !is_size {
            kept.extend_from_slice(if index == 0 { b"" } else { b"," });
            kept.extend_from_slice(field);
        }
    }
    kept.extend_from_slice(flags);
    mail.with_file_name(OsString::from_vec(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_names_go_and_everything_else_stays() {
        for (name, expected) in [
            ("cur/17.M1P2.host,S=123,W=130:2,FS", "cur/17.M1P2.host:2,FS"),
            ("new/17.M1P2.host,S=123", "new/17.M1P2.host"),
            ("cur/17.host,U=9,S=1,X=S=:2,S=1", "cur/17.host,U=9,X=S=:2,S=1"),
            ("cur/S=12:2,", "cur/S=12:2,"),
        ] {
            assert_eq!(without_size(Path::new(name)), Path::new(expected));
        }
    }
}
