//! Mboxes, Maildirs and folders: what goes where, and how it looks there.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use super::*;

fn mails(place: &Place, count: usize) -> Vec<String> {
    (0..count).map(|number| sealed(place, "bob.pem", number, "")).collect()
}

#[test]
fn an_mbox_keeps_everything_that_is_not_encrypted_byte_for_byte() {
    let place = Place::new();
    let plain = format!("{SEPARATOR}Subject: plain\n\n>From me\n>>From you\n\n{SEPARATOR}Subject: no end");
    let sealed = sealed(&place, "bob.pem", 1, "From here to there\r\n>From x\r\n");
    place.write("in.mbox", format!("{SEPARATOR}{sealed}\n{plain}"));
    place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]).exits(0);
    let out = String::from_utf8(place.read("out.mbox")).unwrap();
    assert!(out.ends_with(&plain), "{out}");
    assert!(out.contains("\r\nThis is mail 1.\r\n>From here to there\r\n>>From x\r\n\nFrom alice"), "{out}");
    assert!(out.starts_with(&format!("{SEPARATOR}From: Alice <alice@example.org>\nTo: bob")), "{out}");
    let mode = fs::metadata(place.path("out.mbox")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.run("bob", &["archive", "decrypt", "in.mbox", "-o", "out.mbox"]).code, 3, "it exists");
}

#[test]
fn other_dialects_of_mbox_are_written_as_they_are_read() {
    let place = Place::new();
    let sealed = sealed(&place, "bob.pem", 1, "From x Fri Jul  8 12:08:34 2011\r\n");
    let length = sealed.split_once("\n\n").unwrap().1.len();
    let first = sealed.replace("X-Status: RO", &format!("Content-Length: {length}"));
    place.write("in.mbox", mbox(&[first, sealed]));
    let decrypt = |dialect: &str, input: &str, output: &str| {
        let ran = place
            .run("bob", &["archive", "decrypt", "--json", "--mbox", dialect, input, "-o", output])
            .exits(0);
        (outcomes(&ran), String::from_utf8(place.read(output)).unwrap())
    };
    let (counts, text) = decrypt("mboxcl2", "in.mbox", "cl2.mbox");
    assert_eq!(counts, counted(&[("decrypted", 2)]));
    assert!(
        text.contains("\r\nFrom x Fri") && !text.contains(">From") && !text.contains(&length.to_string()),
        "{text}"
    );
    let (counts, again) = decrypt("mboxcl2", "cl2.mbox", "again.mbox");
    assert_eq!((counts, again), (counted(&[("not-encrypted", 2)]), text));
    assert!(decrypt("mboxo", "in.mbox", "o.mbox").1.contains("\r\n>From x Fri"));
}

#[test]
fn times_of_files_stay_sizes_in_names_go_and_nobody_else_may_read() {
    let place = Place::new();
    let root = maildir(&place, "Maildir", &mails(&place, 2));
    let folder = root.join(".Old.2019");
    fs::create_dir_all(folder.join("cur")).unwrap();
    fs::create_dir_all(folder.join("new")).unwrap();
    fs::write(folder.join("cur/9.host,S=1,W=2:2,F"), sealed(&place, "bob.pem", 9, "")).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(root.join(maildir_name(0))).unwrap().set_modified(old).unwrap();
    let script = format!("umask 0; exec {} archive decrypt Maildir -o out", env!("CARGO_BIN_EXE_cseal"));
    let ran = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path(""))
        .env("COUNTERSEAL_HOME", place.path("bob"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let out = place.path("out");
    assert_eq!(fs::metadata(out.join(maildir_name(0))).unwrap().modified().unwrap(), old);
    assert!(out.join(".Old.2019/cur/9.host:2,F").is_file());
    assert!(out.join(".Old.2019/maildirfolder").is_file() && out.join("tmp").is_dir());
    for path in files_below(&out) {
        let is_marker = path.ends_with("maildirfolder");
        assert!(is_marker || fs::metadata(&path).unwrap().permissions().mode() & 0o777 == 0o600, "{path:?}");
        assert_eq!(
            fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777,
            0o700,
            "{path:?}"
        );
    }
}

#[test]
fn two_mails_whose_names_differ_in_a_size_alone_stay_two() {
    let place = Place::new();
    let root = maildir(&place, "Maildir", &[]);
    fs::write(root.join("cur/1.host:2,S"), sealed(&place, "bob.pem", 1, "")).unwrap();
    fs::write(root.join("cur/1.host,S=9:2,S"), sealed(&place, "bob.pem", 2, "")).unwrap();
    place.run("bob", &["archive", "decrypt", "Maildir", "-o", "out"]).exits(0);
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    assert!(text(&place.path("out/cur/1.host:2,S")).contains("mail 1."));
    assert!(text(&place.path("out/cur/1.host,S=9:2,S")).contains("mail 2."));
    place.run("bob", &["archive", "rewrap", "--in-place", "--to", "alice@example.org", "Maildir"]).exits(0);
    place.run("alice", &["archive", "decrypt", "Maildir", "-o", "alices"]).exits(0);
    assert!(text(&place.path("alices/cur/1.host,S=9:2,S")).contains("mail 2."));
}

#[test]
fn mails_whose_names_would_be_the_same_without_sizes_keep_them() {
    let place = Place::new();
    let root = place.path("mail");
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for number in 1..9 {
        let mail = sealed(&place, "bob.pem", number, "");
        fs::write(root.join(format!("cur/1.host,S={number}:2,S")), mail).unwrap();
    }
    place.run("bob", &["archive", "decrypt", "mail", "-o", "out"]).exits(0);
    place.run("bob", &["archive", "rewrap", "mail", "--in-place", "--to", "alice@example.org"]).exits(0);
    place.run("alice", &["archive", "decrypt", "mail", "-o", "alices"]).exits(0);
    for number in 1..9 {
        for out in ["out", "alices"] {
            let file = place.path(&format!("{out}/cur/1.host,S={number}:2,S"));
            let mail = fs::read_to_string(file).unwrap();
            assert!(mail.contains(&format!("mail {number}.")), "{out}: {mail}");
        }
    }
}

#[test]
fn a_folder_of_files_becomes_one_and_only_mails_are_looked_at() {
    let place = Place::new();
    let mails = mails(&place, 3);
    fs::create_dir_all(place.path("in/2019/.hidden")).unwrap();
    place.write("in/a.eml", &mails[0]);
    place.write("in/2019/b.EML", &mails[1]);
    place.write("in/2019/notes.txt", "no mail");
    place.write("in/2019/.hidden/c.eml", &mails[2]);
    std::os::unix::fs::symlink("..", place.path("in/2019/up")).unwrap();
    let ran = place.run("bob", &["archive", "decrypt", "--json", "in", "-o", "out"]).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("decrypted", 2)]));
    let out = place.path("out");
    assert_eq!(files_below(&out), [out.join("2019/b.EML"), out.join("a.eml")]);
    let private = place.path("private");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(private.join("letter"), "mine").unwrap();
    place.run("bob", &["archive", "decrypt", "in", "-o", "private"]).exits(3);
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o755, "not touched");
    for output in ["in", "in/out", ".", "out"] {
        let refused = place.run("bob", &["archive", "decrypt", "in", "-o", output]);
        assert!(matches!(refused.code, 2 | 3), "{output}: {refused:?}");
    }
}

#[test]
fn what_is_given_to_a_contact_opens_for_both_and_headers_stay() {
    let place = Place::new();
    let mails = mails(&place, 2);
    place.write("in.mbox", mbox(&mails));
    let ran = place
        .run(
            "bob",
            &["archive", "rewrap", "--json", "--to", "alice@example.org", "in.mbox", "-o", "shared.mbox"],
        )
        .exits(0);
    assert_eq!(outcomes(&ran), counted(&[("rewrapped", 2)]));
    for person in ["alice", "bob"] {
        let out = format!("{person}.mbox");
        place.run(person, &["archive", "decrypt", "shared.mbox", "-o", &out]).exits(0);
        assert!(String::from_utf8(place.read(&out)).unwrap().contains("This is mail 1."));
    }
    let shared = String::from_utf8(place.read("shared.mbox")).unwrap();
    let headers = |mail: &str| mail.split("\n\n").next().unwrap().to_owned();
    assert_eq!(headers(&shared), format!("{SEPARATOR}{}", headers(&mails[0])));
    assert!(!shared.contains('\r'));
    let ran = place
        .run("bob", &["archive", "rewrap", "--json", "--reseal", "shared.mbox", "-o", "gcm.mbox"])
        .exits(0);
    assert_eq!(outcomes(&ran), counted(&[("resealed", 2)]));
    let ran = place.run("bob", &["archive", "decrypt", "--json", "gcm.mbox", "-o", "gcm.plain"]).exits(0);
    assert_eq!(summary(&ran)["no_integrity"], 0);
    assert_eq!(place.read("gcm.plain"), place.read("bob.mbox"));
    assert_eq!(place.run("alice", &["archive", "decrypt", "gcm.mbox", "-o", "alice.gcm"]).code, 1);
}

#[test]
fn in_place_nothing_is_replaced_by_what_its_owner_could_not_open() {
    let place = Place::new();
    let mails = mails(&place, 2);
    let root = maildir(&place, "Maildir", &mails);
    let ran = place
        .run("bob", &["archive", "rewrap", "--json", "--in-place", "--certificate", "alice.pem", "Maildir"])
        .exits(1);
    assert_eq!(outcomes(&ran), counted(&[("not-opened", 2)]));
    assert_eq!(summary(&ran)["named"][0]["word"], "not-reopened");
    assert_eq!(fs::read_to_string(root.join(maildir_name(1))).unwrap(), mails[1]);
    place
        .run(
            "bob",
            &["archive", "rewrap", "--in-place", "--backup", "kept", "--to", "alice@example.org", "Maildir"],
        )
        .exits(0);
    assert_eq!(fs::read_to_string(place.path("kept").join(maildir_name(1))).unwrap(), mails[1]);
    assert_ne!(fs::read_to_string(root.join(maildir_name(1))).unwrap(), mails[1]);
    place.run("alice", &["archive", "decrypt", "Maildir", "-o", "plain"]).exits(0);
    assert_eq!(
        place.run("bob", &["archive", "rewrap", "--in-place", "mail.eml"]).code,
        2,
        "no mbox in place"
    );
}

#[test]
fn verify_counts_verdicts_and_lists_what_is_not_verified() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "sealed.eml"]).exits(0);
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let text = |name: &str| String::from_utf8(place.read(name)).unwrap();
    place.write("good.mbox", mbox(&[text("sealed.eml"), text("signed.eml")]));
    let ran = place.run("bob", &["archive", "verify", "--json", "good.mbox"]).exits(0);
    assert_eq!(outcomes(&ran), counted(&[("verified", 2)]));
    let altered = text("signed.eml").replace("let us meet", "let us part");
    let mails = [text("signed.eml"), altered, text("mail.eml")];
    place.write("mixed.mbox", mbox(&mails));
    let ran = place.run("bob", &["archive", "verify", "--json", "mixed.mbox"]).exits(1);
    assert_eq!(outcomes(&ran), counted(&[("invalid", 1), ("unsigned", 1), ("verified", 1)]));
    let named: Vec<(String, String)> = summary(&ran)["named"]
        .as_array()
        .unwrap()
        .iter()
        .map(|named| {
            (named["place"].as_str().unwrap().to_owned(), named["word"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(named, [("2".into(), "invalid".into()), ("3".into(), "unsigned".into())]);
    let words = place.run("bob", &["archive", "verify", "-v", "mixed.mbox"]).exits(1).text();
    assert!(
        words.lines().next().unwrap().starts_with("mail 1  verified  ✓ VERIFIED: alice@example.org"),
        "{words}"
    );
    assert!(words.contains("\nNot verified\n  mail 2  invalid: "), "{words}");
    // What was decrypted is as verified as before.
    place.run("bob", &["archive", "decrypt", "good.mbox", "-o", "plain.mbox"]).exits(0);
    place.run("bob", &["archive", "verify", "plain.mbox"]).exits(0);
}
