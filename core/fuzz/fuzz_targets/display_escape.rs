//! Foreign text that is shown has no character that steers a terminal, turns the direction, or hides.
#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;

#[path = "../../../cli/src/terminal/safe_text.rs"]
mod safe_text;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let shown = safe_text::SafeText(&text).to_string();
    assert!(!shown.chars().any(|character| character.is_control()), "{shown:?}");
    assert!(!shown.contains(['\u{202E}', '\u{2066}', '\u{200B}', '\u{2028}']), "{shown:?}");
    assert!(shown.chars().count() <= 400 * 12);
    if text.is_ascii() && text.len() < 400 && !text.chars().any(|character| character.is_control()) {
        assert_eq!(shown, text, "what is harmless is shown as it is");
    }
});
