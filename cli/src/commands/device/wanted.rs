//! What ought to be in a program: every key that opens mail, of every generation.

use std::collections::BTreeSet;

use counterseal_core::x509::Certificate;
use sha2::{Digest, Sha256};

use crate::commands::keys::is_or_is_under;
use crate::failure::Failure;
use crate::store::{KeyUse, Store, StoreKeys, StoredKey};

/// All of it, and the certificates above.
pub(in crate::commands::device) struct Wanted {
    /// Newest first.
    pub(in crate::commands::device) generations: Vec<Generation>,
    pub(in crate::commands::device) authorities: Vec<Certificate>,
}

/// A key and every certificate that was issued for it, newest first: a mail names the one that it was written with.
pub(in crate::commands::device) struct Generation {
    pub(in crate::commands::device) key: StoredKey,
    pub(in crate::commands::device) certificates: Vec<Certificate>,
}

impl Wanted {
    /// What the store has. A key on a token stays there, and one that no certificate names cannot be given away.
    pub(in crate::commands::device) fn of(store: &Store, held: &StoreKeys<'_>) -> Result<Self, Failure> {
        let all: Vec<Certificate> =
            store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let mut generations = Vec::new();
        for key in held.stored() {
            if key.key_use != KeyUse::Encryption || held.is_on_token(&key.fingerprint) {
                continue;
            }
            let own = all.iter().filter(|certificate| certificate.fingerprint() == key.fingerprint);
            let mut certificates: Vec<Certificate> = own.cloned().collect();
            certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
            if !certificates.is_empty() {
                generations.push(Generation { key: key.clone(), certificates });
            }
        }
        let is_above = |authority: &Certificate| {
            let leaves = generations.iter().flat_map(|generation| &generation.certificates);
            authority.is_certificate_authority()
                && leaves.into_iter().any(|leaf| is_or_is_under(leaf, authority))
        };
        let authorities = all.iter().filter(|certificate| is_above(certificate)).cloned().collect();
        Ok(Self { generations, authorities })
    }
}

impl Generation {
    /// What programs call it.
    pub(in crate::commands::device) fn name(&self) -> String {
        let addresses = self.certificates.iter().flat_map(Certificate::addresses);
        addresses.map(ToString::to_string).next().unwrap_or_default()
    }
}

/// Certificates whose keys a program has, by SHA-256.
#[derive(Default)]
pub(in crate::commands::device) struct Present(pub(super) BTreeSet<[u8; 32]>);

impl Present {
    /// Whether the key is there with each of its certificates.
    pub(in crate::commands::device) fn has(&self, generation: &Generation) -> bool {
        generation.certificates.iter().all(|certificate| self.0.contains(&digest(certificate)))
    }
}

/// What a certificate is known by: SHA-256 of its DER.
pub(in crate::commands::device) fn digest(certificate: &Certificate) -> [u8; 32] {
    Sha256::digest(certificate.as_der()).into()
}
