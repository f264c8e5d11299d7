//! `cseal trust meet`: what two people compare. It needs no passphrase and keeps nothing.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::safety_digits;
use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::keys::{lacks_personal_ca, stands_for};
use crate::commands::parse_address;
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::render::trust::meet::{self, Meeting};
use crate::store::TrustKind;

/// Shows the digits of both keys.
pub(super) fn run(arguments: &args::TrustMeet) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let store = store::open()?;
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let owner = store::owner(&store)?;
    let rows = store.trust_rows()?;
    let own = rows.iter().find(|row| row.kind == TrustKind::Own).and_then(|row| {
        certificates.iter().map(Certificate::fingerprint).find(|key| key.sha256() == &row.key)
    });
    let Some((owner, own)) = owner.zip(own) else {
        return Err(Failure::unknown("no-key", "you have no key of your own to be compared")
            .hint("make one with `cseal init ADDRESS`"));
    };
    let mut leaves = certificates.iter().filter(|certificate| {
        !certificate.is_certificate_authority()
            && certificate.addresses().iter().any(|named| named.matches(&address))
    });
    let Some(leaf) = leaves.next() else {
        return Err(Failure::unknown("no-key", format!("{address}: no certificate of it is known"))
            .hint("take one in with `cseal keys import FILE`"));
    };
    if lacks_personal_ca(leaf, &certificates) {
        return Err(no_personal_ca(&address));
    }
    let theirs = stands_for(leaf, &certificates);
    let meeting = Meeting::new(&address, &theirs, &owner, &own, safety_digits(&own, &theirs));
    meet::show(&meeting, arguments.report.json)?;
    Ok(Exit::Done)
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
