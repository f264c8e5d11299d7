//! Passphrases: from a file, from a descriptor, or typed at the terminal. Never from an argument or
//! a variable, which other programs can read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use counterseal_core::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::store::{NotARecoveryCode, RecoveryCode};
use crate::terminal::{Question, ask_secret};

/// Bytes that a passphrase file may have.
const FILE_BYTES: usize = 4096;

/// The passphrase that the options name, if they name one.
pub(crate) fn given(options: &args::Passphrase) -> Result<Option<SecretBytes>, Failure> {
    match (&options.passphrase_file, options.passphrase_fd) {
        (Some(path), _) => from_file(path).map(Some),
        // A new file of the same pipe: the descriptor itself stays open for whoever gave it.
        (None, Some(descriptor)) => from_file(Path::new(&format!("/dev/fd/{descriptor}"))).map(Some),
        (None, None) => Ok(None),
    }
}

/// The first line of a file.
pub(crate) fn from_file(path: &Path) -> Result<SecretBytes, Failure> {
    let failed = |error: &std::io::Error| Failure::io(format!("passphrase file {}", path.display()), error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
    file.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() >= FILE_BYTES {
        return Err(Failure::usage(format!("passphrase file {}: the line is too long", path.display())));
    }
    Ok(SecretBytes::copy_of(line))
}

/// The recovery code that a file holds.
pub(crate) fn recovery_code(path: &Path) -> Result<RecoveryCode, Failure> {
    let typed = from_file(path)?;
    let wrong = |why: String| {
        Failure::unknown("not-a-recovery-code", format!("{}: {why}", path.display()))
            .hint("a recovery code has seven groups of four letters and digits, and no 0, 1, 8 or 9")
    };
    let text = std::str::from_utf8(typed.expose()).map_err(|_| wrong("no text".to_owned()))?;
    RecoveryCode::parse(text).map_err(|error| match error {
        NotARecoveryCode::Length(found) => wrong(format!("it has {found} letters and digits, not 28")),
        NotARecoveryCode::Character(found) => {
            wrong(format!("the character {found:?} is in no recovery code"))
        }
        NotARecoveryCode::Checksum => {
            wrong("something in it is mistyped: its checksum does not fit".to_owned())
        }
    })
}

/// Asks for a passphrase that exists. `instead` is the option for callers without a terminal.
pub(crate) fn ask(question: &str, instead: &str) -> Result<SecretBytes, Failure> {
    match ask_secret(question) {
        Ok(Question::Answered(passphrase)) => Ok(passphrase),
        Ok(Question::Cancelled) => Err(Failure::unknown("cancelled", "cancelled")),
        Ok(Question::NoTerminal) => {
            Err(Failure::unknown("passphrase-needed", format!("{question}: there is no terminal to ask on"))
                .hint(format!("give it with {instead}")))
        }
        Err(error) => Err(Failure::io("the terminal", &error)),
    }
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_new(question: &str, instead: &str) -> Result<SecretBytes, Failure> {
    let first = ask(question, instead)?;
    if first.is_empty() {
        return Err(empty(instead));
    }
    let second = ask("The same again", instead)?;
    if first.expose() != second.expose() {
        return Err(Failure::new(
            Exit::No,
            "passphrase-differs",
            "the two passphrases differ; nothing was made",
        ));
    }
    Ok(first)
}

/// A new passphrase that a file gave must not be empty: it would look protected and not be.
pub(crate) fn empty(instead: &str) -> Failure {
    Failure::usage("the passphrase is empty").hint(format!("give one with {instead}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_with(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn the_first_line_counts_without_its_end() {
        for content in ["secret", "secret\n", "secret\r\n", "secret\nmore\n"] {
            let file = file_with(content.as_bytes());
            assert_eq!(from_file(file.path()).unwrap().expose(), b"secret");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_no_passphrase() {
        assert!(from_file(file_with(&[b'x'; FILE_BYTES]).path()).is_err());
        assert!(from_file(file_with(&[b'x'; FILE_BYTES - 1]).path()).is_ok());
    }
}
