//! Backups: the whole store as one sealed file (`docs/formats/backup.md`).
//!
//! The slots of the store stand before it, so whatever opens the store opens its backup. Written and read in
//! pieces, so that a store of any size needs the same memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use counterseal_core::time::Time;
use hkdf::Hkdf;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::evidence::EvidenceKind;
use super::hexadecimal::{hexadecimal, octets};
use super::master_key::MasterKey;
use super::sealed::SealingKey;
use super::slots::{self, Opener, Protection, Slot, SlotKind};
use super::{ID_BYTES, Store, Writer};
use crate::randomness::random;

const MARK: &str = "counterseal backup 1";
const LABEL: &[u8] = b"counterseal backup v1";

/// Whether a file begins as a backup.
pub(crate) fn is_backup(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK.as_bytes())
}

const SALT_BYTES: usize = 16;
/// Bytes that are sealed together.
const PIECE: usize = 64 << 10;
/// Bytes of the tag behind each piece.
const TAG: usize = 16;
/// Bytes of what stands before the pieces. Ours have less than 1 KiB.
const MOST_HEADER: u64 = 16 << 10;
/// Slots that cost Argon2, of a file that may be anybody's.
const MOST_PASSPHRASES: usize = 4;
/// Pages that are copied while others wait.
const PAGES: i32 = 1024;

/// What stands before the sealed pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    id: [u8; ID_BYTES],
    /// When it was made.
    pub(crate) made: Time,
    /// The change of the store that it holds.
    pub(crate) epoch: i64,
    slots: Vec<Slot>,
    salt: [u8; SALT_BYTES],
}

/// What the store remembers of the last backup that was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackupNote {
    /// When it was made.
    pub(crate) made: Time,
    /// How many secret keys were in it. None is ever removed, so more of them are newer ones.
    pub(crate) keys: u32,
}

impl BackupNote {
    fn encode(&self) -> Vec<u8> {
        [&self.made.unix_seconds().to_be_bytes()[..], &self.keys.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (made, keys) = bytes.split_first_chunk::<8>()?;
        let made = Time::from_unix_seconds(i64::from_be_bytes(*made));
        Some(Self { made, keys: u32::from_be_bytes(keys.try_into().ok()?) })
    }
}

impl Writer<'_> {
    /// Remembers that a backup was made.
    pub(crate) fn note_backup(&mut self, note: &BackupNote) -> Result<(), StoreError> {
        self.keep_evidence(EvidenceKind::Backup, b"last", &note.encode()).map(drop)
    }
}

impl Store {
    /// Writes a backup. With `protection` it is opened by that, or by the recovery code of the store; without, by
    /// what opens the store.
    ///
    /// # Errors
    /// [`StoreError::NothingOpens`] where neither a passphrase nor a recovery code would open it; what is wrong with
    /// the store, where the backup could not be restored.
    pub(crate) fn back_up(
        &self,
        protection: Option<&Protection>,
        output: &mut dyn Write,
        now: Time,
    ) -> Result<Header, StoreError> {
        let master_key = self.master_key()?;
        // It may take the place of a backup that is whole.
        self.check_all()?;
        let slots = self.backup_slots(master_key, protection, now)?;
        let copy = self.copy()?;
        let epoch =
            Connection::open(copy.path())?.query_row("SELECT epoch FROM store", [], |row| row.get(0))?;
        let header = Header { id: self.id, made: now, epoch, slots, salt: random() };
        let failed = |error: io::Error| StoreError::Io("the backup".into(), error);
        let text = header.text();
        output.write_all(text.as_bytes()).map_err(failed)?;
        let content = File::open(copy.path()).map_err(failed)?;
        seal(&header.key(master_key, &text), content, output).map_err(failed)?;
        Ok(header)
    }

    /// Whether something that a person has opens the store, and so its backups.
    pub(crate) fn opens_backups(&self) -> Result<bool, StoreError> {
        let kinds = self.slot_kinds()?;
        Ok(kinds.iter().any(|kind| matches!(kind, SlotKind::Passphrase | SlotKind::RecoveryCode)))
    }

    /// What is known of the last backup.
    pub(crate) fn last_backup(&self) -> Result<Option<BackupNote>, StoreError> {
        let kept = self.evidence(EvidenceKind::Backup)?;
        Ok(kept.last().and_then(|kept| BackupNote::decode(&kept.content)))
    }

    fn backup_slots(
        &self,
        master_key: &MasterKey,
        protection: Option<&Protection>,
        now: Time,
    ) -> Result<Vec<Slot>, StoreError> {
        let mut kept = slots::all(&self.connection)?;
        // Without a passphrase a file on another disk is anybody's, and no other machine has this keyring.
        kept.retain(|slot| match slot.kind {
            SlotKind::Passphrase => protection.is_none(),
            SlotKind::RecoveryCode => true,
            SlotKind::None | SlotKind::Keyring => false,
        });
        if let Some(protection) = protection {
            let id = slots::all(&self.connection)?.iter().map(|slot| slot.id).max().unwrap_or_default();
            kept.push(Slot::make(id.saturating_add(1), &self.id, master_key, protection, now)?);
        }
        if kept.is_empty() { Err(StoreError::NothingOpens) } else { Ok(kept) }
    }

    /// A copy of the file as it is at one moment, beside it, with every record sealed as there.
    fn copy(&self) -> Result<NamedTempFile, StoreError> {
        let failed = |error: io::Error| StoreError::Io(self.path.clone(), error);
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let copy = Builder::new().prefix(super::BACKUP_PREFIX).tempfile_in(directory).map_err(failed)?;
        let mut target = Connection::open(copy.path())?;
        // It is thrown away where anything happens.
        target.pragma_update(None, "journal_mode", "OFF")?;
        target.pragma_update(None, "synchronous", "OFF")?;
        Backup::new(&self.connection, &mut target)?.run_to_completion(PAGES, Duration::ZERO, None)?;
        Ok(copy)
    }
}

impl Header {
    fn text(&self) -> String {
        let mut text = format!(
            "{MARK}\nstore {}\nmade {}\nepoch {}\nsalt {}\n",
            hexadecimal(&self.id),
            self.made.unix_seconds(),
            self.epoch,
            hexadecimal(&self.salt)
        );
        for slot in &self.slots {
            let _ = writeln!(
                text,
                "slot {} {} {} {} {}",
                slot.id,
                slot.kind.word(),
                slot.created,
                hexadecimal(&slot.parameters),
                hexadecimal(&slot.wrapped)
            );
        }
        text.push('\n');
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != MARK {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let id = octets(&value("store")?)?.try_into().ok()?;
        let made = Time::from_unix_seconds(value("made")?.parse().ok()?);
        let epoch = value("epoch")?.parse().ok()?;
        let salt = octets(&value("salt")?)?.try_into().ok()?;
        let slots = lines.take_while(|line| !line.is_empty()).map(parse_slot).collect::<Option<Vec<_>>>()?;
        let header = Self { id, made, epoch, slots, salt };
        // The key of the pieces depends on the text, so there is one text for each header.
        (header.text() == text).then_some(header)
    }

    /// The key of the pieces: another one for each file, and for each change in what stands before them.
    fn key(&self, master_key: &MasterKey, text: &str) -> SealingKey {
        let derivation = Hkdf::<Sha256>::new(Some(&self.salt), master_key.wrapped().expose());
        let label = [LABEL, Sha256::digest(text.as_bytes()).as_slice()].concat();
        SealingKey::derived(&derivation, &label)
    }
}

fn parse_slot(line: &str) -> Option<Slot> {
    let mut values = line.strip_prefix("slot ")?.split(' ');
    let slot = Slot {
        id: values.next()?.parse().ok()?,
        kind: SlotKind::from_word(values.next()?)?,
        created: values.next()?.parse().ok()?,
        parameters: octets(values.next()?)?,
        wrapped: octets(values.next()?)?,
    };
    values.next().is_none().then_some(slot)
}

/// A backup that is being read.
pub(crate) struct BackupFile {
    /// What stands before the sealed pieces. It is authenticated with the first of them.
    pub(crate) header: Header,
    input: BufReader<File>,
}

impl BackupFile {
    /// Reads what stands before the sealed pieces.
    ///
    /// # Errors
    /// [`StoreError::NotABackup`].
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Io(path.to_owned(), error);
        let mut input = BufReader::with_capacity(PIECE, File::open(path).map_err(failed)?);
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            let left = MOST_HEADER.saturating_sub(text.len() as u64);
            if (&mut input).take(left).read_until(b'\n', &mut text).map_err(failed)? == 0 {
                return Err(StoreError::NotABackup);
            }
        }
        let text = String::from_utf8(text).map_err(|_| StoreError::NotABackup)?;
        let header = Header::parse(&text).ok_or(StoreError::NotABackup)?;
        let passphrases = header.slots.iter().filter(|slot| slot.kind == SlotKind::Passphrase).count();
        if passphrases > MOST_PASSPHRASES {
            return Err(StoreError::SlotTooExpensive);
        }
        Ok(Self { header, input })
    }

    /// The id of the store that is in it.
    pub(super) const fn store_id(&self) -> [u8; ID_BYTES] {
        self.header.id
    }

    /// The master key of the store that is in it.
    pub(super) fn unlock(&self, opener: Opener<'_>) -> Result<MasterKey, StoreError> {
        slots::open(&self.header.slots, &self.header.id, Some(opener))
    }

    /// Writes what is sealed in it. Until this has answered, nothing of it may be used.
    ///
    /// # Errors
    /// [`StoreError::BackupDamaged`] where it is not, whole and unchanged, what was sealed.
    pub(super) fn unseal(self, master_key: &MasterKey, output: &mut dyn Write) -> Result<(), StoreError> {
        let key = self.header.key(master_key, &self.header.text());
        unseal(&key, self.input, output)
    }
}

/// Reads a backup that was written, to its end.
pub(crate) fn verify(store: &Store, path: &Path) -> Result<(), StoreError> {
    BackupFile::open(path)?.unseal(store.master_key()?, &mut io::sink())
}

/// The nonce of a piece. The last one has another, so that no piece can be taken away from the end.
fn nonce(number: u64, is_last: bool) -> XNonce {
    let mut nonce = [0; 24];
    let (_, place) = nonce.split_at_mut(15);
    let (counter, last) = place.split_at_mut(8);
    counter.copy_from_slice(&number.to_be_bytes());
    last.fill(u8::from(is_last));
    XNonce::from(nonce)
}

fn seal(key: &SealingKey, content: impl Read, output: &mut dyn Write) -> io::Result<()> {
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let mut content = BufReader::with_capacity(PIECE, content);
    for number in 0.. {
        let piece = next(&mut content, PIECE)?;
        let is_last = content.fill_buf()?.is_empty();
        let sealed = cipher
            .encrypt(&nonce(number, is_last), piece.as_slice())
            .map_err(|_| io::Error::other("a piece is too large"))?;
        output.write_all(&sealed)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

fn unseal(key: &SealingKey, mut input: impl BufRead, output: &mut dyn Write) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Io("the backup".into(), error);
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    for number in 0.. {
        let sealed = next(&mut input, PIECE + TAG).map_err(failed)?;
        let is_last = input.fill_buf().map_err(failed)?.is_empty();
        let piece = cipher
            .decrypt(&nonce(number, is_last), sealed.as_slice())
            .map_err(|_| StoreError::BackupDamaged)?;
        output.write_all(&Zeroizing::new(piece)).map_err(failed)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

/// A piece, which is shorter only where nothing comes after it.
fn next(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(length);
    input.take(length as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sealed(key: &SealingKey, length: usize) -> (Vec<u8>, Vec<u8>) {
        let content: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
        let mut sealed = Vec::new();
        seal(key, content.as_slice(), &mut sealed).unwrap();
        (content, sealed)
    }

    fn opened(key: &SealingKey, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut opened = Vec::new();
        unseal(key, sealed, &mut opened).ok().map(|()| opened)
    }

    #[test]
    fn what_was_sealed_opens_whatever_its_length() {
        let key = SealingKey::generate();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let (content, sealed) = sealed(&key, length);
            assert_eq!(opened(&key, &sealed).unwrap(), content, "{length}");
            assert!(opened(&SealingKey::generate(), &sealed).is_none());
        }
    }

    #[test]
    fn no_piece_is_taken_away_added_changed_or_moved() {
        let key = SealingKey::generate();
        let (_, sealed) = sealed(&key, 3 * PIECE - 7);
        let piece = PIECE + TAG;
        let (first, rest) = sealed.split_at(piece);
        let (second, third) = rest.split_at(piece);
        let mut changed = sealed.clone();
        changed[piece + 5] ^= 1;
        let hostile = [
            first.to_vec(),
            [first, second].concat(),
            rest.to_vec(),
            [second, first, third].concat(),
            [&sealed[..], third].concat(),
            [&sealed[..], b"x"].concat(),
            sealed[..sealed.len() - 1].to_vec(),
            changed,
            Vec::new(),
        ];
        assert!(hostile.iter().all(|hostile| opened(&key, hostile).is_none()));
    }

    #[test]
    fn a_header_is_read_as_it_was_written_and_in_no_other_way() {
        let slot = Slot {
            id: 3,
            kind: SlotKind::RecoveryCode,
            parameters: vec![1],
            created: 7,
            wrapped: vec![2, 3],
        };
        let header = Header {
            id: [9; 16],
            made: Time::from_unix_seconds(5),
            epoch: 4,
            slots: vec![slot],
            salt: [8; 16],
        };
        let text = header.text();
        assert_eq!(Header::parse(&text).unwrap(), header);
        for other in [
            text.replace("made 5", "made 05"),
            text.replace("01", "0A"),
            text.replace("backup 1", "backup 2"),
        ] {
            assert!(Header::parse(&other).is_none(), "{other}");
        }
    }
}
