//! Devices that cannot run cseal, in words and as JSON.

use std::path::PathBuf;
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::args::Report;
use crate::commands::device::foreign::ForeignReader;
use crate::failure::Failure;
use crate::terminal::{SafeText, print, qr_code, say, show_on_terminal};

#[derive(Serialize)]
struct AddedObject<'a> {
    version: u32,
    foreign: &'a str,
    kind: &'a str,
    keys: usize,
    at: String,
    files: Vec<String>,
}

/// Shows the password on the terminal device, whatever the streams are.
pub(crate) fn password(password: &SecretBytes) -> Result<(), Failure> {
    let shown = String::from_utf8_lossy(password.expose());
    let text = zeroize::Zeroizing::new(format!(
        "The password of the file, which the device asks for. It is kept nowhere:\n\n    {shown}\n\n"
    ));
    show_on_terminal(&text).map_err(|error| Failure::io("the terminal", &error))
}

/// Shows where the file is offered.
pub(crate) fn offer(url: &str, wait: Duration) -> Result<(), Failure> {
    let code = qr_code(url, "type the address");
    say(&format!(
        "{code}Scan this with the device, or type it there. It works once, for {}; then the password \
         comes here:\n    {url}",
        counted(wait.as_secs() as usize, "second")
    ));
    Ok(())
}

/// Says what the device has now.
pub(crate) fn added(reader: &ForeignReader, written: &[PathBuf], report: &Report) -> Result<(), Failure> {
    let files: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    if report.json {
        let object = line(&AddedObject {
            version: 1,
            foreign: &reader.name,
            kind: &reader.kind,
            keys: reader.keys.len(),
            at: reader.at.to_rfc3339(),
            files,
        });
        return print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    for file in &files {
        say(&format!("Written: {}", SafeText(file)));
    }
    let keys = counted(reader.keys.len(), "key");
    say(&format!(
        "{} is listed as a reader with {keys}. After the next new key it is behind: then add it",
        SafeText(&reader.name)
    ));
    say("again. What it was given cannot be taken back; if it is lost, make a new key: cseal keys renew");
    Ok(())
}
