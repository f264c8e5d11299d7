//! Programs of everything that can happen while two devices pair: what their person does, in any order, and what
//! somebody does who photographed the code, overheard the words, sees both screens, and has the box in his hands.
//! Whatever the program: the old device hands over keys to the person's new one alone, after the person did their part
//! on both screens, the new one takes in keys of the old one alone, and time ends it.
#![no_main]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_fuzz::{FixedRandom, now};
use counterseal_keysync::device::DeviceKeys;
use counterseal_keysync::pairing::{
    Ask, BoxId, Circumstances, DevicePart, Devices, Input, Method, Opening, Pairing, Password, Ports,
    Profile, Released, Show, Side, State, Step,
};
use counterseal_keysync::words::SpokenCode;
use libfuzzer_sys::fuzz_target;

/// What the old device hands over.
const KEYS: &[u8] = b"every decryption key";
/// What he would like the new one to take in.
const FALSE_KEYS: &[u8] = b"keys of somebody else";
/// Events of one program.
const EVENTS: usize = 80;
/// Words of an answer file that are typed in one program: each costs what its stretching costs.
const STRETCHED: usize = 3;

const NEW: usize = 0;
const OLD: usize = 1;
const HIS: usize = 2;

fn keys(which: usize) -> &'static DeviceKeys {
    static KEYS: OnceLock<[DeviceKeys; 3]> = OnceLock::new();
    let make = |name| DeviceKeys::generate(name, now(), &mut FixedRandom(name.len() as u64)).expect("keys");
    &KEYS.get_or_init(|| ["thinkpad-7", "desktop", "his"].map(make))[which]
}

/// One device, with all that it showed, asked and did.
struct Device {
    which: usize,
    pairing: Pairing<Devices>,
    random: FixedRandom,
    clock: Time,
    listening: BTreeMap<BoxId, usize>,
    shown: Vec<Show>,
    asked: Vec<Ask>,
    files: Vec<Vec<u8>>,
    released: Option<Released>,
    imported: Option<Vec<u8>>,
}

/// The box, and what the person did.
#[derive(Default)]
struct World {
    boxes: BTreeMap<BoxId, Vec<Vec<u8>>>,
    sent: Vec<Vec<u8>>,
    /// Whether the person answered what the screen of the new, and of the old device asks to prove the other.
    proved: [bool; 2],
    approved: bool,
    stretched: usize,
}

impl Device {
    fn begin(which: usize, opening: Opening, part: DevicePart, world: &mut World) -> Option<Self> {
        let profile = Profile { name: "thinkpad-7".into(), trust_scan: which == HIS, ..Profile::default() };
        let mut device = Self {
            which,
            pairing: Pairing::new(opening, part, profile).ok()?,
            random: FixedRandom(which as u64 + 10),
            clock: now(),
            listening: BTreeMap::new(),
            shown: Vec::new(),
            asked: Vec::new(),
            files: Vec::new(),
            released: None,
            imported: None,
        };
        device.act(world, |pairing, ports| pairing.begin(ports));
        Some(device)
    }

    fn act(
        &mut self,
        world: &mut World,
        act: impl FnOnce(&mut Pairing<Devices>, &mut Ports<'_>) -> Vec<Step>,
    ) {
        let before = self.pairing.state();
        let mut ports = Ports { now: self.clock, random: &mut self.random, signer: keys(self.which) };
        let steps = act(&mut self.pairing, &mut ports);
        assert!(!before.is_final() || self.pairing.state() == before, "an end is the end");
        for step in steps {
            match step {
                Step::Listen(object_box) => drop(self.listening.entry(*object_box.id()).or_insert(0)),
                Step::Close(place) => drop(self.listening.remove(&place)),
                Step::Send { place, object } => {
                    world.sent.push(object.clone());
                    world.boxes.entry(place).or_default().push(object);
                }
                Step::File(bytes) => self.files.push(bytes),
                Step::Show(show) => self.shown.push(show),
                Step::Ask(ask) => self.asked.push(ask),
                Step::Release(released) => {
                    self.checked(&released, world);
                    self.released = Some(released);
                }
                Step::Import(payload) => self.imported = Some(payload.expose().to_vec()),
                Step::Met(_) => panic!("two devices do not meet"),
                Step::Done(_) | Step::Aborted(_) => {}
            }
        }
    }

    /// The one rule that matters.
    fn checked(&self, released: &Released, world: &World) {
        match self.which {
            OLD => {
                let [on_new, on_old] = world.proved;
                let is_proved = match (self.pairing.method(), self.pairing.side()) {
                    (Method::Code, Side::Scans) => on_new,
                    (Method::Code, Side::Displays) | (Method::File, _) => on_old,
                    (Method::Words | Method::Sas, _) => on_new && on_old,
                };
                assert!(is_proved && world.approved, "released before the person did their part");
                let new = keys(NEW).certificates().signing().fingerprint();
                assert_eq!(released.peer().fingerprint(), Some(new), "released to somebody else");
            }
            NEW => panic!("a new device has nothing to release"),
            _ => {}
        }
    }

    fn input(&mut self, input: Input, world: &mut World) {
        self.act(world, |pairing, ports| pairing.input(input, ports));
    }

    fn poll(&mut self, world: &mut World) {
        for (place, at) in self.listening.clone() {
            let new: Vec<Vec<u8>> = world.boxes.get(&place).into_iter().flatten().skip(at).cloned().collect();
            self.listening.entry(place).and_modify(|at| *at += new.len());
            new.into_iter().for_each(|bytes| self.input(Input::Object { place, bytes }, world));
        }
    }

    fn grant(&mut self, keys: &[u8], world: &mut World) {
        let Some(released) = self.released.take() else { return };
        let payload = SecretBytes::copy_of(keys);
        self.act(world, |pairing, ports| pairing.grant(released, &payload, ports).unwrap_or_default());
    }

    fn restart(&mut self, world: &mut World) {
        let Some(state) = self.pairing.save() else { return };
        self.pairing = Pairing::restore(&state).expect("what was kept");
        self.listening.clear();
        self.asked.clear();
        self.released = None;
        self.act(world, |pairing, ports| pairing.resume(ports));
    }

    fn last<T>(&self, read: impl Fn(&Show) -> Option<T>) -> Option<T> {
        self.shown.iter().rev().find_map(read)
    }

    fn digits(&self) -> Option<String> {
        self.last(|show| if let Show::CheckCode(code) = show { Some(code.to_text()) } else { None })
    }

    fn words(&self) -> Option<String> {
        self.last(|show| match show {
            Show::CompareWords(words) | Show::Fingerprint(words) => Some(words.to_text()),
            _ => None,
        })
    }

    fn answer_words(&self) -> Option<String> {
        self.last(|show| if let Show::AnswerWords(words) = show { Some(words.to_text()) } else { None })
    }
}

/// The person looks at what this device asks last, and answers honestly by what the other one shows.
fn person(device: &mut Device, other: &Device, spoken: &str, choice: u8, world: &mut World) {
    let Some(ask) = device.asked.pop() else { return };
    let here = device.which;
    let input = match ask {
        Ask::CheckCode => other.digits().map(Input::Typed),
        Ask::CompareWords | Ask::CompareFingerprint => {
            other.words().map(|words| Input::Confirmed(device.words() == Some(words)))
        }
        Ask::ConfirmPeer => {
            let theirs = device.pairing.peer().and_then(|peer| peer.fingerprint());
            Some(Input::Confirmed(theirs == Some(keys(other.which).certificates().signing().fingerprint())))
        }
        Ask::Approve => {
            world.approved |= here == OLD;
            let circumstances =
                Circumstances { reauthenticated: true, confirmed: true, ..Circumstances::default() };
            return device.input(Input::Circumstances(circumstances), world);
        }
        Ask::AnswerWords => other.answer_words().map(Input::Typed).filter(|_| world.stretched < STRETCHED),
        Ask::Words(_) => return device.input(Input::Typed(spoken.to_owned()), world),
        Ask::Pick(offers) => {
            let chosen =
                offers.get(usize::from(choice) % offers.len().max(1)).map(|(hash, _)| Input::Picked(*hash));
            return chosen.into_iter().for_each(|picked| device.input(picked, world));
        }
    };
    let Some(input) = input else { return device.asked.push(ask) };
    world.stretched += usize::from(matches!(ask, Ask::AnswerWords));
    world.proved[here] |= !matches!(input, Input::Confirmed(false));
    device.input(input, world);
}

/// What he does at his own device: everything that it may ask, with what he sees on the other two.
fn his_deed(his: &mut Device, seen: [Option<String>; 2], what: u8, world: &mut World) {
    his.asked.clear();
    match what % 6 {
        0 => his.poll(world),
        1 => seen.into_iter().flatten().for_each(|digits| his.input(Input::Typed(digits), world)),
        2 => his.input(Input::Confirmed(true), world),
        3 => {
            let circumstances =
                Circumstances { reauthenticated: true, confirmed: true, ..Circumstances::default() };
            his.input(Input::Circumstances(circumstances), world);
        }
        4 => his.grant(FALSE_KEYS, world),
        _ => his.input(Input::Imported(b"beacon".to_vec()), world),
    }
}

/// How the person's devices, and his, begin.
fn begun(mode: u8, his_part: u8, world: &mut World) -> Option<[Option<Device>; 3]> {
    let password = Password::from(&SpokenCode::random(&mut FixedRandom(3)));
    let (shows, types) = (Opening::ShowPassword(password.clone()), Opening::TypePassword(password));
    let (new, old) = (DevicePart::New, DevicePart::Old);
    let code_of = |device: &Device| {
        device.last(|show| if let Show::Code(code, _) = show { Some(code.clone()) } else { None })
    };
    let part = if his_part & 1 == 0 { new } else { old };
    let his = |opening: Opening, world: &mut World| {
        (his_part % 4 != 3).then(|| Device::begin(HIS, opening, part, world)).flatten()
    };
    Some(match mode % 7 {
        0 => {
            let first = Device::begin(NEW, Opening::ShowCode, new, world)?;
            let code = Opening::ScanCode(code_of(&first)?);
            let his = his(code.clone(), world);
            [Some(first), Device::begin(OLD, code, old, world), his]
        }
        1 => {
            let first = Device::begin(OLD, Opening::ShowCode, old, world)?;
            let code = Opening::ScanCode(code_of(&first)?);
            let his = his(code.clone(), world);
            [Device::begin(NEW, code, new, world), Some(first), his]
        }
        mode @ (2 | 3) => {
            let [one, other] = if mode == 2 { [shows, types] } else { [types, shows] };
            let his = his(if his_part & 4 == 0 { one.clone() } else { other.clone() }, world);
            [Device::begin(NEW, one, new, world), Device::begin(OLD, other, old, world), his]
        }
        mode @ (4 | 5) => {
            let names = [Opening::ShowName, Opening::PickName];
            let [one, other] = if mode == 4 { names } else { [Opening::PickName, Opening::ShowName] };
            let his = his(if his_part & 4 == 0 { one.clone() } else { other.clone() }, world);
            [Device::begin(NEW, one, new, world), Device::begin(OLD, other, old, world), his]
        }
        _ => {
            let first = Device::begin(NEW, Opening::OfferFile, new, world)?;
            let request = first.files.first()?.clone();
            let his = his(
                if part == new { Opening::OfferFile } else { Opening::AnswerFile(request.clone()) },
                world,
            );
            // The file may be exchanged on its way.
            let exchanged = his.as_ref().and_then(|his| his.files.first()).filter(|_| his_part & 4 != 0);
            let carried = exchanged.cloned().unwrap_or(request);
            [Some(first), Device::begin(OLD, Opening::AnswerFile(carried), old, world), his]
        }
    })
}

fuzz_target!(|data: &[u8]| {
    let [mode, his_part, program @ ..] = data else { return };
    let mut world = World::default();
    let Some([Some(mut new), Some(mut old), mut his]) = begun(*mode, *his_part, &mut world) else { return };
    let spoken = SpokenCode::random(&mut FixedRandom(3)).to_text();
    let world = &mut world;
    for event in program.as_chunks::<3>().0.iter().take(EVENTS) {
        let [what, which, how] = *event;
        match what % 14 {
            0..=1 => new.poll(world),
            2..=3 => old.poll(world),
            4 => person(&mut new, &old, &spoken, which, world),
            5..=6 => person(&mut old, &new, &spoken, which, world),
            7 => old.grant(KEYS, world),
            8 => {
                if let Some(his) = &mut his {
                    his_deed(his, [new.digits(), old.digits()], which, world);
                }
            }
            9 => {
                let his_file = his.as_ref().and_then(|his| his.files.last());
                let file = if which & 1 == 0 { old.files.last() } else { his_file };
                let file = file.cloned();
                file.into_iter().for_each(|file| new.input(Input::File(file), world));
            }
            what => {
                let device = if which & 1 == 0 { &mut new } else { &mut old };
                let place = device.listening.keys().next().copied();
                let object = world.sent.get(usize::from(which >> 1) % world.sent.len().max(1)).cloned();
                match (what, place, object) {
                    // An object again, with a bit that is not as it was, or as it was.
                    (10, Some(place), Some(mut bytes)) => {
                        let at = usize::from(how) * bytes.len() / 256;
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= how & 1;
                        }
                        device.input(Input::Object { place, bytes }, world);
                    }
                    (11, ..) => {
                        device.clock = device.clock.plus_seconds(i64::from(how));
                        device.input(Input::Tick, world);
                    }
                    (12, ..) => device.restart(world),
                    (13, Some(place), _) if how & 3 == 0 => {
                        device.input(Input::Object { place, bytes: event.to_vec() }, world);
                    }
                    (13, ..) if how & 3 == 1 => device.input(Input::Typed("000-000".into()), world),
                    (13, ..) if how & 3 == 2 => device.input(Input::Imported(b"beacon".to_vec()), world),
                    (13, ..) if how == 255 => device.input(Input::Cancel, world),
                    _ => {}
                }
            }
        }
        assert!(new.imported.as_deref().is_none_or(|keys| keys == KEYS), "keys of somebody else came in");
        assert!(old.imported.is_none());
        assert!(his.as_ref().and_then(|his| his.imported.as_deref()) != Some(KEYS), "keys went to him");
    }
    for device in [&mut new, &mut old] {
        // As often as a code is renewed, and then some.
        for _ in 0..10 {
            device.clock = device.clock.plus_days(15);
            device.input(Input::Tick, world);
        }
        assert!(matches!(device.pairing.state(), State::Done | State::Aborted(_)), "{:?}", device.pairing);
    }
});
