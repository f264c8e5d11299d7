//! One question and its answer as they stand on the wire, where the library that speaks IMAP has no words for them. Only
//! between two of its own questions: it must have read all that the server said.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::stream::{Connection, hostile};
use crate::limits;

const TAG: &str = "KS1";

/// The untagged lines of the answer. A server that refuses has none.
pub(super) async fn ask(connection: &mut Connection, command: &str) -> io::Result<Vec<u8>> {
    connection.write_all(format!("{TAG} {command}\r\n").as_bytes()).await?;
    connection.flush().await?;
    let mut answer = Vec::new();
    loop {
        let byte = connection.read_u8().await?;
        answer.push(byte);
        if byte == b'\n' {
            let before = answer.strip_suffix(b"\n").unwrap_or_default();
            let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if answer.get(begin..).is_some_and(is_end) {
                answer.truncate(begin);
                return Ok(answer);
            }
        }
        if answer.len() >= limits::IMAP_PLAIN_BYTES {
            return Err(hostile("the mail server's answer does not end"));
        }
    }
}

fn is_end(line: &[u8]) -> bool {
    line.strip_prefix(TAG.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
}

/// The words of an answer.
pub(super) fn words(answer: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(answer).unwrap_or_default().split_ascii_whitespace()
}
