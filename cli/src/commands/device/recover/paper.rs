//! Where a sheet goes: a file for the printer, or the terminal.

use std::io::Write;
use std::path::Path;

use counterseal_core::x509::issue::IssueError;
use counterseal_keysync::recovery::{Seed, Sheet, SheetError};
use counterseal_keysync::root::RootKeys;

use crate::clock;
use crate::failure::Failure;
use crate::files::{Content, Output};
use crate::randomness::SystemRandom;
use crate::render::recover as render;
use crate::terminal;

/// Opened before anything is asked or made.
pub(super) enum Paper {
    File(Output, Form),
    Terminal,
}

/// Forms of the file.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Pdf,
    Svg,
    Text,
}

impl Form {
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("pdf") => Ok(Self::Pdf),
            Some("svg") => Ok(Self::Svg),
            Some("txt") => Ok(Self::Text),
            _ => Err(Failure::usage(format!("{}: a sheet is a .pdf, .svg or .txt", path.display()))),
        }
    }
}

impl Paper {
    pub(super) fn prepare(file: Option<&Path>, overwrite: bool) -> Result<Self, Failure> {
        match file {
            Some(path) => {
                let form = Form::of(path)?;
                Ok(Self::File(Output::at(Some(path), overwrite, Content::Binary)?, form))
            }
            None if terminal::can_ask() => Ok(Self::Terminal),
            None => Err(Failure::unknown("no-terminal", "there is no terminal to show the sheet on")
                .hint("name a file with --output FILE.pdf; print it, then delete it")),
        }
    }

    pub(super) fn write(self, sheet: &Sheet, code: &str) -> Result<(), Failure> {
        match self {
            Self::Terminal => render::on_terminal(&sheet.to_text(), code),
            Self::File(mut output, form) => {
                let failed = |error: std::io::Error| Failure::io("the sheet", &error);
                match form {
                    Form::Pdf => output.write_all(sheet.to_pdf().expose()).map_err(failed)?,
                    Form::Svg => output.write_all(sheet.to_svg().expose()).map_err(failed)?,
                    Form::Text => output.write_all(sheet.to_text().as_bytes()).map_err(failed)?,
                }
                output.commit()
            }
        }
    }
}

/// The account of a seed, by the fingerprint of its root's signing key.
pub(crate) fn account(seed: &Seed) -> Result<String, Failure> {
    let failed = |error: IssueError| Failure::unknown("cannot-generate", "the root's keys").because(error);
    let root = RootKeys::from_seed(seed.secret())
        .map_err(|error| Failure::unknown("cannot-generate", "the root's keys").because(error))?;
    let root = root.certify(clock::now(), &mut SystemRandom).map_err(failed)?;
    Ok(root.certificates().signing().fingerprint().to_string())
}

pub(super) fn not_made(error: SheetError) -> Failure {
    Failure::unknown("cannot-export", "the sheet could not be made").because(format!("{error:?}"))
}
