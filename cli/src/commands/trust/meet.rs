//! `cseal trust meet`: what two people compare. It needs no passphrase and keeps nothing.

use std::cmp::Reverse;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::{Fingerprint, safety_digits};
use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::keys::{lacks_personal_ca, stands_for};
use crate::commands::parse_address;
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::render::trust::meet::{self, Meeting};
use crate::store::{Store, TrustKind, TrustRow};

/// Shows the digits of both keys.
pub(super) fn run(arguments: &args::TrustMeet) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let store = store::open()?;
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let owner = store::owner(&store)?;
    let own = owner.as_ref().map(|owner| standing(&store, owner, &certificates)).transpose()?.flatten();
    if let Some(owner) = &owner {
        super::meeting::refuse_own(owner, &address)?;
    }
    let Some((owner, own)) = owner.zip(own) else {
        return Err(Failure::unknown("no-key", "you have no key of your own to be compared")
            .hint("make one with `cseal init ADDRESS`"));
    };
    let leaves: Vec<&Certificate> = certificates
        .iter()
        .filter(|certificate| {
            !certificate.is_certificate_authority()
                && certificate.addresses().iter().any(|named| named.matches(&address))
        })
        .collect();
    let compared = compared_last(&store, &address, &leaves, &certificates)?;
    let Some(leaf) = compared.or_else(|| leaves.first().copied()) else {
        return Err(Failure::unknown("no-key", format!("{address}: no certificate of it is known"))
            .hint(format!(
                "take one in with `cseal keys import FILE`; or stand beside each other: `cseal trust meet {address} \
                 --show --folder DIR` here, and there the same for your address with --paste"
            )));
    };
    if lacks_personal_ca(leaf, &certificates) {
        return Err(no_personal_ca(&address));
    }
    let theirs = stands_for(leaf, &certificates);
    let meeting = Meeting::new(&address, &theirs, &owner, &own, safety_digits(&own, &theirs));
    meet::show(&meeting, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What stands for the owner now: for the key that signs, as others see it in the next mail, and that is
/// never a retired one.
fn standing(
    store: &Store,
    owner: &EmailAddress,
    certificates: &[Certificate],
) -> Result<Option<Fingerprint>, Failure> {
    let in_use: Vec<_> = store.secret_keys()?.into_iter().filter(|key| key.retired.is_none()).collect();
    let is_in_use = |key: &Fingerprint| in_use.iter().any(|own| own.fingerprint == *key);
    let signs = certificates.iter().filter(|certificate| {
        !certificate.is_certificate_authority()
            && is_in_use(&certificate.fingerprint())
            && certificate.may_sign_mail().is_ok()
            && certificate.addresses().iter().any(|named| named.matches(owner))
    });
    if let Some(newest) = signs.min_by_key(|certificate| Reverse(certificate.not_before())) {
        return Ok(Some(stands_for(newest, certificates)));
    }
    let own = store::own_keys(store, owner)?;
    let is_own = |key: &Fingerprint| own.contains(key.sha256()) && is_in_use(key);
    Ok(certificates.iter().map(Certificate::fingerprint).find(is_own))
}

/// The contact's certificate under the key that was compared last: one that follows it counts as compared, too.
fn compared_last<'c>(
    store: &Store,
    address: &EmailAddress,
    leaves: &[&'c Certificate],
    certificates: &[Certificate],
) -> Result<Option<&'c Certificate>, Failure> {
    let (rows, key) = (store.trust_rows()?, address.lookup_key());
    let pins = rows.iter().rev().filter(|row| row.kind == TrustKind::Pin && row.address == key);
    let is_under = |pin: &TrustRow, leaf: &Certificate| {
        leaf.fingerprint().sha256() == &pin.key || stands_for(leaf, certificates).sha256() == &pin.key
    };
    let found = pins.filter_map(|pin| leaves.iter().find(|leaf| is_under(pin, leaf)).copied()).next();
    Ok(found)
}

/// What the two would compare is not at hand.
pub(super) fn no_personal_ca(address: &EmailAddress) -> Failure {
    Failure::unknown(
        "no-personal-ca",
        format!("the personal CA of {address} is not known here, and it is what you two compare"),
    )
    .hint(format!(
        "ask {address} for a signed mail or a file of `cseal keys export`, and `cseal keys import` it; or \
         look: `cseal keys find {address} --source http --import`"
    ))
}
