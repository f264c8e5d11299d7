//! How a pairing ends without a key: wrong digits, wrong words, no time left, a person who says no.

use super::*;
use crate::limits;

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
        old.poll(&mut cloud);
        if wrong_guesses < 3 {
            let left = 3 - wrong_guesses;
            assert!(matches!(old.asked.last(), Some(Ask::Words(tries)) if *tries == left));
        }
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
        let (mut new, mut old) = begun(&mut cloud);
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
    let (mut new, mut old) = begun(&mut cloud);
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    wait(&mut [&mut new, &mut old], &mut cloud, 4);
    assert_eq!([new.reason, old.reason], [Some(AbortReason::Expired); 2]);
}

#[test]
fn a_grant_that_is_not_acknowledged_is_left_to_the_next_sync() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    digits_are_typed(&mut new, &mut old, &mut cloud);
    old.input(approval(), &mut cloud);
    old.grant(&mut cloud);
    wait(&mut [&mut old], &mut cloud, 3);
    assert_eq!((old.done, old.reason), (Some(None), None));
}

#[test]
fn nobody_calls_off_a_grant_that_was_given() {
    for by_the_new_device in [true, false] {
        let mut cloud = Cloud::default();
        let (mut new, mut old) = begun(&mut cloud);
        digits_are_typed(&mut new, &mut old, &mut cloud);
        old.input(approval(), &mut cloud);
        old.grant(&mut cloud);
        let ends = if by_the_new_device { &mut new } else { &mut old };
        ends.input(Input::Cancel, &mut cloud);
        old.poll(&mut cloud);
        assert_eq!((old.done, old.reason), (Some(None), None), "{by_the_new_device}");
        assert_eq!(old.pairing.state(), State::Done);
    }
}

#[test]
fn a_box_with_more_than_any_pairing_needs_ends_it() {
    let mut cloud = Cloud::default();
    let (mut new, mut old) = begun(&mut cloud);
    new.input(Input::Crowded, &mut cloud);
    assert_eq!(new.reason, Some(AbortReason::TooManyStrangers));
    while old.poll(&mut cloud) | new.poll(&mut cloud) {}
    assert_eq!(old.pairing.state(), State::HelloSent, "before the channel stands nobody can be told");
}
