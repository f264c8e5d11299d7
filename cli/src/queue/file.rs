//! The file of a mail: a line, an envelope in JSON, the messages, and a digest of all.

use std::io::{self, Read, Write};
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::time::Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::QueueError;
use super::unit::{Addressed, Notify, Recipient, Requires, ReturnContent, Unit};

const MAGIC: &str = "counterseal-queue 1 ";
const END: &str = "end ";
/// Bytes of the first line: the magic, and a length of 20 digits.
const FIRST_LINE_BYTES: usize = 64;

/// All that a mail's file says beside the messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    /// When it was committed, in Unix seconds.
    pub(super) committed: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) waits: bool,
    pub(super) units: Vec<UnitObject>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitObject {
    pub(super) account: String,
    sender: String,
    pub(super) message_id: String,
    pub(super) bytes: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    smtputf8: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    eight_bit: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    require_tls: bool,
    #[serde(default, rename = "return", skip_serializing_if = "Option::is_none")]
    return_content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    envelope_id: Option<String>,
    recipients: Vec<RecipientObject>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipientObject {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notify: Option<Vec<Word>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<String>,
}

/// What is to be reported. Of other words a hostile file could have more than memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Success,
    Failure,
    Delay,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Envelope {
    /// Of all copies of a mail, with the reason where it is held.
    pub(super) fn of(copies: &[Addressed], now: Time, held: Option<(&str, bool)>) -> Self {
        Self {
            committed: now.unix_seconds(),
            reason: held.map(|(reason, _)| reason.to_owned()),
            waits: held.is_some_and(|(_, waits)| waits),
            units: copies.iter().map(UnitObject::of).collect(),
        }
    }

    /// Whether it is within the limits that a reader holds it to.
    pub(super) fn check(&self) -> Result<(), QueueError> {
        let recipients: usize = self.units.iter().map(|unit| unit.recipients.len()).sum();
        if self.units.is_empty() || self.units.iter().any(|unit| unit.recipients.is_empty()) {
            return Err(QueueError::TooLarge("it has no recipient"));
        }
        if self.units.len() > limits::QUEUE_UNITS || recipients > limits::QUEUE_RECIPIENTS {
            return Err(QueueError::TooLarge("it has more than 20000 recipients"));
        }
        if self.message_bytes() > limits::QUEUE_FILE_BYTES {
            return Err(QueueError::TooLarge("its copies have more than 1 GiB"));
        }
        Ok(())
    }

    /// Bytes of all messages.
    pub(super) fn message_bytes(&self) -> u64 {
        self.units.iter().fold(0, |sum, unit| sum.saturating_add(unit.bytes))
    }

    /// Writes the whole file.
    pub(super) fn write(&self, output: impl Write, copies: &[Addressed]) -> io::Result<()> {
        let mut output = Hashing { inner: output, digest: Sha256::new() };
        let json = serde_json::to_vec(self)?;
        if json.len() > limits::QUEUE_ENVELOPE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        output.write_all(format!("{MAGIC}{}\n", json.len()).as_bytes())?;
        output.write_all(&json)?;
        output.write_all(b"\n")?;
        for copy in copies {
            copy.message.copy_to(&mut output)?;
        }
        let Hashing { mut inner, digest } = output;
        inner.write_all(format!("{END}{}\n", hexadecimal(&digest.finalize())).as_bytes())
    }

    /// Reads the envelope alone, and says where the first message begins.
    ///
    /// # Errors
    /// [`QueueError::Damaged`] for whatever [`Envelope::write`] does not write.
    pub(super) fn read_head(path: &Path, input: &mut impl Read) -> Result<(Self, u64), QueueError> {
        let damaged = |what| QueueError::Damaged(path.to_owned(), what);
        let length = first_line(input).map_err(QueueError::at(path))?;
        let (length, line) = length.ok_or(damaged("its first line is none of ours"))?;
        let mut json = vec![0; length];
        input.read_exact(&mut json).map_err(|_| damaged("its envelope is cut off"))?;
        let mut newline = [0];
        input.read_exact(&mut newline).map_err(|_| damaged("its envelope is cut off"))?;
        if newline != *b"\n" {
            return Err(damaged("its envelope has another length"));
        }
        let envelope: Self = serde_json::from_slice(&json)
            .map_err(|_| damaged("its envelope is not what this version writes"))?;
        envelope.check().map_err(|_| damaged("it is beyond the limits"))?;
        Ok((envelope, (line + length + newline.len()) as u64))
    }

    /// Reads a whole file and checks its digest, without keeping the messages.
    ///
    /// # Errors
    /// As [`Envelope::read_head`].
    pub(super) fn read(path: &Path, input: &mut impl Read) -> Result<(Self, u64), QueueError> {
        let damaged = |what| QueueError::Damaged(path.to_owned(), what);
        let mut input = Hashing { inner: input, digest: Sha256::new() };
        let (envelope, first_message) = Self::read_head(path, &mut input)?;
        let mut messages = (&mut input).take(envelope.message_bytes());
        let read = io::copy(&mut messages, &mut io::sink()).map_err(QueueError::at(path))?;
        if read != envelope.message_bytes() {
            return Err(damaged("its messages are cut off"));
        }
        let Hashing { inner, digest } = input;
        let expected = format!("{END}{}\n", hexadecimal(&digest.finalize()));
        let mut end = Vec::with_capacity(expected.len() + 1);
        inner.take(expected.len() as u64 + 1).read_to_end(&mut end).map_err(QueueError::at(path))?;
        if end != expected.as_bytes() {
            return Err(damaged("its digest is wrong"));
        }
        Ok((envelope, first_message))
    }

    /// The copies without their messages.
    pub(super) fn units(&self) -> Option<Vec<Unit>> {
        self.units.iter().map(UnitObject::to_unit).collect()
    }
}

/// The length of the envelope, and of the line itself.
fn first_line(input: &mut impl Read) -> io::Result<Option<(usize, usize)>> {
    let mut line = Vec::with_capacity(FIRST_LINE_BYTES);
    let mut byte = [0];
    while line.len() < FIRST_LINE_BYTES {
        if input.read(&mut byte)? == 0 {
            return Ok(None);
        }
        if byte == *b"\n" {
            break;
        }
        line.extend(byte);
    }
    let digits = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix(MAGIC));
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let length = digits.and_then(|digits| digits.parse::<usize>().ok());
    let length = length.filter(|length| *length <= limits::QUEUE_ENVELOPE_BYTES);
    Ok(length.map(|length| (length, line.len() + 1)))
}

impl UnitObject {
    fn of(copy: &Addressed) -> Self {
        let Addressed { unit, message } = copy;
        Self {
            account: unit.account.clone(),
            sender: unit.sender.as_ref().map(ToString::to_string).unwrap_or_default(),
            message_id: unit.message_id.clone(),
            bytes: message.bytes(),
            smtputf8: unit.requires.smtputf8,
            eight_bit: unit.requires.eight_bit,
            require_tls: unit.requires.tls,
            return_content: unit.return_content.map(|content| match content {
                ReturnContent::Full => "full".to_owned(),
                ReturnContent::Headers => "headers".to_owned(),
            }),
            envelope_id: unit.envelope_id.clone(),
            recipients: unit.recipients.iter().map(RecipientObject::of).collect(),
        }
    }

    fn to_unit(&self) -> Option<Unit> {
        let sender = match self.sender.as_str() {
            "" => None,
            address => Some(EmailAddress::parse(address).ok()?),
        };
        let return_content = match self.return_content.as_deref() {
            None => None,
            Some("full") => Some(ReturnContent::Full),
            Some("headers") => Some(ReturnContent::Headers),
            Some(_) => return None,
        };
        // What goes into a command line of SMTP is looked at again: the file may be somebody else's work.
        let is_parameter = |text: &String| is_parameter(text);
        if !self.envelope_id.iter().all(is_parameter) || !self.message_id.bytes().all(|byte| byte > b' ') {
            return None;
        }
        Some(Unit {
            account: self.account.clone(),
            sender,
            recipients: self.recipients.iter().map(RecipientObject::to_recipient).collect::<Option<_>>()?,
            message_id: self.message_id.clone(),
            requires: Requires { smtputf8: self.smtputf8, eight_bit: self.eight_bit, tls: self.require_tls },
            return_content,
            envelope_id: self.envelope_id.clone(),
        })
    }
}

impl RecipientObject {
    fn of(recipient: &Recipient) -> Self {
        let words = |notify: Notify| {
            let all = [
                (notify.success, Word::Success),
                (notify.failure, Word::Failure),
                (notify.delay, Word::Delay),
            ];
            all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
        };
        Self {
            address: recipient.address.to_string(),
            notify: recipient.notify.map(words),
            original: recipient.original.clone(),
        }
    }

    fn to_recipient(&self) -> Option<Recipient> {
        let notify = self.notify.as_ref().map(|words| Notify {
            success: words.contains(&Word::Success),
            failure: words.contains(&Word::Failure),
            delay: words.contains(&Word::Delay),
        });
        if !self.original.iter().all(|text| is_parameter(text)) {
            return None;
        }
        Some(Recipient {
            address: EmailAddress::parse(&self.address).ok()?,
            notify,
            original: self.original.clone(),
        })
    }
}

/// Whether a text can be a parameter's value (RFC 5321, section 4.1.2: esmtp-value, but for `=`, which ORCPT has none of).
fn is_parameter(text: &str) -> bool {
    !text.is_empty() && text.len() <= 500 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

pub(super) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Digests what passes through.
struct Hashing<T> {
    inner: T,
    digest: Sha256,
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::queue::Message;

    const MESSAGE: &[u8] = b"Subject: ...\r\n\r\n.\r\n";

    fn unit() -> Unit {
        let address = |text| EmailAddress::parse(text).unwrap();
        let asked = Recipient {
            address: address("\"a b\"@example.org"),
            notify: Some(Notify { failure: true, ..Notify::default() }),
            original: Some("rfc822;bob@example.org".to_owned()),
        };
        Unit {
            account: "work".to_owned(),
            sender: None,
            recipients: vec![Recipient::new(address("*@example.org")), asked],
            message_id: "<1@example.org>".to_owned(),
            requires: Requires { tls: true, ..Requires::default() },
            return_content: Some(ReturnContent::Headers),
            envelope_id: Some("x+3D".to_owned()),
        }
    }

    fn written() -> Vec<u8> {
        let message = Message::written(|output| output.write_all(MESSAGE), |error| error).unwrap();
        let copy = Addressed { unit: unit(), message };
        let copies = [copy.clone(), copy];
        let mut file = Vec::new();
        Envelope::of(&copies, Time::from_unix_seconds(7), None).write(&mut file, &copies).unwrap();
        file
    }

    fn read(file: &[u8]) -> Result<(Envelope, u64), QueueError> {
        Envelope::read(Path::new("x"), &mut &*file)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let file = written();
        let (envelope, first) = read(&file).unwrap();
        let units = envelope.units().unwrap();
        assert_eq!(units[1], unit());
        assert!(file[usize::try_from(first).unwrap()..].starts_with(MESSAGE));
    }

    #[test]
    fn a_file_that_is_cut_off_or_changed_anywhere_is_damaged() {
        let file = written();
        for place in 0..file.len() {
            assert!(matches!(read(&file[..place]), Err(QueueError::Damaged(..))), "cut at {place}");
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(matches!(read(&changed), Err(QueueError::Damaged(..))), "changed at {place}");
        }
        assert!(read(&[&file[..], b"x"].concat()).is_err());
    }

    /// A file whose digest is right, as somebody would write it who can write there.
    fn forged(json: &str) -> Result<Option<Vec<Unit>>, QueueError> {
        let head = format!("{MAGIC}{}\n{json}\n", json.len());
        let end = format!("{END}{}\n", hexadecimal(&Sha256::digest(head.as_bytes())));
        read(format!("{head}{end}").as_bytes()).map(|(envelope, _)| envelope.units())
    }

    #[test]
    fn a_hostile_envelope_reaches_no_command_line() {
        let with = |sender: &str, message_id: &str, more: &str, recipient: &str| {
            format!(
                "{{\"committed\":1,\"units\":[{{\"account\":\"a\",\"sender\":\"{sender}\",\"message_id\":\"{message_id}\",\
                 \"bytes\":0{more},\"recipients\":[{{\"address\":{recipient}}}]}}]}}"
            )
        };
        let bob = "\"bob@example.org\"";
        assert!(forged(&with("", "<1>", "", bob)).unwrap().is_some());
        for json in [
            with("a@b.example>\\r\\nRCPT TO:<x@y.example", "<1>", "", bob),
            with("alice", "<1>", "", bob),
            with("", "<1>\\r\\n", "", bob),
            with("", "<1>", ",\"envelope_id\":\"x\\r\\nRSET\"", bob),
            with("", "<1>", ",\"envelope_id\":\"x y\"", bob),
            with("", "<1>", ",\"return\":\"body\"", bob),
            with("", "<1>", "", "\"bob@example.org\\r\\n\""),
            with("", "<1>", "", "\"bob@example.org\",\"original\":\"rfc822;x y\""),
        ] {
            assert_eq!(forged(&json).unwrap(), None, "{json}");
        }
        for json in [
            "{}",
            "{\"committed\":1,\"units\":[]}",
            &with("", "<1>", ",\"shell\":\"x\"", bob),
            &with("", "<1>", "", "\"bob@example.org\",\"notify\":[\"always\"]"),
            &with("", "<1>", "", bob).replace("\"bytes\":0", "\"bytes\":99999999999999"),
            &with("", "<1>", "", bob).replace("\"bytes\":0", "\"bytes\":-1"),
        ] {
            assert!(matches!(forged(json), Err(QueueError::Damaged(..))), "{json}");
        }
    }

    #[test]
    fn a_length_beyond_all_reason_allocates_nothing() {
        for length in ["99999999999999999999", "9999999999999", "-1", "+5", "", "5 "] {
            assert!(read(format!("{MAGIC}{length}\n{{}}\n").as_bytes()).is_err(), "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(tail: Vec<u8>, length in 0_usize..200, cut in 0_usize..400) {
            let mut file = format!("{MAGIC}{length}\n").into_bytes();
            file.extend_from_slice(&tail);
            proptest::prop_assert!(read(&file).is_err());
            let whole = written();
            let mut mixed = whole[..cut.min(whole.len())].to_vec();
            mixed.extend_from_slice(&tail);
            proptest::prop_assert!(read(&mixed).is_err() || mixed == whole);
        }
    }
}
