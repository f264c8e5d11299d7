//! `cseal trust witness`: time stamping authorities, and their stamps of the history.

use std::time::Duration;

use counterseal_core::cms::time_stamp::{TimeStamp, TimeStampRequest};
use counterseal_core::limits;
use counterseal_core::policy::Network;
use counterseal_core::trust::log::Head;
use counterseal_core::x509::Certificate;

use crate::args::{self, WitnessCommand};
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::commands::witnesses::{self, Stamp, Witness};
use crate::failure::{Exit, Failure};
use crate::files::{read_file, write_file};
use crate::lookup::{self, Fetched, Reach, Web};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::render::trust::{history, witness as render};
use crate::sources;
use crate::store::{Log, Store};

/// The media types of RFC 3161, section 3.4.
const QUERY: &str = "application/timestamp-query";

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &args::Witness) -> Result<Exit, Failure> {
    match &arguments.command {
        WitnessCommand::Add(arguments) => add(arguments),
        WitnessCommand::List(arguments) => list(&store::open()?, &arguments.report),
        WitnessCommand::Remove(arguments) => remove(arguments),
        WitnessCommand::Stamp(arguments) => stamp(arguments),
    }
}

fn add(arguments: &args::WitnessAdd) -> Result<Exit, Failure> {
    let url = arguments.url.clone().unwrap_or_default();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !(url.is_empty() || is_web) || url.len() > limits::URL_BYTES {
        return Err(Failure::usage(format!("{url}: no URL of a time stamping authority"))
            .hint("write https://… or http://…; stamps are signed, so that both do"));
    }
    let mut certificates = sources::certificates(&arguments.certificates)?;
    if certificates.iter().any(Certificate::is_certificate_authority) {
        certificates.retain(Certificate::is_certificate_authority);
    }
    let mut store = store::open()?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let added: Vec<Witness> =
        certificates.into_iter().map(|authority| Witness { authority, url: url.clone() }).collect();
    store
        .write(clock::now(), |writer| added.iter().try_for_each(|witness| witness.keep(writer).map(drop)))?;
    list(&store, &arguments.report)
}

fn remove(arguments: &args::WitnessRemove) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let mut named = witnesses::all(&store)?;
    named.retain(|witness| {
        witness.url == arguments.name || witness.authority.fingerprint().is_named_by(&arguments.name)
    });
    if named.is_empty() {
        return Err(Failure::unknown("no-key", format!("{}: no such witness", arguments.name))
            .hint("see what there is with `cseal trust witness list`"));
    }
    let stamps = witnesses::stamps(&store)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store
        .write(clock::now(), |writer| named.iter().try_for_each(|witness| witness.forget(&stamps, writer)))?;
    list(&store, &arguments.report)
}

fn list(store: &Store, report: &args::Report) -> Result<Exit, Failure> {
    let log = store.log()?;
    let stamps = witnesses::stamps(store)?;
    let now = clock::now();
    let all = witnesses::all(store)?;
    let objects = all.iter().map(|witness| {
        // What counts is what holds today: the stamp, its authority, and the log up to there.
        let proven = stamps.iter().rev().filter(|stamp| stamp.is_by(witness)).find_map(|stamp| {
            let head = witnesses::heads(&log.entries).find(|head| head.length == stamp.length)?;
            let at = witness.proves(&stamp.read(witness).ok()?, &head, now).ok()?;
            Some((stamp.length, at, stamp.to_hex()))
        });
        render::WitnessObject::new(&witness.authority, &witness.url, proven)
    });
    render::list(objects.collect(), report.json)?;
    log.fault.map_or(Ok(Exit::Done), |fault| Err(history::broken(fault)))
}

fn stamp(arguments: &args::WitnessStamp) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let log = store.log()?;
    if let Some(fault) = log.fault {
        return Err(history::broken(fault));
    }
    if log.entries.is_empty() {
        return Err(Failure::unknown("no-history", "the history has no entry to stamp yet"));
    }
    if let Some(path) = &arguments.query_out {
        let query = TimeStampRequest::new(&log.head.stamped_bytes(), &mut SystemRandom);
        write_file(path, query.as_der(), arguments.overwrite)?;
        return Ok(Exit::Done);
    }
    let all = witnesses::all(&store)?;
    let stamps = match &arguments.response {
        Some(path) => vec![by_hand(&read_file(path, limits::TIME_STAMP_BYTES)?, &all, &log)?],
        None => by_network(&all, &log.head)?,
    };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| stamps.iter().try_for_each(|stamp| stamp.keep(writer).map(drop)))?;
    list(&store, &arguments.report)
}

/// An answer that somebody carried here: it may be about an earlier end of the log.
fn by_hand(answer: &[u8], all: &[Witness], log: &Log) -> Result<Stamp, Failure> {
    let mut why = None;
    for witness in all {
        let stamp = TimeStamp::from_der(answer, std::slice::from_ref(&witness.authority)).map_err(refused)?;
        for head in witnesses::heads(&log.entries) {
            match witness.proves(&stamp, &head, clock::now()) {
                Ok(_) => return Ok(Stamp::new(witness, &head, answer.to_vec())),
                Err(counterseal_core::cms::time_stamp::TimeStampError::OtherData) => {}
                Err(error) => why = Some(error),
            }
        }
    }
    Err(why.map_or_else(
        || Failure::unknown("time-stamp", "the answer is about something else than this history"),
        refused,
    ))
}

/// Asks everyone who has a URL. One who does not answer well does not spoil the others' stamps; where
/// nobody does, that is said.
fn by_network(all: &[Witness], head: &Head) -> Result<Vec<Stamp>, Failure> {
    let asked: Vec<&Witness> = all.iter().filter(|witness| !witness.url.is_empty()).collect();
    if asked.is_empty() {
        return Err(Failure::unknown("no-witness", "no witness has a URL where it could be asked").hint(
            "add one with `cseal trust witness add URL --certificate FILE`, or carry the answer by hand: \
                   --query-out FILE, then --response FILE",
        ));
    }
    if lookup::is_forbidden() || policy::in_force()?.network == Network::Never {
        return Err(Failure::unknown("offline", "nothing is asked of the network")
            .hint("carry the answer by hand: --query-out FILE, then --response FILE"));
    }
    let (mut stamps, mut failures) = (Vec::new(), Vec::new());
    for witness in asked {
        match ask(witness, head) {
            Ok(stamp) => stamps.push(stamp),
            Err(failure) => failures.push(format!("{}: {}", witness.url, failure.message)),
        }
    }
    if stamps.is_empty() {
        return Err(Failure::unknown("time-stamp", "no witness stamped the history").details(failures));
    }
    render::missed(&failures);
    Ok(stamps)
}

fn ask(witness: &Witness, head: &Head) -> Result<Stamp, Failure> {
    let query = TimeStampRequest::new(&head.stamped_bytes(), &mut SystemRandom);
    // The person typed the address, so it may be in a private network; stamps are signed, so it may do
    // without TLS.
    let reach = Reach { hosts: Vec::new(), private_addresses: true, plain: true };
    let failed = |trouble: lookup::Trouble| Failure::unknown("time-stamp", trouble.message);
    let web = Web::new(reach, Duration::from_secs(limits::LOOKUP_SECONDS)).map_err(failed)?;
    let fetched = web.post(&witness.url, QUERY, query.as_der(), limits::TIME_STAMP_BYTES).map_err(failed)?;
    let Fetched::Body(answer) = fetched else {
        return Err(Failure::unknown("time-stamp", "there is no such server, or it has no such page"));
    };
    let stamp = TimeStamp::from_der(&answer, std::slice::from_ref(&witness.authority)).map_err(refused)?;
    if !query.is_answered_by(&stamp) {
        return Err(Failure::unknown("time-stamp", "the answer is to another question"));
    }
    witness.proves(&stamp, head, clock::now()).map_err(refused)?;
    Ok(Stamp::new(witness, head, answer))
}

fn refused(error: counterseal_core::cms::time_stamp::TimeStampError) -> Failure {
    Failure::unknown("time-stamp", error.to_string())
}
