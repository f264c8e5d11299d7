//! `cseal mutt`: what mutt and neomutt run for S/MIME, where the files of `smime_keys` stand for keys of the store.
//!
//! mutt takes an empty standard output for a failure, whatever is on standard error for something to be shown, and
//! the line `Verification successful` for a good signature.

mod settings;
mod signature;

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use counterseal_core::address::EmailAddress;
use counterseal_core::limits::LINE_BYTES;
use counterseal_core::mail::{BareCarriageReturn, Canonical, FilterReader};
use counterseal_core::message::{Context, ReadOptions, object};
use counterseal_core::ports::{Source, Spool, Spools};
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use zeroize::Zeroizing;

use super::encrypt;
use super::reading::{self, OurKeys};
use super::signer::SigningIdentity;
use super::store::{self, Unlock};
use crate::args::{self, Cli, Command, MuttCommand};
use crate::armor::open_object;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{open_input, read_file};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::render::status;
use crate::spool::EncryptedSpools;
use crate::terminal::say;

/// The cipher of what mutt announces as `enveloped-data`: an AuthEnvelopedData would be another type.
const CIPHER: &str = "aes-256-cbc";

/// Does what mutt asks for.
pub(super) fn run(arguments: &args::Mutt) -> Result<Exit, Failure> {
    let at = clock::now();
    match &arguments.command {
        MuttCommand::Settings { directory } => settings::write(directory, at).map(|()| Exit::Done),
        MuttCommand::Decrypt { file } => decrypt(file, at),
        MuttCommand::Verify { signature, content } => signature::detached(signature, content, at),
        MuttCommand::VerifyOpaque { file } => signature::attached(file, at),
        MuttCommand::Sign { file, key } => sign(file, key, at),
        MuttCommand::Encrypt { file, readers } => seal(file, readers),
        MuttCommand::Signer { mail } => signature::signer(mail, at),
        MuttCommand::Addresses { certificate } => signature::addresses(certificate),
    }
}

/// How the keys are opened: by what mutt passes on, else by an agent; mutt has the terminal.
fn unlock() -> Result<Unlock, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES));
    let mut input = io::stdin().lock().take(LINE_BYTES as u64);
    input.read_until(b'\n', &mut line).map_err(|error| Failure::io("standard input", &error))?;
    let typed = line.trim_ascii_end();
    Ok(if typed.is_empty() { Unlock::without_asking() } else { Unlock::typed(SecretBytes::copy_of(typed)) })
}

fn decrypt(file: &Path, at: Time) -> Result<Exit, Failure> {
    let (content, how) = opened(file, unlock()?, at)?;
    say(&how);
    release(content)
}

/// What is inside, and a line about how it was sealed.
fn opened(file: &Path, unlock: Unlock, at: Time) -> Result<(Box<dyn Spool>, String), Failure> {
    let store = store::open()?;
    let policy = policy::in_force()?;
    let keys = OurKeys::from_store(Some(&store), unlock)?;
    let knowledge = reading::knowledge(&args::Evidence::default(), &[], Some(&store), &policy)?;
    let context = Context { keys: keys.port(), knowledge: &knowledge, at, spools: &EncryptedSpools };
    // What is signed inside is mutt's next question.
    let options = ReadOptions { keep_signature: true, ..ReadOptions::default() };
    let mut content = spool()?;
    let mut input = open_object(Some(file))?;
    let status = object::decrypt(input.as_mut(), &context, &mut SystemRandom, &options, &mut content)
        .map_err(|error| keys.explain(error))?;
    Ok((content, status.encrypted.as_ref().map(status::encryption).unwrap_or_default()))
}

fn sign(file: &Path, key: &Path, at: Time) -> Result<Exit, Failure> {
    let author = address_in(key)?;
    let store = store::open()?;
    let keys = store::keys(&store, unlock()?)?;
    let identity = SigningIdentity::from_store(&store, &keys, &args::Signing::default(), Some(&author), at)?;
    // On the wire its lines end with CRLF (RFC 8551, section 3.1.1).
    let mut canonical = spool()?;
    let input = open_input(Some(file))?;
    let mut lines = FilterReader::new(input, Canonical::new(BareCarriageReturn::Keep));
    io::copy(&mut lines, &mut canonical).map_err(|error| Failure::io("the part", &error))?;
    let mut content = source(canonical)?;
    let mut signature = spool()?;
    object::sign(content.as_mut(), &identity.signer(&keys), true, at, &mut signature)
        .map_err(|error| keys.failure().unwrap_or_else(|| error.into()))?;
    release(signature)
}

/// As `cseal encrypt --cms` does it: by the policy, for addresses.
fn seal(file: &Path, readers: &[PathBuf]) -> Result<Exit, Failure> {
    let mut words = ["cseal", "encrypt", "--cms", "--no-sign", "--no-history", "--cipher", CIPHER]
        .map(std::ffi::OsString::from)
        .to_vec();
    for reader in readers {
        words.push("--to".into());
        words.push(address_in(reader)?.to_string().into());
    }
    words.extend(["--output".into(), "-".into(), "--".into(), file.into()]);
    let parsed = Cli::try_parse_from(words).map_err(|error| Failure::usage(error.to_string()))?;
    match parsed.command {
        Command::Encrypt(arguments) => encrypt::run(&arguments, false),
        _ => Err(Failure::usage("nothing to encrypt")),
    }
}

/// Whom a file stands for that [`settings::write`] made.
fn address_in(file: &Path) -> Result<EmailAddress, Failure> {
    let text = read_file(file, LINE_BYTES)?;
    let address = std::str::from_utf8(&text).ok().and_then(|text| EmailAddress::parse(text.trim()).ok());
    address.ok_or_else(|| {
        Failure::usage(format!("{}: no file of `cseal mutt settings`", file.display()))
            .hint("start mutt anew: its muttrc makes them")
    })
}

fn spool() -> Result<Box<dyn Spool>, Failure> {
    EncryptedSpools.create().map_err(|error| Failure::io("a temporary file", &error))
}

fn source(spool: Box<dyn Spool>) -> Result<Box<dyn Source>, Failure> {
    spool.into_source().map_err(|error| Failure::io("a temporary file", &error))
}

/// Lets it out: everything was checked.
fn release(content: Box<dyn Spool>) -> Result<Exit, Failure> {
    let mut output = io::stdout().lock();
    io::copy(&mut source(content)?, &mut output)
        .and_then(|_| output.flush())
        .map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

/// Writes a file that another program may be reading: whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io(path.display().to_string(), &error);
    let next = path.with_extension("next");
    fs::write(&next, text).and_then(|()| fs::rename(&next, path)).map_err(failed)
}
