//! The two files of a pairing as mails: a request or an answer is the one part of its type (docs/formats/pairing.md).
//!
//! A mail protects nothing here, and needs not to: a request holds certificates and a public key, which the words of its
//! fingerprint prove; an answer is sealed to that key, and opens with words that are told by another way.

use std::fmt;

use counterseal_core::address::EmailAddress;
use counterseal_core::mail::{self, Part, write_date, write_field};
use counterseal_core::ports::Random;
use counterseal_core::time::Time;
use data_encoding::{BASE64, HEXLOWER};

use crate::limits;

/// The type of the part.
pub const MEDIA_TYPE: &str = "application/vnd.counterseal-keysync";
/// Characters of a line of base64 (RFC 2045, section 6.8).
const LINE: usize = 76;

/// Why bytes are neither the file of a pairing nor a mail that holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMailError {
    /// It is larger than such a file in a mail can be.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// [`limits::PAIRING_FILE_BYTES`] for a file, [`limits::PAIRING_MAIL_BYTES`] for a mail.
        limit: usize,
    },
    /// It cannot be split into parts.
    NotAMail(mail::MailError),
    /// No part of it, or more than one, is of the type.
    Parts(usize),
    /// The part is cut off, or was changed on its way.
    Damaged,
}

impl fmt::Display for FileMailError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => write!(formatter, "{bytes} bytes, {limit} may be"),
            Self::NotAMail(error) => write!(formatter, "neither a file of a pairing nor a mail: {error}"),
            Self::Parts(0) => write!(formatter, "a mail without a part of type {MEDIA_TYPE}"),
            Self::Parts(count) => {
                write!(formatter, "a mail with {count} parts of type {MEDIA_TYPE}; it may have one")
            }
            Self::Damaged => formatter.write_str("the part of the mail is damaged"),
        }
    }
}

impl std::error::Error for FileMailError {}

/// The file of a pairing: these bytes themselves, or the one part of its type in the mail that they are.
///
/// # Errors
/// [`FileMailError`].
pub fn file_in(bytes: &[u8]) -> Result<Vec<u8>, FileMailError> {
    // A file begins with the tag of its choice, which no field name of a mail does (RFC 5322, section 2.2).
    let is_file = bytes.first().is_none_or(|first| !first.is_ascii());
    let limit = if is_file { limits::PAIRING_FILE_BYTES } else { limits::PAIRING_MAIL_BYTES };
    if bytes.len() > limit {
        return Err(FileMailError::TooLarge { bytes: bytes.len(), limit });
    }
    if is_file {
        return Ok(bytes.to_vec());
    }
    let root = Part::read(bytes).map_err(FileMailError::NotAMail)?;
    let parts = root.walk().into_iter().map(|(_, part)| part);
    let parts: Vec<&Part<'_>> = parts.filter(|part| part.content_type().is(MEDIA_TYPE)).collect();
    let [part] = parts.as_slice() else { return Err(FileMailError::Parts(parts.len())) };
    let file = part.decoded().map_err(|_| FileMailError::Damaged)?;
    if file.len() > limits::PAIRING_FILE_BYTES {
        return Err(FileMailError::TooLarge { bytes: file.len(), limit: limits::PAIRING_FILE_BYTES });
    }
    Ok(file)
}

/// What a mail says beside the file that it carries.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Who sends it.
    pub from: EmailAddress,
    /// Who gets it: oneself, or whom one meets.
    pub to: EmailAddress,
    /// ASCII, in one line.
    pub subject: &'static str,
    /// What to do with it: ASCII, lines that end in LF.
    pub text: String,
    /// What the part is called when it is saved.
    pub file_name: &'static str,
}

/// A mail with its Message-ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// With angle brackets.
    pub message_id: String,
    /// Lines end in CRLF.
    pub bytes: Vec<u8>,
}

/// The mail that carries a file.
///
/// # Errors
/// Where an address is not ASCII.
pub fn mail_of(
    file: &[u8],
    letter: &Letter,
    now: Time,
    random: &mut dyn Random,
) -> Result<Mail, mail::MailError> {
    let mut chance = [0; 32];
    random.fill(&mut chance);
    let (identifier, boundary) = chance.split_at(16);
    let (identifier, boundary) = (HEXLOWER.encode(identifier), HEXLOWER.encode(boundary));
    let message_id = format!("<{identifier}@{}>", letter.from.domain());
    let mut bytes = Vec::new();
    for (name, value) in [
        ("From", letter.from.to_string()),
        ("To", letter.to.to_string()),
        ("Subject", letter.subject.to_owned()),
        ("Date", write_date(now)),
        ("Message-ID", message_id.clone()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", format!("multipart/mixed; boundary=\"{boundary}\"")),
    ] {
        bytes.extend(write_field(name, &value)?);
    }
    let text = letter.text.replace('\n', "\r\n");
    let file_name = letter.file_name;
    let body = format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{text}\r\n--{boundary}\r\n\
         Content-Type: {MEDIA_TYPE}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"{file_name}\"\r\n\r\n{}--{boundary}--\r\n",
        lines_of(file)
    );
    bytes.extend(body.into_bytes());
    Ok(Mail { message_id, bytes })
}

fn lines_of(file: &[u8]) -> String {
    let encoded = BASE64.encode(file);
    let lines = encoded.as_bytes().chunks(LINE).map(String::from_utf8_lossy);
    lines.map(|line| format!("{line}\r\n")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{NOW, SystemRandom};

    /// As long as an answer with some keys, and of every byte.
    fn file() -> Vec<u8> {
        let bytes = (0..=255).cycle().take(20_000);
        [0xa5].into_iter().chain(bytes).collect()
    }

    fn letter() -> Letter {
        let address = |text: &str| EmailAddress::parse(text).unwrap();
        Letter {
            from: address("alice@example.org"),
            to: address("bob@example.org"),
            subject: "An answer",
            text: "Save this mail.\nThen read it.\n".to_owned(),
            file_name: "answer.ksa",
        }
    }

    fn mail() -> String {
        String::from_utf8(mail_of(&file(), &letter(), NOW, &mut SystemRandom).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_file_is_found_again_in_its_mail_and_as_it_is() {
        assert_eq!(file_in(mail().as_bytes()).unwrap(), file());
        assert_eq!(file_in(&file()).unwrap(), file());
        // As mail programs save it, with fields of those who carried it.
        let saved = format!("Received: by example.org\nX-Seen: yes\n{}", mail().replace("\r\n", "\n"));
        assert_eq!(file_in(saved.as_bytes()).unwrap(), file());
        let head = "From: bob@example.org\r\nContent-Type: message/rfc822\r\n\r\n";
        assert_eq!(file_in(format!("{head}{}", mail()).as_bytes()).unwrap(), file(), "passed on");
        assert!(mail().lines().all(|line| line.len() <= 78) && mail().is_ascii());
    }

    #[test]
    fn a_mail_with_no_such_part_or_with_two_of_them_is_refused() {
        let other = mail().replace(MEDIA_TYPE, "application/octet-stream");
        assert_eq!(file_in(other.as_bytes()), Err(FileMailError::Parts(0)));
        assert_eq!(file_in(b"hello"), Err(FileMailError::Parts(0)));
        let part = format!("Content-Type: {MEDIA_TYPE}\r\n\r\nx\r\n");
        let two =
            format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}--b\r\n{part}--b--\r\n");
        assert_eq!(file_in(two.as_bytes()), Err(FileMailError::Parts(2)));
        let cut = mail();
        let cut = cut.split_at(cut.len() / 2 + 1).0;
        assert_ne!(file_in(cut.as_bytes()), Ok(file()));
        let strange = mail().replace("base64", "x-unknown");
        assert_ne!(file_in(strange.as_bytes()), Ok(file()));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_split() {
        let file = vec![0xa5; limits::PAIRING_FILE_BYTES + 1];
        let limit = limits::PAIRING_FILE_BYTES;
        assert_eq!(file_in(&file), Err(FileMailError::TooLarge { bytes: limit + 1, limit }));
        let limit = limits::PAIRING_MAIL_BYTES;
        let mail = vec![b'x'; limit + 1];
        assert_eq!(file_in(&mail), Err(FileMailError::TooLarge { bytes: limit + 1, limit }));
        // The largest file fits a mail, and a part that grows beyond it is refused.
        let bytes = mail_of(&file[1..], &letter(), NOW, &mut SystemRandom).unwrap().bytes;
        assert!(bytes.len() < limits::PAIRING_MAIL_BYTES);
        assert_eq!(file_in(&bytes).unwrap().len(), limits::PAIRING_FILE_BYTES);
        let bytes = mail_of(&file, &letter(), NOW, &mut SystemRandom).unwrap().bytes;
        assert!(matches!(file_in(&bytes), Err(FileMailError::TooLarge { .. })));
    }
}
