//! An mbox: read in order, written in order.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use counterseal_core::mail::Section;
use counterseal_core::mail::mbox::{Dialect, MboxEntry, MboxError, MboxReader, write_mail};

use super::lock;
use super::partial::{Partial, Point};
use super::pool;
use super::progress::Progress;
use super::report::{Item, Reporter};
use super::task::Task;
use super::view::View;
use crate::failure::Failure;
use crate::spool::{IN_MEMORY, SpoolReader};

/// Does the task with every mail, and writes a new mbox where one is named.
pub(super) fn run(
    task: &Task,
    input: &Path,
    dialect: Dialect,
    output: Option<(&Path, &str)>,
    reporter: &mut Reporter<'_>,
    progress: impl Fn(u64) -> Progress,
) -> Result<(), Failure> {
    let failed = |error: &io::Error| Failure::io(input.display().to_string(), error);
    let file = File::open(input).map_err(|error| failed(&error))?;
    lock::shared(&file, input)?;
    let stamp = Stamp::of(&file).map_err(|error| failed(&error))?;
    let view = View::new(file).map_err(|error| failed(&error))?;
    let (mut partial, point) = match output {
        Some((target, identity)) => {
            let (partial, point) = Partial::open(target, &format!("{identity} {stamp:?}"))?;
            (Some(partial), point)
        }
        None => (None, Point::default()),
    };
    let mut progress = progress(view.length());
    progress.skip(point.position);
    reporter.go_on(point.summary);
    let reader = MboxReader::at(view.clone(), dialect, point.position).map_err(|error| failed(&error))?;
    let entries = Entries { reader, number: point.number, input };
    let work = |(number, entry): (u64, MboxEntry)| {
        let worked = one(task, &entry, &mut view.clone(), dialect);
        (number, entry, worked)
    };
    let mut source = view.clone();
    pool::in_order(entries, work, |(number, entry, worked)| {
        let (item, mail) = worked.map_err(|error| failed(&error))??;
        if let Some(partial) = &mut partial {
            write(&entry, mail, &mut source, dialect, partial).map_err(|error| partial.failed(&error))?;
        }
        reporter.add(&Item { place: number.to_string(), offset: Some(entry.separator.start), ..item })?;
        progress.add(entry.end - entry.separator.start);
        if let Some(partial) = &mut partial {
            partial.note(entry.end, number, &mut reporter.summary)?;
        }
        Ok(())
    })?;
    drop(progress);
    if Stamp::of(view.file()).map_err(|error| failed(&error))? != stamp {
        return Err(Failure::unknown(
            "input-changed",
            format!("{}: it was changed meanwhile", input.display()),
        )
        .hint("run the command again while nothing is delivered; what was written is not used"));
    }
    partial.map_or(Ok(()), Partial::finish)
}

/// What tells whether a file is the one that an earlier run read.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// The mails of the input, with their numbers from 1.
struct Entries<'e> {
    reader: MboxReader<View>,
    number: u64,
    input: &'e Path,
}

impl Iterator for Entries<'_> {
    type Item = Result<(u64, MboxEntry), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.number += 1;
        match self.reader.next_entry() {
            Ok(entry) => entry.map(|entry| Ok((self.number, entry))),
            Err(error @ MboxError::NotAnMbox) => {
                let failure = Failure::unknown("not-an-mbox", format!("{}: {error}", self.input.display()));
                Some(Err(
                    failure.hint("a single mail is for `cseal decrypt`, `cseal verify` or `cseal encrypt`")
                ))
            }
            Err(MboxError::Io(error)) => Some(Err(Failure::io(self.input.display().to_string(), &error))),
        }
    }
}

fn one(
    task: &Task,
    entry: &MboxEntry,
    view: &mut View,
    dialect: Dialect,
) -> io::Result<Result<(Item, Option<SpoolReader>), Failure>> {
    let mut mail = entry.open(view, dialect)?;
    if entry.mail.end - entry.mail.start > IN_MEMORY as u64 {
        return Ok(Item::of(task, &mut mail));
    }
    let mut bytes = Vec::new();
    mail.read_to_end(&mut bytes)?;
    Ok(Item::of(task, &mut Cursor::new(bytes)))
}

/// The entry as it was, or with the mail that takes its place.
fn write(
    entry: &MboxEntry,
    mail: Option<SpoolReader>,
    source: &mut View,
    dialect: Dialect,
    output: &mut Partial,
) -> io::Result<()> {
    let Some(mut mail) = mail else {
        return copy(source, entry.separator.start..entry.end, output);
    };
    copy(source, entry.separator.clone(), output)?;
    let mut end = Vec::new();
    Section::new(source, entry.separator.end.saturating_sub(2)..entry.separator.end)?
        .read_to_end(&mut end)?;
    let line_end: &[u8] = if end == b"\r\n" { b"\r\n" } else { b"\n" };
    write_mail(&mut mail, dialect, line_end, output)
}

fn copy(source: &mut View, range: Range<u64>, output: &mut dyn Write) -> io::Result<()> {
    io::copy(&mut Section::new(source, range)?, output).map(drop)
}
