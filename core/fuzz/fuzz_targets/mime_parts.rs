//! Parts are pieces of the mail: inside their parents, in order, never over each other, and no deeper than allowed.
#![no_main]

use std::io::{Cursor, Read};

use counterseal_core::limits::{MIME_DEPTH, MIME_PARTS};
use counterseal_core::mail::{Part, Wrapping, cms_part};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(mail) = Part::read(data) {
        let parts = mail.walk();
        assert!(parts.len() <= MIME_PARTS + 1);
        assert!(parts.iter().all(|(path, _)| path.len() <= MIME_DEPTH + 1));
        check(data, &mail);
    }
    // The streaming reader of the top level must not fail in the middle of what it promised.
    let mut source = Cursor::new(data);
    if let Ok(part) = cms_part(&mut source)
        && let Wrapping::Signed(signed) = part.wrapping
    {
        let mut covered = Vec::new();
        if let Ok(mut reader) = signed.open(&mut source) {
            let _ = reader.read_to_end(&mut covered);
        }
    }
});

fn check(mail: &[u8], part: &Part) {
    assert_eq!(mail.get(part.range()), Some(part.bytes()), "a part is a piece of the mail");
    let _ = part.text();
    let mut end = part.body_range().start;
    for child in part.children() {
        assert!(child.range().start >= end, "parts overlap");
        assert!(child.range().end <= part.range().end, "a part sticks out of its parent");
        end = child.range().end;
        check(mail, child);
    }
}
