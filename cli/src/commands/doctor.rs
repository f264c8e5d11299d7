//! `cseal doctor`: everything is looked at, and nothing is changed.

mod delivery;
mod finding;
mod machine;
mod paper;
mod places;
mod protection;
mod tokens;
mod validity;

use std::path::Path;

pub(crate) use self::finding::{Finding, Severity};

use super::store::{self, Unlock};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::places as directories;
use crate::policy;
use crate::render::doctor;
use crate::render::trust::history;
use crate::store::{Store, StoreKeys};
use crate::system::Scope;

/// One thing that was looked at, and what was found.
pub(crate) struct Check {
    /// Its word, in JSON and on the screen.
    pub(crate) name: &'static str,
    /// Nothing where all is well.
    pub(crate) findings: Vec<Finding>,
}

/// Looks at everything, and answers with the worst that was found.
pub(crate) fn run(arguments: &args::Doctor) -> Result<Exit, Failure> {
    let directory = directories::data()?;
    let domains = delivery::domains(arguments, &directory)?;
    // Opening the store takes away what others may do with it, so that is looked at before.
    let mut checks = vec![check("files", places::files(&directory))];
    // Whom the machine sends for needs no keys.
    if Store::exists(&directory) || Scope::of_caller()? == Scope::Person {
        checks.extend(store_checks(&directory, &Unlock::from_options(&arguments.passphrase)));
    }
    checks.push(check("tokens", or_failure(tokens::of(&directory))));
    checks.push(check("policy", policy_files()));
    checks.push(check("cache", places::cache()));
    if Scope::of_caller()? == Scope::Person {
        checks.push(check("queue", or_failure(places::queue())));
    }
    if let Some(domains) = domains {
        checks.push(check("delivery", delivery::of(&domains)));
    }
    if machine::is_set_up() {
        checks.push(check("machine", machine::findings()));
    }
    doctor::show(&checks, arguments.report.json)?;
    let worst = checks.iter().flat_map(|check| &check.findings).map(|finding| finding.severity).max();
    Ok(match worst {
        None | Some(Severity::Note) => Exit::Done,
        Some(Severity::Warning) => Exit::No,
        Some(Severity::Broken) => Exit::Unknown,
    })
}

const fn check(name: &'static str, findings: Vec<Finding>) -> Check {
    Check { name, findings }
}

fn store_checks(directory: &Path, how: &Unlock) -> Vec<Check> {
    let store = match Store::open(directory) {
        Ok(store) => store,
        Err(error) => return vec![check("store", vec![Finding::from(Failure::from(error))])],
    };
    if how.is_given() {
        // What is signed by whom is known for sure then; whether it opens is said with the keys.
        let _ = store::unlock(&store, how);
    }
    let now = clock::now();
    vec![
        check("store", found(store.check_pages())),
        check("signatures", found(store.trust_rows())),
        check("history", log(&store)),
        check("keys", lost(&store).into_iter().chain(records(&store, how)).collect()),
        check("protection", or_failure(protection::of(&store))),
        check("rollback", protection::rollback(&store)),
        check("backup", or_failure(protection::backup(&store, now))),
        check("recovery", or_failure(paper::of(&store, now))),
        check("validity", or_failure(validity::of(&store, now))),
        check("clock", or_failure(validity::clock(&store, now))),
    ]
}

fn found<T, E: Into<Failure>>(result: Result<T, E>) -> Vec<Finding> {
    result.err().map(|error| Finding::from(error.into())).into_iter().collect()
}

fn or_failure(result: Result<Vec<Finding>, Failure>) -> Vec<Finding> {
    result.unwrap_or_else(|failure| vec![Finding::from(failure)])
}

fn log(store: &Store) -> Vec<Finding> {
    match store.log() {
        Err(error) => vec![Finding::from(Failure::from(error))],
        Ok(log) => log.fault.map(|fault| Finding::from(history::broken(fault))).into_iter().collect(),
    }
}

/// Opens every sealed key, and holds it against its public half. Nobody is asked for a passphrase for that.
fn records(store: &Store, how: &Unlock) -> Vec<Finding> {
    match store.needs_passphrase() {
        Ok(true) if !how.is_given() => {
            return vec![
                Finding::note("not-opened", "the sealed keys were not opened: the key store is locked")
                    .hint("give its passphrase with --passphrase-file FILE or --passphrase-fd N"),
            ];
        }
        Ok(_) => {}
        Err(error) => return vec![Finding::from(Failure::from(error))],
    }
    let opened = store::unlock(store, how).and_then(|()| Ok(StoreKeys::new(store, None, None)?));
    let keys = match opened {
        Ok(keys) => keys,
        Err(failure) => return vec![Finding::from(failure)],
    };
    let mut findings = Vec::new();
    for stored in keys.stored().iter().filter(|stored| !keys.is_on_token(&stored.fingerprint)) {
        match keys.open(&stored.fingerprint) {
            Ok(key) if key.fingerprint() == stored.fingerprint => {}
            Ok(_) => findings.push(Finding::broken(
                "other-key",
                format!("{}: another key is sealed in its place", stored.fingerprint),
            )),
            Err(failure) => {
                let mut finding = Finding::from(failure);
                finding.message = format!("{}: {}", stored.fingerprint, finding.message);
                findings.push(finding);
            }
        }
    }
    findings
}

/// Secret keys that are gone without having been removed.
fn lost(store: &Store) -> Vec<Finding> {
    match store.lost_keys() {
        Ok(lost) => lost
            .iter()
            .map(|key| {
                Finding::broken("key-missing", format!("{key}: the secret key is gone from the store"))
                    .hint("it is in a backup of before: cseal restore FILE --replace")
            })
            .collect(),
        // The rows do not hold; that is said with the signatures.
        Err(_) => Vec::new(),
    }
}

fn policy_files() -> Vec<Finding> {
    let mut findings = found(policy::in_force());
    findings.extend(found(policy::contacts()));
    // Both read the same file; one finding is enough.
    findings.dedup_by(|later, earlier| later.message == earlier.message);
    findings
}
