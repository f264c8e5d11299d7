//! A new key to encrypt to, in the place of one that somebody else has, too.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::issue::Issuer;
use counterseal_core::x509::revocation::RevocationReason;
use counterseal_keysync::log::KeyId;

use crate::commands::issuing::{add, further};
use crate::commands::keys::{renew, revoke};
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::store::{KeyUse, Store, StoredKey};

/// What came of it.
#[derive(Default)]
pub(super) struct Rollover {
    /// The new key; none where there was nothing to replace, or nobody here can.
    pub(super) new: Option<Fingerprint>,
    /// Those whose certificates the personal CA took back.
    pub(super) revoked: Vec<Fingerprint>,
    /// Those that another CA certified: that one revokes, and gives the next.
    pub(super) certified_elsewhere: Vec<Fingerprint>,
}

/// Makes a key like the newest of these that our personal CA certified, and has the CA revoke the certificates of all
/// of them.
///
/// # Errors
/// What is wrong with the store, or with its keys.
pub(super) fn replace(store: &mut Store, keys: &[KeyId], now: Time) -> Result<Rollover, Failure> {
    let is_meant = |key: &StoredKey| {
        key.key_use == KeyUse::Encryption && keys.iter().any(|id| id.as_bytes() == key.fingerprint.sha256())
    };
    let (mut rollover, mut newest, mut old) = (Rollover::default(), None, Vec::new());
    for key in store.secret_keys()?.into_iter().filter(is_meant) {
        let certificate = certificate(store, &key)?;
        match authority(store, &certificate)? {
            Some(authority) => {
                newest = newest.or(Some((certificate, authority)));
                old.push(key);
            }
            None => rollover.certified_elsewhere.push(key.fingerprint),
        }
    }
    let Some((before, authority)) = newest else { return Ok(rollover) };
    let held = store::keys(store, Unlock::without_asking())?;
    let issuer = Issuer { certificate: &authority, keys: &held };
    let algorithm = renew::like(Some(before.public_key().algorithm()), KeyUse::Encryption);
    let name = before.common_name().unwrap_or_else(|| before.subject());
    let made = further((KeyUse::Encryption, algorithm), &issuer, &name, before.addresses(), now)?;
    let revoked = revoke::revoke(store, &held, &old, RevocationReason::KeyCompromise, now)?;
    drop(held);
    store.write(now, |writer| {
        revoked.keep(writer)?;
        add(writer, KeyUse::Encryption, &made).map(drop)
    })?;
    rollover.new = Some(made.0.fingerprint());
    rollover.revoked = old.iter().map(|key| key.fingerprint).collect();
    Ok(rollover)
}

fn certificate(store: &Store, key: &StoredKey) -> Result<Certificate, Failure> {
    let own = store.certificates_of(key.fingerprint.sha256())?;
    let own = own.iter().filter_map(|der| Certificate::from_der(der).ok());
    own.max_by_key(Certificate::not_before)
        .ok_or_else(|| Failure::unknown("no-key", "the key to encrypt to has no certificate"))
}

/// The personal CA above a certificate, if its secret is here.
fn authority(store: &Store, of: &Certificate) -> Result<Option<Certificate>, Failure> {
    let own: Vec<_> = store.secret_keys()?.iter().map(|key| key.fingerprint).collect();
    let all = store.certificates()?;
    let mut all = all.iter().filter_map(|der| Certificate::from_der(der).ok());
    Ok(all.find(|authority| {
        authority.is_personal_authority()
            && own.contains(&authority.fingerprint())
            && of.is_signed_by(authority.public_key()).is_ok()
    }))
}
