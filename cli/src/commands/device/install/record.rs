//! What came of it the last time (`docs/formats/installed.md`), for `cseal device list`.

use std::path::PathBuf;

use counterseal_core::time::Time;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::failure::Failure;
use crate::files::{read_settings, write_file};
use crate::places;

const FILE: &str = "installed.json";
/// Bytes of the file.
const BYTES: usize = 64 << 10;

/// What is in one program.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) program: &'static str,
    pub(crate) place: PathBuf,
    /// Keys that are there.
    pub(crate) keys: usize,
    /// Keys that open mail, in the store.
    pub(crate) of: usize,
    /// Of these, those that came in now.
    pub(crate) added: usize,
    /// Of these, those of a kind that the program does not take.
    pub(crate) unsuitable: usize,
    pub(crate) at: Time,
    /// Why not all of them are there.
    pub(crate) problem: Option<Failure>,
}

impl Installed {
    pub(super) fn nothing(place: &Place, of: usize, at: Time) -> Self {
        let (program, place) = (place.word(), place.place.clone());
        Self { program, place, keys: 0, of, added: 0, unsuitable: 0, at, problem: None }
    }

    /// Whether everything is there that the program takes.
    pub(crate) const fn is_complete(&self) -> bool {
        self.problem.is_none() && self.keys + self.unsuitable == self.of
    }
}

/// The file.
#[derive(Default, Serialize, Deserialize)]
struct File {
    version: u32,
    programs: Vec<Recorded>,
}

/// A line of the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) program: String,
    pub(crate) place: PathBuf,
    pub(crate) keys: usize,
    pub(crate) of: usize,
    /// Seconds since 1970.
    pub(crate) at: i64,
    /// Of these, those of a kind that the program does not take.
    #[serde(default)]
    pub(crate) unsuitable: usize,
    /// The word of the refusal.
    pub(crate) problem: Option<String>,
}

impl Recorded {
    /// Whether everything was there that the program takes.
    pub(super) const fn is_complete(&self) -> bool {
        self.problem.is_none() && self.keys + self.unsuitable == self.of
    }
}

/// What is known of the programs, for a list. A record that cannot be read is none.
pub(crate) fn recorded() -> Vec<Recorded> {
    let path = places::data().ok().map(|data| data.join(FILE));
    let text = path.and_then(|path| read_settings(&path, BYTES, "io").ok().flatten());
    let file: Option<File> = text.and_then(|text| serde_json::from_str(&text).ok());
    file.map(|file| file.programs).unwrap_or_default()
}

/// Keeps what came of it; places that were not looked at stay as they were.
pub(super) fn keep(installed: &[Installed]) -> Result<(), Failure> {
    let mut programs = recorded();
    programs.retain(|old| !installed.iter().any(|new| new.program == old.program && new.place == old.place));
    programs.extend(installed.iter().map(|one| Recorded {
        program: one.program.to_owned(),
        place: one.place.clone(),
        keys: one.keys,
        of: one.of,
        at: one.at.unix_seconds(),
        unsuitable: one.unsuitable,
        problem: one.problem.as_ref().map(|failure| failure.word.to_owned()),
    }));
    let text = serde_json::to_vec(&File { version: 1, programs }).unwrap_or_default();
    write_file(&places::data()?.join(FILE), &text, true)
}
