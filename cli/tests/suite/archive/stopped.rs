//! Runs that are killed: the same command goes on, and the result is the same.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

/// So many mails, for Bob.
fn many(place: &Place, count: usize) -> Vec<String> {
    let objects: Vec<String> = (0..4).map(|number| sealed(place, "bob.pem", number, "")).collect();
    (0..count)
        .map(|number| objects[number % 4].replace("Message-ID: <", &format!("Message-ID: <{number}.")))
        .collect()
}

/// How many mails take some seconds, however fast the machine is and however the program was built.
fn seconds_of_work(place: &Place) -> usize {
    const SAMPLE: usize = 1000;
    place.write("sample.mbox", mbox(&many(place, SAMPLE)));
    let started = Instant::now();
    place.run("bob", &["archive", "decrypt", "sample.mbox", "-o", "sample.plain"]).exits(0);
    let seconds = started.elapsed().as_secs_f64();
    ((SAMPLE as f64 * 5.0 / seconds) as usize).max(SAMPLE)
}

/// Starts a command, kills it after some time, again and again, until it is done.
fn kill_until_done(place: &Place, arguments: &[&str], mut check: impl FnMut()) -> usize {
    let mut kills = 0;
    for attempt in 1_u64.. {
        let mut child = start(place, arguments);
        let mut code = None;
        for _ in 0..40 * attempt {
            sleep(Duration::from_millis(20));
            code = child.try_wait().unwrap();
            if code.is_some() {
                break;
            }
        }
        match code {
            Some(code) => {
                assert!(code.success(), "{code}");
                return kills;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                check();
            }
        }
    }
    unreachable!("an attempt has time enough at last")
}

#[test]
fn an_mbox_comes_out_the_same_however_often_the_run_is_killed() {
    let place = Place::new();
    let mails = many(&place, seconds_of_work(&place));
    place.write("in.mbox", mbox(&mails));
    place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "whole.mbox"]).exits(0);
    let mut positions = Vec::new();
    let kills = kill_until_done(&place, &["archive", "decrypt", "in.mbox", "-o", "out.mbox"], || {
        assert!(!place.path("out.mbox").exists(), "it is there when it is whole");
        if let Ok(journal) = fs::read_to_string(place.path(".out.mbox.cseal-journal")) {
            let journal: serde_json::Value = serde_json::from_str(&journal).unwrap();
            positions.push(journal["position"].as_u64().unwrap());
        }
    });
    assert!(kills > 0, "the run was over before it could be killed");
    assert!(positions.is_sorted(), "what was done is not done again: {positions:?}");
    assert!(place.read("out.mbox") == place.read("whole.mbox"));
    assert!(
        !place.path(".out.mbox.cseal-journal").exists() && !place.path(".out.mbox.cseal-partial").exists()
    );
}

#[test]
fn what_a_killed_run_counted_is_in_the_summary_of_the_next() {
    let place = Place::new();
    let count = seconds_of_work(&place);
    let mut mails = many(&place, count);
    mails[0] = sealed(&place, "carol.pem", 1, "");
    place.write("in.mbox", mbox(&mails));
    let mut child = start(&place, &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]);
    for _ in 0..500 {
        sleep(Duration::from_millis(20));
        if place.path(".out.mbox.cseal-journal").exists() || child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.path(".out.mbox.cseal-journal").exists(), "the run was over before it was noted");
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in.mbox", "-o", "out.mbox"]).exits(1);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", count as u64 - 1), ("not-opened", 1)]));
    assert!(ran.text().lines().count() < count + 1, "some were done before");
    assert_eq!(summary(&ran)["named"][0]["place"], "1");
}

#[test]
fn another_input_under_the_same_name_is_not_mixed_with_what_was_done() {
    let place = Place::new();
    place.write("in.mbox", mbox(&many(&place, seconds_of_work(&place))));
    let mut child = start(&place, &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]);
    sleep(Duration::from_millis(1500));
    let _ = child.kill();
    child.wait().unwrap();
    let other = sealed(&place, "bob.pem", 77, "");
    place.write("in.mbox", mbox(std::slice::from_ref(&other)));
    let _ = fs::remove_file(place.path("out.mbox"));
    place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]).exits(0);
    let out = String::from_utf8(place.read("out.mbox")).unwrap();
    assert!(out.matches(SEPARATOR).count() == 1 && out.contains("This is mail 77."));
}

#[test]
fn a_maildir_is_never_half_written_and_is_complete_in_the_end() {
    let place = Place::new();
    let mails = many(&place, 1500);
    maildir(&place, "Maildir", &mails);
    let out = place.path("out");
    let is_whole = |mail: &str| mail.contains("\r\nThis is mail ") && mail.ends_with(".\r\n");
    kill_until_done(&place, &["archive", "decrypt", "Maildir", "-o", "out"], || {
        for path in if out.is_dir() { files_below(&out) } else { Vec::new() } {
            let is_marker = path.ends_with(".cseal-archive");
            assert!(is_marker || is_whole(&fs::read_to_string(&path).unwrap()), "{path:?}");
        }
    });
    assert_eq!(files_below(&out).len(), mails.len());
    assert!(files_below(&out).iter().all(|path| is_whole(&fs::read_to_string(path).unwrap())));
}

#[test]
fn in_place_every_mail_is_there_and_opens_whenever_the_run_is_killed() {
    let place = Place::new();
    let mails = many(&place, 600);
    let root = maildir(&place, "Maildir", &mails);
    place.run("bob", &["keys", "generate", "bob@example.org", "--algorithm", "p-256"]).exits(0);
    let mut checks = 0;
    kill_until_done(&place, &["archive", "rewrap", "--in-place", "Maildir"], || {
        checks += 1;
        assert_eq!(files_below(&root).len(), mails.len());
        let out = format!("check{checks}");
        let ran = place.run("bob", &["archive", "decrypt", "--json", "Maildir", "-o", &out]).exits(0);
        assert_eq!(outcomes(&ran), counted(&[("decrypted", mails.len() as u64)]));
    });
    let ran = place.run("bob", &["archive", "rewrap", "--json", "--in-place", "Maildir"]).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("already", mails.len() as u64)]));
}
