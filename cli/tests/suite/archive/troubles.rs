//! Mails that cannot be opened, malformed ones, full disks, locks.

use super::*;

#[test]
fn a_mail_for_somebody_else_is_copied_and_named_with_the_key_that_it_wants() {
    let place = Place::new();
    let mails = [sealed(&place, "bob.pem", 1, ""), sealed(&place, "carol.pem", 2, "")];
    place.write("in.mbox", mbox(&mails));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in.mbox", "-o", "out.mbox"]).exits(1);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", 1), ("not-opened", 1)]));
    let summary = summary(&ran);
    assert_eq!(
        (&summary["named"][0]["place"], &summary["named"][0]["word"]),
        (&"2".into(), &"not-for-us".into())
    );
    assert_eq!(summary["named"][0]["message_id"], "<2@example.org>");
    let wanted = summary["wanted"].as_object().unwrap().keys().next().unwrap().clone();
    openssl(&place, &["x509", "-in", "carol.pem", "-noout", "-serial", "-out", "serial"]);
    let serial =
        String::from_utf8(place.read("serial")).unwrap().trim().replace("serial=", "").to_lowercase();
    assert!(wanted.contains(&serial) && wanted.contains("carol@example.org"), "{wanted}");
    assert!(String::from_utf8(place.read("out.mbox")).unwrap().ends_with(&mbox(&mails[1..])));
    let words = place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "again.mbox"]).exits(1).text();
    assert!(words.contains(&serial) && words.contains("<2@example.org>"), "{words}");
}

#[test]
fn ciphers_that_protect_nothing_any_more_are_opened_and_counted() {
    let place = Place::new();
    place.write("entity", "Content-Type: text/plain\r\n\r\nOld times.\r\n");
    let old: Vec<String> = ["-rc2-128", "-des", "-des3", "-aes256"]
        .iter()
        .enumerate()
        .map(|(number, cipher)| {
            let providers = ["-provider", "legacy", "-provider", "default"];
            let what = ["cms", "-encrypt", "-binary", cipher, "-in", "entity", "-outform", "DER"];
            openssl(&place, &[&what[..], &providers, &["-out", "sealed.der", "bob.pem"]].concat());
            mail(number, &place.read("sealed.der"))
        })
        .collect();
    place.write("in.mbox", mbox(&old));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in.mbox", "-o", "out.mbox"]).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", 4)]));
    assert_eq!(summary(&ran)["weak_cipher"], 3);
    assert_eq!(String::from_utf8(place.read("out.mbox")).unwrap().matches("Old times.").count(), 4);
}

#[test]
fn the_same_command_tries_again_with_a_key_that_was_imported_meanwhile() {
    let place = Place::new();
    let mails = [sealed(&place, "bob.pem", 1, ""), sealed(&place, "carol.pem", 2, "")];
    maildir(&place, "Maildir", &mails);
    let decrypt = ["archive", "decrypt", "--json", "Maildir", "-o", "plain"];
    let ran = place.run("bob", &decrypt).exits(1);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", 1), ("not-opened", 1)]));
    place.write("passphrase", "secret\n");
    place
        .run(
            "carol",
            &[
                "keys",
                "export",
                "--secret",
                "--new-passphrase-file",
                "passphrase",
                "carol@example.org",
                "-o",
                "carol.p12",
            ],
        )
        .exits(0);
    place.run("bob", &["keys", "import", "carol.p12", "--passphrase-file", "passphrase"]).exits(0);
    let ran = place.run("bob", &decrypt).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("before", 1), ("decrypted", 1)]));
    assert!(
        fs::read_to_string(place.path("plain").join(maildir_name(1))).unwrap().contains("This is mail 2.")
    );
    assert_eq!(place.run("bob", &decrypt).code, 3, "a finished archive is not written to again");
}

#[test]
fn malformed_mails_in_the_middle_do_not_stop_the_others() {
    let place = Place::new();
    let good = |number| sealed(&place, "bob.pem", number, "");
    let header = good(0).split_once("\n\n").unwrap().0.to_owned();
    let cut = good(9)[..700].to_owned();
    let mails = [
        good(1),
        cut,
        format!("{header}\n\n!!! no base64 !!!\n"),
        format!("{header}\n\nMAMCAQU=\n"),
        format!("{header}\n\n\n"),
        format!("X: {}\n{header}\n\nAAAA\n", "x".repeat(200_000)),
        "no header at all\n".to_owned(),
        String::new(),
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\n\n--b\n"
            .to_owned(),
        good(2),
    ];
    place.write("in.mbox", mbox(&mails));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in.mbox", "-o", "out.mbox"]).exits(1);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", 2), ("not-encrypted", 3), ("not-opened", 5)]));
    let out = String::from_utf8(place.read("out.mbox")).unwrap();
    assert!(out.contains(&mbox(&mails[1..9])), "they come through as they are");
    assert!(out.contains("This is mail 1.") && out.contains("This is mail 2."));
    for verb in ["verify", "rewrap"] {
        let output: &[&str] = if verb == "rewrap" { &["-o", "new.mbox"] } else { &[] };
        let ran = place.run("bob", &[&["archive", verb, "--json", "in.mbox"], output].concat()).exits(1);
        assert_eq!(summary(&ran)["mails"], 10, "{verb}");
    }
    place.write("no.mbox", "Subject: no mbox\n\n");
    let refused = place.run("bob", &["archive", "verify", "no.mbox"]).exits(3);
    assert!(refused.stderr.contains("not an mbox"), "{}", refused.stderr);
}

#[test]
fn a_key_that_no_mail_names_is_tried() {
    let place = Place::new();
    place.write("entity", "\r\nold\r\n");
    openssl(
        &place,
        &["cms", "-encrypt", "-aes256", "-in", "entity", "-outform", "DER", "-out", "sealed.der", "bob.pem"],
    );
    let old = mail(1, &place.read("sealed.der"));
    place.write("in.mbox", mbox(&[old]));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in.mbox", "-o", "out.mbox"]).exits(0);
    assert_eq!(summary(&ran)["no_integrity"], 1);
    // Without its certificate no mail names the key.
    place.write("passphrase", "secret\n");
    let export = ["keys", "export", "--secret", "--format", "pkcs8", "--new-passphrase-file", "passphrase"];
    place.run("bob", &[&export[..], &["bob@example.org", "-o", "bob.key"]].concat()).exits(0);
    let key = ["--key", "bob.key", "--passphrase-file", "passphrase"];
    let decrypt = ["archive", "decrypt", "in.mbox", "-o", "tried.mbox"];
    place.run("nobody", &[&decrypt[..], &key].concat()).exits(0);
    assert_eq!(place.read("tried.mbox"), place.read("out.mbox"));
}

#[test]
fn a_locked_store_is_asked_for_once_and_verify_does_without() {
    let place = Place::new();
    place.write("secret", "a long passphrase\n");
    place
        .run("dave", &["init", "dave@example.org", "--passphrase-file", "secret", "--algorithm", "rsa-2048"])
        .exits(0);
    place.run("dave", &["keys", "export", "dave@example.org", "-o", "dave.pem"]).exits(0);
    place.write("in.mbox", mbox(&[sealed(&place, "dave.pem", 1, ""), sealed(&place, "dave.pem", 2, "")]));
    let refused = place.run("dave", &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]).exits(3);
    assert!(refused.stderr.contains("--passphrase-file"), "{}", refused.stderr);
    assert!(!place.path("out.mbox").exists() && !place.path(".out.mbox.cseal-partial").exists());
    let ran = place.run("dave", &["archive", "verify", "--json", "in.mbox"]).exits(1);
    assert_eq!(summary(&ran)["named"][0]["word"], "locked");
    place
        .run("dave", &["archive", "decrypt", "in.mbox", "-o", "out.mbox", "--passphrase-file", "secret"])
        .exits(0);
}

#[test]
fn an_mbox_that_another_program_writes_to_is_left_alone() {
    let place = Place::new();
    place.write("in.mbox", mbox(&[sealed(&place, "bob.pem", 1, "")]));
    place.write("in.mbox.lock", "");
    let decrypt = ["archive", "decrypt", "in.mbox", "-o", "out.mbox"];
    let refused = place.run("bob", &decrypt).exits(3);
    assert!(refused.stderr.contains("another program"), "{}", refused.stderr);
    fs::remove_file(place.path("in.mbox.lock")).unwrap();
    let file = fs::File::options().write(true).open(place.path("in.mbox")).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    place.run("bob", &decrypt).exits(3);
    drop(file);
    place.run("bob", &decrypt).exits(0);
}

#[test]
fn where_there_is_no_room_nothing_half_is_left_and_the_run_goes_on_later() {
    let place = Place::new();
    let text = "x".repeat(70).repeat(300);
    let mails: Vec<String> = (0..20).map(|number| sealed(&place, "bob.pem", number, &text)).collect();
    place.write("in.mbox", mbox(&mails));
    maildir(&place, "Maildir", &mails);
    // 100 KiB for a file, and each of the twenty mails has 21. The signal that would kill is ignored, as on a full disk.
    let limited = |arguments: &str| {
        let script = format!(
            "trap '' XFSZ; ulimit -f 200; exec {} archive decrypt {arguments}",
            env!("CARGO_BIN_EXE_cseal")
        );
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path(""))
            .env("COUNTERSEAL_HOME", place.path("bob"))
            .output()
            .unwrap()
    };
    let ran = limited("in.mbox -o out.mbox");
    let words = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{words}");
    assert!(words.contains("out.mbox: File too large") && words.contains("goes on where it was"), "{words}");
    assert!(!place.path("out.mbox").exists());
    place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]).exits(0);
    let out = String::from_utf8(place.read("out.mbox")).unwrap();
    assert!((0..20).all(|number| out.contains(&format!("This is mail {number}.\r\n"))));
    assert_eq!(out.matches(SEPARATOR).count(), 20);
    let hidden = fs::read_dir(place.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("cseal-"));
    assert_eq!(hidden.count(), 0);
}
