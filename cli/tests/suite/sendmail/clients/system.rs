//! What a machine sends mail with on its own.

use std::fs;

use super::{BODY, find};
use crate::sendmail::{Outbox, program};

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
        assert!(outbox.only("new").units[0].message.contains("From: alice@example.org\r\n"));
        outbox.reached_all(false);
    }
}
