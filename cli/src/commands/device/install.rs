//! `cseal device install`: the keys that open mail, in the other programs of this machine.
//!
//! Only places that an `[[install]]` of `config.toml` names are written to, and only what is not there yet is put in.

mod gpgsm;
mod mutt;
mod place;
mod record;
mod thunderbird;

use counterseal_core::secret::SecretBytes;

pub(crate) use self::place::Place;
pub(crate) use self::record::{Installed, Recorded, recorded};
use super::wanted::{Generation, Present, Wanted};
use crate::args::{self, InstallProgram};
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::passphrase;
use crate::render::install as render;
use crate::store::{Store, StoreKeys};

/// Fills the programs that were named, or all.
pub(super) fn run(arguments: &args::DeviceInstall) -> Result<Exit, Failure> {
    let mut places = Config::read()?.install;
    if !arguments.programs.is_empty() {
        places.retain(|place| arguments.programs.contains(&place.program));
    }
    if places.is_empty() {
        let asked = arguments.programs.first().copied().unwrap_or(InstallProgram::Gpgsm);
        return Err(Failure::unknown("no-install", "config.toml names no such program to put keys into")
            .details(place::example(asked))
            .hint("add lines like these, with the folder that the program uses"));
    }
    let store = store::open()?;
    let held = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
    let installed = into(&places, &store, &held)?;
    render::installed(&installed, &arguments.report)?;
    Ok(if installed.iter().all(Installed::is_complete) { Exit::Done } else { Exit::No })
}

/// Fills the programs that `config.toml` names, after a round of the devices: where keys came in, and where something is
/// missing from an earlier time. Nobody is asked for anything; what a program says is for the record, and ends no round.
///
/// # Errors
/// Where the settings, the store or the record cannot be used.
pub(crate) fn after_sync(store: &Store, keys_came: bool) -> Result<Vec<Installed>, Failure> {
    let recorded = recorded();
    let is_complete = |place: &Place| {
        let mut of_place =
            recorded.iter().filter(|one| one.program == place.word() && one.place == place.place);
        of_place.any(Recorded::is_complete)
    };
    let mut places = Config::read()?.install;
    places.retain(|place| place.opens_without_asking() && (keys_came || !is_complete(place)));
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let held = StoreKeys::new(store, None, None)?;
    into(&places, store, &held)
}

fn into(places: &[Place], store: &Store, held: &StoreKeys<'_>) -> Result<Vec<Installed>, Failure> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Wanted::of(store, held)?;
    let installed: Vec<Installed> = places.iter().map(|place| one(place, &wanted, held)).collect();
    record::keep(&installed)?;
    Ok(installed)
}

/// One program, and what is in it now.
fn one(place: &Place, wanted: &Wanted, held: &StoreKeys<'_>) -> Installed {
    let opened: Result<Box<dyn Program + '_>, Failure> = match place.program {
        InstallProgram::Gpgsm => gpgsm::Home::open(place).map(|home| Box::new(home) as _),
        InstallProgram::Thunderbird => {
            thunderbird::Profile::open(place).map(|profile| Box::new(profile) as _)
        }
        InstallProgram::Mutt => mutt::Folder::open(place).map(|folder| Box::new(folder) as _),
    };
    let mut installed = Installed::nothing(place, wanted.generations.len(), clock::now());
    match opened.and_then(|mut program| fill(program.as_mut(), wanted, held, &mut installed)) {
        Ok(()) => {}
        Err(failure) => installed.problem = Some(failure),
    }
    installed
}

/// A program that keeps keys.
trait Program {
    /// Whether it can use a key of this kind.
    fn takes(&self, generation: &Generation) -> bool;

    /// What it has.
    fn present(&mut self) -> Result<Present, Failure>;

    /// Puts a key in, with its certificates and those above.
    fn put(&mut self, generation: &Generation, wanted: &Wanted, held: &StoreKeys<'_>) -> Result<(), Failure>;
}

fn fill(
    program: &mut dyn Program,
    wanted: &Wanted,
    held: &StoreKeys<'_>,
    installed: &mut Installed,
) -> Result<(), Failure> {
    let before = program.present()?;
    let suitable: Vec<&Generation> =
        wanted.generations.iter().filter(|generation| program.takes(generation)).collect();
    installed.unsuitable = wanted.generations.len() - suitable.len();
    let there = |present: &Present| suitable.iter().filter(|one| present.has(one)).count();
    installed.keys = there(&before);
    let missing: Vec<&&Generation> = suitable.iter().filter(|one| !before.has(one)).collect();
    let done = missing.iter().try_for_each(|generation| program.put(generation, wanted, held));
    if !missing.is_empty() {
        // What a program says that it did is not what counts.
        installed.keys = there(&program.present()?);
        installed.added = installed.keys.saturating_sub(there(&before));
    }
    done
}

/// What opens the keys in the other program, by its file or typed now.
fn passphrase_of(place: &Place, question: &str) -> Result<SecretBytes, Failure> {
    const INSTEAD: &str = "passphrase_file = \"FILE\" in its [[install]] of config.toml";
    let passphrase = match &place.passphrase_file {
        Some(file) => passphrase::from_file(file)?,
        None => passphrase::ask_new(question, INSTEAD)?,
    };
    if passphrase.is_empty() { Err(passphrase::empty(INSTEAD)) } else { Ok(passphrase) }
}
