//! The entries of an mbox are the whole file, each is found again from where the one before ended, and what is put
//! into an mbox comes out.
#![no_main]

use std::io::{Cursor, Read};

use counterseal_core::mail::mbox::{Dialect, MboxReader, write_mail};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for dialect in [Dialect::Mboxrd, Dialect::Mboxo, Dialect::Mboxcl2] {
        let mut reader = MboxReader::new(Cursor::new(data), dialect);
        let mut position = 0;
        while let Ok(Some(entry)) = reader.next_entry() {
            assert_eq!(entry.separator.start, position, "a gap");
            assert!(entry.separator.end == entry.mail.start && entry.mail.start <= entry.mail.end);
            assert!(entry.mail.end <= entry.end && entry.end - entry.mail.end <= 2);
            let mut mail = Vec::new();
            entry.open(&mut Cursor::new(data), dialect).unwrap().read_to_end(&mut mail).unwrap();
            position = entry.end;
        }
        if data.starts_with(b"From ") {
            assert_eq!(position, data.len() as u64, "the end is missing");
        }
    }
    let mut file = b"From x Fri Jul  8 12:08:34 2011\n".to_vec();
    write_mail(&mut Cursor::new(data), Dialect::Mboxrd, b"\n", &mut file).unwrap();
    let mut reader = MboxReader::new(Cursor::new(&file), Dialect::Mboxrd);
    let entry = reader.next_entry().unwrap().unwrap();
    let mut mail = Vec::new();
    entry.open(&mut Cursor::new(&file), Dialect::Mboxrd).unwrap().read_to_end(&mut mail).unwrap();
    assert!(mail.starts_with(data) && mail.len() <= data.len() + 1, "it is another mail");
    assert!(reader.next_entry().unwrap().is_none(), "one mail became two");
});
