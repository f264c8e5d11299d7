//! What `cseal doctor` found, as a list and as JSON.

use serde::Serialize;

use super::json::line;
use crate::commands::doctor::{Check, Finding, Severity};
use crate::failure::Failure;
use crate::terminal::{Mark, SafeText, marked, print};

#[derive(Serialize)]
struct Object<'a> {
    version: u32,
    checks: Vec<CheckObject<'a>>,
}

#[derive(Serialize)]
struct CheckObject<'a> {
    check: &'a str,
    result: &'a str,
    findings: Vec<FindingObject<'a>>,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    severity: &'a str,
    word: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// Shows all checks on standard output.
pub(crate) fn show(checks: &[Check], json: bool) -> Result<(), Failure> {
    let text = if json { format!("{}\n", line(&object(checks))) } else { words(checks) };
    print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn worst(check: &Check) -> Option<Severity> {
    check.findings.iter().map(|finding| finding.severity).max()
}

fn object(checks: &[Check]) -> Object<'_> {
    Object { version: 1, checks: checks.iter().map(CheckObject::of).collect() }
}

impl<'a> CheckObject<'a> {
    fn of(check: &'a Check) -> Self {
        Self {
            check: check.name,
            result: worst(check).map_or("good", Severity::word),
            findings: check.findings.iter().map(FindingObject::of).collect(),
        }
    }
}

impl<'a> FindingObject<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity.word(),
            word: finding.word,
            message: &finding.message,
            hint: finding.hint.as_deref(),
        }
    }
}

fn words(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match worst(check) {
            None => Mark::Positive,
            Some(Severity::Note) => Mark::Neutral,
            Some(Severity::Warning) => Mark::Warning,
            Some(Severity::Broken) => Mark::Error,
        };
        text.push_str(&format!("{}\n", marked(mark, check.name)));
        for finding in &check.findings {
            text.push_str(&format!("    {}   {}\n", finding.word, SafeText(&finding.message)));
            if let Some(hint) = &finding.hint {
                text.push_str(&format!("      {}\n", SafeText(hint)));
            }
        }
    }
    text
}
