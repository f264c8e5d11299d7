//! Statements and contacts whose word counts, as the store keeps them (`docs/formats/store.md`).

use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::limits::{
    CARRIED_EVIDENCE, CARRIED_EVIDENCE_BYTES, OPENPGP_CERTIFICATE_BYTES, SIGNED_STATEMENT_BYTES,
};
use counterseal_core::openpgp::{SignedStatement, StatementKind};
use counterseal_core::time::Time;
use counterseal_core::trust::{ContactIntroducer, Knowledge, bring};
use counterseal_core::x509::{Certificate, pem};
use sha2::{Digest, Sha256};

use super::introducers::AMOUNTS;
use crate::failure::Failure;
use crate::files::read_file;
use crate::render::trust::list::ContactObject;
use crate::store::{EvidenceKind, Kept, Store, StoreError, Writer};

/// Days for which a succession goes along with every mail.
const SUCCESSION_DAYS: i64 = 365;

/// A statement that was taken in, with the OpenPGP certificate of its signer where it has one.
pub(crate) struct KeptStatement {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keyring: Vec<u8>,
}

impl KeptStatement {
    /// The items that prove it, to be handed to the library.
    fn items(&self) -> impl Iterator<Item = Vec<u8>> {
        [self.keyring.clone(), self.bytes.clone()].into_iter().filter(|item| !item.is_empty())
    }

    /// Keeps it. Answers whether it is new.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let content = [&length.to_be_bytes()[..], &self.bytes, &self.keyring].concat();
        writer.keep_evidence(EvidenceKind::Statement, &name(&self.bytes), &content)
    }

    fn read(content: &[u8]) -> Option<Self> {
        let (length, rest) = content.split_first_chunk()?;
        let (bytes, keyring) = rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
        Some(Self { bytes: bytes.to_vec(), keyring: keyring.to_vec() })
    }
}

fn name(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Whether a row is a statement that can be read.
pub(crate) fn is_good(kept: &Kept) -> bool {
    KeptStatement::read(&kept.content).is_some_and(|read| {
        let is_named = kept.name == name(&read.bytes);
        is_named
            && read.bytes.len() <= SIGNED_STATEMENT_BYTES
            && read.keyring.len() <= OPENPGP_CERTIFICATE_BYTES
    })
}

/// Of a row about a contact whose statements count: whose they are. Nothing where it cannot be read.
pub(crate) fn good_contact(kept: &Kept) -> Option<EmailAddress> {
    let contact = Contact::read(&kept.name, &kept.content)?;
    AMOUNTS.contains(&contact.amount).then_some(contact.address)
}

/// All statements that were taken in.
pub(crate) fn all(store: &Store) -> Result<Vec<KeptStatement>, Failure> {
    let kept = store.evidence(EvidenceKind::Statement)?;
    let read = kept.iter().map(|kept| {
        KeptStatement::read(&kept.content).ok_or_else(|| StoreError::Tampered("evidence").into())
    });
    read.collect()
}

/// The OpenPGP certificates by which statements are checked, as far as they are here: those of introducers, and of
/// whoever signed a statement that is kept.
pub(crate) fn signers(store: &Store) -> Result<Vec<Vec<u8>>, Failure> {
    let relied_on = store.evidence(EvidenceKind::Signer)?.into_iter().map(|kept| kept.content);
    let kept = all(store)?.into_iter().map(|kept| kept.keyring).filter(|keyring| !keyring.is_empty());
    Ok(relied_on.chain(kept).collect())
}

/// Adds what the store keeps to what is known.
pub(crate) fn add_stored(store: &Store, knowledge: &mut Knowledge) -> Result<(), Failure> {
    knowledge.introducers = contacts(store)?
        .into_iter()
        .filter_map(|contact| {
            let mut keys = knowledge.certificates.iter().map(Certificate::fingerprint);
            let key = keys.find(|key| *key.sha256() == contact.key)?;
            Some(contact.introducer(key))
        })
        .collect();
    let items: Vec<Vec<u8>> = all(store)?.iter().flat_map(KeptStatement::items).collect();
    if !items.is_empty() {
        *knowledge = bring(knowledge, &items, &[]).knowledge;
    }
    Ok(())
}

/// Adds what files hold: statements, and OpenPGP certificates.
pub(crate) fn add_files(paths: &[PathBuf], knowledge: &mut Knowledge) -> Result<(), Failure> {
    if paths.is_empty() {
        return Ok(());
    }
    let items = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let brought = bring(knowledge, &items, &[]);
    for (path, item) in paths.iter().zip(&brought.items) {
        if let counterseal_core::trust::Item::Refused(error) = item {
            return Err(Failure::unknown("statement", format!("{}: {error}", path.display()))
                .hint(format!("see what it is with `cseal trust statement check {}`", path.display())));
        }
    }
    *knowledge = brought.knowledge;
    Ok(())
}

/// The bytes of a statement or of OpenPGP certificates: CMS in PEM is decoded.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_file(path, OPENPGP_CERTIFICATE_BYTES.max(SIGNED_STATEMENT_BYTES))?;
    let mut blocks = pem::blocks(&bytes);
    blocks.retain(|(label, _)| label == "CMS" || label == "PKCS7");
    match blocks.as_slice() {
        [(_, der)] => Ok(der.expose().to_vec()),
        _ => Ok(bytes.to_vec()),
    }
}

/// A contact whose endorsements count.
#[derive(Clone)]
pub(crate) struct Contact {
    pub(crate) address: EmailAddress,
    /// SHA-256 of the key that stands for them.
    pub(crate) key: [u8; 32],
    /// Points, 1 to 120.
    pub(crate) amount: u8,
    /// The mail domains that they may speak for; all where none is named.
    pub(crate) domains: Vec<String>,
}

impl Contact {
    fn introducer(self, key: Fingerprint) -> ContactIntroducer {
        let Self { address, amount, domains, .. } = self;
        ContactIntroducer { address, key, amount: amount.into(), domains, is_own: false }
    }

    /// The same for whoever reads it.
    pub(crate) fn object(&self) -> ContactObject {
        ContactObject::new(&self.address, &self.key, self.amount, &self.domains)
    }

    /// Keeps it, in the place of what was said of the same contact before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let lines = std::iter::once(self.address.to_string()).chain(self.domains.iter().cloned());
        let text = lines.collect::<Vec<_>>().join("\n");
        let content = [&[self.amount][..], text.as_bytes()].concat();
        writer.keep_evidence(EvidenceKind::Contact, &self.key, &content)
    }

    /// Forgets it.
    pub(crate) fn forget(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.remove_evidence(EvidenceKind::Contact, &self.key)
    }

    fn read(name: &[u8], content: &[u8]) -> Option<Self> {
        let (amount, text) = content.split_first()?;
        let mut lines = std::str::from_utf8(text).ok()?.lines();
        let address = EmailAddress::parse(lines.next()?).ok()?;
        let domains = lines.map(str::to_owned).collect();
        Some(Self { address, key: name.try_into().ok()?, amount: *amount, domains })
    }
}

/// All contacts whose endorsements count.
pub(crate) fn contacts(store: &Store) -> Result<Vec<Contact>, Failure> {
    let kept = store.evidence(EvidenceKind::Contact)?;
    let read = kept.iter().map(|kept| {
        Contact::read(&kept.name, &kept.content).ok_or_else(|| StoreError::Tampered("evidence").into())
    });
    read.collect()
}

/// What goes along with our signatures: our twin, and what is said of our keys and still holds. A
/// succession goes along for a year: whoever has not written since looks for the key anew.
pub(crate) fn carried(store: &Store, at: Time) -> Result<Vec<Vec<u8>>, Failure> {
    let is_current = |content: &Vec<u8>| match SignedStatement::read(content, &[], &[]) {
        Ok(signed) => {
            let is_succession = matches!(signed.statement.kind, StatementKind::Succession { .. });
            let is_old = is_succession && at > signed.statement.issued.plus_days(SUCCESSION_DAYS);
            signed.holds_at(at) && !is_old
        }
        // A twin, or signed with an OpenPGP key that is not at hand here.
        Err(_) => true,
    };
    let mut bytes = 0;
    let kept = store.evidence(EvidenceKind::Carried)?.into_iter().map(|kept| kept.content);
    let fitting = kept.filter(is_current).take(CARRIED_EVIDENCE).filter(|content| {
        let fits = bytes + content.len() <= CARRIED_EVIDENCE_BYTES;
        bytes += if fits { content.len() } else { 0 };
        fits
    });
    Ok(fitting.collect())
}

/// How the names of our own twin begin: there are as many copies as people certified it.
const OWN_TWIN: &[u8] = b"twin";

/// Whether our own twin goes along already.
pub(crate) fn has_twin(store: &Store) -> Result<bool, Failure> {
    Ok(!twins(store)?.is_empty())
}

/// The copies of our own twins that go along.
pub(crate) fn twins(store: &Store) -> Result<Vec<Kept>, Failure> {
    let carried = store.evidence(EvidenceKind::Carried)?.into_iter();
    Ok(carried.filter(|kept| kept.name.starts_with(OWN_TWIN)).collect())
}

/// Has a copy of our twin go along with our signatures.
pub(crate) fn carry_twin(packets: &[u8], writer: &mut Writer<'_>) -> Result<bool, StoreError> {
    carry(&[OWN_TWIN, &name(packets)].concat(), packets, writer)
}

/// Has an item go along with our signatures, in the place of the one of this name.
pub(crate) fn carry(name: &[u8], content: &[u8], writer: &mut Writer<'_>) -> Result<bool, StoreError> {
    writer.keep_evidence(EvidenceKind::Carried, name, content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kept_statement_or_contact_is_refused() {
        assert!(KeptStatement::read(&[0, 0, 0, 2, 1]).is_none());
        let kept = KeptStatement::read(&[0, 0, 0, 1, 7, 8, 9]).unwrap();
        assert_eq!((kept.bytes, kept.keyring), (vec![7], vec![8, 9]));
        let contact = Contact::read(&[1; 32], b"\x28a@example.org\nexample.org").unwrap();
        assert_eq!((contact.amount, contact.domains), (40, vec!["example.org".to_owned()]));
        assert!(Contact::read(&[1; 32], b"\x28nobody").is_none());
    }
}
