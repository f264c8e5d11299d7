//! Two devices pair in every mode, from its beginning to its end.

use super::*;

#[test]
fn the_new_device_shows_and_the_old_one_scans() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
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
    assert!(!old.asks(|ask| matches!(ask, Ask::Approve)), "words come first");
    old.input(Input::Confirmed(true), &mut cloud);
    assert!(old.asks(|ask| matches!(ask, Ask::Approve)));
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
    assert!(matches!(new.shown.last(), Some(Show::Slip(Slip::Words(_)))));
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
fn a_request_is_known_before_anything_begins() {
    let mut cloud = Cloud::default();
    let mut new = new_device(Opening::OfferFile);
    new.begin(&mut cloud);
    let file = &new.files[0];
    assert_eq!(Pairing::<Devices>::check_request(file, DevicePart::Old), Ok(()));
    let damaged = Err(AbortReason::Damaged);
    assert_eq!(Pairing::<Devices>::check_request(&file[1..], DevicePart::Old), damaged);
    assert_eq!(Pairing::<Devices>::check_request(b"From: alice", DevicePart::Old), damaged);
    assert_eq!(Pairing::<People>::check_request(file, ()), Err(AbortReason::WrongIntent));
}

#[test]
fn nothing_else_is_asked_before_the_digits_are_right() {
    let mut cloud = Cloud::default();
    let mut old = old_device(Opening::ShowCode);
    old.begin(&mut cloud);
    let mut new = new_device(Opening::ScanCode(old.code()));
    new.begin(&mut cloud);
    for _ in 0..3 {
        new.poll(&mut cloud);
        old.poll(&mut cloud);
    }
    let digits = new.check_code().unwrap().to_text();
    assert!(old.asks(|ask| matches!(ask, Ask::CheckCode)));
    old.input(Input::Typed("12345".into()), &mut cloud);
    assert!(matches!(old.shown.last(), Some(Show::Slip(Slip::Digits))));
    assert!(!old.asks(|ask| matches!(ask, Ask::Approve)));
    old.input(Input::Typed(digits), &mut cloud);
    assert!(old.asks(|ask| matches!(ask, Ask::Approve)) && !old.ever_released);
}
