//! Two sides, a box between them that anybody may read, fill and empty, and people at both screens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod adversary;
mod endings;
mod events;
mod meetings;
mod model;
mod modes;
mod photographer;
mod release;
mod restart;

use std::collections::BTreeMap;

use counterseal_core::ports::Random as _;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;

use super::*;
use crate::code::PairingCode;
use crate::device::{DeviceKeys, Role};
use crate::sas::CheckCode;
use crate::testing::{NOW, SystemRandom};
use crate::words::SpokenCode;

/// What the old device hands over in these tests.
const KEYS: &[u8] = b"every decryption key";

/// One side, with everything that it showed, asked and did.
struct Actor<P: Purpose> {
    pairing: Pairing<P>,
    keys: DeviceKeys,
    listening: BTreeMap<BoxId, usize>,
    shown: Vec<Show>,
    asked: Vec<Ask>,
    files: Vec<Vec<u8>>,
    released: Option<Released>,
    imported: Option<Vec<u8>>,
    met: Option<Met>,
    done: Option<Option<Vec<u8>>>,
    reason: Option<AbortReason>,
    /// Whether a [`Released`] was ever seen here.
    ever_released: bool,
    clock: Time,
    /// What the person types where the words are asked for again.
    retyped: String,
}

/// All boxes, and whoever stands before them.
#[derive(Default)]
struct Cloud {
    boxes: BTreeMap<BoxId, Vec<Vec<u8>>>,
    /// Everything that was sent, in order.
    sent: Vec<Vec<u8>>,
    /// What becomes of the object with this number.
    tamper: BTreeMap<usize, Tamper>,
}

type Tamper = Box<dyn FnOnce(&Cloud, Vec<u8>) -> Vec<Vec<u8>>>;

impl Cloud {
    fn put(&mut self, place: BoxId, object: Vec<u8>) {
        let number = self.sent.len();
        let landed = match self.tamper.remove(&number) {
            Some(tamper) => tamper(self, object.clone()),
            None => vec![object.clone()],
        };
        self.sent.push(object);
        self.boxes.entry(place).or_default().extend(landed);
    }
}

impl<P: Purpose> Actor<P> {
    fn new(name: &str, opening: Opening, part: P::Part, profile: Profile) -> Self {
        let keys = DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap();
        let profile = Profile { name: name.to_owned(), ..profile };
        Self::of(Pairing::new(opening, part, profile).unwrap(), keys)
    }

    fn of(pairing: Pairing<P>, keys: DeviceKeys) -> Self {
        Self {
            pairing,
            keys,
            listening: BTreeMap::new(),
            shown: Vec::new(),
            asked: Vec::new(),
            files: Vec::new(),
            released: None,
            imported: None,
            met: None,
            done: None,
            reason: None,
            ever_released: false,
            clock: NOW,
            retyped: String::new(),
        }
    }

    fn begin(&mut self, cloud: &mut Cloud) {
        let steps = self.with_ports(|pairing, ports| pairing.begin(ports));
        self.apply(steps, cloud);
    }

    fn input(&mut self, input: Input, cloud: &mut Cloud) {
        let steps = self.with_ports(|pairing, ports| pairing.input(input, ports));
        self.apply(steps, cloud);
    }

    fn with_ports<T>(&mut self, run: impl FnOnce(&mut Pairing<P>, &mut Ports<'_>) -> T) -> T {
        let mut random = SystemRandom;
        run(&mut self.pairing, &mut Ports { now: self.clock, random: &mut random, signer: &self.keys })
    }

    fn apply(&mut self, steps: Vec<Step>, cloud: &mut Cloud) {
        for step in steps {
            match step {
                Step::Listen(object_box) => {
                    self.listening.entry(*object_box.id()).or_insert(0);
                }
                Step::Close(place) => {
                    self.listening.remove(&place);
                }
                Step::Send { place, object } => cloud.put(place, object),
                Step::File(bytes) => self.files.push(bytes),
                Step::Show(show) => self.shown.push(show),
                Step::Ask(ask) => self.asked.push(ask),
                Step::Release(released) => {
                    self.released = Some(released);
                    self.ever_released = true;
                }
                Step::Import(payload) => self.imported = Some(payload.expose().to_vec()),
                Step::Met(met) => self.met = Some(met),
                Step::Done(beacon) => self.done = Some(beacon),
                Step::Aborted(reason) => self.reason = Some(reason),
            }
        }
    }

    /// Takes in what lies in the boxes; whether there was anything.
    fn poll(&mut self, cloud: &mut Cloud) -> bool {
        let mut found = false;
        for place in self.listening.keys().copied().collect::<Vec<_>>() {
            let Some(at) = self.listening.get(&place).copied() else { continue };
            let new: Vec<Vec<u8>> = cloud.boxes.get(&place).map_or_else(Vec::new, |all| all[at..].to_vec());
            self.listening.entry(place).and_modify(|at| *at += new.len());
            for bytes in new {
                found = true;
                self.input(Input::Object { place, bytes }, cloud);
            }
        }
        found
    }

    fn code(&self) -> PairingCode {
        let mut codes = self.shown.iter().rev().filter_map(|show| match show {
            Show::Code(code, _) => Some(code.clone()),
            _ => None,
        });
        codes.next().unwrap()
    }

    fn check_code(&self) -> Option<CheckCode> {
        let mut codes = self.shown.iter().rev().filter_map(|show| match show {
            Show::CheckCode(code) => Some(code.clone()),
            _ => None,
        });
        codes.next()
    }

    fn words(&self) -> Option<String> {
        let mut words = self.shown.iter().rev().filter_map(|show| match show {
            Show::CompareWords(words) | Show::Fingerprint(words) => Some(words.to_text()),
            _ => None,
        });
        words.next()
    }

    fn asks(&self, wanted: fn(&Ask) -> bool) -> bool {
        self.asked.iter().any(wanted)
    }
}

impl Actor<Devices> {
    /// The grant leaves, if the gate gave the proof for it; of a run that ended meanwhile nothing does.
    fn grant(&mut self, cloud: &mut Cloud) {
        let Some(released) = self.released.take() else { return };
        let keys = SecretBytes::copy_of(KEYS);
        let has_ended = self.pairing.state().is_final();
        let steps = self.with_ports(|pairing, ports| pairing.grant(released, &keys, ports));
        assert!(steps.is_ok() || has_ended, "{:?}", steps.err());
        self.apply(steps.unwrap_or_default(), cloud);
    }

    fn new_shows() -> Self {
        new_device(Opening::ShowCode)
    }

    fn old_scans(code: PairingCode) -> Self {
        old_device(Opening::ScanCode(code))
    }
}

fn new_device(opening: Opening) -> Actor<Devices> {
    let profile =
        Profile { role: Some(Role::Writer), request: b"certificate request".to_vec(), ..Default::default() };
    Actor::new("thinkpad-7", opening, DevicePart::New, profile)
}

fn old_device(opening: Opening) -> Actor<Devices> {
    let profile = Profile { account: Some([7; 32]), ..Profile::default() };
    Actor::new("desktop", opening, DevicePart::Old, profile)
}

fn spoken() -> Password {
    Password::from(&SpokenCode::random(&mut SystemRandom))
}

/// The new device shows a code, and the old one has scanned it.
fn begun(cloud: &mut Cloud) -> (Actor<Devices>, Actor<Devices>) {
    let mut new = Actor::new_shows();
    new.begin(cloud);
    let mut old = Actor::old_scans(new.code());
    old.begin(cloud);
    (new, old)
}

/// The channel comes to stand, and the digits of the old device are typed on the new one: the old one is asked next.
fn digits_are_typed(new: &mut Actor<Devices>, old: &mut Actor<Devices>, cloud: &mut Cloud) {
    while old.poll(cloud) | new.poll(cloud) {}
    let code = old.check_code().unwrap();
    new.input(Input::Typed(code.to_text()), cloud);
    old.poll(cloud);
}

/// Everything is fulfilled.
fn approval() -> Input {
    Input::Circumstances(Circumstances {
        reauthenticated: true,
        confirmed: true,
        on_local_network: true,
        approvals: 0,
    })
}

/// Objects go back and forth until none is new, and people do what an honest and attentive person does.
fn run(new: &mut Actor<Devices>, old: &mut Actor<Devices>, cloud: &mut Cloud) {
    loop {
        let moved = new.poll(cloud) | old.poll(cloud) | people_act(new, old, cloud);
        if !moved {
            break;
        }
    }
}

/// Types the digits of the other screen, confirms equal words, approves, grants, imports.
fn people_act(new: &mut Actor<Devices>, old: &mut Actor<Devices>, cloud: &mut Cloud) -> bool {
    let before = (new.asked.len(), old.asked.len(), cloud.sent.len());
    let (codes, words) = ([new.check_code(), old.check_code()], [new.words(), old.words()]);
    let (both_shown, equal_words) = (words[0].is_some() && words[1].is_some(), words[0] == words[1]);
    for (actor, shown) in [(&mut *new, &codes[1]), (&mut *old, &codes[0])] {
        for ask in std::mem::take(&mut actor.asked) {
            match (ask, shown) {
                (Ask::CheckCode, Some(code)) => actor.input(Input::Typed(code.to_text()), cloud),
                (Ask::CompareWords | Ask::CompareFingerprint, _) if both_shown => {
                    actor.input(Input::Confirmed(equal_words), cloud);
                }
                (Ask::ConfirmPeer, _) => actor.input(Input::Confirmed(true), cloud),
                (Ask::Approve, _) => actor.input(approval(), cloud),
                (Ask::Pick(offers), _) => actor.input(Input::Picked(offers[0].0), cloud),
                (Ask::Words(_), _) => actor.input(Input::Typed(actor.retyped.clone()), cloud),
                (unanswered, _) => actor.asked.push(unanswered),
            }
        }
    }
    old.grant(cloud);
    if new.imported.is_some() && new.done.is_none() && new.reason.is_none() {
        new.input(Input::Imported(b"beacon".to_vec()), cloud);
    }
    before != (new.asked.len(), old.asked.len(), cloud.sent.len())
}

/// Minutes go by on both sides, with nobody at the screens.
fn wait<P: Purpose>(actors: &mut [&mut Actor<P>], cloud: &mut Cloud, minutes: i64) {
    for _ in 0..minutes * 2 {
        for actor in &mut *actors {
            actor.clock = actor.clock.plus_seconds(30);
            actor.input(Input::Tick, cloud);
            actor.poll(cloud);
        }
    }
}

fn is_paired(new: &Actor<Devices>, old: &Actor<Devices>) -> bool {
    new.imported.as_deref() == Some(KEYS)
        && new.done == Some(None)
        && old.done == Some(Some(b"beacon".to_vec()))
        && [new.pairing.state(), old.pairing.state()] == [State::Done; 2]
}
