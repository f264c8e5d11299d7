//! `cseal trust witness`: time stamping authorities, and their stamps of the history and of evidence.

use std::path::Path;
use std::time::Duration;

use counterseal_core::address::StrongAddress;
use counterseal_core::cms::time_stamp::{TimeStamp, TimeStampError, TimeStampRequest};
use counterseal_core::limits;
use counterseal_core::policy::Network;
use counterseal_core::x509::Certificate;

use crate::args::{self, WitnessCommand};
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::commands::witnesses::{self, About, Item, Stamp, Witness};
use crate::commands::{ages, strong};
use crate::failure::{Exit, Failure};
use crate::files::{read_file, write_file};
use crate::lookup::{self, Fetched, Reach, Web};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::render::trust::{history, witness as render};
use crate::sources;
use crate::store::Store;

/// The media types of RFC 3161, section 3.4.
const QUERY: &str = "application/timestamp-query";

/// id-kp-timeStamping (RFC 3161, section 2.3).
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

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
    if let Some(other) = certificates.iter().find(|one| !may_stamp(one)) {
        let what = format!("{} is certified for other things than time stamps", other.fingerprint());
        return Err(Failure::unknown("time-stamp", what)
            .hint("name the certificate of the authority itself, or of the CA above it"));
    }
    let mut store = store::open()?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let added: Vec<Witness> =
        certificates.into_iter().map(|authority| Witness { authority, url: url.clone() }).collect();
    store
        .write(clock::now(), |writer| added.iter().try_for_each(|witness| witness.keep(writer).map(drop)))?;
    list(&store, &arguments.report)
}

/// Whether a certificate leaves room for time stamps (RFC 3161, section 2.3): a CA for mail does not.
fn may_stamp(certificate: &Certificate) -> bool {
    let purposes = certificate.extended_key_usage();
    purposes.is_none_or(|purposes| purposes.allows(TIME_STAMPING) || purposes.allows_any())
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
    let removed = named.iter().map(|one| render::RemovedObject::new(&one.authority, &one.url));
    render::removed(removed.collect(), arguments.report.json)?;
    Ok(Exit::Done)
}

fn list(store: &Store, report: &args::Report) -> Result<Exit, Failure> {
    let log = store.log()?;
    let stamps = witnesses::stamps(store)?;
    let now = clock::now();
    let all = witnesses::all(store)?;
    let evidence = ages::all_items(store)?;
    let objects = all.iter().map(|witness| {
        // What counts is what holds today: the stamp, its authority, and what was stamped.
        let own = || stamps.iter().rev().filter(|stamp| stamp.is_by(witness));
        let proves =
            |stamp: &Stamp, bytes: &[u8]| witness.proves(&stamp.read(witness).ok()?, bytes, now).ok();
        let proven = own().find_map(|stamp| {
            let About::History(length) = stamp.about else { return None };
            let head = witnesses::heads(&log.entries).find(|head| head.length == length)?;
            Some((length, proves(stamp, &head.stamped_bytes())?, stamp.to_hex()))
        });
        let of_evidence = own().filter_map(|stamp| {
            let About::Evidence(digest) = stamp.about else { return None };
            let item = evidence.iter().find(|item| item.about == stamp.about)?;
            Some((digest, proves(stamp, &item.bytes)?, stamp.to_hex()))
        });
        render::WitnessObject::new(&witness.authority, &witness.url, proven, of_evidence.collect())
    });
    render::list(objects.collect(), report.json)?;
    log.fault.map_or(Ok(Exit::Done), |fault| Err(history::broken(fault)))
}

fn stamp(arguments: &args::WitnessStamp) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let mut asked = Asked::of(&store, arguments.address.as_deref())?;
    if let Some(path) = &arguments.query_out {
        write_queries(path, &asked.now, arguments.overwrite)?;
        return Ok(Exit::Done);
    }
    let all = witnesses::all(&store)?;
    let stamps = match &arguments.response {
        Some(path) => {
            asked.now.append(&mut asked.earlier);
            vec![by_hand(&read_file(path, limits::TIME_STAMP_BYTES)?, &all, &asked.now)?]
        }
        None => by_network(&all, &asked.now, &witnesses::evidence_stamps(&store)?)?,
    };
    let earliest = earliest(stamps, &witnesses::stamps(&store)?, &all);
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| earliest.iter().try_for_each(|stamp| stamp.keep(writer).map(drop)))?;
    list(&store, &arguments.report)
}

/// What is to be stamped.
struct Asked {
    now: Vec<Item>,
    /// What an answer that is carried by hand may be about too: earlier ends of the log.
    earlier: Vec<Item>,
}

impl Asked {
    /// The history, or what there is of a contact.
    fn of(store: &Store, address: Option<&str>) -> Result<Self, Failure> {
        match address {
            None => Self::history(store),
            Some(address) => Self::contact(store, address),
        }
    }

    fn history(store: &Store) -> Result<Self, Failure> {
        let log = store.log()?;
        if let Some(fault) = log.fault {
            return Err(history::broken(fault));
        }
        if log.entries.is_empty() {
            return Err(Failure::unknown("no-history", "the history has no entry to stamp yet"));
        }
        let earlier = witnesses::heads(&log.entries).skip(1).map(|head| Item::of_head(&head)).collect();
        Ok(Self { now: vec![Item::of_head(&log.head)], earlier })
    }

    fn contact(store: &Store, address: &str) -> Result<Self, Failure> {
        let StrongAddress { address, .. } = strong::parse(address)?;
        let now = ages::items(store, &address)?;
        if now.is_empty() {
            return Err(Failure::unknown(
                "no-key",
                format!("{address}: no certificate that could be stamped"),
            )
            .hint("see what there is with `cseal trust list`"));
        }
        Ok(Self { now, earlier: Vec::new() })
    }
}

/// The first question goes to the file, each further one to another beside it.
fn write_queries(path: &Path, items: &[Item], overwrite: bool) -> Result<(), Failure> {
    for (number, item) in (1..).zip(items) {
        let query = TimeStampRequest::new(&item.bytes, &mut SystemRandom);
        let mut name = path.as_os_str().to_owned();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        write_file(Path::new(&name), query.as_der(), overwrite)?;
    }
    Ok(())
}

/// An answer that somebody carried here.
fn by_hand(answer: &[u8], all: &[Witness], items: &[Item]) -> Result<Stamp, Failure> {
    let mut why = None;
    for witness in all {
        let stamp = TimeStamp::from_der(answer, std::slice::from_ref(&witness.authority)).map_err(refused)?;
        for item in items {
            match witness.proves(&stamp, &item.bytes, clock::now()) {
                Ok(_) => return Ok(Stamp::new(witness, item, answer.to_vec())),
                Err(TimeStampError::OtherData) => {}
                Err(error) => why = Some(error),
            }
        }
    }
    Err(why.map_or_else(
        || Failure::unknown("time-stamp", "the answer is about something else than what is to be stamped"),
        refused,
    ))
}

/// Those that say nothing later than what is kept of the same already.
fn earliest(stamps: Vec<Stamp>, kept: &[Stamp], all: &[Witness]) -> Vec<Stamp> {
    let time = |stamp: &Stamp| {
        let witness = all.iter().find(|witness| stamp.is_by(witness))?;
        stamp.read(witness).ok().map(|stamp| stamp.claimed_time())
    };
    let is_news = |stamp: &Stamp| {
        let mut same = kept.iter().filter(|other| other.is_of_same(stamp)).filter_map(time);
        same.all(|known| time(stamp).is_some_and(|new| new < known))
    };
    stamps.into_iter().filter(is_news).collect()
}

/// Asks everyone who has a URL. One who does not answer well does not spoil the others' stamps; where
/// nobody does, that is said.
fn by_network(all: &[Witness], items: &[Item], kept: &[Stamp]) -> Result<Vec<Stamp>, Failure> {
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
        let is_kept =
            |item: &&Item| kept.iter().any(|stamp| stamp.about == item.about && stamp.is_by(witness));
        for item in items.iter().filter(|item| !is_kept(item)) {
            match ask(witness, item) {
                Ok(stamp) => stamps.push(stamp),
                Err(failure) => {
                    failures.push(format!("{}: {}", witness.url, failure.message));
                    break;
                }
            }
        }
    }
    if stamps.is_empty() && !failures.is_empty() {
        return Err(Failure::unknown("time-stamp", "no witness stamped anything").details(failures));
    }
    render::missed(&failures);
    Ok(stamps)
}

fn ask(witness: &Witness, item: &Item) -> Result<Stamp, Failure> {
    let query = TimeStampRequest::new(&item.bytes, &mut SystemRandom);
    // The person typed the address, so it may be in a private network; stamps are signed, so it may do
    // without TLS.
    let reach = Reach {
        hosts: Vec::new(),
        private_addresses: true,
        plain: true,
        redirections: limits::HTTP_REDIRECTS,
    };
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
    witness.proves(&stamp, &item.bytes, clock::now()).map_err(refused)?;
    Ok(Stamp::new(witness, item, answer))
}

fn refused(error: TimeStampError) -> Failure {
    Failure::unknown("time-stamp", error.to_string())
}
