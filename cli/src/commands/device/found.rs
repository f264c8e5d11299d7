//! The first device: an account is founded, with its recovery seed, and the keys of the store become shared ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_keysync::craft::DeviceCraft;
use counterseal_keysync::device::{DeviceKeys, DeviceSigner, Role};
use counterseal_keysync::limits::DEVICE_NAME_BYTES;
use counterseal_keysync::log::{AccountId, Admitted, Author, Body, ENTRY_CONTENT_TYPE, Entry};
use counterseal_keysync::recovery::{Seed, Sheet};
use counterseal_keysync::root::{RootKeys, first_log_secret};
use counterseal_keysync::sync;

use super::account::{self, Membership};
use super::recover::paper;
use crate::args;
use crate::commands::store;
use crate::failure::Failure;
use crate::files::{Content, Output, read_file};
use crate::randomness::SystemRandom;
use crate::render::device as render;
use crate::store::{SharedStore, Store};
use crate::terminal;

/// Where systems write what they are called.
const HOST_NAME: &str = "/etc/hostname";
/// Bytes of that file.
const HOST_NAME_BYTES: usize = 1024;
/// How often a person may mistype the last word.
const TRIES: usize = 3;

/// The account of the store, which is founded where there is none. The store must be unlocked.
///
/// # Errors
/// A usage error where nobody says what is to become of the recovery seed; nothing was made then.
pub(crate) fn ensure(store: &mut Store, new: &args::NewAccount, now: Time) -> Result<Membership, Failure> {
    match Membership::of(store)? {
        Some(membership) => Ok(membership),
        None => found(store, new, now),
    }
}

fn found(store: &mut Store, new: &args::NewAccount, now: Time) -> Result<Membership, Failure> {
    if store::owner(store)?.is_none() {
        return Err(Failure::unknown("no-key", "the store has no keys of its own")
            .hint("make them with `cseal init ADDRESS`"));
    }
    let name = name(new.this_device.as_deref())?;
    let recovery = Recovery::chosen(new)?;
    let keys = DeviceKeys::generate(&name, now, &mut SystemRandom).map_err(cannot)?;
    let seed = (!matches!(recovery, Recovery::None)).then(|| Seed::generate(&mut SystemRandom));
    let root = seed.as_ref().map(|seed| root(seed, now)).transpose()?;
    let founding = founding(&keys, name, root.as_ref(), now);
    let account = AccountId::founded_by(&founding.id());
    let signer = root.as_ref().map_or_else(|| keys.signer(), DeviceKeys::signer);
    let signed = sign(&signer, &founding, now)?;
    // The sheet comes first: nobody has an account that says it can be recovered, and cannot.
    if let Some(seed) = &seed {
        let sheet = Sheet::of_seed(seed, &paper::account(seed)?, now)
            .map_err(|error| Failure::unknown("device-log", format!("the recovery sheet: {error:?}")))?;
        recovery.hand_over(seed, &sheet)?;
    }
    store.write(now, |writer| account::keep(writer, &account, &keys))?;
    let mut random = SystemRandom;
    let mut craft = DeviceCraft::new(keys.secret_keys(), keys.certificates(), &mut random);
    if let Some(seed) = &seed {
        craft = craft.with_log_secret(first_log_secret(seed.secret()));
    }
    let mut shared = SharedStore::new(store, now);
    sync::found(&mut shared, &mut craft, signed, keys.certificates().id(), now).map_err(account::failed)?;
    let membership = Membership::expect(store)?;
    account::announce_own(store, &membership, now)?;
    Ok(membership)
}

fn root(seed: &Seed, now: Time) -> Result<DeviceKeys, Failure> {
    let root = RootKeys::from_seed(seed.secret());
    let root = root.map_err(|error| Failure::unknown("device-log", error.to_string()))?;
    root.certify(now, &mut SystemRandom).map_err(cannot)
}

/// The first entry. The root signs it; without one this device does.
fn founding(keys: &DeviceKeys, name: String, root: Option<&DeviceKeys>, now: Time) -> Entry {
    let device = keys.certificates();
    let first = Admitted { device: device.id(), role: Role::Admin, name, certificates: device.to_list() };
    let author = root.map_or(Author::Device(device.id()), |root| Author::Root(root.certificates().id()));
    let root = root.map(|root| root.certificates().to_list()).unwrap_or_default();
    let body = Body::Genesis { first, root };
    Entry { account: None, parents: Vec::new(), lamport: 0, time: now, author, body }
}

fn sign(signer: &DeviceSigner<'_>, entry: &Entry, now: Time) -> Result<Vec<u8>, Failure> {
    let signed = signer.sign(&ENTRY_CONTENT_TYPE, &entry.to_der(), &[], now);
    signed.map_err(|error| Failure::unknown("device-log", error.to_string()))
}

fn cannot(error: counterseal_core::x509::issue::IssueError) -> Failure {
    Failure::unknown("cannot-generate", "no key could be made").because(error)
}

/// What a person reads of an account's id.
pub(crate) fn shown(account: &AccountId) -> String {
    render::account(&account.to_string())
}

/// What this device is called: as it was typed, else as the machine is, else `device`.
pub(crate) fn name(typed: Option<&str>) -> Result<String, Failure> {
    if let Some(typed) = typed.map(str::trim) {
        let is_fine =
            !typed.is_empty() && typed.len() <= DEVICE_NAME_BYTES && !typed.chars().any(terminal::is_unsafe);
        let wrong = || Failure::usage(format!("a name has 1 to {DEVICE_NAME_BYTES} bytes, in one line"));
        return is_fine.then(|| typed.to_owned()).ok_or_else(wrong);
    }
    let host = read_file(Path::new(HOST_NAME), HOST_NAME_BYTES).unwrap_or_default();
    let host = String::from_utf8_lossy(&host);
    let host: String = host.trim().chars().filter(|letter| letter.is_ascii_graphic()).take(60).collect();
    Ok(if host.is_empty() { "device".to_owned() } else { host })
}

/// What becomes of the seed.
enum Recovery {
    /// A sheet in a file.
    File(Box<Output>, PathBuf),
    /// A sheet on the terminal, to be copied by hand.
    Terminal,
    /// There is none.
    None,
}

impl Recovery {
    fn chosen(new: &args::NewAccount) -> Result<Self, Failure> {
        if new.no_recovery {
            return Ok(Self::None);
        }
        if let Some(path) = &new.recovery_file {
            return Ok(Self::File(Box::new(Output::at(Some(path), false, Content::Text)?), path.clone()));
        }
        if terminal::can_ask() {
            return Ok(Self::Terminal);
        }
        Err(Failure::usage(
            "this makes the recovery seed of your devices, and there is no terminal to show it on",
        )
        .hint("write its sheet by --recovery-file FILE, or do without one by --no-recovery"))
    }

    fn hand_over(self, seed: &Seed, sheet: &Sheet) -> Result<(), Failure> {
        match self {
            Self::File(mut output, path) => {
                let failed = |error| Failure::io(path.display().to_string(), &error);
                output.write_all(drawn(sheet, &path).expose()).map_err(failed)?;
                output.commit()
            }
            Self::Terminal => confirm(seed, sheet),
            Self::None => Ok(()),
        }
    }
}

fn drawn(sheet: &Sheet, path: &Path) -> SecretBytes {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("pdf") => sheet.to_pdf(),
        Some("svg") => sheet.to_svg(),
        _ => SecretBytes::copy_of(sheet.to_text().as_bytes()),
    }
}

/// Shows the words on the terminal alone, and has the last of them typed.
fn confirm(seed: &Seed, sheet: &Sheet) -> Result<(), Failure> {
    let last = seed.words().iter().last().unwrap_or_default();
    let mut question = zeroize::Zeroizing::new(String::with_capacity(16 << 10));
    question.push_str(&sheet.to_text());
    question.push_str("\nWrite the words on paper. Then type the last one");
    for _ in 0..TRIES {
        let typed = terminal::ask_shown(&question).map_err(|error| Failure::io("the terminal", &error))?;
        if typed.is_some_and(|typed| typed.eq_ignore_ascii_case(last)) {
            return Ok(());
        }
        question.clear();
        question.push_str("That is not the last word. Look at the paper, and type it");
    }
    Err(Failure::usage("the words were not written down; nothing was made")
        .hint("write the sheet by --recovery-file FILE, or do without one by --no-recovery"))
}
