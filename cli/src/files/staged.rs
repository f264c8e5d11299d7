//! Where plaintext waits until all of it was checked.

use std::io::{self, Read, Seek, Write};

use counterseal_core::ports::{Spool, Spools};
use zeroize::Zeroizing;

use super::output::{Content, Output};
use crate::args;
use crate::failure::{Exit, Failure};
use crate::spool::EncryptedSpools;
use crate::terminal;

/// Output that is not there before [`Staged::release`]: in a temporary file beside its target, or,
/// where it goes to a pipe or a terminal, in a spool whose disk part is encrypted.
pub(crate) struct Staged {
    place: Place,
    /// Whether the person asked for standard output by name, whatever it is.
    explicit: bool,
}

enum Place {
    File(Output),
    Spool(Box<dyn Spool>, Output),
}

impl Staged {
    /// Prepares the output that the options name.
    pub(crate) fn open(options: &args::Output) -> Result<Self, Failure> {
        // What it is shows only when it is there, so a terminal is no reason to refuse yet.
        let output = Output::open(options, Content::Text)?;
        let place = match output {
            Output::File { .. } => Place::File(output),
            Output::Device(..) | Output::Stdout(_) => {
                let spool =
                    EncryptedSpools.create().map_err(|error| Failure::io("a temporary file", &error))?;
                Place::Spool(spool, output)
            }
        };
        Ok(Self { place, explicit: options.output.is_some() })
    }

    /// Lets it out: everything was checked.
    pub(crate) fn release(self) -> Result<(), Failure> {
        match self.place {
            Place::File(output) => output.commit(),
            Place::Spool(spool, output) => release_spool(spool, output, self.explicit),
        }
    }
}

fn release_spool(spool: Box<dyn Spool>, mut output: Output, explicit: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("the output", &error);
    let mut source = spool.into_source().map_err(failed)?;
    if output.is_stdout() && !explicit && terminal::output_is_terminal() {
        if !is_text(&mut source).map_err(failed)? {
            return Err(Failure::new(
                Exit::Usage,
                "binary-to-terminal",
                "the content is binary or steers the terminal, and standard output is a terminal",
            )
            .hint("name a file with -o FILE, or write it anyway with -o -"));
        }
        source.rewind().map_err(failed)?;
    }
    io::copy(&mut source, &mut output).map_err(failed)?;
    output.commit()
}

/// Whether a terminal shows it and does nothing else: no control characters but line ends and
/// tabs, in ASCII or as the two bytes that C1 controls have in UTF-8.
fn is_text(source: &mut dyn Read) -> io::Result<bool> {
    let mut piece = Zeroizing::new(vec![0; 64 << 10]);
    let mut before = 0;
    loop {
        let count = source.read(&mut piece)?;
        let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(true) };
        for byte in bytes {
            let control = byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0C);
            let c1 = before == 0xC2 && (0x80..0xA0).contains(byte);
            if control || c1 {
                return Ok(false);
            }
            before = *byte;
        }
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::File(output) => output.write(bytes),
            Place::Spool(spool, _) => spool.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_a_terminal_only_shows() {
        assert!(is_text(&mut "Grüße,\r\n\tAlice\n".as_bytes()).unwrap());
        for hostile in ["\u{1b}]0;title\u{7}", "a\u{9b}31m", "nul\0", "back\u{8}space"] {
            assert!(!is_text(&mut hostile.as_bytes()).unwrap(), "{hostile:?}");
        }
    }
}
