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
pub(super) struct Rollover {
    /// The new key.
    pub(super) new: Fingerprint,
    /// Those whose certificates the personal CA took back.
    pub(super) revoked: Vec<Fingerprint>,
}

/// Makes a key like the newest of these that is ours, under the personal CA that issued its certificate, and has the
/// CA revoke the certificates of all of them. Nothing where none of them is a key to encrypt to that is ours.
///
/// # Errors
/// `no-personal-ca` where the CA is not here, or never was.
pub(super) fn replace(store: &mut Store, keys: &[KeyId], now: Time) -> Result<Option<Rollover>, Failure> {
    let is_meant = |key: &StoredKey| {
        key.key_use == KeyUse::Encryption && keys.iter().any(|id| id.as_bytes() == key.fingerprint.sha256())
    };
    let old: Vec<StoredKey> = store.secret_keys()?.into_iter().filter(is_meant).collect();
    let Some(newest) = old.first() else { return Ok(None) };
    let held = store::keys(store, Unlock::without_asking())?;
    let before = certificate(store, newest)?;
    let authority = authority(store, &before)?;
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
    let revoked = old.iter().map(|key| key.fingerprint).collect();
    Ok(Some(Rollover { new: made.0.fingerprint(), revoked }))
}

fn certificate(store: &Store, key: &StoredKey) -> Result<Certificate, Failure> {
    let own = store.certificates_of(key.fingerprint.sha256())?;
    let own = own.iter().filter_map(|der| Certificate::from_der(der).ok());
    own.max_by_key(Certificate::not_before)
        .ok_or_else(|| Failure::unknown("no-key", "the key to encrypt to has no certificate"))
}

/// The personal CA above a certificate, whose secret is here.
fn authority(store: &Store, of: &Certificate) -> Result<Certificate, Failure> {
    let own: Vec<_> = store.secret_keys()?.iter().map(|key| key.fingerprint).collect();
    let all = store.certificates()?;
    let above = all.iter().filter_map(|der| Certificate::from_der(der).ok()).find(|authority| {
        authority.is_personal_authority()
            && own.contains(&authority.fingerprint())
            && of.is_signed_by(authority.public_key()).is_ok()
    });
    above.ok_or_else(|| {
        Failure::unknown(
            "no-personal-ca",
            "your personal CA did not issue the certificate that others encrypt to",
        )
        .hint("ask the CA that issued it to revoke it, then `cseal keys renew`")
    })
}
