//! How far an OpenPGP certificate belongs to an address, in words and as JSON.

use counterseal_core::address::EmailAddress;
use counterseal_core::openpgp::{Authentication, Certificate, FULL, Path, Step};
use counterseal_core::time::Time;
use counterseal_core::trust::points::TABLE_VERSION;
use counterseal_core::trust::{Level, Profile, Thresholds};
use serde::Serialize;

use super::domains::day;
use crate::failure::Failure;
use crate::render::json::line;
use crate::terminal::{self, Mark, SafeText, marked};

/// An answer with the certifications that explain it.
#[derive(Serialize)]
pub(crate) struct Answer {
    version: u32,
    address: String,
    fingerprint: String,
    user_id: Option<String>,
    at: String,
    profile: &'static str,
    table_version: u32,
    score: u32,
    #[serde(serialize_with = "as_word")]
    pub(crate) level: Level,
    needed: u32,
    reasons: Vec<&'static str>,
    paths: Vec<PathObject>,
}

#[derive(Serialize)]
struct PathObject {
    root: String,
    points: u8,
    steps: Vec<StepObject>,
}

#[derive(Serialize)]
struct StepObject {
    issuer: String,
    target: String,
    user_id: String,
    points: u8,
    created: String,
}

impl Answer {
    /// By what was found. A certificate that has expired or is revoked belongs to nobody; without a
    /// user identifier it does not name the address.
    pub(crate) fn of(
        address: &EmailAddress,
        certificate: &Certificate,
        user_id: Option<String>,
        found: Authentication,
        at: Time,
    ) -> Self {
        let is_usable = certificate.is_usable_at(at);
        let score = if is_usable { found.amount.min(FULL.into()) } else { 0 };
        let thresholds = Thresholds::default();
        let mut reasons = Vec::new();
        if user_id.is_none() {
            reasons.push("other-address");
        }
        if certificate.revocation.holds_at(at) {
            reasons.push("revoked");
        } else if !is_usable {
            reasons.push("expired");
        }
        reasons.push(if score > 0 { "vouched" } else { "no-evidence" });
        Self {
            version: 1,
            address: address.to_string(),
            fingerprint: certificate.fingerprint.to_string(),
            user_id,
            at: at.to_rfc3339(),
            profile: Profile::WotOnly.word(),
            table_version: TABLE_VERSION,
            score,
            level: Level::of_score(score, score, found.paths.len(), &thresholds),
            needed: thresholds.verified,
            reasons,
            paths: found.paths.iter().map(path).collect(),
        }
    }
}

fn as_word<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.word())
}

fn path(path: &Path) -> PathObject {
    PathObject {
        root: path.root.to_string(),
        points: path.amount,
        steps: path.steps.iter().map(step).collect(),
    }
}

fn step(step: &Step) -> StepObject {
    StepObject {
        issuer: step.issuer.to_string(),
        target: step.target.to_string(),
        user_id: step.user_id.clone(),
        points: step.amount,
        created: step.created.to_rfc3339(),
    }
}

/// The answer as one JSON object.
pub(crate) fn json(answer: &Answer) -> String {
    line(answer)
}

/// Shows an answer on standard output.
pub(crate) fn answer(answer: &Answer, as_json: bool) -> Result<(), Failure> {
    let text = if as_json { format!("{}\n", json(answer)) } else { words(answer) };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}

fn words(answer: &Answer) -> String {
    let mark = if answer.level >= Level::Verified { Mark::Positive } else { Mark::Neutral };
    let mut text = format!(
        "{}   {}   {} points, {} needed\n  {}{}\n",
        marked(mark, answer.level.word()),
        SafeText(&answer.address),
        answer.score,
        answer.needed,
        answer.fingerprint,
        answer.user_id.as_ref().map(|text| format!("   {}", SafeText(text))).unwrap_or_default()
    );
    if !answer.paths.is_empty() {
        text.push_str("\n  Why\n");
    }
    for (number, path) in (1..).zip(&answer.paths) {
        text.push_str(&format!("  {number}. you rely on {}: {} points\n", path.root, path.points));
        for step in &path.steps {
            text.push_str(&format!(
                "     {} certified {} as {} ({}): {}\n",
                step.issuer,
                step.target,
                SafeText(&step.user_id),
                day(&step.created),
                step.points
            ));
        }
    }
    let but = answer.reasons.iter().filter_map(|reason| match *reason {
        "other-address" => Some("none of its user identifiers that are asked about names the address"),
        "revoked" => Some("it is revoked"),
        "expired" => Some("it has expired, or is not valid yet"),
        "no-evidence" => Some("nobody you rely on certified it"),
        _ => None,
    });
    let but: String = but.map(|sentence| format!("  - {sentence}\n")).collect();
    if !but.is_empty() {
        text.push_str(&format!("\n  But\n{but}"));
    }
    text
}
