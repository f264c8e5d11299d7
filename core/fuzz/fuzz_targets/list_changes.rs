//! What comes out of a part that a list changed is what was signed, or nothing.
#![no_main]

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::message::{message_name as sha256, undo};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, &str)| {
    // What was signed is a beginning of what arrived, as with a footer.
    let (place, arrived) = data;
    let length = arrived.len() * usize::from(place) / 255;
    let Some(signed) = arrived.get(..length) else { return };
    let wanted = sha256(signed);
    if let Some((found, undone)) = undo(arrived.as_bytes(), DigestAlgorithm::Sha256, &wanted) {
        assert_eq!(found, signed.as_bytes(), "not what was signed");
        let shown: usize = undone.added.iter().map(|added| added.text.len()).sum();
        assert!(shown <= 3 * arrived.len() + 64, "more was added than arrived");
    }
    assert!(undo(arrived.as_bytes(), DigestAlgorithm::Sha256, b"no digest").is_none());
});
