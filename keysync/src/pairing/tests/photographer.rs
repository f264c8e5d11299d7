//! Somebody who has the code, or heard the words: the rows of the table in keysync/models/README.md, run on the machine.

use super::*;

fn attacker(opening: Opening, part: DevicePart) -> Actor<Devices> {
    Actor::new("attacker", opening, part, Profile { trust_scan: true, ..Profile::default() })
}

/// Everything that the attacker's program would do by itself.
fn act(attacker: &mut Actor<Devices>, cloud: &mut Cloud) {
    attacker.poll(cloud);
    if attacker.asked.drain(..).any(|ask| matches!(ask, Ask::ConfirmPeer | Ask::CompareWords)) {
        attacker.input(Input::Confirmed(true), cloud);
    }
    attacker.poll(cloud);
}

#[test]
fn who_photographs_the_code_of_the_old_device_gets_no_key() {
    let mut cloud = Cloud::default();
    let mut old = Actor::<Devices>::new("desktop", Opening::ShowCode, DevicePart::Old, Profile::default());
    old.begin(&mut cloud);
    let mut attacker = attacker(Opening::ScanCode(old.code()), DevicePart::New);
    let mut new = Actor::<Devices>::new(
        "thinkpad-7",
        Opening::ScanCode(old.code()),
        DevicePart::New,
        Profile::default(),
    );
    attacker.begin(&mut cloud);
    act(&mut attacker, &mut cloud);
    new.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    act(&mut attacker, &mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(attacker.pairing.state() == State::Granting, "to him everything looks ready");
    // The old device waits for digits; the new one, in front of the person, shows none, because it has no channel.
    assert!(old.asks(|ask| matches!(ask, Ask::CheckCode)) && new.check_code().is_none());
    wait(&mut [&mut new, &mut old, &mut attacker], &mut cloud, 10);
    assert!(!old.ever_released && attacker.imported.is_none());
    assert_eq!(old.reason, Some(AbortReason::Expired));
}

#[test]
fn who_photographs_the_code_of_the_new_device_gets_no_key_and_does_not_lure_it() {
    let mut cloud = Cloud::default();
    let mut new = Actor::new_shows();
    new.begin(&mut cloud);
    let mut attacker = attacker(Opening::ScanCode(new.code()), DevicePart::Old);
    let mut old = Actor::old_scans(new.code());
    attacker.begin(&mut cloud);
    act(&mut attacker, &mut cloud);
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    attacker.input(approval(), &mut cloud);
    act(&mut attacker, &mut cloud);
    attacker.grant(&mut cloud);
    new.poll(&mut cloud);
    assert!(
        new.asks(|ask| matches!(ask, Ask::CheckCode)),
        "the digits are on no screen in front of the person"
    );
    wait(&mut [&mut new, &mut old, &mut attacker], &mut cloud, 15);
    assert!(new.imported.is_none() && !old.ever_released && !attacker.ever_released);
}

#[test]
fn without_the_digits_the_new_device_can_be_lured_and_still_nobody_gets_a_key() {
    let mut cloud = Cloud::default();
    let profile = Profile { trust_scan: true, ..Profile::default() };
    let mut new = Actor::<Devices>::new("thinkpad-7", Opening::ShowCode, DevicePart::New, profile);
    new.begin(&mut cloud);
    let mut attacker = attacker(Opening::ScanCode(new.code()), DevicePart::Old);
    attacker.begin(&mut cloud);
    attacker.poll(&mut cloud);
    new.poll(&mut cloud);
    act(&mut attacker, &mut cloud);
    new.poll(&mut cloud);
    attacker.poll(&mut cloud);
    attacker.input(approval(), &mut cloud);
    attacker.grant(&mut cloud);
    new.poll(&mut cloud);
    assert!(new.imported.is_some(), "row E: this is what --trust-scan gives up");
}

#[test]
fn who_overheard_the_words_gets_no_key() {
    for attacker_is_first in [true, false] {
        let mut cloud = Cloud::default();
        let password = Password::from(&SpokenCode::random(&mut SystemRandom));
        let mut new = Actor::<Devices>::new(
            "new",
            Opening::ShowPassword(password.clone()),
            DevicePart::New,
            Profile::default(),
        );
        let mut attacker = attacker(Opening::ShowPassword(password.clone()), DevicePart::New);
        let mut old = Actor::<Devices>::new(
            "old",
            Opening::TypePassword(password),
            DevicePart::Old,
            Profile::default(),
        );
        if attacker_is_first {
            attacker.begin(&mut cloud);
            new.begin(&mut cloud);
        } else {
            new.begin(&mut cloud);
            attacker.begin(&mut cloud);
        }
        old.begin(&mut cloud);
        old.poll(&mut cloud);
        // The network brings the attacker's messages first, and the new device's not at all.
        attacker.poll(&mut cloud);
        old.poll(&mut cloud);
        act(&mut attacker, &mut cloud);
        old.poll(&mut cloud);
        old.input(approval(), &mut cloud);
        if let (Some(shown), true) = (new.check_code(), old.asks(|ask| matches!(ask, Ask::CheckCode))) {
            old.input(Input::Typed(shown.to_text()), &mut cloud);
        }
        assert!(!old.ever_released && attacker.imported.is_none(), "attacker first: {attacker_is_first}");
    }
}

/// A full man in the middle of words that are compared: two channels, of which people see different words.
#[test]
fn who_stands_between_two_names_is_seen() {
    let (mut left, mut right) = (Cloud::default(), Cloud::default());
    let mut new = Actor::<Devices>::new("new", Opening::ShowName, DevicePart::New, Profile::default());
    let mut old = Actor::<Devices>::new("old", Opening::PickName, DevicePart::Old, Profile::default());
    let mut to_new = attacker(Opening::PickName, DevicePart::Old);
    let mut to_old = attacker(Opening::ShowName, DevicePart::New);
    new.begin(&mut left);
    to_new.begin(&mut left);
    to_old.begin(&mut right);
    old.begin(&mut right);
    for (chooser, cloud) in [(&mut to_new, &mut left), (&mut old, &mut right)] {
        chooser.poll(cloud);
        let Some(Ask::Pick(offers)) = chooser.asked.pop() else { panic!("there is a choice") };
        chooser.input(Input::Picked(offers[0].0), cloud);
    }
    for _ in 0..4 {
        new.poll(&mut left);
        act(&mut to_new, &mut left);
        act(&mut to_old, &mut right);
        old.poll(&mut right);
    }
    assert_eq!(new.words(), to_new.words());
    assert_eq!(old.words(), to_old.words());
    assert_ne!(new.words(), old.words(), "two channels have different words");
    old.input(approval(), &mut right);
    old.input(Input::Confirmed(new.words() == old.words()), &mut right);
    assert_eq!((old.reason, old.ever_released), (Some(AbortReason::CodeMismatch), false));
}

/// The displaying side cannot try until digits or words fit: they follow from what it is bound to before it sees the
/// hello. Here it opens another nonce than it committed to.
#[test]
fn a_nonce_that_was_not_committed_to_ends_it() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    old.poll(&mut cloud);
    new.pairing.offers[0].nonce = [1; 32];
    new.poll(&mut cloud);
    old.poll(&mut cloud);
    assert_eq!(old.reason, Some(AbortReason::Damaged));
}

/// Who a side is, is committed to as well.
#[test]
fn another_certificate_than_the_one_committed_to_ends_it() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    old.poll(&mut cloud);
    new.keys = DeviceKeys::generate("another", NOW, &mut SystemRandom).unwrap();
    new.poll(&mut cloud);
    old.poll(&mut cloud);
    assert_eq!(old.reason, Some(AbortReason::Damaged));
}

/// A signature by a key that is not that of the certificate.
struct Impostor {
    certificates: DeviceKeys,
    key: DeviceKeys,
}

impl Signer for Impostor {
    fn certificates(&self) -> Vec<Vec<u8>> {
        self.certificates.certificates().to_list()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, counterseal_core::ports::KeyError> {
        self.key.sign(message)
    }
}

#[test]
fn a_certificate_without_its_key_introduces_nobody() {
    let make = |name| DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap();
    let impostor = Impostor { certificates: make("victim"), key: make("impostor") };
    let mut cloud = Cloud::default();
    let mut new = Actor::new_shows();
    new.begin(&mut cloud);
    let mut evil = Actor::old_scans(new.code());
    let mut random = SystemRandom;
    let mut ports = Ports { now: NOW, random: &mut random, signer: &impostor };
    let mut steps = evil.pairing.begin(&mut ports);
    let place = *cloud.boxes.keys().next().unwrap();
    let offer = cloud.boxes[&place][0].clone();
    steps.extend(evil.pairing.input(Input::Object { place, bytes: offer }, &mut ports));
    evil.apply(steps, &mut cloud);
    new.poll(&mut cloud);
    assert_eq!(new.pairing.state(), State::Offered, "the answer is not believed, and the offer stands");
    let mut old = Actor::old_scans(new.code());
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}
