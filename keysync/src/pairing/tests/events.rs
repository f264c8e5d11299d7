//! Random sequences of everything that can happen, in any order, on both sides.

use proptest::prelude::*;

use super::*;

/// Something that happens to one side.
#[derive(Clone, Debug)]
enum Event {
    Poll,
    TypeRight,
    TypeWrong,
    Confirm(bool),
    Approve(bool),
    Grant,
    Imported,
    Wait(u16),
    Cancel,
    /// Object with this number comes again, changed in this byte.
    Tampered(usize, usize),
    Repeated(usize),
    Garbage(Vec<u8>),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Poll),
        3 => Just(Event::TypeRight),
        1 => Just(Event::TypeWrong),
        1 => any::<bool>().prop_map(Event::Confirm),
        3 => any::<bool>().prop_map(Event::Approve),
        3 => Just(Event::Grant),
        3 => Just(Event::Imported),
        1 => (0..400_u16).prop_map(Event::Wait),
        1 => Just(Event::Cancel),
        2 => (0..8_usize, any::<usize>()).prop_map(|(object, byte)| Event::Tampered(object, byte)),
        2 => (0..8_usize).prop_map(Event::Repeated),
        1 => proptest::collection::vec(any::<u8>(), 0..64).prop_map(Event::Garbage),
    ]
}

/// What the person at the old device and at the new one really did.
#[derive(Default)]
struct Deeds {
    typed_on_new: bool,
    approved: bool,
}

fn happen(
    event: &Event,
    actor: &mut Actor<Devices>,
    other: &Actor<Devices>,
    is_new: bool,
    deeds: &mut Deeds,
    cloud: &mut Cloud,
) {
    let object = |number: usize| cloud.sent.get(number).cloned();
    let place = actor.listening.keys().next().copied();
    let object = match event {
        Event::Tampered(number, byte) => object(*number).map(|mut bytes| {
            let at = byte % bytes.len();
            bytes[at] ^= 1;
            bytes
        }),
        Event::Repeated(number) => object(*number),
        Event::Garbage(bytes) => Some(bytes.clone()),
        _ => None,
    };
    if let (Some(place), Some(bytes)) = (place, object) {
        return actor.input(Input::Object { place, bytes }, cloud);
    }
    match event {
        Event::Poll => drop(actor.poll(cloud)),
        Event::TypeRight => {
            if let Some(code) = other.check_code() {
                let listens = actor.pairing.state() == State::AwaitGate;
                actor.input(Input::Typed(code.to_text()), cloud);
                deeds.typed_on_new |= is_new && listens;
            }
        }
        Event::TypeWrong => actor.input(Input::Typed("000-000".into()), cloud),
        Event::Confirm(yes) => actor.input(Input::Confirmed(*yes), cloud),
        Event::Approve(yes) => {
            deeds.approved |= !is_new && *yes;
            let circumstances =
                Circumstances { reauthenticated: *yes, confirmed: *yes, ..Default::default() };
            actor.input(Input::Circumstances(circumstances), cloud);
        }
        Event::Grant => actor.grant(cloud),
        Event::Imported => actor.input(Input::Imported(b"beacon".to_vec()), cloud),
        Event::Wait(seconds) => {
            actor.clock = actor.clock.plus_seconds(i64::from(*seconds));
            actor.input(Input::Tick, cloud);
        }
        Event::Cancel => actor.input(Input::Cancel, cloud),
        Event::Tampered(..) | Event::Repeated(_) | Event::Garbage(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_releases_keys_before_both_people_did_their_part(
        events in proptest::collection::vec((any::<bool>(), event()), 1..60)
    ) {
        let mut cloud = Cloud::default();
        let (mut new, mut old) = begun(&mut cloud);
        let mut deeds = Deeds::default();
        for (is_new, event) in &events {
            let before = [new.pairing.state(), old.pairing.state()];
            if *is_new {
                happen(event, &mut new, &old, true, &mut deeds, &mut cloud);
            } else {
                happen(event, &mut old, &new, false, &mut deeds, &mut cloud);
            }
            for (before, actor) in before.into_iter().zip([&new, &old]) {
                prop_assert!(!before.is_final() || actor.pairing.state() == before, "an end is the end");
            }
            prop_assert!(!old.ever_released || (deeds.typed_on_new && deeds.approved));
            prop_assert!(!new.ever_released);
            prop_assert!(new.imported.is_none() || old.ever_released);
        }
        // Whatever happened: time ends it, and no side is left hanging.
        wait(&mut [&mut new, &mut old], &mut cloud, 30);
        prop_assert!(new.pairing.state().is_final() && old.pairing.state().is_final());
    }
}
