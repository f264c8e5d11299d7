//! Settings that the caller names, and variables of the environment that other programs of this name know.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::{MARKER, Outbox, program};

fn mail() -> String {
    format!("To: office\n\n{MARKER}\n")
}

impl Outbox {
    /// Another file of settings, whose alias leads to Carol.
    fn other_settings(&self) -> String {
        let aliases = self.place.write("other.aliases", "office: carol@example.org\n");
        let nowhere = self.place.path("no-server");
        fs::create_dir(self.place.path("other")).unwrap();
        let text = format!(
            "[account.other]\nsmtp = \"lmtp:{}\"\n[sendmail]\naliases = \"{}\"\n",
            nowhere.display(),
            aliases.display()
        );
        self.place.write("other/config.toml", text).display().to_string()
    }

    fn with_variables(&self, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> (i32, String) {
        let mut command = self.command(program(), arguments);
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let ran = child.wait_with_output().unwrap();
        (ran.status.code().unwrap(), String::from_utf8(ran.stderr).unwrap())
    }
}

#[test]
fn a_file_of_settings_that_the_caller_can_read_takes_the_place_of_theirs() {
    let outbox = Outbox::new();
    let other = outbox.other_settings();
    let joined = [format!("--config={other}"), format!("--file={other}")];
    for arguments in [&["-C", &other, "-t"][..], &["-t", &joined[0]], &["-t", &joined[1]]] {
        let queued = outbox.queued(arguments, mail());
        assert_eq!(queued.recipients(), ["carol@example.org"]);
        assert_eq!(queued.units[0].envelope["account"], "other");
        outbox.clear();
    }
    // A name without a domain that only the other file knows is nobody's without it, or of the own domain.
    assert_eq!(outbox.pretended(&["-t", "-P"]), "office@example.org");
}

impl Outbox {
    /// Whom a mail would be refused for.
    fn pretended(&self, arguments: &[&str]) -> String {
        let ran = self.send(arguments, mail()).exits(77);
        let named = ran.stderr.split_whitespace().find(|word| word.starts_with("office@"));
        named.unwrap_or_default().to_owned()
    }
}

#[test]
fn a_file_that_is_not_there_or_cannot_be_used_sends_nothing() {
    let outbox = Outbox::new();
    let other = outbox.other_settings();
    outbox.place.write("msmtprc", "account default\nhost smtp.example.org\n");
    let wrong = outbox.place.path("msmtprc").display().to_string();
    for file in ["/nonexistent/config.toml", &wrong, "/"] {
        outbox.send(&["-C", file, "-t"], mail()).exits(78);
    }
    // A file that names a program must be safe from others, whoever names the file.
    let text = fs::read_to_string(&other).unwrap().replace("lmtp:", "sendmail:");
    fs::write(&other, text).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o666)).unwrap();
    let ran = outbox.send(&["-C", &other, "-t"], mail()).exits(78);
    assert!(ran.stderr.contains("others can write"), "{}", ran.stderr);
    outbox.holds_nothing();
}

#[test]
fn the_folder_of_another_mail_system_is_none_of_ours() {
    let outbox = Outbox::new();
    outbox.other_settings();
    let ours = outbox.place.path("other").display().to_string();
    let (code, said) = outbox.with_variables(&[("MAIL_CONFIG", &ours)], &["-t"], &mail());
    assert_eq!((code, said.as_str()), (0, ""));
    assert_eq!(outbox.only("new").recipients(), ["carol@example.org"]);
    outbox.clear();
    for folder in ["/etc", "other", ""] {
        let to_bob = mail().replace("office", "bob@example.org");
        assert_eq!(outbox.with_variables(&[("MAIL_CONFIG", folder)], &["-t"], &to_bob).0, 0, "{folder}");
        assert_eq!(outbox.only("new").units[0].envelope["account"], "test");
        outbox.clear();
    }
}

#[test]
fn name_and_email_complete_a_mail_without_from_and_change_no_other() {
    let outbox = Outbox::new();
    let body = format!("To: bob@example.org\n\n{MARKER}\n");
    let from = |variables: &[(&str, &str)], arguments: &[&str], input: &str| {
        assert_eq!(outbox.with_variables(variables, arguments, input).0, 0);
        let queued = outbox.only("new");
        outbox.clear();
        let opened = outbox.opened("bob", &queued.units[0].message).unwrap();
        opened.lines().find_map(|line| line.strip_prefix("From: ")).unwrap().trim().to_owned()
    };
    let variables = [("NAME", "Alice\nBcc: evil@example.net"), ("EMAIL", "alice@example.org")];
    let named = from(&variables, &["-t"], &body);
    assert!(
        named.contains("Alice") && named.contains("<alice@example.org>") && !named.contains('\n'),
        "{named}"
    );
    assert!(from(&variables, &["-t", "-F", "Robot"], &body).contains("Robot"));
    // Who has no key for an address does not write in its name by a variable.
    assert_eq!(from(&[("EMAIL", "mallory@example.net")], &["-t"], &body), "alice@example.org");
    assert_eq!(from(&[("EMAIL", "no address")], &["-t"], &body), "alice@example.org");
    let complete = format!("From: Alice <alice@example.org>\n{body}");
    assert_eq!(
        from(&[("NAME", "Robot"), ("EMAIL", "x@example.net")], &["-t"], &complete),
        "Alice <alice@example.org>"
    );
}
