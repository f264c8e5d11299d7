//! What is taken along from one store of a person to another, in words and as JSON.

use std::path::Path;

use serde::Serialize;

use super::counted;
use super::keys::{day, print};
use crate::failure::{Exit, Failure};
use crate::store::EvidenceKind;
use crate::terminal::SafeText;
use crate::trust_file::Fault;

/// What came, or would come, of a file of trust.
#[derive(Debug, Serialize)]
pub(crate) struct TakenOver {
    pub(crate) file: String,
    pub(crate) made: String,
    /// The fingerprint of the trust key that signed it.
    pub(crate) key: String,
    /// Whether anything was taken over, or would only be.
    pub(crate) taken_over: bool,
    #[serde(serialize_with = "groups")]
    pub(crate) groups: Vec<(Group, Counts)>,
    pub(crate) left: Vec<Left>,
}

/// Rows that people tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    Certificates,
    Contacts,
    Pins,
    Reliances,
    Statements,
    OpenpgpCertificates,
    Dates,
    /// Entries of the history.
    History,
    /// What the history of another store came to, for each contact.
    Summary,
}

impl Group {
    /// Where a kind of evidence belongs.
    pub(crate) const fn of(kind: EvidenceKind) -> Self {
        match kind {
            EvidenceKind::Anchor
            | EvidenceKind::Introducer
            | EvidenceKind::Contact
            | EvidenceKind::Witness => Self::Reliances,
            EvidenceKind::Statement => Self::Statements,
            EvidenceKind::Signer | EvidenceKind::OpenPgpCertificate => Self::OpenpgpCertificates,
            _ => Self::Dates,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Contacts => "contacts",
            Self::Pins => "pins",
            Self::Reliances => "reliances",
            Self::Statements => "statements",
            Self::OpenpgpCertificates => "OpenPGP certificates",
            Self::Dates => "dates and look-ups",
            Self::History => "entries of the history",
            Self::Summary => "contacts' histories, summed up",
        }
    }
}

/// How many rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) new: usize,
    /// Known here, and older than was known.
    pub(crate) earlier: usize,
    pub(crate) known: usize,
}

/// A row that is not taken over.
#[derive(Debug, Serialize)]
pub(crate) struct Left {
    pub(crate) what: String,
    pub(crate) why: Why,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// It is about the person's own address or key.
    Yourself,
    /// The person compared another key here.
    OtherPin,
    /// Other keys are known for the address here.
    OtherKey,
    /// The person relies on it here with other limits.
    OtherLimits,
    /// It is not what its kind says.
    Unreadable,
    /// This version does not know the kind.
    UnknownKind,
}

impl Why {
    const fn words(self) -> &'static str {
        match self {
            Self::Yourself => "it is about yourself",
            Self::OtherPin => "you compared another key here, which stays",
            Self::OtherKey => "another key is known here, which stays",
            Self::OtherLimits => "you rely on it here with other limits, which stay",
            Self::Unreadable => "it is not what it says it is",
            Self::UnknownKind => "this version does not know what it is",
        }
    }
}

fn groups<S: serde::Serializer>(groups: &[(Group, Counts)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().map(|(group, counts)| (group, counts)))
}

/// The same in words.
pub(super) fn words(taken: &TakenOver) -> String {
    let verb = if taken.taken_over { "" } else { "would be " };
    let mut text = format!(
        "{}\n  written on {} and signed by the store with the trust key\n  {}\n",
        SafeText(&taken.file),
        day(&taken.made),
        taken.key
    );
    for (group, Counts { new, earlier, known }) in &taken.groups {
        let words = group.words();
        let earlier = if *earlier > 0 { format!(", {earlier} older than was known") } else { String::new() };
        text.push_str(&format!("  {words}: {new} {verb}new{earlier}, {known} known already\n"));
    }
    let left = taken.left.iter();
    text.extend(left.map(|left| format!("  not taken: {}: {}\n", SafeText(&left.what), left.why.words())));
    if !taken.taken_over {
        text.push_str(
            "  nothing of it was taken over: it would decide who is verified here. Is the file your own,\n  \
             and the key above the one that the export named? Then add --take-over-my-trust\n",
        );
    }
    text
}

/// Says what was written.
pub(crate) fn exported(folder: &Path, contacts: usize, key: &str) -> Result<(), Failure> {
    print(&format!(
        "{}, what you trust and the history are in {}\n  signed by your store's trust key\n  \
         {key}\n",
        counted(contacts, "contact"),
        folder.display()
    ))
}

/// A file of trust that is none.
pub(crate) fn not_read(path: &Path, fault: Fault) -> Failure {
    let (word, what) = match fault {
        Fault::Format => ("trust-file", "it is no file of trust".to_owned()),
        Fault::Version(version) => ("trust-file", format!("its format has version {version}, and this is 1")),
        Fault::TooManyLines => ("limit", "it has more than 1,000,000 lines".to_owned()),
        Fault::TooLong(line) => ("limit", format!("line {line} has more than 4 MiB")),
        Fault::Line(line) => ("trust-file", format!("line {line} is no row of one")),
        Fault::Value(line) => {
            ("trust-file", format!("a value in line {line} is none of its kind, or is to come"))
        }
        Fault::Twice(line) => ("trust-file", format!("line {line} was there before")),
        Fault::History => ("trust-file", "its history is no whole chain".to_owned()),
        Fault::End => ("trust-file", "it does not end as it was written".to_owned()),
        Fault::Signature => ("trust-file", "it is not what was signed".to_owned()),
    };
    let message = format!("{}: nothing was taken over: {what}", path.display());
    Failure::new(Exit::Unknown, word, message).hint("write it anew: `cseal keys export --contacts -o FOLDER`")
}
