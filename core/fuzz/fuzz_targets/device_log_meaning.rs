//! Logs of any shape, by authors of any intent. Each has a meaning, the same in whatever order its entries came, and an
//! entry that hangs in the air changes nothing.
#![no_main]

use counterseal_core::time::Time;
use counterseal_keysync::device::{DeviceId, Role};
use counterseal_keysync::log::{
    AccountId, Admitted, Announced, Author, Body, Entry, EntryId, KeyId, Log, PackageName, Purpose,
    VerifiedEntry,
};
use libfuzzer_sys::fuzz_target;

fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number % 8; 32])
}

fn admitted(number: u8, role: Role) -> Admitted {
    Admitted { device: device(number), role, name: "a device".into(), certificates: Vec::new() }
}

fn role(number: u8) -> Role {
    match number % 4 {
        0 => Role::Reader,
        1 => Role::Writer,
        2 => Role::Courier,
        _ => Role::Admin,
    }
}

fn body(what: u8, whom: u8, how: u8, before: EntryId) -> Body {
    let key = KeyId::from_bytes([how % 16; 32]);
    match what % 12 {
        0 => Body::Role { device: device(whom), role: role(how) },
        1 | 2 => Body::Revoke { device: device(whom), retired: vec![key] },
        3 => Body::Recover { revoked: vec![device(whom)], retired: vec![key], added: vec![admitted(how, Role::Admin)] },
        4 => Body::KemRoll(vec![vec![how]]),
        5 => Body::CertificateRequest(vec![how]),
        6 => Body::CertificateAnswer { request: before, certificates: Vec::new() },
        7..9 => Body::Key(Announced {
            key,
            purpose: if how < 128 { Purpose::Decryption } else { Purpose::LogSecret },
            certificate: None,
            package: PackageName::of(&[how]),
            recipients: Vec::new(),
        }),
        _ => Body::Add(admitted(whom, role(how))),
    }
}

fuzz_target!(|data: &[u8]| {
    let first = Entry {
        account: None,
        parents: Vec::new(),
        lamport: 0,
        time: Time::from_unix_seconds(0),
        author: Author::Root(DeviceId::from_bytes([9; 32])),
        body: Body::Genesis { first: admitted(0, Role::Admin), root: Vec::new() },
    };
    let account = AccountId::founded_by(&first.id());
    let mut entries = vec![first];
    for step in data.chunks_exact(6).take(300) {
        let parent = |back: u8| &entries[entries.len() - 1 - usize::from(back) % entries.len()];
        let known = [parent(step[4]), parent(step[5])];
        let lamport = known.iter().map(|entry| entry.lamport + 1).max().unwrap_or_default();
        let mut parents: Vec<EntryId> = known.iter().map(|entry| entry.id()).collect();
        let before = parents[0];
        parents.sort_unstable();
        parents.dedup();
        let root = Author::Root(DeviceId::from_bytes([9; 32]));
        entries.push(Entry {
            account: Some(account),
            parents,
            lamport: lamport + u64::from(step[0] == 255),
            time: Time::from_unix_seconds(i64::from(step[3])),
            author: if step[0] % 16 == 8 { root } else { Author::Device(device(step[0])) },
            body: body(step[1], step[2], step[3], before),
        });
    }
    let told = |order: &mut dyn Iterator<Item = &Entry>| {
        let mut log = Log::new(account);
        for entry in order {
            let verified = VerifiedEntry::from_signed(&entry.to_der(), entry.author.key()).expect("one of ours");
            log.insert(verified).expect("of this account");
        }
        log.evaluate()
    };
    let meaning = told(&mut entries.iter()).expect("it is founded");
    assert_eq!(told(&mut entries.iter().rev().chain(&entries)).as_ref(), Ok(&meaning));
    for (id, device) in meaning.live_devices() {
        assert!(device.revoked.is_none() && meaning.live(id).is_some());
    }
    let last = &entries[entries.len() - 1];
    let adrift = Entry {
        account: Some(account),
        parents: vec![EntryId::of(b"nothing")],
        lamport: 1,
        body: body(1, 0, 0, last.id()),
        ..last.clone()
    };
    let with = told(&mut entries.iter().chain([&adrift])).expect("it is founded");
    assert_eq!(with.digest(), meaning.digest());
    assert_eq!((with.heads, with.void), (meaning.heads, meaning.void));
});
