//! mutt and neomutt with the S/MIME commands of `docs/recipes/mutt.md`.

use std::fs;

use super::viewers::Screen;
use super::{Inbox, TEXT, find};

/// What Alice writes.
const DRAFT: &str = "the-usual-place-at-half-past-twelve";

struct Desk {
    inbox: Inbox,
    program: String,
}

impl Desk {
    fn new(name: &str) -> Option<Self> {
        let program = find(name)?.display().to_string();
        find("tmux")?;
        let desk = Self { inbox: Inbox::new(), program };
        let place = &desk.inbox.place;
        let page = include_str!("../../../../docs/recipes/mutt.md");
        let blocks: Vec<&str> = page.split("```\n").skip(1).step_by(2).collect();
        let program = place.path("cseal").display().to_string();
        let folder = place.path("mutt").display().to_string();
        let source = blocks[0].replace("/usr/bin/cseal", &program);
        assert!(source.contains("$HOME/.cache/counterseal/mutt"));
        let source = source.replace("$HOME/.cache/counterseal/mutt", &folder);
        desk.inbox.script("editor", &format!("#!/bin/sh\nprintf '{DRAFT}\\n' >> \"$1\"\n"));
        desk.inbox.script("sendmail", "#!/bin/sh\ncat > sent.next && mv sent.next sent.eml\n");
        let more = "set from=alice@example.org\nset realname=Alice\nset folder=.\nset record=sent\nset postponed=later\n\
            set editor=./editor\nset sendmail=./sendmail\nset copy=yes\nset postpone=yes\nset mark_old=no\n\
            set sort=mailbox-order\nset beep=no\nset confirmcreate=no\nset wait_key=no\nset abort_unmodified=no\n\
            set edit_headers=no\nset askcc=no\nset include=no\nset pager_stop=yes\n";
        place.write("muttrc", source + blocks[1] + more);
        Some(desk)
    }

    fn start(&self, arguments: &str) -> Screen<'_> {
        let place = &self.inbox.place;
        let (home, folder) = (place.path("alice"), place.path(""));
        Screen::of(
            &self.inbox,
            &format!(
                "cd '{}' && COUNTERSEAL_HOME='{}' '{}' -n -F muttrc {arguments}; sleep 5",
                folder.display(),
                home.display(),
                self.program
            ),
        )
    }

    fn mailbox(&self, mails: &[String]) {
        let entry = |mail: &String| format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{mail}\n");
        self.inbox.place.write("box", mails.iter().map(entry).collect::<String>());
    }

    /// Writes a mail to Bob up to the menu in which it can be sent.
    fn compose(&self) -> Screen<'_> {
        let screen = self.start("-s Plans bob@example.org");
        screen.until("To: bob@example.org");
        screen.press(&["Enter"]);
        screen.until("Subject: Plans");
        screen.press(&["Enter"]);
        screen.until("Sign, Encrypt");
        screen
    }
}

/// A passphrase that nobody needs.
fn answer_passphrase(screen: &Screen<'_>) {
    screen.until("passphrase");
    screen.press(&["Enter"]);
}

#[test]
fn signed_and_sealed_mail_is_read() {
    for name in ["mutt", "neomutt"] {
        let Some(desk) = Desk::new(name) else { continue };
        let place = &desk.inbox.place;
        let draft = desk.inbox.mail_by("bob");
        let opaque = place.pipe("bob", &["sign", "--opaque"], draft.as_bytes()).exits(0).text();
        let unsigned = place.pipe("bob", &["encrypt", "--no-sign"], draft.as_bytes()).exits(0).text();
        let signed = desk.inbox.signed_by("bob");
        let altered = signed.replace("let us meet.", "let us eat.");
        let stranger = desk.inbox.signed_by("carol");
        desk.mailbox(&[
            signed,
            desk.inbox.sealed_by("bob"),
            unsigned.replace("\r\n", "\n"),
            opaque.replace("\r\n", "\n"),
            altered,
            stranger,
        ]);
        let good = "successfully verified";
        let screen = desk.start("-f box");
        screen.until("Msgs:6");
        for (number, expected, is_good) in [
            ("1", "✓ VERIFIED: bob@example.org", true),
            ("2", "✓ VERIFIED: bob@example.org", true),
            ("3", "ENCRYPTED: aes-256", false),
            ("4", "✓ VERIFIED: bob@example.org", true),
            ("5", "INVALID: message altered", false),
            ("6", "SIGNED: carol@example.org", false),
        ] {
            screen.press(&[number, "Enter", "Enter"]);
            let mut shown = screen.until_any(&["passphrase", expected]);
            if shown.contains("passphrase") {
                screen.press(&["Enter"]);
                shown = screen.until(expected);
            }
            let text = if number == "5" { "let us eat." } else { TEXT };
            let shown = if shown.contains(text) { shown } else { screen.until(text) };
            assert_eq!(shown.contains(good), is_good, "{name} {number}\n{shown}");
            assert_eq!(shown.contains("Verification successful"), is_good, "{name} {number}\n{shown}");
            screen.press(&["q"]);
            screen.until("Msgs:6");
        }
    }
}

#[test]
fn a_certificate_of_several_addresses_signs_for_none_but_its_owner() {
    let Some(openssl) = find("openssl") else { return };
    let inbox = Inbox::new();
    let place = &inbox.place;
    let openssl = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let (code, said) = inbox.program(&openssl, &arguments, "");
        assert_eq!(code, 0, "{said}");
        said
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out own.pem -days 30 \
         -subj /CN=Dave -addext subjectAltName=email:dave@example.org,email:carol@example.org -addext keyUsage=digitalSignature \
         -addext basicConstraints=critical,CA:false -addext extendedKeyUsage=emailProtection",
    );
    place.run("alice", &["trust", "pin", "dave@example.org", "--certificate", "own.pem"]).exits(0);
    place.write("part", "From: dave@example.org\r\nContent-Type: text/plain\r\n\r\nlet us meet.\r\n");
    let body = openssl("cms -sign -binary -in part -signer own.pem -inkey key.pem -md sha256");
    for (author, is_signer) in [("dave@example.org", true), ("carol@example.org", false)] {
        place.write("mail.eml", format!("From: {author}\n{}", body.replace('\r', "")));
        let ran = place.run("alice", &["mutt", "signer", "mail.eml"]).exits(i32::from(!is_signer));
        assert_eq!(ran.text().contains("BEGIN CERTIFICATE"), is_signer);
    }
    // From which both addresses would come.
    assert!(place.run("alice", &["mutt", "addresses", "own.pem"]).text().contains("carol@"));
}

#[test]
fn a_part_with_a_footer_is_not_verified() {
    let inbox = Inbox::new();
    let place = &inbox.place;
    place.write("alice/policy.toml", "[read]\npositive = \"checked\"\n");
    let mail = inbox.signed_by("bob");
    let boundary = mail.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let parts: Vec<&str> = mail.split(&format!("\n--{boundary}")).collect();
    let part = parts[1].trim_start_matches('\n');
    let signature = parts[2].split_once("\n\n").unwrap().1;
    place.write("signature", format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", signature.trim()));
    for (footer, is_good) in [("", true), ("-- \nsend money to mallory\n", false)] {
        place.write("part", format!("{part}{footer}").replace('\n', "\r\n"));
        let ran = place.run("alice", &["mutt", "verify", "signature", "part"]).exits(i32::from(!is_good));
        assert_eq!(ran.stderr.starts_with("Verification successful\n"), is_good, "{}", ran.stderr);
        assert!(
            ran.stderr.contains(if is_good { "VERIFIED: bob" } else { "CHECKED: bob" }),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_mail_is_signed_sealed_copied_and_sent() {
    for name in ["mutt", "neomutt"] {
        let Some(desk) = Desk::new(name) else { continue };
        let place = &desk.inbox.place;
        let screen = desk.compose();
        screen.press(&["y"]);
        answer_passphrase(&screen);
        let start = std::time::Instant::now();
        while !place.path("sent.eml").exists() || !place.path("sent").exists() {
            assert!(start.elapsed().as_secs() < 30, "not sent\n{}", screen.shows());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let sent = String::from_utf8(place.read("sent.eml")).unwrap();
        assert!(sent.contains("pkcs7-mime") && !sent.contains(DRAFT), "{sent}");
        let read = place.run("bob", &["decrypt", "sent.eml"]).exits(0);
        assert!(
            read.text().contains(DRAFT) && read.stderr.contains("VERIFIED: alice@example.org"),
            "{}",
            read.stderr
        );
        // The copy is as closed, and ours to open.
        let copy = String::from_utf8(place.read("sent")).unwrap();
        assert!(!copy.contains(DRAFT) && copy.contains("pkcs7-mime"), "{copy}");
        place.write("copy.eml", copy.split_once('\n').unwrap().1);
        assert!(place.run("alice", &["decrypt", "copy.eml"]).exits(0).text().contains(DRAFT));
    }
}

#[test]
fn a_postponed_mail_is_sealed_and_comes_back() {
    for name in ["mutt", "neomutt"] {
        let Some(desk) = Desk::new(name) else { continue };
        let place = &desk.inbox.place;
        let screen = desk.compose();
        screen.press(&["P"]);
        let start = std::time::Instant::now();
        while fs::metadata(place.path("later")).map_or(0, |found| found.len()) == 0 {
            assert!(start.elapsed().as_secs() < 30, "not postponed\n{}", screen.shows());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let later = String::from_utf8(place.read("later")).unwrap();
        assert!(later.contains("pkcs7-mime") && !later.contains(DRAFT), "{later}");
        drop(screen);
        let screen = desk.start("-p");
        answer_passphrase(&screen);
        screen.until("Sign, Encrypt");
        screen.press(&["y"]);
        let start = std::time::Instant::now();
        while !place.path("sent.eml").exists() {
            assert!(start.elapsed().as_secs() < 30, "not sent\n{}", screen.shows());
            if screen.shows().contains("passphrase") {
                screen.press(&["Enter"]);
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let read = place.run("bob", &["decrypt", "sent.eml"]).exits(0);
        // The editor was opened twice.
        assert!(read.text().contains(DRAFT) && read.stderr.contains("VERIFIED: alice@example.org"));
    }
}

#[test]
fn certificates_of_a_signed_mail_are_taken_in() {
    for name in ["mutt", "neomutt"] {
        let Some(desk) = Desk::new(name) else { continue };
        let place = &desk.inbox.place;
        place
            .run("dave", &["init", "dave@example.org", "--no-passphrase", "--algorithm", "rsa-2048"])
            .exits(0);
        desk.mailbox(&[desk.inbox.signed_by("dave")]);
        let screen = desk.start("-f box");
        screen.until("Msgs:1");
        screen.press(&["C-k"]);
        let start = std::time::Instant::now();
        while !place.run("alice", &["keys", "list"]).text().contains("dave@example.org") {
            assert!(start.elapsed().as_secs() < 30, "{name}: not taken in\n{}", screen.shows());
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}

#[test]
fn a_directory_of_another_program_is_left_alone() {
    let inbox = Inbox::new();
    fs::create_dir_all(inbox.place.path("smime/certificates")).unwrap();
    let index = "bob@example.org 12345678.0 bob ? t es\n";
    inbox.place.write("smime/certificates/.index", index);
    inbox.place.run("alice", &["mutt", "settings", "smime"]).exits(2);
    assert_eq!(inbox.place.read("smime/certificates/.index"), index.as_bytes());
    // Whoever is gone is gone from the directory, and settings are made again over themselves.
    inbox.place.run("alice", &["mutt", "settings", "own"]).exits(0);
    let count = || fs::read_dir(inbox.place.path("own/certificates")).unwrap().count();
    assert_eq!(count(), 4);
    inbox.place.run("alice", &["keys", "remove", "carol@example.org", "--yes"]);
    inbox.place.run("alice", &["mutt", "settings", "own"]).exits(0);
    assert!(count() <= 4);
}
