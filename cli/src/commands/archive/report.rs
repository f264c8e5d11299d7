//! What is told of each mail and of all.

use std::io;

use counterseal_core::mail::cms_part;
use counterseal_core::ports::Source;

use super::files::Target;
use super::outcome::{Outcome, Summary};
use super::task::{Done, Task};
use crate::args::Report;
use crate::failure::Failure;
use crate::files::write_file;
use crate::render::archive;
use crate::spool::SpoolReader;
use crate::terminal;

/// One mail, and what became of it.
pub(crate) struct Item {
    /// The number in an mbox, the name of a file.
    pub(crate) place: String,
    /// Where it stands in an mbox.
    pub(crate) offset: Option<u64>,
    /// The field of that name, for mails that are named.
    pub(crate) message_id: Option<String>,
    pub(crate) outcome: Outcome,
}

impl From<Outcome> for Item {
    fn from(outcome: Outcome) -> Self {
        Self { place: String::new(), offset: None, message_id: None, outcome }
    }
}

impl Item {
    /// Does the task with a mail; with the mail that takes its place, where there is one.
    pub(super) fn of(task: &Task, mail: &mut dyn Source) -> Result<(Self, Option<SpoolReader>), Failure> {
        let Done { outcome, mail: written } = task.run(mail)?;
        let is_named = match &outcome {
            Outcome::Trouble(_) => true,
            Outcome::Judged(status, least) => !status.satisfies(*least),
            _ => false,
        };
        let message_id = if is_named { message_id(mail) } else { None };
        Ok((Self { message_id, ..Self::from(outcome) }, written))
    }
}

fn message_id(mail: &mut dyn Source) -> Option<String> {
    let part = cms_part(mail).ok()?;
    let field = part.headers.first("Message-ID")?;
    Some(field.text().trim().to_owned())
}

/// Tells of mails as they are done, and of all at the end.
pub(super) struct Reporter<'r> {
    report: &'r Report,
    verbose: bool,
    pub(super) summary: Summary,
}

impl<'r> Reporter<'r> {
    pub(super) fn new(report: &'r Report, verbose: bool) -> Self {
        Self { report, verbose, summary: Summary::default() }
    }

    /// Adds to what an earlier run counted.
    pub(super) fn go_on(&mut self, summary: Summary) {
        self.summary = summary;
    }

    pub(super) fn add(&mut self, item: &Item) -> Result<(), Failure> {
        self.summary.add(&item.place, item.message_id.as_deref(), &item.outcome);
        if self.report.json {
            return print(&format!("{}\n", archive::item_json(item)));
        }
        if self.verbose { print(&format!("{}\n", archive::item(item))) } else { Ok(()) }
    }

    /// Tells of all.
    pub(super) fn finish(self, verb: &'static str, target: &Target) -> Result<Summary, Failure> {
        let json = archive::summary_json(verb, &self.summary);
        if let Some(path) = &self.report.status {
            write_file(path, format!("{json}\n").as_bytes(), true)?;
        }
        if self.report.json {
            print(&format!("{json}\n"))?;
        } else {
            let is_new = matches!(target, Target::New(_));
            let lines = archive::summary(verb, &self.summary, is_new);
            print(&format!("{}\n", lines.join("\n")))?;
        }
        Ok(self.summary)
    }
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error: io::Error| Failure::io("standard output", &error))
}
