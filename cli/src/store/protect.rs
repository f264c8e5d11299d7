//! What opens the store is changed: the new slot is durable and tried before the old one goes, and what is left
//! of the old one in the file goes too.

use std::sync::Arc;

use counterseal_core::time::Time;

use super::error::StoreError;
use super::master_key::MasterKey;
use super::slots::{self, Opener, Protection, SlotKind};
use super::{ID_BYTES, Store, Writer, connect, os_keyring};

/// A slot that is there and was tried, beside those that it takes the place of.
#[must_use]
pub(crate) struct Added {
    slot: i64,
    replaces: &'static [SlotKind],
}

impl Store {
    /// The kinds of all slots.
    pub(crate) fn slot_kinds(&self) -> Result<Vec<SlotKind>, StoreError> {
        Ok(slots::all(&self.connection)?.iter().map(|slot| slot.kind).collect())
    }

    /// A key that the keyring of the desktop keeps for this store from now on.
    ///
    /// # Errors
    /// [`StoreError::NoKeyring`] where there is none that does.
    pub(crate) fn make_keyring_key(&self) -> Result<Protection, StoreError> {
        os_keyring::make_key(&self.id).map(Protection::Keyring).ok_or(StoreError::NoKeyring)
    }

    /// Adds a slot, and opens the file once more by it alone. What opened the store before still does.
    pub(crate) fn add_protection(&mut self, protection: &Protection, now: Time) -> Result<Added, StoreError> {
        let slot = self.write(now, |writer| writer.add_slot(protection))?;
        // Another connection sees what is in the file, and not what this one remembers.
        let opened = connect(&self.path)
            .and_then(|connection| slots::all(&connection))
            .and_then(|slots| try_slot(&slots, slot, &self.id, protection, self.master_key()?));
        match opened {
            Ok(()) => Ok(Added { slot, replaces: protection.replaces() }),
            Err(error) => {
                self.write(now, |writer| slots::remove_one(&writer.transaction, slot))?;
                Err(error)
            }
        }
    }

    /// Takes away the slots that the new one takes the place of. Answers as [`Store::wipe`].
    pub(crate) fn replace_protection(&mut self, added: &Added, now: Time) -> Result<bool, StoreError> {
        self.write(now, |writer| slots::remove(&writer.transaction, added.replaces, Some(added.slot)))?;
        self.wipe()
    }

    /// Takes away all slots of a kind, where another one is left to open the store. Answers as [`Store::wipe`].
    pub(crate) fn remove_protection(&mut self, kind: SlotKind, now: Time) -> Result<bool, StoreError> {
        self.write(now, |writer| {
            slots::remove(&writer.transaction, &[kind], None)?;
            if slots::all(&writer.transaction)?.iter().all(|slot| slot.kind == SlotKind::Keyring) {
                return Err(StoreError::LastSlot);
            }
            Ok(())
        })?;
        if kind == SlotKind::Keyring {
            os_keyring::forget(&self.id);
        }
        self.wipe()
    }

    /// Gives the store another master key, and this protection alone: every data key is wrapped anew, all in one
    /// transaction. Answers as [`Store::wipe`].
    pub(crate) fn renew_master_key(
        &mut self,
        protection: &Protection,
        now: Time,
    ) -> Result<bool, StoreError> {
        let fresh = Arc::new(MasterKey::generate(&self.id));
        self.write(now, |writer| writer.change_master_key(&fresh, protection))?;
        self.unlocked = std::cell::OnceCell::from(fresh);
        os_keyring_is_void(self)?;
        self.wipe()
    }
}

/// The keyring's key opens nothing any more.
fn os_keyring_is_void(store: &Store) -> Result<(), StoreError> {
    if !slots::has(&store.connection, SlotKind::Keyring)? && store.keyring.get().is_some_and(|used| *used) {
        os_keyring::forget(&store.id);
    }
    Ok(())
}

impl Writer<'_> {
    fn add_slot(&mut self, protection: &Protection) -> Result<i64, StoreError> {
        slots::add(&self.transaction, self.id, &self.master_key, protection, self.now)
    }

    fn change_master_key(
        &mut self,
        fresh: &Arc<MasterKey>,
        protection: &Protection,
    ) -> Result<(), StoreError> {
        self.rewrap_secret_keys(fresh)?;
        self.rewrap_device_secrets(fresh)?;
        slots::remove(&self.transaction, &SlotKind::ALL, None)?;
        let slot = slots::add(&self.transaction, self.id, fresh, protection, self.now)?;
        try_slot(&slots::all(&self.transaction)?, slot, self.id, protection, fresh)?;
        self.master_key = Arc::clone(fresh);
        Ok(())
    }
}

/// Opens one slot as its owner will, and holds what it gives against the master key.
fn try_slot(
    slots: &[slots::Slot],
    slot: i64,
    store: &[u8; ID_BYTES],
    protection: &Protection,
    master_key: &MasterKey,
) -> Result<(), StoreError> {
    let opener = match protection {
        Protection::Passphrase(passphrase) => Some(Opener::Passphrase(passphrase)),
        Protection::RecoveryCode(code) => Some(Opener::RecoveryCode(code)),
        Protection::Keyring(key) => Some(Opener::Keyring(key)),
        Protection::None => None,
    };
    let written = slots.iter().find(|written| written.id == slot).ok_or(StoreError::SlotNotWritten)?;
    let opened = written.open(store, opener)?.ok_or(StoreError::SlotNotWritten)?;
    let is_same = opened.expose() == master_key.wrapped().expose();
    if is_same { Ok(()) } else { Err(StoreError::SlotNotWritten) }
}
