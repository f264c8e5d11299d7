//! Policy files: an error names a line of the file, and no file makes the policy looser than a stricter one beside it.
#![no_main]

use counterseal_core::address::EmailAddress;
use counterseal_core::policy::{Encrypt, Policy, PolicyFile};
use counterseal_core::time::Time;
use libfuzzer_sys::fuzz_target;

const STRICT: &str =
    "profile = \"pin-only\"\n[[send]]\naddress = \"*\"\nencrypt = \"require\"\naccept = \"strong\"";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match PolicyFile::parse(text) {
        Ok(file) => {
            let strict = PolicyFile::parse(STRICT).expect("our own file");
            let policy = Policy::in_force(&[strict.clone(), file]);
            let alice = EmailAddress::parse("alice@example.org").expect("an address");
            let rule = policy.for_address(&alice, Time::from_unix_seconds(1_800_000_000));
            assert_eq!(rule.encrypt, Encrypt::Require);
            assert_eq!(Some(policy.rules.capacities.profile), strict.profile);
        }
        Err(error) => assert!((1..=text.lines().count() + 1).contains(&error.line)),
    }
});
