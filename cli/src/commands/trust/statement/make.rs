//! `cseal trust statement make`

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::message::WriteError;
use counterseal_core::openpgp::{SignedStatement, Statement, StatementKind};
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use super::super::subject::Subject;
use super::super::vouch::{expires, own_authority};
use super::{reason, written, written_text};
use crate::args::{StatementMake, StatementType};
use crate::clock;
use crate::commands::signer::signing_chain;
use crate::commands::statements::{self, KeptStatement};
use crate::commands::store::{self, Unlock};
use crate::commands::strong;
use crate::commands::successions;
use crate::failure::{Exit, Failure};
use crate::render::trust::statement::{self as render, StatementObject};
use crate::store::{Store, StoreKeys};

/// Makes a statement, keeps it, and writes it.
pub(super) fn run(arguments: &StatementMake) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let subject = Subject::of(&store, &arguments.address, arguments.certificate.as_deref())?;
    let now = clock::now();
    let old = arguments.old.as_deref().map(|typed| own_key(&store, typed)).transpose()?;
    let key = match arguments.kind {
        StatementType::Uses if arguments.certificate.is_none() => encryption_key(&store, &subject.address)?,
        _ => subject.key(),
    };
    if let Some(old) = old.as_ref().filter(|old| old.fingerprint() == key) {
        return Err(follows_itself(&subject.address, &old.fingerprint()));
    }
    let kind = match arguments.kind {
        StatementType::Endorsement => {
            let comparison = subject.comparison(&store, arguments.compared.as_deref())?;
            comparison.endorsement(arguments.basis, arguments.amount)
        }
        _ => kind(arguments, old.as_ref()),
    };
    let statement = Statement {
        expires: expires(arguments.expires.as_deref(), now)?,
        ..Statement::new(kind, subject.address.clone(), &key, now)
    };
    if arguments.kind == StatementType::Link && !arguments.text {
        return Err(Failure::usage("a link is what an OpenPGP key says of an S/MIME key")
            .hint("write its text with --text, and sign that with `gpg --clearsign`"));
    }
    if arguments.text {
        written_text(&statement.to_text(), &arguments.output)?;
        return Ok(Exit::Done);
    }
    let bytes = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        signed(&store, &keys, (&statement, &key), old.as_ref(), now)
            .map_err(|failure| keys.failure().unwrap_or(failure))?
    };
    let signed = SignedStatement::read(&bytes, &[], &[])
        .map_err(|error| Failure::unknown("cannot-sign", format!("the statement is not good: {error}")))?;
    written(&bytes, &arguments.output)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let goes_along = matches!(arguments.kind, StatementType::Succession | StatementType::Uses);
    store.write(now, |writer| {
        if goes_along {
            statements::carry(&statement.digest(), &bytes, writer)?;
        }
        KeptStatement { bytes, keyring: Vec::new() }.keep(writer)
    })?;
    render::made(&StatementObject::of(&signed), arguments.output.output.is_some(), arguments.report.json)?;
    Ok(Exit::Done)
}

fn kind(arguments: &StatementMake, old: Option<&Certificate>) -> StatementKind {
    match (arguments.kind, old) {
        (StatementType::Succession, Some(old)) => StatementKind::Succession {
            old: Statement::name_of(&old.fingerprint()),
            reason: reason(arguments.reason),
        },
        (StatementType::Uses, _) => StatementKind::Uses,
        _ => StatementKind::Link,
    }
}

/// A new key of a person is made in a store of its own: the one at hand has the key before.
fn follows_itself(address: &EmailAddress, key: &Fingerprint) -> Failure {
    Failure::usage(format!("{key}: a key does not follow itself"))
        .details(vec![
            "Make the new one in a store of its own, and name its certificates:".to_owned(),
            format!("COUNTERSEAL_HOME=new cseal init {address}"),
            format!("COUNTERSEAL_HOME=new cseal keys export {address} -o new.pem"),
        ])
        .hint("then the same command with --certificate new.pem")
}

fn signed(
    store: &Store,
    keys: &StoreKeys<'_>,
    (statement, key): (&Statement, &Fingerprint),
    old: Option<&Certificate>,
    now: Time,
) -> Result<Vec<u8>, Failure> {
    if let (StatementKind::Succession { reason, .. }, Some(old)) = (&statement.kind, old) {
        return successions::sign(keys, (&statement.subject, old), key, *reason, now);
    }
    let author = match statement.kind {
        // What somebody says of a key of their own is signed under their own address.
        StatementKind::Uses | StatementKind::Link => Some(&statement.subject),
        _ => None,
    };
    if statement.kind == StatementKind::Uses && own_authority(store, keys)?.is_some() {
        return Err(Failure::usage("your personal CA's certificates say already which key is written to")
            .hint("this is for signing keys without a personal CA above them"));
    }
    let certificates = signing_chain(store, keys, author, now)?;
    Ok(statement.sign(keys, &certificates).map_err(WriteError::Sign)?)
}

fn certificates(store: &Store) -> Result<Vec<Certificate>, Failure> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

/// A key of ours that may be a retired one.
fn own_key(store: &Store, typed: &str) -> Result<Certificate, Failure> {
    let own = store.secret_keys()?;
    let is_own = |held: &Certificate| own.iter().any(|key| key.fingerprint == held.fingerprint());
    let mut held =
        certificates(store)?.into_iter().filter(|held| is_own(held) && strong::is_named(held, typed));
    held.next().ok_or_else(|| no_key(typed).hint("see your own keys with `cseal keys list`"))
}

/// The newest encryption key of ours for an address.
fn encryption_key(store: &Store, address: &EmailAddress) -> Result<Fingerprint, Failure> {
    let own = store.secret_keys()?;
    let is_own = |held: &Certificate| {
        own.iter().any(|key| key.retired.is_none() && key.fingerprint == held.fingerprint())
            && held.may_receive_encrypted_mail().is_ok()
            && held.addresses().iter().any(|named| named.matches(address))
    };
    let held = certificates(store)?.into_iter().filter(is_own);
    let newest = held.max_by_key(Certificate::not_before);
    newest.map(|newest| newest.fingerprint()).ok_or_else(|| no_key(&address.to_string()))
}

fn no_key(whose: &str) -> Failure {
    Failure::unknown("no-key", format!("{whose}: you have no such key"))
}
