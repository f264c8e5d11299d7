//! What the sync loop commits is there after the next start, once, and a reader never holds a signing key.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::x509::KeyKind;
use counterseal_core::x509::issue::{self, Issuer, Subject, Validity};
use counterseal_keysync::device::{DeviceId, Role};
use counterseal_keysync::log::{Admitted, Author, Body};
use counterseal_keysync::sync::{Store as _, digest_of};

use super::super::{Opener, Protection};
use super::*;
use crate::randomness::SystemRandom;

fn now() -> Time {
    Time::from_unix_seconds(1_795_348_800)
}

fn genesis() -> Change {
    let device = DeviceId::from_bytes([1; 32]);
    let first =
        Admitted { device, role: Role::Admin, name: "desk".to_owned(), certificates: vec![vec![0x30, 0]] };
    let entry = Entry {
        account: None,
        parents: Vec::new(),
        lamport: 0,
        time: now(),
        author: Author::Device(device),
        body: Body::Genesis { first, root: Vec::new() },
    };
    Change::Entry { id: entry.id(), entry, signed: b"signed".to_vec() }
}

fn log_secret() -> SharedKey {
    let secret = SecretBytes::new(vec![9; 32]);
    let id = KeyId::of_log_secret(&secret);
    SharedKey { id, purpose: Purpose::LogSecret, secret, certificates: Vec::new() }
}

/// An encryption key with its certificate and the personal CA above it.
fn decryption_key() -> SharedKey {
    let [authority, key] = [(); 2].map(|()| SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap());
    let addresses = [EmailAddress::parse("alice@example.org").unwrap()];
    let validity = Validity { not_before: now(), not_after: now().plus_days(30) };
    let subject = |key: &SecretKey| (key.public_key().clone(), validity);
    let keys = Keyring::from(authority.clone());
    let (public_key, validity) = subject(&authority);
    let of_authority = Subject { name: "Alice", addresses: &addresses, public_key: &public_key };
    let above = issue::personal_ca(&keys, &of_authority, validity, &mut SystemRandom).unwrap();
    let (public_key, validity) = subject(&key);
    let of_key = Subject { name: "Alice", addresses: &addresses, public_key: &public_key };
    let issuer = Issuer { certificate: &above, keys: &keys };
    let own = issue::encryption_certificate(&issuer, &of_key, validity, None, &mut SystemRandom).unwrap();
    SharedKey {
        id: KeyId::of_public_key(key.public_key().as_der()),
        purpose: Purpose::Decryption,
        secret: key.to_pkcs8_der(),
        certificates: vec![own.as_der().to_vec(), above.as_der().to_vec()],
    }
}

fn note(counter: u64) -> Change {
    Change::Note(Note {
        account: counterseal_keysync::log::AccountId::from_bytes([2; 32]),
        device: DeviceId::from_bytes([1; 32]),
        counter,
        time: now(),
        heads: Vec::new(),
        digest: digest_of([].into_iter()),
        held: None,
        wanted: Vec::new(),
    })
}

/// One change of each kind that adds something.
fn changes() -> Vec<Change> {
    let name = ObjectName::from_bytes([3; 32]);
    let secret = log_secret().id;
    vec![
        genesis(),
        Change::Key(log_secret()),
        Change::Key(decryption_key()),
        note(7),
        Change::Post { name, object: b"object".to_vec(), secret },
        Change::Posted { name, place: "folder:/media/stick".to_owned() },
        Change::Wrapped { device: DeviceId::from_bytes([1; 32]), key: secret, counter: 7 },
        Change::Seen(ObjectName::from_bytes([4; 32])),
        Change::Shelve { name: ObjectName::from_bytes([5; 32]), package: b"package".to_vec() },
        Change::Listed { place: "lan".to_owned(), secret, cursor: Cursor(vec![1]) },
        Change::Pin(vec![EntryId::from_bytes([6; 32])]),
        Change::Want { name: [7; 32], asked: None },
    ]
}

#[test]
fn what_was_committed_is_there_after_the_next_start_and_twice_is_once() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::create(home.path(), &Protection::None, now()).unwrap();
    let changes = changes();
    for _ in 0..2 {
        SharedStore::new(&mut store, now()).commit(&changes).unwrap();
    }
    drop(store);
    let mut store = Store::open(home.path()).unwrap();
    store.unlock(None).unwrap();
    let shared = SharedStore::new(&mut store, now());
    let kept = shared.load().unwrap();
    let counts = [
        kept.entries.len(),
        kept.notes.len(),
        kept.outgoing.len(),
        kept.shelved.len(),
        kept.seen.len(),
        kept.wrapped.len(),
        kept.cursors.len(),
        kept.pinned.len(),
        kept.wanted.len(),
    ];
    assert_eq!((counts, kept.keys.len()), ([1; 9], 2));
    assert_eq!(kept.outgoing[0].posted, ["folder:/media/stick"]);
    assert_eq!(shared.outgoing(&kept.outgoing[0].name).unwrap().unwrap(), b"object");
    assert_eq!(shared.shelved(&kept.shelved[0].name).unwrap().unwrap(), b"package");
    assert_eq!(shared.signed_entry(&kept.entries[0].0).unwrap().unwrap(), b"signed");
    assert_eq!(shared.key(&log_secret().id).unwrap().unwrap().secret.expose(), [9; 32]);
    assert!(shared.key(&KeyId::from_bytes([0; 32])).unwrap().is_none());
}

#[test]
fn what_is_done_is_gone_and_an_older_note_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::create(home.path(), &Protection::None, now()).unwrap();
    let mut shared = SharedStore::new(&mut store, now());
    shared.commit(&changes()).unwrap();
    shared
        .commit(&[
            Change::Done(ObjectName::from_bytes([3; 32])),
            Change::Unshelve(ObjectName::from_bytes([5; 32])),
            Change::Unwant([7; 32]),
            note(6),
        ])
        .unwrap();
    let kept = shared.load().unwrap();
    assert!(kept.outgoing.is_empty() && kept.shelved.is_empty() && kept.wanted.is_empty());
    assert_eq!(kept.notes[0].counter, 7);
}

#[test]
fn a_key_that_came_is_an_ordinary_key_of_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::create(home.path(), &Protection::None, now()).unwrap();
    let key = decryption_key();
    let mut shared = SharedStore::new(&mut store, now());
    shared.commit(&[Change::Key(key.clone())]).unwrap();
    let back = shared.key(&key.id).unwrap().unwrap();
    assert_eq!((back.secret.expose(), &back.certificates), (key.secret.expose(), &key.certificates));
    let name = sync::wanted_name(&Certificate::from_der(&key.certificates[0]).unwrap().names()[0]);
    assert_eq!(shared.key_named(&name), Ok(Some(key.id)));
    assert_eq!(shared.key_named(&[0; 32]), Ok(None));
    let stored = store.secret_keys().unwrap();
    assert_eq!((stored.len(), stored[0].key_use), (1, KeyUse::Encryption));
    let above = Certificate::from_der(&key.certificates[1]).unwrap();
    let own = store.trust_rows().unwrap();
    assert_eq!((own[0].kind, own[0].address.as_str()), (TrustKind::Own, "alice@example.org"));
    assert_eq!(own[0].key, *above.fingerprint().sha256());
}

#[test]
fn a_change_that_fails_takes_all_others_of_its_commit_with_it() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::create(home.path(), &Protection::None, now()).unwrap();
    let broken = SharedKey { secret: SecretBytes::new(vec![1]), ..decryption_key() };
    let mut shared = SharedStore::new(&mut store, now());
    assert!(shared.commit(&[genesis(), note(1), Change::Key(broken)]).is_err());
    let kept = shared.load().unwrap();
    assert!(kept.entries.is_empty() && kept.notes.is_empty() && kept.keys.is_empty());
}

#[test]
fn a_locked_store_tells_what_it_knows_and_gives_and_takes_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = SecretBytes::copy_of(b"correct horse");
    let mut store = Store::create(home.path(), &Protection::Passphrase(passphrase.clone()), now()).unwrap();
    SharedStore::new(&mut store, now()).commit(&changes()).unwrap();
    drop(store);
    let mut store = Store::open(home.path()).unwrap();
    let mut shared = SharedStore::new(&mut store, now());
    assert_eq!(shared.load().unwrap().entries.len(), 1);
    assert_eq!(shared.key(&log_secret().id).unwrap_err(), PortError::Locked);
    assert_eq!(shared.commit(&[note(8)]).unwrap_err(), PortError::Locked);
    store.unlock(Some(Opener::Passphrase(&passphrase))).unwrap();
    assert!(SharedStore::new(&mut store, now()).key(&log_secret().id).unwrap().is_some());
}
