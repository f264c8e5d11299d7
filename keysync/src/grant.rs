//! What a new device gets at the end of its pairing: the whole log with the entry that adds it, the keys for its role, and
//! what the old device knows of places and of others (`docs/formats/grant.md`).
//!
//! It travels inside the sealed channel of the pairing, whose two ends have found each other; all the same, entries and
//! packages are checked one by one, as if they had come by any other way.

use std::collections::HashSet;
use std::fmt;

use counterseal_core::der::tlv::{self, Elements, tag};

use crate::limits;
use crate::log::{AccountId, Entry, EntryId};
use crate::sync::{Change, Craft, CraftError, SignedKind};

/// What the new device gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The account that it joins.
    pub account: AccountId,
    /// Every entry of the log as it was signed, ancestors first.
    pub entries: Vec<Vec<u8>>,
    /// A package for each key that is for the new device, log secrets among them.
    pub packages: Vec<Vec<u8>>,
    /// Where the devices meet, as the old one has it: texts of [`crate::transport::address::Address`]. Hints, no more: a
    /// text that is none is passed over by whoever reads it.
    pub places: Vec<String>,
    /// What the old device knows of others, as it takes it along (`docs/formats/take-along.md`); empty for nothing.
    pub contacts: Vec<u8>,
}

/// Why a grant is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// Too large, not DER, or of another version.
    Malformed,
    /// The entry with this number, from 0, is no entry of this account, or comes before one of its ancestors.
    Entry(usize),
    /// The package with this number does not open, or is for another account.
    Package(usize, CraftError),
    /// Nothing could be signed, sealed or opened.
    Craft(CraftError),
}

impl fmt::Display for GrantError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("what the other device gave cannot be read"),
            Self::Entry(index) => {
                write!(formatter, "entry {} of the log is not one of this account", index + 1)
            }
            Self::Package(index, error) => write!(formatter, "key {}: {error}", index + 1),
            Self::Craft(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for GrantError {}

impl Grant {
    /// The DER of it.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let places = self.places.iter();
        let places: Vec<u8> =
            places.flat_map(|place| tlv::encode(tag::UTF8_STRING, place.as_bytes())).collect();
        tlv::sequence(&[
            &tlv::integer(&[1]),
            &tlv::encode(tag::OCTET_STRING, self.account.as_bytes()),
            &strings(&self.entries),
            &strings(&self.packages),
            &tlv::encode(tag::SEQUENCE, &places),
            &tlv::encode(tag::OCTET_STRING, &self.contacts),
        ])
    }

    /// Reads it; nothing of it is believed yet.
    ///
    /// # Errors
    /// [`GrantError::Malformed`].
    pub fn read(der: &[u8]) -> Result<Self, GrantError> {
        if der.len() > limits::GRANT_BYTES {
            return Err(GrantError::Malformed);
        }
        read(der).ok_or(GrantError::Malformed)
    }

    /// What the new device keeps of it, to be committed at once. The log is not evaluated here: whether this device is
    /// in it is asked of what these entries mean.
    ///
    /// # Errors
    /// [`GrantError::Entry`] and [`GrantError::Package`].
    pub fn changes(&self, craft: &mut dyn Craft) -> Result<Vec<Change>, GrantError> {
        let mut changes = Vec::new();
        let mut known: HashSet<EntryId> = HashSet::new();
        for (index, signed) in self.entries.iter().enumerate() {
            let (id, entry) = self.entry(signed, craft).ok_or(GrantError::Entry(index))?;
            if !entry.parents.iter().all(|parent| known.contains(parent)) {
                return Err(GrantError::Entry(index));
            }
            known.insert(id);
            changes.push(Change::Entry { id, entry, signed: signed.clone() });
        }
        for (index, package) in self.packages.iter().enumerate() {
            let unpacked = craft.unpack(package).map_err(|error| GrantError::Package(index, error))?;
            if unpacked.heading.account != self.account {
                return Err(GrantError::Package(index, CraftError::Forged));
            }
            changes.push(Change::Key(unpacked.key));
        }
        Ok(changes)
    }

    fn entry(&self, signed: &[u8], craft: &dyn Craft) -> Option<(EntryId, Entry)> {
        let verified = craft.verify(SignedKind::Entry, signed).ok()?;
        let entry = Entry::read(&verified.content).ok()?;
        let id = EntryId::of(&verified.content);
        let account = entry.account.unwrap_or_else(|| AccountId::founded_by(&id));
        (account == self.account && *entry.author.key() == verified.signer).then_some((id, entry))
    }
}

fn strings(strings: &[Vec<u8>]) -> Vec<u8> {
    let strings: Vec<u8> = strings.iter().flat_map(|bytes| tlv::encode(tag::OCTET_STRING, bytes)).collect();
    tlv::encode(tag::SEQUENCE, &strings)
}

fn read(der: &[u8]) -> Option<Grant> {
    let mut fields = Elements::new(tlv::only(der, tag::SEQUENCE)?);
    if fields.expect(tag::INTEGER)?.content != [1] {
        return None;
    }
    let grant = Grant {
        account: AccountId::from_bytes(fields.expect(tag::OCTET_STRING)?.content.try_into().ok()?),
        entries: read_strings(&mut fields, limits::LOG_ENTRIES)?,
        packages: read_strings(&mut fields, limits::HELD_KEYS)?,
        places: read_places(fields.expect(tag::SEQUENCE)?.content)?,
        contacts: fields.expect(tag::OCTET_STRING)?.content.to_vec(),
    };
    (fields.is_empty() && grant.contacts.len() <= limits::GRANT_CONTACTS_BYTES).then_some(grant)
}

fn read_strings(fields: &mut Elements<'_>, limit: usize) -> Option<Vec<Vec<u8>>> {
    let mut elements = Elements::new(fields.expect(tag::SEQUENCE)?.content);
    let mut strings = Vec::new();
    while !elements.is_empty() {
        if strings.len() == limit {
            return None;
        }
        strings.push(elements.expect(tag::OCTET_STRING)?.content.to_vec());
    }
    Some(strings)
}

fn read_places(content: &[u8]) -> Option<Vec<String>> {
    let mut elements = Elements::new(content);
    let mut places = Vec::new();
    while !elements.is_empty() {
        let place = std::str::from_utf8(elements.expect(tag::UTF8_STRING)?.content).ok()?;
        if place.len() > limits::PLACE_BYTES || places.len() == limits::GRANTED_PLACES {
            return None;
        }
        places.push(place.to_owned());
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use counterseal_core::secret::SecretBytes;

    use super::*;
    use crate::craft::DeviceCraft;
    use crate::device::{DeviceKeys, Role};
    use crate::log::{Admitted, Author, Body, KeyId, Purpose};
    use crate::sync::{Heading, SharedKey};
    use crate::testing::{NOW, SystemRandom};

    struct Pair {
        old: DeviceKeys,
        new: DeviceKeys,
    }

    impl Pair {
        fn new() -> Self {
            let [old, new] = ["desk", "thinkpad-7"]
                .map(|name| DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap());
            Self { old, new }
        }

        fn admitted(keys: &DeviceKeys, role: Role) -> Admitted {
            let certificates = keys.certificates();
            Admitted {
                device: certificates.id(),
                role,
                name: certificates.name(),
                certificates: certificates.to_list(),
            }
        }

        fn grant(&self) -> Grant {
            let mut random = SystemRandom;
            let mut craft = DeviceCraft::new(self.old.secret_keys(), self.old.certificates(), &mut random);
            let author = Author::Device(self.old.certificates().id());
            let genesis = Entry {
                account: None,
                parents: Vec::new(),
                lamport: 0,
                time: NOW,
                author,
                body: Body::Genesis { first: Self::admitted(&self.old, Role::Admin), root: Vec::new() },
            };
            let account = AccountId::founded_by(&genesis.id());
            let add = Entry {
                account: Some(account),
                parents: vec![genesis.id()],
                lamport: 1,
                time: NOW,
                author,
                body: Body::Add(Self::admitted(&self.new, Role::Reader)),
            };
            let entries = [&genesis, &add];
            let entries =
                entries.map(|entry| craft.sign(SignedKind::Entry, &entry.to_der(), NOW).unwrap()).to_vec();
            let secret = SecretBytes::new(vec![7; 32]);
            let key = SharedKey {
                id: KeyId::of_log_secret(&secret),
                purpose: Purpose::LogSecret,
                secret,
                certificates: Vec::new(),
            };
            let recipients = vec![self.new.certificates().id()];
            let heading = Heading { account, recipients, heads: vec![add.id()] };
            let list = self.new.certificates().to_list();
            let package = craft.pack(&key, &heading, &[&list], NOW).unwrap();
            Grant {
                account,
                entries,
                packages: vec![package],
                places: vec!["relay:https://relay.example.org".to_owned(), "lan:".to_owned()],
                contacts: b"contacts".to_vec(),
            }
        }

        fn changes(&self, grant: &Grant) -> Result<Vec<Change>, GrantError> {
            let mut random = SystemRandom;
            grant.changes(&mut DeviceCraft::new(self.new.secret_keys(), self.new.certificates(), &mut random))
        }
    }

    #[test]
    fn a_new_device_reads_the_log_and_opens_its_keys() {
        let pair = Pair::new();
        let grant = Grant::read(&pair.grant().to_der()).unwrap();
        let changes = pair.changes(&grant).unwrap();
        assert!(matches!(
            changes.as_slice(),
            [
                Change::Entry { .. },
                Change::Entry { .. },
                Change::Key(SharedKey { purpose: Purpose::LogSecret, .. })
            ]
        ));
    }

    #[test]
    fn what_is_missing_foreign_or_for_others_is_not_taken() {
        let (pair, other) = (Pair::new(), Pair::new());
        let (grant, foreign) = (pair.grant(), other.grant());
        let without_genesis = Grant { entries: grant.entries[1..].to_vec(), ..grant.clone() };
        assert_eq!(pair.changes(&without_genesis).unwrap_err(), GrantError::Entry(0));
        let mixed = Grant { entries: [&grant.entries[..], &foreign.entries].concat(), ..grant.clone() };
        assert_eq!(pair.changes(&mixed).unwrap_err(), GrantError::Entry(2));
        let for_others = Grant { packages: foreign.packages.clone(), ..grant.clone() };
        assert_eq!(pair.changes(&for_others).unwrap_err(), GrantError::Package(0, CraftError::NotForUs));
        let of_another = Grant { entries: Vec::new(), account: foreign.account, ..grant };
        assert_eq!(pair.changes(&of_another).unwrap_err(), GrantError::Package(0, CraftError::Forged));
    }

    #[test]
    fn places_and_contacts_have_limits() {
        let grant = Pair::new().grant();
        let read = |places: Vec<String>, contacts: usize| {
            let grant = Grant { places, contacts: vec![0; contacts], ..grant.clone() };
            Grant::read(&grant.to_der()).is_ok_and(|read| read == grant)
        };
        let place = |bytes| "x".repeat(bytes);
        assert!(read(vec![place(limits::PLACE_BYTES); limits::GRANTED_PLACES], limits::GRANT_CONTACTS_BYTES));
        assert!(!read(vec![place(limits::PLACE_BYTES + 1)], 0));
        assert!(!read(vec![place(1); limits::GRANTED_PLACES + 1], 0));
        assert!(!read(Vec::new(), limits::GRANT_CONTACTS_BYTES + 1));
    }

    #[test]
    fn what_is_cut_off_is_no_grant() {
        let der = Pair::new().grant().to_der();
        for length in (0..der.len()).step_by(11) {
            assert_eq!(Grant::read(&der[..length]), Err(GrantError::Malformed));
        }
    }
}
