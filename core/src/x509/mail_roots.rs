//! The roots that Mozilla trusts for mail, as a list that is part of the program.
//!
//! `cseal generate roots` makes it from the `certdata.txt` of NSS ([`from_certdata`]); where it is
//! from stands in its first lines. The data are under the Mozilla Public License, version 2.0.
//!
//! Nothing of it is read before somebody asks, and then only the roots whose name is asked for.
//!
//! Whoever trusts others brings a list of the same form ([`read`]).

mod certdata;

use std::fmt;

use memchr::memmem;

use crate::limits;
use crate::time::Time;
use crate::x509::path::Anchor;
use crate::x509::{Certificate, pem};

pub use certdata::{CertdataError, from_certdata};

const LIST: &str = include_str!("mail_roots/list.txt");

/// A root of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRoot {
    /// Its certificate.
    pub certificate: Certificate,
    /// Who operates it; nothing where that is not known.
    pub operator: Option<String>,
    /// What it issued after this moment is not trusted.
    pub distrust_after: Option<Time>,
}

impl MailRoot {
    /// The anchor of paths to it.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        Anchor::public(self.certificate.clone(), self.distrust_after)
    }
}

/// All roots, in the order of the list.
pub fn all() -> impl Iterator<Item = MailRoot> {
    entries().filter_map(|entry| entry.read().ok())
}

/// Why a list of roots was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootListError {
    /// More than [`limits::MAIL_ROOTS`].
    TooMany,
    /// There is none in it.
    Empty,
    /// What stands there is no certificate. The number of the block, from 1.
    NoCertificate(usize),
    /// The moment cannot be read. The number of the block, from 1.
    NoMoment(usize),
}

impl fmt::Display for RootListError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(formatter, "more than {} roots", limits::MAIL_ROOTS),
            Self::Empty => formatter.write_str("no certificate in PEM"),
            Self::NoCertificate(number) => write!(formatter, "block {number} is no certificate"),
            Self::NoMoment(number) => {
                write!(formatter, "distrust-after of block {number} is no moment like 270101000000Z")
            }
        }
    }
}

impl std::error::Error for RootListError {}

/// Reads a list of the form of ours: certificates in PEM. Before each one `operator: NAME` may say who
/// operates it, so that the roots of one operator count once, and `distrust-after: 270101000000Z` from
/// when on it is not trusted. Roots without an operator count as one operator's.
///
/// # Errors
/// Whatever is wrong with one of them: a list that is read in part trusts others than it says.
pub fn read(text: &str) -> Result<Vec<MailRoot>, RootListError> {
    const BEGIN: &str = "-----BEGIN";
    let mut roots = Vec::new();
    let mut rest = text;
    while let Some((fields, after)) = rest.split_once(BEGIN) {
        if roots.len() >= limits::MAIL_ROOTS {
            return Err(RootListError::TooMany);
        }
        let end = after.find(BEGIN).map_or(after.len(), |next| end_of_block(after, next));
        let (block, next) = after.split_at_checked(end).unwrap_or((after, ""));
        let pem = format!("{BEGIN}{block}");
        let entry = Entry::new(fields, &pem);
        roots.push(entry.read().map_err(|missing| match missing {
            Missing::Certificate => RootListError::NoCertificate(roots.len() + 1),
            Missing::Moment => RootListError::NoMoment(roots.len() + 1),
        })?);
        rest = next;
    }
    if roots.is_empty() { Err(RootListError::Empty) } else { Ok(roots) }
}

/// Where a block ends: after its last line, before the fields of the next one.
fn end_of_block(block: &str, most: usize) -> usize {
    const END: &str = "-----END CERTIFICATE-----";
    block.find(END).map_or(most, |end| (end + END.len()).min(most))
}

/// Those of a list under whose names one of these certificates was issued.
pub fn issuers_among<'r>(
    roots: &'r [MailRoot],
    certificates: &[Certificate],
) -> impl Iterator<Item = &'r MailRoot> {
    let is_issuer = |root: &MailRoot| {
        certificates.iter().any(|issued| issued.issuer_der() == root.certificate.subject_der())
    };
    roots.iter().filter(move |root| is_issuer(root))
}

/// The roots under whose name one of these certificates was issued: candidates, whose signature is
/// still to be checked. It takes microseconds where there is none.
#[must_use]
pub fn issuers_of<'c>(certificates: impl IntoIterator<Item = &'c Certificate>) -> Vec<MailRoot> {
    let issuers: Vec<String> = certificates.into_iter().map(Certificate::issuer).collect();
    let is_wanted =
        |entry: &Entry<'_>| issuers.iter().any(|issuer| issuer.eq_ignore_ascii_case(entry.subject));
    entries().filter(is_wanted).filter_map(|entry| entry.read().ok()).collect()
}

/// One root as it stands in the list: lines of a name and a value, then the certificate in PEM.
struct Entry<'l> {
    subject: &'l str,
    operator: &'l str,
    distrust_after: &'l str,
    pem: &'l str,
}

fn entries() -> impl Iterator<Item = Entry<'static>> {
    let ends = memmem::find_iter(LIST.as_bytes(), "\n\n").chain([LIST.len()]);
    let paragraphs = ends.scan(0, |start, end| {
        let paragraph = LIST.get(*start..end);
        *start = end + 2;
        paragraph
    });
    paragraphs.filter_map(Entry::of_paragraph)
}

/// What an entry has not.
enum Missing {
    Certificate,
    Moment,
}

impl<'l> Entry<'l> {
    fn of_paragraph(paragraph: &'l str) -> Option<Self> {
        let (fields, _) = paragraph.split_once("-----BEGIN")?;
        Some(Self::new(fields, paragraph.get(fields.len()..)?))
    }

    fn new(fields: &'l str, pem: &'l str) -> Self {
        let field = |name: &str| fields.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Self {
            subject: field("subject").unwrap_or_default(),
            operator: field("operator").unwrap_or_default(),
            distrust_after: field("distrust-after").unwrap_or_default(),
            pem,
        }
    }

    fn read(&self) -> Result<MailRoot, Missing> {
        let blocks = pem::blocks(self.pem.as_bytes());
        let der = blocks.first().ok_or(Missing::Certificate)?.1.expose();
        let distrust_after = match self.distrust_after {
            "" => None,
            moment => Some(certdata::utc_time(moment).ok_or(Missing::Moment)?),
        };
        Ok(MailRoot {
            certificate: Certificate::from_der(der).map_err(|_| Missing::Certificate)?,
            operator: (!self.operator.is_empty()).then(|| self.operator.to_owned()),
            distrust_after,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr)]

    use std::collections::BTreeSet;

    use sha2::{Digest as _, Sha256};

    use super::*;

    fn fingerprint(root: &MailRoot) -> String {
        Sha256::digest(root.certificate.as_der()).iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn every_root_of_the_list_is_read_and_is_what_its_lines_say() {
        let roots: Vec<MailRoot> = all().collect();
        assert_eq!(roots.len(), LIST.matches("-----BEGIN CERTIFICATE-----").count());
        assert!(roots.len() > 80);
        for (root, entry) in roots.iter().zip(entries()) {
            assert_eq!(root.certificate.subject(), entry.subject);
            assert!(LIST.contains(&format!("sha256: {}\n", fingerprint(root))), "{}", entry.subject);
            assert!(root.certificate.is_certificate_authority() || root.certificate.version() == 1);
        }
    }

    #[test]
    fn our_list_is_of_the_form_that_others_may_bring() {
        assert_eq!(read(LIST).unwrap(), all().collect::<Vec<_>>());
    }

    #[test]
    fn a_list_that_is_wrong_in_one_place_is_no_list() {
        let block = LIST.split_once("-----BEGIN").unwrap().1.split_once("\n\n").unwrap().0;
        let good = format!("-----BEGIN{block}\n");
        assert_eq!(read(&good).unwrap().len(), 1);
        assert_eq!(read(&format!("distrust-after: soon\n{good}")), Err(RootListError::NoMoment(1)));
        let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(read(&format!("{good}{bad}")), Err(RootListError::NoCertificate(2)));
        assert_eq!(read("operator: nobody\n"), Err(RootListError::Empty));
        assert_eq!(read(&good.repeat(limits::MAIL_ROOTS + 1)), Err(RootListError::TooMany));
    }

    #[test]
    fn roots_are_found_by_the_name_of_the_issuer_alone() {
        let roots: Vec<MailRoot> = all().collect();
        for root in &roots {
            // They issued themselves.
            assert!(issuers_of([&root.certificate]).contains(root), "{}", root.certificate.subject());
        }
        assert_eq!(issuers_of([]), []);
    }

    #[test]
    fn roots_of_one_operator_are_known_as_such() {
        let operators: BTreeSet<Option<String>> = all().map(|root| root.operator).collect();
        assert!(operators.len() < all().count() / 2);
        for earlier in ["COMODO CA Limited", "QuoVadis Limited"] {
            assert!(!operators.contains(&Some(earlier.to_owned())));
        }
        let of = |name: &str| all().filter(|root| root.operator.as_deref() == Some(name)).count();
        assert!(of("Sectigo") > 5 && of("DigiCert") > 10);
    }

    /// The list that others took from a newer NSS: we trust nobody whom Mozilla does not.
    #[test]
    fn every_root_is_one_that_mozilla_trusts_for_mail_today() {
        let root = std::env::var_os("COUNTERSEAL_CORPORA").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"),
            std::path::PathBuf::from,
        );
        let file = root.join("email-roots/email-trusted-roots.tsv");
        let Ok(theirs) = std::fs::read_to_string(&file) else {
            eprintln!("SKIPPED: {} is not at hand; set COUNTERSEAL_CORPORA", file.display());
            return;
        };
        let theirs: BTreeSet<&str> =
            theirs.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
        let ours: BTreeSet<String> = all().map(|root| fingerprint(&root)).collect();
        let more: Vec<&String> = ours.iter().filter(|root| !theirs.contains(root.as_str())).collect();
        assert_eq!(more, Vec::<&String>::new());
        // Those that came after the list was made.
        assert!(theirs.len() - ours.len() <= 5, "{} of {}", ours.len(), theirs.len());
    }
}
