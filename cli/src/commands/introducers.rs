//! Whose OpenPGP certifications count, and the OpenPGP certificates that were taken in, as the store
//! keeps them (`docs/formats/store.md`).

use std::ops::RangeInclusive;
use std::sync::Arc;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::{Certificate, Reliances, Root, Web};
use counterseal_core::trust::OpenPgpKnowledge;

use crate::commands::trust::import_failure;
use crate::failure::Failure;
use crate::lookup;
use crate::render::trust::list::IntroducerObject;
use crate::store::{EvidenceKind, Kept, Store, StoreError, Writer};

/// Points that somebody can be relied on with.
pub(crate) const AMOUNTS: RangeInclusive<u8> = 1..=120;
/// In the place of a depth: any.
const ANY_DEPTH: u8 = u8::MAX;
const OWN: u8 = 1;
const ONCE_CERTIFIED: u8 = 2;

/// Somebody whose OpenPGP certifications count.
#[derive(Clone)]
pub(crate) struct Introducer {
    pub(crate) certificate: OpenPgpFingerprint,
    /// How far.
    pub(crate) limits: Root,
    /// Whether it is the person's own certificate.
    pub(crate) is_own: bool,
    /// Whether somebody relied on must certify it first, as GnuPG has it for owners that are trusted
    /// fully or marginally.
    pub(crate) once_certified: bool,
}

impl Introducer {
    /// The same for whoever reads it.
    pub(crate) fn object(&self) -> IntroducerObject {
        IntroducerObject::new(&self.certificate, &self.limits, self.is_own, self.once_certified)
    }

    /// Keeps it, in the place of what was said of the same certificate before.
    pub(crate) fn keep(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.keep_evidence(EvidenceKind::Introducer, self.certificate.as_bytes(), &self.content())
    }

    /// Forgets it.
    pub(crate) fn forget(&self, writer: &mut Writer<'_>) -> Result<bool, StoreError> {
        writer.remove_evidence(EvidenceKind::Signer, self.certificate.as_bytes())?;
        writer.remove_evidence(EvidenceKind::Introducer, self.certificate.as_bytes())
    }

    fn content(&self) -> Vec<u8> {
        let flags = u8::from(self.is_own) * OWN + u8::from(self.once_certified) * ONCE_CERTIFIED;
        let mut content = vec![self.limits.amount, flags, self.limits.depth.unwrap_or(ANY_DEPTH)];
        content.extend(self.limits.domains.join("\n").into_bytes());
        content
    }

    fn read(name: &[u8], content: &[u8]) -> Option<Self> {
        let certificate = OpenPgpFingerprint::from_bytes(name)?;
        let (amount, flags, depth, domains) = match content {
            [amount, flags] => (*amount, *flags, ANY_DEPTH, &[][..]),
            [amount, flags, depth, domains @ ..] => (*amount, *flags, *depth, domains),
            _ => return None,
        };
        let domains = std::str::from_utf8(domains).ok()?.lines().map(str::to_owned).collect();
        Some(Self {
            certificate,
            limits: Root { amount, depth: Some(depth).filter(|depth| *depth != ANY_DEPTH), domains },
            is_own: flags & OWN != 0,
            once_certified: flags & ONCE_CERTIFIED != 0,
        })
    }
}

/// Whether a row is one that can be read.
pub(crate) fn is_good(kept: &Kept) -> bool {
    Introducer::read(&kept.name, &kept.content).is_some_and(|read| AMOUNTS.contains(&read.limits.amount))
}

/// Whether a row holds what was verified of the certificate that it names.
pub(crate) fn is_good_certificate(kept: &Kept) -> bool {
    Certificate::from_stored(&kept.content)
        .is_some_and(|certificate| certificate.fingerprint.as_bytes() == kept.name.as_slice())
}

/// Everybody whose OpenPGP certifications count.
pub(crate) fn all(store: &Store) -> Result<Vec<Introducer>, Failure> {
    let kept = store.evidence(EvidenceKind::Introducer)?;
    let read = kept.iter().map(|kept| {
        let introducer = Introducer::read(&kept.name, &kept.content);
        introducer.ok_or_else(|| StoreError::Tampered("evidence").into())
    });
    read.collect()
}

/// What the library is told; nothing where there is no OpenPGP certificate.
pub(crate) fn knowledge(store: &Store) -> Result<Option<Arc<OpenPgpKnowledge>>, Failure> {
    // Also where nobody is relied on: the policy may name whom to rely on, and a twin that its owner
    // revoked speaks against the key.
    let web = web(store)?;
    if web.certificates().len() == 0 {
        return Ok(None);
    }
    let introducers = all(store)?;
    let reliances = introducers.iter().fold(Reliances::new(), |reliances, introducer| {
        if introducer.once_certified {
            reliances.with_introducer(introducer.certificate, introducer.limits.amount)
        } else {
            reliances.with_limited_root(introducer.certificate, introducer.limits.clone())
        }
    });
    let own = introducers.iter().filter(|introducer| introducer.is_own);
    let own = own.map(|introducer| introducer.certificate).collect();
    Ok(Some(Arc::new(OpenPgpKnowledge { web, reliances, own })))
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
            // A keyring of yesterday must not undo a revocation of today, and one that somebody cleaned
            // must not take away what others certified.
            if let (Some(read), Some(known)) = (web.certificate(fingerprint), before.certificate(fingerprint))
            {
                let merged = read.with_news_of(known);
                web.insert(merged);
            }
        }
        Ok(Self { web, new })
    }

    /// Of keyrings that the network brought for an address.
    pub(crate) fn looked_up(
        store: &Store,
        keyrings: &[&[u8]],
        address: &EmailAddress,
    ) -> Result<Self, Failure> {
        let mut web = web(store)?;
        let brought = lookup::news(&web, keyrings, address);
        let new = brought.iter().map(|certificate| certificate.fingerprint).collect();
        brought.into_iter().for_each(|certificate| web.insert(certificate));
        Ok(Self { web, new })
    }

    /// How many certificates came in.
    pub(crate) fn count(&self) -> usize {
        self.new.len()
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let certificate = OpenPgpFingerprint::Version4([7; 20]);
        let limited =
            Root { amount: 60, depth: Some(0), domains: vec!["a.example".into(), "b.example".into()] };
        for (limits, is_own, once_certified) in
            [(Root::of(120), true, false), (Root::of(40), false, true), (limited, false, false)]
        {
            let kept = Introducer { certificate, limits: limits.clone(), is_own, once_certified };
            let read = Introducer::read(certificate.as_bytes(), &kept.content()).unwrap();
            assert_eq!((read.limits, read.is_own, read.once_certified), (limits, is_own, once_certified));
        }
    }

    #[test]
    fn an_earlier_store_said_only_how_far_and_whose() {
        let read = Introducer::read(&[7; 20], &[90, 1]).unwrap();
        assert_eq!((read.limits, read.is_own, read.once_certified), (Root::of(90), true, false));
        assert!(Introducer::read(&[7; 20], &[90]).is_none());
    }
}
