//! Whose OpenPGP certifications count, and the OpenPGP certificates that were taken in, as the store
//! keeps them (`docs/formats/store.md`).

use std::sync::Arc;

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{Certificate, Reliances, Web};
use counterseal_core::trust::OpenPgpKnowledge;

use crate::commands::trust::import_failure;
use crate::failure::Failure;
use crate::render::trust::list::IntroducerObject;
use crate::store::{EvidenceKind, Store, StoreError, Writer};

/// Somebody whose OpenPGP certifications count.
pub(crate) struct Introducer {
    pub(crate) certificate: OpenPgpFingerprint,
    /// Points, 1 to 120.
    pub(crate) amount: u8,
    /// Whether it is the person's own certificate.
    pub(crate) is_own: bool,
}

impl Introducer {
    /// The same for whoever reads it.
    pub(crate) fn object(&self) -> IntroducerObject {
        IntroducerObject::new(&self.certificate, self.amount, self.is_own)
    }

    /// Keeps it, in the place of what was said of the same certificate before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        let content = [self.amount, u8::from(self.is_own)];
        writer.keep_evidence(EvidenceKind::Introducer, self.certificate.as_bytes(), &content)
    }

    /// Forgets it.
    pub(crate) fn forget(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.remove_evidence(EvidenceKind::Introducer, self.certificate.as_bytes())
    }
}

/// Everybody whose OpenPGP certifications count.
pub(crate) fn all(store: &Store) -> Result<Vec<Introducer>, Failure> {
    let kept = store.evidence(EvidenceKind::Introducer)?;
    let read = kept.iter().map(|kept| {
        let certificate = OpenPgpFingerprint::from_bytes(&kept.name);
        match (certificate, kept.content.as_slice()) {
            (Some(certificate), [amount, own]) => {
                Ok(Introducer { certificate, amount: *amount, is_own: *own == 1 })
            }
            _ => Err(StoreError::Tampered("evidence").into()),
        }
    });
    read.collect()
}

/// What the library is told; nothing where nobody is relied on.
pub(crate) fn knowledge(store: &Store) -> Result<Option<Arc<OpenPgpKnowledge>>, Failure> {
    let introducers = all(store)?;
    if introducers.is_empty() {
        return Ok(None);
    }
    let reliances = introducers.iter().fold(Reliances::new(), |reliances, introducer| {
        reliances.with_root(introducer.certificate, introducer.amount)
    });
    let own = introducers.iter().filter(|introducer| introducer.is_own);
    let own = own.map(|introducer| introducer.certificate).collect();
    Ok(Some(Arc::new(OpenPgpKnowledge { web: web(store)?, reliances, own })))
}

fn web(store: &Store) -> Result<Web, Failure> {
    let mut web = Web::new();
    for kept in store.evidence(EvidenceKind::OpenPgpCertificate)? {
        // Of another version of the rules: it is taken in again by whoever has the keyring.
        if let Some(certificate) = Certificate::from_stored(&kept.content) {
            web.insert(certificate);
        }
    }
    Ok(web)
}

/// Forgets all OpenPGP certificates.
pub(crate) fn forget_web(writer: &mut Writer<'_>) -> Result<(), StoreError> {
    writer.remove_all_evidence(EvidenceKind::OpenPgpCertificate)
}

/// OpenPGP certificates that come in, verified with those that are here.
#[derive(Default)]
pub(crate) struct Taken {
    web: Web,
    new: Vec<OpenPgpFingerprint>,
}

impl Taken {
    /// Of keyrings.
    pub(crate) fn of(store: &Store, keyrings: &[&[u8]]) -> Result<Self, Failure> {
        let before = web(store)?;
        let mut web = before.clone();
        let new = web.import(keyrings).map_err(import_failure)?.read;
        for fingerprint in &new {
            // A keyring of yesterday must not undo a revocation of today.
            let revoked = before.certificate(fingerprint).filter(|before| before.revocation.hard);
            if let Some(revoked) = revoked.cloned() {
                web.insert(revoked);
            }
        }
        Ok(Self { web, new })
    }

    /// Whether a certificate is among them, or was here before.
    pub(crate) fn knows(&self, fingerprint: &OpenPgpFingerprint) -> bool {
        self.web.certificate(fingerprint).is_some()
    }

    /// Keeps the new ones.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        for certificate in self.new.iter().filter_map(|fingerprint| self.web.certificate(fingerprint)) {
            let (name, content) = (certificate.fingerprint.as_bytes(), certificate.to_stored());
            writer.keep_evidence(EvidenceKind::OpenPgpCertificate, name, &content)?;
        }
        Ok(())
    }
}
