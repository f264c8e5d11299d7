//! What was written, as JSON or, with `-v`, in words: copies and signatures.

use counterseal_core::address::EmailAddress;
use counterseal_core::message::{OutgoingCopy, Signer};
use serde::Serialize;

use super::json::line;
use crate::args::Report;
use crate::failure::Failure;
use crate::files::write_file;
use crate::terminal::{SafeText, print, say};

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

    /// `copy-2.eml: sealed for carol@example.org alone (Bcc), aes-256-gcm`
    fn words(&self) -> String {
        let file = self.file.as_ref().map(|file| format!("{}: ", SafeText(file))).unwrap_or_default();
        let readers: Vec<String> =
            self.recipients.iter().map(|reader| SafeText(reader).to_string()).collect();
        let readers =
            if readers.is_empty() { "readers without an address".to_owned() } else { readers.join(", ") };
        let blind = if self.blind { " alone (Bcc)" } else { "" };
        let cipher = self.cipher.map(|cipher| format!(", {cipher}")).unwrap_or_default();
        format!("{file}sealed for {readers}{blind}{cipher}")
    }
}

/// The list of copies as one line.
pub(crate) fn copies_json(copies: &[WrittenCopy]) -> String {
    line(&Copies { version: 1, copies })
}

/// Says which copies were written. `elsewhere`: standard output is free for the object.
pub(crate) fn copies(
    copies: &[WrittenCopy],
    report: &Report,
    elsewhere: bool,
    verbose: bool,
) -> Result<(), Failure> {
    if verbose && !report.json {
        copies.iter().for_each(|copy| say(&copy.words()));
    }
    tell(&copies_json(copies), report, elsewhere)
}

/// Says who is written to although their certificate ended.
pub(crate) fn ended(readers: &[(EmailAddress, u32)]) {
    for (address, days) in readers {
        let address = address.to_string();
        say(&format!("warning: the certificate of {} ended {days} days ago", SafeText(&address)));
    }
}

/// Says who signed.
pub(crate) fn signed(
    signer: &Signer<'_>,
    report: &Report,
    elsewhere: bool,
    verbose: bool,
) -> Result<(), Failure> {
    let address = signer.certificate().and_then(|certificate| certificate.addresses().first());
    let address = address.map(ToString::to_string);
    if verbose && !report.json {
        let name = address.as_deref().unwrap_or("somebody without an address");
        say(&format!("signed by {} with {}", SafeText(name), signer.key));
    }
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
