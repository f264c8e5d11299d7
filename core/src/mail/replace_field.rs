//! Puts a header field of ours into a mail of any size, and takes out every one that claims to be it.
//!
//! Whoever reads the field believes it, so what counts here is not what a field is by RFC 5322, section 2.2, but
//! what any program could take for one. Every line of the header is looked at, up to the first empty line, also
//! behind a line that is no field. A line of a carriage return alone is not empty where a line above ends without
//! one: programs that know the line ends of Unix alone read on behind it. A name counts in any letter case, with white space before its colon or with no
//! colon at all, and also behind a bare carriage return or another control character, where some programs begin
//! a new line. Everything else leaves byte for byte.

use std::io::{self, BufRead, BufReader, BufWriter, Read, SeekFrom, Write};

use super::line_ends::LineEnds;
use super::lines::Lines;
use crate::limits::FIELD_LEAD_BYTES;
use crate::ports::Source;

/// Writes the mail with one field `name`, first in its header, and says how many were taken out. `field` is all
/// of the new one, its lines ended by CRLF as [`super::write_field`] makes them; it gets the line ends of the mail.
///
/// An mbox line stays in front. A mail that starts with white space has no header: a line like that would go on
/// with our field, so an empty line comes between.
///
/// # Errors
/// What source and output say.
pub fn replace_field(
    mail: &mut dyn Source,
    name: &str,
    field: &[u8],
    output: &mut dyn Write,
) -> io::Result<u64> {
    let mut output = BufWriter::new(output);
    let removed = replace_in(mail, name, field, &mut output)?;
    output.flush().map(|()| removed)
}

fn replace_in(mail: &mut dyn Source, name: &str, field: &[u8], output: &mut dyn Write) -> io::Result<u64> {
    let ends = LineEnds::of(mail)?;
    let (start, has_header) = beginning(mail)?;
    mail.rewind()?;
    io::copy(&mut mail.take(start), output)?;
    mail.seek(SeekFrom::Start(start))?;
    ends.write(field, output)?;
    let mut input = BufReader::new(mail);
    if !has_header {
        ends.write(b"\r\n", output)?;
        return io::copy(&mut input, output).map(|_| 0);
    }
    let mut remover = Remover::new(name, ends, BufferedHeader { output, held: Vec::new() });
    remover.run(&mut input)?;
    let removed = remover.removed;
    remover.output.flush_held()?;
    io::copy(&mut input, output)?;
    Ok(removed)
}

/// Where the first field could stand, behind the line that mbox files put in front; and whether what stands there is
/// not the middle of one.
fn beginning(mail: &mut dyn Source) -> io::Result<(u64, bool)> {
    mail.rewind()?;
    let mut lines = Lines::new(mail);
    let mut start = 0;
    while let Some(line) = lines.next()? {
        let is_envelope = line.range.start == 0
            && line.end.ends_with(b"\n")
            && (line.start.starts_with(b"From ") || line.start.starts_with(b">From "));
        if !is_envelope {
            return Ok((start, !matches!(line.start, [b' ' | b'\t', ..])));
        }
        start = line.range.end;
    }
    Ok((start, true))
}

/// The output of a header, with bytes that are not decided on.
struct BufferedHeader<'o> {
    output: &'o mut dyn Write,
    held: Vec<u8>,
}

impl BufferedHeader<'_> {
    fn flush_held(&mut self) -> io::Result<()> {
        self.output.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

/// Where in a line we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    Start,
    /// So many characters of the name were seen. `whole`: from the start of the line on.
    Name { seen: usize, whole: bool },
    /// In something that is kept.
    Keep,
    /// In something that is taken out. `whole`: with the end of its line.
    Drop { whole: bool, carriage_return: bool },
    /// Behind the empty line.
    Body,
}

/// Reads a header byte by byte. What it does not know the meaning of yet, it holds.
struct Remover<'o, 'n> {
    name: &'n [u8],
    output: BufferedHeader<'o>,
    state: State,
    /// The line before was taken out, and so are the lines that go on with it.
    dropped: bool,
    /// The byte before was a carriage return.
    after_return: bool,
    /// Every line so far ended with CRLF.
    only_crlf: bool,
    removed: u64,
}

impl<'o, 'n> Remover<'o, 'n> {
    fn new(name: &'n str, ends: LineEnds, output: BufferedHeader<'o>) -> Self {
        Self {
            name: name.as_bytes(),
            output,
            state: State::Start,
            dropped: false,
            after_return: false,
            only_crlf: ends == LineEnds::CarriageReturnLineFeed,
            removed: 0,
        }
    }

    /// Goes on to the first byte of the body.
    fn run(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        while self.state != State::Body {
            let block = input.fill_buf()?;
            if block.is_empty() {
                break;
            }
            let mut taken = 0;
            for byte in block {
                taken += 1;
                self.take(*byte)?;
                if self.state == State::Body {
                    break;
                }
            }
            input.consume(taken);
        }
        // A mail that ends with the name alone.
        if matches!(self.state, State::Name { seen, .. } if seen == self.name.len()) {
            self.output.held.clear();
            self.removed += 1;
        }
        Ok(())
    }

    fn take(&mut self, byte: u8) -> io::Result<()> {
        self.only_crlf &= byte != b'\n' || self.after_return;
        self.after_return = byte == b'\r';
        match self.state {
            State::Start => self.start(byte),
            State::Name { seen, whole } => self.name(byte, seen, whole),
            State::Keep => self.keep(byte),
            State::Drop { whole, carriage_return } => self.drop(byte, whole, carriage_return),
            State::Body => Ok(()),
        }
    }

    fn start(&mut self, byte: u8) -> io::Result<()> {
        match byte {
            b'\n' => self.end_header(byte),
            b' ' | b'\t' if self.dropped => self.drop(byte, true, false),
            b' ' | b'\t' => self.keep(byte),
            _ => {
                self.dropped = false;
                self.name(byte, 0, true)
            }
        }
    }

    fn end_header(&mut self, byte: u8) -> io::Result<()> {
        self.output.held.push(byte);
        self.state = State::Body;
        self.output.flush_held()
    }

    fn name(&mut self, byte: u8, seen: usize, whole: bool) -> io::Result<()> {
        match self.name.get(seen) {
            Some(expected) if expected.eq_ignore_ascii_case(&byte) => {
                self.output.held.push(byte);
                self.state = State::Name { seen: seen + 1, whole };
                Ok(())
            }
            Some(_) if seen == 0 && byte == b'\n' && whole && self.output.held == b"\r" && self.only_crlf => {
                self.end_header(byte)
            }
            Some(_) if seen == 0 && starts_a_line(byte) && self.output.held.len() < FIELD_LEAD_BYTES => {
                self.output.held.push(byte);
                self.state = State::Name { seen, whole };
                Ok(())
            }
            // Another name that begins as ours does.
            None if byte != b':' && (byte.is_ascii_graphic() || byte >= 0x80) => self.keep(byte),
            None => {
                self.remove(whole);
                self.drop(byte, whole, false)
            }
            Some(_) => self.keep(byte),
        }
    }

    /// Takes out what is held: with what stands before the name where nothing but control characters does.
    fn remove(&mut self, whole: bool) {
        let lead = if whole { 0 } else { self.output.held.len().saturating_sub(self.name.len()) };
        self.output.held.truncate(lead);
        self.removed += 1;
    }

    fn keep(&mut self, byte: u8) -> io::Result<()> {
        self.output.held.push(byte);
        self.state = match byte {
            b'\n' => State::Start,
            _ if starts_a_line(byte) => State::Name { seen: 0, whole: false },
            _ => State::Keep,
        };
        self.dropped = false;
        // Between two names there is nothing to decide.
        self.output.flush_held()
    }

    fn drop(&mut self, byte: u8, whole: bool, carriage_return: bool) -> io::Result<()> {
        self.state = State::Drop { whole, carriage_return: byte == b'\r' };
        if byte != b'\n' {
            return Ok(());
        }
        (self.state, self.dropped) = (State::Start, whole);
        if whole {
            return Ok(());
        }
        if carriage_return {
            self.output.held.push(b'\r');
        }
        self.output.held.push(b'\n');
        self.output.flush_held()
    }
}

/// Control characters behind which some program begins a new line.
const fn starts_a_line(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::mail::HeaderSection;

    const NAME: &str = "Counterseal-Verdict";

    fn replaced(mail: &str) -> (String, u64) {
        let mut output = Vec::new();
        let count = replace_field(&mut Cursor::new(mail), NAME, b"X: ours\r\n y\r\n", &mut output).unwrap();
        (String::from_utf8(output).unwrap(), count)
    }

    #[test]
    fn one_field_comes_first_with_the_line_ends_of_the_mail() {
        assert_eq!(replaced("A: 1\r\n\r\nb\n").0, "X: ours\r\n y\r\nA: 1\r\n\r\nb\n");
        assert_eq!(replaced("A: 1\n\nb\r\n").0, "X: ours\n y\nA: 1\n\nb\r\n");
        assert_eq!(replaced("From x\nA: 1\n\n").0, "From x\nX: ours\n y\nA: 1\n\n");
        assert_eq!(replaced("From x\n>From y\nA: 1\n\n").0, "From x\nX: ours\n y\n>From y\nA: 1\n\n");
        assert_eq!(replaced("").0, "X: ours\r\n y\r\n");
        assert_eq!(replaced("\n\nA: 1\n").0, "X: ours\n y\n\n\nA: 1\n");
    }

    #[test]
    fn every_form_of_the_field_is_taken_out() {
        for forged in [
            "Counterseal-Verdict: verified",
            "COUNTERSEAL-verdict:verified",
            "Counterseal-Verdict \t : verified",
            "Counterseal-Verdict:",
            "Counterseal-Verdict",
            "Counterseal-Verdict\n : verified",
            "Counterseal-Verdict: a\n\tb\n c",
            "Counterseal-Verdict\0: verified",
            "\u{b}Counterseal-Verdict: verified",
            "\rCounterseal-Verdict: verified",
        ] {
            for end in ["\n", "\r\n"] {
                let forged = forged.replace('\n', end);
                let mail = format!("A: 1{end}{forged}{end}B: 2{end}{forged}{end}{end}{forged}{end}");
                let (output, count) = replaced(&mail);
                let expected = format!("X: ours{end} y{end}A: 1{end}B: 2{end}{end}{forged}{end}");
                assert_eq!((output, count), (expected, 2), "{forged:?}");
            }
        }
    }

    #[test]
    fn what_hides_in_another_field_is_taken_out_of_it() {
        let (output, count) = replaced("Subject: a\rCounterseal-Verdict: verified\r\n b\r\nTo: x\r\n\r\n");
        assert_eq!(output, "X: ours\r\n y\r\nSubject: a\r\r\n b\r\nTo: x\r\n\r\n");
        assert_eq!(count, 1);
        assert_eq!(replaced("no field\nCounterseal-Verdict: x\nA: 1\n").0, "X: ours\n y\nno field\nA: 1\n");
        assert_eq!(replaced("A: 1\nCounterseal-Verdict").0, "X: ours\n y\nA: 1\n");
    }

    #[test]
    fn a_carriage_return_ends_a_header_only_of_such_lines() {
        for (mail, expected) in [
            ("A: 1\n\r\nCounterseal-Verdict: x\nB: 2\n\nb", "A: 1\n\r\nB: 2\n\nb"),
            ("A: 1\r\nB: 2\n\r\nCounterseal-Verdict: x\r\n\nb", "A: 1\r\nB: 2\n\r\n\nb"),
            ("From x\n\r\nCounterseal-Verdict: x\n\nb", "\r\n\nb"),
            ("A: 1\r\n\r\nCounterseal-Verdict: x\r\n\r\nb", "A: 1\r\n\r\nCounterseal-Verdict: x\r\n\r\nb"),
        ] {
            let (output, _) = replaced(mail);
            assert!(output.ends_with(expected), "{mail:?}: {output:?}");
            assert_eq!(output.contains("Counterseal"), expected.contains("Counterseal"), "{output:?}");
        }
    }

    #[test]
    fn other_fields_stay() {
        for mail in [
            "Counterseal-Verdicts: 1\r\n\r\n",
            "Counterseal: 1\n\n",
            "A: Counterseal-Verdict: 1\n Counterseal-Verdict: 2\n\n",
            "X-Counterseal-Verdict: 1\r\n\r\r\nA: 1\r\n\r\nx",
            "Count",
            "\r\r\n\r",
        ] {
            let (output, count) = replaced(mail);
            assert!(output.ends_with(mail) && count == 0, "{mail:?}: {output:?}");
        }
    }

    #[test]
    fn nothing_of_the_mail_goes_on_with_our_field() {
        assert_eq!(replaced(" ; forged\nA: 1\n\nb").0, "X: ours\n y\n\n ; forged\nA: 1\n\nb");
        assert_eq!(replaced("Counterseal-Verdict: x\n ; forged\nA: 1\n").0, "X: ours\n y\nA: 1\n");
    }

    proptest! {
        #[test]
        fn nothing_else_is_lost_and_nothing_forged_is_left(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "Counterseal-Verdict", "counterseal-verdict:", ":", " ", "\t", "\r", "\n", "\r\n", "A: 1",
                    "\0", "\u{b}", "verified", "From x",
                ]),
                0..20,
            )
        ) {
            let mail = pieces.concat();
            let (output, count) = replaced(&mail);
            let section = HeaderSection::read(output.as_bytes()).unwrap();
            prop_assert_eq!(section.count(NAME), 0);
            prop_assert_eq!(section.count("X"), 1);
            let added = output.len() - "X: ours\n y\n".len();
            prop_assert!(count > 0 || output.replace(['\r', '\n'], "").contains(&mail.replace(['\r', '\n'], "")) || mail.starts_with("From x"));
            prop_assert!(added <= mail.len() + 4);
            let again = {
                let mut twice = Vec::new();
                replace_field(&mut Cursor::new(output.as_bytes()), NAME, b"Y: z\r\n", &mut twice).unwrap()
            };
            prop_assert_eq!(again, 0);
        }
    }
}
