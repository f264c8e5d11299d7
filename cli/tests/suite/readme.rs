//! The README's first screen is a session that goes as it is written.

use crate::people::{MAIL, Place};

/// The fingerprint that stands in the README for that of Bob's key.
const PRINTED: &str = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY";

#[test]
fn the_session_of_the_readme_goes_as_it_is_written() {
    let place = Place::new();
    let steps = session();
    assert!(steps.len() >= 5, "five commands that a person would type");
    let fingerprint = make_bob(&place);
    place.write("draft.eml", MAIL.as_str());
    for (command, expected) in steps {
        let command = command.replace(PRINTED, &fingerprint);
        let mut arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        // Where a person is asked for a passphrase, a test has no terminal to be asked on.
        let makes_keys = arguments[0] == "init";
        arguments.extend(makes_keys.then_some("--no-passphrase"));
        let ran = place.run("reader", &arguments).exits(0);
        if makes_keys {
            bob_writes(&place);
        }
        for line in expected {
            let line = line.replace(PRINTED, &fingerprint);
            assert!(ran.stderr.lines().any(|said| said == line), "{command}: {line:?} in {:?}", ran.stderr);
        }
    }
}

/// Each command of the README's first block, without its comment, and the lines shown below it.
fn session() -> Vec<(String, Vec<String>)> {
    let readme = include_str!("../../../README.md");
    let block = readme.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push((command.split('#').next().unwrap().trim().to_owned(), Vec::new())),
            None => steps.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    steps
}

/// Bob's keys, made elsewhere; the fingerprint that he reads out.
fn make_bob(place: &Place) -> String {
    let made = place.run("writer", &["init", "bob@example.org", "--no-passphrase"]).exits(0);
    place.run("writer", &["keys", "export", "bob@example.org", "-o", "bob.pem", "--overwrite"]).exits(0);
    made.text().split_whitespace().next().unwrap().to_owned()
}

/// What Bob sends as soon as there are keys to send it to.
fn bob_writes(place: &Place) {
    place.run("reader", &["keys", "export", "alice@example.org", "-o", "reader.pem"]).exits(0);
    place.run("writer", &["keys", "import", "reader.pem"]).exits(0);
    let mail = MAIL.replace("alice@", "nobody@").replace("bob@", "alice@").replace("nobody@", "bob@");
    place.write("reply.eml", mail);
    place.run("writer", &["encrypt", "reply.eml", "-o", "in.eml"]).exits(0);
    place.run("writer", &["sign", "reply.eml", "-o", "signed.eml"]).exits(0);
}
