//! Pictures by anybody, as files and as frames of a camera: they are read or refused, and what a code in them says is a
//! pairing code or a clear error.
#![no_main]

use counterseal_keysync::code::PairingCode;
use counterseal_keysync::limits::PICTURE_CODES;
use counterseal_keysync::qr::{Frame, QrError, read_frame, read_picture};
use libfuzzer_sys::fuzz_target;

/// Pixels of a picture that is looked at here; what larger ones cost is measured by the library's own tests.
const PIXELS: u64 = 100_000;

fuzz_target!(|data: &[u8]| {
    if !says_it_is_large(data) {
        checked(read_picture(data));
    }
    if let [width, height, modules @ ..] = data {
        // One bit for each pixel, so that few bytes make a whole code.
        let (width, height) = (u32::from(*width), u32::from(*height));
        let pixel = |place: usize| modules.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1);
        let pixels = (0..width * height).map(|place| if pixel(place as usize) { 0 } else { 255 }).collect();
        checked(read_frame(Frame { width, height, pixels }));
    }
});

fn checked(texts: Result<Vec<String>, QrError>) {
    match texts {
        Ok(texts) => {
            assert!(texts.len() <= PICTURE_CODES);
            for text in texts {
                if let Ok(code) = PairingCode::parse(&text) {
                    assert_eq!(code.to_text(), text.trim_ascii());
                }
            }
        }
        Err(error) => assert_ne!(error, QrError::TooSlow),
    }
}

/// Whether the head of a PNG, or any frame header that could stand in a JPEG, names more pixels.
fn says_it_is_large(file: &[u8]) -> bool {
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let is_large = |one: &[u8], other: &[u8]| number(one).saturating_mul(number(other)) > PIXELS;
    let in_png = file.get(16..24).is_some_and(|sizes| is_large(&sizes[..4], &sizes[4..]));
    let in_jpeg =
        |window: &[u8]| matches!(window, [0xff, 0xc0..=0xcf, ..]) && is_large(&window[5..7], &window[7..9]);
    if file.starts_with(b"\x89PNG") { in_png } else { file.windows(9).any(in_jpeg) }
}
