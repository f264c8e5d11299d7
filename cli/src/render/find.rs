//! What was found on the network, in words and as JSON.

use counterseal_core::address::EmailAddress;
use serde::Serialize;

use super::json::line;
use super::keys::CertificateObject;
use crate::failure::Failure;
use crate::lookup::{Answer, Candidate, Outcome, Source, Standing};
use crate::terminal::{self, SafeText};

/// Everything that a look-up came to.
pub(crate) struct Report<'r> {
    pub(crate) address: &'r EmailAddress,
    pub(crate) answers: &'r [Answer],
    pub(crate) candidates: &'r [Candidate],
    pub(crate) imported: bool,
}

#[derive(Serialize)]
struct ReportObject<'r> {
    version: u32,
    address: String,
    sources: Vec<SourceObject<'r>>,
    candidates: Vec<CandidateObject>,
    imported: bool,
}

#[derive(Serialize)]
struct SourceObject<'r> {
    source: &'static str,
    asked: &'r str,
    result: &'static str,
    reason: Option<&'static str>,
    message: Option<&'r str>,
    certificates: usize,
    openpgp: bool,
    dnssec: Option<&'static str>,
}

#[derive(Serialize)]
struct CandidateObject {
    fingerprint: String,
    sha256: String,
    algorithm: String,
    #[serde(rename = "use")]
    key_use: &'static str,
    sources: Vec<&'static str>,
    score: u32,
    level: &'static str,
    counts_until: Option<String>,
    certificate: CertificateObject,
}

/// Shows it.
pub(crate) fn report(report: &Report<'_>, json: bool) -> Result<(), Failure> {
    let text = if json { format!("{}\n", line(&object(report))) } else { words(report) };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn object<'r>(report: &Report<'r>) -> ReportObject<'r> {
    ReportObject {
        version: 1,
        address: report.address.to_string(),
        sources: report.answers.iter().map(source).collect(),
        candidates: report.candidates.iter().map(candidate).collect(),
        imported: report.imported,
    }
}

fn source(answer: &Answer) -> SourceObject<'_> {
    let (result, reason, message) = match &answer.outcome {
        Outcome::Found(_) => ("found", None, None),
        Outcome::Nothing => ("nothing", None, None),
        Outcome::Failed(trouble) => ("failed", Some(trouble.word), Some(trouble.message.as_str())),
    };
    let found = answer.found();
    SourceObject {
        source: answer.source.word(),
        asked: &answer.asked,
        result,
        reason,
        message,
        certificates: found.map_or(0, |found| found.certificates.len()),
        openpgp: found.is_some_and(|found| found.openpgp.is_some()),
        dnssec: found.and_then(|found| match &found.standing {
            Standing::Dns { secure: true } => Some("secure"),
            Standing::Dns { secure: false } => Some("insecure"),
            Standing::Domain | Standing::Server(_) | Standing::Nobody => None,
        }),
    }
}

fn candidate(candidate: &Candidate) -> CandidateObject {
    let certificate = &candidate.certificate;
    let until = candidate.evidence.iter().map(|row| row.until).max();
    CandidateObject {
        fingerprint: certificate.fingerprint().to_string(),
        sha256: certificate.fingerprint().to_hex(),
        algorithm: certificate.public_key().algorithm().name(),
        key_use: key_use(candidate),
        sources: candidate.sources.iter().map(|source| source.word()).collect(),
        score: candidate.decision.score,
        level: candidate.decision.level.word(),
        counts_until: until.map(|until| counterseal_core::time::Time::from_unix_seconds(until).to_rfc3339()),
        certificate: CertificateObject::of(certificate),
    }
}

fn key_use(candidate: &Candidate) -> &'static str {
    if candidate.certificate.may_receive_encrypted_mail().is_ok() { "encryption" } else { "signing" }
}

fn words(report: &Report<'_>) -> String {
    let mut text = String::new();
    for answer in report.answers {
        text.push_str(&format!(
            "{:<8}{}\n        {}\n",
            answer.source.word(),
            SafeText(&answer.asked),
            said(answer)
        ));
    }
    for candidate in report.candidates {
        let certificate = &candidate.certificate;
        let sources: Vec<&str> = candidate.sources.iter().map(|source: &Source| source.word()).collect();
        text.push_str(&format!(
            "\n  {}  {}, {} points, by {}\n      {} {}, until {}, {}\n",
            certificate.fingerprint(),
            candidate.decision.level.word(),
            candidate.decision.score,
            sources.join(" and "),
            key_use(candidate),
            certificate.public_key().algorithm().name(),
            certificate.not_after().to_date(),
            SafeText(&certificate.subject()),
        ));
    }
    text.push_str(&end(report));
    text
}

fn said(answer: &Answer) -> String {
    let found = match &answer.outcome {
        Outcome::Found(found) => found,
        Outcome::Nothing => return "nothing".to_owned(),
        Outcome::Failed(trouble) => {
            return format!("failed: {} ({})", SafeText(&trouble.message), trouble.word);
        }
    };
    match &found.standing {
        Standing::Dns { secure: true } => format!("{} records, proven by DNSSEC", found.records.len()),
        Standing::Dns { secure: false } => format!("{} records, proven by nothing", found.records.len()),
        Standing::Domain if found.openpgp.is_some() => "an OpenPGP certificate".to_owned(),
        Standing::Domain | Standing::Server(_) | Standing::Nobody => {
            format!("{} certificates", found.certificates.len())
        }
    }
}

fn end(report: &Report<'_>) -> String {
    if report.candidates.is_empty() {
        return format!("\nNo certificate of {} was found.\n", SafeText(&report.address.to_string()));
    }
    if report.imported {
        "\nTaken in.\n".to_owned()
    } else {
        "\nNothing was taken in: say --import.\n".to_owned()
    }
}
