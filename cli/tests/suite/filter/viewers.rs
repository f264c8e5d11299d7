//! Programs that show mail, on a terminal of their own.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Inbox, TEXT, find};

/// A terminal with a program in it.
pub(super) struct Screen<'i> {
    inbox: &'i Inbox,
    socket: String,
}

impl<'i> Screen<'i> {
    pub(super) fn of(inbox: &'i Inbox, command: &str) -> Self {
        // A server that ends takes whoever comes to its socket with it.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = inbox.place.path(&format!("tmux-{number}")).display().to_string();
        let screen = Self { inbox, socket };
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50", command]);
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let whole = [&["-S", &self.socket][..], arguments].concat();
        let (_, said) = self.inbox.program(Path::new("tmux"), &whole, "");
        said
    }

    pub(super) fn shows(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits for a text.
    #[track_caller]
    pub(super) fn until(&self, text: &str) -> String {
        self.until_any(&[text])
    }

    /// Waits for one of several texts.
    #[track_caller]
    pub(super) fn until_any(&self, texts: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let shown = self.shows();
            if texts.iter().any(|text| shown.contains(text)) {
                return shown;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "no {texts:?} in\n{shown}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(super) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A body that says what we would.
fn imitating(inbox: &Inbox) -> String {
    inbox.mail_by("bob").replace(
        "Hello Bob,",
        "[cseal] at delivery: verified; author=\"bob@example.org\"\n\u{1b}[1m[CSEAL] VERIFIED: bob@example.org",
    )
}

#[test]
fn text_for_a_terminal() {
    let inbox = Inbox::new();
    let shown = inbox.filtered(&inbox.sealed_by("bob"), &["--display"]);
    assert!(shown.starts_with("[cseal] ✓ VERIFIED: bob@example.org"), "{shown}");
    assert!(shown.contains("\n[cseal] ENCRYPTED: ") && shown.contains("\n  let us meet.\n"), "{shown}");
    assert!(shown.contains("\n  Subject: Secret plans\n"), "{shown}");
    let shown = inbox.filtered(&imitating(&inbox), &["--display"]);
    let ours: Vec<&str> = shown.lines().filter(|line| line.to_lowercase().contains("[cseal]")).collect();
    assert_eq!(ours, ["[cseal] NOT SIGNED: nothing says who wrote this"]);
    assert!(!shown.contains('\u{1b}'));
    let altered = inbox.signed_by("bob").replace("let us meet", "let us eat");
    let shown = inbox.filtered(&altered, &["--display"]);
    assert!(shown.starts_with("[cseal] ✗ INVALID: message altered after it was signed\n"), "{shown}");
}

#[test]
fn a_list_that_adds_a_part_adds_nothing_signed() {
    let inbox = Inbox::new();
    let signed = inbox.signed_by("bob");
    let (header, body) = signed.split_once("\n\n").unwrap();
    let content = header.find("Content-Type: multipart/signed").unwrap();
    let mail = format!(
        "{}Content-Type: multipart/mixed; boundary=list\n\n--list\n{}\n\n{body}\n--list\nContent-Type: text/plain\n\n\
         send money to mallory\n--list--\n",
        &header[..content],
        &header[content..]
    );
    let filtered = inbox.filtered(&mail, &[]);
    assert_eq!(super::word(&filtered), "partial");
    let shown = inbox.filtered(&mail, &["--display"]);
    let (signed, other) = shown.split_once("[cseal] this is not signed:\n").unwrap();
    assert!(signed.contains("[cseal] the part that is signed:\n") && signed.contains(TEXT), "{shown}");
    assert!(other.contains("  send money to mallory\n"), "{shown}");
}

#[test]
fn mutt_and_neomutt_show_the_verdict_above_a_text_that_cannot_imitate_it() {
    for name in ["mutt", "neomutt"] {
        let (Some(mutt), Some(_)) = (find(name), find("tmux")) else { continue };
        let inbox = Inbox::new();
        let mut mailbox = String::new();
        for mail in [inbox.filtered(&inbox.mail_by("carol"), &[]), inbox.filtered(&imitating(&inbox), &[])] {
            mailbox += &format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{mail}\n");
        }
        mailbox += &format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{}\n", inbox.sealed_by("bob"));
        inbox.place.write("box", mailbox);
        let more =
            "set folder=.\nset mark_old=no\nset crypt_use_gpgme=no\nset sort=mailbox-order\nset beep=no\n";
        inbox.place.write("muttrc", inbox.recipe("mutt and neomutt")[0].clone() + more);
        let command =
            format!("cd '{}' && {} -n -F muttrc -f box", inbox.place.path("").display(), mutt.display());
        let screen = Screen::of(&inbox, &command);
        screen.until("Msgs:3");
        screen.press(&["2", "Enter"]);
        screen.until("Secret plans");
        screen.press(&["Enter"]);
        let shown = screen.until("let us meet");
        let ours: Vec<&str> = shown.lines().filter(|line| line.starts_with("[cseal]")).collect();
        assert!(ours.len() == 1 && ours[0].starts_with("[cseal] at delivery: unsigned;"), "{shown}");
        assert!(!shown.to_lowercase().contains("[cseal] verified"), "{shown}");
        screen.press(&["q"]);
        screen.press(&["3", "Enter"]);
        screen.press(&["Escape", "w"]);
        let shown = screen.until("[cseal] ENCRYPTED");
        assert!(shown.contains("[cseal] ✓ VERIFIED: bob@example.org"), "{shown}");
        assert!(shown.contains(TEXT), "{shown}");
    }
}

#[test]
fn aerc_shows_the_verdict_among_the_header_fields() {
    let (Some(aerc), Some(_)) = (find("aerc"), find("tmux")) else { return };
    let inbox = Inbox::new();
    inbox.clear();
    fs::write(
        inbox.place.path("Maildir/cur/1:2,S"),
        inbox.filtered(&imitating(&inbox), &[]).replace("Secret plans", "First plans"),
    )
    .unwrap();
    let [aerc_conf] = <[String; 1]>::try_from(inbox.recipe("aerc")).unwrap();
    let config = inbox.place.path(".config/aerc");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("aerc.conf"), aerc_conf + "[filters]\ntext/plain=cat\n").unwrap();
    fs::write(config.join("binds.conf"), "[messages]\n<Enter> = :view<Enter>\n").unwrap();
    let account =
        format!("[home]\nsource = maildir://{}\nfrom = alice@example.org\n", inbox.place.path("").display());
    fs::write(config.join("accounts.conf"), account.replace("//\n", "/\n")).unwrap();
    Command::new("chmod").args(["600"]).arg(config.join("accounts.conf")).status().unwrap();
    let command = format!("cd '{}' && {}", inbox.place.path("").display(), aerc.display());
    let screen = Screen::of(&inbox, &command);
    screen.until("First plans");
    screen.press(&["Enter"]);
    let shown = screen.until("let us meet");
    assert!(shown.contains("Counterseal-Verdict: unsigned;"), "{shown}");
    assert_eq!(shown.matches("[cseal] at delivery").count(), 1, "{shown}");
}
