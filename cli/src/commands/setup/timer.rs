//! What sends the mail that waits in the queue: a timer of systemd, or a line of the crontab.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::args;
use crate::failure::Failure;
use crate::files::write_file;
use crate::places;
use crate::terminal::shell_word;
use crate::token::check_settings;

const SERVICE: &str = "counterseal-flush.service";
const TIMER: &str = "counterseal-flush.timer";
/// By which a line of ours is known again.
const COMMAND: &str = "queue flush --due";

/// What sends it from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Installed {
    /// The timer runs.
    Enabled(PathBuf),
    /// The timer is written, and nobody is logged in whom systemd would run it for.
    Written(PathBuf),
    /// The line is in the crontab.
    Crontab,
    /// The line, for the person to put somewhere.
    Line(String),
    /// Nothing, because the person wants it so.
    Nothing,
}

/// Installs what was asked for; where nothing was, a timer of systemd, or without it nothing but a line to be read.
pub(super) fn install(wanted: Option<args::Timer>) -> Result<Installed, Failure> {
    match wanted {
        Some(args::Timer::None) => Ok(Installed::Nothing),
        Some(args::Timer::Systemd) => systemd(),
        Some(args::Timer::Cron) => crontab(),
        // Who keeps everything in one folder has it for a trial, or for somebody else.
        None if Path::new("/run/systemd/system").is_dir() && home()?.is_none() => systemd(),
        None => Ok(Installed::Line(line(&program()?, home()?.as_deref()))),
    }
}

/// What the timer runs.
///
/// # Errors
/// `timer` where its name would be more than one line of a unit or of a crontab, or where whoever can exchange it would run
/// programs as root.
fn program() -> Result<PathBuf, Failure> {
    let path = env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    let failed = |why: &str| {
        Failure::unknown("timer", format!("no timer runs {}: {why}", path.display()))
            .hint("install cseal in /usr/local/bin, or use --timer none")
    };
    if path.to_str().is_none_or(|path| path.chars().any(char::is_control)) {
        return Err(failed("its name is more than one line, or no text"));
    }
    if rustix::process::geteuid().is_root() {
        check_settings(&path).map_err(|why| failed(&why))?;
    }
    Ok(path)
}

/// The one folder in which everything is, where there is one.
///
/// # Errors
/// `timer` where its name would be more than one line of a unit or of a crontab.
fn home() -> Result<Option<String>, Failure> {
    let Some(home) = env::var_os("COUNTERSEAL_HOME").filter(|home| !home.is_empty()) else { return Ok(None) };
    match home.into_string() {
        Ok(home) if !home.chars().any(char::is_control) => Ok(Some(home)),
        _ => Err(Failure::unknown("timer", "no timer can name the folder in COUNTERSEAL_HOME")
            .hint("use --timer none, or a folder without control characters in its name")),
    }
}

fn systemd() -> Result<Installed, Failure> {
    let directory = places::user_units()?;
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    write_file(&directory.join(SERVICE), service(&program()?, home()?.as_deref()).as_bytes(), true)?;
    let timer = directory.join(TIMER);
    write_file(&timer, TIMER_TEXT.as_bytes(), true)?;
    let is_enabled = systemctl(&["daemon-reload"]) && systemctl(&["enable", "--now", TIMER]);
    Ok(if is_enabled { Installed::Enabled(timer) } else { Installed::Written(timer) })
}

const TIMER_TEXT: &str = "[Unit]\nDescription=Send the mail that waits in the queue of cseal\n\n\
    [Timer]\nOnStartupSec=1min\nOnUnitActiveSec=5min\n\n[Install]\nWantedBy=timers.target\n";

fn service(program: &Path, home: Option<&str>) -> String {
    // systemd.unit(5) and systemd.exec(5): a percent sign stands for itself only doubled.
    let quoted = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
        format!("\"{escaped}\"")
    };
    let environment =
        home.map(|home| format!("Environment={}\n", quoted(&format!("COUNTERSEAL_HOME={home}"))));
    format!(
        "[Unit]\nDescription=Send the mail that waits in the queue of cseal\n\n[Service]\nType=oneshot\n{}ExecStart={} {COMMAND}\n",
        environment.unwrap_or_default(),
        quoted(&program.display().to_string())
    )
}

fn systemctl(arguments: &[&str]) -> bool {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The line: in a crontab a percent sign ends the command, and the rest is for its shell.
fn line(program: &Path, home: Option<&str>) -> String {
    let quoted = |text: &str| shell_word(text).replace('%', "\\%");
    let home = home.map(|home| format!("COUNTERSEAL_HOME={} ", quoted(home))).unwrap_or_default();
    let program = quoted(&program.display().to_string());
    format!("*/5 * * * * {home}{program} {COMMAND} >/dev/null 2>&1")
}

fn crontab() -> Result<Installed, Failure> {
    let failed = |what: String| {
        Failure::unknown("timer", format!("the crontab was not changed: {what}")).hint(
            "put the line in yourself: cseal setup prints it where there is no systemd; or use --timer none",
        )
    };
    let read = Command::new("crontab").arg("-l").env("LC_ALL", "C").stdin(Stdio::null()).output();
    let read = read.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&read.stderr).into_owned();
    // Who has none yet is told so, and that is the only failure after which an empty one may be begun.
    if !read.status.success() && !said.contains("no crontab for") {
        return Err(failed(said.trim().to_owned()));
    }
    let before = String::from_utf8(read.stdout).map_err(|_| failed("it is not UTF-8".to_owned()))?;
    let line = line(&program()?, home()?.as_deref());
    if before.lines().any(|other| other == line) {
        return Ok(Installed::Crontab);
    }
    let line_end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let after = format!("{before}{line_end}{line}\n");
    let mut child = Command::new("crontab")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let written = child.stdin.take().map(|mut input| input.write_all(after.as_bytes()));
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    match written {
        Some(Ok(())) if status.success() => Ok(Installed::Crontab),
        _ => Err(failed(format!("crontab ended with {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_whatever_stands_in_it() {
        let text = service(Path::new("/opt/a b/100%\"/cseal"), Some("/home/al ice"));
        assert!(text.contains("ExecStart=\"/opt/a b/100%%\\\"/cseal\" queue flush --due\n"), "{text}");
        assert!(text.contains("Environment=\"COUNTERSEAL_HOME=/home/al ice\"\n"), "{text}");
        let line = line(Path::new("/opt/a b/100%'/cseal"), None);
        assert!(line.contains("'/opt/a b/100\\%'\\''/cseal' queue flush"));
    }
}
