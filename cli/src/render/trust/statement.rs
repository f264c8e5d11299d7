//! Statements, in words and as JSON (`docs/formats/json.md`).

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::openpgp::{SignedStatement, StatementKind, StatementSigner};
use counterseal_core::trust::Standing;
use serde::Serialize;

use super::domains::day;
use crate::failure::Failure;
use crate::render::json::{hexadecimal, line};
use crate::terminal::{self, SafeText, say};

/// A statement whose signature holds.
#[derive(Serialize)]
pub(crate) struct StatementObject {
    #[serde(rename = "type")]
    kind: &'static str,
    subject: String,
    key: String,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    issued: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    signed: String,
    signer: SignerObject,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    goes_along: bool,
}

#[derive(Serialize)]
struct SignerObject {
    kind: &'static str,
    fingerprint: String,
    names: Vec<String>,
}

impl StatementObject {
    /// Of a statement.
    pub(crate) fn of(signed: &SignedStatement) -> Self {
        let statement = &signed.statement;
        let (basis, amount) = match &statement.kind {
            StatementKind::Endorsement { basis, amount } => (Some(basis.word()), Some(*amount)),
            _ => (None, None),
        };
        let (replaces, reason) = match &statement.kind {
            StatementKind::Succession { old, reason } => (Some(old.clone()), Some(reason.word())),
            StatementKind::Withdrawal { statement, reason } => {
                (Some(hexadecimal(statement)), Some(reason.word()))
            }
            StatementKind::Endorsement { .. } | StatementKind::Link | StatementKind::Uses => (None, None),
        };
        Self {
            kind: statement.kind.word(),
            subject: statement.subject.to_string(),
            key: statement.key.chars().take(SHOWN_LETTERS).collect(),
            sha256: hexadecimal(&statement.spki_sha256),
            basis,
            amount,
            replaces,
            reason,
            issued: statement.issued.to_rfc3339(),
            expires: statement.expires.map(counterseal_core::time::Time::to_rfc3339),
            signed: signed.signed.to_rfc3339(),
            signer: SignerObject::of(signed),
            digest: hexadecimal(&statement.digest()),
            counts: None,
            standing: None,
            goes_along: false,
        }
    }

    /// The same, with whether it counts.
    pub(crate) fn standing(mut self, standing: Standing) -> Self {
        self.counts = Some(matches!(standing, Standing::Counts | Standing::Own | Standing::Withdraws));
        self.standing = Some(standing.word());
        self
    }

    /// The same, with whether it goes along with the owner's mail: it speaks for a key of theirs.
    pub(crate) fn going_along(mut self, goes_along: bool) -> Self {
        self.goes_along = goes_along;
        self
    }

    fn words(&self) -> String {
        let signer = self.signer.words(self.kind, &self.subject);
        let subject = SafeText(&self.subject);
        let what = match (self.kind, self.amount, self.basis) {
            ("endorsement", Some(amount), Some(basis)) => {
                format!("vouches for {subject} ({basis}, {amount} points)")
            }
            ("link", ..) => format!("says that this S/MIME key of {subject} is its owner's too"),
            ("uses", ..) => format!("says that {subject} is encrypted to with this key"),
            ("succession", ..) => format!("says that this key of {subject} follows it"),
            _ => format!("takes a statement about {subject} back ({})", self.reason.unwrap_or_default()),
        };
        let until = self.expires.as_ref().map(|until| format!(", until {}", day(until))).unwrap_or_default();
        let standing = self.standing.map(|standing| {
            // Who relies on its signer decides whether it counts: its subject does not need it.
            let words =
                if self.goes_along { "kept; goes along with your mail" } else { standing_words(standing) };
            format!("\n  {words}")
        });
        format!(
            "{signer}\n  {what}\n  {}\n  {}{until}{}\n",
            self.key,
            day(&self.issued),
            standing.unwrap_or_default()
        )
    }
}

/// Letters of a fingerprint that people compare, with their hyphens.
const SHOWN_LETTERS: usize = 34;

fn standing_words(word: &str) -> &'static str {
    match word {
        "counts" => "✓ counts",
        "own" => "your own word: counts for whoever relies on you",
        "withdraws" => "✓ ends what its signer stated",
        "not-yet" => "does not count: it holds only later",
        "ended" => "does not count: its time is over",
        "withdrawn" => "does not count: its signer took it back",
        "subject-unknown" => "does not count: no certificate of this key is known",
        _ => "does not count: you do not rely on its signer (`cseal trust rely`)",
    }
}

impl SignerObject {
    fn of(signed: &SignedStatement) -> Self {
        match &signed.signer {
            StatementSigner::OpenPgp(signer) => Self {
                kind: "openpgp",
                fingerprint: signer.certificate.to_string(),
                names: signer.user_ids.clone(),
            },
            StatementSigner::Key(key) => {
                let own = signed.certificates.first();
                let addresses = own.map(|own| own.addresses()).unwrap_or_default();
                Self {
                    kind: "key",
                    fingerprint: key.to_string(),
                    names: addresses.iter().map(ToString::to_string).collect(),
                }
            }
        }
    }

    fn words(&self, kind: &str, subject: &str) -> String {
        let name = match self.names.first() {
            Some(name) => name.clone(),
            // It is the key itself that speaks, and a personal CA has no address.
            None if kind == "succession" => format!("The older key of {subject}"),
            None => "somebody without a name".to_owned(),
        };
        format!("{} ({})", SafeText(&name), self.fingerprint)
    }
}

#[derive(Serialize)]
struct One<'a> {
    version: u32,
    #[serde(flatten)]
    statement: &'a StatementObject,
}

#[derive(Serialize)]
struct Several<'a> {
    version: u32,
    statements: &'a [StatementObject],
    #[serde(skip_serializing_if = "Option::is_none")]
    own_twins: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openpgp_certificates: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<ChangedObject>,
}

/// Somebody whose compared key said which one follows it.
#[derive(Serialize)]
pub(crate) struct ChangedObject {
    address: String,
    old: String,
    fingerprint: String,
}

impl ChangedObject {
    /// Of the two keys.
    pub(crate) fn new(address: &EmailAddress, old: &Fingerprint, key: &Fingerprint) -> Self {
        Self { address: address.to_string(), old: old.to_string(), fingerprint: key.to_string() }
    }

    fn words(&self) -> String {
        let Self { address, old, fingerprint } = self;
        format!(
            "{} changed keys: {old}, which you compared, says that it is followed by\n  {fingerprint}\n",
            SafeText(address)
        )
    }
}

/// One that was made. `elsewhere`: standard output is free.
pub(crate) fn made(statement: &StatementObject, elsewhere: bool, json: bool) -> Result<(), Failure> {
    let text = if json { line(&One { version: 1, statement }) } else { statement.words() };
    if elsewhere {
        return print(&format!("{}\n", text.trim_end_matches('\n')));
    }
    text.lines().for_each(say);
    Ok(())
}

/// What a statement says, and whether it counts.
pub(crate) fn checked(statement: &StatementObject, json: bool) -> Result<(), Failure> {
    print(&if json { format!("{}\n", line(&One { version: 1, statement })) } else { statement.words() })
}

/// All that are kept.
pub(crate) fn listed(statements: &[StatementObject], json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!(
            "{}\n",
            line(&Several {
                version: 1,
                statements,
                own_twins: None,
                openpgp_certificates: None,
                changed: Vec::new()
            })
        ));
    }
    if statements.is_empty() {
        return print(
            "You keep no statements. (OpenPGP certificates that you took in are none: `cseal trust show\n\
             ADDRESS` says what they are worth.)\n",
        );
    }
    print(&statements.iter().map(StatementObject::words).collect::<Vec<_>>().join("\n"))
}

/// What was taken in.
pub(crate) fn imported(
    statements: &[StatementObject],
    (own_twins, certificates): (usize, usize),
    changed: Vec<ChangedObject>,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return print(&format!(
            "{}\n",
            line(&Several {
                version: 1,
                statements,
                own_twins: Some(own_twins),
                openpgp_certificates: Some(certificates),
                changed
            })
        ));
    }
    let mut text = statements.iter().map(StatementObject::words).collect::<Vec<_>>().join("\n");
    if own_twins > 0 {
        text.push_str("your OpenPGP twin goes along with your mail from now on\n");
    }
    if certificates > 0 {
        let plural = if certificates == 1 { "" } else { "s" };
        text.push_str(&format!("taken in as evidence: {certificates} OpenPGP certificate{plural}\n"));
    }
    text.extend(changed.iter().map(ChangedObject::words));
    print(&text)
}

/// Commands for another program.
pub(crate) fn instructions(commands: &str) -> Result<(), Failure> {
    print(commands)
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(text).map_err(|error| Failure::io("standard output", &error))
}
