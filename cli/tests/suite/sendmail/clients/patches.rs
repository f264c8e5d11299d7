//! git, which sends patches.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BODY, find, recipe};
use crate::sendmail::Outbox;

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
