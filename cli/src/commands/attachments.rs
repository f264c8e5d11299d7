//! `--extract`: the attachments of what was opened.

use std::io::{self, Read, Seek, Write};
use std::path::Path;

use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::mail::{Part, attachments};
use counterseal_core::ports::{Spool, Spools};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::{ExtractDirectory, Staged};
use crate::spool::EncryptedSpools;

/// Passes the opened mail on to its output, and keeps it at hand where attachments are wanted.
pub(super) struct Attachments<'s> {
    staged: &'s mut Staged,
    wanted: Option<Wanted>,
}

struct Wanted {
    directory: ExtractDirectory,
    spool: Box<dyn Spool>,
}

impl<'s> Attachments<'s> {
    /// Prepares the directory, where one is named.
    pub(super) fn wanted(directory: Option<&Path>, staged: &'s mut Staged) -> Result<Self, Failure> {
        let wanted = match directory {
            Some(path) => Some(Wanted {
                directory: ExtractDirectory::open(path)?,
                spool: EncryptedSpools.create().map_err(|error| failed(&error))?,
            }),
            None => None,
        };
        Ok(Self { staged, wanted })
    }

    /// Where the opened mail is to be written.
    pub(super) fn output(&mut self) -> &mut dyn Write {
        match &mut self.wanted {
            Some(wanted) => &mut wanted.spool,
            None => self.staged,
        }
    }

    /// Saves the attachments and passes the mail on. Answers with the paths that were written.
    pub(super) fn save(self) -> Result<Option<Vec<String>>, Failure> {
        let Some(wanted) = self.wanted else { return Ok(None) };
        let mut source = wanted.spool.into_source().map_err(|error| failed(&error))?;
        io::copy(&mut source, self.staged).map_err(|error| failed(&error))?;
        source.rewind().map_err(|error| failed(&error))?;
        let mut mail = Zeroizing::new(Vec::new());
        source.take(MAIL_IN_MEMORY + 1).read_to_end(&mut mail).map_err(|error| failed(&error))?;
        if mail.len() as u64 > MAIL_IN_MEMORY {
            return Err(Failure::unknown("limit", "the mail is too large to be split into its attachments"));
        }
        save_all(&mail, &wanted.directory).map(Some)
    }
}

fn save_all(mail: &[u8], directory: &ExtractDirectory) -> Result<Vec<String>, Failure> {
    let malformed = |error: &dyn std::fmt::Display| {
        Failure::unknown("malformed", "the attachments cannot be read").because(error)
    };
    let root = Part::read(mail).map_err(|error| malformed(&error))?;
    let mut saved = Vec::new();
    for attachment in attachments(&root) {
        let content = Zeroizing::new(attachment.content().map_err(|error| malformed(&error))?);
        let path = directory.save(Some(&attachment.file_name), &content)?;
        saved.push(path.display().to_string());
    }
    Ok(saved)
}

fn failed(error: &io::Error) -> Failure {
    Failure::io("the opened mail", error)
}
