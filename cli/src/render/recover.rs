//! Recovery sheets, in words and as JSON.

use std::path::PathBuf;

use counterseal_core::fingerprint::Fingerprint;
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

/// What came of beginning anew.
pub(crate) struct Brought {
    pub(crate) put_out: usize,
    pub(crate) keys: usize,
    pub(crate) missing: usize,
    pub(crate) new_key: Option<Fingerprint>,
    /// Keys that another CA than the personal one certified.
    pub(crate) certified_elsewhere: usize,
}

#[derive(Serialize)]
struct BroughtObject {
    version: u32,
    put_out: usize,
    keys: usize,
    missing: usize,
    new_key: Option<String>,
    certified_elsewhere: usize,
}

/// Says what is back.
pub(crate) fn brought_back(brought: &Brought, report: &Report) -> Result<(), Failure> {
    let new_key = brought.new_key.as_ref().map(ToString::to_string);
    if report.json {
        let Brought { put_out, keys, missing, certified_elsewhere, .. } = *brought;
        let object =
            line(&BroughtObject { version: 1, put_out, keys, missing, new_key, certified_elsewhere });
        return print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    let (keys, devices) = (counted(brought.keys, "key"), counted(brought.put_out, "device"));
    say(&format!(
        "{keys} that open mail are back. Put out: {devices}. This machine is your only device now."
    ));
    if brought.missing > 0 {
        say(&format!("Not in the copy: {} that the log names.", counted(brought.missing, "key")));
    }
    if let Some(key) = new_key {
        say(&format!("New key to encrypt to: {key}. Others see it in your next signed mail."));
    }
    if brought.certified_elsewhere > 0 {
        say(&super::devices::certified_elsewhere(brought.certified_elsewhere));
    }
    say("hint: if a lost device was unlocked, its finder can issue certificates in your name:");
    say("      cseal keys renew --personal-ca");
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
