//! Which devices that cannot run cseal were given which keys. Kept on this device only.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::store::{KeyUse, Store, StoreError, Writer};

/// How the names of these settings begin.
const PREFIX: &str = "foreign/";

/// A device, and what it has.
#[derive(Clone, Debug)]
pub(crate) struct ForeignReader {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// When it was given the keys.
    pub(crate) at: Time,
    pub(crate) keys: Vec<Fingerprint>,
}

/// A setting, as JSON.
#[derive(Serialize, Deserialize)]
struct Row {
    kind: String,
    at: i64,
    /// SHA-256 of each SubjectPublicKeyInfo.
    keys: Vec<[u8; 32]>,
}

/// A device in a list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) at: Time,
    /// Keys that open mail and that it has.
    pub(crate) keys: usize,
    /// Keys that open mail.
    pub(crate) of: usize,
}

/// All of them, in the order of their names.
pub(crate) fn readers(store: &Store) -> Result<Vec<Listed>, Failure> {
    let stored = store.secret_keys()?;
    let wanted: Vec<[u8; 32]> = stored
        .iter()
        .filter(|key| key.key_use == KeyUse::Encryption)
        .map(|key| *key.fingerprint.sha256())
        .collect();
    let mut listed = Vec::new();
    for (name, value) in store.device_settings(PREFIX)? {
        let row: Row = serde_json::from_slice(&value)
            .map_err(|error| Failure::from(StoreError::Tampered("device_setting")).because(error))?;
        listed.push(Listed {
            name: name.strip_prefix(PREFIX).unwrap_or_default().to_owned(),
            kind: row.kind,
            at: Time::from_unix_seconds(row.at),
            keys: wanted.iter().filter(|key| row.keys.contains(key)).count(),
            of: wanted.len(),
        });
    }
    Ok(listed)
}

/// Keeps what a device was given, in the place of what it was given before.
pub(super) fn keep(writer: &mut Writer<'_>, reader: &ForeignReader) -> Result<(), StoreError> {
    let keys = reader.keys.iter().map(|key| *key.sha256()).collect();
    let row = Row { kind: reader.kind.clone(), at: reader.at.unix_seconds(), keys };
    // A structure of numbers and texts has a JSON form.
    let value = serde_json::to_vec(&row).unwrap_or_default();
    writer.set_device_setting(&format!("{PREFIX}{}", reader.name), &value)
}
