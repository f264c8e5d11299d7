//! Unlock slots: each wraps the store master key under something that its owner has.

use argon2::{Algorithm, Argon2, Params, Version};
use counterseal_core::limits::ARGON2_KIBIBYTES;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::ID_BYTES;
use super::encoding::Encoding;
use super::error::StoreError;
use super::master_key::MasterKey;
use super::schema::SEAL_VERSION;
use super::sealed::{KEY_BYTES, SealingKey};
use crate::randomness::random;

/// Memory of Argon2id in KiB. A stolen file costs its thief 256 MiB and more than half a second for
/// each guess; on the reference machine a person waits 0.7 s.
const MEMORY_KIBIBYTES: u32 = 256 << 10;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Passes that a slot of a foreign file may ask for.
const MOST_PASSES: u32 = 64;
const SALT_BYTES: usize = 16;

/// What a new store is to be protected by.
pub(crate) enum Protection {
    /// A passphrase.
    Passphrase(SecretBytes),
    /// Nothing but the permissions of the file.
    None,
}

/// How one slot makes its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameters {
    salt: [u8; SALT_BYTES],
    memory: u32,
    passes: u32,
}

/// One row of the table.
struct Slot {
    id: i64,
    kind: String,
    parameters: Vec<u8>,
    created: i64,
    wrapped: Vec<u8>,
}

/// Adds a slot for a master key.
pub(super) fn add(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
    protection: &Protection,
    now: Time,
) -> Result<(), StoreError> {
    let parameters = Parameters { salt: random(), memory: MEMORY_KIBIBYTES, passes: PASSES };
    let (kind, stored, key) = match protection {
        Protection::Passphrase(passphrase) => {
            ("passphrase", parameters.encode(), parameters.derive(passphrase)?)
        }
        Protection::None => ("none", Vec::new(), no_passphrase()),
    };
    let id =
        connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM unlock_slot", [], |row| row.get(0))?;
    let mut slot =
        Slot { id, kind: kind.into(), parameters: stored, created: now.unix_seconds(), wrapped: Vec::new() };
    slot.wrapped = key.seal(&slot.place(store), master_key.wrapped().expose());
    connection.execute(
        "INSERT INTO unlock_slot (id, kind, parameters, created, wrapped) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![slot.id, slot.kind, slot.parameters, slot.created, slot.wrapped],
    )?;
    Ok(())
}

/// Whether the store opens without a passphrase.
pub(super) fn has_none(connection: &Connection) -> Result<bool, StoreError> {
    let found =
        connection.query_row("SELECT 1 FROM unlock_slot WHERE kind = 'none'", [], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Opens the store master key by whichever slot fits.
pub(super) fn open(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    passphrase: Option<&SecretBytes>,
) -> Result<MasterKey, StoreError> {
    let mut statement = connection
        .prepare("SELECT id, kind, parameters, created, wrapped FROM unlock_slot ORDER BY kind, id")?;
    let slots = statement.query_map([], Slot::read)?.collect::<Result<Vec<_>, _>>()?;
    // "none" sorts before "passphrase": whoever has the file has the key, so no time is spent on Argon2.
    for slot in slots {
        if let Some(key) = slot.open(store, passphrase)? {
            return Ok(MasterKey::new(store, key));
        }
    }
    Err(if passphrase.is_some() { StoreError::WrongPassphrase } else { StoreError::Locked })
}

impl Slot {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            parameters: row.get(2)?,
            created: row.get(3)?,
            wrapped: row.get(4)?,
        })
    }

    /// The master key, where this slot fits what is there.
    fn open(
        &self,
        store: &[u8; ID_BYTES],
        passphrase: Option<&SecretBytes>,
    ) -> Result<Option<SealingKey>, StoreError> {
        let key = match (self.kind.as_str(), passphrase) {
            ("none", _) => no_passphrase(),
            ("passphrase", Some(passphrase)) => Parameters::decode(&self.parameters)?.derive(passphrase)?,
            _ => return Ok(None),
        };
        Ok(key.open_key(&self.place(store), &self.wrapped).ok())
    }

    /// The parameters are part of it, so that nobody can make them cheaper.
    fn place(&self, store: &[u8; ID_BYTES]) -> Encoding {
        Encoding::of("slot")
            .bytes(store)
            .integer(SEAL_VERSION)
            .integer(self.id)
            .text(&self.kind)
            .bytes(&self.parameters)
            .integer(self.created)
    }
}

impl Parameters {
    fn encode(&self) -> Vec<u8> {
        [&self.salt[..], &self.memory.to_be_bytes(), &self.passes.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = StoreError::Tampered("unlock_slot");
        let Some((salt, [m1, m2, m3, m4, p1, p2, p3, p4])) = bytes.split_first_chunk::<SALT_BYTES>() else {
            return Err(damaged);
        };
        let memory = u32::from_be_bytes([*m1, *m2, *m3, *m4]);
        let passes = u32::from_be_bytes([*p1, *p2, *p3, *p4]);
        if memory > ARGON2_KIBIBYTES || passes > MOST_PASSES {
            return Err(StoreError::SlotTooExpensive);
        }
        Ok(Self { salt: *salt, memory, passes })
    }

    fn derive(&self, passphrase: &SecretBytes) -> Result<SealingKey, StoreError> {
        let parameters = Params::new(self.memory, self.passes, 1, Some(KEY_BYTES))
            .map_err(|_| StoreError::Tampered("unlock_slot"))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose(), &self.salt, &mut *key)
            .map_err(|_| StoreError::Memory)?;
        Ok(SealingKey::new(key))
    }
}

/// The key of the slot that protects nothing.
fn no_passphrase() -> SealingKey {
    SealingKey::new(Zeroizing::new(Sha256::digest(b"counterseal store v1 no passphrase").into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_both_ways_and_have_limits() {
        let good = Parameters { salt: [7; SALT_BYTES], memory: ARGON2_KIBIBYTES, passes: MOST_PASSES };
        assert_eq!(Parameters::decode(&good.encode()).unwrap(), good);
        let large = Parameters { memory: ARGON2_KIBIBYTES + 1, ..good.clone() };
        assert!(matches!(Parameters::decode(&large.encode()), Err(StoreError::SlotTooExpensive)));
        let long = Parameters { passes: MOST_PASSES + 1, ..good.clone() };
        assert!(matches!(Parameters::decode(&long.encode()), Err(StoreError::SlotTooExpensive)));
        assert!(Parameters::decode(&good.encode()[1..]).is_err());
    }
}
