//! Programs that send mail, with ours as their `sendmail`: whom it reaches, and what they see.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io::Write};

use super::{MARKER, Outbox, program};

/// The body that every program sends: a lone dot must not end it.
pub const BODY: &str = "the-usual-place-at-half-past-twelve\n.\nafter the dot\n";

/// Where a program is. A missing one is told, and is an error where the tests are to have all of them.
fn find(name: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/lib/mh"), PathBuf::from("/usr/bin/mh")])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: {name} is not installed (scripts/install-test-tools)");
        assert!(std::env::var_os("COUNTERSEAL_REQUIRE_PEERS").is_none(), "{name} is missing");
    }
    found
}

/// What `docs/recipes/sending.md` says for a program, with ours where it stands.
#[track_caller]
fn recipe(heading: &str) -> String {
    let page = include_str!("../../../../docs/recipes/sending.md");
    let section = page.split(&format!("\n## {heading}\n")).nth(1).expect("the recipe");
    let block = section.split("```\n").nth(1).expect("its settings");
    assert!(block.contains("/usr/bin/cseal-sendmail"));
    block.replace("/usr/bin/cseal-sendmail", program().to_str().unwrap())
}

/// What stands between single quotes in it.
fn quoted(block: &str) -> String {
    block.split('\'').nth(1).expect("quotes").to_owned()
}

impl Outbox {
    /// Runs another program in Alice's home, with the body on its standard input.
    #[track_caller]
    fn client(&self, program: &Path, arguments: &[&str], input: &str) {
        let ran = self.client_code(program, arguments, input);
        assert_eq!(ran.0, 0, "{}", ran.1);
    }

    fn client_code(&self, program: &Path, arguments: &[&str], input: &str) -> (i32, String) {
        let mut command = Command::new("timeout");
        command.arg("60").arg(program).args(arguments).current_dir(self.place.path(""));
        command.env("COUNTERSEAL_HOME", self.place.path("alice")).env("HOME", self.place.path(""));
        // s-nail asks the system where root lives, whatever HOME says.
        command.env("MAILRC", self.place.path(".mailrc")).env("DEAD", self.place.path("dead.letter"));
        command.env("EMAIL", "alice@example.org").env_remove("DISPLAY").env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let ran = child.wait_with_output().unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// One mail, to Bob, Carol and, blind, Alice, as it was written.
    #[track_caller]
    fn reached_all(&self, with_bcc: bool) {
        let queued = self.only("new");
        let mut expected = vec!["bob@example.org", "carol@example.org"];
        if with_bcc {
            expected.insert(0, "alice@example.org");
            let blind = queued.units.iter().find(|unit| unit.recipients.contains("alice@example.org"));
            assert_eq!(blind.unwrap().recipients.len(), 1);
        }
        assert_eq!(queued.recipients(), expected);
        self.check_sealed(&queued, BODY.trim_end());
    }
}

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

/// Sends a patch by git to Bob, Carol and, blind, Alice. Whether there is a git that can.
pub fn send_patch(outbox: &Outbox) -> bool {
    let Some(git) = git() else { return false };
    prepare_patch(outbox, &git);
    outbox.place.write(".gitconfig", recipe("git send-email"));
    outbox.client(&git, &PATCH, "");
    true
}

/// A git that sends patches.
fn git() -> Option<PathBuf> {
    let git = find("git")?;
    let folder = Command::new(&git).arg("--exec-path").output().unwrap().stdout;
    if !Path::new(String::from_utf8(folder).unwrap().trim()).join("git-send-email").is_file() {
        assert!(std::env::var_os("COUNTERSEAL_REQUIRE_PEERS").is_none(), "git send-email is missing");
        eprintln!("SKIPPED: git send-email is not installed (scripts/install-test-tools)");
        return None;
    }
    Some(git)
}

#[rustfmt::skip]
const PATCH: [&str; 12] = [
    "-c", "user.name=Alice", "-c", "user.email=alice@example.org", "send-email", "--to=bob@example.org",
    "--cc=carol@example.org", "--bcc=alice@example.org", "--confirm=never", "--suppress-cc=all", "--from=alice@example.org", "0001.patch",
];

fn prepare_patch(outbox: &Outbox, git: &Path) {
    outbox.client(git, &["init", "-q"], "");
    let patch = format!(
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Alice <alice@example.org>\n\
         Date: Sat, 21 Nov 2026 12:00:00 +0000\nSubject: [PATCH] plans\n\n{BODY}---\n"
    );
    outbox.place.write("0001.patch", patch);
}

#[test]
fn git_send_email() {
    let Some(git) = git() else { return };
    let outbox = Outbox::new();
    prepare_patch(&outbox, &git);
    let recipe = recipe("git send-email");
    let as_server = recipe.replace("sendmailCmd", "smtpServer");
    for settings in [recipe, as_server] {
        outbox.clear();
        outbox.place.write(".gitconfig", settings);
        outbox.client(&git, &PATCH, "");
        outbox.reached_all(true);
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
fn php_mail() {
    let Some(php) = find("php") else { return };
    let outbox = Outbox::new();
    let script = format!(
        "<?php exit(mail('bob@example.org', '{MARKER}', str_replace('\\n', \"\\n\", '{}'), \
         \"From: alice@example.org\\r\\nCc: carol@example.org\\r\\nBcc: alice@example.org\") ? 0 : 9);",
        BODY.replace('\n', "\\n")
    );
    outbox.place.write("mail.php", script);
    let settings = outbox.place.write("php.ini", recipe("PHP"));
    let settings = settings.to_str().unwrap();
    outbox.client(&php, &["-c", settings, "mail.php"], "");
    outbox.reached_all(true);
    outbox.clear();
    let injected = "<?php exit(mail('bob@example.org', \"x\\r\\nBcc: carol@example.org\", 'x', 'From: alice@example.org') ? 0 : 9);";
    outbox.place.write("mail.php", injected);
    outbox.client_code(&php, &["-c", settings, "mail.php"], "");
    for mail in outbox.mails("new") {
        assert_eq!(mail.recipients(), ["bob@example.org"]);
    }
}

#[test]
fn python_and_perl() {
    if let Some(python) = find("python3") {
        let outbox = Outbox::new();
        let script = format!(
            "import subprocess, email.message\nmessage = m = email.message.EmailMessage()\nm['From'] = 'alice@example.org'\n\
             m['To'] = 'Bob <bob@example.org>'\nm['Cc'] = 'carol@example.org'\nm['Bcc'] = 'alice@example.org'\n\
             m['Subject'] = '{MARKER}'\nm.set_content('''{BODY}''')\n{}",
            recipe("Python")
        );
        outbox.place.write("mail.py", script);
        outbox.client(&python, &["-I", "mail.py"], "");
        outbox.reached_all(true);
    }
    if let Some(perl) = find("perl") {
        let outbox = Outbox::new();
        let script = format!(
            "use MIME::Lite;\nmy $message = MIME::Lite->new(From => 'alice@example.org', To => 'bob@example.org', \
             Cc => 'carol@example.org', Bcc => 'alice@example.org', Subject => '{MARKER}', Data => '{BODY}');\n\
             {}",
            recipe("Perl, with MIME::Lite").replace(");", ") or die;")
        );
        outbox.place.write("mail.pl", script);
        if outbox.client_code(&perl, &["-MMIME::Lite", "-e", "1"], "").0 == 0 {
            outbox.client(&perl, &["mail.pl"], "");
            outbox.reached_all(true);
        } else {
            eprintln!("SKIPPED: MIME::Lite is not installed (scripts/install-test-tools)");
        }
    }
}

#[test]
fn swaks_by_smtp_on_a_pipe() {
    let Some(swaks) = find("swaks") else { return };
    let outbox = Outbox::new();
    let pipe = quoted(&recipe("swaks, and others that speak SMTP on a pipe"));
    let people =
        ["--from", "alice@example.org", "--to", "bob@example.org,carol@example.org,alice@example.org"];
    let text = format!(
        "From: alice@example.org\nTo: bob@example.org\nCc: carol@example.org\nSubject: {MARKER}\n\n{BODY}"
    );
    let file = outbox.place.write("mail.txt", text);
    let data = format!("@{}", file.display());
    outbox.client(&swaks, &[&["--pipe", &pipe][..], &people, &["--data", &data]].concat(), "");
    outbox.reached_all(true);
}

#[test]
fn what_cron_and_at_run_is_sealed_for_whom_the_aliases_name() {
    let Some(shell) = find("sh") else { return };
    let outbox = Outbox::new();
    let link = outbox.place.path("sendmail");
    std::os::unix::fs::symlink(program(), &link).unwrap();
    let mail = format!("From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\n\n{BODY}");
    fs::write(outbox.place.path("mail.txt"), mail).unwrap();
    // The stock command lines of Debian's cron, of cronie and of at.
    for line in
        ["-FCronDaemon -i -B8BITMIME -oem root", "-FCronDaemon -i -odi -oem -oi -t -f root", "-i root"]
    {
        outbox.clear();
        outbox.client(&shell, &["-c", &format!("./sendmail {line} < mail.txt")], "");
        outbox.reached_all(false);
        assert!(outbox.only("new").units[0].message.contains("From: alice@example.org\r\n"));
    }
}
