//! What sends for all users of this machine: whose the files are, who may write them, and whether a timer runs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::ALIAS_BYTES;
use counterseal_core::submission::Aliases;

use super::finding::Finding;
use crate::clock;
use crate::commands::readers::Directory;
use crate::config::Config;
use crate::failure::Failure;
use crate::files::read_file;
use crate::policy;
use crate::queue::Box;
use crate::system::{
    CERTIFICATES, SETTINGS, SPOOL_MODE, SPOOLS, SPOOLS_MODE, Shelf, check_directory, check_file, spools,
};

/// What installs the timer, as systemd or cron have it.
const TIMERS: [&str; 2] = ["/etc/systemd/system/counterseal-flush.timer", "/etc/cron.d/counterseal"];
/// Days before the end of a certificate that are soon.
const SOON_DAYS: i64 = 30;

/// Whether the machine sends for its users.
pub(super) fn is_set_up() -> bool {
    Path::new(SETTINGS).join("config.toml").exists()
}

/// Everything that is wrong with it.
pub(super) fn findings() -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(check_directory(Path::new(SETTINGS)).err().map(others_write));
    for name in ["config.toml", "policy.toml", "aliases", "password"] {
        let path = Path::new(SETTINGS).join(name);
        if path.exists() {
            findings.extend(check_file(&path).err().map(others_write));
        }
    }
    findings.extend(secret(&Path::new(SETTINGS).join("password")));
    findings.extend(spools_folder());
    findings.extend(shelf());
    if is_root() {
        findings.extend(foreign_spools());
        findings.extend(accounts());
        findings.extend(left());
        findings.extend(empty(&Path::new(SETTINGS).join("password")));
    }
    if !TIMERS.iter().any(|timer| Path::new(timer).exists()) {
        let finding = Finding::warning("no-timer", "nothing sends what users hand in");
        findings.push(finding.hint("install the timer: cseal setup --system"));
    }
    findings
}

fn others_write(what: String) -> Finding {
    Finding::broken("system-files", what)
        .hint("nothing is sent until it is root's alone to write: chown root, chmod go-w")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A file that only root is to read.
fn secret(path: &Path) -> Option<Finding> {
    let found = fs::symlink_metadata(path).ok()?;
    let shown = path.display();
    (found.mode() & 0o077 != 0).then(|| {
        Finding::broken(
            "open-permissions",
            format!("{shown} is open to others (mode {:03o})", found.mode() & 0o777),
        )
        .hint(format!("chmod 600 {shown}, and change the password: others may have read it"))
    })
}

fn spools_folder() -> Option<Finding> {
    let found = match fs::symlink_metadata(SPOOLS) {
        Ok(found) => found,
        Err(error) => {
            return Some(
                Finding::broken("system-files", format!("{SPOOLS}: {error}"))
                    .hint("make it: cseal setup --system"),
            );
        }
    };
    let mode = found.permissions().mode() & 0o7777;
    (!found.is_dir() || found.uid() != 0 || mode != SPOOLS_MODE).then(|| {
        let what =
            format!("{SPOOLS} has mode {mode:04o} and owner {}, not {SPOOLS_MODE:04o} and 0", found.uid());
        Finding::broken("system-files", what).hint("make it right: cseal setup --system")
    })
}

/// Spools that are not those of the users whose names they have. They are looked at from outside only.
fn foreign_spools() -> Vec<Finding> {
    let Ok(spools::Found { users, others, .. }) = spools::all() else { return Vec::new() };
    let is_right = |user: &u32| {
        let found = fs::symlink_metadata(Path::new(SPOOLS).join(user.to_string()));
        found.is_ok_and(|found| found.is_dir() && found.uid() == *user && found.mode() & 0o7777 == SPOOL_MODE)
    };
    let wrong = users.iter().filter(|user| !is_right(user)).map(ToString::to_string).chain(others);
    let finding = |name: String| {
        Finding::warning("foreign-spool", format!("{SPOOLS}/{name} is no spool of the user of that name"))
            .hint(format!("see whose it is, and take it away: ls -ld {SPOOLS}/{name}"))
    };
    wrong.take(20).map(finding).collect()
}

/// Mail that nobody got and perhaps nobody knows of: what calls `sendmail` by itself seldom says why it was refused.
fn left() -> Vec<Finding> {
    let (mut held, mut failed, mut resting) = (0, 0, BTreeSet::new());
    let accounts = Config::of_system().map_or_else(|_| Vec::new(), |config| config.accounts);
    for user in spools::all().unwrap_or_default().users {
        // What is wrong with a spool is said with the spools.
        let Ok((queue, _acting)) = spools::enter(user) else { continue };
        let count = |place| queue.list(place).map_or(0, |mails| mails.len());
        held += count(Box::Held);
        failed += count(Box::Failed);
        let names = accounts.iter().map(|account| account.name.as_str());
        resting.extend(names.filter(|name| queue.rest(name).is_some()));
    }
    let message = format!("mails that were refused: {held}, that could not be delivered: {failed}");
    let finding = Finding::warning("undelivered", message).hint("see which, and why: cseal queue list");
    let mut findings = if held + failed > 0 { vec![finding] } else { Vec::new() };
    findings.extend(resting.into_iter().map(|name| {
        Finding::warning("not-sent", format!("account {name} does not send"))
            .hint("see why: cseal queue list; once that is mended: cseal queue flush --system")
    }));
    findings
}

/// The file for the password, as `cseal setup --system` makes it.
fn empty(path: &Path) -> Option<Finding> {
    let found = fs::metadata(path).ok()?;
    (found.len() == 0).then(|| {
        Finding::warning("no-password", format!("{} is empty", path.display()))
            .hint("write the password of the account into it")
    })
}

/// The certificates, and whether the reader of root's mail has one.
fn shelf() -> Vec<Finding> {
    let shelf = match Shelf::read(Path::new(CERTIFICATES)) {
        Ok(shelf) => shelf,
        Err(failure) => return vec![Finding::from(failure)],
    };
    let now = clock::now();
    let mut findings = Vec::new();
    for certificate in shelf.certificates.iter().filter(|one| !one.is_certificate_authority()) {
        let (names, day) =
            (certificate.addresses().first().map(ToString::to_string), certificate.not_after().to_date());
        let names = names.unwrap_or_else(|| certificate.subject());
        if certificate.not_after() < now {
            findings.push(
                Finding::warning("ended", format!("{names}: the certificate ended on {day}"))
                    .hint("put the new one in its place: cseal setup --system --certificate FILE"),
            );
        } else if certificate.not_after() < now.plus_days(SOON_DAYS) {
            findings.push(
                Finding::warning("ends-soon", format!("{names}: the certificate ends on {day}"))
                    .hint("ask its owner for the new one"),
            );
        }
    }
    let path = Path::new(SETTINGS).join("aliases");
    let text = read_file(&path, ALIAS_BYTES).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let root = text.ok().and_then(|text| Aliases::parse(&text).ok()?.get("root").map(str::to_owned));
    let reader = root.as_deref().and_then(|root| EmailAddress::parse(root).ok());
    let has_one = match reader.as_ref().map(|reader| is_accepted(&shelf, reader)).transpose() {
        Ok(has_one) => has_one.unwrap_or(false),
        Err(failure) => {
            findings.push(Finding::from(failure));
            return findings;
        }
    };
    if !has_one {
        let who = root.unwrap_or_else(|| "nobody".to_owned());
        let finding = Finding::broken(
            "no-key",
            format!(
                "mail to root goes to {who}, for whom there is no certificate that mail can be encrypted to"
            ),
        );
        findings.push(finding.hint("cseal setup --system --root-mail ADDRESS --certificate FILE"));
    }
    findings
}

/// Whether mail to somebody would be encrypted, asked as for a mail.
fn is_accepted(shelf: &Shelf, reader: &EmailAddress) -> Result<bool, Failure> {
    let (policy, mut knowledge) = (policy::of_machine()?, shelf.knowledge());
    policy::apply(&policy, &mut knowledge)?;
    Ok(Directory::of_knowledge(&knowledge, &policy, clock::now()).one(reader).is_ok())
}

fn accounts() -> Option<Finding> {
    match Config::of_system() {
        Ok(config) if config.accounts.is_empty() => {
            let finding =
                Finding::broken("no-account", format!("{SETTINGS}/config.toml names no server to send by"));
            Some(finding.hint("man cseal-setup; docs/formats/config.md has every key"))
        }
        Ok(_) => None,
        Err(failure) => Some(Finding::from(failure)),
    }
}
