//! Streams, exit codes, and what reaches a terminal.

use std::process::{Command, Stdio};

use crate::people::{MAIL, Place};

#[test]
fn a_wrong_command_line_exits_2_in_words_and_in_json() {
    let place = Place::new();
    let words = place.run("alice", &["decrypt", "--no-such-option"]).exits(2);
    assert!(words.stderr.starts_with("error: "));
    let json = place.run("alice", &["decrypt", "--json", "--no-such-option"]).exits(2).json();
    assert_eq!(json["error"], "usage");
    place.run("alice", &["verify", "--at", "yesterday", "mail.eml"]).exits(2);
    place.run("alice", &["--help"]).exits(0);
    place.run("alice", &["--version"]).exits(0);
}

#[test]
fn every_short_help_fits_a_screen_and_every_long_one_has_examples() {
    let place = Place::new();
    for command in [
        &["encrypt"][..],
        &["decrypt"],
        &["generate"],
        &["keys", "list"],
        &["keys", "show"],
        &["keys", "generate"],
        &["sign"],
        &["verify"],
        &["init"],
        &["setup"],
        &["keys", "import"],
        &["keys", "export"],
        &["passphrase"],
        &["backup"],
        &["restore"],
        &["doctor"],
        &["filter"],
        &["mutt"],
        &["trust", "policy", "check"],
        &["trust", "show"],
        &["trust", "pin"],
        &["trust", "unpin"],
        &["trust", "list"],
        &["trust", "rely"],
        &["trust", "meet"],
    ] {
        let short = place.run("alice", &[command, &["-h"]].concat()).exits(0).text();
        let (lines, width) = (short.lines().count(), short.lines().map(|line| line.chars().count()).max());
        assert!(lines <= 25 && width <= Some(80), "{command:?} has {lines} lines of {width:?} characters");
        let long = place.run("alice", &[command, &["--help"]].concat()).exits(0).text();
        assert!(long.contains("Examples:") && long.contains("Exit codes:"), "{command:?}");
    }
}

#[test]
fn what_is_not_there_exits_3_with_a_hint() {
    let place = Place::new();
    let missing = place.run("nobody", &["decrypt", "mail.eml"]).exits(3);
    assert!(missing.stderr.contains("\n\nhint: ") && missing.stderr.contains("cseal init"));
    place.run("alice", &["decrypt", "no-such-file.eml"]).exits(3);
    let plain = place.run("alice", &["decrypt", "--json", "mail.eml"]).exits(3).json();
    assert_eq!(plain["error"], "not-encrypted");
    assert_eq!(place.run("alice", &["verify", "--json", "mail.eml"]).exits(1).json()["verdict"], "unsigned");
}

#[test]
fn foreign_text_reaches_nobodys_terminal_as_it_is() {
    let place = Place::new();
    let hostile = MAIL.replace("From: Alice", "From: \"A\u{1b}[2Jlice\u{202e}\"");
    place.write("mail.eml", &hostile);
    for arguments in [&["verify", "mail.eml"][..], &["verify", "-v", "mail.eml"], &["decrypt", "mail.eml"]] {
        let said = place.run("alice", arguments).stderr;
        assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
    }
    let name = "no\u{1b}[31mfile\u{202e}";
    let said = place.run("alice", &["decrypt", name]).exits(3).stderr;
    assert!(said.contains("\\u{1b}") && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn colour_is_a_choice_and_says_nothing_by_itself() {
    let place = Place::new();
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let plain = place.run("bob", &["verify", "signed.eml"]).exits(0).stderr;
    let coloured = place.run("bob", &["--color", "always", "verify", "signed.eml"]).exits(0).stderr;
    assert!(!plain.contains('\u{1b}') && plain.contains("✓ VERIFIED"));
    assert!(coloured.contains("\u{1b}[32m✓ VERIFIED"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cseal"))
        .args(["generate", "completions", "bash"])
        .env("COUNTERSEAL_HOME", place.path("nobody"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn completions_are_written_for_each_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run("nobody", &["generate", "completions", shell]).exits(0).text();
        assert!(script.contains("in-reply-to"), "{shell}");
    }
}

#[test]
fn a_mail_comes_and_goes_through_pipes() {
    let place = Place::new();
    let sealed = place.pipe("alice", &["encrypt"], MAIL.as_bytes()).exits(0);
    let opened = place.pipe("bob", &["decrypt", "-"], &sealed.stdout).exits(0);
    assert!(opened.text().contains("let us meet."));
}

#[test]
fn what_is_wrong_with_a_draft_is_said_at_once() {
    let place = Place::new();
    for (draft, cause) in [
        ("From: alice@example.org\r\nTo: bob\r\n\r\nHi.\r\n", "an address without a domain"),
        ("To: bob@example.org\r\n\r\nHi.\r\n", "no From field"),
        (
            "From: alice@example.org, bob@example.org\r\nTo: bob@example.org\r\n\r\nHi.\r\n",
            "several addresses",
        ),
    ] {
        place.write("draft.eml", draft);
        let refused = place.run("alice", &["encrypt", "draft.eml"]).exits(3);
        assert!(refused.stderr.lines().next().unwrap().contains(cause), "{}", refused.stderr);
    }
    let full = place.run("alice", &["encrypt", "mail.eml", "-o", "/dev/full"]).exits(3);
    assert!(full.stderr.contains("No space left on device"), "{}", full.stderr);
}
