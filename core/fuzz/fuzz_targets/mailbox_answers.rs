//! What a mail server says of its folders and of mails in ours, and the objects in them: nothing is longer than a limit,
//! and only a mail of this box holds anything.
#![no_main]

use counterseal_keysync::limits::OBJECT_BYTES;
use counterseal_keysync::transport::imap::{name_in_header, object_in_body, personal_prefix};
use libfuzzer_sys::fuzz_target;

/// Whose mails are ours.
const BOX: &str = "00112233445566778899aabbccddeeff";

fuzz_target!(|data: &[u8]| {
    if let Some(name) = name_in_header(data, BOX) {
        let text = String::from_utf8_lossy(data).into_owned();
        assert!(text.contains(&format!("<{name}.{BOX}@keysync.invalid>")));
        assert_eq!(name_in_header(data, "ffeeddccbbaa99887766554433221100"), None);
    }
    if let Some(object) = object_in_body(data) {
        assert!(object.len() <= OBJECT_BYTES && object.len() <= data.len());
    }
    if let Some(prefix) = personal_prefix(data) {
        assert!(prefix.len() <= data.len() && !prefix.chars().any(char::is_control));
    }
});
