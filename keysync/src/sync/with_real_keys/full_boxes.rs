//! Places that have no room in one of their boxes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use counterseal_core::time::Time;

use super::*;
use crate::transport::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};

type Shelves = Arc<Mutex<Boxes>>;

/// Places, some boxes of which are full.
struct Crowded {
    ways: FakeWays,
    full: Vec<(&'static str, [u8; 16])>,
}

impl Ways for Crowded {
    fn places(&self) -> Vec<String> {
        self.ways.places()
    }

    fn open(&mut self, place: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        let way = self.ways.open(place, object_box)?;
        let is_full = self.full.iter().any(|(full, id)| *full == place && id == object_box.id());
        Ok(if is_full { Box::new(Full(way)) } else { way })
    }
}

struct Full(Box<dyn Transport>);

impl Transport for Full {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        self.0.list(cursor)
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        self.0.get(name)
    }

    fn put(&mut self, _: &[u8]) -> Result<ObjectName, TransportError> {
        Err(TransportError::Quota)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        self.0.wait(cursor, limit)
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        self.0.remove(name)
    }
}

const RELAY: &str = "relay";

fn round(
    machine: &mut Machine,
    account: crate::log::AccountId,
    shelves: &Shelves,
    full: &[(&'static str, [u8; 16])],
    now: Time,
) -> Report {
    let mut ways = Crowded { ways: fair_ways(shelves), full: full.to_vec() };
    machine.with(account, |sync| sync.round(&mut ways, now)).unwrap()
}

fn written_to(machine: &mut Machine, account: crate::log::AccountId) -> [u8; 16] {
    machine.with(account, |sync| *sync.meeting().unwrap().object_box.id())
}

/// The telephone is put out, and fills the box that it knows at the relay.
fn put_out() -> (crate::log::AccountId, [Machine; 3], Shelves, [u8; 16]) {
    let shelves = Shelves::default();
    let (account, [mut desk, mut laptop, mut phone]) = family();
    for _ in 0..2 {
        for machine in [&mut desk, &mut laptop, &mut phone] {
            round(machine, account, &shelves, &[], NOW);
        }
    }
    let (old, stolen) = (written_to(&mut desk, account), phone.keys.certificates().id());
    desk.with(account, |sync| sync.revoke(stolen, false, NOW)).unwrap();
    assert_ne!(written_to(&mut desk, account), old);
    (account, [desk, laptop, phone], shelves, old)
}

#[test]
fn a_place_is_as_good_as_the_box_that_is_written_to() {
    let (account, [mut desk, ..], shelves, old) = put_out();
    let full = [(RELAY, old)];
    let report = round(&mut desk, account, &shelves, &full, NOW);
    assert!(report.troubles.contains(&(RELAY.to_owned(), TransportError::Quota)), "{report:?}");
    assert!(report.waiting > 0 && report.closed.full.is_empty(), "{report:?}");
    let full = [(RELAY, written_to(&mut desk, account))];
    desk.with(account, |sync| sync.announce(new_key(), NOW)).unwrap();
    let report = round(&mut desk, account, &shelves, &full, NOW);
    assert_eq!(report.closed.full, BTreeSet::from([RELAY.to_owned()]));
    assert!(report.closed.unreached.is_empty());
}

#[test]
fn what_an_old_box_has_no_room_for_is_given_up_when_every_device_has_left_it() {
    let (account, [mut desk, mut laptop, _], shelves, old) = put_out();
    let full = [(RELAY, old)];
    let after = NOW.plus_days(crate::limits::LEFT_BOX_DAYS);
    assert!(round(&mut desk, account, &shelves, &full, NOW).waiting > 0);
    // The laptop has not been seen since: it may look into the old box for the way to the new one.
    assert!(round(&mut desk, account, &shelves, &full, after).waiting > 0);
    round(&mut laptop, account, &shelves, &full, after);
    // It is heard of in this round; both know the box that is written to.
    let report = round(&mut desk, account, &shelves, &full, after);
    assert!(report.troubles.contains(&(RELAY.to_owned(), TransportError::Quota)), "{report:?}");
    assert_eq!(report.waiting, 0, "{report:?}");
    let report = round(&mut desk, account, &shelves, &full, after);
    assert!(report.troubles.is_empty() && report.waiting == 0, "{report:?}");
}

#[test]
fn what_an_old_box_has_no_room_for_waits_at_first() {
    let (account, [mut desk, mut laptop, _], shelves, old) = put_out();
    let full = [(RELAY, old)];
    round(&mut desk, account, &shelves, &full, NOW);
    round(&mut laptop, account, &shelves, &full, NOW);
    round(&mut desk, account, &shelves, &full, NOW);
    let before = NOW.plus_days(crate::limits::LEFT_BOX_DAYS - 1);
    assert!(round(&mut desk, account, &shelves, &full, before).waiting > 0);
    // There is room again.
    assert_eq!(round(&mut desk, account, &shelves, &[], before).waiting, 0);
}

#[test]
fn what_waits_for_a_box_that_nobody_reads_any_more_is_forgotten() {
    let (account, [mut desk, ..], shelves, old) = put_out();
    let full = [(RELAY, old)];
    assert!(round(&mut desk, account, &shelves, &full, NOW).waiting > 0);
    for number in 0..crate::limits::READ_BOXES {
        let mut tablet = Machine::new(&format!("tablet-{number}"));
        let_in(&mut desk, &mut tablet, account);
        let lost = tablet.keys.certificates().id();
        desk.with(account, |sync| sync.revoke(lost, false, NOW)).unwrap();
        round(&mut desk, account, &shelves, &full, NOW);
    }
    assert_eq!(round(&mut desk, account, &shelves, &full, NOW).waiting, 0);
}
