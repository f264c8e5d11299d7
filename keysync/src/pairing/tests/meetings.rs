//! Two people meet in every mode, and no key is released.

use super::*;

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
