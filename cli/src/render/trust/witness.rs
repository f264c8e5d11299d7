//! Witnesses in words and as JSON.

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use serde::Serialize;

use super::domains::day;
use crate::failure::Failure;
use crate::render::json::{hexadecimal, line};
use crate::terminal::{self, SafeText, say};

/// An authority, and until where it stamped the history.
#[derive(Serialize)]
pub(crate) struct WitnessObject {
    subject: String,
    fingerprint: String,
    sha256: String,
    url: Option<String>,
    stamped: Option<StampObject>,
    evidence: Vec<EvidenceStampObject>,
}

#[derive(Serialize)]
struct StampObject {
    length: u64,
    at: String,
    response: String,
}

/// A stamp of a certificate or a statement.
#[derive(Serialize)]
struct EvidenceStampObject {
    sha256: String,
    at: String,
    response: String,
}

impl WitnessObject {
    /// Of an authority; `proven` are the entries that its newest stamp proves, the time, and the stamp in
    /// hexadecimal; `evidence` the same of certificates and statements, by their SHA-256.
    pub(crate) fn new(
        authority: &Certificate,
        url: &str,
        proven: Option<(u64, Time, String)>,
        evidence: Vec<([u8; 32], Time, String)>,
    ) -> Self {
        let stamp = |(digest, at, response): ([u8; 32], Time, String)| EvidenceStampObject {
            sha256: hexadecimal(&digest),
            at: at.to_rfc3339(),
            response,
        };
        let key = authority.fingerprint();
        Self {
            subject: authority.subject(),
            fingerprint: key.to_string(),
            sha256: key.to_hex(),
            url: Some(url.to_owned()).filter(|url| !url.is_empty()),
            stamped: proven.map(|(length, at, response)| StampObject {
                length,
                at: at.to_rfc3339(),
                response,
            }),
            evidence: evidence.into_iter().map(stamp).collect(),
        }
    }

    fn words(&self) -> String {
        let url = self.url.as_deref().unwrap_or("asked by nobody");
        let stamped = self.stamped.as_ref().map_or_else(
            || "no stamp yet".to_owned(),
            |stamp| format!("{} entries proven since {}", stamp.length, day(&stamp.at)),
        );
        let evidence = self.evidence.iter().map(EvidenceStampObject::words);
        format!("  {}  {}, {}, {stamped}\n", self.fingerprint, SafeText(&self.subject), SafeText(url))
            + &evidence.collect::<String>()
    }
}

impl EvidenceStampObject {
    fn words(&self) -> String {
        format!("    SHA-256 {} proven since {}\n", self.sha256, day(&self.at))
    }
}

#[derive(Serialize)]
struct List {
    version: u32,
    witnesses: Vec<WitnessObject>,
}

/// Lists the authorities on standard output.
pub(crate) fn list(witnesses: Vec<WitnessObject>, as_json: bool) -> Result<(), Failure> {
    let text = if as_json {
        format!("{}\n", line(&List { version: 1, witnesses }))
    } else if witnesses.is_empty() {
        "no witnesses\n".to_owned()
    } else {
        witnesses.iter().map(WitnessObject::words).collect()
    };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

/// An authority that is not believed any more.
#[derive(Serialize)]
pub(crate) struct RemovedObject {
    subject: String,
    fingerprint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

impl RemovedObject {
    /// Of an authority.
    pub(crate) fn new(authority: &Certificate, url: &str) -> Self {
        let fingerprint = authority.fingerprint().to_string();
        Self { subject: authority.subject(), fingerprint, url: url.to_owned() }
    }

    fn words(&self) -> String {
        let url = if self.url.is_empty() { String::new() } else { format!("\n    {}", SafeText(&self.url)) };
        format!("removed: {}\n    {}{url}\n", self.fingerprint, SafeText(&self.subject))
    }
}

#[derive(Serialize)]
struct Removed {
    version: u32,
    removed: Vec<RemovedObject>,
}

/// Names those that are not believed any more.
pub(crate) fn removed(removed: Vec<RemovedObject>, as_json: bool) -> Result<(), Failure> {
    let text = if as_json {
        format!("{}\n", line(&Removed { version: 1, removed }))
    } else {
        removed.iter().map(RemovedObject::words).collect()
    };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

/// Says who did not answer while others did.
pub(crate) fn missed(failures: &[String]) {
    failures.iter().for_each(|failure| say(&format!("note: {}", SafeText(failure))));
}
