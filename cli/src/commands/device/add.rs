//! `cseal device add`: another machine becomes one of this person's devices.

use std::path::Path;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_keysync::device::{DeviceCertificates, Role};
use counterseal_keysync::grant::Grant;
use counterseal_keysync::log::Policy;
use counterseal_keysync::pairing::{
    Circumstances, DevicePart, Devices, Opening, Pairing, Peer, Profile, ReleasePolicy,
};
use counterseal_keysync::transport::address::Address;
use serde_json::json;

use super::account::{self, Membership};
use super::{found, grant};
use crate::args::{self, RoleName};
use crate::clock;
use crate::commands::parse_address;
use crate::commands::store::{self, Unlock};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::pairing::carrier::{self, Carrier};
use crate::pairing::{self, Crank, Happening, Screen, Ways, Wording};
use crate::places;
use crate::render::pairing::Carried;
use crate::store::Store;
use crate::terminal::{self, SafeText, shell_word};

/// How often the passphrase may be mistyped.
const TRIES: usize = 3;

/// Pairs with the new device, and hands over what its role is for.
pub(super) fn run(arguments: &args::DeviceAdd) -> Result<Exit, Failure> {
    pairing::refuse_argument(arguments.argument.as_deref())?;
    let now = clock::now();
    let by_file = arguments.how.file.is_some();
    let mut carrier = by_file.then(|| carrier(arguments)).transpose()?;
    let request = arguments.how.file.as_deref().map(carrier::device_request).transpose()?;
    let places = Config::read()?.sync;
    let ways = if by_file { Ways::none() } else { Ways::from_options(&arguments.ways)? };
    let mut store = store::open()?;
    unlock(&store, &arguments.passphrase)?;
    let membership = found::ensure(&mut store, &arguments.account, now)?;
    let (told, _) = account::told(&mut store, &membership.account, now)?;
    let own = told.live(&membership.device.id());
    if !own.is_some_and(|own| own.role.administers()) {
        return Err(Failure::no("no-right", "this device may not add another one")
            .hint("an admin device can: see `cseal device list`"));
    }
    let mut ways = of_account(ways, told.policy, &places, arguments.how.show)?;
    let keys = membership.keys(&store)?;
    let screen = Screen::new(Wording::Old, arguments.report.json, &arguments.shown)?;
    let opening = match request {
        Some(request) => Opening::AnswerFile(request),
        None => opening(&arguments.how, &mut ways, &screen)?,
    };
    let profile = Profile {
        name: membership.device.name(),
        account: Some(*membership.account.as_bytes()),
        ..profile(&ways)
    };
    let pairing = Pairing::<Devices>::new(opening, DevicePart::Old, profile).map_err(|_| {
        Failure::usage("this code was shown by a device of an account, or is for two people")
            .hint("the new device says `cseal device join`; two people `cseal trust meet`")
    })?;
    let role = role(arguments.role, now);
    if arguments.how.typed {
        let account = found::shown(&membership.account);
        screen.say(
            "account",
            json!({ "account": account }),
            &format!("Your account: {account}. The new device shows it, and asks whether it is yours."),
        )?;
    }
    let mut crank = Crank::new(pairing, &keys, &ways, screen);
    let mut name = String::new();
    loop {
        match crank.next().map_err(|failure| with_name(failure, &name))? {
            Happening::Approve => {
                warn_of_keys_that_stay(&mut crank, &mut store, &membership, role)?;
                approve(&mut crank, arguments, role)?;
            }
            Happening::Release(released) => {
                let grant = admit(&mut store, &membership, released.peer(), role, clock::now())?;
                name = released.peer().name().to_owned();
                let payload = grant::add_along(grant, &mut store, role, &places, crank.screen())
                    .map_err(|failure| with_name(failure, &name))?;
                if !by_file {
                    say_listed(&mut crank, &name, role)?;
                }
                crank.grant(released, &payload).map_err(|failure| with_name(failure, &name))?;
            }
            Happening::File(bytes) => carrier
                .take()
                .map_or(Ok(()), |carrier| carrier.carry(&bytes))
                .map_err(|failure| with_name(failure, &name))?,
            Happening::Done(acknowledged) => {
                let arrived = acknowledged.is_some();
                crank.screen().say(
                    "added",
                    json!({ "name": name, "role": role.word(), "acknowledged": arrived }),
                    &added(&name, role, arrived, by_file.then_some(arguments.answer.as_deref())),
                )?;
                return Ok(Exit::Done);
            }
            // Who adds a device is there: nothing has to survive but what the store has.
            Happening::Keep(_) | Happening::Import(_) | Happening::Met(_) | Happening::Pause => {}
        }
    }
}

/// From here on the device is on the list and has keys, whatever ends this: a line that was lost, or the person.
fn say_listed(crank: &mut Crank<'_, Devices>, name: &str, role: Role) -> Result<(), Failure> {
    crank.screen().say(
        "listed",
        json!({ "name": name, "role": role.word() }),
        &format!("{} is on your list of devices ({}), and your keys go to it.", SafeText(name), role.word()),
    )
}

/// A failure after the device was listed says so.
fn with_name(failure: Failure, name: &str) -> Failure {
    if name.is_empty() { failure } else { failure.hint(if_not_yours(name)) }
}

fn if_not_yours(name: &str) -> String {
    let word = shell_word(&SafeText(name).to_string());
    format!(
        "{} is on your list of devices and may have your keys; if it is not yours: `cseal device revoke {word}`",
        SafeText(name)
    )
}

/// What the person reads at the end: the new device is one as soon as it has the keys, which a file cannot tell us.
fn added(device: &str, role: Role, arrived: bool, answer: Option<Option<&Path>>) -> String {
    let (name, role) = (SafeText(device), role.word());
    match answer {
        Some(path) => {
            let answer = path.map_or_else(|| "the mail".to_owned(), |path| path.display().to_string());
            format!(
                "{name} becomes one of your devices ({role}) as soon as it has read {}; the answer cannot be \
                 opened without its words.",
                SafeText(&answer)
            )
        }
        None if arrived => format!("{name} is one of your devices now: {role}."),
        None => format!(
            "{name} has not said that your keys arrived ({role}). {}. If it is yours and has no keys, put it out in \
             the same way, and add it again.",
            if_not_yours(device)
        ),
    }
}

/// The way of the answer to the new device.
fn carrier(arguments: &args::DeviceAdd) -> Result<Carrier, Failure> {
    let own = arguments.mail.as_deref().map(parse_address).transpose()?;
    let to_oneself = own.map(|own| (own.clone(), own));
    Carrier::prepare(Carried::DeviceAnswer, arguments.answer.as_deref(), to_oneself)
}

fn opening(how: &args::AddHow, ways: &mut Ways, screen: &Screen) -> Result<Opening, Failure> {
    Ok(match how {
        args::AddHow { typed: true, .. } => Opening::TypePassword(pairing::typed(screen)?),
        args::AddHow { show: true, .. } => Opening::ShowCode,
        args::AddHow { sas: true, .. } => Opening::PickName,
        args::AddHow { image, camera, .. } => {
            Opening::ScanCode(pairing::scanned(image.as_deref(), *camera, ways, screen)?)
        }
    })
}

/// The ways as the rules of the account have them, with the relay of its places where this side shows the code.
fn of_account(mut ways: Ways, policy: Policy, places: &[Address], shows_code: bool) -> Result<Ways, Failure> {
    if policy.lan_only {
        ways.keep_to_lan(
            "your account takes new devices over the local network alone",
            "leave out --folder and --relay",
        )?;
    }
    Ok(if shows_code { ways.or_relay_of(places) } else { ways })
}

/// What the code says of the ways, and the gate of them.
fn profile(ways: &Ways) -> Profile {
    Profile {
        policy: ReleasePolicy { lan_only: ways.is_lan_only(), ..ReleasePolicy::default() },
        lan_only: ways.is_lan_only(),
        relay: ways.relay_in_code(),
        ..Profile::default()
    }
}

fn role(name: RoleName, now: Time) -> Role {
    match name {
        RoleName::Reader => Role::Reader,
        RoleName::Writer => Role::Writer,
        RoleName::Admin => Role::Admin,
        RoleName::Courier => Role::Courier,
        RoleName::Kiosk => Role::Kiosk { since: now },
    }
}

/// A key that also signs mail is for those who sign: whoever adds a reader hears it before, and not from the reader.
fn warn_of_keys_that_stay(
    crank: &mut Crank<'_, Devices>,
    store: &mut Store,
    membership: &Membership,
    role: Role,
) -> Result<(), Failure> {
    account::announce_own(store, membership, clock::now())?;
    let (told, _) = account::told(store, &membership.account, clock::now())?;
    let stay = told.keys.iter().map(|key| key.announced.purpose);
    let stay = stay.filter(|purpose| purpose.opens_mail() && !purpose.is_for(role)).count();
    if stay == 0 || !role.decrypts() {
        return Ok(());
    }
    let keys = if stay == 1 {
        "1 key that opens mail also signs it".to_owned()
    } else {
        format!("{stay} keys that open mail also sign it")
    };
    crank.screen().say(
        "keys-stay",
        json!({ "keys": stay, "role": role.word() }),
        &format!(
            "{keys}, and a {} does not get it: mail to it stays closed there. With --role writer the new device \
             opens it, and can write in your name.",
            role.word()
        ),
    )
}

/// The passphrase again, by whoever is there, and whether this is the device in front of them.
fn approve(crank: &mut Crank<'_, Devices>, arguments: &args::DeviceAdd, role: Role) -> Result<(), Failure> {
    unlock(&Store::open(&places::data()?)?, &arguments.passphrase)?;
    let name = crank.pairing().peer().map(|peer| peer.name().to_owned()).unwrap_or_default();
    let on_local_network = crank.is_on_local_network();
    let place = if on_local_network { ", seen on your local network" } else { "" };
    let (device, word) = (SafeText(&name).to_string(), role.word());
    let question = if arguments.how.file.is_some() {
        format!("New device {device:?}, role {word}. Was the request made by your own hands, on that device?")
    } else {
        format!("New device {device:?}, role {word}{place}. Are you looking at this device right now?")
    };
    let fields = json!({ "name": name, "role": role.word(), "on_local_network": on_local_network });
    let confirmed = crank.screen().yes("approve", &question, fields)?;
    crank.approve(Circumstances { reauthenticated: true, confirmed, on_local_network, approvals: 0 });
    Ok(())
}

/// Unlocks the store; who types may mistype, for a device is waiting.
fn unlock(store: &Store, options: &args::Passphrase) -> Result<(), Failure> {
    let how = Unlock::from_options(options);
    for _ in 1..TRIES {
        match store::unlock(store, &how) {
            Err(failure) if failure.word == "wrong-passphrase" && !how.is_given() => {
                terminal::say("That is not the passphrase. Once more.");
            }
            unlocked => return unlocked,
        }
    }
    store::unlock(store, &how)
}

/// Adds the device, and makes what it gets.
fn admit(
    store: &mut Store,
    membership: &Membership,
    peer: &Peer,
    role: Role,
    now: Time,
) -> Result<Grant, Failure> {
    let list: Vec<&[u8]> = peer.certificates().iter().map(Certificate::as_der).collect();
    let device = DeviceCertificates::from_list(&list).map_err(|error| {
        Failure::unknown("not-a-device", "the other side has no certificates of a device").because(error)
    })?;
    grant::give(store, membership, &device, (role, peer.name()), now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_account_for_the_local_network_alone_says_so_and_names_no_relay() {
        let places = [Address::parse("relay:https://relay.example.org").unwrap()];
        let said = |lan_only, shows_code| {
            let ways = Ways::from_options(&args::Ways::default()).ok().unwrap();
            let policy = Policy { lan_only, ..Policy::default() };
            let said = profile(&of_account(ways, policy, &places, shows_code).ok().unwrap());
            (said.lan_only, said.policy.lan_only, said.relay)
        };
        assert_eq!(said(true, true), (true, true, None));
        assert_eq!(said(false, true), (false, false, Some("relay.example.org".to_owned())));
        assert_eq!(said(false, false), (false, false, None));
        let folder = args::Ways { folder: vec!["/".into()], ..args::Ways::default() };
        let policy = Policy { lan_only: true, ..Policy::default() };
        let refused = of_account(Ways::from_options(&folder).ok().unwrap(), policy, &places, true);
        assert_eq!(refused.err().map(|failure| failure.word), Some("usage"));
    }

    #[test]
    fn a_device_is_called_one_of_the_persons_when_it_said_so_and_no_sooner() {
        let said = |arrived, answer| added("thinkpad-7", Role::Reader, arrived, answer);
        assert_eq!(said(true, None), "thinkpad-7 is one of your devices now: reader.");
        let silent = said(false, None);
        assert!(silent.contains("has not said that your keys arrived"));
        assert!(silent.contains("may have your keys; if it is not yours: `cseal device revoke thinkpad-7`"));
        let by_file = said(false, Some(Some(Path::new("grant.ksa"))));
        assert!(by_file.contains("becomes one of your devices (reader) as soon as it has read grant.ksa"));
        assert!(!by_file.contains("now"));
    }
}
