//! `cseal device sync`: one round over the places where the devices meet, or one after the other.

mod service;
mod watch;

use counterseal_core::x509::Certificate;
use counterseal_keysync::sync::Report;

pub(crate) use self::service::Installed;
use self::watch::Watch;
use super::account::{self, Membership};
use super::install;
use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::lookup;
use crate::render::device_sync as render;
use crate::store::Store;
use crate::sync_places::{ConfiguredWays, Places, Serving};

/// Fetches, takes in, and posts; with `--watch` until it is ended.
pub(super) fn run(arguments: &args::DeviceSync) -> Result<Exit, Failure> {
    if arguments.install {
        if store::open()?.needs_passphrase()? {
            return Err(Failure::unknown(
                "passphrase-needed",
                "your key store has a passphrase, and a service cannot type it",
            )
            .hint("let the desktop's keyring open it: cseal passphrase --keyring; or run `cseal device sync --watch` yourself"));
        }
        return service::install().and_then(|unit| render::installed(&unit)).map(|()| Exit::Done);
    }
    let mut store = store::open()?;
    let membership = Membership::expect(&store)?;
    let mut places = Places::of(Config::read()?);
    let count = places.addresses().len();
    if count == 0 {
        return Err(Failure::unknown("no-place", "config.toml names no place where your devices meet").hint(
            "add one: [[sync]] with folder = \"/media/stick\", relay = \"https://relay.example.org\", imap = \"work\" or lan = true",
        ));
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let json = arguments.report.json;
    if !arguments.watch {
        let report = round(&mut store, &membership, &places)?;
        render::round(&report, &names(&mut store, &membership)?, count, json)?;
        return Ok(exit(&report, count));
    }
    let (mut watch, mut serving) = (Watch::new(), Serving::new()?);
    loop {
        if let Err(failure) = serve(&mut store, &membership, &mut serving, &mut places) {
            render::failed(&failure, json)?;
        }
        match round(&mut store, &membership, &places) {
            Ok(report) => render::news(&report, &names(&mut store, &membership)?, count, json)?,
            // A disk that is full, or a store that somebody locked, may be well again the next time.
            Err(failure) => render::failed(&failure, json)?,
        }
        let meeting = account::with_sync(&mut store, &membership, clock::now(), |sync| sync.meeting());
        watch.wait(&places, meeting.ok());
    }
}

/// Offers to others on the local network what this account reads, as its log has it now.
fn serve(
    store: &mut Store,
    membership: &Membership,
    serving: &mut Serving,
    places: &mut Places,
) -> Result<(), Failure> {
    if lookup::is_forbidden() {
        return Ok(());
    }
    let boxes = account::with_sync(store, membership, clock::now(), |sync| sync.object_boxes())?;
    let served = serving.offer(places, &boxes);
    let served =
        served.map_err(|error| Failure::unknown("not-reached", format!("the local network: {error}")))?;
    for place in served.to_fill() {
        account::with_sync(store, membership, clock::now(), |sync| sync.begin_anew(&place))?;
    }
    places.serve(served);
    Ok(())
}

/// One round: what is ours is announced, what others have comes, and the store does as the log says.
pub(super) fn round(store: &mut Store, membership: &Membership, places: &Places) -> Result<Report, Failure> {
    let now = clock::now();
    account::announce_own(store, membership, now)?;
    account::ask_for_certificate(store, membership, now)?;
    account::roll_keys(store, membership, now)?;
    let mut ways = ConfiguredWays::new(places.clone(), lookup::is_forbidden());
    let report = account::with_sync(store, membership, now, |sync| sync.round(&mut ways, now))?;
    take_answers(store, membership)?;
    account::retire_as_told(store, membership, now)?;
    let names = names(store, membership)?;
    account::keep_alarms(store, &report.alarms, &names, now)?;
    // What other programs say is in their record, and in `cseal device list`.
    install::after_sync(store, !report.imported.is_empty())?;
    Ok(report)
}

/// What the person calls each device.
fn names(store: &mut Store, membership: &Membership) -> Result<render::Names, Failure> {
    let (told, _) = account::told(store, &membership.account, clock::now())?;
    Ok(told.devices.into_iter().map(|(id, device)| (id, device.name)).collect())
}

/// Keeps the certificates that an admin device issued for this one.
fn take_answers(store: &mut Store, membership: &Membership) -> Result<(), Failure> {
    let now = clock::now();
    let (told, _) = account::told(store, &membership.account, now)?;
    let ours = told.requests.iter().filter(|request| request.device == membership.device.id());
    let issued = ours.flat_map(|request| request.certificates.iter().flatten());
    let kept = store.certificates()?;
    let new: Vec<Certificate> =
        issued.filter(|der| !kept.contains(der)).filter_map(|der| Certificate::from_der(der).ok()).collect();
    if new.is_empty() {
        return Ok(());
    }
    Ok(store.write(now, |writer| {
        new.iter().try_for_each(|certificate| {
            writer.add_certificate(certificate.as_der(), &certificate.fingerprint()).map(drop)
        })
    })?)
}

/// A device that was cloned, or a log that is held back, is at odds with what was seen before; and where no place was
/// reached, or none has room in the box that is written to, nobody knows what is new here.
fn exit(report: &Report, places: usize) -> Exit {
    if report.alarms.iter().any(render::is_contradiction) {
        Exit::Contradiction
    } else if render::closed(report) >= places {
        Exit::Unknown
    } else {
        Exit::Done
    }
}
