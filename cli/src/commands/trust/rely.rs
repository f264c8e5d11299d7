//! `cseal trust rely`: CAs that count as the organisation's own.

use std::path::{Path, PathBuf};

use counterseal_core::x509::Certificate;

use crate::args;
use crate::clock;
use crate::commands::reliances::{self, Reliance};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::trust::list::{self, AuthorityObject};
use crate::sources;
use crate::store::Store;

/// Relies on a CA from now on, or not any more.
pub(super) fn run(arguments: &args::TrustRely) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let named = if arguments.remove { kept(&store, &arguments.authority)? } else { given(arguments)? };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| {
        named.iter().try_for_each(|reliance| {
            if arguments.remove { reliance.forget(writer) } else { reliance.keep(writer) }.map(drop)
        })
    })?;
    let authorities: Vec<AuthorityObject> = named.iter().map(Reliance::object).collect();
    list::relied_on(&authorities, arguments.remove, arguments.report.json)?;
    Ok(Exit::Done)
}

/// The CAs of the file.
fn given(arguments: &args::TrustRely) -> Result<Vec<Reliance>, Failure> {
    let path = PathBuf::from(&arguments.authority);
    let mut authorities = sources::certificates(std::slice::from_ref(&path))?;
    authorities.retain(Certificate::is_certificate_authority);
    if authorities.is_empty() {
        return Err(Failure::unknown("no-certificate", format!("{}: no CA in this file", path.display()))
            .hint("for a person's certificate, compare its fingerprint and use `cseal trust pin`"));
    }
    let reliance = |authority| Reliance { authority, amount: arguments.amount, since: None };
    Ok(authorities.into_iter().map(reliance).collect())
}

/// The CAs of the store that a fingerprint names, or that are in a file.
fn kept(store: &Store, typed: &str) -> Result<Vec<Reliance>, Failure> {
    let in_file =
        if Path::new(typed).is_file() { sources::certificates(&[typed.into()])? } else { Vec::new() };
    let mut kept = reliances::anchors(store)?;
    kept.retain(|reliance| {
        let key = reliance.authority.fingerprint();
        key.is_named_by(typed) || in_file.iter().any(|given| given.fingerprint() == key)
    });
    if kept.is_empty() {
        return Err(Failure::unknown("no-key", format!("{typed}: you rely on no such CA"))
            .hint("see what there is with `cseal trust list`"));
    }
    Ok(kept)
}
