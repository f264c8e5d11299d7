//! `cseal keys import`: the person's own keys, and contacts' certificates.

mod contradiction;
pub(crate) mod folder;
pub(crate) mod gpgsm;
mod mail;
pub(crate) mod nss;
mod openpgp;
mod pin;
mod plan;
pub(crate) mod take_over;
mod token;
pub(crate) mod view;

use std::fs;
use std::path::Path;

use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::openpgp::{SecretCertificate, SecretFileError};

use self::folder::{Folder, Item};
use self::pin::Comparison;
use self::plan::Plan;
use crate::args;
use crate::clock;
use crate::commands::history;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::passphrase;
use crate::places;
use crate::render::keys::{self, Imported};
use crate::sources::KeyFiles;
use crate::store::{Protection, Store, StoreError, is_backup};

/// Bytes of a file; key files are far smaller, mails may be as large as any.
const MAIL_BYTES: usize = MAIL_IN_MEMORY as usize;

/// Takes in each file, whole or not at all.
pub(super) fn run(arguments: &args::Import) -> Result<Exit, Failure> {
    if let Some(token) = &arguments.token {
        let report = token::run(arguments, token)?;
        keys::imported(&[report], &[], arguments.report.json)?;
        return Ok(Exit::Done);
    }
    if arguments.openpgp {
        return openpgp::run(arguments);
    }
    if !arguments.address.is_empty() && arguments.pin.is_none() {
        return Err(Failure::usage("--address goes with --pin or with --openpgp"));
    }
    // Before anybody is asked for the passphrase of a new store.
    for file in arguments.files.iter().filter(|file| file.as_os_str() != "-") {
        fs::metadata(file).map_err(|error| Failure::io(file.display().to_string(), &error))?;
    }
    let comparison = Comparison::of(arguments)?;
    let mut store = open_or_create(arguments)?;
    let mut key_files = KeyFiles::new(&arguments.passphrase);
    let (mut reports, mut taken_over) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        // Before certificates beside it: else their first dates would be those of today.
        if let Some(trust) = take_over::find(file) {
            taken_over.push(take_over::run(arguments, &mut store, &trust)?);
            if !file.is_dir() {
                continue;
            }
        } else if arguments.take_over_my_trust {
            return Err(take_over::missing(file));
        }
        if file.is_dir() {
            reports.extend(folder(arguments, &mut store, &mut key_files, file)?);
            continue;
        }
        let plan = plan(&store, &mut key_files, file, (comparison.as_ref(), arguments.replace))?;
        unlock(arguments, &store)?;
        reports.push(write(&mut store, file.display().to_string(), &plan)?);
    }
    keys::imported(&reports, &taken_over, arguments.report.json)?;
    let came_to_nothing =
        taken_over.is_empty() && !reports.is_empty() && reports.iter().all(Imported::is_nothing);
    Ok(if came_to_nothing { Exit::No } else { Exit::Done })
}

fn unlock(arguments: &args::Import, store: &Store) -> Result<(), Failure> {
    let file = arguments.store_passphrase_file.as_ref().or(arguments.passphrase.passphrase_file.as_ref());
    store::unlock(store, &Unlock::from_file(file).or_recovery_code(&arguments.passphrase))
}

/// Takes in what a folder holds; what is refused keeps nothing else out.
fn folder(
    arguments: &args::Import,
    store: &mut Store,
    key_files: &mut KeyFiles<'_>,
    path: &Path,
) -> Result<Vec<Imported>, Failure> {
    if arguments.pin.is_some() {
        return Err(Failure::usage("--pin is for one file, not for a folder"));
    }
    let Folder { items, others } = if nss::is_profile(path) {
        let primary = passphrase::given(&arguments.passphrase)?;
        Folder::of(path, nss::read(path, primary.as_ref())?)
    } else if gpgsm::is_home(path) {
        Folder::of(path, gpgsm::read(path, key_files)?)
    } else {
        Folder::read(path, key_files)?
    };
    unlock(arguments, store)?;
    let mut reports = Vec::new();
    for item in items {
        let (file, plan) = match item {
            Item::Keys(file, found) => (file, Plan::of_file(found, store)),
            Item::Mail(file, bytes) => {
                let plan = mail::read(store, &bytes).and_then(|mail| Plan::of_mail(mail, store));
                (file, plan)
            }
            Item::Refused(file, why) => {
                reports.push(Imported::refused(&file, why));
                continue;
            }
        };
        let decided = plan.and_then(|plan| plan.decided((None, arguments.replace), store));
        reports.push(match decided.and_then(|plan| write(store, file.display().to_string(), &plan)) {
            Ok(report) => report,
            Err(failure) => Imported::refused(&file, failure.message),
        });
    }
    if others > 0 {
        reports.push(Imported::refused(path, format!("{others} files hold no key and no certificate")));
    }
    Ok(reports)
}

fn plan(
    store: &Store,
    key_files: &mut KeyFiles<'_>,
    file: &Path,
    decision: (Option<&Comparison>, bool),
) -> Result<Plan, Failure> {
    let bytes = read_file(file, MAIL_BYTES)?;
    if mail::is_mail(&bytes) {
        return Plan::of_mail(mail::read(store, &bytes)?, store)?.decided(decision, store);
    }
    let found = key_files.open(file, &bytes)?;
    if found.is_empty() {
        let failure = Failure::unknown(
            "not-recognised",
            format!("{}: no key and no certificate in it", file.display()),
        )
        .details(found.refused.iter().map(|refused| refused.why.to_string()).collect());
        return Err(match instead(file, &bytes) {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    Plan::of_file(found, store)?.decided(decision, store)
}

/// What to do with a file that another command takes.
fn instead(file: &Path, bytes: &[u8]) -> Option<String> {
    let shown = file.display();
    if is_backup(bytes) || file.file_name().is_some_and(|name| name == "store.sqlite3") {
        return Some(format!("it is a backup, or a key store: `cseal restore {shown}`"));
    }
    match SecretCertificate::read(bytes, clock::now()) {
        Ok(_) => Some(format!("it is an OpenPGP key: `cseal keys import --openpgp {shown}`")),
        Err(SecretFileError::Several(_)) => {
            Some("these are OpenPGP keys; export one: gpg --export-secret-keys FINGERPRINT > FILE".to_owned())
        }
        Err(SecretFileError::PublicOnly) => Some(format!(
            "it is an OpenPGP certificate; whose word counts for you is said with `cseal trust rely FINGERPRINT --keyring {shown}`"
        )),
        Err(_) if file.file_name().is_some_and(|name| name == "pubring.kbx") => {
            let home = file.parent().unwrap_or(Path::new("."));
            Some(format!("name the home of GnuPG: `cseal keys import {}`", home.display()))
        }
        Err(_) => None,
    }
}

fn write(store: &mut Store, file: String, plan: &Plan) -> Result<Imported, Failure> {
    let is_kept = history::is_kept()?;
    let (keys, contacts) = history::write(store, |writer| plan.write(writer, is_kept))?;
    Ok(Imported {
        file,
        keys,
        contacts,
        certificates: plan.certificates(),
        not_taken: plan.not_taken().to_vec(),
        compare: plan.to_compare(store)?,
    })
}

/// Whoever has a .p12 from a CA begins with it, and gets a store for it.
fn open_or_create(arguments: &args::Import) -> Result<Store, Failure> {
    const INSTEAD: &str = "--store-passphrase-file FILE, or make the store with `cseal init`";
    let directory = places::data()?;
    match Store::open(&directory) {
        Err(StoreError::Missing) => {
            let passphrase = match &arguments.store_passphrase_file {
                Some(file) => passphrase::from_file(file)?,
                None => passphrase::ask_new("New passphrase for your keys", INSTEAD)?,
            };
            if passphrase.is_empty() {
                return Err(passphrase::empty(INSTEAD));
            }
            Ok(Store::create(&directory, &Protection::Passphrase(passphrase), clock::now())?)
        }
        other => Ok(other?),
    }
}
