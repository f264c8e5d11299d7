//! Since when evidence was there to be noticed, as the store keeps it: what each certificate and statement
//! is dated with, and since when keys are exposed.

use counterseal_core::address::EmailAddress;
use counterseal_core::openpgp::SignedStatement;
use counterseal_core::trust::Ages;
use counterseal_core::x509::Certificate;

use super::statements;
use super::witnesses::{self, About, Item};
use crate::failure::Failure;
use crate::store::{EvidenceKind, Store, exposure};

/// All dates that the store signed.
pub(crate) fn all(store: &Store) -> Result<Ages, Failure> {
    let mut ages = Ages::default();
    for kind in [EvidenceKind::CertificateSeen, EvidenceKind::Statement] {
        for kept in store.evidence(kind)? {
            // A name of another length is none of ours.
            if let Ok(digest) = <[u8; 32]>::try_from(kept.name.as_slice()) {
                ages.seen.insert(digest, kept.added);
            }
        }
    }
    for stamp in witnesses::evidence_stamps(store)? {
        if let About::Evidence(digest) = stamp.about {
            ages.stamps.entry(digest).or_default().push(stamp.into_der());
        }
    }
    ages.exposures = store.evidence(EvidenceKind::Exposure)?.iter().filter_map(exposure::read).collect();
    Ok(ages)
}

/// Every certificate and statement that may have been stamped.
pub(crate) fn all_items(store: &Store) -> Result<Vec<Item>, Failure> {
    let statements = statements::all(store)?.into_iter().map(|kept| kept.bytes);
    Ok(store.certificates()?.into_iter().chain(statements).map(Item::of_evidence).collect())
}

/// The certificates of a contact, and the statements about them: what can be dated by others too.
pub(crate) fn items(store: &Store, address: &EmailAddress) -> Result<Vec<Item>, Failure> {
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let theirs = certificates.iter().filter(|certificate| {
        !certificate.is_certificate_authority()
            && certificate.addresses().iter().any(|own| own.matches(address))
    });
    let mut items: Vec<Item> =
        theirs.map(|certificate| Item::of_evidence(certificate.as_der().to_vec())).collect();
    for kept in statements::all(store)? {
        let signed = SignedStatement::read(&kept.bytes, &[&kept.keyring], &certificates);
        if signed.is_ok_and(|signed| signed.statement.subject.matches(address)) {
            items.push(Item::of_evidence(kept.bytes));
        }
    }
    Ok(items)
}
