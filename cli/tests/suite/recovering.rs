//! Recovery sheets and shares, from the words that somebody types.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::peers::command::{find, missing};
use crate::people::Place;

/// A seed that BIP-39 publishes.
const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank year \
                     wave sausage worth useful legal winner thank year wave sausage worth title";

fn place() -> Place {
    let place = Place::new();
    place.write("words", WORDS);
    place
}

fn account(place: &Place, arguments: &[&str]) -> String {
    let command = ["device", "recover"];
    let ran = place.run("alice", &[&command[..], arguments, &["--json"]].concat()).exits(0);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["account"].as_str().unwrap().to_owned()
}

/// The code on a sheet, by other programs than ours.
fn code(place: &Place, file: &str) -> String {
    let picture = match file.ends_with(".pdf") {
        true => format!("pdftoppm -r 150 -png -singlefile {file} picture"),
        false => format!("rsvg-convert -o picture.png {file}"),
    };
    let read = format!("{picture} && zbarimg --quiet --raw -Sbinary picture.png");
    let ran = Command::new("sh").args(["-c", &read]).current_dir(place.path(".")).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_sheet_is_made_again_from_its_words_and_from_its_code() {
    let place = place();
    if ["pdftoppm", "rsvg-convert", "zbarimg"].iter().any(|program| find(program).is_none()) {
        return missing("poppler, librsvg and zbar");
    }
    let first = account(&place, &["sheet", "--seed-file", "words", "-o", "sheet.pdf"]);
    assert_eq!(fs::metadata(place.path("sheet.pdf")).unwrap().permissions().mode() & 0o777, 0o600);
    place.write("code", code(&place, "sheet.pdf"));
    let second = account(&place, &["sheet", "--seed-file", "code", "-o", "sheet.svg"]);
    assert_eq!(first, second);
    assert!(code(&place, "sheet.svg").starts_with("CSEAL-SEED:"));
    // The picture of the whole page, as a scanner makes it.
    let third = account(&place, &["sheet", "--seed-image", "picture.png", "-o", "third.svg"]);
    assert_eq!(first, third);
    account(&place, &["sheet", "--seed-file", "words", "-o", "sheet.txt"]);
    let text = String::from_utf8(place.read("sheet.txt")).unwrap();
    assert!(text.contains("24 title") && text.contains(&first) && !text.contains("alice"));
    let again = ["device", "recover", "sheet", "--seed-file", "words", "-o", "sheet.pdf"];
    place.run("alice", &again).exits(3);
}

#[test]
fn enough_shares_give_the_sheet_back_and_others_are_named() {
    let place = place();
    if ["pdftoppm", "zbarimg"].iter().any(|program| find(program).is_none()) {
        return missing("poppler and zbar");
    }
    let split = ["shares", "--seed-file", "words", "--threshold", "2", "--count", "3"];
    let whole = account(&place, &[&split[..], &["-o", "one.pdf"]].concat());
    account(&place, &[&split[..], &["-o", "other.pdf"]].concat());
    for file in ["one", "one-2", "one-3", "other-2"] {
        place.write(file, code(&place, &format!("{file}.pdf")));
    }
    let sheet = ["sheet", "-o", "sheet.txt", "--overwrite"];
    let from = ["--seed-file", "one-3", "--seed-file", "one"];
    assert_eq!(account(&place, &[&sheet[..], &from].concat()), whole);
    for (files, why) in [
        (&["one"][..], "1 of the 2 shares that are needed"),
        (&["one", "other-2"], "they do not go together"),
        (&["one-2", "one-2"], "share 2 was given twice"),
        (&["one", "words"], "the whole seed, and no share"),
    ] {
        let mut command = [&["device", "recover"][..], &sheet].concat();
        files.iter().for_each(|file| command.extend(["--seed-file", file]));
        let refused = place.run("alice", &command);
        assert!(refused.code != 0 && refused.stderr.contains(why), "{}", refused.stderr);
    }
}

#[test]
fn what_is_wrong_is_said_by_its_number_and_never_repeated() {
    let place = place();
    for (text, why) in [
        (WORDS.replace("title", "titel"), "word 24 is not in the list"),
        (WORDS.replace(" title", ""), "word 24 of 24 is missing"),
        (WORDS.replace("title", "useful"), "do not fit together"),
        (format!("{WORDS} zoo"), "more than 24 words"),
        (String::new(), "there are no words"),
        ("CSEAL-SEED:AAAA".to_owned(), "neither words nor the whole text of a code"),
        ("zoo ".repeat(1023), "more than"),
        ("\u{0}\u{1b}[31m\u{7f}".to_owned(), "is not in the list"),
    ] {
        place.write("bad", &text);
        let refused =
            place.run("alice", &["device", "recover", "sheet", "--seed-file", "bad", "-o", "x.pdf"]);
        let said = refused.exits(3).stderr;
        assert!(said.contains(why), "{text}: {said}");
        assert!(!said.contains("titel") && !said.contains("sausage") && !said.contains('\u{1b}'), "{said}");
    }
    assert!(!place.path("x.pdf").exists());
    let sheet = ["device", "recover", "sheet", "--seed-file", "words"];
    place.run("alice", &[&sheet[..], &["-o", "sheet.doc"]].concat()).exits(2);
    // Never on standard output, which may be a file.
    assert!(place.run("alice", &sheet).exits(3).stderr.contains("no terminal"));
    let split = ["device", "recover", "shares", "--seed-file", "words", "-o", "s.txt", "--threshold"];
    place.run("alice", &[&split[..], &["1", "--count", "3"]].concat()).exits(2);
    place.run("alice", &[&split[..], &["2", "--count", "17"]].concat()).exits(2);
    assert!(!place.path("s.txt").exists());
}

#[test]
fn a_drill_opens_everything_and_another_paper_nothing() {
    let place = place();
    let export =
        ["device", "export", "--store", "copy", "--recovery-file", "sheet.txt", "--this-device", "desk"];
    place.run("alice", &export).exits(0);
    let sheet = String::from_utf8(place.read("sheet.txt")).unwrap();
    let table = sheet.split("\n\n").find(|part| part.trim_start().starts_with("1 ")).unwrap();
    place.write("ours", table);
    let finding = |place: &Place| place.run("alice", &["doctor", "--json"]).text().contains("\"drill\"");
    assert!(finding(&place), "nobody has tried it yet");
    // The table of the words, and the whole sheet as it was written.
    for (file, more) in [("ours", &[][..]), ("sheet.txt", &["--copy", "copy"])] {
        let drill = ["device", "recover", "drill", "--seed-file", file, "--json"];
        let ran = place.run("alice", &[&drill[..], more].concat()).exits(0);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(
            (report["opens"].as_bool(), report["missing"].as_u64()),
            (Some(true), Some(0)),
            "{report}"
        );
        assert!(
            report["keys"].as_u64().unwrap() >= 3,
            "the encryption key, the personal CA, the log: {report}"
        );
    }
    assert!(!finding(&place));
    let other = ["device", "recover", "drill", "--seed-file", "words"];
    assert!(place.run("alice", &other).exits(1).stderr.contains("nothing of the account opens"));
    // The sheet that is printed again is that of the same account.
    let again = account(&place, &["sheet", "--seed-file", "ours", "-o", "again.txt"]);
    assert!(sheet.contains(&again));
    place.write("cut", &place.read("copy")[..100]);
    let cut = ["device", "recover", "drill", "--seed-file", "ours", "--copy", "cut"];
    place.run("alice", &cut).exits(3);
}

/// Bob, with an account, a sheet in `ours`, a stick that has everything, and an old mail.
fn bob() -> Place {
    let place = place();
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);
    fs::create_dir(place.path("stick")).unwrap();
    let stick = format!("[[sync]]\nfolder = \"{}\"\n", place.path("stick").display());
    place.write("bob/config.toml", stick);
    let export =
        ["device", "export", "--store", "copy", "--recovery-file", "sheet.txt", "--this-device", "desk"];
    place.run("bob", &export).exits(0);
    let sheet = String::from_utf8(place.read("sheet.txt")).unwrap();
    place.write("ours", sheet.split("\n\n").find(|part| part.trim_start().starts_with("1 ")).unwrap());
    place.run("bob", &["device", "sync"]).exits(0);
    place
}

fn recover(place: &Place, home: &str, more: &[&str]) -> Value {
    let command = ["device", "recover", "account", "--seed-file", "ours", "--no-passphrase", "--json"];
    let ran = place.run(home, &[&command[..], more].concat()).exits(0);
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn from_paper_and_any_copy_everything_comes_back_to_a_new_machine() {
    let place = bob();
    for (home, copy) in [("file", "copy"), ("folder", "stick")] {
        let came = recover(&place, home, &["--copy", copy, "--name", "new"]);
        assert_eq!((came["put_out"].as_u64(), came["keys"].as_u64()), (Some(1), Some(1)), "{came}");
        assert_eq!(came["missing"], 0);
        place.run(home, &["decrypt", "old.eml"]).exits(0);
        let list: Value =
            serde_json::from_slice(&place.run(home, &["keys", "list", "--json"]).exits(0).stdout).unwrap();
        let keys = list["keys"].as_array().unwrap();
        let current = keys.iter().filter(|key| key["use"] == "encryption" && key["retired"].is_null());
        let current: Vec<&Value> = current.map(|key| &key["fingerprint"]).collect();
        assert_eq!(current, [&came["new_key"]], "what lost devices have is used no more: {list}");
        let devices = place.run(home, &["device", "list"]).exits(0).text();
        assert!(devices.contains("new"), "{devices}");
        // It certifies its own key to sign with: there is nobody else who could.
        place.write("answer.eml", crate::people::MAIL.replace("alice@", "bob@"));
        let signed = format!("signed-{home}.eml");
        place.run(home, &["sign", "answer.eml", "-o", &signed]).exits(0);
    }
    // A store that has keys of its own is not touched, and other words bring nothing.
    let command = ["device", "recover", "account", "--copy", "copy", "--no-passphrase", "--seed-file"];
    place.run("alice", &[&command[..], &["ours"]].concat()).exits(1);
    place.run("nobody", &[&command[..], &["words"]].concat()).exits(1);
    assert!(!place.path("nobody").exists());
    place.run("nobody", &["device", "recover", "account", "--seed-file", "ours", "--no-passphrase"]).exits(2);
}

#[test]
fn the_places_of_the_devices_are_a_copy_and_a_lost_device_hears_that_it_is_out() {
    let place = bob();
    fs::create_dir(place.path("new")).unwrap();
    fs::copy(place.path("bob/config.toml"), place.path("new/config.toml")).unwrap();
    recover(&place, "new", &[]);
    place.run("new", &["decrypt", "old.eml"]).exits(0);
    place.run("new", &["device", "sync"]).exits(0);
    // What is sealed to the new key does not open on the device that was lost, which finds out by itself.
    place.run("bob", &["device", "sync"]);
    let lost = place.run("bob", &["device", "list"]).text();
    assert!(lost.contains("desk  revoked"), "{lost}");
    place.run("new", &["keys", "export", "bob@example.org", "-o", "new.pem"]).exits(0);
    let sealed = ["encrypt", "--certificate", "new.pem", "--no-sign", "mail.eml", "-o", "new.eml"];
    place.run("elsewhere", &sealed).exits(0);
    place.run("new", &["decrypt", "new.eml"]).exits(0);
    place.run("bob", &["decrypt", "new.eml"]).exits(3);
}
