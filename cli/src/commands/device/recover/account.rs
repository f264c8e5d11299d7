//! `cseal device recover account`: all devices are lost, and this machine begins anew.

use std::collections::BTreeSet;

use counterseal_core::time::Time;
use counterseal_keysync::device::DeviceKeys;
use counterseal_keysync::limits::LISTED_OBJECTS;
use counterseal_keysync::recovery::{Seed, log_secrets, recover};
use counterseal_keysync::sync::{ACCOUNT_BOX, Ways};
use counterseal_keysync::transport::{Cursor, ObjectBox, ObjectName};

use super::super::{account, found, grant, join, rollover, sync};
use super::{copies, drill, seed};
use crate::args::RecoverAccount;
use crate::clock;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::lookup;
use crate::randomness::SystemRandom;
use crate::render::recover as render;
use crate::sync_places::{ConfiguredWays, Places};

/// Opens the copy, then makes the store, then keys that no lost device has.
pub(super) fn run(arguments: &RecoverAccount) -> Result<Exit, Failure> {
    let now = clock::now();
    let name = found::name(arguments.name.as_deref())?;
    let seed = seed::read(&arguments.seed)?;
    let objects = match &arguments.copy {
        Some(path) => copies::at(path)?,
        None => from_places(&seed, now)?,
    };
    let recovered = recover(&seed, &objects, now, &mut SystemRandom).map_err(drill::failed)?;
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::unknown("cannot-generate", "no key could be made").because(error)
    };
    let keys = DeviceKeys::generate(&name, now, &mut SystemRandom).map_err(|error| cannot(&error))?;
    let granted = recovered.grant(keys.certificates(), now, &mut SystemRandom).map_err(drill::failed)?;
    let mut store = join::open_or_create(arguments.no_passphrase, &arguments.passphrase, now)?;
    join::check_is_empty(&store)?;
    let taken = grant::take(&mut store, &keys, &granted, now)?;
    account::with_sync(&mut store, &taken.membership, now, |sync| sync.post_root_entries())?;
    let rollover = rollover::replace(&mut store, &recovered.retired(), now)?;
    account::ask_for_certificate(&mut store, &taken.membership, now)?;
    account::announce_own(&mut store, &taken.membership, now)?;
    account::retire_as_told(&mut store, &taken.membership, now)?;
    // The one device that is left certifies itself, and tells those that were lost.
    sync::round(&mut store, &taken.membership, &Places::of(Config::read()?))?;
    let brought = render::Brought {
        put_out: recovered.devices().len(),
        keys: taken.keys,
        missing: recovered.missing().len(),
        new_key: rollover.new,
        certified_elsewhere: rollover.certified_elsewhere.len(),
    };
    render::brought_back(&brought, &arguments.report)?;
    Ok(if brought.missing == 0 { Exit::Done } else { Exit::No })
}

/// The objects in all boxes of the account, wherever `config.toml` says that devices meet: each secret of the log leads
/// to a box in which the next one may lie.
fn from_places(seed: &Seed, now: Time) -> Result<Vec<Vec<u8>>, Failure> {
    let places = Places::of(Config::read()?);
    if places.addresses().is_empty() {
        return Err(Failure::usage("where is a copy of the account?").hint(
            "name a file of `cseal device export` or a folder with --copy, or the place of your devices as [[sync]] in config.toml",
        ));
    }
    let mut ways = ConfiguredWays::new(places, lookup::is_forbidden());
    let (mut objects, mut looked, mut unreached) = (Vec::new(), BTreeSet::new(), Vec::new());
    loop {
        let secrets = log_secrets(seed, &objects, now, &mut SystemRandom).map_err(drill::failed)?;
        let boxes: Vec<ObjectBox> =
            secrets.iter().map(|secret| ObjectBox::derive(secret, ACCOUNT_BOX)).collect();
        let new: Vec<&ObjectBox> = boxes.iter().filter(|one| looked.insert(*one.id())).collect();
        if new.is_empty() {
            break;
        }
        for object_box in new {
            for place in ways.places() {
                if let Err(error) = fetch(&mut ways, &place, object_box, &mut objects) {
                    unreached.push(format!("{place}: {error}"));
                }
            }
        }
    }
    if objects.is_empty() {
        return Err(Failure::unknown("no-account", "nothing of an account with these words was found")
            .details(unreached));
    }
    Ok(objects)
}

fn fetch(
    ways: &mut dyn Ways,
    place: &str,
    object_box: &ObjectBox,
    objects: &mut Vec<Vec<u8>>,
) -> Result<(), counterseal_keysync::transport::TransportError> {
    let mut transport = ways.open(place, object_box)?;
    let mut have: BTreeSet<ObjectName> = objects.iter().map(|object| ObjectName::of(object)).collect();
    for name in transport.list(&Cursor::default())?.names.into_iter().take(LISTED_OBJECTS) {
        if have.insert(name) {
            // One that is gone or forged is no reason to do without the others.
            objects.extend(transport.get(&name));
        }
    }
    Ok(())
}
