//! Every CMS object is told apart in the same way by whoever asks, and never read past its limits.
#![no_main]

use std::io::{Cursor, Write};

use counterseal_core::cms;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let kind = cms::content_type(&mut Cursor::new(data));
    let mut content = Bounded(0);
    if cms::decompress(&mut Cursor::new(data), &mut content).is_ok() {
        assert_eq!(kind.map(|kind| kind.name()).as_deref(), Ok("compressed-data"));
    }
    if cms::certificates_only(data).is_ok() {
        let kind = cms::content_type(&mut Cursor::new(data));
        assert_eq!(kind.map(|kind| kind.name()).as_deref(), Ok("signed-data"));
    }
});

/// Counts; no input of the fuzzer is long enough to unpack to this much within the limits.
struct Bounded(usize);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        assert!(self.0 <= 64 << 20, "a bomb went off");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
