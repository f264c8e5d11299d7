//! A mail that goes through the filter has one field of ours, and nothing of it is lost but what pretends to be one.
#![no_main]

use std::io::Cursor;

use counterseal_core::mail::{HeaderSection, replace_field};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "Counterseal-Verdict";
const FIELD: &[u8] = b"Counterseal-Verdict: unsigned;\r\n version=1\r\n";

fuzz_target!(|data: &[u8]| {
    let mut output = Vec::new();
    let removed = replace_field(&mut Cursor::new(data), NAME, FIELD, &mut output).unwrap();
    assert!(output.len() <= data.len() + FIELD.len() + 2, "something was added");
    if removed == 0 {
        let bare: Vec<u8> = FIELD.iter().copied().filter(|byte| *byte != b'\r').collect();
        // The mail may hold the same words elsewhere.
        let is_same = [FIELD, &bare].iter().any(|field| {
            let places = output.windows(field.len()).enumerate().filter(|(_, window)| window == field);
            places.into_iter().any(|(start, _)| {
                let (before, behind) = (&output[..start], &output[start + field.len()..]);
                // Where the mail has no header, an empty line keeps it from going on with the field.
                [0, 1, 2]
                    .iter()
                    .any(|more| behind.get(*more..).is_some_and(|behind| [before, behind].concat() == data))
            })
        });
        assert!(is_same, "something else changed");
    }
    if let Ok(section) = HeaderSection::read(&output) {
        assert_eq!(section.count(NAME), 1, "a forged field");
        assert_eq!(section.only(NAME).unwrap().unfolded(), b"unsigned; version=1", "it goes on");
    }
    let mut again = Vec::new();
    let twice = replace_field(&mut Cursor::new(&output), NAME, FIELD, &mut again).unwrap();
    assert_eq!((twice, again.len()), (1, output.len()), "another field was left");
});
