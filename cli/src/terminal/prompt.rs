//! Questions on the terminal device, whatever standard input and output are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use counterseal_core::secret::SecretBytes;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

/// Bytes that a passphrase may have. The buffer has them from the start, so that no copy of a
/// passphrase stays behind where it grew.
pub(crate) const PASSPHRASE_BYTES: usize = 4096;

/// How a question ended.
#[derive(Debug)]
pub(crate) enum Question {
    /// The person answered.
    Answered(SecretBytes),
    /// There is no terminal to ask on.
    NoTerminal,
    /// The person pressed Ctrl-C or Ctrl-D.
    Cancelled,
}

/// Whether there is a terminal to ask on.
pub(crate) fn can_ask() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Asks for a secret; what is typed is not shown.
///
/// # Errors
/// Whatever the system says while the terminal is read.
pub(crate) fn ask_secret(question: &str) -> io::Result<Question> {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else {
        return Ok(Question::NoTerminal);
    };
    let Ok(before) = termios::tcgetattr(&terminal) else { return Ok(Question::NoTerminal) };
    write!(terminal, "{question}: ")?;
    let silence = Silence::begin(&terminal, before)?;
    let answer = read_line(&mut &terminal);
    drop(silence);
    writeln!(terminal)?;
    answer
}

/// Asks for something that is no secret, and is shown while it is typed.
///
/// # Errors
/// Whatever the system says while the terminal is read.
pub(crate) fn ask_shown(question: &str) -> io::Result<Option<String>> {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else { return Ok(None) };
    write!(terminal, "{question}: ")?;
    read_shown(&terminal).map(Some)
}

/// Shows a secret on the terminal device: standard output and standard error may be files.
///
/// # Errors
/// Whatever the system says; where there is no terminal, too.
pub(crate) fn show_on_terminal(text: &str) -> io::Result<()> {
    File::options().write(true).open("/dev/tty")?.write_all(text.as_bytes())
}

/// A line as the terminal gives it; what is longer than any answer is cut off, and is none.
fn read_shown(terminal: impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    BufReader::new(terminal.take(PASSPHRASE_BYTES as u64)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: &'a File, before: Termios) -> io::Result<Self> {
        let mut silent = before.clone();
        // Keys arrive one by one and Ctrl-C as a byte, so that no signal leaves the terminal silent.
        silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Reads to the end of the line, with the keys that correct it.
fn read_line(terminal: &mut impl Read) -> io::Result<Question> {
    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const BACKSPACE: u8 = 8;
    const CTRL_U: u8 = 21;
    const DELETE: u8 = 127;
    let mut typed = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES));
    loop {
        let mut key = Zeroizing::new([0_u8]);
        if terminal.read(&mut *key)? == 0 {
            return Ok(Question::Cancelled);
        }
        match key[0] {
            b'\r' | b'\n' => return Ok(Question::Answered(SecretBytes::copy_of(&typed))),
            CTRL_C | CTRL_D => return Ok(Question::Cancelled),
            CTRL_U => typed.clear(),
            BACKSPACE | DELETE => remove_character(&mut typed),
            byte if typed.len() < PASSPHRASE_BYTES => typed.push(byte),
            _ => {}
        }
    }
}

/// Removes one character, which may be several bytes of UTF-8.
fn remove_character(typed: &mut Vec<u8>) {
    while typed.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Question {
        read_line(&mut &*keys).unwrap()
    }

    #[test]
    fn keys_that_correct_do_so() {
        let Question::Answered(answer) = typed("wrong\u{15}höx\u{7f}\u{7f}i\r".as_bytes()) else {
            panic!("no answer")
        };
        assert_eq!(answer.expose(), b"hi");
    }

    #[test]
    fn a_line_that_is_shown_ends_at_its_end() {
        assert_eq!(read_shown(&b"  MBJH-UVS2 \nmore"[..]).unwrap(), "MBJH-UVS2");
        assert_eq!(read_shown(&b""[..]).unwrap(), "");
        assert_eq!(read_shown(&vec![b'x'; 2 * PASSPHRASE_BYTES][..]).unwrap().len(), PASSPHRASE_BYTES);
    }

    #[test]
    fn leaving_is_not_an_empty_answer() {
        assert!(matches!(typed(b"secret\x03"), Question::Cancelled));
        assert!(matches!(typed(b"secret"), Question::Cancelled));
    }
}
