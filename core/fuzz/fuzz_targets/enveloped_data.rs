//! What opens is authenticated or flagged, and failures say one thing.
#![no_main]

use std::io::Cursor;

use counterseal_core::cms::{OpenOptions, open};
use counterseal_fuzz::{FixedRandom, keyring};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let open_once = |seed| {
        let mut content = Vec::new();
        let options = OpenOptions::default();
        open(&mut Cursor::new(data), keyring(), &mut FixedRandom(seed), &options, &mut content)
            .map(|opened| (opened, content))
            .map_err(|error| error.to_string())
    };
    match (open_once(1), open_once(2)) {
        (Ok((opened, content)), Ok((_, again))) => {
            assert_eq!(content, again, "an open mail does not depend on chance");
            assert_eq!(opened.integrity, opened.cipher.is_authenticated(), "CBC is never called intact");
            assert!(content.len() <= data.len(), "sealing does not compress");
        }
        // Without integrity a random key may by chance leave a good padding; the words must not tell.
        (Err(first), Err(second)) => assert_eq!(first, second, "a failure does not depend on chance"),
        (Ok((opened, _)), Err(_)) | (Err(_), Ok((opened, _))) => {
            assert!(!opened.integrity, "a tag is good or it is not");
        }
    }
});
