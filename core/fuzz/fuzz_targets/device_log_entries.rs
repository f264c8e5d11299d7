//! Entries and notes of a device log, as anybody may write them. What is read has one encoding, and so one id.
#![no_main]

use counterseal_keysync::log::{Entry, EntryId};
use counterseal_keysync::sync::Note;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = Entry::read(data) {
        assert_eq!(entry.to_der(), data);
        assert_eq!(entry.id(), EntryId::of(data));
    }
    if let Ok(note) = Note::read(data) {
        assert_eq!(note.to_der(), data);
    }
});
