//! The keys that certifications may be verified with.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sequoia_openpgp::KeyHandle;
use sequoia_openpgp::packet::key::{PrimaryRole, PublicParts};
use sequoia_openpgp::packet::{Key, UserID};
use sequoia_openpgp::parse::Parse as _;

use super::certificate::{Certificate, KeyId};
use super::fast_key::FastKey;
use super::keyring::Keyring;
use super::parts::Foreign;
use super::twin::certification_input;
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
    fast: OnceCell<Option<FastKey>>,
}

/// What certifications of one user identifier are signatures over.
pub(super) struct Binding<'a> {
    pub(super) key: &'a PrimaryKey,
    /// Body of the key's packet.
    pub(super) key_body: &'a [u8],
    pub(super) user_id: &'a UserID,
}

impl Issuer {
    fn new(fingerprint: OpenPgpFingerprint, key: PrimaryKey) -> Self {
        Self { fingerprint, key, fast: OnceCell::new() }
    }

    /// Whether this key certified a user identifier of another.
    pub(super) fn certified(&self, foreign: &Foreign, binding: &Binding<'_>) -> bool {
        self.fast_answer(foreign, binding).unwrap_or_else(|| {
            foreign.signature.verify_userid_binding(&self.key, binding.key, binding.user_id).is_ok()
        })
    }

    /// Whether this key took a certification back.
    pub(super) fn revoked(&self, foreign: &Foreign, binding: &Binding<'_>) -> bool {
        self.fast_answer(foreign, binding).unwrap_or_else(|| {
            foreign.signature.verify_userid_revocation(&self.key, binding.key, binding.user_id).is_ok()
        })
    }

    /// What our own keys say of a signature; nothing where they cannot. Certifications and their
    /// revocations differ in their type alone, which the caller has looked at.
    fn fast_answer(&self, foreign: &Foreign, binding: &Binding<'_>) -> Option<bool> {
        let head = foreign.head.as_deref()?;
        if foreign.signature.signature_creation_time()? < self.key.creation_time() {
            return Some(false);
        }
        let key = self.fast.get_or_init(|| FastKey::of(&self.key)).as_ref()?;
        let input = certification_input(binding.key_body, binding.user_id.value(), head);
        key.verifies(&foreign.signature, &input)
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
            let issuer = key.map(|key| Rc::new(Issuer::new(*fingerprint, key)));
            arriving.entry(KeyId::of(fingerprint)).or_default().extend(issuer);
        }
        Self { web, arriving, known: BTreeMap::new() }
    }

    /// What is known of a certificate already.
    pub(super) fn known(&self, fingerprint: &OpenPgpFingerprint) -> Option<&'a Certificate> {
        self.web.certificate(fingerprint)
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
                    Some(Rc::new(Issuer::new(certificate.fingerprint, key)))
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
