//! What mails come to: the history, and what is believed by it.

use std::process::{Command, Stdio};

use crate::people::{Place, Ran};

/// A mail from somebody to somebody, of now.
fn mail(from: &str, to: &str, identifier: &str, more: &str) -> String {
    let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "From: {from}@example.org\r\nTo: {to}@example.org\r\nSubject: Plans\r\nDate: {now}\r\n\
         Message-ID: <{identifier}@example.org>\r\n{more}MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nHello {to}, this is {identifier}.\r\n"
    )
}

/// Alice, and Dave, whom she does not know, with a store of his own.
fn strangers() -> Place {
    let place = Place::new();
    let init = ["init", "dave@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("dave", &init).exits(0);
    place
}

/// A signed mail of somebody's as a file.
fn signed(place: &Place, person: &str, text: &str, name: &str) {
    place.write("draft.eml", text);
    place.run(person, &["sign", "draft.eml", "-o", name, "--overwrite"]).exits(0);
}

#[track_caller]
fn object(ran: &Ran) -> serde_json::Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.text()))
}

/// The events about an address, in their order.
#[track_caller]
fn events(place: &Place, person: &str, address: &str) -> Vec<String> {
    let log = object(&place.run(person, &["trust", "history", address, "--json"]).exits(0));
    assert_eq!(log["holds"], true);
    let entries = log["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn score(place: &Place, person: &str, address: &str) -> u64 {
    let shown = place.run(person, &["trust", "show", address, "--json"]);
    object(&shown)["score"].as_u64().unwrap()
}

/// Runs cseal as if the clock said something else.
fn at_another_time(place: &Place, offset: &str, person: &str, arguments: &[&str]) -> i32 {
    let status = Command::new("faketime")
        .args(["-f", offset, env!("CARGO_BIN_EXE_cseal")])
        .args(arguments)
        .current_dir(place.path("."))
        .env("COUNTERSEAL_HOME", place.path(person))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    status.code().unwrap()
}

#[test]
fn a_signed_mail_starts_the_history_of_its_author_once() {
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    assert_eq!(events(&place, "alice", "dave@example.org"), ["seen", "received"]);
    assert_eq!(score(&place, "alice", "dave@example.org"), 10);
    // Read again, it is the same mail; a copy with other header fields around it is it too.
    place.run("alice", &["verify", "in.eml"]).exits(1);
    let again = ["Received: from somewhere\r\n".as_bytes(), &place.read("in.eml")].concat();
    place.write("again.eml", again);
    place.run("alice", &["verify", "again.eml"]).exits(1);
    assert_eq!(events(&place, "alice", "dave@example.org"), ["seen", "received"]);
    // Now there is a key, so it can be answered.
    place.write("draft.eml", mail("alice", "dave", "b", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    assert_eq!(events(&place, "alice", "dave@example.org"), ["seen", "received", "sent"]);
    place.run("dave", &["decrypt", "out.eml"]).exits(0);
    // The same mail once more is the same mail.
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml", "--overwrite"]).exits(0);
    assert_eq!(events(&place, "alice", "dave@example.org"), ["seen", "received", "sent"]);
}

#[test]
fn without_a_store_or_with_the_option_or_by_policy_nothing_is_counted() {
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    place.run("alice", &["verify", "in.eml", "--no-history"]).exits(1);
    place.run("alice", &["verify", "in.eml", "--anchor", "bob.pem"]).exits(1);
    place.run("nobody", &["verify", "in.eml"]).exits(1);
    assert!(!place.path("nobody").exists());
    place.write("alice/policy.toml", "[history]\nkeep = false\n");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    place.write("draft.eml", mail("alice", "bob", "b", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    assert!(events(&place, "alice", "dave@example.org").is_empty());
    assert!(!events(&place, "alice", "bob@example.org").contains(&"sent".to_owned()));
}

#[test]
fn an_answer_to_an_encrypted_mail_is_known_as_one_and_others_are_not() {
    let place = Place::new();
    place.write("draft.eml", mail("alice", "carol", "question", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    let answers = |name: &str, more: &str| {
        signed(&place, "carol", &mail("carol", "alice", name, more), "in.eml");
        place.run("alice", &["verify", "in.eml"]);
        let log = object(&place.run("alice", &["trust", "history", "carol@example.org", "--json"]).exits(0));
        let last = log["entries"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["event"], "received");
        last["answers"] == true
    };
    assert!(!answers("one", ""));
    assert!(!answers("two", "In-Reply-To: <other@example.org>\r\n"));
    assert!(answers("three", "In-Reply-To: <question@example.org>\r\n"));
    assert!(answers("four", "References: <x@example.org>\r\n <question@example.org>\r\n"));
    // What stands outside of the signature is anybody's word.
    signed(&place, "carol", &mail("carol", "alice", "five", ""), "in.eml");
    let forged = [b"In-Reply-To: <question@example.org>\r\n", place.read("in.eml").as_slice()].concat();
    place.write("forged.eml", forged);
    place.run("alice", &["verify", "forged.eml"]);
    let log = object(&place.run("alice", &["trust", "history", "carol@example.org", "--json"]).exits(0));
    let last = log["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["event"], &last["answers"]), (&"received".into(), &false.into()));
}

#[test]
fn points_grow_with_days_of_our_own_clock_and_with_mails_that_differ() {
    if Command::new("faketime").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: faketime is not installed");
        return;
    }
    let place = Place::new();
    // Carol's mails were all written now; they are read over 90 days.
    place.write("draft.eml", mail("alice", "carol", "question", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    for number in 0..20 {
        let answer = "In-Reply-To: <question@example.org>\r\n";
        signed(&place, "carol", &mail("carol", "alice", &format!("n{number}"), answer), "in.eml");
        std::fs::rename(place.path("in.eml"), place.path(&format!("in{number}.eml"))).unwrap();
    }
    // All at once they are worth what the first is worth.
    for number in 0..10 {
        place.run("alice", &["verify", &format!("in{number}.eml")]);
    }
    assert_eq!(score(&place, "alice", "carol@example.org"), 10);
    for number in 10..20 {
        let offset = format!("+{}d", (number - 9) * 9);
        at_another_time(
            &place,
            &offset,
            "alice",
            &["verify", &format!("in{number}.eml"), "--accept", "signed"],
        );
    }
    let later = |days: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days + 1);
        let shown =
            place.run("alice", &["trust", "show", "carol@example.org", "--json", "--at", &at.to_string()]);
        object(&shown)["score"].as_u64().unwrap()
    };
    assert_eq!([0, 30, 90].map(later), [10, 20, 40]);
    let shown = place.run("alice", &["trust", "show", "carol@example.org", "--json"]).exits(0);
    assert_eq!(object(&shown)["next"]["deed"], "correspond", "{}", shown.text());
}

#[test]
fn a_known_key_is_kept_against_a_newcomer_with_less_and_gives_way_to_one_with_more() {
    let place = strangers();
    place.employee("impostor", "dave@example.org");
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    signed(&place, "impostor", &mail("dave", "alice", "b", ""), "forged.eml");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    // The newcomer has less: the key that is known stays, and the contradiction is kept in mind.
    let conflict = place.run("alice", &["verify", "forged.eml", "--json"]).exits(4);
    assert_eq!(conflict.json()["reasons"][0], "key-changed");
    assert!(events(&place, "alice", "dave@example.org").contains(&"conflict".to_owned()));
    place.write("draft.eml", mail("alice", "dave", "c", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    place.run("dave", &["decrypt", "out.eml"]).exits(0);
    place.run("impostor", &["decrypt", "out.eml"]).exits(3);
    // One whom the person's own CA vouches for has 40 more: the key changed.
    place.run("alice", &["trust", "rely", "impostor.ca.pem"]).exits(0);
    place.run("alice", &["verify", "forged.eml"]).exits(0);
    place.run("alice", &["encrypt", "draft.eml", "-o", "out2.eml"]).exits(0);
    place.run("impostor", &["decrypt", "out2.eml"]).exits(0);
}

#[test]
fn the_encryption_key_comes_along_under_the_personal_ca() {
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    let taken = place.run("alice", &["keys", "import", "dave.pem", "--json"]).exits(0);
    let contacts = object(&taken)["files"][0]["contacts"].as_array().unwrap().clone();
    assert_eq!(contacts.len(), 2, "{}", taken.text());
    assert!(contacts.iter().all(|contact| contact["new"] == false), "{contacts:?}");
}

#[test]
fn what_was_read_while_the_store_was_locked_waits_for_its_passphrase() {
    let place = strangers();
    place.write("passphrase", "correct horse\n");
    let init = ["init", "erin@example.org", "--passphrase-file", "passphrase", "--algorithm", "rsa-2048"];
    place.run("erin", &init).exits(0);
    signed(&place, "dave", &mail("dave", "erin", "a", ""), "in.eml");
    // Nobody is asked for a passphrase just for that.
    let first = place.run("erin", &["verify", "in.eml"]).exits(1);
    assert!(!first.stderr.contains("note"), "{}", first.stderr);
    assert!(events(&place, "erin", "dave@example.org").is_empty());
    assert_eq!(score(&place, "erin", "dave@example.org"), 10);
    place.run("erin", &["verify", "in.eml"]).exits(1);
    let log = object(&place.run("erin", &["trust", "history", "--json"]).exits(0));
    assert_eq!((&log["waiting"], &log["length"]), (&1.into(), &0.into()));
    place.write("draft.eml", mail("erin", "dave", "b", ""));
    let encrypt = ["encrypt", "draft.eml", "-o", "out.eml", "--passphrase-file", "passphrase"];
    place.run("erin", &encrypt).exits(0);
    assert_eq!(events(&place, "erin", "dave@example.org"), ["seen", "received", "sent"]);
    let log = object(&place.run("erin", &["trust", "history", "--json"]).exits(0));
    assert_eq!(log["waiting"], 0);
}

#[test]
fn a_history_that_cannot_be_written_changes_nothing_about_the_mail() {
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    let expected = place.run("alice", &["verify", "in.eml", "--no-history"]).exits(1);
    // Somebody else holds the store for writing, longer than anybody waits.
    let other = rusqlite::Connection::open(place.path("alice/store.sqlite3")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ran = place.run("alice", &["verify", "in.eml"]).exits(1);
    assert_eq!(ran.stdout, expected.stdout);
    assert!(ran.stderr.contains("note: the mail is not counted"), "{}", ran.stderr);
    let silent = place.run("alice", &["verify", "in.eml", "--json"]).exits(1);
    assert_eq!(silent.json()["verdict"], "unverified");
    drop(other);
    place.run("alice", &["verify", "in.eml"]).exits(1);
    assert_eq!(events(&place, "alice", "dave@example.org"), ["seen", "received"]);
}

#[test]
fn a_mail_that_was_read_in_time_is_believed_after_its_certificate_has_ended() {
    let place = Place::new();
    signed(&place, "alice", &mail("alice", "bob", "early", ""), "early.eml");
    signed(&place, "alice", &mail("alice", "bob", "late", ""), "late.eml");
    place.run("bob", &["verify", "early.eml"]).exits(0);
    let later = |file: &str| {
        let status = place.run("bob", &["verify", "--json", "--at", "2030-06-01", file]).json();
        (status["verdict"].clone(), status["reasons"].clone())
    };
    let (verdict, reasons) = later("early.eml");
    assert_eq!(verdict, "verified", "{reasons}");
    let has = |reasons: &serde_json::Value, word: &str| reasons.as_array().unwrap().contains(&word.into());
    assert!(has(&reasons, "time-proven") && !has(&reasons, "expired"));
    // Nobody else saw the other one in time, whatever its signing time and its Date say.
    let (verdict, reasons) = later("late.eml");
    assert_eq!(verdict, "checked", "{reasons}");
    assert!(has(&reasons, "expired") && !has(&reasons, "time-proven"));
    let file = rusqlite::Connection::open(place.path("bob/store.sqlite3")).unwrap();
    let attack = "DROP TRIGGER history_is_not_rewritten; UPDATE history SET at = at - 1 WHERE number = 0";
    file.execute_batch(attack).unwrap();
    assert_eq!(later("early.eml").0, "checked", "a log that somebody changed proves nothing");
}

#[test]
fn two_at_once_both_write_and_the_chain_holds() {
    let place = strangers();
    for number in 0..6 {
        signed(&place, "dave", &mail("dave", "alice", &format!("n{number}"), ""), "in.eml");
        std::fs::rename(place.path("in.eml"), place.path(&format!("in{number}.eml"))).unwrap();
    }
    std::thread::scope(|scope| {
        for number in 0..6 {
            let place = &place;
            scope.spawn(move || place.run("alice", &["verify", &format!("in{number}.eml")]).exits(1));
        }
    });
    let found = events(&place, "alice", "dave@example.org");
    assert_eq!(found.iter().filter(|event| *event == "received").count(), 6, "{found:?}");
    assert_eq!(found.iter().filter(|event| *event == "seen").count(), 1, "{found:?}");
}

#[test]
fn whoever_is_killed_leaves_a_whole_history() {
    let place = strangers();
    for number in 0..12_u64 {
        let name = format!("in{number}.eml");
        signed(&place, "dave", &mail("dave", "alice", &format!("n{number}"), ""), &name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_cseal"))
            .args(["verify", &name])
            .current_dir(place.path("."))
            .env("COUNTERSEAL_HOME", place.path("alice"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(number * 3));
        let _ = child.kill();
        child.wait().unwrap();
        // Certificate, contact and history were written together or not at all.
        let known = place.run("alice", &["trust", "show", "dave@example.org"]).code != 3;
        assert_eq!(known, !events(&place, "alice", "dave@example.org").is_empty());
    }
}

#[test]
fn a_changed_entry_breaks_the_chain() {
    let place = strangers();
    for name in ["a", "b"] {
        signed(&place, "dave", &mail("dave", "alice", name, ""), "in.eml");
        place.run("alice", &["verify", "in.eml"]).exits(1);
    }
    let attack = |sql: &str| {
        let file = rusqlite::Connection::open(place.path("alice/store.sqlite3")).unwrap();
        file.execute_batch(&format!("DROP TRIGGER IF EXISTS history_is_not_rewritten; {sql}")).unwrap();
    };
    attack("UPDATE history SET at = at - 86400 * 90 WHERE number = 1");
    let broken = place.run("alice", &["trust", "history"]).exits(3);
    assert!(broken.stderr.contains("history"), "{}", broken.stderr);
    // The last one is signed for with the store itself.
    attack("UPDATE history SET at = at + 1 WHERE number = (SELECT max(number) FROM history)");
    place.run("alice", &["trust", "history"]).exits(4);
    place.run("alice", &["trust", "show", "dave@example.org"]).exits(4);
}

#[test]
fn an_exported_log_can_be_checked_by_others() {
    use sha2::{Digest, Sha256};
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    place.run("alice", &["trust", "forget", "dave@example.org"]).exits(0);
    let lines = place.run("alice", &["trust", "history", "--export"]).exits(0).text();
    let head = object(&place.run("alice", &["trust", "history", "--json"]).exits(0))["head"].clone();
    let hexadecimal = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let with_length = |bytes: &[u8]| [&(bytes.len() as u64).to_be_bytes()[..], bytes].concat();
    let mut previous = vec![0; 32];
    for (number, line) in lines.lines().enumerate() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        assert_eq!(
            (entry["number"].as_u64(), hexadecimal(&text("previous"))),
            (Some(number as u64), previous)
        );
        if entry["salt"].is_string() {
            let content = [
                with_length(b"counterseal history content 1"),
                with_length(&hexadecimal(&text("salt"))),
                with_length(text("address").as_bytes()),
                with_length(&hexadecimal(&text("key"))),
                with_length(&hexadecimal(&text("own"))),
            ];
            let commitment: Vec<u8> = Sha256::digest(content.concat()).to_vec();
            assert_eq!(commitment, hexadecimal(&text("commitment")));
        }
        let digested = [
            with_length(b"counterseal history 1"),
            (number as u64).to_be_bytes().to_vec(),
            with_length(&entry["at"].as_i64().unwrap().to_be_bytes()),
            with_length(text("event").as_bytes()),
            with_length(&hexadecimal(&text("commitment"))),
            with_length(&hexadecimal(&text("previous"))),
        ];
        previous = Sha256::digest(digested.concat()).to_vec();
    }
    assert_eq!(hexadecimal(head.as_str().unwrap()), previous);
}

#[test]
fn a_forgotten_contact_is_gone_from_the_file_and_the_chain_holds() {
    let place = strangers();
    signed(&place, "dave", &mail("dave", "alice", "a", ""), "in.eml");
    place.run("alice", &["verify", "in.eml"]).exits(1);
    let holds = |text: &[u8]| {
        let files = std::fs::read_dir(place.path("alice")).unwrap();
        files
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text)))
    };
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    place.run("alice", &["trust", "pin", "dave@example.org", "--certificate", "dave.pem"]).exits(0);
    place.run("alice", &["trust", "rely", "dave@example.org"]).exits(0);
    assert!(holds(b"dave@example.org") && holds(b"carol@example.org"));
    let length = |place: &Place| {
        object(&place.run("alice", &["trust", "history", "--json"]).exits(0))["length"].clone()
    };
    let before = length(&place);
    place.run("alice", &["trust", "forget", "dave@example.org"]).exits(0);
    assert!(!holds(b"dave@example.org"), "no remains, in no file");
    assert!(holds(b"carol@example.org"));
    assert_eq!(length(&place), before);
    assert!(place.run("alice", &["trust", "history"]).exits(0).text().contains("(forgotten)"));
    place.run("alice", &["trust", "show", "dave@example.org"]).exits(3);
    place.run("alice", &["trust", "forget", "dave@example.org"]).exits(3);
    place.run("alice", &["trust", "forget", "alice@example.org"]).exits(2);
    // Alice's own keys and Bob's are as they were.
    place.write("draft.eml", mail("alice", "bob", "b", ""));
    place.run("alice", &["encrypt", "draft.eml", "-o", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "out.eml"]).exits(0);
}
