//! Statements: small signed texts about S/MIME keys (`docs/formats/statement.md`).

mod clear_sign;
mod clear_signed;
mod parse;
mod sign;
mod signed;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use signed::{OpenPgpSigner, SignedStatement, StatementSigner};

use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;
use crate::time::Time;

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// About what.
    pub kind: StatementKind,
    /// Whose key it is.
    pub subject: EmailAddress,
    /// The key, as the leading letters of its UDF, at least 260 bits.
    pub key: String,
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
    /// When it was made.
    pub issued: Time,
    /// The first moment when it does not hold, as far as it says so.
    pub expires: Option<Time>,
    /// Lines of others, whose keys begin with `X-`; kept and not understood.
    pub extensions: Vec<(String, String)>,
}

/// The kinds of statements, each with what only it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// The signer is sure that the key belongs to the subject.
    Endorsement {
        /// How they know.
        basis: Basis,
        /// How sure they are, 1 to 120.
        amount: u8,
    },
    /// The signer's own address has this key.
    Link,
    /// The signer's own address is encrypted to with this key.
    Uses,
    /// The key follows an older one, which signs this.
    Succession {
        /// The older key, as the leading letters of its UDF, at least 260 bits.
        old: String,
        /// Why.
        reason: Reason,
    },
    /// The signer takes a statement back.
    Withdrawal {
        /// SHA-256 of its text.
        statement: [u8; 32],
        /// Why.
        reason: Reason,
    },
}

/// How somebody knows whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// They met.
    InPerson,
    /// They saw and heard each other.
    Video,
    /// They saw documents.
    Documents,
    /// They wrote to each other.
    Correspondence,
    /// They are employed by the same.
    Employer,
    /// At a gathering for this.
    KeyParty,
    /// In another way.
    Other,
}

/// Why a key or a statement is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// There is a newer one.
    Superseded,
    /// It is lost.
    Lost,
    /// Somebody else may have it.
    Compromised,
    /// It is not used any more.
    Retired,
    /// It was wrong.
    Error,
}

/// Why something is no statement, or not a signed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatementError {
    /// Beyond the limits of its size.
    TooLarge,
    /// The line of this number, from 1, is not what must stand there.
    Line(usize),
    /// Written again it is another text.
    NotCanonical,
    /// Not one signature around nothing but the text.
    Framing,
    /// None of the certificates given is the signer's.
    SignerUnknown,
    /// The signature does not hold, or its algorithm is too weak.
    BadSignature,
    /// The signer's key may not sign documents: a twin, an encryption key, expired, revoked.
    SignerUnsuitable,
    /// The signature was not made within a day of when the statement says.
    WrongTime,
    /// A statement of this kind cannot be signed in this way.
    WrongKind,
}

impl StatementError {
    /// The word of it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Line(_) => "line",
            Self::NotCanonical => "not-canonical",
            Self::Framing => "framing",
            Self::SignerUnknown => "signer-unknown",
            Self::BadSignature => "bad-signature",
            Self::SignerUnsuitable => "signer-unsuitable",
            Self::WrongTime => "wrong-time",
            Self::WrongKind => "wrong-kind",
        }
    }
}

impl fmt::Display for StatementError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("the statement is too large"),
            Self::Line(line) => write!(formatter, "line {line} of the statement is wrong"),
            Self::NotCanonical => formatter.write_str("the statement is not written as it must be"),
            Self::Framing => formatter.write_str("there is more or less than one signed statement"),
            Self::SignerUnknown => formatter.write_str("the signer's certificate is not known"),
            Self::BadSignature => formatter.write_str("the statement's signature does not hold"),
            Self::SignerUnsuitable => formatter.write_str("the signer's key may not sign statements"),
            Self::WrongTime => formatter.write_str("the statement was not signed when it says"),
            Self::WrongKind => formatter.write_str("such a statement is signed in another way"),
        }
    }
}

impl std::error::Error for StatementError {}

/// Groups of four letters of a key in a statement: 260 bits.
const KEY_GROUPS: usize = 13;
/// How long a statement holds that does not say so: five years.
const DEFAULT_DAYS: i64 = 5 * 365;

impl Statement {
    /// A statement about a key.
    #[must_use]
    pub fn new(kind: StatementKind, subject: EmailAddress, key: &Fingerprint, issued: Time) -> Self {
        Self {
            kind,
            subject,
            key: Self::name_of(key),
            spki_sha256: *key.sha256(),
            issued,
            expires: None,
            extensions: Vec::new(),
        }
    }

    /// A key as statements name it.
    #[must_use]
    pub fn name_of(key: &Fingerprint) -> String {
        let full = key.to_full_string();
        full.get(..KEY_GROUPS * 5 - 1).unwrap_or(&full).to_owned()
    }

    /// Whether it is about this key.
    #[must_use]
    pub fn is_about(&self, key: &Fingerprint) -> bool {
        self.spki_sha256 == *key.sha256() && key.is_named_by(&self.key)
    }

    /// Whether it holds at a moment. What was taken back stays so.
    #[must_use]
    pub fn holds_at(&self, at: Time) -> bool {
        if let StatementKind::Withdrawal { reason, .. } = &self.kind {
            // Nobody knows since when something compromised or wrong was so.
            return self.issued <= at || matches!(reason, Reason::Compromised | Reason::Error);
        }
        self.issued <= at && at < self.expires.unwrap_or_else(|| self.issued.plus_days(DEFAULT_DAYS))
    }

    /// SHA-256 of its text: what a withdrawal calls it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_text()).into()
    }

    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![
            "SMIME-Statement: 1".to_owned(),
            format!("Type: {}", self.kind.word()),
            format!("Subject: {}", self.subject),
            format!("Key: {}", self.key),
            format!("SPKI-SHA256: {}", hexadecimal(&self.spki_sha256)),
        ];
        if let StatementKind::Endorsement { basis, amount } = &self.kind {
            lines.push(format!("Basis: {}", basis.word()));
            lines.push(format!("Amount: {amount}"));
        }
        lines.push(format!("Issued: {}", self.issued.to_rfc3339()));
        lines.extend(self.expires.map(|expires| format!("Expires: {}", expires.to_rfc3339())));
        let replaces = match &self.kind {
            StatementKind::Succession { old, reason } => Some((old.clone(), reason)),
            StatementKind::Withdrawal { statement, reason } => Some((hexadecimal(statement), reason)),
            StatementKind::Endorsement { .. } | StatementKind::Link | StatementKind::Uses => None,
        };
        if let Some((replaces, reason)) = replaces {
            lines.push(format!("Replaces: {replaces}"));
            lines.push(format!("Reason: {}", reason.word()));
        }
        lines.extend(self.extensions.iter().map(|(key, value)| format!("{key}: {value}")));
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

impl StatementKind {
    /// As `Type` has it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Endorsement { .. } => "endorsement",
            Self::Link => "link",
            Self::Uses => "uses",
            Self::Succession { .. } => "succession",
            Self::Withdrawal { .. } => "withdrawal",
        }
    }
}

impl Basis {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::InPerson,
        Self::Video,
        Self::Documents,
        Self::Correspondence,
        Self::Employer,
        Self::KeyParty,
        Self::Other,
    ];

    /// As `Basis` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InPerson => "in-person",
            Self::Video => "video",
            Self::Documents => "documents",
            Self::Correspondence => "correspondence",
            Self::Employer => "employer",
            Self::KeyParty => "key-party",
            Self::Other => "other",
        }
    }
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Superseded, Self::Lost, Self::Compromised, Self::Retired, Self::Error];

    /// As `Reason` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Lost => "lost",
            Self::Compromised => "compromised",
            Self::Retired => "retired",
            Self::Error => "error",
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
