//! `cseal device add --foreign`: all keys that open mail, for a device that cannot run cseal.
//!
//! The file is sealed under a password that is shown on this screen and kept nowhere, so whatever carries it there
//! carries nothing that it could open (`docs/decisions/foreign-files-over-http.md`).

mod files;
mod offer;
mod record;

use std::path::{Path, PathBuf};
use std::time::Duration;

use counterseal_core::secret::SecretBytes;

use self::files::File;
pub(crate) use self::record::{ForeignReader, Listed, readers};
use super::wanted::Wanted;
use crate::args::{self, ForeignKind};
use crate::clock;
use crate::commands::history;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output, numbered};
use crate::lookup;
use crate::passphrase;
use crate::randomness::random;
use crate::render::foreign as render;
use crate::terminal;

/// Letters and digits that look like no other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of four: 100 bits, which nobody tries through, however little a file makes each try cost.
const GROUPS: usize = 5;
/// Letters of a name.
const NAME: usize = 64;

/// Makes the file, gets it there, and lists the device.
pub(super) fn add(arguments: &args::DeviceAdd) -> Result<Exit, Failure> {
    let foreign = &arguments.foreign;
    let name = foreign.foreign.as_deref().ok_or_else(|| Failure::usage("--foreign names the device"))?;
    let name = checked_name(name)?;
    check_password_of_ones_own(foreign)?;
    if lookup::is_forbidden() && foreign.output.is_none() {
        return Err(Failure::unknown("offline", "nothing is offered over the network: --offline")
            .hint("write the file, and carry it: --output FILE"));
    }
    let mut store = store::open()?;
    let password = Password::prepare(foreign.new_passphrase_file.as_deref())?;
    let (files, keys) = {
        let held = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        let wanted = Wanted::of(&store, &held)?;
        if wanted.generations.is_empty() {
            return Err(Failure::unknown(
                "no-key",
                "there is no key that opens mail and may leave this store",
            ));
        }
        let keys: Vec<_> = wanted.generations.iter().map(|one| one.key.fingerprint).collect();
        (files::make(foreign.kind, &wanted, &held, &password.secret)?, keys)
    };
    let written = match &foreign.output {
        Some(path) => write(&files, path, foreign.overwrite)?,
        None => Vec::new(),
    };
    if foreign.output.is_some() {
        password.show()?;
    } else {
        offer(&files, foreign, &password)?;
    }
    let reader = ForeignReader { name, kind: foreign.kind.word().to_owned(), at: clock::now(), keys };
    history::write(&mut store, |writer| record::keep(writer, &reader))?;
    render::added(&reader, &written, &arguments.report)?;
    Ok(Exit::Done)
}

/// Offers one file after the other. The password comes after the first picture, which fills a screen by itself.
fn offer(files: &[File], foreign: &args::Foreign, password: &Password) -> Result<(), Failure> {
    let wait = Duration::from_secs(foreign.wait);
    for (number, file) in files.iter().enumerate() {
        offer::once(file, foreign.listen, wait)?;
        if number == 0 {
            password.show()?;
        }
    }
    Ok(())
}

/// Whoever is on the network can fetch what is offered there, and guess at its password for as long as he likes: these
/// files make each try cheap. That is no danger with 100 random bits, and with nothing else.
fn check_password_of_ones_own(foreign: &args::Foreign) -> Result<(), Failure> {
    if foreign.new_passphrase_file.is_none() || foreign.output.is_some() {
        return Ok(());
    }
    Err(Failure::usage(
        "a file under a password of your own is not offered over the network, where others can fetch it",
    )
    .hint(
        "write it, and carry it: --output FILE; or leave --new-passphrase-file away: a new password is shown",
    ))
}

fn checked_name(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    let is_fine = !name.is_empty() && name.chars().count() <= NAME && !name.chars().any(terminal::is_unsafe);
    if is_fine {
        return Ok(name.to_owned());
    }
    Err(Failure::usage(format!("a name has 1 to {NAME} letters, in one line")))
}

/// Writes the files beside each other: FILE, then FILE-2 and so on before the last dot.
fn write(files: &[File], path: &Path, overwrite: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut outputs = Vec::new();
    for (number, _) in (1..).zip(files) {
        let path = numbered(path, number);
        outputs.push((Output::at(Some(&path), overwrite, Content::Binary)?, path));
    }
    let mut written = Vec::new();
    for ((mut output, path), file) in outputs.into_iter().zip(files) {
        let failed = |error: std::io::Error| Failure::io(path.display().to_string(), &error);
        std::io::Write::write_all(&mut output, &file.bytes).map_err(failed)?;
        output.commit()?;
        written.push(path);
    }
    Ok(written)
}

/// What the file is sealed under.
struct Password {
    secret: SecretBytes,
    is_new: bool,
}

impl Password {
    /// A new one needs a terminal to be shown on: standard output may be a file.
    fn prepare(file: Option<&Path>) -> Result<Self, Failure> {
        if let Some(file) = file {
            let secret = passphrase::from_file(file)?;
            if secret.is_empty() {
                return Err(passphrase::empty("--new-passphrase-file FILE"));
            }
            return Ok(Self { secret, is_new: false });
        }
        if !terminal::can_ask() {
            return Err(Failure::unknown("no-terminal", "there is no terminal to show the password on")
                .hint("give one with --new-passphrase-file FILE, and write the file: --output FILE"));
        }
        let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
        let random = SecretBytes::new(random::<{ 4 * GROUPS }>().to_vec());
        let groups: Vec<Vec<u8>> =
            random.expose().chunks(4).map(|group| group.iter().map(letter).collect()).collect();
        Ok(Self { secret: SecretBytes::new(groups.join(&b'-')), is_new: true })
    }

    fn show(&self) -> Result<(), Failure> {
        if self.is_new { render::password(&self.secret) } else { Ok(()) }
    }
}

/// Whether a kind of device takes one key from a file only.
const fn takes_one(kind: ForeignKind) -> bool {
    match kind {
        ForeignKind::Apple | ForeignKind::Macos | ForeignKind::Android => true,
        ForeignKind::Outlook | ForeignKind::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_safe_letters() {
        assert_eq!(checked_name(" Bob's phone ").ok().as_deref(), Some("Bob's phone"));
        for name in ["", " ", "a\nb", "a\u{1b}[1m", "\u{202e}x", &"x".repeat(65)] {
            assert!(checked_name(name).is_err(), "{name:?}");
        }
    }
}
