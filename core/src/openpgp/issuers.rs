//! The keys that certifications may be verified with.

use std::collections::BTreeMap;
use std::rc::Rc;

use sequoia_openpgp::KeyHandle;
use sequoia_openpgp::packet::key::{PrimaryRole, PublicParts};
use sequoia_openpgp::packet::{Key, Signature, UserID};
use sequoia_openpgp::parse::Parse as _;

use super::certificate::KeyId;
use super::keyring::Keyring;
use super::web::Web;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;

/// The primary key of a certificate.
pub(super) type PrimaryKey = Key<PublicParts, PrimaryRole>;

/// A certificate whose key may have made a certification.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) fingerprint: OpenPgpFingerprint,
    key: PrimaryKey,
}

impl Issuer {
    /// Whether this key certified a user identifier of another.
    pub(super) fn certified(&self, signature: &Signature, target: &PrimaryKey, user_id: &UserID) -> bool {
        signature.verify_userid_binding(&self.key, target, user_id).is_ok()
    }

    /// Whether this key took a certification back.
    pub(super) fn revoked(&self, signature: &Signature, target: &PrimaryKey, user_id: &UserID) -> bool {
        signature.verify_userid_revocation(&self.key, target, user_id).is_ok()
    }
}

/// All certificates of the web and of an import, by key identifier.
pub(super) struct Issuers<'a> {
    web: &'a Web,
    arriving: BTreeMap<KeyId, Vec<Rc<Issuer>>>,
    known: BTreeMap<KeyId, Vec<Rc<Issuer>>>,
}

impl<'a> Issuers<'a> {
    pub(super) fn new(web: &'a Web, keyring: &Keyring<'_>) -> Self {
        let mut arriving: BTreeMap<KeyId, Vec<Rc<Issuer>>> = BTreeMap::new();
        for (fingerprint, parts) in &keyring.certificates {
            let key = parts.first().map(|part| part.primary_key());
            let issuer = key.map(|key| Rc::new(Issuer { fingerprint: *fingerprint, key }));
            arriving.entry(KeyId::of(fingerprint)).or_default().extend(issuer);
        }
        Self { web, arriving, known: BTreeMap::new() }
    }

    /// The certificates that a signature may be by, as it says itself.
    pub(super) fn alleged(&mut self, handles: &[KeyHandle]) -> Vec<Rc<Issuer>> {
        let mut found: Vec<Rc<Issuer>> = Vec::new();
        for handle in handles {
            let Some(key_id) = key_id(handle) else { continue };
            for issuer in self.with_key_id(key_id) {
                let is_meant = match handle {
                    KeyHandle::Fingerprint(meant) => meant.as_bytes() == issuer.fingerprint.as_bytes(),
                    KeyHandle::KeyID(_) => true,
                };
                if is_meant && !found.iter().any(|known| known.fingerprint == issuer.fingerprint) {
                    found.push(issuer);
                }
            }
        }
        found.truncate(limits::OPENPGP_ISSUER_CANDIDATES);
        found
    }

    fn with_key_id(&mut self, key_id: KeyId) -> Vec<Rc<Issuer>> {
        let arriving = self.arriving.get(&key_id).cloned().unwrap_or_default();
        let known = self.known.entry(key_id).or_insert_with(|| {
            let certificates = self.web.with_key_id(&key_id);
            certificates
                .filter_map(|certificate| {
                    let key: Key<_, _> = Key::from_bytes(&certificate.primary_key).ok()?;
                    let key = key.parts_into_public().role_into_primary();
                    Some(Rc::new(Issuer { fingerprint: certificate.fingerprint, key }))
                })
                .collect()
        });
        let is_new = |issuer: &&Rc<Issuer>| {
            !arriving.iter().any(|arriving| arriving.fingerprint == issuer.fingerprint)
        };
        let known: Vec<Rc<Issuer>> = known.iter().filter(is_new).cloned().collect();
        arriving.into_iter().chain(known).collect()
    }
}

/// The key identifier of what a signature says of its issuer.
pub(super) fn key_id(handle: &KeyHandle) -> Option<KeyId> {
    match handle {
        KeyHandle::Fingerprint(fingerprint) => {
            super::keyring::fingerprint_of(fingerprint).as_ref().map(KeyId::of)
        }
        KeyHandle::KeyID(key_id) => key_id.as_bytes().try_into().ok().map(KeyId),
    }
}
