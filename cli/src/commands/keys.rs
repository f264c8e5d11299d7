//! `cseal keys`: the person's keys, and the contacts' certificates.

mod export;
pub(crate) mod find;
mod generate;
mod import;
mod list;
mod publish;
mod renew;
mod twin;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;

use crate::args::{Keys, KeysCommand};
use crate::failure::{Exit, Failure};

/// Runs the sub-command that was typed.
pub(crate) fn run(arguments: &Keys) -> Result<Exit, Failure> {
    match &arguments.command {
        KeysCommand::List(arguments) => list::list(arguments),
        KeysCommand::Show(arguments) => list::show(arguments),
        KeysCommand::Generate(arguments) => generate::run(arguments),
        KeysCommand::Renew(arguments) => renew::run(arguments),
        KeysCommand::Import(arguments) => import::run(arguments),
        KeysCommand::Export(arguments) => export::run(arguments),
        KeysCommand::Publish(arguments) => publish::run(arguments),
        KeysCommand::Find(arguments) => find::run(arguments),
    }
}

/// Whether what a person typed names this key: by its fingerprint, or by an address of it.
fn is_named(typed: &str, fingerprint: &Fingerprint, addresses: &[String]) -> bool {
    match EmailAddress::parse(typed) {
        Ok(address) => {
            let key = address.lookup_key();
            addresses
                .iter()
                .any(|other| EmailAddress::parse(other).is_ok_and(|other| other.lookup_key() == key))
        }
        Err(_) => fingerprint.is_named_by(typed),
    }
}

/// Nothing in the store is called so.
fn unknown_key(typed: &str) -> Failure {
    Failure::unknown("no-key", format!("{typed}: no such key or address in the store"))
        .hint("see what there is with `cseal keys list`")
}

/// Whether a certificate is of that key, or was issued with it.
pub(crate) fn is_or_is_under(certificate: &Certificate, other: &Certificate) -> bool {
    certificate.fingerprint() == other.fingerprint()
        || (other.is_certificate_authority()
            && certificate.issuer_der() == other.subject_der()
            && certificate.is_signed_by(other.public_key()).is_ok())
}
