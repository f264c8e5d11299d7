//! `cseal keys export --for openpgp`: the OpenPGP twin of a key, for others to certify with `gpg` and `sq`.

use std::io::Write;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::CARRIED_EVIDENCE_BYTES;
use counterseal_core::openpgp::{TwinError, export_twin, to_binary};
use counterseal_core::x509::Certificate;

use super::is_or_is_under;
use crate::args;
use crate::clock;
use crate::commands::statements;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::files::{Content, Output};
use crate::store::{Store, TrustKind};

/// Writes the twin of the key that stands for the owner: the personal CA's, else the first that was named.
pub(super) fn write(
    arguments: &args::Export,
    store: &mut Store,
    certificates: &[Certificate],
) -> Result<(), Failure> {
    let authority = certificates.iter().find(|certificate| certificate.is_certificate_authority());
    let Some(certificate) = authority.or(certificates.first()) else {
        return Err(super::unknown_key(arguments.named()));
    };
    let mut addresses: Vec<EmailAddress> = Vec::new();
    for address in
        certificates.iter().filter(|own| is_or_is_under(own, certificate)).flat_map(Certificate::addresses)
    {
        if !addresses.iter().any(|own| own.matches(address)) {
            addresses.push(address.clone());
        }
    }
    let now = clock::now();
    let twin = {
        let keys = store::keys(store, Unlock::from_options(&arguments.passphrase))?;
        export_twin(&keys, certificate.public_key(), "", &addresses, now)
            .map_err(|error| keys.failure().unwrap_or_else(|| failure(&error)))?
    };
    let name = arguments.output.as_deref();
    let mut output = Output::at(name, arguments.overwrite, Content::Text)?;
    output.write_all(twin.as_bytes()).map_err(|error| Failure::io("the output", &error))?;
    output.commit()?;
    go_along(store, &twin, certificate)
}

/// From now on the twin goes along with our mail, so that others need not be sent it. One that is there
/// already has what others certified on it, and stays.
fn go_along(store: &mut Store, twin: &str, certificate: &Certificate) -> Result<(), Failure> {
    let rows = store.trust_rows()?;
    let own = certificate.fingerprint();
    let is_own = rows.iter().any(|row| row.kind == TrustKind::Own && row.key == *own.sha256());
    let packets = to_binary(twin.as_bytes()).filter(|packets| packets.len() <= CARRIED_EVIDENCE_BYTES / 2);
    let Some(packets) = packets.filter(|_| is_own) else { return Ok(()) };
    if statements::has_twin(store)? {
        return Ok(());
    }
    store.write(clock::now(), |writer| statements::carry_twin(&packets, writer))?;
    Ok(())
}

fn failure(error: &TwinError) -> Failure {
    Failure::unknown("cannot-export", format!("no OpenPGP twin of this key was made: {error}"))
        .hint("only your own RSA, NIST and Ed25519 keys have one")
}
