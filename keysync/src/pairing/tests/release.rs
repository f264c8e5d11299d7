//! What has to be fulfilled before keys leave, and what leaves then.

use super::*;
use crate::limits;

#[test]
fn the_old_device_gets_what_the_new_one_asks_for() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    digits_are_typed(&mut new, &mut old, &mut cloud);
    assert!(old.released.is_none(), "the person at the old device was not asked yet");
    old.input(approval(), &mut cloud);
    let released = old.released.as_ref().unwrap();
    assert_eq!(released.request(), b"certificate request");
    assert_eq!(released.peer().name(), "thinkpad-7");
}

#[test]
fn a_grant_of_many_parts_arrives_in_any_order_and_twice() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    digits_are_typed(&mut new, &mut old, &mut cloud);
    old.input(approval(), &mut cloud);
    let (released, mut keys) = (old.released.take().unwrap(), vec![0; 5 * limits::GRANT_PART_BYTES + 1]);
    SystemRandom.fill(&mut keys);
    let payload = SecretBytes::copy_of(&keys);
    let mut steps = old.with_ports(|pairing, ports| pairing.grant(released, &payload, ports).unwrap());
    assert_eq!(steps.len(), 6);
    for step in &steps {
        let Step::Send { object, .. } = step else { panic!("only objects") };
        assert!(object.len() <= limits::PAIRING_OBJECT_BYTES);
    }
    steps.reverse();
    old.apply(steps, &mut cloud);
    let place = *cloud.boxes.keys().next().unwrap();
    let twice = cloud.boxes[&place].clone();
    cloud.boxes.get_mut(&place).unwrap().extend(twice);
    new.poll(&mut cloud);
    assert_eq!(new.imported.as_deref(), Some(keys.as_slice()));
}

#[test]
fn a_proof_serves_one_run() {
    let mut cloud = Cloud::default();
    let mut run_to_release = || {
        let (mut new, mut old) = begun(&mut cloud);
        digits_are_typed(&mut new, &mut old, &mut cloud);
        old.input(approval(), &mut cloud);
        old
    };
    let (mut one, mut other) = (run_to_release(), run_to_release());
    let (first, second) = (one.released.take().unwrap(), other.released.take().unwrap());
    let keys = SecretBytes::copy_of(KEYS);
    let crossed = one.with_ports(|pairing, ports| pairing.grant(second, &keys, ports).unwrap_err());
    assert_eq!(crossed, GrantError::OtherRun);
    one.with_ports(|pairing, ports| pairing.grant(first, &keys, ports).unwrap());
}

#[test]
fn policies_withhold_and_say_what_is_missing() {
    let refused = |policy: ReleasePolicy, circumstances: Circumstances| {
        let mut cloud = Cloud::default();
        let mut new = new_device(Opening::ShowCode);
        new.begin(&mut cloud);
        let profile = Profile { policy, ..Profile::default() };
        let mut old =
            Actor::<Devices>::new("desktop", Opening::ScanCode(new.code()), DevicePart::Old, profile);
        old.begin(&mut cloud);
        digits_are_typed(&mut new, &mut old, &mut cloud);
        old.input(Input::Circumstances(circumstances), &mut cloud);
        new.poll(&mut cloud);
        let withheld = old.shown.iter().find_map(|show| match show {
            Show::Withheld(withheld) => Some(*withheld),
            _ => None,
        });
        assert!(!old.ever_released);
        (withheld.unwrap(), old.reason, new.reason)
    };
    let all = Circumstances { reauthenticated: true, confirmed: true, on_local_network: false, approvals: 1 };
    let refusal = Some(AbortReason::PolicyRefused);
    let plain = ReleasePolicy::default();
    let cases = [
        (plain, Circumstances { reauthenticated: false, ..all }, Withheld::NotReauthenticated),
        (plain, Circumstances { confirmed: false, ..all }, Withheld::NotConfirmed),
        (ReleasePolicy { lan_only: true, ..plain }, all, Withheld::NotOnLocalNetwork),
    ];
    for (policy, circumstances, expected) in cases {
        assert_eq!(refused(policy, circumstances), (expected, refusal, refusal));
    }
    let (withheld, reason, _) = refused(ReleasePolicy { approvals: 2, ..plain }, all);
    assert_eq!((withheld, reason), (Withheld::Approvals { have: 1, need: 2 }, None));
    let (withheld, reason, _) = refused(ReleasePolicy { hold_seconds: 3600, ..plain }, all);
    assert_eq!((withheld, reason), (Withheld::Until(NOW.plus_seconds(3600)), None));
}

#[test]
fn a_hold_is_waited_for_on_both_sides() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let policy = ReleasePolicy { hold_seconds: 3600, ..ReleasePolicy::default() };
    let profile = Profile { policy, ..Profile::default() };
    let mut old = Actor::<Devices>::new("desktop", Opening::ScanCode(new.code()), DevicePart::Old, profile);
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(!old.ever_released && new.shown.iter().any(|show| matches!(show, Show::HeldUntil(_))));
    wait(&mut [&mut new, &mut old], &mut cloud, 61);
    old.input(approval(), &mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}

#[test]
fn what_was_believed_is_told_from_what_a_stranger_put() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    let place = *cloud.boxes.keys().next().unwrap();
    let junk = b"junk".to_vec();
    cloud.boxes.get_mut(&place).unwrap().push(junk.clone());
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    cloud.boxes.get_mut(&place).unwrap().push(b"more".to_vec());
    old.poll(&mut cloud);
    // m3, and nothing else: the offer stands for nobody before it is answered for.
    let [offer, hello, answer] = [0, 1, 2].map(|number| ObjectName::of(&cloud.sent[number]));
    assert_eq!(old.pairing.accepted().iter().collect::<Vec<_>>(), [&answer]);
    assert!(new.pairing.accepted().contains(&hello));
    for other in [offer, ObjectName::of(&junk), ObjectName::of(b"more")] {
        assert!(!new.pairing.accepted().contains(&other));
    }
}
