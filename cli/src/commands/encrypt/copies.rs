//! The copies of an encrypted mail: one goes where a mail goes, several go to a directory.

use std::fs;
use std::io::Write;
use std::path::Path;

use counterseal_core::message::SealedCopy;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output, write_file};
use crate::render::written::{self, WrittenCopy};

/// Name of the list beside the copies.
const LIST: &str = "copies.json";

/// Writes all copies.
pub(super) fn write(arguments: &args::Encrypt, sealed: &[SealedCopy]) -> Result<(), Failure> {
    let mut list: Vec<WrittenCopy> = sealed.iter().map(WrittenCopy::of).collect();
    match (&arguments.output_directory, sealed) {
        (Some(directory), _) => {
            for (number, (copy, entry)) in sealed.iter().zip(&mut list).enumerate() {
                entry.file = Some(file_name(number, "eml"));
                into(directory, &file_name(number, "eml"), &copy.mail, arguments.output.overwrite)?;
            }
            finish(directory, &list, arguments.output.overwrite)?;
        }
        (None, [only]) => {
            let mut output = Output::open(&arguments.output, Content::Text)?;
            output.write_all(&only.mail).map_err(|error| Failure::io("the encrypted mail", &error))?;
            output.commit()?;
        }
        (None, several) => return Err(no_directory(several.len(), several.iter().all(|copy| !copy.blind))),
    }
    let elsewhere = arguments.output.output.is_some() || arguments.output_directory.is_some();
    written::copies(&list, &arguments.report, elsewhere)
}

/// `copy-1.eml`
pub(super) fn file_name(number: usize, extension: &str) -> String {
    format!("copy-{}.{extension}", number + 1)
}

/// Writes one copy into the directory, which is made where it is missing.
pub(super) fn into(directory: &Path, name: &str, content: &[u8], overwrite: bool) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    write_file(&directory.join(name), content, overwrite)
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
