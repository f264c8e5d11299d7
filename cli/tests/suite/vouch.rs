//! Vouches and statements: with cseal, gpg and sq, and carried by mail.

use std::process::Command;

use serde_json::Value;

use crate::gnupg::Gnupg;
use crate::people::{MAIL, Place, Ran};

fn fingerprint(place: &Place, person: &str) -> String {
    String::from_utf8(place.read(&format!("{person}.fingerprint"))).unwrap()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", ran.text(), ran.stderr))
}

/// Points of an address for somebody.
fn score(place: &Place, person: &str, arguments: &[&str]) -> Value {
    json(&place.run(person, &[&["trust", "show", "--json"], arguments].concat()))["score"].clone()
}

/// Bob compares Carol's fingerprint and vouches for her; Alice relies on Bob.
fn vouched() -> Place {
    let place = Place::new();
    place.run("bob", &["keys", "import", "carol.pem", "--pin", &fingerprint(&place, "carol")]).exits(0);
    let made =
        place.run("bob", &["trust", "vouch", "carol@example.org", "-o", "vouch.pem", "--json"]).exits(0);
    assert_eq!(json(&made)["type"], "endorsement");
    place
}

#[test]
fn a_vouch_counts_for_whom_relies_on_its_signer_and_until_it_is_taken_back() {
    let place = vouched();
    let check = |person: &str| {
        let ran = place.run(person, &["trust", "statement", "check", "vouch.pem", "--json"]);
        (json(&ran)["standing"].clone(), ran.code)
    };
    assert_eq!(check("alice"), ("not-relied-on".into(), 1));
    place.run("alice", &["trust", "statement", "import", "vouch.pem"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10, "nobody said that bob is careful");
    place.run("alice", &["trust", "rely", "bob@example.org"]).exits(0);
    assert_eq!(check("alice"), ("counts".into(), 0));
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 90, "80 and the history");
    place.run("alice", &["trust", "rely", "bob@example.org", "--amount", "30"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 40);
    let again = json(&place.run("alice", &["trust", "rely", "bob@example.org", "--json"]).exits(0));
    assert_eq!(
        (&again["contacts"][0]["change"], &again["contacts"][0]["amount"]),
        (&"same".into(), &30.into())
    );
    place.run("alice", &["trust", "rely", "bob@example.org", "--amount", "120"]).exits(0);
    let list = json(&place.run("alice", &["trust", "list", "--json"]));
    assert_eq!(list["contacts"][0]["address"], "bob@example.org");
    place.run("bob", &["trust", "statement", "withdraw", "vouch.pem", "-o", "back.pem"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org", "--statement", "back.pem"]), 10);
    place.run("alice", &["trust", "statement", "import", "back.pem"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10);
    let list = json(&place.run("alice", &["trust", "statement", "list", "--json"]));
    assert_eq!(list["statements"][0]["standing"], "withdrawn");
    place.run("alice", &["trust", "rely", "bob@example.org", "--remove"]).exits(0);
}

#[test]
fn an_introducer_can_be_named_for_one_question() {
    let place = vouched();
    let asked = format!("{}??carol@example.org", fingerprint(&place, "bob"));
    assert_eq!(score(&place, "alice", &[&asked]), 10);
    assert_eq!(score(&place, "alice", &[&asked, "--statement", "vouch.pem"]), 120);
    place.run("alice", &["encrypt", "mail.eml", "-o", "a.eml", "--to", &asked]).exits(1);
    place
        .run("alice", &["encrypt", "mail.eml", "-o", "a.eml", "--to", &asked, "--statement", "vouch.pem"])
        .exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org", "--statement", "vouch.pem"]), 10);
    let own = place.run("bob", &["trust", "statement", "list", "--json"]).exits(0);
    assert_eq!(json(&own)["statements"][0]["standing"], "own");
}

#[test]
fn who_unpins_an_introducer_does_not_rely_on_them_any_more() {
    let place = vouched();
    place.run("alice", &["trust", "statement", "import", "vouch.pem"]).exits(0);
    place.run("alice", &["trust", "rely", "carol@example.org"]).exits(3);
    place.run("alice", &["trust", "rely", "bob@example.org"]).exits(0);
    place.run("alice", &["trust", "unpin", "bob@example.org"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10);
}

#[test]
fn nobody_vouches_for_what_they_did_not_compare() {
    let place = Place::new();
    let key = fingerprint(&place, "carol");
    let vouch = |more: &[&str]| place.run("alice", &[&["trust", "vouch"], more].concat());
    let refused = vouch(&["carol@example.org", "-o", "a.pem"]).exits(1);
    assert!(
        refused.stderr.contains("you did not compare") && refused.stderr.contains(&key),
        "{}",
        refused.stderr
    );
    assert!(!place.path("a.pem").exists());
    vouch(&["carol@example.org", "--compared", &fingerprint(&place, "bob"), "-o", "a.pem"]).exits(4);
    vouch(&["carol@example.org", "--compared", &key, "-o", "a.pem"]).exits(0);
    vouch(&[&format!("{key}?carol@example.org"), "-o", "b.pem"]).exits(0);
    vouch(&["bob@example.org", "--expires", "2020-01-01", "-o", "c.pem"]).exits(2);
    let for_another = ["mallory@example.org", "--certificate", &key, "--compared", &key, "-o", "c.pem"];
    vouch(&for_another).exits(3);
    place.run("bob", &["trust", "statement", "withdraw", "a.pem", "-o", "c.pem"]).exits(1);
    let link = ["trust", "statement", "make", "--type", "link", "alice@example.org", "-o", "c.pem"];
    place.run("alice", &link).exits(2);
    let uses = ["trust", "statement", "make", "--type", "uses", "alice@example.org", "-o", "c.pem"];
    assert!(place.run("alice", &uses).exits(2).stderr.contains("personal CA"));
    assert!(!place.path("c.pem").exists());
}

#[test]
fn a_signed_mail_carries_what_others_say_of_its_author() {
    let place = vouched();
    let said = place.run("carol", &["trust", "statement", "import", "vouch.pem"]).exits(0).text();
    assert!(said.contains("goes along with your mail") && !said.contains("does not count"), "{said}");
    place.write(
        "carol.eml",
        MAIL.replace("Alice <alice@", "Carol <carol@").replace("Bob <bob@", "Alice <alice@"),
    );
    place.run("carol", &["sign", "carol.eml", "-o", "signed.eml"]).exits(0);
    place.run("carol", &["sign", "--no-evidence", "carol.eml", "-o", "bare.eml"]).exits(0);
    place.run("carol", &["encrypt", "carol.eml", "-o", "sealed.eml"]).exits(0);
    let read = |arguments: &[&str]| place.run("alice", &[arguments, &["--json"]].concat()).json();
    let verdict = |file: &str| read(&["verify", file])["signers"][0]["score"].clone();
    assert_eq!(verdict("signed.eml"), 10, "nobody relies on bob yet");
    place.run("alice", &["trust", "rely", "bob@example.org"]).exits(0);
    assert_eq!(verdict("signed.eml"), 90);
    assert_eq!(verdict("bare.eml"), 10);
    let opened = read(&["decrypt", "sealed.eml", "-o", "opened.eml"]);
    assert_eq!(opened["signers"][0]["score"], 90, "{opened}");
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10, "what a mail brings is not kept");
}

#[test]
fn a_signed_mail_carries_the_twin_with_what_others_certified_on_it() {
    let place = vouched();
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    place.run("bob", &["keys", "export", "bob@example.org", "--for", "openpgp", "-o", "bob.asc"]).exits(0);
    let options = ["--certificate", "carol.asc", "--openpgp", "both.asc", "-o", "v.pem"];
    place.run("bob", &[&["trust", "vouch", "carol@example.org"], &options[..]].concat()).exits(0);
    place.run("carol", &["trust", "statement", "import", "both.asc"]).exits(0);
    place.write("carol.eml", MAIL.replace("Alice <alice@", "Carol <carol@"));
    place.run("carol", &["sign", "carol.eml", "-o", "signed.eml"]).exits(0);
    let verdict =
        || place.run("alice", &["verify", "signed.eml", "--json"]).json()["signers"][0]["score"].clone();
    assert_eq!(verdict(), 10, "alice relies on nobody's OpenPGP certifications");
    let twin = twin_fingerprint(&place, "bob.asc");
    place.run("alice", &["trust", "rely", &twin, "--keyring", "bob.asc"]).exits(0);
    assert_eq!(verdict(), 90);
}

/// The fingerprint of the one certificate in a file.
fn twin_fingerprint(place: &Place, file: &str) -> String {
    let mut web = counterseal_core::openpgp::Web::new();
    let read = web.import(&[&place.read(file)]).unwrap().read;
    read[0].to_string()
}

#[test]
fn what_a_mail_carries_raises_nothing_by_itself() {
    let place = vouched();
    // Carol endorses herself, with all that she has.
    let own = fingerprint(&place, "carol");
    place
        .run("carol", &["trust", "vouch", "carol@example.org", "--compared", &own, "-o", "own.pem"])
        .exits(0);
    place.run("carol", &["trust", "statement", "import", "own.pem", "vouch.pem"]).exits(0);
    place.write("carol.eml", MAIL.replace("Alice <alice@", "Carol <carol@"));
    place.run("carol", &["sign", "carol.eml", "-o", "signed.eml"]).exits(0);
    let read = place.run("alice", &["verify", "signed.eml", "--json"]).json();
    assert_eq!((&read["signers"][0]["score"], &read["verdict"]), (&10.into(), &"signed".into()));
    // By the owner's own act it does: carol relies on herself through nobody.
    place.run("carol", &["trust", "rely", "carol@example.org"]).exits(3);
}

#[test]
fn others_read_a_mail_that_carries_evidence() {
    let place = vouched();
    place.run("carol", &["trust", "statement", "import", "vouch.pem"]).exits(0);
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    place.write("carol.eml", MAIL.replace("Alice <alice@", "Carol <carol@"));
    place.run("carol", &["sign", "--opaque", "carol.eml", "-o", "signed.eml"]).exits(0);
    let ran = Command::new("openssl")
        .args(["cms", "-verify", "-noverify", "-in", "signed.eml", "-out", "content.txt"])
        .current_dir(place.path("."))
        .output();
    let Ok(ran) = ran else { return eprintln!("SKIPPED: openssl is not installed") };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8(place.read("content.txt")).unwrap().contains("let us meet"));
}

/// Runs printed commands in a shell, with gpg's home below the place; what is behind `# ` too where it is
/// asked for.
fn run_printed(place: &Place, commands: &str, takes_back: bool, own: &str) {
    let lines = commands.lines().filter_map(|line| match line.strip_prefix("# ") {
        Some(line) if takes_back && !line.starts_with("To take it back") => Some(line.replace("YOURS", own)),
        Some(_) => None,
        None if takes_back => None,
        None => Some(line.to_owned()),
    });
    let gpg = "gpg() { command gpg --batch --yes --quiet --no-tty --pinentry-mode loopback --passphrase '' \"$@\"; }\n";
    let script = format!("set -e\n{gpg}{}\n", lines.collect::<Vec<_>>().join("\n"));
    let cseal = std::path::Path::new(env!("CARGO_BIN_EXE_cseal")).parent().unwrap().display().to_string();
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.path("."))
        .env("GNUPGHOME", place.path("gnupg"))
        .env("PATH", format!("{cseal}:{}", std::env::var("PATH").unwrap()))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{script}\n{}", String::from_utf8_lossy(&ran.stderr));
}

/// The commands that cseal prints for vouching for Carol.
fn printed(place: &Place, program: &str, more: &[&str]) -> String {
    let key = fingerprint(place, "carol");
    let start = ["trust", "vouch", "carol@example.org", "--compared", &key, "--print-commands", program];
    place.run("alice", &[&start[..], more].concat()).exits(0).text()
}

#[test]
fn gpg_certifies_by_the_printed_commands_and_takes_it_back() {
    let place = Place::new();
    let Some(gpg) = Gnupg::at(&place) else { return };
    gpg.run(&["--quick-generate-key", "Dave <dave@example.org>", "ed25519", "default", "never"]);
    let dave = gpg.fingerprint("dave@example.org");
    place.write("dave.pgp", gpg.run(&["--export", &dave]));
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    place.run("alice", &["trust", "rely", &dave, "--keyring", "dave.pgp"]).exits(0);
    let commands = printed(&place, "gpg", &["--certificate", "carol.asc", "--expires", "2099-01-01"]);
    run_printed(&place, &commands, false, &dave);
    place.run("alice", &["trust", "statement", "import", "carol@example.org.certified.asc"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 90, "{commands}");
    // What is taken back in the second in which it was said is not taken back.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    run_printed(&place, &commands, true, &dave);
    place.run("alice", &["trust", "statement", "import", "carol@example.org.revoked.asc"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10, "{commands}");
    let half = place
        .run("alice", &["trust", "vouch", "bob@example.org", "--amount", "60", "--print-commands", "gpg"]);
    assert!(half.exits(0).text().contains("--clearsign"), "without a twin the statement has the amount");
}

#[test]
fn gpg_signs_the_printed_statement_and_takes_it_back() {
    let place = Place::new();
    let Some(gpg) = Gnupg::at(&place) else { return };
    gpg.run(&["--quick-generate-key", "Dave <dave@example.org>", "ed25519", "default", "never"]);
    let dave = gpg.fingerprint("dave@example.org");
    place.write("dave.pgp", gpg.run(&["--export", &dave]));
    place.run("alice", &["trust", "rely", &dave, "--keyring", "dave.pgp"]).exits(0);
    let commands = printed(&place, "gpg", &["--amount", "60"]);
    run_printed(&place, &commands, false, &dave);
    // Whose certificate came with the reliance is known from then on, to check what they take back, too.
    let import = |file: &str| {
        place.run("alice", &["trust", "statement", "check", file]).exits(0);
        place.run("alice", &["trust", "statement", "import", file]).exits(0);
    };
    let check = place.run("bob", &["trust", "statement", "check", "carol@example.org.txt.asc"]).exits(3);
    assert!(check.stderr.contains("--keyring"), "{}", check.stderr);
    import("carol@example.org.txt.asc");
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 70);
    run_printed(&place, &commands, true, &dave);
    import("carol@example.org.withdrawn.txt.asc");
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 10);
}

#[test]
fn sq_certifies_and_signs_by_the_printed_commands_and_takes_it_back() {
    let place = Place::new();
    let sq = |arguments: &[&str]| Command::new("sq").args(arguments).current_dir(place.path(".")).output();
    let Ok(made) = sq(&["key", "generate", "--userid", "Dave <dave@example.org>", "--export", "my-key.pgp"])
    else {
        return eprintln!("SKIPPED: sq is not installed");
    };
    if !made.status.success() {
        return eprintln!("SKIPPED: this sq has other options than 0.27");
    }
    place.write("dave.pgp", sq(&["key", "extract-cert", "my-key.pgp"]).unwrap().stdout);
    let inspected = String::from_utf8(sq(&["inspect", "dave.pgp"]).unwrap().stdout).unwrap();
    let dave =
        inspected.lines().find_map(|line| line.trim().strip_prefix("Fingerprint: ")).unwrap().to_owned();
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    place.run("alice", &["trust", "rely", &dave, "--keyring", "dave.pgp"]).exits(0);
    let points = || score(&place, "alice", &["carol@example.org"]);
    let import = |file: &str| {
        place.run("alice", &["trust", "statement", "import", file, "--keyring", "dave.pgp"]).exits(0);
    };
    let commands = printed(&place, "sq", &["--certificate", "carol.asc", "--amount", "60"]);
    run_printed(&place, &commands, false, &dave);
    import("carol@example.org.certified.asc");
    assert_eq!(points(), 70, "{commands}");
    // The time of a certification counts whole seconds, and the newer one takes the older one's place.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    run_printed(&place, &commands, true, &dave);
    import("carol@example.org.revoked.asc");
    assert_eq!(points(), 10, "{commands}");
    let commands = printed(&place, "sq", &["--amount", "50"]);
    run_printed(&place, &commands, false, &dave);
    import("carol@example.org.txt.asc");
    assert_eq!(points(), 60);
    run_printed(&place, &commands, true, &dave);
    import("carol@example.org.withdrawn.txt.asc");
    assert_eq!(points(), 10);
}

#[test]
fn our_twin_certifies_a_twin_and_gpg_finds_the_signature_good() {
    let place = vouched();
    place
        .run("carol", &["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"])
        .exits(0);
    place.run("bob", &["keys", "export", "bob@example.org", "--for", "openpgp", "-o", "bob.asc"]).exits(0);
    let options = ["--certificate", "carol.asc", "--openpgp", "both.asc", "-o", "v.pem", "--amount", "60"];
    place.run("bob", &[&["trust", "vouch", "carol@example.org"], &options[..]].concat()).exits(0);
    let Some(gpg) = Gnupg::at(&place) else { return };
    gpg.run(&["--import", "bob.asc"]);
    gpg.run(&["--import", "both.asc"]);
    let carol = gpg.fingerprint("carol@example.org");
    let checked = String::from_utf8(gpg.run(&["--with-colons", "--check-sigs", &carol])).unwrap();
    let good = checked.lines().filter(|line| line.starts_with("sig:!:")).count();
    assert_eq!(good, 2, "{checked}");
    // And for whom relies on bob's twin.
    let bob = gpg.fingerprint("bob@example.org");
    place.run("alice", &["trust", "rely", &bob, "--keyring", "bob.asc"]).exits(0);
    place.run("alice", &["trust", "statement", "import", "both.asc"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 70);
    // The twin and the S/MIME key are one person, whatever they sign with.
    place.run("alice", &["trust", "rely", "bob@example.org"]).exits(0);
    place.run("alice", &["trust", "statement", "import", "v.pem", "vouch.pem"]).exits(0);
    assert_eq!(score(&place, "alice", &["carol@example.org"]), 90, "80 at most, and the history");
}

#[test]
fn a_statement_that_is_not_as_it_must_be_is_refused_with_its_reason() {
    let place = Place::new();
    let Some(gpg) = Gnupg::at(&place) else { return };
    gpg.run(&["--quick-generate-key", "Dave <dave@example.org>", "ed25519", "default", "never"]);
    place.write("dave.pgp", gpg.run(&["--export"]));
    let make =
        ["trust", "statement", "make", "--type", "endorsement", "bob@example.org", "--text", "-o", "text"];
    place.run("alice", &make).exits(0);
    let text = String::from_utf8(place.read("text")).unwrap();
    let sign = |name: &str, text: &str, more: &[&str]| {
        place.write("unsigned", text);
        place.write(name, gpg.run(&[more, &["--clearsign", "-o", "-", "unsigned"]].concat()));
        String::from_utf8(place.read(name)).unwrap()
    };
    let word = |content: &str| {
        place.write("asked", content);
        let ran = place.run("alice", &["trust", "statement", "check", "asked", "--keyring", "dave.pgp"]);
        assert_eq!(ran.code, 3, "{}", ran.text());
        assert_eq!(
            place.run("alice", &["trust", "statement", "import", "asked", "--keyring", "dave.pgp"]).code,
            3
        );
        ran.stderr.lines().nth(1).unwrap().trim().to_owned()
    };
    let good = sign("good", &text, &[]);
    place.run("alice", &["trust", "statement", "check", "good", "--keyring", "dave.pgp"]).exits(1);
    assert_eq!(word(&format!("Hello\n{good}")), "framing");
    assert_eq!(word(&format!("{good}\nHello\n")), "framing");
    assert_eq!(word(&format!("{good}{good}")), "framing");
    assert_eq!(word(&sign("x", &format!("{text}Hello\n"), &[])), "line");
    assert_eq!(word(&sign("x", &text.replace("Amount: 120", "Amount: 121"), &[])), "line");
    assert_eq!(word(&sign("x", &text, &["--digest-algo", "SHA1"])), "bad-signature");
    assert_eq!(word(&good.replace("in-person", "video")), "bad-signature");
    assert_eq!(word(&sign("x", &text.replace("Issued: 202", "Issued: 201"), &[])), "wrong-time");
    assert_eq!(word(&text), "framing");
}

#[test]
fn a_vouch_says_no_more_than_the_comparison_unless_it_is_asked_to() {
    let place = Place::new();
    let key = fingerprint(&place, "carol");
    let pin = ["trust", "pin", "carol@example.org", &key, "--by", "phone"];
    place.run("bob", &["keys", "import", "carol.pem"]).exits(0);
    place.run("bob", &pin).exits(0);
    let vouch = |more: &[&str]| {
        let said = [&["trust", "vouch", "carol@example.org", "-o", "v.pem", "--overwrite", "--json"], more];
        let said = json(&place.run("bob", &said.concat()).exits(0));
        (said["basis"].clone(), said["amount"].clone())
    };
    assert_eq!(vouch(&[]), ("video".into(), 90.into()));
    assert_eq!(vouch(&["--basis", "employer"]), ("employer".into(), 90.into()));
    assert_eq!(vouch(&["--amount", "120"]), ("video".into(), 120.into()));
    let make = ["trust", "statement", "make", "--type", "endorsement", "carol@example.org", "--json"];
    let made = json(&place.run("bob", &[&make[..], &["-o", "m.pem"]].concat()).exits(0));
    assert_eq!((&made["basis"], &made["amount"]), (&"video".into(), &90.into()));
}

#[test]
fn of_a_vouch_and_the_certified_twin_both_are_written_or_neither() {
    let place = vouched();
    let twin = ["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"];
    place.run("carol", &twin).exits(0);
    let vouch = ["trust", "vouch", "carol@example.org", "--certificate", "carol.asc", "--openpgp"];
    let run = |files: &[&str]| place.run("bob", &[&vouch[..], files].concat());
    run(&["new.asc", "-o", "vouch.pem"]).exits(3);
    assert!(!place.path("new.asc").exists());
    run(&["vouch.pem", "-o", "new.pem"]).exits(3);
    assert!(!place.path("new.pem").exists());
    run(&["new.asc", "-o", "new.asc"]).exits(2);
    run(&["new.asc", "-o", "new.pem"]).exits(0);
    assert!(place.path("new.asc").exists() && place.path("new.pem").exists());
}

#[test]
fn a_key_does_not_follow_itself() {
    let place = Place::new();
    let own = fingerprint(&place, "bob");
    let make = ["trust", "statement", "make", "--type", "succession", "bob@example.org", "-o", "next.pem"];
    let refused = place.run("bob", &[&make[..], &["--old", &own]].concat()).exits(2).stderr;
    assert!(refused.contains("does not follow itself") && refused.contains("cseal init bob@"), "{refused}");
    assert!(!place.path("next.pem").exists());
    let made = renewed().run("bob", &["trust", "statement", "list"]).exits(0).text();
    assert!(made.contains("The older key of bob@example.org ("), "{made}");
}

/// Bob's new keys, made on another machine, and the old key's word for them.
fn renewed() -> Place {
    let place = Place::new();
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    let new = place.run("newbob", &init).exits(0).text();
    place.write("newbob.fingerprint", new.split_whitespace().next().unwrap());
    place.run("newbob", &["keys", "export", "bob@example.org", "-o", "new.pem"]).exits(0);
    let old = fingerprint(&place, "bob");
    let make = ["trust", "statement", "make", "--type", "succession", "bob@example.org", "-o", "next.pem"];
    let key = ["--certificate", "new.pem", "--old", &old];
    place.run("bob", &[&make[..], &key].concat()).exits(0);
    place
}

#[test]
fn a_key_that_follows_a_compared_one_is_taken_in_and_shown_once() {
    let place = renewed();
    let new = fingerprint(&place, "newbob");
    place.run("alice", &["keys", "import", "new.pem"]).exits(4);
    place.run("alice", &["trust", "statement", "import", "next.pem"]).exits(0);
    let taken = place.run("alice", &["keys", "import", "new.pem"]).exits(0).text();
    assert!(taken.contains("changed keys") && taken.contains(&new), "{taken}");
    let again = place.run("alice", &["keys", "import", "new.pem"]).exits(0).text();
    assert!(!again.contains("changed keys"), "{again}");
    let list = json(&place.run("alice", &["trust", "list", "--json"]));
    let pins = list["pins"].as_array().unwrap();
    assert!(pins.iter().any(|pin| pin["by"] == "succession" && pin["fingerprint"] == new.as_str()), "{list}");
    let shown = place.run("alice", &["trust", "show", "bob@example.org"]).text();
    assert!(shown.contains(&format!("{new} counts as compared")), "{shown}");
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml", "--to", "?bob@example.org"]).exits(0);
    place.run("newbob", &["decrypt", "out.eml"]).exits(0);
    // The old key's word is enough from then on, whatever becomes of the statement.
    let show = json(&place.run("alice", &["trust", "show", "--json", &format!("{new}?bob@example.org")]));
    assert_eq!(show["level"], "verified");
}

#[test]
fn a_mail_under_the_new_key_brings_the_word_of_the_old_one() {
    let place = renewed();
    place.run("newbob", &["trust", "statement", "import", "next.pem"]).exits(0);
    place.write("bob.eml", MAIL.replace("Alice <alice@", "Bob <bob@"));
    place.run("newbob", &["sign", "bob.eml", "-o", "signed.eml"]).exits(0);
    place.run("newbob", &["sign", "--no-evidence", "bob.eml", "-o", "bare.eml"]).exits(0);
    place.run("alice", &["verify", "bare.eml"]).exits(4);
    place.run("alice", &["keys", "import", "bare.eml"]).exits(4);
    place.run("alice", &["verify", "signed.eml"]).exits(0);
    let taken = place.run("alice", &["keys", "import", "signed.eml"]).exits(0).text();
    assert!(taken.contains("changed keys"), "{taken}");
    place.run("alice", &["verify", "bare.eml"]).exits(0);
}

#[test]
fn of_two_successors_neither_is_believed() {
    let place = renewed();
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("thief", &init).exits(0);
    place.run("thief", &["keys", "export", "bob@example.org", "-o", "thief.pem"]).exits(0);
    let old = fingerprint(&place, "bob");
    let make = ["trust", "statement", "make", "--type", "succession", "bob@example.org", "-o", "other.pem"];
    let key = ["--certificate", "thief.pem", "--old", &old];
    place.run("bob", &[&make[..], &key].concat()).exits(0);
    place.run("alice", &["trust", "statement", "import", "next.pem", "other.pem"]).exits(0);
    place.run("alice", &["keys", "import", "new.pem"]).exits(0);
    assert_eq!(place.run("alice", &["keys", "import", "thief.pem"]).code, 4);
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
}

#[test]
fn a_succession_of_a_stranger_takes_nothing_over() {
    let place = renewed();
    place.run("carol", &["trust", "statement", "import", "next.pem"]).exits(0);
    place.run("carol", &["keys", "import", "new.pem"]).exits(0);
    let list = json(&place.run("carol", &["trust", "list", "--json"]));
    assert_eq!(list["pins"], serde_json::json!([]), "carol compared nothing");
    assert_eq!(score(&place, "carol", &["bob@example.org"]), 10);
}
