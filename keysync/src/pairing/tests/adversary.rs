//! Somebody between the two sides, who changes, cuts, swaps, repeats, turns back and downgrades every message.

use super::*;
use crate::pairing::messages::{Message, octets, to_der};

/// Messages of a pairing in their order, of [`Cloud::sent`].
const MESSAGES: [&str; 7] = ["offer", "hello-s", "hello-d", "seen", "ready", "grant", "done"];
/// The message that carries the keys.
const GRANT: usize = 5;

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    FlipFirst,
    FlipMiddle,
    FlipLast,
    Truncate,
    Empty,
    SwapSession,
    Reflect,
    Drop,
}

const CHANGES: [Change; 8] = [
    Change::FlipFirst,
    Change::FlipMiddle,
    Change::FlipLast,
    Change::Truncate,
    Change::Empty,
    Change::SwapSession,
    Change::Reflect,
    Change::Drop,
];

/// The objects of another pairing between the same two devices, as an adversary recorded them.
fn another_session() -> Vec<Vec<u8>> {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
    cloud.sent
}

fn changed(
    change: Change,
    object: &[u8],
    number: usize,
    other: &[Vec<u8>],
    cloud: &Cloud,
) -> Option<Vec<u8>> {
    let mut bytes = object.to_vec();
    let length = bytes.len();
    match change {
        Change::FlipFirst => bytes[0] ^= 1,
        Change::FlipMiddle => bytes[length / 2] ^= 0x10,
        Change::FlipLast => bytes[length - 1] ^= 0x80,
        Change::Truncate => bytes.truncate(length - 1),
        Change::Empty => bytes.clear(),
        Change::SwapSession => return Some(other[number].clone()),
        // What its receiver sent last comes back to it.
        Change::Reflect => return cloud.sent.iter().rev().find(|sent| **sent != object).cloned(),
        Change::Drop => return None,
    }
    Some(bytes)
}

/// Runs a pairing in which message `number` is changed, and then lets time go by.
fn attacked(number: usize, change: Change, keep_original: bool) -> (Actor<Devices>, Actor<Devices>) {
    let other = another_session();
    let mut cloud = Cloud::default();
    let tamper = move |cloud: &Cloud, object: Vec<u8>| {
        let mut landed: Vec<Vec<u8>> = changed(change, &object, number, &other, cloud).into_iter().collect();
        if keep_original {
            landed.push(object);
        }
        landed
    };
    cloud.tamper.insert(number, Box::new(tamper));
    let (mut new, mut old) = begun(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    wait(&mut [&mut new, &mut old], &mut cloud, 15);
    (new, old)
}

#[test]
fn every_changed_message_ends_it_with_the_right_reason_and_without_a_key() {
    use AbortReason::{Damaged, Expired, NotTheDevice};
    for (number, message) in MESSAGES.iter().enumerate() {
        for change in CHANGES {
            let (new, old) = attacked(number, change, false);
            let case = format!("{message}, {change:?}");
            assert_eq!(old.ever_released, number >= GRANT, "{case}");
            let unread = matches!(change, Change::FlipFirst | Change::Truncate | Change::Empty);
            let expected = match (number, change) {
                (0, Change::Drop | Change::Reflect) => [Some(Expired); 2],
                // Both look into the box, and both see what cannot be read.
                (0..=1, _) if unread => [Some(Damaged); 2],
                (0, _) => [Some(Expired), Some(NotTheDevice)],
                // It is cut off, or names another offer, and then it is none for us.
                (1, Change::Drop | Change::Reflect | Change::SwapSession) => [Some(Expired); 2],
                (1, _) => [Some(Damaged), Some(Expired)],
                // With another tag it is a sealed object that waits for its channel.
                (2, Change::Drop | Change::Reflect | Change::SwapSession | Change::FlipFirst) => {
                    [Some(Expired); 2]
                }
                (2, _) => [Some(Expired), Some(Damaged)],
                (3..=4, _) => [Some(Expired); 2],
                // The new device is on the list then, and the next sync brings it its keys.
                (_, _) if number == GRANT => [Some(Expired), None],
                (_, _) => [None, None],
            };
            assert_eq!([new.reason, old.reason], expected, "{case}");
            let imported = number > GRANT;
            assert_eq!(new.imported.is_some(), imported, "{case}");
            assert!(new.pairing.state().is_final() && old.pairing.state().is_final(), "{case}");
        }
    }
}

#[test]
fn whatever_comes_beside_the_right_message_changes_nothing() {
    for (number, message) in MESSAGES.iter().enumerate() {
        for change in CHANGES {
            let (new, old) = attacked(number, change, true);
            assert!(is_paired(&new, &old), "{message}, {change:?}");
        }
    }
}

#[test]
fn every_message_twice_and_all_of_another_session_change_nothing() {
    let other = another_session();
    let mut cloud = Cloud::default();
    for (number, strange) in other.into_iter().take(MESSAGES.len()).enumerate() {
        let twice = move |_: &Cloud, object: Vec<u8>| vec![strange, object.clone(), object];
        cloud.tamper.insert(number, Box::new(twice));
    }
    let (mut new, mut old) = begun(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
    let place = *cloud.boxes.keys().next().unwrap();
    // After the end, too.
    for object in cloud.boxes[&place].clone() {
        for actor in [&mut new, &mut old] {
            actor.input(Input::Object { place, bytes: object.clone() }, &mut cloud);
        }
    }
    assert_eq!(cloud.sent.len(), MESSAGES.len());
}

/// The offer with one field changed.
fn rewritten(object: &[u8], change: impl FnOnce(&mut messages::Offer)) -> Vec<u8> {
    let Ok(Message::Offer(mut offer)) = Message::parse(object) else { panic!("an offer") };
    change(&mut offer);
    to_der(&Message::Offer(offer))
}

#[test]
fn a_wrong_version_suite_or_intent_in_the_offer_is_named() {
    use AbortReason::{NotTheDevice, VersionTooOld};
    let cases: [(fn(&mut messages::Offer), AbortReason); 5] = [
        (|offer| offer.version = 2, VersionTooOld),
        (|offer| offer.suite = 2, VersionTooOld),
        // With a code the hash speaks before the field is looked at.
        (|offer| offer.intent = Intent::OldShows.number(), NotTheDevice),
        (|offer| offer.intent = Intent::Meet.number(), NotTheDevice),
        (|offer| offer.method = Method::Sas.number(), NotTheDevice),
    ];
    for (change, reason) in cases {
        let mut cloud = Cloud::default();
        cloud.tamper.insert(0, Box::new(move |_, object| vec![rewritten(&object, change)]));
        let (mut new, mut old) = begun(&mut cloud);
        run(&mut new, &mut old, &mut cloud);
        wait(&mut [&mut new, &mut old], &mut cloud, 15);
        assert_eq!((old.reason, old.ever_released), (Some(reason), false));
    }
}

#[test]
fn a_later_offer_with_other_fields_is_known_by_its_version() {
    let object = [0xa0, 7, 0x30, 5, 2, 1, 9, 5, 0];
    assert_eq!(Message::parse(&object).unwrap_err(), messages::Unreadable::NewerVersion);
}

#[test]
fn with_words_an_offer_of_another_intent_is_not_answered() {
    for intent in [Intent::OldShows, Intent::Meet] {
        let mut cloud = Cloud::default();
        let password = Password::from(&SpokenCode::random(&mut SystemRandom));
        let change = move |_: &Cloud, object: Vec<u8>| {
            vec![rewritten(&object, |offer| offer.intent = intent.number())]
        };
        cloud.tamper.insert(0, Box::new(change));
        let opening = Opening::ShowPassword(password.clone());
        let mut new = Actor::<Devices>::new("new", opening, DevicePart::New, Profile::default());
        let opening = Opening::TypePassword(password);
        let mut old = Actor::<Devices>::new("old", opening, DevicePart::Old, Profile::default());
        new.begin(&mut cloud);
        old.begin(&mut cloud);
        run(&mut new, &mut old, &mut cloud);
        wait(&mut [&mut new, &mut old], &mut cloud, 15);
        assert_eq!((old.reason, old.ever_released), (Some(AbortReason::WrongIntent), false));
        assert_eq!(cloud.sent.len(), 1, "nothing was said to it");
    }
}

#[test]
fn with_words_a_changed_offer_costs_a_guess_and_no_more() {
    let mut cloud = Cloud::default();
    let password = Password::from(&SpokenCode::random(&mut SystemRandom));
    let change = |_: &Cloud, object: Vec<u8>| {
        vec![rewritten(&object, |offer| offer.commitment = octets(&[0; 32])), object]
    };
    cloud.tamper.insert(0, Box::new(change));
    let opening = Opening::ShowPassword(password.clone());
    let mut new = Actor::<Devices>::new("new", opening, DevicePart::New, Profile::default());
    let opening = Opening::TypePassword(password.clone());
    let mut old = Actor::<Devices>::new("old", opening, DevicePart::Old, Profile::default());
    old.retyped = password.shown.unwrap();
    new.begin(&mut cloud);
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}

#[test]
fn twenty_strange_objects_end_an_offer_and_nineteen_do_not() {
    for (count, reason) in [(19, None), (20, Some(AbortReason::TooManyStrangers))] {
        let mut cloud = Cloud::default();
        let mut new = Actor::new_shows();
        new.begin(&mut cloud);
        let place = *cloud.boxes.keys().next().unwrap();
        for number in 0..count {
            new.input(Input::Object { place, bytes: vec![number] }, &mut cloud);
            new.input(Input::Object { place, bytes: vec![number] }, &mut cloud);
        }
        assert_eq!(new.reason, reason);
        if reason.is_none() {
            let mut old = Actor::old_scans(new.code());
            old.begin(&mut cloud);
            run(&mut new, &mut old, &mut cloud);
            assert!(is_paired(&new, &old));
        }
    }
}

#[test]
fn an_object_in_another_box_is_none_of_ours() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    let offer = cloud.sent[0].clone();
    old.listening.clear();
    let steps =
        old.with_ports(|pairing, ports| pairing.input(Input::Object { place: [9; 16], bytes: offer }, ports));
    assert!(steps.is_empty());
    new.poll(&mut cloud);
    assert_eq!([new.pairing.state(), old.pairing.state()], [State::Offered, State::Scanned]);
}

#[test]
fn changed_files_are_refused() {
    let mut cloud = Cloud::default();
    let mut new = Actor::<Devices>::new("new", Opening::OfferFile, DevicePart::New, Profile::default());
    new.begin(&mut cloud);
    let offer = new.files[0].clone();
    for position in (0..offer.len()).step_by(61) {
        let mut changed = offer.clone();
        changed[position] ^= 1;
        let mut old =
            Actor::<Devices>::new("old", Opening::AnswerFile(changed), DevicePart::Old, Profile::default());
        old.begin(&mut cloud);
        assert!(old.reason.is_some(), "byte {position}");
    }
    let mut cut = offer.clone();
    cut.pop();
    let mut old = Actor::<Devices>::new("old", Opening::AnswerFile(cut), DevicePart::Old, Profile::default());
    old.begin(&mut cloud);
    assert_eq!(old.reason, Some(AbortReason::Damaged));
    let both_old = Opening::AnswerFile(offer);
    let mut new_too = Actor::<Devices>::new("new", both_old, DevicePart::New, Profile::default());
    new_too.begin(&mut cloud);
    assert_eq!(new_too.reason, Some(AbortReason::WrongIntent));
}
