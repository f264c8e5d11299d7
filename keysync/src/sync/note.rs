//! What a device says about itself: that it is there, what it knows, which keys it holds and which it misses.

use counterseal_core::der::tlv::{self, Elements, tag};
use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use crate::device::DeviceId;
use crate::limits;
use crate::log::der::{ascending, end, hash, hashes, hashes_in, number, octets, string, time, unsigned};
use crate::log::{AccountId, EntryError, EntryId, KeyId};

/// The content octets of the object identifier of a note's content, 2.25.141656435858741282469383383261167732817.11.
pub const NOTE_CONTENT_TYPE: [u8; 21] = [
    0x69, 0x81, 0xd5, 0x92, 0x84, 0xe0, 0xf1, 0xcf, 0x82, 0xa7, 0xef, 0xb9, 0xaf, 0xd4, 0xd2, 0xbb, 0x91,
    0xbf, 0x90, 0x51, 0x0b,
];

/// An acknowledgement, a beacon and a request in one (`docs/formats/device-log.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The account.
    pub account: AccountId,
    /// Whose note it is.
    pub device: DeviceId,
    /// One more in each note of the device.
    pub counter: u64,
    /// What its clock said.
    pub time: Time,
    /// Heads of its log, ascending.
    pub heads: Vec<EntryId>,
    /// [`digest_of`] the keys that it holds.
    pub digest: [u8; 32],
    /// These keys, ascending, where they are not exactly those that the log gives to it.
    pub held: Option<Vec<KeyId>>,
    /// Names of keys of mail that it could not open, ascending.
    pub wanted: Vec<[u8; 32]>,
}

/// SHA-256 of the ids of keys, ascending: what two devices compare before they send lists.
#[must_use]
pub fn digest_of<'a>(keys: impl Iterator<Item = &'a KeyId>) -> [u8; 32] {
    keys.fold(Sha256::new(), |digest, key| digest.chain_update(key.as_bytes())).finalize().into()
}

impl Note {
    /// The content that is signed.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let list = |number, hashes: Vec<&[u8; 32]>| {
            let hashes: Vec<u8> = hashes.into_iter().flat_map(|hash| octets(hash)).collect();
            tlv::encode(tag::constructed(number), &hashes)
        };
        let held = self
            .held
            .as_ref()
            .map(|held| list(0, held.iter().map(KeyId::as_bytes).collect()))
            .unwrap_or_default();
        let wanted = if self.wanted.is_empty() { Vec::new() } else { list(1, self.wanted.iter().collect()) };
        tlv::sequence(&[
            &unsigned(1),
            &octets(self.account.as_bytes()),
            &octets(self.device.as_bytes()),
            &unsigned(self.counter),
            &unsigned(u64::try_from(self.time.unix_seconds()).unwrap_or_default()),
            &crate::log::der::write_hashes(self.heads.iter().map(EntryId::as_bytes)),
            &octets(&self.digest),
            &held,
            &wanted,
        ])
    }

    /// Reads the content of a note.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn read(der: &[u8]) -> Result<Self, EntryError> {
        if der.len() > limits::NOTE_BYTES {
            return Err(EntryError::TooLarge { bytes: der.len(), limit: limits::NOTE_BYTES });
        }
        let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE).ok_or(EntryError::Malformed)?);
        if number(&mut fields)? != 1 {
            return Err(EntryError::Version);
        }
        let note = Self {
            account: AccountId::from_bytes(hash(string(&mut fields)?)?),
            device: DeviceId::from_bytes(hash(string(&mut fields)?)?),
            counter: number(&mut fields)?,
            time: time(&mut fields)?,
            heads: ids(ascending(hashes(&mut fields, limits::NOTE_HEADS)?)?, EntryId::from_bytes),
            digest: hash(string(&mut fields)?)?,
            held: list(&mut fields, 0, limits::HELD_KEYS)?.map(|held| ids(held, KeyId::from_bytes)),
            wanted: list(&mut fields, 1, limits::WANTED_KEYS)?.unwrap_or_default(),
        };
        end(&fields)?;
        // What the fields do not say was not in canonical form.
        if note.to_der() == der { Ok(note) } else { Err(EntryError::Malformed) }
    }
}

fn list(fields: &mut Elements<'_>, number: u8, limit: usize) -> Result<Option<Vec<[u8; 32]>>, EntryError> {
    let element = fields.optional(tag::constructed(number)).ok_or(EntryError::Malformed)?;
    element.map(|element| ascending(hashes_in(element.content, limit)?)).transpose()
}

fn ids<T>(hashes: Vec<[u8; 32]>, make: impl Fn([u8; 32]) -> T) -> Vec<T> {
    hashes.into_iter().map(make).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn note() -> Note {
        Note {
            account: AccountId::from_bytes([1; 32]),
            device: DeviceId::from_bytes([2; 32]),
            counter: 7,
            time: Time::from_unix_seconds(1_795_262_400),
            heads: vec![EntryId::from_bytes([3; 32]), EntryId::from_bytes([4; 32])],
            digest: digest_of([].into_iter()),
            held: None,
            wanted: Vec::new(),
        }
    }

    #[test]
    fn a_note_reads_back_with_and_without_its_lists() {
        let full =
            Note { held: Some(vec![KeyId::from_bytes([5; 32])]), wanted: vec![[6; 32], [7; 32]], ..note() };
        let empty_list = Note { held: Some(Vec::new()), ..note() };
        for note in [note(), full, empty_list] {
            assert_eq!(Note::read(&note.to_der()), Ok(note));
        }
    }

    #[test]
    fn an_empty_list_of_wants_is_left_out() {
        let mut content = tlv::only(&note().to_der(), tag::SEQUENCE).unwrap().to_vec();
        content.extend(tlv::encode(tag::constructed(1), &[]));
        assert_eq!(Note::read(&tlv::encode(tag::SEQUENCE, &content)), Err(EntryError::Malformed));
    }

    #[test]
    fn keys_stand_in_order() {
        let twice = Note { held: Some(vec![KeyId::from_bytes([5; 32]); 2]), ..note() };
        assert_eq!(Note::read(&twice.to_der()), Err(EntryError::Order));
    }

    #[test]
    fn different_sets_of_keys_have_different_digests() {
        let [one, two] = [1, 2].map(|byte| KeyId::from_bytes([byte; 32]));
        assert_ne!(digest_of([one].iter()), digest_of([one, two].iter()));
        assert_ne!(digest_of([].iter()), digest_of([one].iter()));
    }
}
