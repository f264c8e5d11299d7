//! What was written, as JSON: copies and signatures.

use counterseal_core::message::{OutgoingCopy, Signer};
use serde::Serialize;

use super::json::line;
use crate::args::Report;
use crate::failure::Failure;
use crate::files::write_file;
use crate::terminal::{print, say};

/// One copy, as `copies.json` and `--json` have it.
#[derive(Default, Serialize)]
pub(crate) struct WrittenCopy {
    /// Name of the file, where it has one of its own.
    pub(crate) file: Option<String>,
    /// Envelope recipients.
    pub(crate) recipients: Vec<String>,
    /// Whether it is for one Bcc reader alone.
    pub(crate) blind: bool,
    /// The cipher, where it is known here.
    pub(crate) cipher: Option<&'static str>,
    /// Whether only servers with SMTPUTF8 can carry it.
    pub(crate) smtputf8: bool,
}

#[derive(Serialize)]
struct Copies<'a> {
    version: u32,
    copies: &'a [WrittenCopy],
}

#[derive(Serialize)]
struct Signed {
    version: u32,
    fingerprint: String,
    address: Option<String>,
}

impl WrittenCopy {
    /// Of a copy.
    pub(crate) fn of(copy: &OutgoingCopy) -> Self {
        Self {
            file: None,
            recipients: copy.recipients.iter().map(ToString::to_string).collect(),
            blind: copy.blind,
            cipher: Some(copy.cipher.name()),
            smtputf8: copy.smtputf8,
        }
    }
}

/// The list of copies as one line.
pub(crate) fn copies_json(copies: &[WrittenCopy]) -> String {
    line(&Copies { version: 1, copies })
}

/// Says which copies were written. `elsewhere`: standard output is free for the object.
pub(crate) fn copies(copies: &[WrittenCopy], report: &Report, elsewhere: bool) -> Result<(), Failure> {
    tell(&copies_json(copies), report, elsewhere)
}

/// Says who signed.
pub(crate) fn signed(signer: &Signer<'_>, report: &Report, elsewhere: bool) -> Result<(), Failure> {
    let address = signer.certificate().and_then(|certificate| certificate.addresses().first());
    let address = address.map(ToString::to_string);
    tell(&line(&Signed { version: 1, fingerprint: signer.key.to_string(), address }), report, elsewhere)
}

fn tell(json: &str, report: &Report, elsewhere: bool) -> Result<(), Failure> {
    let text = format!("{json}\n");
    match (&report.status, report.json) {
        (Some(path), _) => write_file(path, text.as_bytes(), true),
        (None, true) if elsewhere => print(&text).map_err(|error| Failure::io("standard output", &error)),
        (None, true) => {
            say(json);
            Ok(())
        }
        (None, false) => Ok(()),
    }
}
