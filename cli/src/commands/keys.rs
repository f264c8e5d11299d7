//! `cseal keys`: the person's keys, and the contacts' certificates.

mod contacts;
pub(crate) mod export;
pub(crate) mod find;
mod generate;
pub(crate) mod import;
mod list;
pub(crate) mod mobileconfig;
mod publish;
mod remove;
pub(crate) mod renew;
pub(crate) mod revoke;
pub(crate) mod sealed;
mod twin;
mod vcard;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;

use crate::args::{Keys, KeysCommand};
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::store::Store;

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

/// None of the owner's own keys is called so; a contact's is no key to revoke or remove.
pub(crate) fn unknown_own_key(store: &Store, typed: &str) -> Failure {
    let names = |named: &EmailAddress| EmailAddress::parse(typed).is_ok_and(|typed| typed.matches(named));
    let known = store.certificates().unwrap_or_default();
    let known = known.iter().filter_map(|der| Certificate::from_der(der).ok());
    let named = known.filter(|one| one.fingerprint().is_named_by(typed) || one.addresses().iter().any(names));
    let addresses: Vec<EmailAddress> = named.flat_map(|one| one.addresses().to_vec()).collect();
    let is_own = |address: &EmailAddress| store::own_keys(store, address).is_ok_and(|own| !own.is_empty());
    match addresses.first() {
        None => unknown_key(typed),
        Some(address) if is_own(address) => {
            Failure::unknown("no-key", format!("{typed}: an address may have several keys of yours"))
                .hint("name the key by its fingerprint, as `cseal keys list` shows it")
        }
        Some(address) => Failure::unknown("no-key", format!("{typed}: no key of yours, but of {address}"))
            .hint(format!("forget a contact with `cseal trust forget {address}`")),
    }
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
