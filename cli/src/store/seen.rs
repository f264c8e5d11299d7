//! The newest head that was seen, kept in a file of its own: an older store that takes the place of the newer
//! one is noticed by it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::hexadecimal::{hexadecimal, octets};
use super::trust::{Head, SignedHead};
use super::{ID_BYTES, directory};
use crate::files::write_file;

const MARK: &str = "counterseal store seen 1";
/// Bytes that such a file may have.
const MOST_BYTES: u64 = 4096;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// There is none, or nobody can read it.
    Nothing,
    /// A head of this store, and the trust key that signed it.
    Head(i64, [u8; 32]),
    /// A head of another store.
    OtherStore,
}

/// Refuses a store whose head is older than one that was seen, and remembers a newer one.
pub(super) fn check(
    store_file: &Path,
    connection: &Connection,
    id: &[u8; ID_BYTES],
) -> Result<(), StoreError> {
    // First the file, then the store: another process writes in the other order, so what it writes between the
    // two looks like no older store.
    let seen = read(store_file, id);
    let (head, signature) = Head::read(connection)?;
    let is_news = match seen {
        Seen::Head(seen, _) if seen > head.epoch => {
            return Err(StoreError::RolledBack { seen, found: head.epoch });
        }
        Seen::OtherStore => return Err(StoreError::OtherStore),
        // Whether it is really this store's key is known when it is unlocked. Until then no other key may
        // raise what was seen, or a forged head would make the right store an old one.
        Seen::Head(seen, trust_key) => seen < head.epoch && trust_key == head.trust_key,
        Seen::Nothing => true,
    };
    let signed = SignedHead { head, signature };
    if is_news && signed.is_signed_for(id) {
        record(store_file, id, &signed);
    }
    Ok(())
}

/// What the file beside a store says.
pub(super) fn read(store_file: &Path, id: &[u8; ID_BYTES]) -> Seen {
    let path = beside(store_file);
    // A file that nobody signed says nothing: else whoever can write it could call every store an old one.
    let is_small = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= MOST_BYTES);
    let text = if is_small { fs::read_to_string(&path).ok() } else { None };
    match text.as_deref().and_then(parse) {
        None => Seen::Nothing,
        Some((store, signed)) if signed.is_signed_for(&store) => {
            if store == *id {
                Seen::Head(signed.head.epoch, signed.head.trust_key)
            } else {
                Seen::OtherStore
            }
        }
        Some(_) => Seen::Nothing,
    }
}

/// Remembers a head, unless a newer one of this store is remembered. It is a look-out beside the store: that it
/// cannot be written undoes nothing, and `cseal doctor` says so.
pub(super) fn record(store_file: &Path, id: &[u8; ID_BYTES], signed: &SignedHead) {
    let Some(Ok(_lock)) = store_file.parent().map(directory::lock) else { return };
    match read(store_file, id) {
        Seen::Head(seen, _) if seen >= signed.head.epoch => {}
        _ => record_locked(store_file, id, signed),
    }
}

/// The same, whatever is remembered, for those who hold the lock of the directory.
pub(super) fn record_locked(store_file: &Path, id: &[u8; ID_BYTES], signed: &SignedHead) {
    let _ = write_file(&beside(store_file), text(id, signed).as_bytes(), true);
}

/// The name of the file.
pub(super) fn beside(store_file: &Path) -> PathBuf {
    directory::beside(store_file, ".seen")
}

fn text(id: &[u8; ID_BYTES], SignedHead { head, signature }: &SignedHead) -> String {
    let line = format!(
        "{} {} {} {} {} {} {}",
        hexadecimal(id),
        head.created,
        head.epoch,
        hexadecimal(&head.trust_key),
        head.rows,
        hexadecimal(&head.digest),
        hexadecimal(signature)
    );
    format!("{MARK}\n{line}\n")
}

fn parse(text: &str) -> Option<([u8; ID_BYTES], SignedHead)> {
    let mut lines = text.lines();
    if lines.next()? != MARK {
        return None;
    }
    let mut values = lines.next()?.split(' ');
    let id = fixed(values.next()?)?;
    let head = Head {
        created: values.next()?.parse().ok()?,
        epoch: values.next()?.parse().ok()?,
        trust_key: fixed(values.next()?)?,
        rows: values.next()?.parse().ok()?,
        digest: fixed(values.next()?)?,
    };
    Some((id, SignedHead { head, signature: fixed(values.next()?)? }))
}

fn fixed<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    octets(text)?.try_into().ok()
}

#[cfg(test)]
mod tests;
