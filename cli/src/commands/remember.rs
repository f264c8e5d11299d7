//! What was sent, told to the history by a process of its own: whoever hands in a mail need not wait for that.

use std::io::{BufRead, Read, Write};

use base64ct::{Base64, Encoding};
use counterseal_core::address::EmailAddress;
use counterseal_core::x509::Certificate;
use serde::{Deserialize, Serialize};

use super::history::{self, Sent};
use super::store;
use crate::failure::Failure;

/// Bytes of one line: far more than a certificate in base64 has.
const LINE_BYTES: u64 = 1 << 20;

/// One mail to one reader, as it stands on a line between two processes of ours.
#[derive(Serialize, Deserialize)]
struct Line {
    address: String,
    /// The base64 of its DER.
    certificate: String,
    message: Option<[u8; 32]>,
}

/// Writes what was sent for the process that is to remember it.
pub(crate) fn write(sent: &[Sent], mut output: impl Write) -> std::io::Result<()> {
    for Sent { address, certificate, message } in sent {
        let line = Line {
            address: address.to_string(),
            certificate: Base64::encode_string(certificate.as_der()),
            message: *message,
        };
        serde_json::to_writer(&mut output, &line)?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

/// Tells the history what another process of ours wrote.
///
/// # Errors
/// What the store says; a line that cannot be read is passed over.
pub(crate) fn read(mut input: impl BufRead) -> Result<(), Failure> {
    let mut sent = Vec::new();
    loop {
        let mut line = Vec::new();
        let count = (&mut input).take(LINE_BYTES).read_until(b'\n', &mut line);
        if count.map_err(|error| Failure::io("standard input", &error))? == 0 {
            break;
        }
        sent.extend(parse(&line));
    }
    if sent.is_empty() {
        return Ok(());
    }
    let mut store = store::open()?;
    let at_hand = store::knowledge(&store)?.certificates;
    history::sent(&mut store, &sent, &at_hand, true);
    Ok(())
}

fn parse(line: &[u8]) -> Option<Sent> {
    let Line { address, certificate, message } = serde_json::from_slice(line).ok()?;
    let certificate = Certificate::from_der(&Base64::decode_vec(&certificate).ok()?).ok()?;
    Some(Sent { address: EmailAddress::parse(&address).ok()?, certificate, message })
}
