//! Bytes of a visitor to a relay: it answers in HTTP or not at all, breaks nothing, and gives nothing sealed to whoever does
//! not show the capability.
#![no_main]

use std::sync::{Arc, OnceLock};

use counterseal_core::time::Time;
use counterseal_keysync::relay::protocol::{CapabilityHash, Class};
use counterseal_keysync::relay::store::sqlite::SqliteStore;
use counterseal_keysync::relay::store::{BoxNumber, Creating, NewBox, Permission, Store};
use counterseal_keysync::relay::{BoxLimits, Limits, Offline};
use counterseal_keysync::transport::ObjectName;
use libfuzzer_sys::fuzz_target;

const NOW: Time = Time::from_unix_seconds(1_800_000_000);
/// What is in the box 00…00 that the capabilities 11…11 (read), 22…22 (write) and 33…33 (remove) open.
const SEALED: &[u8] = b"sealed";
/// What nobody is ever given.
const HIDDEN: &[u8] = b"hidden in another box";

struct Relay {
    offline: Offline,
    store: Arc<SqliteStore>,
    sealed: BoxNumber,
    _folder: tempfile::TempDir,
}

fn block<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::yield_now();
    }
}

fn make(store: &SqliteStore, id: [u8; 16], capabilities: [u8; 3], object: &[u8]) -> BoxNumber {
    let hashes = capabilities.map(|byte| CapabilityHash::of(&[byte; 32]));
    let new = NewBox { id, hashes, class: Class::Account, epoch: 7 };
    let number = match block(store.create(new, Permission::Free, NOW)).expect("a store") {
        Creating::Created(state) | Creating::WasThere(state) => state.number,
        other => panic!("{other:?}"),
    };
    block(store.put(number, ObjectName::of(object), object.to_vec(), NOW)).expect("a store");
    number
}

fn relay() -> &'static Relay {
    static RELAY: OnceLock<Relay> = OnceLock::new();
    RELAY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.db");
        // Days do not pass here, and what is put stays: no limit keeps the sealed object from coming back.
        let account = BoxLimits {
            objects: u64::MAX,
            bytes: u64::MAX,
            puts_a_day: u64::MAX,
            ..Limits::default().account
        };
        let limits = Limits { account, ..Limits::default() };
        let store = Arc::new(SqliteStore::open(&path, limits).expect("a store"));
        make(&store, [0xee; 16], [0xaa, 0xbb, 0xcc], HIDDEN);
        let sealed = make(&store, [0; 16], [0x11, 0x22, 0x33], SEALED);
        let shared: Arc<dyn Store> = store.clone();
        let offline = Offline::new(shared, limits, Arc::new(|| NOW)).expect("a thread");
        Relay { offline, store, sealed, _folder: folder }
    })
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fuzz_target!(|data: &[u8]| {
    let relay = relay();
    let answer = relay.offline.exchange(data);
    // HTTP/2 begins with a frame of settings: nine octets, type 4.
    let is_http = answer.is_empty() || answer.starts_with(b"HTTP/1.") || answer.get(3) == Some(&4);
    assert!(is_http, "{}", String::from_utf8_lossy(&answer));
    assert!(!has(&answer, HIDDEN) && !has(&answer, b" 500 "));
    let shows = |digit: u8| has(data, &[digit; 64]);
    if !shows(b'1') && !has(data, SEALED) {
        assert!(!has(&answer, SEALED), "what is sealed came without the capability");
    }
    let there = block(relay.store.get(relay.sealed, ObjectName::of(SEALED))).expect("a store").is_some();
    if !there {
        assert!(shows(b'3'), "removed without the capability");
        make(&relay.store, [0; 16], [0x11, 0x22, 0x33], SEALED);
    }
});
