//! Programs that want a terminal: tmux is one, and the test reads along and types.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BODY, find, own_machine, recipe};
use crate::sendmail::{MARKER, Outbox};
use crate::submission::servers::wait_until;

/// A terminal with a program in it. Both end with the test.
struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
}

impl Terminal {
    /// Nothing, said loudly, where there is no tmux.
    fn start(outbox: &Outbox, command: &str) -> Option<Self> {
        let terminal = Self { tmux: find("tmux")?, socket: outbox.place.path("terminal") };
        let mut tmux = terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40"]);
        outbox.at_home(&mut tmux).env("TERM", "xterm").env("EDITOR", outbox.place.path("editor"));
        assert!(tmux.arg(command).status().unwrap().success());
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tmux);
        command.arg("-S").arg(&self.socket).args(arguments);
        command
    }

    /// Waits until something stands on the screen, and types.
    #[track_caller]
    fn when(&self, shows: &str, keys: &[&str]) {
        wait_until(shows, || {
            let screen = self.tmux(&["capture-pane", "-p"]).output().unwrap().stdout;
            String::from_utf8_lossy(&screen).contains(shows)
        });
        assert!(self.tmux(&["send-keys"]).args(keys).status().unwrap().success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).status();
    }
}

/// Writes a script that the test's user may run.
fn script(outbox: &Outbox, name: &str, text: &str) -> PathBuf {
    let path = outbox.place.write(name, text);
    assert!(Command::new("chmod").arg("755").arg(&path).status().unwrap().success());
    path
}

#[test]
fn aerc() {
    if find("aerc").is_none() {
        return;
    }
    let outbox = Outbox::new();
    let inbox = outbox.place.path("mail/INBOX");
    for name in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(inbox.join(name)).unwrap();
    }
    std::fs::create_dir_all(outbox.place.path(".config/aerc")).unwrap();
    let account = format!(
        "[alice]\nsource = maildir://{}\ndefault = INBOX\nfrom = Alice <alice@example.org>\n{}",
        outbox.place.path("mail").display(),
        recipe("aerc")
    );
    let file = outbox.place.write(".config/aerc/accounts.conf", account);
    assert!(Command::new("chmod").arg("600").arg(file).status().unwrap().success());
    outbox.place.write("body", BODY);
    script(&outbox, "editor", &format!("#!/bin/sh\ncat {} > \"$1\"\n", outbox.place.path("body").display()));
    let Some(terminal) = Terminal::start(&outbox, "aerc") else { return };
    let fields = "-H 'To: bob@example.org' -H 'Cc: carol@example.org' -H 'Bcc: alice@example.org'";
    terminal.when("Connected", &[&format!(":compose {fields} -H 'Subject: {MARKER}'"), "Enter"]);
    terminal.when("Send this email?", &["y"]);
    wait_until("aerc sends", || !outbox.mails("new").is_empty());
    outbox.reached_all(true);
}

/// How alpine is called with a mail that is written already.
fn alpine_command(outbox: &Outbox) -> String {
    let mail = format!(
        "mailto:bob@example.org?cc=carol@example.org&subject={MARKER}&body={}",
        BODY.replace('\n', "%0A").replace(' ', "%20")
    );
    format!("alpine -p {} -url '{mail}'", outbox.place.path(".pinerc").display())
}

fn settings_of_alpine(first: &str) -> String {
    format!(
        "{first}\npersonal-name=Alice\nuser-domain=example.org\ninbox-path=no-inbox\ndefault-fcc=\"\"\n\
         customized-hdrs=From: alice@example.org,Bcc: alice@example.org\n\
         feature-list=send-without-confirm,quit-without-confirm\n"
    )
}

#[track_caller]
fn send_with_alpine(outbox: &Outbox, command: &str) {
    let Some(terminal) = Terminal::start(outbox, command) else { return };
    terminal.when("after the dot", &["C-x"]);
    wait_until("alpine sends", || !outbox.mails("new").is_empty());
    outbox.reached_all(true);
}

#[test]
fn alpine_with_its_setting() {
    if find("alpine").is_some() {
        let outbox = Outbox::new();
        outbox.place.write(".pinerc", settings_of_alpine(&recipe("alpine")));
        send_with_alpine(&outbox, &alpine_command(&outbox));
    }
}

#[test]
fn alpine_by_smtp_as_it_does_without_a_setting() {
    if find("alpine").is_none() {
        return;
    }
    let outbox = Outbox::new();
    outbox.place.write(".pinerc", settings_of_alpine(""));
    let command = alpine_command(&outbox);
    let Some(machine) = own_machine(&outbox, &format!("exec {command}")) else { return };
    let words: Vec<&str> = machine.get_args().map(|word| word.to_str().unwrap()).collect();
    let text = format!("exec unshare -m sh -c '{}'", words[3].replace('\'', "'\\''"));
    let start: &Path = &script(&outbox, "start", &format!("#!/bin/sh\nunset COUNTERSEAL_HOME\n{text}\n"));
    send_with_alpine(&outbox, start.to_str().unwrap());
}
