//! One object by anybody, put before a device in every state in which it waits for one: as a message in the box, as the
//! file of a request, as the file of an answer, as a mail that holds one. Nothing of it makes a device hand over or take in anything.
#![no_main]

use std::sync::OnceLock;

use counterseal_fuzz::{FixedRandom, now};
use counterseal_keysync::device::DeviceKeys;
use counterseal_keysync::file_mail::file_in;
use counterseal_keysync::pairing::{
    BoxId, DevicePart, Devices, Input, Opening, Pairing, Password, Ports, Profile, Show, Step,
};
use counterseal_keysync::words::SpokenCode;
use libfuzzer_sys::fuzz_target;

fn keys() -> &'static DeviceKeys {
    static KEYS: OnceLock<DeviceKeys> = OnceLock::new();
    KEYS.get_or_init(|| DeviceKeys::generate("device", now(), &mut FixedRandom(1)).expect("keys"))
}

struct Device {
    pairing: Pairing<Devices>,
    random: FixedRandom,
}

impl Device {
    fn begin(opening: Opening, part: DevicePart) -> (Self, Vec<Step>) {
        let pairing = Pairing::new(opening, part, Profile::default()).expect("no code of the same part");
        let mut device = Self { pairing, random: FixedRandom(2) };
        let steps = device.with(|pairing, ports| pairing.begin(ports));
        (device, steps)
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Pairing<Devices>, &mut Ports<'_>) -> T) -> T {
        act(&mut self.pairing, &mut Ports { now: now(), random: &mut self.random, signer: keys() })
    }

    fn takes(&mut self, input: Input) {
        harmless(&self.with(|pairing, ports| pairing.input(input, ports)));
    }
}

fn harmless(steps: &[Step]) {
    for step in steps {
        assert!(
            !matches!(step, Step::Release(_) | Step::Import(_) | Step::Met(_) | Step::Done(_)),
            "{step:?}"
        );
    }
}

fn listened_to(steps: &[Step]) -> Vec<BoxId> {
    let boxes = steps.iter().filter_map(|step| match step {
        Step::Listen(object_box) => Some(*object_box.id()),
        _ => None,
    });
    boxes.collect()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = file_in(data) {
        assert!(file.len() <= data.len());
    }
    let password = Password::from(&SpokenCode::random(&mut FixedRandom(3)));
    let (_, shown) = Device::begin(Opening::ShowCode, DevicePart::Old);
    let code = shown.iter().find_map(|step| match step {
        Step::Show(Show::Code(code, _)) => Some(code.clone()),
        _ => None,
    });
    for opening in [
        Opening::ShowCode,
        Opening::ScanCode(code.expect("a code is shown")),
        Opening::ShowPassword(password.clone()),
        Opening::TypePassword(password),
        Opening::ShowName,
        Opening::PickName,
    ] {
        let (mut device, steps) = Device::begin(opening, DevicePart::New);
        for place in listened_to(&steps) {
            device.takes(Input::Object { place, bytes: data.to_vec() });
        }
        device.takes(Input::Confirmed(true));
    }
    for part in [DevicePart::New, DevicePart::Old] {
        harmless(&Device::begin(Opening::AnswerFile(data.to_vec()), part).1);
        let (mut device, _) = Device::begin(Opening::OfferFile, part);
        device.takes(Input::File(data.to_vec()));
    }
});
