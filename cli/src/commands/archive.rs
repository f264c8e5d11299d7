//! `cseal archive`: the same for every mail of an mbox, a Maildir or a folder.

mod files;
mod lock;
mod mbox;
mod our_keys;
mod outcome;
mod partial;
mod pool;
mod progress;
mod report;
mod setup;
mod task;
mod tree;
mod view;

use std::fs;
use std::path::{Path, PathBuf};

use counterseal_core::mail::mbox::Dialect;
use serde::Serialize;

use self::files::Target;
use self::progress::Progress;
use self::report::Reporter;
use self::task::{Task, Verb};
use self::tree::Kind;
use crate::args::{
    ArchiveCommand, ArchiveDecrypt, ArchivePlace, ArchiveRewrap, ArchiveVerify, MboxDialect, Report,
};
use crate::clock;
use crate::failure::{Exit, Failure};

pub(crate) use self::outcome::{Named, Outcome, Summary};
pub(crate) use self::report::Item;

/// Runs the command that was typed.
pub(super) fn run(arguments: &crate::args::Archive, verbose: bool) -> Result<Exit, Failure> {
    match &arguments.command {
        ArchiveCommand::Decrypt(arguments) => decrypt(arguments, verbose),
        ArchiveCommand::Verify(arguments) => verify(arguments, verbose),
        ArchiveCommand::Rewrap(arguments) => rewrap(arguments, verbose),
    }
}

fn decrypt(arguments: &ArchiveDecrypt, verbose: bool) -> Result<Exit, Failure> {
    let run = Run::of(&arguments.place, &arguments.report, verbose)?;
    let output = run.output(&arguments.output)?;
    let keys = setup::keys(&arguments.keys, &arguments.passphrase, &arguments.pin)?;
    let task = Task { verb: Verb::Decrypt, keys };
    let summary = run.all(&task, &Target::New(output))?;
    Ok(exit(&summary))
}

fn rewrap(arguments: &ArchiveRewrap, verbose: bool) -> Result<Exit, Failure> {
    let run = Run::of(&arguments.place, &arguments.report, verbose)?;
    let target = match &arguments.output {
        Some(output) => Target::New(run.output(output)?),
        None if run.kind == Kind::Mbox => {
            return Err(Failure::usage("an mbox is not rewritten in place")
                .hint("write a new one with -o OUT, and put it in the place of the old one while nothing is delivered"));
        }
        None => Target::InPlace { backup: arguments.backup.clone() },
    };
    let (keys, recipients) = setup::for_rewrap(arguments, clock::now())?;
    let check = matches!(target, Target::InPlace { .. });
    let task = Task { verb: Verb::Rewrap { recipients, reseal: arguments.reseal, check }, keys };
    let summary = run.all(&task, &target)?;
    Ok(exit(&summary))
}

fn verify(arguments: &ArchiveVerify, verbose: bool) -> Result<Exit, Failure> {
    let run = Run::of(&arguments.place, &arguments.report, verbose)?;
    let task = setup::for_verify(arguments)?;
    let summary = run.all(&task, &Target::None)?;
    let not_enough = summary.named.len() as u64 + summary.unnamed;
    Ok(match exit(&summary) {
        _ if summary.conflict => Exit::Contradiction,
        Exit::Done if not_enough > 0 => Exit::No,
        exit => exit,
    })
}

fn exit(summary: &Summary) -> Exit {
    match summary.troubles() {
        _ if summary.unreadable > 0 => Exit::Unknown,
        0 => Exit::Done,
        _ => Exit::No,
    }
}

/// What the commands have in common.
struct Run<'a> {
    place: &'a ArchivePlace,
    /// The archive, without links on the way to it.
    input: PathBuf,
    kind: Kind,
    dialect: Dialect,
    report: &'a Report,
    verbose: bool,
}

/// What an unfinished run is recognised by: where it differs, nothing of it is used.
#[derive(Serialize)]
struct Identity<'a> {
    verb: &'static str,
    input: &'a Path,
    dialect: &'static str,
    recipients: Vec<String>,
    reseal: bool,
}

impl<'a> Run<'a> {
    fn of(place: &'a ArchivePlace, report: &'a Report, verbose: bool) -> Result<Self, Failure> {
        let input = fs::canonicalize(&place.input)
            .map_err(|error| Failure::io(place.input.display().to_string(), &error))?;
        let kind = Kind::of(&input)?;
        let dialect = match place.mbox {
            MboxDialect::Mboxrd => Dialect::Mboxrd,
            MboxDialect::Mboxo => Dialect::Mboxo,
            MboxDialect::Mboxcl2 => Dialect::Mboxcl2,
        };
        Ok(Self { place, input, kind, dialect, report, verbose })
    }

    /// Where the new archive goes: not into the old one, and not around it.
    fn output(&self, typed: &Path) -> Result<PathBuf, Failure> {
        let failed = |error: &std::io::Error| Failure::io(typed.display().to_string(), error);
        let output = match fs::canonicalize(typed) {
            Ok(output) => output,
            Err(_) => {
                let parent = typed.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent =
                    fs::canonicalize(parent.unwrap_or(Path::new("."))).map_err(|error| failed(&error))?;
                let name =
                    typed.file_name().ok_or_else(|| failed(&std::io::ErrorKind::InvalidInput.into()))?;
                parent.join(name)
            }
        };
        if output.starts_with(&self.input) || self.input.starts_with(&output) {
            return Err(Failure::usage(format!(
                "{}: the new archive must not be in the old one",
                typed.display()
            ))
            .hint("name another place with -o OUT"));
        }
        Ok(output)
    }

    fn identity(&self, task: &Task) -> String {
        let (recipients, reseal) = match &task.verb {
            Verb::Rewrap { recipients, reseal, .. } => {
                let keys = recipients.iter().map(|reader| reader.public_key().fingerprint().to_hex());
                (keys.collect(), *reseal)
            }
            Verb::Decrypt | Verb::Verify { .. } => (Vec::new(), false),
        };
        let dialect = if self.kind == Kind::Mbox { self.dialect.name() } else { "" };
        let identity = Identity { verb: task.word(), input: &self.input, dialect, recipients, reseal };
        crate::render::json::line(&identity)
    }

    fn all(&self, task: &Task, target: &Target) -> Result<Summary, Failure> {
        let mut reporter = Reporter::new(self.report, self.verbose);
        let identity = self.identity(task);
        let progress = |total| Progress::new(self.place.progress, total);
        match (self.kind, target) {
            (Kind::Mbox, Target::New(output)) => {
                mbox::run(
                    task,
                    &self.input,
                    self.dialect,
                    Some((output, &identity)),
                    &mut reporter,
                    progress,
                )?;
            }
            (Kind::Mbox, _) => mbox::run(task, &self.input, self.dialect, None, &mut reporter, progress)?,
            (kind, target) => {
                files::run(task, (&self.input, kind), target, &identity, &mut reporter, progress)?;
            }
        }
        reporter.finish(task.word(), target)
    }
}
