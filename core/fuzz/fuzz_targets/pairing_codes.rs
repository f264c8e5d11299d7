//! What people carry from one device to the other, as anybody may type or paste it: what is read is written again as it
//! was, and nothing in it is more than a host.
#![no_main]

use counterseal_keysync::code::{PairingCode, is_relay};
use counterseal_keysync::limits::{CODE_CHARACTERS, CODE_RELAY_BYTES};
use counterseal_keysync::sas;
use counterseal_keysync::words::{ANSWER_WORDS, FINGERPRINT_WORDS, SpokenCode, Words, complete};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(code) = PairingCode::parse(text) {
        assert_eq!(code.to_text(), text.trim_ascii());
        assert!(code.to_text().len() <= CODE_CHARACTERS && code.secret.len() == 16);
        let relay = code.relay.as_deref().unwrap_or("relay.example.org");
        assert!(is_relay(relay) && relay.len() <= CODE_RELAY_BYTES);
        assert!(relay.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
    }
    if let Ok(code) = SpokenCode::parse(text) {
        assert!((1..=9999).contains(&code.nameplate()));
        assert_eq!(SpokenCode::parse(&code.to_text()), Ok(code));
    }
    for count in [ANSWER_WORDS, FINGERPRINT_WORDS] {
        if let Ok(words) = Words::parse(text, count) {
            assert_eq!(words.iter().count(), count);
            assert_eq!(Words::parse(&words.to_text(), count), Ok(words));
        }
    }
    if let Some(digits) = sas::digits(text) {
        assert!(digits.len() == 6 && digits.expose().iter().all(u8::is_ascii_digit));
    }
    assert!(complete(text).len() <= 2048);
});
