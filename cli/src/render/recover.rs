//! Recovery sheets, in words and as JSON.

use std::path::PathBuf;

use serde::Serialize;

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
