//! Programs that people write mail with.

use super::{BODY, find, quoted, recipe};
use crate::sendmail::{MARKER, Outbox};

#[test]
fn mutt_and_neomutt() {
    for name in ["mutt", "neomutt"] {
        let Some(mutt) = find(name) else { continue };
        let outbox = Outbox::new();
        let settings =
            recipe("mutt and neomutt") + "set from=alice@example.org\nset copy=no\nset use_from=yes\n";
        let muttrc = outbox.place.write("muttrc", settings);
        let muttrc = muttrc.to_str().unwrap();
        let to =
            ["-n", "-F", muttrc, "-s", MARKER, "-c", "carol@example.org", "-b", "alice@example.org", "--"];
        outbox.client(&mutt, &[&to[..], &["bob@example.org"]].concat(), BODY);
        outbox.reached_all(true);
        outbox.clear();
        let refused = ["-n", "-F", muttrc, "-s", "x", "--", "erin@example.net"];
        let (code, said) = outbox.client_code(&mutt, &refused, BODY);
        assert!(code != 0, "{name}: {said}");
        assert_eq!(outbox.only("held").recipients(), ["erin@example.net"]);
    }
}

#[test]
fn mailx_of_two_kinds() {
    if let Some(nail) = find("s-nail") {
        let outbox = Outbox::new();
        outbox.place.write(".mailrc", recipe("s-nail"));
        let settings = ["-S", "v15-compat", "-r", "alice@example.org", "-s", MARKER];
        let people = ["-c", "carol@example.org", "-b", "alice@example.org", "bob@example.org"];
        outbox.client(&nail, &[&settings[..], &people].concat(), BODY);
        outbox.reached_all(true);
    }
    if let Some(mail) = find("mail.mailutils") {
        let outbox = Outbox::new();
        let command = quoted(&recipe("mail of GNU Mailutils"));
        // The configuration of bsd-mailx for the whole machine says that a dot ends the mail.
        let settings = ["-n", "-r", "alice@example.org", "-s", MARKER, "--exec", &command];
        let header = ["-a", "Cc: carol@example.org", "-a", "Bcc: alice@example.org", "bob@example.org"];
        outbox.client(&mail, &[&settings[..], &header].concat(), BODY);
        outbox.reached_all(true);
    }
}

#[test]
fn bsd_mailx() {
    let Some(mailx) = find("bsd-mailx") else { return };
    let outbox = Outbox::new();
    outbox.place.write(".mailrc", recipe("bsd-mailx"));
    let people = ["-c", "carol@example.org", "-b", "alice@example.org", "bob@example.org"];
    outbox.client(&mailx, &[&["-s", MARKER][..], &people].concat(), BODY);
    outbox.reached_all(true);
}

/// A mail in each of Emacs's two modes.
const MESSAGE_MODE: &str = r#"(require 'message)
(setq message-interactive t)
(message-mail "TO" "SUBJECT")
(message-goto-cc) (insert "carol@example.org")
(message-goto-bcc) (insert "alice@example.org")
(message-goto-body) (insert "BODY")
(message-send-and-exit)"#;
const MAIL_MODE: &str = r#"(require 'sendmail)
(setq mail-interactive t mail-user-agent 'sendmail-user-agent)
(mail nil "TO" "SUBJECT" nil "carol@example.org")
(mail-bcc) (insert "alice@example.org")
(mail-text) (insert "BODY")
(mail-send-and-exit)"#;

#[test]
fn emacs_in_both_modes_and_as_it_was_set_up_for_msmtp() {
    let Some(emacs) = find("emacs") else { return };
    let outbox = Outbox::new();
    let settings = format!("{}\n(setq user-mail-address \"alice@example.org\")\n", recipe("Emacs"));
    let msmtp =
        "(setq message-sendmail-extra-arguments '(\"--read-envelope-from\") message-sendmail-f-is-evil t)\n";
    let filled = |text: &str, to: &str| {
        text.replace("TO", to).replace("SUBJECT", MARKER).replace("BODY", &BODY.replace('\n', "\\n"))
    };
    for mail in [MESSAGE_MODE.to_owned(), MAIL_MODE.to_owned(), format!("{msmtp}{MESSAGE_MODE}")] {
        outbox.place.write("mail.el", format!("{settings}{}", filled(&mail, "bob@example.org")));
        outbox.client(&emacs, &["--batch", "-Q", "-l", "mail.el"], "");
        assert_eq!(outbox.only("new").units[0].sender, "alice@example.org");
        outbox.reached_all(true);
        outbox.place.write("mail.el", format!("{settings}{}", filled(&mail, "erin@example.net")));
        let (code, said) = outbox.client_code(&emacs, &["--batch", "-Q", "-l", "mail.el"], "");
        assert_ne!(code, 0, "{said}");
        assert!(outbox.mails("new").is_empty());
        outbox.clear();
    }
}

#[test]
fn nmh_by_arguments_and_by_smtp() {
    let Some(send) = find("send") else { return };
    let outbox = Outbox::new();
    std::fs::create_dir(outbox.place.path("Mail")).unwrap();
    for way in ["sendmail/pipe", "sendmail/smtp"] {
        let settings = recipe("nmh").replace("sendmail/pipe", way);
        outbox
            .place
            .write(".mh_profile", format!("Path: Mail\nLocal-Mailbox: alice@example.org\n{settings}"));
        let people =
            "From: alice@example.org\nTo: bob@example.org\ncc: carol@example.org\nbcc: alice@example.org\n";
        let draft = outbox.place.write("Mail/draft", format!("{people}Subject: {MARKER}\n\n{BODY}"));
        outbox.client(&send, &[draft.to_str().unwrap()], "");
        // What somebody blind gets is a mail of its own.
        let mut mails = outbox.mails("new");
        assert_eq!(mails.len(), 2, "{way}");
        mails.sort_by_key(|mail| std::cmp::Reverse(mail.recipients().len()));
        let recipients: Vec<String> = mails.iter().map(|mail| mail.recipients().join(" ")).collect();
        assert_eq!(recipients, ["bob@example.org carol@example.org", "alice@example.org"], "{way}");
        for mail in &mails {
            outbox.check_sealed(mail, BODY.trim_end());
        }
        outbox.check_wire(&mails);
        outbox.clear();
    }
}
