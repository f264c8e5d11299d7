//! What a device on the same network asks and answers inside of the frames: what is read is written as it came.
#![no_main]

use counterseal_keysync::transport::lan::{read_answer_bytes, read_request_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for written in [read_request_bytes(data), read_answer_bytes(data)].into_iter().flatten() {
        assert_eq!(written, data);
    }
});
