//! What a relay answers to a device: pages go on, names are names, and nothing is larger than was asked for.
#![no_main]

use counterseal_keysync::limits::PAGE_OBJECTS;
use counterseal_keysync::transport::Cursor;
use counterseal_keysync::transport::relay::{Place, read_head, read_page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(place) = Place::of(&Cursor(data.to_vec())) {
        assert_eq!(place.cursor().0, data);
    }
    if let Err(error) = read_head(data) {
        assert!(error.to_string().chars().all(|letter| !letter.is_control()));
    }
    for after in [0, 1, 1 << 40] {
        match read_page(data, after) {
            Ok(page) => {
                assert!(page.objects.len() as u64 <= PAGE_OBJECTS);
                let mut before = after;
                for listed in &page.objects {
                    assert!(before < listed.n && listed.n <= page.last && listed.name.len() == 64);
                    before = listed.n;
                }
            }
            Err(error) => assert!(error.to_string().chars().all(|letter| !letter.is_control())),
        }
    }
});
