//! Encoded words and parameters (RFC 2047, RFC 2231): what we encode is decoded to the same, in lines that may be sent.
#![no_main]

use counterseal_core::mail::{ContentDisposition, ContentType, HeaderSection, decode_words, encode_words};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let decoded = decode_words(data);
    let encoded = encode_words(&decoded);
    assert!(encoded.is_ascii(), "an encoded word is ASCII");
    assert!(
        !encoded.contains(['\r', '\n']) || encoded.lines().skip(1).all(|line| line.starts_with([' ', '\t']))
    );
    assert!(!encoded.chars().any(|character| character.is_control() && !"\r\n\t".contains(character)));

    let mut section = b"Content-Type: ".to_vec();
    section.extend_from_slice(data);
    section.extend_from_slice(b"\r\n\r\n");
    let Ok(headers) = HeaderSection::read(&section) else { return };
    if let Ok((content_type, _)) = ContentType::of(&headers, "text/plain") {
        assert!(!content_type.name().chars().any(char::is_control));
        let _ = (content_type.file_name(), content_type.boundary());
    }
    let _ = ContentDisposition::of(&headers);
});
