//! Whether evidence of another store is what its kind says: one row that cannot be read would make the whole
//! store one that somebody changed.

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::limits::OPENPGP_CERTIFICATE_BYTES;
use sha2::{Digest, Sha256};

use crate::commands::{introducers, looked_up, reliances, statements, witnesses};
use crate::store::{EvidenceKind, EvidenceRecord, exposure};

/// Nothing where it is not. Else about whom it is, where it makes somebody's word count: the address, and the
/// key.
pub(super) fn good(record: &EvidenceRecord) -> Option<Option<(String, [u8; 32])>> {
    let item = &record.item;
    let is_good = match record.kind {
        EvidenceKind::Contact => {
            let address = statements::good_contact(item)?.lookup_key();
            return Some(Some((address, item.name.as_slice().try_into().ok()?)));
        }
        EvidenceKind::Anchor => reliances::is_good(item),
        EvidenceKind::Introducer => introducers::is_good(item),
        EvidenceKind::Signer => {
            let is_named = OpenPgpFingerprint::from_bytes(&item.name).is_some();
            is_named && item.content.len() <= OPENPGP_CERTIFICATE_BYTES
        }
        EvidenceKind::LookUp => looked_up::is_good(item),
        EvidenceKind::OpenPgpCertificate => introducers::is_good_certificate(item),
        EvidenceKind::Statement => statements::is_good(item),
        EvidenceKind::Witness => witnesses::is_good(item),
        EvidenceKind::CertificateSeen => item.name.len() == 32 && item.content.is_empty(),
        EvidenceKind::Exposure => {
            exposure::read(item).is_some() && item.name == Sha256::digest(&item.content).as_slice()
        }
        EvidenceKind::EvidenceTimeStamp => witnesses::is_good_stamp(item),
        // About the owner, or about a store: no file brings them.
        EvidenceKind::Carried
        | EvidenceKind::TimeStamp
        | EvidenceKind::RevocationList
        | EvidenceKind::RemovedKey
        | EvidenceKind::KeptKey
        | EvidenceKind::RetiredKey
        | EvidenceKind::TokenKey
        | EvidenceKind::Backup => false,
    };
    is_good.then_some(None)
}
