//! The streaming reader and the reader of small structures agree, and what was written is read again as it was.
#![no_main]

use counterseal_core::der::{Class, Reader, Tag, header, to_der};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::new(data);
    let first = reader.peek();
    let streamed = match (first, reader.element(data.len())) {
        (Ok(Some(first)), Ok(element)) => {
            // Only the length in front may be written shorter than it came.
            let content = &element[header(first.tag, first.constructed, first.length).len()..];
            let read = &data[..reader.position() as usize];
            assert!(read.ends_with(content), "an element is the octets of the input");
            Some(element)
        }
        _ => None,
    };
    let mut reader = Reader::new(data);
    let skipped = reader.skip().is_ok();
    assert_eq!(streamed.is_some(), skipped, "to read and to skip is to accept the same");

    let Some(element) = streamed else { return };
    if let Ok(der) = to_der(&element) {
        assert_eq!(to_der(&der).as_deref(), Ok(der.as_slice()), "DER of DER is the same");
        assert!(walk(&der), "what we write we read");
    }
});

/// Enters everything that is constructed; true where all of it can be read.
fn walk(der: &[u8]) -> bool {
    let mut reader = Reader::new(der);
    loop {
        match reader.peek() {
            Ok(None) => return true,
            Err(_) => return false,
            Ok(Some(next)) => {
                let Ok(element) = reader.element(der.len()) else { return false };
                // Only what BER may hold in pieces is looked into; application tags mean what they want.
                let universal = next.tag.class == Class::Universal;
                if universal && next.tag == Tag::SEQUENCE && to_der(&element).is_err() {
                    return false;
                }
            }
        }
    }
}
