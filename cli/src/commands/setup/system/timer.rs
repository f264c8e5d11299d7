//! What sends the mail of all users: a timer of systemd where it runs, else a line for cron.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::files::{Deed, Deeds};
use crate::failure::Failure;
use crate::token::check_settings;

/// Is there where systemd runs this machine (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";
const UNITS: &str = "/etc/systemd/system";
const UNIT: &str = "counterseal-flush";
const CRON: &str = "/etc/cron.d/counterseal";

/// Installs what runs once in a minute.
pub(super) fn install(deeds: &mut Deeds, program: &str) -> Result<(), Failure> {
    if !Path::new(SYSTEMD).is_dir() {
        let folder = Path::new(CRON).parent().unwrap_or(Path::new("/"));
        if folder.is_dir() {
            deeds.file(Path::new(CRON), &cron(program), Deed::Replaced)?;
        }
        return Ok(());
    }
    let unit = |ending: &str| PathBuf::from(format!("{UNITS}/{UNIT}.{ending}"));
    deeds.file(&unit("service"), &service(program), Deed::Replaced)?;
    deeds.file(&unit("timer"), TIMER, Deed::Replaced)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", &format!("{UNIT}.timer")])
}

/// `cseal` beside the program that runs, in letters that a unit and a crontab take as they are.
///
/// # Errors
/// `system-files` where others than root can write it.
pub(super) fn program() -> Result<String, Failure> {
    let own = env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    let path = own.with_file_name("cseal").display().to_string();
    let failed = |what: String| {
        Failure::unknown("system-files", format!("{path}: {what}")).hint("install cseal in /usr/local/bin")
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._+-".contains(letter);
    if !path.chars().all(is_plain) {
        return Err(failed("a timer cannot name such a path".to_owned()));
    }
    // Whoever could exchange it would run programs as root.
    check_settings(Path::new(&path)).map_err(|why| failed(format!("root's timer does not run it: {why}")))?;
    Ok(path)
}

fn cron(program: &str) -> String {
    format!(
        "# Sends what the users of this machine handed to cseal-sendmail.\n* * * * * root {program} queue flush --due --system\n"
    )
}

fn service(program: &str) -> String {
    format!(
        "[Unit]\nDescription=Send what was handed to cseal-sendmail\nAfter=network-online.target\n\
         Wants=network-online.target\n\n[Service]\nType=oneshot\nExecStart={program} queue flush --due --system\n"
    )
}

const TIMER: &str = "\
[Unit]
Description=Send what was handed to cseal-sendmail

[Timer]
OnBootSec=1min
OnUnitInactiveSec=1min
AccuracySec=10s

[Install]
WantedBy=timers.target
";

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let ran = Command::new("systemctl").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    match ran {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(timer_failed(arguments, &status.to_string())),
        Err(error) => Err(timer_failed(arguments, &error.to_string())),
    }
}

fn timer_failed(arguments: &[&str], why: &str) -> Failure {
    let words = arguments.join(" ");
    Failure::unknown("timer", format!("systemctl {words}: {why}"))
        .hint(format!("begin it by hand: systemctl {words}"))
}
