//! The mail on standard input. Nothing but its real end ends it: whoever is stopped in the middle of a
//! mail sends none.

use std::io::{self, BufRead, IsTerminal, Read};

use counterseal_core::submission::Gathered;
use zeroize::Zeroizing;

use super::rejection::Rejection;
use crate::failure::Failure;

/// Reads it whole. On a terminal a line that is a dot ends it too: there a person types.
pub(super) fn read() -> Result<Gathered, Rejection> {
    let stdin = io::stdin().lock();
    let read = if stdin.is_terminal() { typed(stdin) } else { piped(stdin) };
    read.map_err(|error| Failure::io("standard input", &error).into())
}

fn piped(mut input: impl Read) -> io::Result<Gathered> {
    let mut mail = Gathered::default();
    let mut piece = Zeroizing::new(vec![0; 64 << 10]);
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(mail),
            Ok(count) => mail.push(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn typed(input: impl BufRead) -> io::Result<Gathered> {
    let mut mail = Gathered::default();
    for line in input.split(b'\n') {
        let line = line?;
        if line == b"." {
            break;
        }
        mail.push(&line);
        mail.push(b"\n");
    }
    Ok(mail)
}
