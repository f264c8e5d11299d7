//! `cseal keys renew --answer`: the CA's certificate for a key that was asked for.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use super::own;
use super::succeed::Renewal;
use crate::args;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::renew as render;
use crate::sources;
use crate::store::{KeyUse, Store, StoredKey};

/// Takes the certificate in; the key before retires in the same change.
pub(super) fn take(
    arguments: &args::Renew,
    store: &mut Store,
    file: &Path,
    now: Time,
) -> Result<Exit, Failure> {
    let certificates = sources::certificates(&[file.to_path_buf()])?;
    let (key, certificate) = waiting(store, &certificates).ok_or_else(|| {
        Failure::unknown("no-key", format!("{}: no key of yours has this certificate", file.display()))
            .hint("the answer belongs to the request that `cseal keys renew --csr FILE` wrote")
    })?;
    let address = own_address(store, arguments, &certificate)?;
    check(&certificate, key.key_use, now)?;
    let mut in_use = own::in_use(store, &address)?;
    in_use.retain(|own| own.key.fingerprint != key.fingerprint);
    let addresses = own_addresses(store, &certificate)?;
    let mut renewal = Renewal::of(&address, now);
    {
        let keys = store::keys(store, Unlock::from_options(&arguments.passphrase))?;
        let mut before = in_use.iter().filter(|own| own.key.key_use == key.key_use);
        let before = before.find(|own| own.certificate.may_sign_mail().is_ok());
        renewal
            .follows(&keys, before, &key.fingerprint, &addresses)
            .map_err(|failure| keys.failure().unwrap_or(failure))?;
    }
    renewal.is_answered(key.key_use, &certificate, &certificates);
    renewal.stands_for_its_owner(key.fingerprint, &addresses);
    renewal.retires(&in_use, key.key_use);
    store::unlock(store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| renewal.keep(writer))?;
    render::renewed(&renewal.report(), arguments.report.json)?;
    Ok(Exit::Done)
}

/// The key of ours that a certificate is about.
fn waiting(store: &Store, certificates: &[Certificate]) -> Option<(StoredKey, Certificate)> {
    let keys = store.secret_keys().ok()?;
    let of_key = |key: StoredKey| {
        let own = certificates.iter().find(|certificate| certificate.fingerprint() == key.fingerprint)?;
        Some((key, own.clone()))
    };
    keys.into_iter().filter(|key| key.retired.is_none()).find_map(of_key)
}

/// The address that it is for: the one that was typed, else the first one that it names and that is ours.
fn own_address(
    store: &Store,
    arguments: &args::Renew,
    certificate: &Certificate,
) -> Result<EmailAddress, Failure> {
    let mut own = own_addresses(store, certificate)?.into_iter();
    let found = match &arguments.address {
        Some(typed) => {
            let typed = crate::commands::parse_address(typed)?;
            own.find(|address| address.matches(&typed))
        }
        None => own.next(),
    };
    found.ok_or_else(|| Failure::no("other-address", "the certificate does not name this address of yours"))
}

/// The addresses of a certificate that are ours already: a CA's answer makes nobody's else so.
fn own_addresses(store: &Store, certificate: &Certificate) -> Result<Vec<EmailAddress>, Failure> {
    let mut own = Vec::new();
    for address in certificate.addresses() {
        if !store::own_keys(store, address)?.is_empty() {
            own.push(address.clone());
        }
    }
    Ok(own)
}

/// What a CA answers is not always what was asked for.
fn check(certificate: &Certificate, key_use: KeyUse, now: Time) -> Result<(), Failure> {
    if !certificate.is_valid_at(now) {
        let (from, until) = (certificate.not_before().to_date(), certificate.not_after().to_date());
        return Err(Failure::no("expired", format!("the certificate is valid from {from} until {until}")));
    }
    let suits = match key_use {
        KeyUse::Encryption => certificate.may_receive_encrypted_mail(),
        KeyUse::Signing | KeyUse::PersonalCa => certificate.may_sign_mail(),
    };
    suits.map_err(|_| {
        Failure::no("certificate-usage", format!("the certificate is not for {}", key_use.word()))
            .hint("ask the CA for a certificate for mail, with the usages of the request")
    })
}
