//! What `cseal trust` answers.

use crate::gnupg::Gnupg;
use crate::people::{MAIL, Place};

fn json(ran: &crate::people::Ran) -> serde_json::Value {
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_forger_with_one_authority_is_not_verified_by_the_rules_in_force_and_is_by_lenient_ones() {
    let place = Place::new();
    let score = |arguments: &[&str]| {
        let table =
            json(&place.run("nobody", &[&["trust", "policy", "check", "--json"], arguments].concat()));
        let rows = table["rows"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["scenario"] == "operator-misissues").unwrap();
        (row["score"].clone(), row["verified"].clone())
    };
    assert_eq!(score(&[]), (80.into(), false.into()));
    assert_eq!(score(&["--profile", "either"]), (120.into(), true.into()));
}

#[test]
fn all_profiles_stand_side_by_side() {
    let place = Place::new();
    let text = place.run("nobody", &["trust", "policy", "check", "--compare"]).exits(0).text();
    let row = text.lines().find(|line| line.starts_with("two full introducers lied to")).unwrap();
    let scores: Vec<&str> = row.split_whitespace().skip(5).collect();
    assert_eq!(scores, ["0", "240*", "0", "240*", "160*", "120*"]);
    let table = json(&place.run("nobody", &["trust", "policy", "check", "--compare", "--json"]).exits(0));
    assert_eq!(table["rows"][1]["profiles"]["ca-only"]["score"], 1080);
    assert!(!place.path("nobody").exists(), "a question about rules makes no store");
}

/// The JSON answer of `trust show`.
#[track_caller]
fn show(place: &Place, person: &str, arguments: &[&str]) -> serde_json::Value {
    json(&place.run(person, &[&["trust", "show", "--json"], arguments].concat()).exits(0))
}

#[test]
fn a_compared_contact_is_verified_and_an_imported_one_is_not() {
    let place = Place::new();
    let bob = show(&place, "alice", &["bob@example.org"]);
    assert_eq!((&bob["level"], &bob["pinned"]), (&"verified".into(), &true.into()));
    assert_eq!(bob["evidence"][0]["kind"], "issued-by");
    let carol = show(&place, "alice", &["carol@example.org"]);
    assert_eq!((&carol["level"], &carol["score"]), (&"opportunistic".into(), &10.into()));
    assert_eq!(carol["attack"][0]["kind"], "history");
    assert_eq!((&carol["next"]["deed"], &carol["next"]["score"]), (&"correspond".into(), &40.into()));
    place.run("alice", &["trust", "show", "carol@example.org", "--accept", "checked"]).exits(1);
    place.run("alice", &["trust", "show", "carol@example.org", "--accept", "signed"]).exits(0);
    place.run("alice", &["trust", "show", "nobody@example.org"]).exits(3);
}

#[test]
fn the_explanation_names_the_evidence_and_what_a_forger_would_have_to_get_past() {
    let place = Place::new();
    let words = place.run("alice", &["trust", "show", "bob@example.org"]).exits(0).text();
    let fingerprint = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    assert!(words.starts_with("✓ verified   bob@example.org   120 points, 120 needed\n"), "{words}");
    assert!(words.contains(&format!("you compared {fingerprint}")), "{words}");
    assert!(words.contains("A forger would have to get past the personal CA"), "{words}");
}

#[test]
fn a_certificate_is_explained_without_a_store_by_the_anchor_and_the_profile() {
    let place = Place::new();
    let question = ["carol@example.org", "--certificate", "carol.pem"];
    let ask = |more: &[&str]| show(&place, "nobody", &[&question[..], more].concat());
    assert_eq!(ask(&[])["score"], 0);
    let by_profile = |profile| ask(&["--anchor", "carol.pem", "--profile", profile])["score"].clone();
    let scores = ["ca-only", "wot-only", "pin-only", "either", "blended", "hardened"].map(by_profile);
    assert_eq!(scores, [120, 0, 0, 120, 120, 120]);
    assert_eq!(ask(&["--anchor", "carol.pem=80"])["score"], 80);
    assert_eq!(ask(&["--anchor", "bob.pem"])["reasons"], serde_json::json!(["no-evidence", "no-anchor"]));
    assert!(!place.path("nobody").exists());
}

#[test]
fn a_certificate_of_somebody_else_says_nothing_about_an_address() {
    let place = Place::new();
    let answer =
        show(&place, "nobody", &["bob@example.org", "--certificate", "carol.pem", "--anchor", "carol.pem"]);
    assert_eq!((&answer["score"], &answer["level"]), (&0.into(), &"unverified".into()));
    assert!(answer["reasons"].as_array().unwrap().contains(&"other-address".into()));
}

#[test]
fn a_contradiction_is_explained_with_both_keys() {
    let place = Place::new();
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("impostor", &init).exits(0);
    place.run("impostor", &["keys", "export", "bob@example.org", "-o", "impostor.pem"]).exits(0);
    // Another program of the same person took it in.
    place.run("carol", &["keys", "import", "impostor.pem"]).exits(0);
    let bob = String::from_utf8(place.read("bob.fingerprint")).unwrap();
    place.run("carol", &["keys", "import", "bob.pem", "--pin", &bob]).exits(0);
    let words = place.run("carol", &["trust", "show", "bob@example.org"]);
    assert!(words.text().contains("bob@example.org"), "{}", words.text());
    let answer = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]));
    let others = answer["others"].as_array().unwrap();
    assert!(others.iter().any(|other| other["level"] == "conflict"), "{answer}");
    assert_eq!(answer["level"], "verified");
}

#[test]
fn a_batch_is_answered_line_by_line_and_a_bad_question_stops_nothing() {
    let place = Place::new();
    let questions = concat!(
        "{\"address\":\"carol@example.org\",\"certificate\":\"carol.pem\"}\n",
        "what?\n",
        "{\"address\":\"bob@example.org\",\"at\":\"2020-01-01\"}\n",
        "{\"address\":\"bob@example.org\",\"colour\":\"red\"}\n",
        "{\"address\":\"bob@example.org\"}\n",
    );
    let batch = ["trust", "show", "--batch", "--anchor", "carol.pem"];
    let answers = place.pipe("alice", &batch, questions.as_bytes()).exits(0).text();
    let answers: Vec<serde_json::Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 5);
    assert_eq!((&answers[0]["score"], &answers[0]["level"]), (&120.into(), &"verified".into()));
    assert_eq!(answers[1]["error"], "usage");
    assert!(answers[2]["reasons"].as_array().unwrap().contains(&"not-yet-valid".into()));
    assert_eq!(answers[3]["error"], "usage");
    assert_eq!(answers[4]["level"], "verified");
}

#[test]
fn the_picture_marks_what_the_attack_cuts_and_replaces_no_file_unasked() {
    let place = Place::new();
    let draw = ["trust", "show", "bob@example.org", "--graph", "bob.svg"];
    place.run("alice", &draw).exits(0);
    let svg = String::from_utf8(place.read("bob.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("your own comparison") && svg.contains('\u{2702}'));
    place.run("alice", &draw).exits(3);
    place.run("alice", &[&draw[..], &["--overwrite"]].concat()).exits(0);
}

#[test]
fn a_comparison_verifies_a_contact_until_it_is_taken_back() {
    let place = Place::new();
    let carol = String::from_utf8(place.read("carol.fingerprint")).unwrap();
    let level = || show(&place, "alice", &["carol@example.org"])["level"].clone();
    assert_eq!(level(), "opportunistic");
    place.run("alice", &["trust", "pin", "carol@example.org", &carol, "--by", "video"]).exits(0);
    let by_video = show(&place, "alice", &["carol@example.org"]);
    assert_eq!((&by_video["score"], &by_video["level"]), (&100.into(), &"checked".into()));
    let pinned = json(&place.run("alice", &["trust", "pin", "carol@example.org", &carol, "--json"]).exits(0));
    assert_eq!((&pinned["by"], &pinned["points"]), (&"in-person".into(), &120.into()));
    assert_eq!(level(), "verified");
    let list = json(&place.run("alice", &["trust", "list", "--json"]).exits(0));
    let addresses: Vec<_> = list["pins"].as_array().unwrap().iter().map(|pin| &pin["address"]).collect();
    assert_eq!(addresses, ["bob@example.org", "carol@example.org"]);
    place.run("alice", &["trust", "unpin", "carol@example.org"]).exits(0);
    assert_eq!(level(), "opportunistic");
    place.run("alice", &["trust", "unpin", "carol@example.org"]).exits(3);
}

#[test]
fn a_fingerprint_is_pinned_for_nobody_whom_its_certificates_do_not_name() {
    let place = Place::new();
    let carol = String::from_utf8(place.read("carol.fingerprint")).unwrap();
    place.run("alice", &["trust", "pin", "dave@example.org", &carol]).exits(3);
    let unknown = "MBJH-UVS2-Z2Q4-OF7C-MGP6-ZLO7-BJMY";
    let differs = place.run("alice", &["trust", "pin", "carol@example.org", unknown]).exits(4);
    assert!(differs.stderr.contains("NOT the key") && differs.stderr.contains(&carol), "{}", differs.stderr);
    let other = ["trust", "pin", "carol@example.org", &carol, "--certificate", "bob.pem"];
    assert!(place.run("alice", &other).exits(4).stderr.contains("this file brings"));
    place.run("nobody", &["trust", "pin", "carol@example.org", &carol]).exits(3);
}

#[test]
fn new_keys_of_a_compared_contact_are_pinned_with_replace_and_not_without() {
    let place = Place::new();
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("anew", &init).exits(0);
    place.run("anew", &["keys", "export", "bob@example.org", "-o", "anew.pem"]).exits(0);
    let pin = ["trust", "pin", "bob@example.org", "--certificate", "anew.pem"];
    let refused = place.run("alice", &pin).exits(4);
    assert!(refused.stderr.contains("--replace"), "{}", refused.stderr);
    assert_eq!(show(&place, "alice", &["bob@example.org"])["level"], "verified");
    place.run("alice", &[&pin[..], &["--replace"]].concat()).exits(0);
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.run("anew", &["decrypt", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "out.eml"]).exits(3);
}

#[test]
fn openpgp_bindings_have_the_amounts_of_sq() {
    let corpora = std::env::var_os("COUNTERSEAL_CORPORA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"),
        std::path::PathBuf::from,
    );
    let folder = corpora.join("sequoia-wot");
    let Ok(table) = std::fs::read_to_string(folder.join("sq_oracle.tsv")) else {
        eprintln!("SKIPPED: {} is not at hand; set COUNTERSEAL_CORPORA", folder.display());
        return;
    };
    let place = Place::new();
    let mut batches: std::collections::BTreeMap<[&str; 3], Vec<[&str; 3]>> = Default::default();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [keyring, day, root, certificate, amount, user_id] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        batches.entry([keyring, day, root]).or_default().push([certificate, amount, user_id]);
    }
    for ([keyring, day, root], rows) in &batches {
        let question = |[certificate, _, user_id]: &[&str; 3]| {
            let address = user_id.rsplit('<').next().unwrap().trim_end_matches('>');
            let question = serde_json::json!({
                "address": address, "fingerprint": certificate, "user_id": user_id, "at": day
            });
            format!("{question}\n")
        };
        let questions: String = rows.iter().map(question).collect();
        let keyring = folder.join(keyring);
        let batch = ["trust", "show", "--batch", "--keyring", keyring.to_str().unwrap(), "--rely", root];
        let answers = place.pipe("nobody", &batch, questions.as_bytes()).exits(0).text();
        let scores = answers.lines().map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["score"].as_u64().unwrap().to_string()
        });
        let expected: Vec<&str> = rows.iter().map(|[_, amount, _]| *amount).collect();
        assert_eq!(scores.collect::<Vec<_>>(), expected, "{keyring:?} {day} {root}");
    }
    assert!(batches.len() > 5);
    // Nobody who is asked about under another address than the user identifier has is believed.
    let ([keyring, day, root], rows) = batches.first_key_value().unwrap();
    let keyring = folder.join(keyring);
    let [certificate, _, user_id] = rows[0];
    let other = ["mallory@example.org", "--fingerprint", certificate, "--user-id", user_id, "--at", day];
    let by = ["--keyring", keyring.to_str().unwrap(), "--rely", root];
    let answer = show(&place, "nobody", &[&other[..], &by].concat());
    assert_eq!((&answer["score"], &answer["reasons"][0]), (&0.into(), &"other-address".into()));
}

#[test]
fn a_ca_that_is_relied_on_counts_in_every_command_until_it_is_removed() {
    let place = Place::new();
    place.employee("dave", "dave@example.org");
    place.write("mail.eml", MAIL.replace("alice@", "dave@"));
    place.run("dave", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let verify = ["verify", "--json", "--no-history", "signed.eml"];
    let verdict = || place.run("bob", &verify).json()["verdict"].clone();
    assert_eq!(verdict(), "unverified");
    let relied = place.run("bob", &["trust", "rely", "dave.ca.pem", "--amount", "80", "--json"]).exits(0);
    assert_eq!(json(&relied)["authorities"][0]["change"], "new");
    assert_eq!(verdict(), "checked");
    // What is not said anew stays; a limit is lifted by taking it back.
    let again = json(&place.run("bob", &["trust", "rely", "dave.ca.pem", "--json"]).exits(0));
    assert_eq!((&again["authorities"][0]["change"], verdict()), (&"same".into(), "checked".into()));
    place.run("bob", &["trust", "rely", "dave.ca.pem", "--remove"]).exits(0);
    place.run("bob", &["trust", "rely", "dave.ca.pem"]).exits(0);
    assert_eq!(verdict(), "verified");
    let list = json(&place.run("bob", &["trust", "list", "--json"]).exits(0));
    let authorities = list["authorities"].as_array().unwrap();
    assert_eq!((authorities.len(), &authorities[0]["amount"]), (1, &serde_json::Value::Null));
    let fingerprint = authorities[0]["fingerprint"].as_str().unwrap();
    // Whom it does not name it does not make known, and whom the person compared stays compared.
    assert_eq!(show(&place, "bob", &["alice@example.org"])["level"], "verified");
    place.run("bob", &["trust", "rely", fingerprint, "--remove"]).exits(0);
    assert_eq!(verdict(), "unverified");
    place.run("bob", &["trust", "rely", fingerprint, "--remove"]).exits(3);
}

#[test]
fn a_persons_certificate_is_nothing_to_rely_on() {
    let place = Place::new();
    let refused = place.run("bob", &["trust", "rely", "carol.pem"]).exits(1).stderr;
    assert!(refused.contains("this is carol@example.org's personal CA"), "{refused}");
    let key = String::from_utf8(place.read("carol.fingerprint")).unwrap();
    assert!(refused.contains(&format!("cseal trust pin carol@example.org {key}")), "{refused}");
    assert!(refused.contains("cseal trust rely carol@example.org"), "{refused}");
    let request =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", "leaf.pem"];
    let names = ["-subj", "/CN=Mallory", "-addext", "basicConstraints=critical,CA:FALSE"];
    let mut made = std::process::Command::new("openssl");
    assert!(made.args(request).args(names).current_dir(place.path(".")).output().unwrap().status.success());
    let refused = place.run("bob", &["trust", "rely", "leaf.pem"]).exits(3);
    assert!(refused.stderr.contains("cseal trust pin"), "{}", refused.stderr);
}

#[test]
fn the_policy_file_decides_what_evidence_is_worth_and_whom_to_write_to() {
    let place = Place::new();
    let policy = |text: &str| place.write("alice/policy.toml", text);
    place.write("mail.eml", MAIL.replace("bob@", "carol@"));
    let encrypt = ["encrypt", "mail.eml", "-o", "out.eml", "--overwrite"];
    place.run("alice", &encrypt).exits(0);
    policy("[[send]]\naddress = \"*@example.org\"\naccept = \"verified\"\n");
    let refused = place.run("alice", &encrypt).exits(1);
    assert!(refused.stderr.contains("below-required") && refused.stderr.contains("asks for verified"));
    place.write("to-bob.eml", &*MAIL);
    place.run("alice", &["encrypt", "to-bob.eml", "-o", "out.eml", "--overwrite"]).exits(0);

    policy("profil = \"ca-only\"\n");
    let refused = place.run("alice", &["trust", "show", "bob@example.org"]).exits(3).stderr;
    assert!(refused.contains("man counterseal-policy"), "{refused}");
    policy("profile = \"ca-only\"\n");
    let bob = show(&place, "alice", &["bob@example.org"]);
    assert_eq!((&bob["profile"], &bob["score"]), (&"ca-only".into(), &0.into()));
    let table = json(&place.run("alice", &["trust", "policy", "check", "--json"]).exits(0));
    assert_eq!(table["profile"], "ca-only");

    place.employee("dave", "dave@example.org");
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    place.run("alice", &["trust", "rely", "dave.ca.pem"]).exits(0);
    let dave = |text: &str| {
        policy(text);
        show(&place, "alice", &["dave@example.org"])["score"].clone()
    };
    assert_eq!(dave(""), 130);
    let key =
        show(&place, "nobody", &["carol@example.org", "--certificate", "carol.pem", "--anchor", "carol.pem"]);
    assert_eq!(key["score"], 120);
    let list = json(&place.run("alice", &["trust", "list", "--json"]).exits(0));
    let sha256 = list["authorities"][0]["sha256"].as_str().unwrap();
    assert_eq!(dave(&format!("[anchors]\n\"sha256:{sha256}\" = {{ amount = 30 }}\n")), 40);
    place.run("alice", &["trust", "show", "dave@example.org", "--profile", "either"]).exits(0);
}

#[test]
fn a_policy_that_leaves_plaintext_to_others_gets_none_from_encrypt() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("bob@", "nobody@"));
    let policy =
        "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\nmixed = \"split\"\naccept = \"unverified\"\n";
    place.write("alice/policy.toml", policy);
    let refused = place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(1);
    assert!(refused.stderr.contains("no-key") && !place.path("out.eml").exists(), "{}", refused.stderr);
    // Who accepts anybody's word writes to a key for which nothing speaks.
    place
        .run("impostor", &["init", "nobody@example.org", "--no-passphrase", "--algorithm", "rsa-2048"])
        .exits(0);
    place.run("impostor", &["keys", "export", "nobody@example.org", "-o", "nobody.pem"]).exits(0);
    place.run("alice", &["keys", "import", "nobody.pem"]).exits(0);
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.write("alice/policy.toml", policy.replace("unverified", "checked"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "other.eml"]).exits(1);
}

#[test]
fn a_policy_that_is_no_file_is_refused_and_not_waited_for() {
    let place = Place::new();
    std::os::unix::fs::symlink("/dev/zero", place.path("alice/policy.toml")).unwrap();
    let refused = place.run("alice", &["trust", "show", "bob@example.org"]).exits(3);
    assert!(refused.stderr.contains("policy.toml: not a file"), "{}", refused.stderr);
    std::fs::remove_file(place.path("alice/policy.toml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.path("alice/contacts.toml")).status().unwrap();
    assert!(made.success());
    place.run("alice", &["trust", "show", "bob@example.org"]).exits(3);
}

#[test]
fn the_policy_says_from_when_on_a_signature_is_good_enough() {
    let place = Place::new();
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let policy = |level: &str| {
        place.write("bob/policy.toml", format!("[read]\npositive = \"{level}\"\n"));
    };
    let read = |code: i32, more: &[&str]| {
        place.run("bob", &[&["verify", "signed.eml", "-o", "/dev/null"], more].concat()).exits(code).stderr
    };
    assert!(read(0, &[]).starts_with("✓ VERIFIED: alice@example.org"));
    policy("strong");
    assert!(read(1, &[]).starts_with("VERIFIED: alice@example.org"));
    // Who is asked on the command line decides there.
    read(0, &["--accept", "verified"]);
    read(1, &["--accept", "strong"]);
    place.run("bob", &["trust", "unpin", "alice@example.org"]).exits(0);
    place.employee("dave", "dave@example.org");
    place.write("mail.eml", MAIL.replace("alice@", "dave@"));
    place.run("dave", &["sign", "mail.eml", "-o", "signed.eml", "--overwrite"]).exits(0);
    place.run("bob", &["trust", "rely", "dave.ca.pem", "--amount", "40"]).exits(0);
    policy("checked");
    assert!(read(0, &[]).starts_with("✓ CHECKED: dave@example.org"));
    place.write("bob/policy.toml", "");
    assert!(read(1, &[]).starts_with("CHECKED: dave@example.org"));
}

#[test]
fn the_policy_says_whose_mail_is_not_signed() {
    let place = Place::new();
    place.write("alice/policy.toml", "[[send]]\naddress = \"bob@example.org\"\nsign = \"no\"\n");
    let verdict = |to: &str| {
        place.write("mail.eml", MAIL.replace("To: Bob <bob@example.org>", to));
        let encrypt = ["encrypt", "mail.eml", "-o", "sealed.eml", "--overwrite", "--single-copy"];
        place.run("alice", &encrypt).exits(0);
        place.run("bob", &["decrypt", "--json", "sealed.eml", "-o", "/dev/null"]).json()["verdict"].clone()
    };
    assert_eq!(verdict("To: bob@example.org"), "unsigned");
    assert_eq!(verdict("To: bob@example.org, carol@example.org"), "verified");
}

#[test]
fn what_holds_for_one_contact_is_kept_beside_the_policy_and_the_strictest_wins() {
    let place = Place::new();
    place.write("mail.eml", MAIL.replace("bob@", "carol@"));
    let encrypt =
        |code: i32| place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml", "--overwrite"]).exits(code);
    encrypt(0);
    let set = |more: &[&str]| place.run("alice", &[&["trust", "policy", "set"], more].concat());
    set(&["carol@example.org", "--accept", "verified"]).exits(0);
    assert!(encrypt(1).stderr.contains("below-required"));
    set(&["*@example.org", "--accept", "strong", "--sign", "no"]).exits(0);
    let shown = |address: &str| {
        json(&place.run("alice", &["trust", "policy", "show", address, "--json"]).exits(0))["accept"].clone()
    };
    assert_eq!((shown("carol@example.org"), shown("bob@example.org")), ("verified".into(), "strong".into()));
    place.write("alice/policy.toml", "[[send]]\naddress = \"*\"\naccept = \"checked\"\n");
    assert_eq!((shown("carol@example.org"), shown("x@example.net")), ("verified".into(), "checked".into()));
    set(&["carol@example.org", "--remove"]).exits(0);
    set(&["*@example.org", "--remove"]).exits(0);
    set(&["*@example.org", "--remove"]).exits(1);
    assert_eq!(shown("carol@example.org"), "checked");
    set(&["carol@example.org"]).exits(2);
    set(&["carol", "--accept", "verified"]).exits(2);
    // What somebody wrote into the file is not lost.
    place.write("alice/contacts.toml", "profile = \"hardened\"\n");
    set(&["carol@example.org", "--accept", "verified"]).exits(3);
    assert_eq!(place.read("alice/contacts.toml"), b"profile = \"hardened\"\n");
}

#[test]
fn whoever_was_encrypted_to_is_missed_by_name() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "sealed.eml"]).exits(0);
    // A year after its end no certificate of Bob's can be used.
    let later = ["encrypt", "mail.eml", "-o", "later.eml", "--at", "2040-01-01", "--no-sign"];
    let refused = place.run("alice", &later).exits(1);
    assert!(refused.stderr.contains("expired"), "{}", refused.stderr);
    place
        .run("carol", &["init", "nobody@example.org", "--no-passphrase", "--algorithm", "rsa-2048"])
        .exits(0);
    place.write("to-nobody.eml", MAIL.replace("bob@", "nobody@"));
    let refused = place.run("alice", &["encrypt", "to-nobody.eml", "-o", "other.eml"]).exits(1);
    assert!(refused.stderr.contains("no-key"), "{}", refused.stderr);
}

#[test]
fn a_policy_that_is_wrong_stops_every_command() {
    let place = Place::new();
    for (text, what) in [
        ("profil = \"either\"\n", "policy.toml: line 1: unknown key"),
        ("[read]\npositive = \"unverified\"\n", "policy.toml: line 2"),
    ] {
        place.write("alice/policy.toml", text);
        for command in [&["encrypt", "mail.eml"][..], &["trust", "show", "bob@example.org"]] {
            let refused = place.run("alice", command).exits(3);
            assert!(refused.stderr.contains(what), "{}", refused.stderr);
        }
    }
}

/// Carol's twin, certified by two friends of hers with gpg: their fingerprints, and `keyring.pgp`. Nothing
/// where gpg is missing.
fn friends_of_carol(place: &Place) -> Option<[String; 2]> {
    let gnupg = Gnupg::at(place)?;
    let twin = ["keys", "export", "carol@example.org", "--for", "openpgp", "-o", "carol.asc"];
    place.run("carol", &twin).exits(0);
    gnupg.run(&["--import", "carol.asc"]);
    let carol = gnupg.fingerprint("carol@example.org");
    let friends = ["dave@example.org", "erin@example.org"].map(|friend| {
        gnupg.run(&["--quick-generate-key", friend, "ed25519", "default", "never"]);
        gnupg.run(&["--local-user", friend, "--quick-sign-key", &carol]);
        gnupg.fingerprint(friend)
    });
    place.write("keyring.pgp", gnupg.run(&["--export"]));
    place.write("ownertrust", gnupg.run(&["--export-ownertrust"]));
    Some(friends)
}

#[test]
fn friends_who_certify_the_twin_with_gpg_make_a_contact_verified_in_every_command() {
    let place = Place::new();
    let Some([dave, erin]) = friends_of_carol(&place) else { return };
    let contact = || show(&place, "alice", &["carol@example.org"]);
    place.run("alice", &["trust", "rely", &dave]).exits(3);
    place.run("alice", &["trust", "rely", &dave, "--keyring", "keyring.pgp"]).exits(0);
    // One introducer is one seal: 80 points, and 10 for the certificate that Alice took in.
    assert_eq!((&contact()["score"], &contact()["level"]), (&90.into(), &"checked".into()));
    place.run("alice", &["trust", "rely", &erin]).exits(0);
    // Two are two; whoever steals the secret of Carol's personal CA needs neither, so that 120 are the most.
    assert_eq!((&contact()["score"], &contact()["level"]), (&120.into(), &"verified".into()));

    place.write("mail.eml", MAIL.replace("From: Alice <alice@", "From: Carol <carol@"));
    place.run("carol", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let verdict = || place.run("alice", &["verify", "--json", "signed.eml"]).json()["verdict"].clone();
    assert_eq!(verdict(), "verified");
    for introducer in [&dave, &erin] {
        place.run("alice", &["trust", "rely", introducer, "--remove"]).exits(0);
    }
    assert_eq!(verdict(), "signed");
    // The same without a store, and by the rules of OpenPGP alone.
    let asked =
        ["carol@example.org", "--certificate", "carol.pem", "--keyring", "keyring.pgp", "--rely", &dave];
    assert_eq!(show(&place, "nobody", &[&asked[..], &["--profile", "wot-only"]].concat())["score"], 120);
}

#[test]
fn whom_somebody_relies_on_may_be_limited_to_mail_domains_by_the_person_and_by_the_policy() {
    let place = Place::new();
    let Some([dave, erin]) = friends_of_carol(&place) else { return };
    let score = || show(&place, "alice", &["carol@example.org"])["score"].clone();
    let rely = |more: &[&str]| {
        place.run("alice", &[&["trust", "rely", &dave, "--keyring", "keyring.pgp"], more].concat()).exits(0)
    };
    rely(&["--domain", "example.net"]);
    assert_eq!(score(), 10);
    rely(&["--domain", "example.net", "--domain", "EXAMPLE.org", "--depth", "0", "--amount", "60"]);
    assert_eq!(score(), 70);
    let list = json(&place.run("alice", &["trust", "list", "--json"]).exits(0));
    let introducer = &list["introducers"][0];
    assert_eq!(introducer["domains"], serde_json::json!(["example.net", "example.org"]));
    assert_eq!((&introducer["depth"], &introducer["amount"]), (&0.into(), &60.into()));
    // The policy names another one, and takes the domain from the first.
    place.write(
        "alice/policy.toml",
        format!(
            "[roots]\n{dave} = {{ domains = [\"example.net\"] }}\n{erin} = {{ amount = 50, depth = 1 }}\n"
        ),
    );
    assert_eq!(score(), 60);
    // A CA is limited in the same way.
    place.write("alice/policy.toml", "");
    place.run("alice", &["trust", "rely", &dave, "--remove"]).exits(0);
    place.employee("dave", "dave@example.org");
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    let score = || show(&place, "alice", &["dave@example.org"])["score"].clone();
    place.run("alice", &["trust", "rely", "dave.ca.pem", "--domain", "example.net"]).exits(0);
    assert_eq!(score(), 10);
    place.run("alice", &["trust", "rely", "dave.ca.pem", "--domain", "example.org"]).exits(0);
    assert_eq!(score(), 130);
    let list = json(&place.run("alice", &["trust", "list", "--json"]).exits(0));
    let sha256 = list["authorities"][0]["sha256"].as_str().unwrap();
    let elsewhere = format!("[anchors]\n\"sha256:{sha256}\" = {{ domains = [\"example.net\"] }}\n");
    place.write("alice/policy.toml", elsewhere);
    assert_eq!(score(), 10);
    place.run("alice", &["trust", "rely", "dave.ca.pem", "--domain", "a b"]).exits(2);
    place.run("alice", &["trust", "rely", "dave.ca.pem", "--depth", "1"]).exits(2);
}

#[test]
fn whom_gnupg_relies_on_is_taken_from_its_ownertrust() {
    let place = Place::new();
    let Some([dave, erin]) = friends_of_carol(&place) else { return };
    place.run("alice", &["trust", "rely", "--gnupg-ownertrust", "ownertrust"]).exits(3);
    let by_gnupg = ["trust", "rely", "--gnupg-ownertrust", "ownertrust", "--keyring", "keyring.pgp"];
    let relied = place.run("alice", &by_gnupg).exits(0);
    assert!(relied.stderr.contains(&format!("--own {dave}")), "{}", relied.stderr);
    assert_eq!(show(&place, "alice", &["carol@example.org"])["score"], 120);
    let list = json(&place.run("alice", &["trust", "list", "--json"]).exits(0));
    let introducers = list["introducers"].as_array().unwrap();
    assert_eq!((introducers.len(), &introducers[0]["depth"]), (2, &4.into()));
    // GnuPG does not say whose the keys are, so the person does; and what they set themselves stays.
    place.run("alice", &["trust", "rely", &erin, "--amount", "60", "--domain", "example.com"]).exits(0);
    let own = [&by_gnupg[..], &["--own", &dave, "--json"]].concat();
    let change = |ran: crate::people::Ran, whose: &str| {
        let relied = json(&ran.exits(0));
        let all = relied["introducers"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["fingerprint"] == whose).unwrap()
    };
    assert_eq!(change(place.run("alice", &own), &dave)["change"], "changed");
    let kept = change(place.run("alice", &own), &erin);
    assert_eq!((&kept["change"], &kept["amount"]), (&"kept".into(), &60.into()));
    assert_eq!(kept["domains"], serde_json::json!(["example.com"]));
    let carols = || show(&place, "alice", &["carol@example.org"])["score"].clone();
    assert_eq!(carols(), 120, "what she certified herself");
    place.run("alice", &by_gnupg).exits(0);
    assert_eq!(
        (carols(), change(place.run("alice", &own), &dave)["change"].clone()),
        (120.into(), "same".into())
    );
    place.run("alice", &[&by_gnupg[..], &["--own", &"A".repeat(40)]].concat()).exits(3);
    place.run("alice", &[&by_gnupg[..], &["--own"]].concat()).exits(2);
    // Who is only marginal, and whom nobody certified, introduces nobody.
    place.write("ownertrust", format!("{dave}:4:\n"));
    place.run("bob", &by_gnupg).exits(0);
    place.run("bob", &["keys", "import", "carol.pem"]).exits(0);
    assert_eq!(show(&place, "bob", &["carol@example.org"])["score"], 10);
    place.write("ownertrust", "not an ownertrust\n");
    let refused = place.run("bob", &by_gnupg).exits(3);
    assert!(refused.stderr.contains("line 1"), "{}", refused.stderr);
}

#[test]
fn two_people_who_meet_see_the_same_digits_and_a_third_sees_others() {
    let place = Place::new();
    let meet =
        |person: &str, whom: &str| json(&place.run(person, &["trust", "meet", whom, "--json"]).exits(0));
    let (alices, bobs) = (meet("alice", "bob@example.org"), meet("bob", "alice@example.org"));
    assert_eq!(alices["digits"], bobs["digits"]);
    assert_eq!(alices["digits"].as_str().unwrap().replace(' ', "").len(), 60);
    assert_eq!((&alices["theirs"], &alices["own"]), (&bobs["own"], &bobs["theirs"]));
    assert_eq!(alices["theirs"], String::from_utf8(place.read("bob.fingerprint")).unwrap().as_str());
    assert!(alices["uri"].as_str().unwrap().ends_with("?addr=alice%40example.org"));
    assert_ne!(meet("alice", "carol@example.org")["digits"], alices["digits"]);
    let words = place.run("alice", &["trust", "meet", "bob@example.org"]).exits(0).text();
    assert!(words.contains('█') && words.contains("cseal trust pin bob@example.org"));
    place.run("alice", &["trust", "meet", "dave@example.org"]).exits(3);
    place.run("nobody", &["trust", "meet", "bob@example.org"]).exits(3);
}
