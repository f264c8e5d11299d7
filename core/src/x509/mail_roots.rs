//! The roots that Mozilla trusts for mail, as a list that is part of the program.
//!
//! `cseal generate roots` makes it from the `certdata.txt` of NSS ([`from_certdata`]); where it is
//! from stands in its first lines. The data are under the Mozilla Public License, version 2.0.
//!
//! Nothing of it is read before somebody asks, and then only the roots whose name is asked for.

mod certdata;

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
    entries().filter_map(|entry| entry.read())
}

/// The roots under whose name one of these certificates was issued: candidates, whose signature is
/// still to be checked. It takes microseconds where there is none.
#[must_use]
pub fn issuers_of<'c>(certificates: impl IntoIterator<Item = &'c Certificate>) -> Vec<MailRoot> {
    let issuers: Vec<String> = certificates.into_iter().map(Certificate::issuer).collect();
    let is_wanted =
        |entry: &Entry<'_>| issuers.iter().any(|issuer| issuer.eq_ignore_ascii_case(entry.subject));
    entries().filter(is_wanted).filter_map(|entry| entry.read()).collect()
}

/// One root as it stands in the list: lines of a name and a value, then the certificate in PEM.
struct Entry<'l> {
    subject: &'l str,
    operator: &'l str,
    distrust_after: &'l str,
    pem: &'l str,
}

fn entries() -> impl Iterator<Item = Entry<'static>> {
    LIST.split("\n\n").filter_map(Entry::of_paragraph)
}

impl<'l> Entry<'l> {
    fn of_paragraph(paragraph: &'l str) -> Option<Self> {
        let (fields, _) = paragraph.split_once("-----BEGIN")?;
        let field = |name: &str| fields.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Some(Self {
            subject: field("subject")?,
            operator: field("operator").unwrap_or_default(),
            distrust_after: field("distrust-after").unwrap_or_default(),
            pem: paragraph.get(fields.len()..)?,
        })
    }

    fn read(&self) -> Option<MailRoot> {
        let blocks = pem::blocks(self.pem.as_bytes());
        Some(MailRoot {
            certificate: Certificate::from_der(blocks.first()?.1.expose()).ok()?,
            operator: (!self.operator.is_empty()).then(|| self.operator.to_owned()),
            distrust_after: certdata::utc_time(self.distrust_after),
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
