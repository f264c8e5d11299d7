//! The store as the sync loop sees it: entries of the log, keys that devices share, and objects on their way.
//!
//! Nothing of it is written while the store is locked: what lies in the boxes waits there, and boxes are found by a
//! secret that is sealed. Each commit is one transaction, with a new head.

use std::collections::BTreeSet;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::{Certificate, SecretKey};
use counterseal_keysync::device::DeviceId;
use counterseal_keysync::log::{Entry, EntryId, KeyId, Purpose};
use counterseal_keysync::sync::{
    self, Change, Kept, Note, Outgoing, SharedKey, Shelved, StoreError as PortError,
};
use counterseal_keysync::transport::{Cursor, ObjectName};
use rusqlite::{OptionalExtension, params};

use super::device_secrets::DeviceSecretKind;
use super::error::StoreError;
use super::secret_keys::{KeyUse, StoredKey};
use super::trust::{NewTrust, TrustKind};
use super::{Store, Writer};
use crate::failure::Failure;

/// The setting that holds the heads of the log when it was largest.
const PINNED: &str = "pinned";

/// The unlocked store of a device, for one round of the loop.
pub(crate) struct SharedStore<'a> {
    store: &'a mut Store,
    now: Time,
}

impl<'a> SharedStore<'a> {
    /// The store, at this moment.
    pub(crate) const fn new(store: &'a mut Store, now: Time) -> Self {
        Self { store, now }
    }
}

impl sync::Store for SharedStore<'_> {
    fn load(&self) -> Result<Kept, PortError> {
        Ok(Kept {
            entries: self.entries()?,
            keys: self.keys()?,
            notes: self.notes()?,
            outgoing: self.outgoing_objects()?,
            shelved: self.shelved_packages()?,
            seen: self.seen()?,
            wrapped: self.wrapped()?,
            cursors: self.cursors()?,
            pinned: self.pinned()?,
            wanted: self.wanted()?,
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), PortError> {
        self.store.write(self.now, |writer| writer.apply_all(changes)).map_err(failed)
    }

    fn signed_entry(&self, id: &EntryId) -> Result<Option<Vec<u8>>, PortError> {
        self.store.signed_log_entry(id.as_bytes()).map_err(failed)
    }

    fn key(&self, id: &KeyId) -> Result<Option<SharedKey>, PortError> {
        if let Some(secret) = self.log_secret(id)? {
            return Ok(Some(SharedKey {
                id: *id,
                purpose: Purpose::LogSecret,
                secret,
                certificates: Vec::new(),
            }));
        }
        self.shared_key(id).map_err(failed)
    }

    fn key_named(&self, name: &[u8; 32]) -> Result<Option<KeyId>, PortError> {
        for (id, purpose) in self.keys()? {
            if purpose.opens_mail() && self.names_of(&id).map_err(failed)?.contains(name) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn outgoing(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, PortError> {
        self.blob("SELECT object FROM outgoing_object WHERE name = ?1", name)
    }

    fn shelved(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, PortError> {
        self.blob("SELECT package FROM shelved_package WHERE name = ?1", name)
    }
}

impl SharedStore<'_> {
    fn entries(&self) -> Result<Vec<(EntryId, Entry)>, PortError> {
        let kept = self.store.log_entries().map_err(failed)?.into_iter();
        kept.map(|kept| {
            let entry = Entry::read(&kept.content).map_err(|error| damaged("log_entry", &error))?;
            Ok((EntryId::from_bytes(kept.id), entry))
        })
        .collect()
    }

    fn keys(&self) -> Result<Vec<(KeyId, Purpose)>, PortError> {
        let stored = self.store.secret_keys().map_err(failed)?.into_iter();
        // A key on a token is on no other device, and does not leave it.
        let on_tokens = self.store.token_keys().map_err(failed)?;
        let stored = stored.filter(|key| !on_tokens.contains_key(key.fingerprint.sha256()));
        let mut shared = Vec::new();
        for key in stored {
            let purpose = self.purpose(&key).map_err(failed)?;
            shared.extend(purpose.map(|purpose| (KeyId::from_bytes(*key.fingerprint.sha256()), purpose)));
        }
        let secrets = self.store.device_secrets().map_err(failed)?.into_iter();
        let secrets = secrets.filter(|secret| secret.kind == DeviceSecretKind::LogSecret);
        let secrets = secrets.map(|secret| (KeyId::from_bytes(secret.name), Purpose::LogSecret));
        Ok(shared.into_iter().chain(secrets).collect())
    }

    /// What a key is shared as; one that only signs never is.
    fn purpose(&self, key: &StoredKey) -> Result<Option<Purpose>, StoreError> {
        Ok(match key.key_use {
            KeyUse::Signing => None,
            KeyUse::PersonalCa => Some(Purpose::PersonalAuthority),
            KeyUse::Encryption => {
                let certificates = self.store.certificates_of(key.fingerprint.sha256())?;
                let mut certificates = certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
                let signs = certificates.any(|certificate| certificate.may_sign_mail().is_ok());
                Some(if signs { Purpose::SigningAndDecryption } else { Purpose::Decryption })
            }
        })
    }

    fn notes(&self) -> Result<Vec<Note>, PortError> {
        let notes = self.store.device_notes().map_err(failed)?.into_iter();
        notes.map(|content| Note::read(&content).map_err(|error| damaged("device_note", &error))).collect()
    }

    fn outgoing_objects(&self) -> Result<Vec<Outgoing>, PortError> {
        let objects: Vec<([u8; 32], [u8; 32])> = self
            .rows("SELECT name, secret FROM outgoing_object ORDER BY added, rowid", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let posted: Vec<([u8; 32], String)> = self
            .rows("SELECT name, place FROM posted_object ORDER BY place", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let objects = objects.into_iter().map(|(name, secret)| {
            let places = posted.iter().filter(|(other, _)| *other == name).map(|(_, place)| place.clone());
            Outgoing {
                name: ObjectName::from_bytes(name),
                secret: KeyId::from_bytes(secret),
                posted: places.collect(),
            }
        });
        Ok(objects.collect())
    }

    fn shelved_packages(&self) -> Result<Vec<Shelved>, PortError> {
        self.rows("SELECT name, length(package) FROM shelved_package ORDER BY added, rowid", |row| {
            Ok(Shelved {
                name: ObjectName::from_bytes(row.get(0)?),
                bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
    }

    fn seen(&self) -> Result<Vec<ObjectName>, PortError> {
        self.rows("SELECT name FROM seen_object", |row| Ok(ObjectName::from_bytes(row.get(0)?)))
    }

    fn cursors(&self) -> Result<Vec<(String, KeyId, Cursor)>, PortError> {
        self.rows("SELECT place, secret, cursor FROM box_cursor", |row| {
            Ok((row.get(0)?, KeyId::from_bytes(row.get(1)?), Cursor(row.get(2)?)))
        })
    }

    fn wrapped(&self) -> Result<Vec<(DeviceId, KeyId, u64)>, PortError> {
        self.rows("SELECT device, key, counter FROM wrapped_key", |row| {
            let counter = row.get::<_, i64>(2)?.unsigned_abs();
            Ok((DeviceId::from_bytes(row.get(0)?), KeyId::from_bytes(row.get(1)?), counter))
        })
    }

    fn wanted(&self) -> Result<Vec<([u8; 32], Option<Time>)>, PortError> {
        self.rows("SELECT name, asked FROM wanted_key", |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Time::from_unix_seconds)))
        })
    }

    fn pinned(&self) -> Result<Vec<EntryId>, PortError> {
        let value = self.store.device_setting(PINNED).map_err(failed)?.unwrap_or_default();
        let heads = value.chunks(32).map(|head| Some(EntryId::from_bytes(head.try_into().ok()?)));
        heads.collect::<Option<_>>().ok_or_else(|| PortError::Damaged("device_setting".to_owned()))
    }

    fn log_secret(&self, id: &KeyId) -> Result<Option<SecretBytes>, PortError> {
        let secrets = self.store.device_secrets().map_err(failed)?;
        let is_it = |kind, name: &[u8; 32]| kind == DeviceSecretKind::LogSecret && name == id.as_bytes();
        let found = secrets.iter().find(|secret| is_it(secret.kind, &secret.name));
        found.map(|secret| self.store.open_device_secret(secret).map_err(failed)).transpose()
    }

    /// The names by which mail may call a key ([`sync::wanted_name`]).
    fn names_of(&self, id: &KeyId) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut names = Vec::new();
        for der in self.store.certificates_of(id.as_bytes())? {
            let Ok(certificate) = Certificate::from_der(&der) else { continue };
            names.extend(certificate.names().iter().map(sync::wanted_name));
        }
        Ok(names)
    }

    fn shared_key(&self, id: &KeyId) -> Result<Option<SharedKey>, StoreError> {
        let stored = self.store.secret_keys()?;
        let found = stored.iter().find(|key| key.fingerprint.sha256() == id.as_bytes());
        let Some(key) = found else { return Ok(None) };
        let Some(purpose) = self.purpose(key)? else { return Ok(None) };
        let own = self.store.certificates_of(key.fingerprint.sha256())?;
        let own: Vec<_> = own.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let mut certificates = own.clone();
        for leaf in &own {
            let above = self.store.chain_above(leaf)?.into_iter();
            certificates.extend(above.filter(|above| !own.contains(above)));
        }
        let mut certificates: Vec<Vec<u8>> =
            certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect();
        let mut known = BTreeSet::new();
        certificates.retain(|der| known.insert(der.clone()));
        let secret = self.store.open_secret_key(key)?;
        Ok(Some(SharedKey { id: *id, purpose, secret, certificates }))
    }

    fn rows<T>(
        &self,
        query: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, PortError> {
        let all = || {
            let mut statement = self.store.connection.prepare_cached(query)?;
            let rows = statement.query_map([], read)?;
            Ok::<_, StoreError>(rows.collect::<Result<_, _>>()?)
        };
        all().map_err(failed)
    }

    fn blob(&self, query: &str, name: &ObjectName) -> Result<Option<Vec<u8>>, PortError> {
        let found = self.store.connection.query_row(query, [name.as_bytes()], |row| row.get(0)).optional();
        found.map_err(|error| failed(error.into()))
    }
}

impl Writer<'_> {
    /// Keeps what the loop, or a pairing, has to keep.
    pub(crate) fn apply_all(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        changes.iter().try_for_each(|change| self.apply(change))
    }

    fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        let now = self.now.unix_seconds();
        match change {
            Change::Entry { id, entry, signed } => {
                self.keep_log_entry(id.as_bytes(), &entry.to_der(), signed)
            }
            Change::Key(key) => self.take_shared_key(key),
            Change::Note(note) => {
                let counter = i64::try_from(note.counter).unwrap_or(i64::MAX);
                self.keep_device_note(note.device.as_bytes(), counter, &note.to_der())
            }
            Change::Post { name, object, secret } => self.execute(
                "INSERT OR IGNORE INTO outgoing_object (name, secret, object, added) VALUES (?1, ?2, ?3, ?4)",
                params![name.as_bytes(), secret.as_bytes(), object, now],
            ),
            Change::Posted { name, place } => self.execute(
                "INSERT OR IGNORE INTO posted_object (name, place)
                 SELECT name, ?2 FROM outgoing_object WHERE name = ?1",
                params![name.as_bytes(), place],
            ),
            Change::Done(name) => {
                self.execute("DELETE FROM outgoing_object WHERE name = ?1", params![name.as_bytes()])
            }
            Change::Wrapped { device, key, counter } => self.execute(
                "INSERT INTO wrapped_key (device, key, counter) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device, key) DO UPDATE SET counter = ?3",
                params![device.as_bytes(), key.as_bytes(), i64::try_from(*counter).unwrap_or(i64::MAX)],
            ),
            Change::Seen(name) => self.execute(
                "INSERT OR IGNORE INTO seen_object (name, added) VALUES (?1, ?2)",
                params![name.as_bytes(), now],
            ),
            Change::Shelve { name, package } => self.execute(
                "INSERT OR IGNORE INTO shelved_package (name, package, added) VALUES (?1, ?2, ?3)",
                params![name.as_bytes(), package, now],
            ),
            Change::Unshelve(name) => {
                self.execute("DELETE FROM shelved_package WHERE name = ?1", params![name.as_bytes()])
            }
            Change::Listed { place, secret, cursor } => self.execute(
                "INSERT INTO box_cursor (place, secret, cursor) VALUES (?1, ?2, ?3)
                 ON CONFLICT (place, secret) DO UPDATE SET cursor = ?3",
                params![place, secret.as_bytes(), cursor.0],
            ),
            Change::Pin(heads) => {
                let heads: Vec<u8> = heads.iter().flat_map(|head| *head.as_bytes()).collect();
                self.set_device_setting(PINNED, &heads)
            }
            Change::Want { name, asked } => self.execute(
                "INSERT INTO wanted_key (name, asked) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET asked = coalesce(?2, asked)",
                params![name, asked.map(Time::unix_seconds)],
            ),
            Change::Unwant(name) => self.execute("DELETE FROM wanted_key WHERE name = ?1", params![name]),
        }
    }

    fn execute(&self, query: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        self.transaction.prepare_cached(query)?.execute(values).map(drop)?;
        Ok(())
    }

    /// Takes in a key that devices share, with its certificates. One that is here stays as it is, and one that its
    /// owner destroyed here does not come back.
    fn take_shared_key(&mut self, key: &SharedKey) -> Result<(), StoreError> {
        let key_use = match key.purpose {
            Purpose::LogSecret => {
                return self
                    .add_device_secret(DeviceSecretKind::LogSecret, key.id.as_bytes(), &key.secret)
                    .map(drop);
            }
            Purpose::Decryption | Purpose::SigningAndDecryption => KeyUse::Encryption,
            Purpose::PersonalAuthority => KeyUse::PersonalCa,
        };
        let secret =
            SecretKey::from_pkcs8_der(key.secret.expose()).map_err(|_| StoreError::Tampered("shared key"))?;
        let public = secret.public_key();
        match self.add_secret_key(key_use, &secret.algorithm().name(), public.as_der(), &key.secret) {
            Ok(_) => {}
            Err(StoreError::KeyRemoved) => return Ok(()),
            Err(error) => return Err(error),
        }
        let certificates: Vec<_> =
            key.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        for certificate in &certificates {
            self.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
        }
        self.take_own_addresses(&certificates)
    }

    /// The addresses of certificates of ours are the owner's: for each stands the personal CA above it, or the key
    /// itself where there is none.
    fn take_own_addresses(&mut self, certificates: &[Certificate]) -> Result<(), StoreError> {
        for own in certificates.iter().filter(|own| !own.is_certificate_authority()) {
            let is_above = |other: &&Certificate| {
                other.is_personal_authority() && own.is_signed_by(other.public_key()).is_ok()
            };
            let above = certificates.iter().find(is_above);
            let key = above.unwrap_or(own).fingerprint();
            for address in own.addresses() {
                self.add_trust(&NewTrust {
                    kind: TrustKind::Own,
                    address,
                    key: &key,
                    points: VERIFIED.into(),
                    source: "device",
                    capabilities: None,
                    announced: None,
                })?;
            }
        }
        Ok(())
    }
}

fn failed(error: StoreError) -> PortError {
    match error {
        StoreError::Locked => PortError::Locked,
        StoreError::Full => PortError::Full,
        StoreError::Tampered(what) => PortError::Damaged(what.to_owned()),
        StoreError::Damaged(reason) => PortError::Damaged(reason),
        other => PortError::Io(Failure::from(other).message),
    }
}

fn damaged(table: &str, error: &dyn std::fmt::Display) -> PortError {
    PortError::Damaged(format!("{table}: {error}"))
}

#[cfg(test)]
mod tests;
