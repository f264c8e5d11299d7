//! What keeps a device up to date while nobody thinks of it: a service of systemd, for the person who is logged in.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::files::write_file;
use crate::places;

const SERVICE: &str = "counterseal-sync.service";

/// What was installed.
pub(crate) struct Installed {
    /// The unit.
    pub(crate) unit: PathBuf,
    /// Whether it runs now.
    pub(crate) runs: bool,
}

/// Writes the unit, and begins it where systemd runs for this user.
///
/// # Errors
/// `timer` where the program's name cannot stand in a unit; what writing says.
pub(super) fn install() -> Result<Installed, Failure> {
    let directory = places::user_units()?;
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    let unit = directory.join(SERVICE);
    write_file(&unit, text(&program()?, home()?.as_deref()).as_bytes(), true)?;
    let runs = systemctl(&["daemon-reload"]) && systemctl(&["enable", "--now", SERVICE]);
    Ok(Installed { unit, runs })
}

fn program() -> Result<PathBuf, Failure> {
    let path = env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    if path.to_str().is_none_or(|path| path.chars().any(char::is_control)) {
        let why = format!("no service runs {}: its name is more than one line, or no text", path.display());
        return Err(Failure::unknown("timer", why).hint("install cseal in /usr/local/bin"));
    }
    Ok(path)
}

fn home() -> Result<Option<String>, Failure> {
    let Some(home) = env::var_os("COUNTERSEAL_HOME").filter(|home| !home.is_empty()) else { return Ok(None) };
    match home.into_string() {
        Ok(home) if !home.chars().any(char::is_control) => Ok(Some(home)),
        _ => Err(Failure::unknown("timer", "no service can name the folder in COUNTERSEAL_HOME")),
    }
}

fn text(program: &Path, home: Option<&str>) -> String {
    // systemd.unit(5) and systemd.exec(5): a percent sign stands for itself only doubled, and so does a dollar sign.
    let quoted = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
        format!("\"{escaped}\"")
    };
    let environment =
        home.map(|home| format!("Environment={}\n", quoted(&format!("COUNTERSEAL_HOME={home}"))));
    format!(
        "[Unit]\nDescription=Keys of your devices, kept up to date by cseal\n\n\
         [Service]\nExecStart={} device sync --watch\n{}Restart=on-failure\nRestartSec=5min\nNice=10\n\n\
         [Install]\nWantedBy=default.target\n",
        quoted(&program.display().to_string()),
        environment.unwrap_or_default(),
    )
}

fn systemctl(arguments: &[&str]) -> bool {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_whatever_stands_in_it() {
        let text = text(Path::new("/opt/a b/100%\"$x/cseal"), Some("/home/al ice"));
        assert!(text.contains("ExecStart=\"/opt/a b/100%%\\\"$$x/cseal\" device sync --watch\n"), "{text}");
        assert!(text.contains("Environment=\"COUNTERSEAL_HOME=/home/al ice\"\n"), "{text}");
    }
}
