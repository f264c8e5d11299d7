//! What a run needs before the first mail: our keys, unlocked once; readers; what is known.

use std::collections::BTreeSet;
use std::path::PathBuf;

use counterseal_core::keys::Keyring;
use counterseal_core::policy::Accepted;
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::trust::Knowledge;
use counterseal_core::x509::{Certificate, PublicKey};

use super::our_keys::ArchiveKeyring;
use super::task::{Task, Verb};
use crate::args::{self, ArchiveKeys, ArchiveRewrap, ArchiveVerify};
use crate::clock;
use crate::commands::readers::{Directory, Wanted, for_encryption};
use crate::commands::reading::{self, OurKeys};
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::failure::Failure;
use crate::policy;
use crate::sources;
use crate::store::Store;
use crate::terminal::{self, say};

/// Every key that we have: threads cannot share a store, and a store that is opened once needs its
/// passphrase once.
pub(super) fn keys(
    named: &ArchiveKeys,
    passphrase: &args::Passphrase,
    pin: &args::Pin,
) -> Result<ArchiveKeyring, Failure> {
    if named.keys.is_empty() {
        return of_store(&store::open()?, Unlock::from_options(passphrase).with_pin(pin));
    }
    of_files(&named.keys, &named.certificates, passphrase)
}

fn of_files(
    keys: &[PathBuf],
    certificates: &[PathBuf],
    passphrase: &args::Passphrase,
) -> Result<ArchiveKeyring, Failure> {
    let certificates = sources::certificates(certificates)?;
    match OurKeys::from_files(keys, &certificates, passphrase)? {
        OurKeys::Files(keyring) => Ok(keyring.into()),
        OurKeys::None(_) | OurKeys::Store(_) => Ok(Keyring::new().into()),
    }
}

fn of_store(store: &Store, unlock: Unlock) -> Result<ArchiveKeyring, Failure> {
    store::unlock(store, &unlock)?;
    let keys = store::keys(store, unlock)?;
    let mut keyring = public_halves(&keys);
    for stored in keys.stored().iter().filter(|stored| !keys.is_on_token(&stored.fingerprint)) {
        // One damaged record must not keep the other keys from what they open.
        match keys.open(&stored.fingerprint) {
            Ok(key) => keyring.add_key(key),
            Err(failure) => {
                say(&format!("warning: key {} is not used: {}", stored.fingerprint, failure.message))
            }
        }
    }
    Ok(ArchiveKeyring::new(keyring, keys.into_token_keys()))
}

/// The keys of a store, locked, but for those on tokens.
fn public_halves(keys: &dyn SecretKeys) -> Keyring {
    let mut keyring = Keyring::new();
    for held in keys.held() {
        if let Ok(public_key) = PublicKey::from_der(&held.public_key) {
            if held.on_token { keyring.add_on_token(&public_key) } else { keyring.add_locked(&public_key) }
        }
        for certificate in held.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()) {
            keyring.add_certificate(certificate);
        }
    }
    keyring
}

/// For `verify`: a store whose passphrase nobody gives leaves encrypted mail closed, and that is all.
pub(super) fn for_verify(arguments: &ArchiveVerify) -> Result<Task, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    let evidence = &arguments.evidence;
    let without_store = !evidence.anchors.is_empty()
        || !evidence.revocation_lists.is_empty()
        || !arguments.keys.certificates.is_empty()
        || !arguments.keys.keys.is_empty();
    let store = if without_store { None } else { store::open_if_any()? };
    let certificates = sources::certificates(&arguments.keys.certificates)?;
    let knowledge = reading::knowledge(evidence, &certificates, store.as_ref(), &policy::in_force()?)?;
    let keys = match &store {
        Some(store) => {
            let unlock = Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin);
            if unlock.is_given() || terminal::can_ask() || !store.needs_passphrase()? {
                of_store(store, unlock)?
            } else {
                let keys = store::keys(store, unlock)?;
                ArchiveKeyring::new(public_halves(&keys), keys.into_token_keys())
            }
        }
        None => of_files(&arguments.keys.keys, &arguments.keys.certificates, &arguments.passphrase)?,
    };
    let least = reading::accept(arguments.accept);
    Ok(Task { verb: Verb::Verify { knowledge: Box::new(knowledge), at, least }, keys })
}

/// For `rewrap`: what opens the mails, and who is to open them.
pub(super) fn for_rewrap(
    arguments: &ArchiveRewrap,
    at: Time,
) -> Result<(ArchiveKeyring, Vec<Accepted>), Failure> {
    let mut given = Vec::new();
    for path in &arguments.certificates {
        given.extend(for_encryption(sources::certificates(std::slice::from_ref(path))?));
    }
    let policy = policy::in_force()?;
    if !given.is_empty() {
        let keys = if arguments.keys.is_empty() {
            let unlock = Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin);
            of_store(&store::open()?, unlock)?
        } else {
            of_files(&arguments.keys, &arguments.key_certificates, &arguments.passphrase)?
        };
        let mut knowledge = Knowledge::default();
        policy::apply(&policy, &mut knowledge)?;
        let directory = Directory {
            given,
            knowledge: &knowledge,
            policy: &policy,
            contacts: None,
            encrypted_to: BTreeSet::new(),
            answers_encrypted: false,
            at,
        };
        return Ok((keys, directory.given()?));
    }
    let mut store = store::open()?;
    let mut knowledge = store::knowledge(&store)?;
    policy::apply(&policy, &mut knowledge)?;
    let directory = Directory::of_store(&store, &knowledge, &policy, at)?;
    let owner = store::owner(&store)?
        .ok_or_else(|| Failure::unknown("no-key", "the store has no encryption key of your own"))?;
    let mut wanted: Vec<Wanted> = vec![strong::typed(&owner.to_string(), false)?];
    for typed in &arguments.to {
        strong::add(&mut wanted, strong::typed(typed, false)?)?;
    }
    let found = directory.all(wanted)?;
    let recipients = found.recipients.into_iter().map(|recipient| recipient.accepted).collect();
    let unlock = || Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin);
    let keys = of_store(&store, unlock())?;
    strong::keep(&mut store, &unlock(), &found.pins)?;
    Ok((keys, recipients))
}
