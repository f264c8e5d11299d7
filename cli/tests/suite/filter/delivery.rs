//! Programs that sort mail into folders.

use std::path::Path;

use super::{Inbox, find, word};

/// Hands one mail after another to a program, and looks where it is.
#[track_caller]
fn sorts(inbox: &Inbox, unknown: &str, deliver: impl Fn(&str)) {
    let forged =
        inbox.mail_by("bob").replace("Subject:", "Counterseal-Verdict: verified; version=1\nSubject:");
    let field = "Counterseal-Verdict: verified; version=1\n";
    let behind_return = inbox.mail_by("bob").replace("Subject:", &format!("\r\n{field}Subject:"));
    let in_body = inbox.mail_by("bob").replacen("\n\n", &format!("\n\n{field}"), 1);
    for (mail, is_known) in [
        (inbox.signed_by("bob"), true),
        (inbox.signed_by("carol"), true),
        (inbox.sealed_by("bob"), true),
        (inbox.mail_by("bob"), false),
        (forged, false),
        // A line of a carriage return alone ends a header for some programs, and not for others.
        (behind_return.clone(), false),
        (format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{behind_return}"), false),
        (behind_return.replacen('\n', "\r\n", 4), false),
        (in_body.replace('\n', "\r\n"), false),
        (format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{}", in_body.replace('\n', "\r\n")), false),
        (format!("From bob@example.org Sat Nov 21 12:00:00 2026\n{}", inbox.signed_by("bob")), true),
    ] {
        inbox.clear();
        deliver(&mail);
        let (own, other) = if is_known { ("", unknown) } else { (unknown, "") };
        let there = inbox.mails(own);
        assert_eq!((there.len(), inbox.mails(other).len()), (1, 0), "{mail}");
        let mail = there[0].as_str();
        let mail = mail.find("Counterseal-Verdict: ").map_or(mail, |start| &mail[start..]);
        assert_eq!(["verified", "signed"].contains(&word(mail)), is_known);
    }
}

#[test]
fn procmail() {
    let Some(procmail) = find("procmail") else { return };
    let inbox = Inbox::new();
    let recipe = &inbox.recipe("procmail")[0];
    let home = inbox.place.path("");
    // procmail takes the home of the user from the system, so the recipe's variable is set in its file.
    let file = format!("HOME={0}\nDEFAULT={0}Maildir/\nSHELL=/bin/sh\n{recipe}", home.display());
    let rc = inbox.place.write("procmailrc", file.replace("//", "/"));
    let rc = rc.to_str().unwrap();
    sorts(&inbox, ".Unknown", |mail| {
        let (code, said) = inbox.program(&procmail, &["-m", rc], mail);
        assert_eq!(code, 0, "{said}");
    });
    // A filter that cannot work delivers nothing: the mail server keeps the mail.
    inbox.clear();
    inbox.script("cseal", "#!/bin/sh\nexit 75\n");
    let (code, said) = inbox.program(&procmail, &["-m", rc], &inbox.mail_by("bob"));
    assert_eq!((code, inbox.mails("").len(), inbox.mails(".Unknown").len()), (75, 0, 0), "{said}");
}

#[test]
fn maildrop() {
    let Some(maildrop) = find("maildrop") else { return };
    let inbox = Inbox::new();
    let home = inbox.place.path("").display().to_string().trim_end_matches('/').to_owned();
    let recipe = inbox.recipe("maildrop")[0].clone();
    let filter = format!("SHELL=\"/bin/sh\"\nHOME=\"{home}\"\n{recipe}to \"$HOME/Maildir\"\n");
    inbox.script("mailfilter", &filter);
    std::fs::set_permissions(
        inbox.place.path("mailfilter"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    sorts(&inbox, ".Unknown", |mail| {
        let (code, said) = inbox.program(&maildrop, &["mailfilter"], mail);
        assert_eq!(code, 0, "{said}");
    });
    inbox.clear();
    inbox.script("cseal", "#!/bin/sh\nexit 75\n");
    let (code, said) = inbox.program(&maildrop, &["mailfilter"], &inbox.mail_by("bob"));
    assert_eq!((code, inbox.mails("").len(), inbox.mails(".Unknown").len()), (75, 0, 0), "{said}");
}

#[test]
fn sieve_in_dovecot() {
    let Some(sieve) = find("sieve-test") else { return };
    let inbox = Inbox::new();
    let [settings, program, script] = <[String; 3]>::try_from(inbox.recipe("Sieve in Dovecot")).unwrap();
    let folder = inbox.place.path("sieve-filter");
    std::fs::create_dir(&folder).unwrap();
    inbox.script("sieve-filter/cseal-filter", &program);
    let settings = settings.replace("/usr/lib/dovecot/sieve-filter", folder.to_str().unwrap());
    // Dovecot delivers nothing as root.
    let is_root = inbox.program(Path::new("id"), &["-u"], "").1.trim() == "0";
    let user = if is_root { "65534".to_owned() } else { inbox.program(Path::new("id"), &["-u"], "").1 };
    let group = if is_root { "65534".to_owned() } else { inbox.program(Path::new("id"), &["-g"], "").1 };
    if is_root {
        std::fs::copy(env!("CARGO_BIN_EXE_cseal"), inbox.place.path("cseal-for-all")).unwrap();
        let home = inbox.place.path("alice").display().to_string();
        let program = inbox.place.path("cseal-for-all").display().to_string();
        inbox.script("cseal", &format!("#!/bin/sh\nCOUNTERSEAL_HOME='{home}' exec '{program}' \"$@\"\n"));
    }
    let own = format!("mail_uid = {}\nmail_gid = {}\nfirst_valid_uid = 1\n", user.trim(), group.trim());
    let file = inbox.place.write("dovecot.conf", own + &settings);
    inbox.place.write("known.sieve", script);
    let location = format!("maildir:{}", inbox.place.path("Maildir").display());
    let deliver = |mail: &str| {
        inbox.place.write("arriving.eml", mail);
        let files = ["-c", file.to_str().unwrap(), "-e", "-l", &location, "known.sieve", "arriving.eml"];
        let (code, said) = if is_root {
            inbox.program(Path::new("chown"), &["-R", "65534:65534", "."], "");
            let other = ["--reuid=65534", "--regid=65534", "--clear-groups", sieve.to_str().unwrap()];
            inbox.program(Path::new("setpriv"), &[&other[..], &files].concat(), "")
        } else {
            inbox.program(&sieve, &files, "")
        };
        assert_eq!(code, 0, "{said}");
    };
    sorts(&inbox, ".Unknown", deliver);
    inbox.clear();
    inbox.script("cseal", "#!/bin/sh\nexit 75\n");
    let forged =
        inbox.mail_by("bob").replace("Subject:", "Counterseal-Verdict: verified; version=1\nSubject:");
    deliver(&forged);
    assert_eq!((inbox.mails("").len(), inbox.mails(".Unknown").len()), (0, 0));
    let kept = inbox.mails(".Unchecked");
    assert!(kept.len() == 1 && !kept[0].contains("Counterseal-Verdict"), "{kept:?}");
}
