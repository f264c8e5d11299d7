//! What another store knew, held against what this one knows: nothing that is here is overwritten.

use std::collections::{BTreeMap, BTreeSet};

use counterseal_core::trust::family_key;
use counterseal_core::x509::Certificate;

use crate::failure::Failure;
use crate::render::take_over::Why;
use crate::store::{Records, Store, TrustKind, TrustRecord};

/// SHA-256 of a SubjectPublicKeyInfo.
type Key = [u8; 32];

/// Why some addresses and keys are left as they are here.
pub(super) struct Odds {
    own_addresses: BTreeSet<String>,
    own_keys: BTreeSet<Key>,
    /// Addresses whose keys there are at odds with those here.
    addresses: BTreeMap<String, Why>,
}

/// The keys of an address, each by what stands for its owner.
#[derive(Default)]
struct Keys {
    all: BTreeSet<Key>,
    pinned: BTreeSet<Key>,
}

impl Odds {
    /// Of what another store knew.
    pub(super) fn of(
        store: &Store,
        ours: &Records,
        theirs: &[TrustRecord],
        certificates: &[Certificate],
    ) -> Result<Self, Failure> {
        let own = store.trust_rows()?.into_iter().filter(|row| row.kind == TrustKind::Own);
        let held = ours.certificates.iter().filter_map(|dated| Certificate::from_der(&dated.der).ok());
        let held: Vec<Certificate> = held.chain(certificates.iter().cloned()).collect();
        let owners = owners(&held);
        let (ours, theirs) = (by_address(&ours.trust, &owners), by_address(theirs, &owners));
        let at_odds = theirs.into_iter().filter_map(|(address, theirs)| {
            let why = ours.get(&address)?.contradiction(&theirs)?;
            Some((address, why))
        });
        Ok(Self {
            own_addresses: own.map(|row| row.address).collect(),
            own_keys: store.own_key_digests()?.into_iter().collect(),
            addresses: at_odds.collect(),
        })
    }

    /// Whether a key is or was the person's own.
    pub(super) fn is_own_key(&self, key: &Key) -> bool {
        self.own_keys.contains(key)
    }

    /// Why nothing is taken over about a key of an address.
    pub(super) fn about(&self, address: &str, key: &Key) -> Option<Why> {
        if self.own_addresses.contains(address) || self.is_own_key(key) {
            return Some(Why::Yourself);
        }
        self.addresses.get(address).copied()
    }
}

impl Keys {
    /// Why other keys of the same address do not come in beside these.
    fn contradiction(&self, theirs: &Self) -> Option<Why> {
        let has_other_pin = !theirs.pinned.is_subset(&self.pinned);
        if !self.pinned.is_empty() && (has_other_pin || self.pinned.is_disjoint(&theirs.all)) {
            return Some(Why::OtherPin);
        }
        self.all.is_disjoint(&theirs.all).then_some(Why::OtherKey)
    }
}

/// What stands for the owner of each key: the personal CA above it, where there is one.
fn owners(certificates: &[Certificate]) -> BTreeMap<Key, Key> {
    let mut authorities: BTreeMap<&[u8], Vec<&Certificate>> = BTreeMap::new();
    for authority in certificates.iter().filter(|other| other.is_personal_authority()) {
        authorities.entry(authority.subject_der()).or_default().push(authority);
    }
    let owner = |certificate: &Certificate| {
        let above = authorities.get(certificate.issuer_der()).into_iter().flatten().copied();
        *family_key(certificate, above).sha256()
    };
    certificates.iter().map(|own| (*own.fingerprint().sha256(), owner(own))).collect()
}

fn by_address(records: &[TrustRecord], owners: &BTreeMap<Key, Key>) -> BTreeMap<String, Keys> {
    let mut addresses: BTreeMap<String, Keys> = BTreeMap::new();
    for record in records {
        let owner = *owners.get(&record.key).unwrap_or(&record.key);
        let keys = addresses.entry(record.address.clone()).or_default();
        keys.all.insert(owner);
        if record.kind == TrustKind::Pin {
            keys.pinned.insert(owner);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(all: &[u8], pinned: &[u8]) -> Keys {
        let digests = |keys: &[u8]| keys.iter().map(|key| [*key; 32]).collect();
        Keys { all: digests(all), pinned: digests(pinned) }
    }

    #[test]
    fn what_was_compared_here_stays_and_what_agrees_comes_in() {
        let here = keys(&[1, 2], &[1]);
        assert_eq!(here.contradiction(&keys(&[1], &[1])), None);
        assert_eq!(here.contradiction(&keys(&[1, 3], &[])), None);
        assert_eq!(here.contradiction(&keys(&[1, 3], &[1, 3])), Some(Why::OtherPin));
        assert_eq!(here.contradiction(&keys(&[2], &[])), Some(Why::OtherPin));
        let known = keys(&[1], &[]);
        assert_eq!(known.contradiction(&keys(&[1, 2], &[1])), None);
        assert_eq!(known.contradiction(&keys(&[2], &[2])), Some(Why::OtherKey));
    }
}
