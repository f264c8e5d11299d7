//! `cseal device revoke`: a device is put out, and what it had is replaced.

use super::account::{self, Membership};
use super::rollover::{self, Rollover};
use super::{choose, foreign};
use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::devices::{self as render, PutOut};
use crate::store::{Store, TrustKind};

/// Looks first whether keys would be lost; then the log, the log secret, the key, its certificate.
pub(super) fn run(arguments: &args::DeviceRevoke) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    let membership = Membership::expect(&store)?;
    let (told, _) = account::told(&mut store, &membership.account, now)?;
    if foreign::readers(&store)?.iter().any(|reader| reader.name == arguments.device) {
        return Err(Failure::no(
            "unknown-device",
            "what a phone or another program was given cannot be taken back",
        )
        .hint("make a new key with `cseal keys renew`, then add those that you still have again"));
    }
    let device = choose::device(&told, &arguments.device)?;
    if device == membership.device.id() {
        return Err(Failure::usage("this is the device itself").hint("revoke it on another admin device"));
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let care =
        account::with_sync(&mut store, &membership, now, |sync| sync.revoke(device, arguments.anyway, now))?;
    let rollover =
        if care.new_key { rollover::replace(&mut store, &care.retired, now)? } else { Rollover::default() };
    let announced = account::announce_own(&mut store, &membership, now)?;
    let (after, _) = account::told(&mut store, &membership.account, now)?;
    let name = told.devices.get(&device).map(|device| device.name.clone()).unwrap_or_default();
    render::put_out(
        &PutOut {
            device,
            name,
            retired: care.retired.len(),
            new_key: rollover.new,
            revoked: rollover.revoked.len(),
            certified_elsewhere: rollover.certified_elsewhere.len(),
            announced: announced.len(),
            authority: care.authority,
            contacts: contacts(&store)?,
            key_is_missing: after.current_mail_key().is_none(),
        },
        arguments.report.json,
    )?;
    Ok(Exit::Done)
}

/// How many people may encrypt to the old certificate until they see the new one.
fn contacts(store: &Store) -> Result<usize, Failure> {
    let rows = store.trust_rows()?;
    let mut addresses: Vec<_> =
        rows.iter().filter(|row| row.kind != TrustKind::Own).map(|row| row.address.as_str()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses.len())
}
