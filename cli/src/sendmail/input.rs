//! The mail on standard input. Nothing but its real end ends it: whoever is stopped in the middle of a
//! mail sends none.

use std::io::{self, BufRead, IsTerminal, Read};

use counterseal_core::limits::SUBMITTED_BYTES;
use counterseal_core::submission::SubmissionError;
use zeroize::Zeroizing;

use super::rejection::Rejection;
use crate::failure::Failure;

/// Reads it whole. On a terminal a line that is a dot ends it too: there a person types.
pub(super) fn read() -> Result<Zeroizing<Vec<u8>>, Rejection> {
    let stdin = io::stdin().lock();
    let failed = |error: io::Error| Rejection::from(Failure::io("standard input", &error));
    if stdin.is_terminal() { typed(stdin).map_err(failed) } else { piped(stdin)?.map_err(failed) }
}

fn piped(mut input: impl Read) -> Result<io::Result<Zeroizing<Vec<u8>>>, Rejection> {
    let mut mail = Zeroizing::new(Vec::with_capacity(64 << 10));
    let mut piece = Zeroizing::new(vec![0; 64 << 10]);
    let mut is_too_large = false;
    loop {
        let count = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error)),
        };
        // Whoever is not read to the end is killed by a signal, and never learns why.
        is_too_large |= mail.len() + count > SUBMITTED_BYTES;
        if !is_too_large {
            append(&mut mail, piece.get(..count).unwrap_or_default());
        }
    }
    if is_too_large { Err(SubmissionError::TooLarge.into()) } else { Ok(Ok(mail)) }
}

/// Grows a buffer without leaving a copy of the mail behind.
fn append(mail: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if mail.capacity() < mail.len() + bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((mail.len() + bytes.len()) * 2));
        larger.extend_from_slice(mail);
        *mail = larger;
    }
    mail.extend_from_slice(bytes);
}

fn typed(input: impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut mail = Zeroizing::new(Vec::new());
    for line in input.split(b'\n') {
        let line = line?;
        if line == b"." {
            break;
        }
        mail.extend_from_slice(&line);
        mail.push(b'\n');
    }
    Ok(mail)
}
