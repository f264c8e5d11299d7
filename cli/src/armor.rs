//! CMS objects as text: PEM (RFC 7468) and bare base64, read and written in constant memory.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use base64ct::{Base64, Encoding};
use counterseal_core::mail::{Base64Decoder, Filter};
use counterseal_core::message::object;
use counterseal_core::ports::{Source, Spool, Spools};

use crate::args;
use crate::failure::Failure;
use crate::files::{Content, Output, open_input};
use crate::spool::EncryptedSpools;

/// Bytes that tell a binary object from text.
const HEAD: usize = 64;
/// Bytes of one line that are looked at together.
const LINE: u64 = 64 << 10;
/// Bytes before the first PEM line that may be comments.
const COMMENTS: u64 = 1 << 20;
/// Bytes of a full line (RFC 7468, section 2: 64 characters).
const LINE_INPUT: usize = 48;
/// The label that OpenSSL and RFC 7468 use.
const LABEL: &str = "CMS";

/// Opens a CMS object whatever its form: DER and BER as they are, PEM and base64 decoded. What is
/// none of them comes back as it is, for the library to say what is wrong with it.
pub(crate) fn open_object(path: Option<&Path>) -> Result<Box<dyn Source>, Failure> {
    let mut source = open_input(path)?;
    decoded(source.as_mut()).map(|spool| spool.unwrap_or(source)).map_err(|error| {
        Failure::unknown("malformed", "this is text, but no CMS object in PEM or base64").because(error)
    })
}

fn decoded(source: &mut dyn Source) -> io::Result<Option<Box<dyn Source>>> {
    let mut head = Vec::new();
    (&mut *source).take(HEAD as u64).read_to_end(&mut head)?;
    source.rewind()?;
    if object::is_binary(&head) {
        return Ok(None);
    }
    let mut lines = BufReader::with_capacity(64 << 10, &mut *source);
    if begins_pem(&mut lines)? {
        return decode(lines, Some(b"-----END ")).map(Some);
    }
    drop(lines);
    source.rewind()?;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n\t ".contains(byte);
    if !head.is_empty() && head.iter().all(is_base64) {
        return decode(BufReader::with_capacity(64 << 10, source), None).map(Some);
    }
    Ok(None)
}

/// Reads to the line after the first `-----BEGIN`, if there is one.
fn begins_pem(lines: &mut dyn BufRead) -> io::Result<bool> {
    let mut line = Vec::new();
    let mut seen = 0;
    while seen < COMMENTS {
        line.clear();
        let count = (&mut *lines).take(LINE).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        if line.starts_with(b"-----BEGIN ") {
            return Ok(true);
        }
        seen += count as u64;
    }
    Ok(false)
}

/// Decodes lines up to the end, or to a line that begins so.
fn decode(mut lines: impl BufRead, end: Option<&[u8]>) -> io::Result<Box<dyn Source>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut spool: Box<dyn Spool> = EncryptedSpools.create()?;
    let mut decoder = Base64Decoder::default();
    let (mut line, mut bytes) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        bytes.clear();
        let count = (&mut lines).take(LINE).read_until(b'\n', &mut line)?;
        let ended = end.is_some_and(|end| line.starts_with(end));
        if count == 0 || ended {
            if end.is_some() && !ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            decoder.finish(&mut bytes).map_err(invalid)?;
            spool.write_all(&bytes)?;
            return spool.into_source();
        }
        decoder.push(&line, &mut bytes).map_err(invalid)?;
        spool.write_all(&bytes)?;
    }
}

/// Where a CMS object is written, as DER or as PEM.
pub(crate) enum ObjectOutput {
    /// As it is.
    Der(Output),
    /// As text.
    Pem(PemWriter<Output>),
}

impl ObjectOutput {
    /// Opens what the options name.
    pub(crate) fn open(options: &args::Output, form: &args::Form) -> Result<Self, Failure> {
        if form.pem {
            let output = Output::open(options, Content::Text)?;
            return Ok(Self::Pem(PemWriter::new(output).map_err(|error| failed(&error))?));
        }
        Output::open(options, Content::Binary).map(Self::Der)
    }

    /// Makes what was written final.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self {
            Self::Der(output) => output.commit(),
            Self::Pem(pem) => pem.finish().map_err(|error| failed(&error))?.commit(),
        }
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::io("the output", error)
}

impl Write for ObjectOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Der(output) => output.write(bytes),
            Self::Pem(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Der(output) => output.flush(),
            Self::Pem(output) => output.flush(),
        }
    }
}

/// Writes PEM around the bytes that come.
pub(crate) struct PemWriter<W: Write> {
    output: W,
    pending: Vec<u8>,
}

impl<W: Write> PemWriter<W> {
    /// Begins a block.
    pub(crate) fn new(mut output: W) -> io::Result<Self> {
        writeln!(output, "-----BEGIN {LABEL}-----")?;
        Ok(Self { output, pending: Vec::with_capacity(LINE_INPUT) })
    }

    /// Ends the block, and gives the output back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() {
            line(&mut self.output, &self.pending)?;
        }
        writeln!(self.output, "-----END {LABEL}-----")?;
        Ok(self.output)
    }
}

impl<W: Write> Write for PemWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let missing = (LINE_INPUT - self.pending.len()).min(rest.len());
            let (head, tail) = rest.split_at_checked(missing).unwrap_or_default();
            self.pending.extend_from_slice(head);
            rest = tail;
            if self.pending.len() == LINE_INPUT {
                line(&mut self.output, &self.pending)?;
                self.pending.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn line(output: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut characters = [0; LINE_INPUT / 3 * 4];
    let encoded = Base64::encode(bytes, &mut characters).map_err(|_| io::Error::other("base64"))?;
    writeln!(output, "{encoded}")
}

/// Bytes as base64 in one line.
pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The head of a ContentInfo, and enough behind it.
    fn object() -> Vec<u8> {
        let mut object = vec![0x30, 0x82, 0x03, 0xE8, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 3];
        object.resize(1004, 0xA5);
        object
    }

    fn read(bytes: Vec<u8>) -> Option<Vec<u8>> {
        let mut source = io::Cursor::new(bytes);
        let mut found = decoded(&mut source).unwrap()?;
        let mut all = Vec::new();
        found.read_to_end(&mut all).unwrap();
        Some(all)
    }

    #[test]
    fn pem_and_base64_are_decoded_and_binary_is_left() {
        let mut pem = PemWriter::new(Vec::new()).unwrap();
        pem.write_all(&object()).unwrap();
        let pem = pem.finish().unwrap();
        assert!(pem.starts_with(b"-----BEGIN CMS-----\nMIID6AYJ"));
        assert!(pem.split(|byte| *byte == b'\n').all(|line| line.len() <= 64));
        assert_eq!(read(pem.clone()).unwrap(), object());
        assert_eq!(read([b"Comment\r\n", &pem[..]].concat()).unwrap(), object());
        let body = String::from_utf8(pem).unwrap();
        let body: String = body.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(read(body.into_bytes()).unwrap(), object());
        assert_eq!(read(object()), None);
    }

    #[test]
    fn a_block_that_is_cut_off_is_an_error() {
        let mut pem = PemWriter::new(Vec::new()).unwrap();
        pem.write_all(&object()).unwrap();
        let pem = pem.finish().unwrap();
        for cut in [30, 100, pem.len() - 20] {
            assert!(decoded(&mut io::Cursor::new(pem[..cut].to_vec())).is_err(), "{cut}");
        }
    }
}
