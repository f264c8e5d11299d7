//! One `[[install]]` of `config.toml`.

use std::path::PathBuf;

use clap::ValueEnum;
use toml_edit::{Item, TableLike};

use crate::args::InstallProgram;

/// What to write for a first one: lines of `config.toml`.
pub(super) fn example(program: InstallProgram) -> Vec<String> {
    let (name, place) = match program {
        InstallProgram::Gpgsm => ("gpgsm", "/home/alice/.gnupg"),
        InstallProgram::Thunderbird => ("thunderbird", "/home/alice/.thunderbird/abcd1234.default"),
        InstallProgram::Mutt => ("mutt", "/home/alice/.smime"),
    };
    vec!["[[install]]".to_owned(), format!("program = \"{name}\""), format!("place = \"{place}\"")]
}

/// A program, and where it keeps its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) program: InstallProgram,
    /// A home of GnuPG, a profile, or a folder of mutt's.
    pub(crate) place: PathBuf,
    /// Holds what the keys are sealed under there; a profile may have nothing.
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl Place {
    /// Reads a table; `at` adds the line to what is wrong.
    pub(crate) fn read(table: &dyn TableLike, at: impl Fn(&Item, &str) -> String) -> Result<Self, String> {
        let (mut program, mut place, mut passphrase_file) = (None, None, None);
        for (key, item) in table.iter() {
            let value = item.as_str().ok_or_else(|| at(item, &format!("{key:?} must be a text")))?;
            let path = || match value.starts_with('/') {
                true => Ok(Some(PathBuf::from(value))),
                false => Err(at(item, &format!("{key:?} must be an absolute path"))),
            };
            match key {
                "program" => {
                    let known = InstallProgram::from_str(value, false);
                    program = Some(known.map_err(|_| at(item, "\"program\" is gpgsm, thunderbird or mutt"))?);
                }
                "place" => place = path()?,
                "passphrase_file" => passphrase_file = path()?,
                _ => return Err(at(item, &format!("unknown key {key:?}"))),
            }
        }
        match (program, place) {
            (Some(program), Some(place)) => Ok(Self { program, place, passphrase_file }),
            _ => Err("[[install]] needs a \"program\" and a \"place\"".to_owned()),
        }
    }

    /// Whether keys can be put in without a person: a profile may have no password, the others need one.
    pub(super) fn opens_without_asking(&self) -> bool {
        self.passphrase_file.is_some() || self.program == InstallProgram::Thunderbird
    }

    /// The word for its program.
    pub(crate) const fn word(&self) -> &'static str {
        match self.program {
            InstallProgram::Gpgsm => "gpgsm",
            InstallProgram::Thunderbird => "thunderbird",
            InstallProgram::Mutt => "mutt",
        }
    }
}
