//! The copies of an encrypted mail: one goes where a mail goes, several go to a directory.

use std::fs;
use std::path::Path;

use counterseal_core::message::{Outgoing, OutgoingCopy};

use crate::args;
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output, write_file};
use crate::randomness::SystemRandom;
use crate::render::written::{self, WrittenCopy};

/// Name of the list beside the copies.
const LIST: &str = "copies.json";

/// Writes all copies.
pub(super) fn write(
    arguments: &args::Encrypt,
    outgoing: &Outgoing<'_>,
    verbose: bool,
) -> Result<(), Failure> {
    let mut list: Vec<WrittenCopy> = outgoing.copies().iter().map(WrittenCopy::of).collect();
    match (&arguments.output_directory, outgoing.copies()) {
        (Some(directory), copies) => {
            for (number, (copy, entry)) in copies.iter().zip(&mut list).enumerate() {
                let name = file_name(number, "eml");
                let output = within(directory, &name, arguments.output.overwrite)?;
                seal(outgoing, copy, output)?;
                entry.file = Some(name);
            }
            finish(directory, &list, arguments.output.overwrite)?;
        }
        (None, [only]) => {
            seal(outgoing, only, Output::open(&arguments.output, Content::Text)?)?;
        }
        (None, several) => return Err(no_directory(several.len(), several.iter().all(|copy| !copy.blind))),
    }
    let elsewhere = arguments.output.output.is_some() || arguments.output_directory.is_some();
    written::copies(&list, &arguments.report, elsewhere, verbose)
}

/// `copy-1.eml`
pub(super) fn file_name(number: usize, extension: &str) -> String {
    format!("copy-{}.{extension}", number + 1)
}

fn seal(outgoing: &Outgoing<'_>, copy: &OutgoingCopy, mut output: Output) -> Result<(), Failure> {
    outgoing.write(copy, &mut SystemRandom, &mut output)?;
    output.commit()
}

/// A file in the directory, which is made where it is missing.
fn within(directory: &Path, name: &str, overwrite: bool) -> Result<Output, Failure> {
    fs::create_dir_all(directory).map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    Output::at(Some(&directory.join(name)), overwrite, Content::Text)
}

/// Writes the list, last: where it stands, all copies do.
pub(super) fn finish(directory: &Path, list: &[WrittenCopy], overwrite: bool) -> Result<(), Failure> {
    let json = written::copies_json(list);
    write_file(&directory.join(LIST), format!("{json}\n").as_bytes(), overwrite)
}

/// The refusal to choose one of several copies.
pub(super) fn no_directory(copies: usize, could_share: bool) -> Failure {
    let directory = "name a directory for them with --output-directory DIR".to_owned();
    let hint = if could_share { directory + ", or make one copy with --single-copy" } else { directory };
    Failure::new(
        Exit::Usage,
        "several-copies",
        format!(
            "the readers need {copies} copies: Bcc readers and programs of different kinds have their own"
        ),
    )
    .hint(hint)
}
