//! Recovery sheets, in words and as JSON.

use std::path::PathBuf;

use counterseal_core::time::Time;
use serde::Serialize;

use super::counted;
use super::json::line;
use crate::args::Report;
use crate::failure::Failure;
use crate::terminal::{SafeText, print, qr_code, say, show_on_terminal};

#[derive(Serialize)]
struct SheetsObject<'a> {
    version: u32,
    account: &'a str,
    files: Vec<String>,
}

#[derive(Serialize)]
struct DrillObject {
    version: u32,
    opens: bool,
    devices: usize,
    keys: usize,
    missing: usize,
    at: String,
}

/// Says what the paper would bring back.
pub(crate) fn drill(
    (devices, keys): &(usize, usize),
    missing: usize,
    at: Time,
    report: &Report,
) -> Result<(), Failure> {
    if report.json {
        let (devices, keys, opens) = (*devices, *keys, missing == 0);
        let object = line(&DrillObject { version: 1, opens, devices, keys, missing, at: at.to_rfc3339() });
        return print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    let (devices, keys) = (counted(*devices, "device"), counted(*keys, "key"));
    if missing == 0 {
        say(&format!("The paper opens everything: {keys}, and the log of {devices}. Nothing was changed."));
    } else {
        let missing = counted(missing, "key");
        say(&format!("The paper opens {keys}, but {missing} that the log names are not in this copy."));
        say("hint: another device has them: `cseal device sync` there and here");
    }
    Ok(())
}

/// Shows a sheet on the terminal device, whatever the streams are.
pub(crate) fn on_terminal(text: &str, code: &str) -> Result<(), Failure> {
    let shown = zeroize::Zeroizing::new(format!("{text}\n{}", qr_code(code, "the words above are enough")));
    show_on_terminal(&shown).map_err(|error| Failure::io("the terminal", &error))
}

/// Says which sheets were made, for which account.
pub(crate) fn sheets(account: &str, files: &[PathBuf], report: &Report) -> Result<(), Failure> {
    let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    if report.json {
        let object = line(&SheetsObject { version: 1, account, files });
        return print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    say(&format!("Account {account}: is it the one of your earlier sheet?"));
    if !files.is_empty() {
        for file in &files {
            say(&format!("Written: {}", SafeText(file)));
        }
        say("It is in clear there. Print it, then delete it: nothing else keeps it.");
    }
    Ok(())
}
