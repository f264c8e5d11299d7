//! Every mode from its beginning to its end.

use super::*;
use crate::device::Role;
use crate::limits;

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

#[test]
fn the_new_device_shows_and_the_old_one_scans() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::ScanCode(new.code()));
    old.begin(&mut cloud);
    old.poll(&mut cloud);
    new.poll(&mut cloud);
    old.poll(&mut cloud);
    assert_eq!([new.pairing.state(), old.pairing.state()], [State::HelloRecv, State::AwaitGate]);
    let peer = old.pairing.peer().unwrap();
    assert_eq!((peer.name(), peer.role()), ("thinkpad-7", Some(Role::Writer)));
    assert_eq!(peer.fingerprint(), Some(new.keys.certificates().signing().fingerprint()));
    assert_eq!(peer.certificates().len(), 3, "to sign, to agree, to encapsulate");
    assert_eq!(new.pairing.peer().unwrap().account(), Some(&[7; 32]));
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
    assert_eq!(cloud.sent.len(), 7, "m1, m2, m3, seen, ready, grant, done");
}

#[test]
fn the_old_device_gets_what_the_new_one_asks_for() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::ScanCode(new.code()));
    old.begin(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    let code = old.check_code().unwrap();
    new.input(Input::Typed(code.to_text()), &mut cloud);
    old.poll(&mut cloud);
    assert!(old.released.is_none(), "the person at the old device was not asked yet");
    old.input(approval(), &mut cloud);
    let released = old.released.as_ref().unwrap();
    assert_eq!(released.request(), b"certificate request");
    assert_eq!(released.peer().name(), "thinkpad-7");
}

#[test]
fn the_old_device_shows_and_the_new_one_scans() {
    let mut cloud = Cloud::default();
    let mut old = old_device(Opening::ShowCode);
    old.begin(&mut cloud);
    let mut new = new_device(Opening::ScanCode(old.code()));
    new.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}

#[test]
fn words_read_aloud_pair_in_both_directions() {
    for new_shows in [true, false] {
        let (mut cloud, password) = (Cloud::default(), spoken());
        let openings = [Opening::ShowPassword(password.clone()), Opening::TypePassword(password)];
        let [first, second] = if new_shows {
            openings
        } else {
            let [a, b] = openings;
            [b, a]
        };
        let (mut new, mut old) = (new_device(first), old_device(second));
        new.begin(&mut cloud);
        old.begin(&mut cloud);
        run(&mut new, &mut old, &mut cloud);
        assert!(is_paired(&new, &old), "new shows: {new_shows}");
    }
}

#[test]
fn with_words_the_digits_are_typed_on_the_device_that_releases() {
    let (mut cloud, password) = (Cloud::default(), spoken());
    let mut new = new_device(Opening::ShowPassword(password.clone()));
    let mut old = old_device(Opening::TypePassword(password));
    new.begin(&mut cloud);
    old.begin(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    assert!(old.asks(|ask| matches!(ask, Ask::CheckCode)) && new.check_code().is_some());
    new.input(Input::Confirmed(true), &mut cloud);
    old.poll(&mut cloud);
    old.input(approval(), &mut cloud);
    assert!(!old.ever_released, "without the digits nothing leaves");
}

#[test]
fn words_that_both_screens_show_alike_pair() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = (new_device(Opening::ShowName), old_device(Opening::PickName));
    // A neighbour offers himself, too.
    let mut neighbour =
        Actor::<Devices>::new("neighbour", Opening::ShowName, DevicePart::New, Profile::default());
    new.begin(&mut cloud);
    neighbour.begin(&mut cloud);
    old.begin(&mut cloud);
    old.poll(&mut cloud);
    let Some(Ask::Pick(offers)) = old.asked.last() else { panic!("there is a choice") };
    let names: Vec<&str> = offers.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["thinkpad-7", "neighbour"]);
    let chosen = offers[0].0;
    old.asked.clear();
    old.input(Input::Picked(chosen), &mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}

#[test]
fn words_that_differ_end_it_on_both_sides() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = (new_device(Opening::ShowName), old_device(Opening::PickName));
    new.begin(&mut cloud);
    old.begin(&mut cloud);
    old.poll(&mut cloud);
    let Some(Ask::Pick(offers)) = old.asked.last() else { panic!("there is a choice") };
    let chosen = offers[0].0;
    old.input(Input::Picked(chosen), &mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    new.input(Input::Confirmed(false), &mut cloud);
    old.poll(&mut cloud);
    assert_eq!([new.reason, old.reason], [Some(AbortReason::CodeMismatch); 2]);
    assert!(!old.ever_released);
}

#[test]
fn two_files_pair_without_a_box() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::OfferFile);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::AnswerFile(new.files[0].clone()));
    old.begin(&mut cloud);
    assert_eq!(new.words(), old.words());
    assert_eq!(new.words().unwrap().split(' ').count(), 8);
    old.input(Input::Confirmed(true), &mut cloud);
    old.input(approval(), &mut cloud);
    assert_eq!(old.released.as_ref().unwrap().request(), b"certificate request");
    old.grant(&mut cloud);
    assert_eq!(old.done, Some(None));
    let Some(Show::AnswerWords(words)) = old.shown.last() else { panic!("the answer has words") };
    new.input(Input::File(b"some other file".to_vec()), &mut cloud);
    assert!(matches!(new.shown.last(), Some(Show::OtherFile)));
    new.clock = new.clock.plus_days(13);
    new.input(Input::File(old.files[0].clone()), &mut cloud);
    new.input(Input::Typed("acid barrel".into()), &mut cloud);
    assert!(new.imported.is_none() && new.reason.is_none(), "a slip is no try");
    new.input(Input::Typed("zoo zoo zoo zoo zoo zoo".into()), &mut cloud);
    assert!(matches!(new.shown.last(), Some(Show::TriesLeft(19))));
    new.input(Input::Typed(words.to_text().to_uppercase()), &mut cloud);
    assert_eq!(new.imported.as_deref(), Some(KEYS));
    new.input(Input::Imported(Vec::new()), &mut cloud);
    assert_eq!((new.done, cloud.sent.len()), (Some(None), 0));
}

#[test]
fn a_file_that_the_person_does_not_recognise_gets_nothing() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::OfferFile);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::AnswerFile(new.files[0].clone()));
    old.begin(&mut cloud);
    old.input(approval(), &mut cloud);
    assert!(old.released.is_none());
    old.input(Input::Confirmed(false), &mut cloud);
    assert_eq!((old.reason, old.ever_released), (Some(AbortReason::NotTheDevice), false));
}

#[test]
fn a_grant_of_many_parts_arrives_in_any_order_and_twice() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::ScanCode(new.code()));
    old.begin(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    let code = old.check_code().unwrap();
    new.input(Input::Typed(code.to_text()), &mut cloud);
    old.poll(&mut cloud);
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
        let mut new = new_device(Opening::ShowCode);
        new.begin(&mut cloud);
        let mut old = old_device(Opening::ScanCode(new.code()));
        old.begin(&mut cloud);
        while old.poll(&mut cloud) | new.poll(&mut cloud) {}
        let code = old.check_code().unwrap();
        new.input(Input::Typed(code.to_text()), &mut cloud);
        old.poll(&mut cloud);
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
fn three_wrong_codes_burn_the_offer_and_slips_do_not() {
    let mut cloud = Cloud::default();
    let mut old = old_device(Opening::ShowCode);
    old.begin(&mut cloud);
    let mut new = new_device(Opening::ScanCode(old.code()));
    new.begin(&mut cloud);
    while new.poll(&mut cloud) | old.poll(&mut cloud) {}
    old.input(approval(), &mut cloud);
    let right = new.check_code().unwrap();
    let wrong =
        |nth: u32| (0..=9).map(|digit| format!("{digit}{nth}0000")).find(|code| !right.is(code)).unwrap();
    for slip in ["", "12345", "one two three"] {
        old.input(Input::Typed(slip.into()), &mut cloud);
    }
    for nth in 0..2 {
        old.input(Input::Typed(wrong(nth)), &mut cloud);
        assert_eq!(old.pairing.state(), State::AwaitGate);
    }
    old.input(Input::Typed(wrong(2)), &mut cloud);
    old.input(Input::Typed(right.to_text()), &mut cloud);
    new.poll(&mut cloud);
    assert_eq!([old.reason, new.reason], [Some(AbortReason::CodeMismatch); 2]);
    assert!(!old.ever_released);
}

#[test]
fn wrong_words_burn_an_offer_after_three_guesses_and_the_right_ones_get_in_before() {
    for wrong_guesses in [1, 2, 3] {
        let (mut cloud, password) = (Cloud::default(), spoken());
        let mut new = new_device(Opening::ShowPassword(password.clone()));
        new.begin(&mut cloud);
        for _ in 0..wrong_guesses {
            let guess = Password { secret: spoken().secret, ..password.clone() };
            let mut guesser = old_device(Opening::TypePassword(guess));
            guesser.begin(&mut cloud);
            // He answers the offer that came last.
            let place = *cloud.boxes.keys().next().unwrap();
            let last = cloud.boxes[&place].last().unwrap().clone();
            guesser.input(Input::Object { place, bytes: last }, &mut cloud);
            new.poll(&mut cloud);
            assert!(guesser.pairing.peer().is_none());
        }
        let mut old = old_device(Opening::TypePassword(password.clone()));
        old.retyped = password.shown.unwrap();
        old.begin(&mut cloud);
        run(&mut new, &mut old, &mut cloud);
        if wrong_guesses < 3 {
            assert!(is_paired(&new, &old), "after {wrong_guesses} wrong guesses");
        } else {
            assert_eq!((new.reason, old.ever_released), (Some(AbortReason::WordsMismatch), false));
        }
    }
}

#[test]
fn mistyped_words_cost_one_guess_and_are_asked_for_again() {
    let (mut cloud, password) = (Cloud::default(), spoken());
    let mut new = new_device(Opening::ShowPassword(password.clone()));
    let mistyped = Password { secret: spoken().secret, ..password.clone() };
    let mut old = old_device(Opening::TypePassword(mistyped));
    old.retyped = password.shown.unwrap().to_uppercase();
    new.begin(&mut cloud);
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
    assert!(new.shown.iter().any(|show| matches!(show, Show::TriesLeft(2))));
}

#[test]
fn a_code_is_renewed_five_times_and_the_last_two_are_valid() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let first = new.code();
    wait(&mut [&mut new], &mut cloud, 2);
    let second = new.code();
    wait(&mut [&mut new], &mut cloud, 2);
    assert_ne!(first.secret.expose(), second.secret.expose());
    // The first is forgotten, the second still stands beside the third.
    let mut late = old_device(Opening::ScanCode(first));
    late.clock = new.clock;
    late.begin(&mut cloud);
    late.poll(&mut cloud);
    new.poll(&mut cloud);
    assert_eq!(new.pairing.state(), State::Offered);
    let mut old = old_device(Opening::ScanCode(second));
    old.clock = new.clock;
    old.begin(&mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));

    let mut forgotten = new_device(Opening::ShowCode);
    forgotten.begin(&mut cloud);
    wait(&mut [&mut forgotten], &mut cloud, 13);
    assert_eq!(forgotten.reason, Some(AbortReason::Expired));
    let codes = forgotten.shown.iter().filter(|show| matches!(show, Show::Code(..))).count();
    assert_eq!(codes, 6);
}

#[test]
fn an_old_code_and_a_code_for_the_same_part_are_refused() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let code = new.code();
    let both_new =
        Pairing::<Devices>::new(Opening::ScanCode(code.clone()), DevicePart::New, Profile::default());
    assert_eq!(both_new.unwrap_err(), AbortReason::WrongIntent);
    let meeting = Pairing::<People>::new(Opening::ScanCode(code.clone()), (), Profile::default());
    assert_eq!(meeting.unwrap_err(), AbortReason::WrongIntent);
    let mut old = old_device(Opening::ScanCode(code));
    old.clock = NOW.plus_seconds(2 * limits::CODE_SECONDS + limits::CLOCK_SKEW_SECONDS + 1);
    old.begin(&mut cloud);
    assert_eq!(old.reason, Some(AbortReason::Expired));
}

#[test]
fn either_side_ends_it_and_the_other_one_says_why() {
    for new_cancels in [true, false] {
        let mut cloud = Cloud::default();
        let mut new = new_device(Opening::ShowCode);
        new.begin(&mut cloud);
        let mut old = old_device(Opening::ScanCode(new.code()));
        old.begin(&mut cloud);
        while old.poll(&mut cloud) | new.poll(&mut cloud) {}
        let actor = if new_cancels { &mut new } else { &mut old };
        actor.input(Input::Cancel, &mut cloud);
        while old.poll(&mut cloud) | new.poll(&mut cloud) {}
        assert_eq!([new.reason, old.reason], [Some(AbortReason::Cancelled); 2]);
        assert!(new.listening.is_empty() && old.listening.is_empty(), "boxes are closed");
    }
}

#[test]
fn nobody_at_the_screens_ends_it_on_both_sides() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::ScanCode(new.code()));
    old.begin(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    wait(&mut [&mut new, &mut old], &mut cloud, 4);
    assert_eq!([new.reason, old.reason], [Some(AbortReason::Expired); 2]);
}

#[test]
fn a_grant_that_is_not_acknowledged_is_left_to_the_next_sync() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::ShowCode);
    new.begin(&mut cloud);
    let mut old = old_device(Opening::ScanCode(new.code()));
    old.begin(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    let code = old.check_code().unwrap();
    new.input(Input::Typed(code.to_text()), &mut cloud);
    old.poll(&mut cloud);
    old.input(approval(), &mut cloud);
    old.grant(&mut cloud);
    wait(&mut [&mut old], &mut cloud, 3);
    assert_eq!((old.done, old.reason), (Some(None), None));
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
        while old.poll(&mut cloud) | new.poll(&mut cloud) {}
        let code = old.check_code().unwrap();
        new.input(Input::Typed(code.to_text()), &mut cloud);
        old.poll(&mut cloud);
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

/// Two people: what is shown and typed is that of the mode.
fn meet(mut alice: Actor<People>, mut bob: Actor<People>, cloud: &mut Cloud) -> [Met; 2] {
    while alice.poll(cloud) | bob.poll(cloud) {}
    let (codes, words) = ([alice.check_code(), bob.check_code()], [alice.words(), bob.words()]);
    for (actor, shown) in [(&mut alice, &codes[1]), (&mut bob, &codes[0])] {
        for ask in std::mem::take(&mut actor.asked) {
            match ask {
                Ask::CheckCode => actor.input(Input::Typed(shown.as_ref().unwrap().to_text()), cloud),
                Ask::CompareWords => actor.input(Input::Confirmed(words[0] == words[1]), cloud),
                Ask::ConfirmPeer => actor.input(Input::Confirmed(true), cloud),
                other => panic!("nobody is asked {other:?} in a meeting"),
            }
        }
    }
    while alice.poll(cloud) | bob.poll(cloud) {}
    assert_eq!([alice.pairing.state(), bob.pairing.state()], [State::Done; 2]);
    let met = [alice.met.take().unwrap(), bob.met.take().unwrap()];
    let own = [&bob, &alice].map(|actor| actor.keys.certificates().signing().fingerprint());
    assert_eq!(met.each_ref().map(|met| met.peer().fingerprint().unwrap()), own);
    assert!(!alice.ever_released && !bob.ever_released);
    met
}

fn person(name: &str, opening: Opening) -> Actor<People> {
    Actor::new(name, opening, (), Profile::default())
}

#[test]
fn two_people_meet_by_code_by_password_and_by_words() {
    let mut cloud = Cloud::default();
    let mut alice = person("alice", Opening::ShowCode);
    alice.begin(&mut cloud);
    let mut bob = person("bob", Opening::ScanCode(alice.code()));
    bob.begin(&mut cloud);
    let proofs = meet(alice, bob, &mut cloud).map(|met| met.proof());
    assert_eq!(proofs, [Proof::CodeTyped, Proof::OfferScanned]);

    let password = Password { nameplate: 7, secret: SecretBytes::copy_of(b"our song"), shown: None };
    let mut alice = person("alice", Opening::ShowPassword(password.clone()));
    let mut bob = person("bob", Opening::TypePassword(password));
    alice.begin(&mut cloud);
    bob.begin(&mut cloud);
    let proofs = meet(alice, bob, &mut cloud).map(|met| met.proof());
    assert_eq!(proofs, [Proof::PasswordKnown; 2]);

    let (mut alice, mut bob) = (person("alice", Opening::ShowName), person("bob", Opening::PickName));
    alice.begin(&mut cloud);
    bob.begin(&mut cloud);
    bob.poll(&mut cloud);
    let Some(Ask::Pick(offers)) = bob.asked.pop() else { panic!("there is a choice") };
    bob.input(Input::Picked(offers[0].0), &mut cloud);
    let proofs = meet(alice, bob, &mut cloud).map(|met| met.proof());
    assert_eq!(proofs, [Proof::WordsCompared; 2]);
}

#[test]
fn two_people_meet_by_two_mails() {
    let mut cloud = Cloud::default();
    let mut alice = person("alice", Opening::OfferFile);
    alice.begin(&mut cloud);
    let mut bob = person("bob", Opening::AnswerFile(alice.files[0].clone()));
    bob.begin(&mut cloud);
    bob.input(Input::Confirmed(true), &mut cloud);
    assert_eq!(bob.met.as_ref().unwrap().proof(), Proof::FingerprintCompared);
    let Some(words) = bob.shown.iter().find_map(|show| match show {
        Show::AnswerWords(words) => Some(words.to_text()),
        _ => None,
    }) else {
        panic!("the answer has words")
    };
    alice.input(Input::File(bob.files[0].clone()), &mut cloud);
    alice.input(Input::Typed(words), &mut cloud);
    assert!(alice.met.is_none(), "the person confirms whom she met");
    alice.input(Input::Confirmed(true), &mut cloud);
    assert_eq!(alice.met.unwrap().peer().name(), "bob");
}

#[test]
fn a_meeting_never_passes_the_release_gate() {
    let mut cloud = Cloud::default();
    let mut alice = person("alice", Opening::ShowCode);
    alice.begin(&mut cloud);
    let mut bob = person("bob", Opening::ScanCode(alice.code()));
    bob.begin(&mut cloud);
    while alice.poll(&mut cloud) | bob.poll(&mut cloud) {}
    for actor in [&mut alice, &mut bob] {
        actor.input(approval(), &mut cloud);
        assert!(!actor.ever_released);
    }
    let evidence = gate::Evidence {
        session: [0; 32],
        method: Method::Code,
        intent: Intent::Meet,
        side: Side::Scans,
        proof: Some(Proof::OfferScanned),
        peer: bob.pairing.peer().unwrap().clone(),
        request: Some(Vec::new()),
        since: NOW,
    };
    let Input::Circumstances(circumstances) = approval() else { panic!() };
    let released = gate::release(&evidence, &ReleasePolicy::default(), &circumstances, NOW);
    assert_eq!(released.unwrap_err(), Withheld::Meeting);
    let devices = gate::Evidence { intent: Intent::NewShows, ..evidence };
    assert_eq!(gate::meet(&devices).unwrap_err(), Withheld::NotOurs);
    assert!(gate::release(&devices, &ReleasePolicy::default(), &circumstances, NOW).is_ok());
}
