//! Link notations: one that is accepted names the key that it spells, and no other.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::openpgp::{Link, LinkPurpose, address_of_user_id};
use counterseal_fuzz::now;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(address) = address_of_user_id(text) {
        assert!(EmailAddress::parse(&address.to_string()).is_ok());
    }
    let Some(link) = Link::parse(text) else { return };
    let key = Fingerprint::of_public_key(b"a key that nobody spells by chance");
    let alice = EmailAddress::parse("alice@example.org").expect("an address");
    assert!(!link.names(&key, &alice, Some(&alice), LinkPurpose::Both, now()));
    let digits: String = link.spki_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text.to_ascii_lowercase().starts_with(&format!("sha256:{digits}")));
});
