//! Unlock slots: each wraps the store master key under something that its owner has.

use std::time::{Duration, Instant};

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
use super::recovery_code::RecoveryCode;
use super::schema::SEAL_VERSION;
use super::sealed::{KEY_BYTES, SealingKey};
use crate::randomness::random;

/// The least memory: what RFC 9106, section 4, has for a machine with little of it.
const LEAST_MEMORY_KIBIBYTES: u32 = 64 << 10;
/// How long a person waits for one passphrase at most, where the least memory takes less.
const PATIENCE: Duration = Duration::from_secs(1);
/// Memory of Argon2id in KiB, unless the machine is too slow for it. A stolen file costs its thief 256 MiB and more than half a second for
/// each guess; on the reference machine a person waits 0.7 s.
const MEMORY_KIBIBYTES: u32 = 256 << 10;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Passes that a slot of a foreign file may ask for.
const MOST_PASSES: u32 = 64;
const SALT_BYTES: usize = 16;

/// What kind of thing opens a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotKind {
    /// A passphrase.
    Passphrase,
    /// Nothing.
    None,
    /// A code on paper.
    RecoveryCode,
    /// A key that the keyring of the desktop keeps.
    Keyring,
}

impl SlotKind {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Passphrase, Self::None, Self::RecoveryCode, Self::Keyring];

    /// The word in the table, in JSON and on the screen.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::None => "none",
            Self::RecoveryCode => "recovery-code",
            Self::Keyring => "keyring",
        }
    }

    /// The kind that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a store is to be protected by.
pub(crate) enum Protection {
    /// A passphrase.
    Passphrase(SecretBytes),
    /// Nothing but the permissions of the file.
    None,
    /// A code on paper.
    RecoveryCode(RecoveryCode),
    /// The key that the keyring of the desktop keeps.
    Keyring(SealingKey),
}

impl Protection {
    /// The kind of its slot.
    pub(crate) const fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::None => SlotKind::None,
            Self::RecoveryCode(_) => SlotKind::RecoveryCode,
            Self::Keyring(_) => SlotKind::Keyring,
        }
    }

    /// The kinds of slots that it takes the place of: a passphrase and none exclude each other.
    pub(super) const fn replaces(&self) -> &'static [SlotKind] {
        match self {
            Self::Passphrase(_) | Self::None => &[SlotKind::Passphrase, SlotKind::None],
            Self::RecoveryCode(_) => &[SlotKind::RecoveryCode],
            Self::Keyring(_) => &[SlotKind::Keyring],
        }
    }
}

/// What somebody has to open a store with.
#[derive(Clone, Copy)]
pub(crate) enum Opener<'a> {
    /// The passphrase.
    Passphrase(&'a SecretBytes),
    /// The code on paper.
    RecoveryCode(&'a RecoveryCode),
    /// The key in the keyring of the desktop.
    Keyring(&'a SealingKey),
}

/// How one slot makes its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameters {
    salt: [u8; SALT_BYTES],
    memory: u32,
    passes: u32,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) id: i64,
    pub(super) kind: SlotKind,
    pub(super) parameters: Vec<u8>,
    pub(super) created: i64,
    pub(super) wrapped: Vec<u8>,
}

/// Adds a slot for a master key, and answers with its id.
pub(super) fn add(
    connection: &Connection,
    store: &[u8; ID_BYTES],
    master_key: &MasterKey,
    protection: &Protection,
    now: Time,
) -> Result<i64, StoreError> {
    let id =
        connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM unlock_slot", [], |row| row.get(0))?;
    let slot = Slot::make(id, store, master_key, protection, now)?;
    connection.execute(
        "INSERT INTO unlock_slot (id, kind, parameters, created, wrapped) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![slot.id, slot.kind.word(), slot.parameters, slot.created, slot.wrapped],
    )?;
    Ok(id)
}

/// Takes away the slots of some kinds but one.
pub(super) fn remove(
    connection: &Connection,
    kinds: &[SlotKind],
    keep: Option<i64>,
) -> Result<usize, StoreError> {
    let mut removed = 0;
    for kind in kinds {
        let query = "DELETE FROM unlock_slot WHERE kind = ?1 AND id IS NOT ?2";
        removed += connection.execute(query, params![kind.word(), keep])?;
    }
    Ok(removed)
}

/// Takes away one slot.
pub(super) fn remove_one(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection.execute("DELETE FROM unlock_slot WHERE id = ?1", [id])?;
    Ok(())
}

/// All slots. "none" comes first: whoever has the file has the key, so no time is spent on Argon2.
pub(super) fn all(connection: &Connection) -> Result<Vec<Slot>, StoreError> {
    let mut statement = connection
        .prepare("SELECT id, kind, parameters, created, wrapped FROM unlock_slot ORDER BY kind, id")?;
    let mut rows = statement.query([])?;
    let mut slots = Vec::new();
    while let Some(row) = rows.next()? {
        slots.push(Slot::read(row)?);
    }
    Ok(slots)
}

/// Whether there is a slot of a kind.
pub(super) fn has(connection: &Connection, kind: SlotKind) -> Result<bool, StoreError> {
    let query = "SELECT 1 FROM unlock_slot WHERE kind = ?1";
    Ok(connection.query_row(query, [kind.word()], |_| Ok(())).optional()?.is_some())
}

/// Opens the store master key by whichever slot fits.
pub(super) fn open(
    slots: &[Slot],
    store: &[u8; ID_BYTES],
    opener: Option<Opener<'_>>,
) -> Result<MasterKey, StoreError> {
    for slot in slots {
        if let Some(key) = slot.open(store, opener)? {
            return Ok(MasterKey::new(store, key));
        }
    }
    Err(match opener {
        None | Some(Opener::Keyring(_)) => StoreError::Locked,
        Some(Opener::Passphrase(_)) => StoreError::WrongPassphrase,
        Some(Opener::RecoveryCode(_)) => StoreError::WrongRecoveryCode,
    })
}

impl Slot {
    /// A slot that wraps a master key; it is in no table yet.
    pub(super) fn make(
        id: i64,
        store: &[u8; ID_BYTES],
        master_key: &MasterKey,
        protection: &Protection,
        now: Time,
    ) -> Result<Self, StoreError> {
        let mut parameters = Parameters { salt: random(), memory: MEMORY_KIBIBYTES, passes: PASSES };
        let (stored, key) = match protection {
            Protection::Passphrase(passphrase) => {
                parameters.memory = calibrated(|memory| parameters.time(memory))?;
                (parameters.encode(), parameters.derive(passphrase)?)
            }
            Protection::None => (Vec::new(), no_passphrase()),
            Protection::RecoveryCode(code) => (parameters.salt.to_vec(), code.key(&parameters.salt)),
            Protection::Keyring(key) => (Vec::new(), key.clone()),
        };
        let kind = protection.kind();
        let mut slot =
            Self { id, kind, parameters: stored, created: now.unix_seconds(), wrapped: Vec::new() };
        slot.wrapped = key.seal(&slot.place(store), master_key.wrapped().expose());
        Ok(slot)
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let kind: String = row.get(1)?;
        Ok(Self {
            id: row.get(0)?,
            kind: SlotKind::from_word(&kind).ok_or(StoreError::Tampered("unlock_slot"))?,
            parameters: row.get(2)?,
            created: row.get(3)?,
            wrapped: row.get(4)?,
        })
    }

    /// The master key, where this slot fits what is there.
    pub(super) fn open(
        &self,
        store: &[u8; ID_BYTES],
        opener: Option<Opener<'_>>,
    ) -> Result<Option<SealingKey>, StoreError> {
        let key = match (self.kind, opener) {
            (SlotKind::None, _) => no_passphrase(),
            (SlotKind::Passphrase, Some(Opener::Passphrase(passphrase))) => {
                Parameters::decode(&self.parameters)?.derive(passphrase)?
            }
            (SlotKind::RecoveryCode, Some(Opener::RecoveryCode(code))) => code.key(&self.parameters),
            (SlotKind::Keyring, Some(Opener::Keyring(key))) => key.clone(),
            (SlotKind::Passphrase | SlotKind::RecoveryCode | SlotKind::Keyring, _) => return Ok(None),
        };
        Ok(key.open_key(&self.place(store), &self.wrapped).ok())
    }

    /// The parameters are part of it, so that nobody can make them cheaper.
    fn place(&self, store: &[u8; ID_BYTES]) -> Encoding {
        Encoding::of("slot")
            .bytes(store)
            .integer(SEAL_VERSION)
            .integer(self.id)
            .text(self.kind.word())
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

    /// How long one passphrase takes with so much memory.
    fn time(&self, memory: u32) -> Result<Duration, StoreError> {
        let begin = Instant::now();
        Self { memory, ..self.clone() }.derive(&SecretBytes::copy_of(b"measure"))?;
        Ok(begin.elapsed())
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

/// The memory with which a passphrase takes about [`PATIENCE`], between the least and the most. Only the least is
/// measured: time grows with memory, and a slow machine should not wait to learn that it is one.
fn calibrated(measure: impl FnOnce(u32) -> Result<Duration, StoreError>) -> Result<u32, StoreError> {
    let least = measure(LEAST_MEMORY_KIBIBYTES)?.as_micros().max(1);
    let fits = u128::from(LEAST_MEMORY_KIBIBYTES) * PATIENCE.as_micros() / least;
    let fits = u32::try_from(fits).unwrap_or(u32::MAX).clamp(LEAST_MEMORY_KIBIBYTES, MEMORY_KIBIBYTES);
    // Whole MiB: the file says nothing more of the machine than it must.
    Ok(fits >> 10 << 10)
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
    fn memory_follows_the_machine_within_limits() {
        let at = |milliseconds| calibrated(|_| Ok(Duration::from_millis(milliseconds))).unwrap() >> 10;
        assert_eq!([0, 1, 175, 250].map(at), [256; 4]);
        assert_eq!([320, 500, 800].map(at), [200, 128, 80]);
        assert_eq!([1000, 5000].map(at), [64; 2]);
        let asked = std::cell::Cell::new(0);
        calibrated(|memory| {
            asked.set(memory);
            Ok(PATIENCE)
        })
        .unwrap();
        assert_eq!(asked.get(), 64 << 10);
    }

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
