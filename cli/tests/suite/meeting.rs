//! Two people meet by their machines: each ends with the other's certificates and a pin.

use std::fs;

use crate::people::Place;
use crate::talk::Talk;

/// Two people who know nothing of each other, and a folder that both see.
fn strangers() -> Place {
    let place = Place::new();
    for name in ["dave", "erin"] {
        let address = format!("{name}@example.org");
        place.run(name, &["init", &address, "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
    }
    fs::create_dir(place.path("share")).unwrap();
    place
}

fn meet<'p>(place: &'p Place, home: &str, other: &str, how: &[&str]) -> Talk<'p> {
    let address = format!("{other}@example.org");
    let head = ["trust", "meet", &address, "--folder", "share", "--json"];
    Talk::begin(place, home, &[&head, how].concat())
}

/// Both have pinned what stands for the other, and can write to each other without another step.
fn are_acquainted(place: &Place) {
    for (home, other) in [("dave", "erin"), ("erin", "dave")] {
        let address = format!("{other}@example.org");
        let pins = place.run(home, &["trust", "list"]).exits(0).text();
        assert!(pins.contains(&address), "{pins}");
        let shown = place.run(home, &["trust", "show", &address]).exits(0).text();
        assert!(shown.contains("verified") || shown.contains("checked"), "{shown}");
        place.write("to.eml", format!("From: {home}@example.org\r\nTo: {address}\r\n\r\nHello\r\n"));
        let output = format!("{home}.out");
        place.run(home, &["encrypt", "to.eml", "-o", &output]).exits(0);
        place.run(other, &["decrypt", &output, "-o", "opened.eml", "--overwrite"]);
        assert!(String::from_utf8_lossy(&place.read("opened.eml")).contains("Hello"));
    }
    let left = fs::read_dir(place.path("share"))
        .unwrap()
        .flat_map(|found| fs::read_dir(found.unwrap().path()).unwrap());
    assert!(left.count() <= 2, "what was read is removed");
}

#[test]
fn a_code_is_shown_and_pasted_and_the_digits_are_typed() {
    let place = strangers();
    let mut dave = meet(&place, "dave", "erin", &["--show"]);
    let code = dave.event("code")["code"].as_str().unwrap().to_owned();
    let mut erin = meet(&place, "erin", "dave", &["--paste"]);
    erin.asked("code");
    erin.say(&code);
    assert_eq!(erin.event("peer")["addresses"][0], "dave@example.org");
    let digits = erin.event("digits")["digits"].as_str().unwrap().to_owned();
    dave.asked("digits");
    dave.say(&digits);
    dave.ends(0);
    erin.ends(0);
    are_acquainted(&place);
}

#[test]
fn words_are_read_aloud() {
    let place = strangers();
    let mut dave = meet(&place, "dave", "erin", &["--words"]);
    let words = dave.event("words")["words"].as_str().unwrap().to_owned();
    let mut erin = meet(&place, "erin", "dave", &["--typed"]);
    erin.asked("words");
    erin.say(&words.to_uppercase());
    for person in [&mut dave, &mut erin] {
        person.asked("confirm");
        person.say("y");
    }
    dave.ends(0);
    erin.ends(0);
    are_acquainted(&place);
}

#[test]
fn a_password_that_both_know_is_enough_and_another_one_is_not() {
    let place = strangers();
    place.write("password", "our song\n");
    let [mut erin, mut dave] = [("erin", "dave"), ("dave", "erin")]
        .map(|(home, other)| meet(&place, home, other, &["--password-file", "password"]));
    for person in [&mut dave, &mut erin] {
        person.asked("confirm");
        person.say("y");
    }
    dave.ends(0);
    erin.ends(0);
    are_acquainted(&place);

    let place = strangers();
    place.write("one", "our song\n");
    place.write("other", "your song\n");
    let mut dave = meet(&place, "dave", "erin", &["--password-file", "one"]);
    let mut erin = meet(&place, "erin", "dave", &["--password-file", "other"]);
    assert_eq!(dave.event("wrong")["left"], 2);
    erin.asked("words");
    erin.say("his song");
    assert_eq!(dave.event("wrong")["left"], 1);
    erin.asked("words");
    erin.say("her song");
    let failed = dave.ends(1);
    assert!(failed.contains("words-mismatch"), "{failed}");
    erin.stop();
    let pins = place.run("dave", &["trust", "list"]).exits(0).text();
    assert!(!pins.contains("erin@"), "{pins}");
}

#[test]
fn two_mails_are_enough_and_the_words_of_another_answer_are_not() {
    let place = strangers();
    let by_mail = |home: &'static str, other: &str, how: &[&str]| {
        let head = ["trust", "meet", &format!("{other}@example.org"), "--json"];
        Talk::begin(&place, home, &[&head, how].concat())
    };
    let ask = |file: &str| {
        let mut dave = by_mail("dave", "erin", &["--mail", "--file", file]);
        let words = dave.event("fingerprint")["words"].clone();
        dave.ends(0);
        words
    };
    let answer = |request: &str, file: &str, fingerprint: &serde_json::Value| {
        let mut erin = by_mail("erin", "dave", &["--reply-to", request, "--mail", "--answer", file]);
        assert_eq!(erin.event("fingerprint")["words"], *fingerprint);
        erin.asked("fingerprint");
        erin.say("y");
        let words = erin.event("answer-words")["words"].as_str().unwrap().to_owned();
        erin.ends(0);
        words
    };
    let none = by_mail("dave", "erin", &["--answer", "request.eml"]);
    assert!(none.ends(3).contains("no-request"));
    // A request in the place of another one: the earlier one waits no more.
    let first = ask("first.eml");
    let late = answer("first.eml", "late.eml", &first);
    let second = ask("request.eml");
    assert_ne!(first, second);
    let words = answer("request.eml", "answer.eml", &second);
    assert_ne!(late, words);
    let mail = String::from_utf8(place.read("answer.eml")).unwrap();
    assert!(mail.starts_with("From: erin@example.org\r\nTo: dave@example.org\r\n"), "{mail}");
    let mut dave = by_mail("dave", "erin", &["--answer", "answer.eml"]);
    dave.asked("answer-words");
    dave.say(&late);
    assert_eq!(dave.event("wrong")["left"], 19);
    dave.asked("answer-words");
    dave.say(&words);
    dave.asked("confirm");
    dave.say("y");
    dave.ends(0);
    are_acquainted(&place);
    assert!(by_mail("dave", "erin", &["--answer", "answer.eml"]).ends(3).contains("no-request"));
}

#[test]
fn words_are_compared_and_a_difference_keeps_nothing() {
    for (same, exit) in [(true, 0), (false, 4)] {
        let place = strangers();
        let mut dave = meet(&place, "dave", "erin", &["--sas"]);
        let mut erin = meet(&place, "erin", "dave", &["--sas"]);
        let names = erin.asked("pick")["names"].clone();
        assert_eq!(names[0], "dave@example.org");
        erin.say("1");
        let words = [&mut dave, &mut erin].map(|person| person.event("compare")["words"].clone());
        assert_eq!(words[0], words[1]);
        dave.asked("compare");
        erin.asked("compare");
        dave.say(if same { "y" } else { "n" });
        if same {
            erin.say("y");
        }
        dave.ends(exit);
        if same {
            erin.ends(0);
            are_acquainted(&place);
        } else {
            erin.say("y");
            assert!(erin.ends(4).contains("code-mismatch"));
        }
    }
}

#[test]
fn whoever_is_met_must_be_whom_one_wanted_to_meet() {
    let place = strangers();
    let mut dave = meet(&place, "dave", "bob", &["--words"]);
    let words = dave.event("words")["words"].as_str().unwrap().to_owned();
    let mut erin = meet(&place, "erin", "dave", &["--typed"]);
    erin.asked("words");
    erin.say(&words);
    for person in [&mut dave, &mut erin] {
        person.asked("confirm");
        person.say("y");
    }
    assert!(dave.ends(4).contains("not-the-address"));
    erin.ends(0);
    let pins = place.run("dave", &["trust", "list"]).exits(0).text();
    assert!(!pins.contains("erin@") && !pins.contains("bob@"), "{pins}");
}

#[test]
fn the_words_are_no_argument_which_everybody_could_read() {
    let place = strangers();
    for arguments in [
        &["trust", "meet", "erin@example.org", "--typed", "7-acid-barrel-coach", "--folder", "share"][..],
        &["trust", "meet", "erin@example.org", "7-acid-barrel-coach"],
        &["trust", "meet", "--typed", "7-acid-barrel-coach", "erin@example.org"],
    ] {
        let refused = place.run("dave", arguments).exits(2);
        assert!(refused.stderr.contains("every user of this machine can read"), "{}", refused.stderr);
    }
}

#[test]
fn nobody_meets_oneself_and_who_is_unknown_can_be_met() {
    let place = strangers();
    for how in [&[][..], &["--show", "--folder", "share"]] {
        let own = place.run("dave", &[&["trust", "meet", "dave@example.org"], how].concat()).exits(2);
        assert!(own.stderr.contains("dave@example.org is your own address"), "{}", own.stderr);
    }
    place.write("other", b"\xa0\x80 no request");
    let how = ["trust", "meet", "erin@example.org", "--reply-to", "other", "--answer", "answer"];
    let other = place.run("dave", &how).exits(3).stderr;
    assert!(other.contains("other is no request of somebody to meet"), "{other}");
    let unknown = place.run("dave", &["trust", "meet", "erin@example.org"]).exits(3).stderr;
    assert!(unknown.contains("cseal trust meet erin@example.org --show --folder DIR"), "{unknown}");
}
