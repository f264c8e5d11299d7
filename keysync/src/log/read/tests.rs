#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn device(number: u8) -> Admitted {
    Admitted {
        device: DeviceId::from_bytes([number; 32]),
        role: Role::Kiosk { since: Time::from_unix_seconds(1_795_262_400) },
        name: "thinkpad-7".into(),
        certificates: vec![vec![1, 2, 3], vec![number; 300]],
    }
}

fn bodies() -> Vec<Body> {
    let (one, two) = (KeyId::from_bytes([1; 32]), KeyId::from_bytes([2; 32]));
    vec![
        Body::Add(device(7)),
        Body::Role { device: DeviceId::from_bytes([7; 32]), role: Role::Writer },
        Body::Revoke { device: DeviceId::from_bytes([7; 32]), retired: vec![one, two] },
        Body::Key(Announced {
            key: one,
            purpose: Purpose::LogSecret,
            certificate: None,
            package: PackageName::of(b"package"),
            recipients: vec![DeviceId::from_bytes([3; 32]), DeviceId::from_bytes([4; 32])],
        }),
        Body::Key(Announced {
            key: two,
            purpose: Purpose::Decryption,
            certificate: Some([9; 32]),
            package: PackageName::of(b"package"),
            recipients: Vec::new(),
        }),
        Body::CertificateRequest(vec![0x30, 0]),
        Body::CertificateAnswer { request: EntryId::of(b"request"), certificates: vec![vec![5]] },
        Body::KemRoll(vec![vec![6; 1500]]),
        Body::Snapshot([8; 32]),
        Body::Recover {
            revoked: vec![DeviceId::from_bytes([7; 32])],
            retired: vec![two],
            added: vec![device(8)],
        },
        Body::Policy(Policy { lan_only: true, beacon_days: 30 }),
    ]
}

fn entry(body: Body) -> Entry {
    Entry {
        account: Some(AccountId::from_bytes([1; 32])),
        parents: vec![EntryId::from_bytes([2; 32]), EntryId::from_bytes([3; 32])],
        lamport: 300,
        time: Time::from_unix_seconds(1_795_262_400),
        author: Author::Device(DeviceId::from_bytes([7; 32])),
        body,
    }
}

fn genesis() -> Entry {
    Entry {
        account: None,
        parents: Vec::new(),
        lamport: 0,
        author: Author::Root(DeviceId::from_bytes([9; 32])),
        ..entry(Body::Genesis { first: device(7), root: vec![vec![1], vec![2]] })
    }
}

#[test]
fn every_kind_of_entry_reads_back() {
    for entry in bodies().into_iter().map(entry).chain([genesis()]) {
        assert_eq!(Entry::read(&entry.to_der()), Ok(entry));
    }
}

#[test]
fn an_entry_has_one_encoding() {
    // Whatever single byte is changed, the result is refused or is another entry with its own bytes.
    for entry in bodies().into_iter().map(entry) {
        let der = entry.to_der();
        for position in 0..der.len().min(400) {
            for flip in [1, 0x20, 0x80] {
                let mut bent = der.clone();
                bent[position] ^= flip;
                if let Ok(other) = Entry::read(&bent) {
                    assert_ne!(other, entry);
                    assert_eq!(other.to_der(), bent);
                }
            }
        }
        assert_eq!(Entry::read(&[der.clone(), vec![0]].concat()), Err(EntryError::Malformed));
        assert!(Entry::read(&der[..der.len() - 1]).is_err());
    }
}

#[test]
fn parents_and_recipients_stand_in_order_and_once() {
    let mut twice = entry(Body::Snapshot([0; 32]));
    twice.parents = vec![EntryId::from_bytes([2; 32]); 2];
    assert_eq!(Entry::read(&twice.to_der()), Err(EntryError::Order));
    twice.parents = vec![EntryId::from_bytes([3; 32]), EntryId::from_bytes([2; 32])];
    assert_eq!(Entry::read(&twice.to_der()), Err(EntryError::Order));
}

#[test]
fn only_the_first_entry_has_no_parents() {
    let orphan = Entry { parents: Vec::new(), ..entry(Body::Snapshot([0; 32])) };
    assert_eq!(Entry::read(&orphan.to_der()), Err(EntryError::Founding));
    let second = Entry { parents: vec![EntryId::of(b"first")], ..genesis() };
    assert_eq!(Entry::read(&second.to_der()), Err(EntryError::Founding));
}

#[test]
fn what_is_too_much_is_refused_by_its_limit() {
    let mut many = entry(Body::Snapshot([0; 32]));
    many.parents = (0..=limits::ENTRY_PARENTS as u8).map(|byte| EntryId::from_bytes([byte; 32])).collect();
    assert_eq!(Entry::read(&many.to_der()), Err(EntryError::TooMany { limit: limits::ENTRY_PARENTS }));
    let large = entry(Body::KemRoll(vec![vec![0; limits::DEVICE_CERTIFICATE_BYTES + 1]]));
    assert!(matches!(Entry::read(&large.to_der()), Err(EntryError::TooLarge { .. })));
    assert!(matches!(Entry::read(&vec![0x30; limits::ENTRY_BYTES + 1]), Err(EntryError::TooLarge { .. })));
}

#[test]
fn a_name_that_would_move_the_cursor_is_refused() {
    for name in ["", "  ", "a\u{1b}[2J", "a\nb", "a\u{7f}", &"a".repeat(limits::DEVICE_NAME_BYTES + 1)] {
        let named = entry(Body::Add(Admitted { name: name.into(), ..device(1) }));
        assert_eq!(Entry::read(&named.to_der()), Err(EntryError::Name));
    }
}

#[test]
fn a_log_secret_has_an_id_that_is_not_its_hash() {
    let secret = counterseal_core::secret::SecretBytes::copy_of(&[7; 32]);
    assert_ne!(KeyId::of_log_secret(&secret), KeyId::of_public_key(&[7; 32]));
}
