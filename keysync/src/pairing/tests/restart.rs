//! Processes that end after every single step, and begin again from what they kept.

use super::*;

impl<P: Purpose> Actor<P> {
    /// The process ends and begins again: only the kept state, the boxes and the device's keys are there.
    fn restart(&mut self, cloud: &mut Cloud) {
        let Some(state) = self.pairing.save() else { return };
        self.pairing = Pairing::restore(&state).unwrap();
        assert_eq!(self.pairing.save().unwrap().expose(), state.expose(), "nothing is lost or made up");
        self.listening.clear();
        self.asked.clear();
        self.released = None;
        let steps = self.with_ports(|pairing, ports| pairing.resume(ports));
        self.apply(steps, cloud);
    }
}

fn run_with_restarts(mut new: Actor<Devices>, mut old: Actor<Devices>, mut cloud: Cloud) {
    for _ in 0..20 {
        new.restart(&mut cloud);
        new.poll(&mut cloud);
        old.restart(&mut cloud);
        old.poll(&mut cloud);
        new.restart(&mut cloud);
        people_act(&mut new, &mut old, &mut cloud);
    }
    assert!(is_paired(&new, &old), "{:?}, {:?}", new.pairing, old.pairing);
}

#[test]
fn a_pairing_by_code_survives_a_restart_after_every_step() {
    for new_shows in [true, false] {
        let mut cloud = Cloud::default();
        let (first, second) =
            if new_shows { (DevicePart::New, DevicePart::Old) } else { (DevicePart::Old, DevicePart::New) };
        let mut shows = Actor::<Devices>::new("first", Opening::ShowCode, first, Profile::default());
        shows.begin(&mut cloud);
        shows.restart(&mut cloud);
        let opening = Opening::ScanCode(shows.code());
        let mut scans = Actor::<Devices>::new("second", opening, second, Profile::default());
        scans.begin(&mut cloud);
        let (new, old) = if new_shows { (shows, scans) } else { (scans, shows) };
        run_with_restarts(new, old, cloud);
    }
}

#[test]
fn a_pairing_by_files_survives_days_and_restarts() {
    let mut cloud = Cloud::default();
    let profile = Profile { request: b"request".to_vec(), ..Profile::default() };
    let mut new = Actor::<Devices>::new("new", Opening::OfferFile, DevicePart::New, profile);
    new.begin(&mut cloud);
    new.restart(&mut cloud);
    let opening = Opening::AnswerFile(new.files[0].clone());
    let mut old = Actor::<Devices>::new("old", opening, DevicePart::Old, Profile::default());
    old.begin(&mut cloud);
    old.restart(&mut cloud);
    old.input(Input::Confirmed(true), &mut cloud);
    old.restart(&mut cloud);
    old.input(approval(), &mut cloud);
    assert_eq!(old.released.as_ref().unwrap().request(), b"request");
    old.grant(&mut cloud);
    let Some(Show::AnswerWords(words)) = old.shown.last() else { panic!("the answer has words") };
    new.clock = new.clock.plus_days(3);
    new.restart(&mut cloud);
    new.input(Input::File(old.files[0].clone()), &mut cloud);
    new.restart(&mut cloud);
    assert!(new.asks(|ask| matches!(ask, Ask::AnswerWords)));
    new.input(Input::Typed(words.to_text()), &mut cloud);
    new.imported = None;
    new.restart(&mut cloud);
    assert_eq!(new.imported.as_deref(), Some(KEYS), "what was not said to be imported comes again");
    new.input(Input::Imported(Vec::new()), &mut cloud);
    assert_eq!(new.done, Some(None));
}

#[test]
fn a_proof_does_not_survive_and_the_passphrase_is_asked_for_again() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    digits_are_typed(&mut new, &mut old, &mut cloud);
    old.input(approval(), &mut cloud);
    assert!(old.released.is_some());
    old.restart(&mut cloud);
    old.poll(&mut cloud);
    assert!(old.released.is_none() && old.asks(|ask| matches!(ask, Ask::Approve)));
    old.input(approval(), &mut cloud);
    run(&mut new, &mut old, &mut cloud);
    assert!(is_paired(&new, &old));
}

#[test]
fn words_are_never_written_anywhere() {
    let mut cloud = Cloud::default();
    let password = Password::from(&SpokenCode::random(&mut SystemRandom));
    for opening in
        [Opening::ShowPassword(password.clone()), Opening::TypePassword(password), Opening::ShowName]
    {
        let mut actor = Actor::<Devices>::new("device", opening, DevicePart::New, Profile::default());
        actor.begin(&mut cloud);
        actor.poll(&mut cloud);
        assert!(actor.pairing.save().is_none());
    }
}

#[test]
fn a_state_of_the_other_purpose_or_a_damaged_one_is_refused() {
    let mut cloud = Cloud::default();
    let mut new = Actor::new_shows();
    new.begin(&mut cloud);
    let state = new.pairing.save().unwrap();
    assert_eq!(Pairing::<People>::restore(&state).unwrap_err(), RestoreError::OtherKind);
    let cut = SecretBytes::copy_of(&state.expose()[..state.len() - 1]);
    assert_eq!(Pairing::<Devices>::restore(&cut).unwrap_err(), RestoreError::Damaged);
    assert_eq!(
        Pairing::<Devices>::restore(&SecretBytes::new(Vec::new())).unwrap_err(),
        RestoreError::Damaged
    );
}

#[test]
fn time_that_went_by_while_nothing_ran_counts() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    new.clock = new.clock.plus_seconds(3600);
    new.restart(&mut cloud);
    old.poll(&mut cloud);
    assert_eq!([new.reason, old.reason], [Some(AbortReason::Expired); 2]);
}
