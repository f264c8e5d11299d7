//! `cseal keys`: the person's keys, and the contacts' certificates.

mod contacts;
mod export;
pub(crate) mod find;
mod generate;
mod import;
mod list;
mod mobileconfig;
mod publish;
mod remove;
mod renew;
pub(crate) mod revoke;
mod twin;
mod vcard;

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
        KeysCommand::Revoke(arguments) => revoke::run(arguments),
        KeysCommand::Remove(arguments) => remove::run(arguments),
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

/// What people compare: the personal CA above a certificate where there is one, so that later keys need no
/// comparison. A CA that names others too stands for nobody.
pub(crate) fn stands_for(leaf: &Certificate, certificates: &[Certificate]) -> Fingerprint {
    let is_personal = |authority: &&Certificate| {
        authority.is_certificate_authority()
            && authority.is_self_issued()
            && authority.path_length() == Some(0)
            && is_or_is_under(leaf, authority)
    };
    certificates.iter().find(is_personal).map_or(leaf.fingerprint(), Certificate::fingerprint)
}

/// Whether the issuer of a certificate calls itself a personal CA, and is not at hand: the key that stands
/// for its owner is then another one, which nobody here has seen.
pub(crate) fn lacks_personal_ca(leaf: &Certificate, certificates: &[Certificate]) -> bool {
    leaf.issuer().contains("OU=personal CA M")
        && !leaf.is_self_issued()
        && !certificates
            .iter()
            .any(|other| other.fingerprint() != leaf.fingerprint() && is_or_is_under(leaf, other))
}
