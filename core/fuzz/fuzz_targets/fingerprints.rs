//! What people type of keys: fingerprints, OpenPGP fingerprints, strong addresses. What is accepted is written in one way.
#![no_main]

use counterseal_core::address::{KeyDemand, StrongAddress};
use counterseal_core::fingerprint::{Fingerprint, FingerprintPrefix, OpenPgpFingerprint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(fingerprint) = OpenPgpFingerprint::parse(text) {
        assert_eq!(OpenPgpFingerprint::parse(&fingerprint.to_string()), Some(fingerprint));
    }
    if let Some(prefix) = FingerprintPrefix::parse(text) {
        assert!(prefix.bits() >= 100, "shorter ones can be found by trying");
        assert_eq!(FingerprintPrefix::parse(&prefix.to_string()).as_ref(), Some(&prefix));
        // The fuzzer learns a fingerprint from comparisons; it is the beginning of it then.
        let key = Fingerprint::of_public_key(b"a key");
        let text = prefix.to_string();
        assert_eq!(key.begins_with(&prefix), key.to_full_string().starts_with(&text) || key.to_hex() == text);
    }
    if let Ok(strong) = StrongAddress::parse(text) {
        let plain = strong.address.to_string();
        assert!(!plain.chars().any(char::is_control));
        let demanded = match &strong.demand {
            KeyDemand::None | KeyDemand::Verified => None,
            KeyDemand::Key(prefix) | KeyDemand::Introducer(prefix) => Some(prefix),
        };
        // A question mark in a local part was quoted, and would be a demand without its quotes.
        if let Some(prefix) = demanded.filter(|_| !plain.contains('?')) {
            let again = StrongAddress::parse(&format!("{plain}={prefix}")).expect("one form for all");
            assert_eq!(again.address, strong.address);
        }
    }
});
