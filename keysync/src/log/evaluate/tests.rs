#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod reference;
mod story;

use std::time::{Duration, Instant};

use counterseal_core::time::Time;
use proptest::prelude::*;

use super::super::entry::{Announced, KeyId, PackageName};
use super::super::verified::{InsertError, Log, VerifiedEntry};
use super::*;
use crate::limits;
use story::{Story, key, name};

/// The story of a theft: d0 admin, d1 admin, d2 reader; k1; then d0 puts d1 out and makes k2.
fn theft() -> Story {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
    story.add("added2", "d0", "d2", Role::Reader, &["added"]);
    story.key("k1", "d0", &["added2"]);
    story.revoke("out", "d0", "d1", &["k1"], &["k1"]);
    story.key("k2", "d0", &["out"]);
    story
}

#[test]
fn what_a_stolen_admin_forges_beside_its_revocation_is_void() {
    let mut story = theft();
    story.add("evil", "d1", "evil", Role::Admin, &["k1"]);
    story.key("kevil", "evil", &["evil"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("evil")], Void::Revoked(story.id("out")));
    assert_eq!(told.void[&story.id("kevil")], Void::AdmissionVoid);
    assert!(told.live(&name("evil")).is_none());
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k2"));
}

#[test]
fn forged_revocations_deny_but_never_bring_a_retired_key_back() {
    let mut story = theft();
    story.revoke("forged", "d1", "d0", &[], &["k1"]);
    story.revoke("forged2", "d1", "d2", &[], &["k1"]);
    let told = story.tell();
    assert_eq!(told.live_devices().count(), 0);
    // k2 was made by d0, which is out and made it beside its own revocation; k1 is retired for good.
    assert!(told.current(Purpose::Decryption).is_none());
    let without = Rules::without(|rules| rules.sticky_retirement = false, || story.tell());
    assert_eq!(without.current(Purpose::Decryption).map(|key| key.announced.key), Some(key("k1")));
}

#[test]
fn the_root_cuts_forgeries_off() {
    let mut story = theft();
    story.revoke("forged", "d1", "d0", &[], &["k1"]);
    story.revoke("forged2", "d1", "d2", &[], &["k1"]);
    story.recover("cut", &[], &["k2"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("forged")], Void::CutOff(story.id("cut")));
    let live: Vec<_> = told.live_devices().map(|(id, _)| *id).collect();
    let mut expected = vec![name("d0"), name("d2")];
    expected.sort_unstable();
    assert_eq!(live, expected);
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k2"));
    // What comes after the cut goes on.
    story.key("k3", "d0", &["cut"]);
    assert_eq!(story.tell().current(Purpose::Decryption).unwrap().announced.key, key("k3"));
}

#[test]
fn two_admins_that_put_each_other_out_are_both_out() {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
    story.revoke("a", "d0", "d1", &[], &["added"]);
    story.revoke("b", "d1", "d0", &[], &["added"]);
    assert_eq!(story.tell().live_devices().count(), 0);
    let without = Rules::without(|rules| rules.revocations_stand = false, || story.tell());
    assert_eq!(without.live_devices().count(), 2);
}

#[test]
fn a_device_that_knew_of_its_revocation_cannot_revoke() {
    let mut story = theft();
    story.revoke("late", "d1", "d0", &[], &["k2"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("late")], Void::Revoked(story.id("out")));
    assert!(told.live(&name("d0")).is_some());
}

#[test]
fn who_was_added_by_a_voided_addition_is_not_there() {
    let mut story = theft();
    story.add("forged", "d1", "d3", Role::Writer, &["k1"]);
    story.key("k3", "d3", &["forged"]);
    let told = story.tell();
    assert!(told.live(&name("d3")).is_none());
    assert!(told.key(&key("k3")).is_none());
    let without = Rules::without(|rules| rules.transitive = false, || story.tell());
    assert!(without.key(&key("k3")).is_some());
}

#[test]
fn readers_announce_nothing_and_writers_add_nobody() {
    let mut story = theft();
    story.key("read", "d2", &["k2"]);
    story.add("writer", "d0", "d4", Role::Writer, &["k2"]);
    story.key("k4", "d4", &["writer"]);
    story.add("friend", "d4", "d5", Role::Reader, &["k4"]);
    story.key("stranger", "d9", &["k4"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("read")], Void::NoRight);
    assert_eq!(told.void[&story.id("friend")], Void::NoRight);
    assert_eq!(told.void[&story.id("stranger")], Void::NoRight);
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k4"));
}

#[test]
fn of_two_keys_made_at_once_both_count_and_one_is_advertised() {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Writer, &[&genesis]);
    story.key("ka", "d0", &["added"]);
    story.key("kb", "d1", &["added"]);
    let told = story.tell();
    assert_eq!(told.keys.len(), 2);
    let greater = if story.id("ka") > story.id("kb") { key("ka") } else { key("kb") };
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, greater);
}

#[test]
fn a_key_made_beside_a_revocation_is_not_advertised() {
    // Its author sealed it for the device that is out, without knowing.
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Writer, &[&genesis]);
    story.add("added2", "d0", "d2", Role::Reader, &["added"]);
    story.revoke("out", "d0", "d2", &[], &["added2"]);
    story.key("kb", "d1", &["added2"]);
    assert!(story.tell().current(Purpose::Decryption).is_none());
    assert_eq!(story.tell().keys.len(), 1);
    let without = Rules::without(|rules| rules.exposure = false, || story.tell());
    assert_eq!(without.current(Purpose::Decryption).unwrap().announced.key, key("kb"));
    story.key("kc", "d1", &["kb", "out"]);
    assert_eq!(story.tell().current(Purpose::Decryption).unwrap().announced.key, key("kc"));
}

#[test]
fn a_right_that_is_taken_away_counts_against_what_is_done_meanwhile() {
    let mut story = theft();
    story.add("d3", "d0", "d3", Role::Admin, &["k2"]);
    story.role("demoted", "d0", "d3", Role::Reader, &["d3"]);
    story.add("meanwhile", "d3", "d4", Role::Reader, &["d3"]);
    story.key("k3", "d3", &["d3"]);
    story.add("later", "d3", "d5", Role::Reader, &["demoted"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("meanwhile")], Void::RightTaken(story.id("demoted")));
    assert_eq!(told.void[&story.id("k3")], Void::RightTaken(story.id("demoted")));
    assert_eq!(told.void[&story.id("later")], Void::NoRight);
    assert_eq!(told.devices[&name("d3")].role, Role::Reader);
    story.role("promoted", "d0", "d3", Role::Admin, &["later", "demoted"]);
    story.add("again", "d3", "d6", Role::Reader, &["promoted"]);
    assert!(story.tell().live(&name("d6")).is_some());
}

#[test]
fn who_takes_a_right_away_beside_being_put_out_takes_nothing() {
    let mut story = theft();
    story.role("forged", "d1", "d0", Role::Reader, &["k1"]);
    story.role("forged too", "d1", "d2", Role::Courier, &["k1"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("forged")], Void::Revoked(story.id("out")));
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k2"));
    assert_eq!(told.live(&name("d0")).map(|device| device.role), Some(Role::Admin));
    assert_eq!((told.heads, told.restricting), (vec![story.id("k2")], Vec::new()));
}

#[test]
fn who_lost_a_right_beside_an_entry_that_does_not_count_has_it_once_both_are_known() {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
    // Each takes the other's right away, and neither counts.
    story.role("a", "d0", "d1", Role::Reader, &["added"]);
    story.role("b", "d1", "d0", Role::Reader, &["added"]);
    story.key("ka", "d0", &["a"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("ka")], Void::RightTaken(story.id("b")));
    let mut restricting = ["a", "b"].map(|title| story.id(title));
    restricting.sort_unstable();
    assert_eq!(told.restricting, restricting);
    let next = story.next(&told, &name("d0"));
    assert_eq!(next.parents.iter().filter(|parent| restricting.contains(parent)).count(), 2);
    story.key("kb", "d0", &["a", "b"]);
    assert_eq!(story.tell().current(Purpose::Decryption).unwrap().announced.key, key("kb"));
}

/// What a stolen device does beside its revocation: it lets a friend in, who writes without end, later than all others.
fn theft_with_a_friend(write: impl Fn(&mut Story, &str, &str)) -> Story {
    let mut story = theft();
    story.add("friend", "d1", "friend", Role::Admin, &["k1"]);
    let mut last = "friend".to_owned();
    for number in 0..30 {
        let next = format!("late{number}");
        story.key(&next, "friend", &[&last]);
        last = next;
    }
    for number in 0..limits::ENTRY_PARENTS + 1 {
        write(&mut story, &format!("tip{number}"), &last);
    }
    story
}

#[test]
fn what_an_admin_took_itself_it_knows_whatever_others_take_from_it() {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
    story.role("taken", "d0", "d1", Role::Reader, &["added"]);
    for number in 0..40 {
        let to = Role::Kiosk { since: Time::from_unix_seconds(number) };
        story.role(&format!("back{number}"), "d1", "d0", to, &["added"]);
    }
    let told = story.tell();
    assert!(told.restricting.contains(&story.id("taken")));
    assert!(story.next(&told, &name("d0")).parents.contains(&story.id("taken")));
    // So it can put the other one out, and what it writes counts again.
    let log = Log::from_kept(story.account(), story.entries.clone());
    let body = Body::Revoke { device: name("d1"), retired: Vec::new() };
    story.keep(
        "out",
        log.draft(&told, Author::Device(name("d0")), Time::from_unix_seconds(1_795_348_800), body),
    );
    let told = story.tell();
    assert!(told.live(&name("d1")).is_none() && !told.void.contains_key(&story.id("out")));
    let next = story.next(&told, &name("d0"));
    story.keep("next", next);
    assert!(story.tell().live(&name("next")).is_some());
}

#[test]
fn the_root_is_heard_however_many_write_about_devices() {
    let mut story = theft();
    let mut last = "k1".to_owned();
    for number in 0..limits::LOG_MEMBERSHIP_ENTRIES {
        let (next, author) = (format!("flood{number}"), format!("f{}", number % 400));
        if number < 400 {
            story.add(&next, "d1", &author, Role::Admin, &[&last]);
        } else {
            story.revoke(&next, &author, &format!("nobody{number}"), &[], &[&last]);
        }
        last = next;
    }
    for number in 0..12 {
        let next = format!("cut{number}");
        story.recover(&next, &["d1"], &[&last]);
        last = next;
    }
    let told = story.tell();
    assert!((0..12).all(|number| !told.void.contains_key(&story.id(&format!("cut{number}")))));
}

#[test]
fn friends_of_a_device_that_is_out_take_no_right_away() {
    let story = theft_with_a_friend(|story, title, last| {
        let to = Role::Kiosk { since: Time::from_unix_seconds(story.titles().len() as i64) };
        story.role(title, "friend", "d0", to, &[last]);
    });
    let told = story.tell();
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k2"));
    assert_eq!((&told.heads, &told.restricting), (&vec![story.id("k2")], &Vec::new()));
}

#[test]
fn a_flood_of_heads_pushes_no_revocation_aside() {
    let story = theft_with_a_friend(|story, title, last| {
        story.revoke(title, "friend", &format!("nobody {title}"), &[], &[last]);
    });
    let told = story.tell();
    assert_eq!(told.heads.len(), limits::ENTRY_PARENTS + 2);
    for author in [Author::Device(name("d0")), Author::Root(name("root"))] {
        let log = Log::from_kept(story.account(), story.entries.clone());
        let body = Body::Revoke { device: name("d2"), retired: Vec::new() };
        let entry = log.draft(&told, author, told.keys[0].time, body);
        assert!(log.ancestors(&entry.parents).contains(&story.id("out")), "{author:?}");
    }
}

#[test]
fn who_was_put_out_as_a_courier_keeps_what_it_had_as_a_reader() {
    // The role changed before the device was put out, beside it, and by an entry that does not count.
    let begin = || {
        let mut story = Story::begin(true);
        let genesis = story.last();
        story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
        story.add("added2", "d0", "d2", Role::Courier, &["added"]);
        story.key("k", "d0", &["added2"]);
        story
    };
    let current = |story: &Story| story.tell().current(Purpose::Decryption).map(|key| key.announced.key);
    let mut story = begin();
    story.revoke("out", "d0", "d2", &[], &["k"]);
    assert_eq!(current(&story), Some(key("k")), "it never had one");
    let mut before = begin();
    before.role("reader", "d0", "d2", Role::Reader, &["k"]);
    before.role("courier", "d0", "d2", Role::Courier, &["reader"]);
    before.revoke("out", "d0", "d2", &[], &["courier"]);
    story.role("reader", "d1", "d2", Role::Reader, &["k"]);
    for told in [before, story] {
        assert_eq!(current(&told), None);
        let mut later = told;
        later.key("later", "d0", &["out"]);
        assert_eq!(current(&later), Some(key("later")));
    }
}

#[test]
fn a_lamport_that_is_too_large_wins_nothing() {
    let mut story = theft();
    story.key("k3", "d0", &["k2"]);
    story.bend("k3", |entry| entry.lamport = 1 << 60);
    let told = story.tell();
    assert_eq!(told.void[&story.id("k3")], Void::Lamport);
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k2"));
}

#[test]
fn only_the_root_recovers_and_only_this_accounts() {
    let mut story = theft();
    story.recover("cut", &["d0"], &["k2"]);
    story.bend("cut", |entry| entry.author = Author::Root(name("another root")));
    assert_eq!(story.tell().void[&story.id("cut")], Void::NotTheRoot);
    story.bend("cut", |entry| entry.author = Author::Device(name("d0")));
    assert_eq!(story.tell().void[&story.id("cut")], Void::NotTheRoot);
    assert!(story.tell().live(&name("d0")).is_some());
}

#[test]
fn without_a_root_the_first_device_founds_and_nobody_cuts() {
    let mut story = Story::begin(false);
    let genesis = story.last();
    story.recover("cut", &[], &[&genesis]);
    let told = story.tell();
    assert_eq!(told.root, None);
    assert!(told.live(&name("d0")).is_some());
    assert_eq!(told.void[&story.id("cut")], Void::NotTheRoot);
}

#[test]
fn an_entry_waits_for_its_parents() {
    let mut story = theft();
    let missing = story.take_out("k1");
    let told = story.tell();
    assert_eq!(told.waiting.len(), 2);
    assert!(told.live(&name("d1")).is_some());
    story.put_back(missing);
    assert!(story.tell().waiting.is_empty());
}

#[test]
fn a_device_is_added_once() {
    let mut story = theft();
    story.add("again", "d0", "d1", Role::Admin, &["k2"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("again")], Void::AlreadyThere);
    assert!(told.live(&name("d1")).is_none());
}

#[test]
fn a_request_has_the_first_answer_that_counts() {
    let mut story = theft();
    story.add("writer", "d0", "d3", Role::Writer, &["k2"]);
    story.write("request", "d3", Body::CertificateRequest(vec![1]), &["writer"]);
    let request = story.id("request");
    let answer = |byte: u8, request| Body::CertificateAnswer { request, certificates: vec![vec![byte]] };
    story.write("own", "d3", answer(1, request), &["request"]);
    story.write("good", "d0", answer(2, request), &["request"]);
    story.write("late", "d0", answer(3, request), &["good"]);
    story.write("lost", "d0", answer(4, EntryId::of(b"nothing")), &["late"]);
    let told = story.tell();
    assert_eq!(told.requests[0].certificates, Some(vec![vec![2]]));
    assert_eq!(told.void[&story.id("own")], Void::NoRight);
    assert_eq!(told.void[&story.id("lost")], Void::Unknown);
}

#[test]
fn a_kiosk_gets_only_keys_that_were_not_replaced_before_its_time() {
    let mut story = theft();
    story.key("k3", "d0", &["k2"]);
    let told = story.tell();
    let times: Vec<Time> = told.keys.iter().map(|key| key.time).collect();
    let keys = |since: Time| told.keys_for(Role::Kiosk { since }).count();
    assert_eq!((keys(Time::from_unix_seconds(0)), keys(times[1]), keys(times[2])), (3, 2, 1));
    assert_eq!(told.keys_for(Role::Courier).count(), 0);
}

#[test]
fn a_cut_by_a_root_that_did_not_know_of_another_cut_loses_to_the_later_one() {
    let mut story = theft();
    story.recover("one", &[], &["k1"]);
    story.key("after one", "d0", &["one"]);
    story.recover("two", &[], &["k2"]);
    let told = story.tell();
    assert_eq!(told.void[&story.id("after one")], Void::CutOff(story.id("two")));
    assert!(told.key(&key("k2")).is_some());
    // The next one knows both, and both hold: what either cut stays cut.
    story.recover("three", &[], &["two", "after one"]);
    let told = story.tell();
    assert!(matches!(told.void[&story.id("after one")], Void::CutOff(_)));
}

#[test]
fn a_flood_of_revocations_is_bounded() {
    let mut story = theft();
    let mut last = "k2".to_owned();
    for number in 0..600 {
        let next = format!("flood{number}");
        story.revoke(&next, "d0", &format!("nobody{number}"), &[], &[&last]);
        last = next;
    }
    let begin = Instant::now();
    assert!(story.tell().live(&name("d0")).is_some());
    assert!(begin.elapsed() < Duration::from_secs(20));
    for number in 0..limits::LOG_MEMBERSHIP_ENTRIES {
        story.revoke(&format!("more{number}"), "d0", &format!("no{number}"), &[], &[&last]);
    }
    assert!(story.tell().live(&name("d0")).is_some());
    story.recover("cut", &[], &["k2"]);
    assert!(story.tell().live(&name("d0")).is_some());
}

#[test]
fn a_device_that_is_out_does_not_drown_the_others() {
    let mut story = theft();
    // Beside its revocation, and from before its own admission's other children.
    for number in 0..limits::LOG_MEMBERSHIP_ENTRIES + 500 {
        let to = Role::Kiosk { since: Time::from_unix_seconds(number as i64) };
        story.role(&format!("flood{number}"), "d1", "d2", to, &["added2"]);
    }
    story.add("phone", "d0", "d3", Role::Reader, &["k2"]);
    story.key("k3", "d0", &["phone"]);
    let begin = Instant::now();
    let told = story.tell();
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    let live: Vec<_> = told.live_devices().map(|(id, device)| (*id, device.role)).collect();
    let mut expected =
        [("d0", Role::Admin), ("d2", Role::Reader), ("d3", Role::Reader)].map(|(id, role)| (name(id), role));
    expected.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(live, expected);
    assert_eq!(told.current(Purpose::Decryption).unwrap().announced.key, key("k3"));
    assert!(told.void.values().any(|void| *void == Void::TooMany));
}

#[test]
fn what_a_stolen_device_wrote_before_stays_however_much_it_writes_in_its_past() {
    let mut story = Story::begin(true);
    let genesis = story.last();
    story.add("added", "d0", "d1", Role::Admin, &[&genesis]);
    story.key("k1", "d0", &["added"]);
    story.add("laptop", "d1", "d2", Role::Reader, &["k1"]);
    story.revoke("out", "d0", "d1", &["k1"], &["laptop"]);
    // Nearer to the beginning than the laptop, so that they come before it in the graph.
    for number in 0..limits::LOG_MEMBERSHIP_ENTRIES + 500 {
        story.add(&format!("flood{number}"), "d1", &format!("new{number}"), Role::Admin, &["added"]);
    }
    let told = story.tell();
    assert!(told.live(&name("d2")).is_some());
    assert_eq!(told.live_devices().count(), 2);
}

/// One entry after the other, each by the admin, until the log has as many as it may have; gives the last.
fn filled(story: &mut Story, write: impl Fn(&mut Story, &str, &str)) -> String {
    let mut last = "k2".to_owned();
    while story.entries.len() < limits::LOG_ENTRIES {
        let next = format!("k{}", story.entries.len());
        write(story, &next, &last);
        last = next;
    }
    last
}

#[test]
fn a_log_of_full_size_is_evaluated_in_time_and_takes_no_more() {
    let mut story = theft();
    let last = filled(&mut story, |story, next, last| {
        story.write(next, "d0", Body::Snapshot([0; 32]), &[last]);
    });
    let begin = Instant::now();
    assert_eq!(story.tell().heads, [story.id(&last)]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let mut log = Log::from_kept(story.account(), story.entries.clone());
    story.key("one more", "d0", &[&last]);
    let more = &story.entries[&story.id("one more")];
    let more = VerifiedEntry::from_signed(&more.to_der(), &name("d0")).unwrap();
    let refused = log.insert(more).unwrap_err();
    assert_eq!(refused, InsertError::Full);
    assert!(refused.to_string().contains(&limits::LOG_ENTRIES.to_string()));
}

#[test]
fn as_many_keys_as_a_log_has_entries_are_told_in_time() {
    let mut story = theft();
    let last = filled(&mut story, |story, next, last| story.key(next, "d0", &[last]));
    let begin = Instant::now();
    let told = story.tell();
    assert!(told.keys.len() > limits::LOG_ENTRIES - 10);
    for told in &told.keys {
        assert!(!told.retired || told.announced.key == key("k1"));
    }
    let since = told.key(&key(&last)).unwrap().time;
    assert_eq!(told.keys_for(Role::Kiosk { since }).count(), 1);
    assert_eq!(told.keys_for(Role::Reader).count(), told.keys.len());
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn as_many_entries_that_hang_in_the_air_are_put_aside_in_time() {
    let mut story = theft();
    filled(&mut story, |story, next, last| story.key(next, "d0", &[last]));
    story.take_out("added");
    let begin = Instant::now();
    let told = story.tell();
    assert_eq!(told.waiting.len(), limits::LOG_ENTRIES - 2, "all but the founding entry");
    let log = Log::from_kept(story.account(), story.entries.clone());
    assert_eq!(log.heads_without(&told, &[]), told.heads);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

/// A log at random: who writes what, after which entries.
fn any_story() -> impl Strategy<Value = Story> {
    let step = (0..6_u8, 0..8_u8, 0..8_u8, prop::collection::vec(any::<prop::sample::Index>(), 1..4));
    prop::collection::vec(step, 1..24).prop_map(|steps| {
        let mut story = Story::begin(true);
        for (number, (author, what, whom, parents)) in steps.into_iter().enumerate() {
            let parents: Vec<String> =
                parents.iter().map(|index| story.pick(index.index(usize::MAX))).collect();
            let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
            let (author, whom) = (format!("d{author}"), format!("d{}", whom % 6));
            let title = format!("e{number}");
            match what {
                0 | 1 => story.add(&title, &author, &whom, Role::Admin, &parents),
                2 => story.add(&title, &author, &whom, Role::Writer, &parents),
                3 => story.revoke(&title, &author, &whom, &["e1", "e2"], &parents),
                4 if number % 2 == 0 => story.role(&title, &author, &whom, Role::Admin, &parents),
                4 => story.role(&title, &author, &whom, Role::Writer, &parents),
                5 if number % 3 == 0 => story.recover(&title, &[&whom], &parents),
                _ => story.key(&title, &author, &parents),
            }
        }
        story
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_fast_way_and_the_rules_as_they_are_written_agree(story in any_story()) {
        let told = story.tell();
        let plain = reference::evaluate(&story);
        let live: BTreeMap<DeviceId, Role> = told.live_devices().map(|(id, device)| (*id, device.role)).collect();
        prop_assert_eq!(live, plain.live);
        let keys: Vec<(KeyId, bool)> = told.keys.iter().map(|key| (key.announced.key, key.retired)).collect();
        prop_assert_eq!(keys, plain.keys);
        let void: BTreeSet<EntryId> = told.void.keys().copied().collect();
        prop_assert_eq!(void, plain.void);
    }

    #[test]
    fn what_an_admin_writes_next_counts(story in any_story()) {
        let told = story.tell();
        for (id, _) in told.live_devices().filter(|(_, device)| device.role.administers()) {
            let mut later = story.clone();
            later.keep("next", story.next(&told, id));
            let after = later.tell();
            prop_assert_eq!(after.void.get(&later.id("next")), None);
            prop_assert!(after.live(&name("next")).is_some());
        }
    }

    #[test]
    fn more_entries_never_bring_a_device_back_unless_the_root_cuts(story in any_story()) {
        let before = story.tell();
        for title in story.titles() {
            let mut less = story.clone();
            less.take_out(&title);
            let Ok(less) = less.try_tell() else { continue };
            let has_cut = |told: &Evaluation| told.root.is_some() && story.has_cuts();
            for (id, device) in &less.devices {
                if device.revoked.is_some() && !has_cut(&before) {
                    prop_assert!(before.live(id).is_none());
                }
            }
        }
    }
}
