//! Keys that mail is sealed to and that are not here: the next sync asks the other devices for them.

use std::collections::BTreeSet;

use counterseal_core::cms::RecipientDescription;
use counterseal_core::ports::{HeldKey, KeyName, SecretKeys as _};
use counterseal_keysync::limits::WANTED_KEYS;
use counterseal_keysync::sync::{Alarm, wanted_name};
use rusqlite::params;

use super::error::StoreError;
use super::{Store, StoreKeys};

impl StoreKeys<'_> {
    /// Keeps which keys that may be ours a mail was sealed to, where none of ours opens it. Answers whether there are
    /// other devices that can be asked for one of them.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub(crate) fn miss(&self, recipients: &[RecipientDescription]) -> Result<bool, StoreError> {
        let names = maybe_ours(self.held(), recipients);
        // Nobody answers a device that knows that it is out.
        let is_out = self.store().device_alarms()?.iter().any(|alarm| alarm.kind == Alarm::PutOut.word());
        Ok(!names.is_empty() && !is_out && self.store().miss_keys(&names)?)
    }
}

/// The readers whose certificates come from an issuer of ours, and those that are named by a key alone. Mail for
/// others makes no device ask.
fn maybe_ours(held: &[HeldKey], recipients: &[RecipientDescription]) -> Vec<[u8; 32]> {
    let issuer = |name: &KeyName| match name {
        KeyName::IssuerAndSerialNumber { issuer, .. } => Some(issuer.clone()),
        KeyName::KeyIdentifier(_) => None,
    };
    let ours: BTreeSet<_> = held.iter().flat_map(|key| &key.names).filter_map(issuer).collect();
    let names = recipients.iter().filter(|recipient| recipient.ours.is_none());
    let names = names.filter_map(|recipient| recipient.name.as_ref());
    names.filter(|name| issuer(name).is_none_or(|issuer| ours.contains(&issuer))).map(wanted_name).collect()
}

impl Store {
    /// The same for names as notes have them. The store may be locked: nothing of this is secret, and nobody believes
    /// it. Mail of strangers fills the list, so the oldest make room.
    fn miss_keys(&self, names: &[[u8; 32]]) -> Result<bool, StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let has_devices =
            transaction.query_row("SELECT EXISTS (SELECT 1 FROM log_entry)", [], |row| row.get(0))?;
        if has_devices {
            for name in names {
                transaction.execute("INSERT OR IGNORE INTO wanted_key (name) VALUES (?1)", params![name])?;
            }
            transaction.execute(
                "DELETE FROM wanted_key WHERE rowid NOT IN
                     (SELECT rowid FROM wanted_key ORDER BY rowid DESC LIMIT ?1)",
                params![i64::try_from(WANTED_KEYS).unwrap_or(i64::MAX)],
            )?;
        }
        transaction.commit()?;
        Ok(has_devices)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use counterseal_core::cms::RecipientKind;
    use counterseal_core::time::Time;
    use sha2::{Digest, Sha256};

    use super::super::Protection;
    use super::*;

    fn recipient(name: KeyName) -> RecipientDescription {
        RecipientDescription {
            kind: RecipientKind::KeyTransport,
            name: Some(name),
            ours: None,
            locked: false,
            algorithm: "rsa".to_owned(),
        }
    }

    fn named(issuer: u8, number: u8) -> KeyName {
        KeyName::IssuerAndSerialNumber { issuer: vec![issuer], serial_number: vec![number] }
    }

    #[test]
    fn who_has_another_issuer_is_somebody_else() {
        let held = HeldKey {
            fingerprint: counterseal_core::fingerprint::Fingerprint::of_public_key(b"key"),
            algorithm: counterseal_core::algorithm::KeyAlgorithm::Ed25519,
            public_key: Vec::new(),
            certificates: Vec::new(),
            names: vec![named(1, 1)],
            locked: false,
            on_token: false,
        };
        let identifier = KeyName::KeyIdentifier(vec![9]);
        let mail = [named(1, 2), named(2, 2), identifier.clone()].map(recipient);
        assert_eq!(maybe_ours(&[held], &mail), [wanted_name(&named(1, 2)), wanted_name(&identifier)]);
    }

    #[test]
    fn a_store_without_devices_asks_nobody_and_a_flood_leaves_the_newest() {
        let home = tempfile::tempdir().unwrap();
        let now = Time::from_unix_seconds(1_795_348_800);
        let mut store = Store::create(home.path(), &Protection::None, now).unwrap();
        assert!(!store.miss_keys(&[[1; 32]]).unwrap());
        let id = Sha256::digest(b"entry").into();
        store.write(now, |writer| writer.keep_log_entry(&id, b"entry", b"signed")).unwrap();
        for number in 0..=u8::MAX {
            assert!(store.miss_keys(&[[number; 32]]).unwrap());
        }
        let wanted = |name: [u8; 32]| {
            let query = "SELECT count(*), total(name = ?1) FROM wanted_key";
            store.connection.query_row(query, [name], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        assert_eq!(wanted([u8::MAX; 32]), (WANTED_KEYS as i64, 1.0));
        assert_eq!(wanted([1; 32]), (WANTED_KEYS as i64, 0.0));
    }
}
