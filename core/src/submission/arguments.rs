//! The command line of `sendmail`, with every option that programs are known to pass.

use std::fmt;

use crate::limits::ENVELOPE_IDENTIFIER_BYTES;

/// What a program asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// What is to be done.
    pub mode: Mode,
    /// Recipients of the command line, as they were written.
    pub recipients: Vec<Vec<u8>>,
    /// `-t`: the recipients of the header, too.
    pub recipients_from_header: bool,
    /// `-f`, `-r`: who is told where the mail cannot be delivered. Empty or `<>` for nobody.
    pub sender: Option<Vec<u8>>,
    /// `--read-envelope-from`: that is whom From names.
    pub sender_from_header: bool,
    /// `-F`: a name for a From field that is missing.
    pub full_name: Option<Vec<u8>>,
    /// `-od`: how long the caller waits.
    pub delivery: Delivery,
    /// `-oem` and its like: a refused mail is kept; `-oep` and `-oeq` leave it to the caller.
    pub keeps_refused: bool,
    /// `-N`: which reports on the delivery are asked for (RFC 3461, section 4.1).
    pub notify: Option<Notify>,
    /// `-R`: what a report brings back (RFC 3461, section 4.3).
    pub return_what: Option<ReturnWhat>,
    /// `-V`: a name for this envelope in reports (RFC 3461, section 4.4).
    pub envelope_identifier: Option<String>,
    /// `-O requiretls=yes`: only over servers that promise TLS (RFC 8689).
    pub require_tls: bool,
    /// `-v`: speaks on standard error.
    pub verbose: bool,
    /// `-a`: the account to send by.
    pub account: Option<Vec<u8>>,
    /// `-C`, `--config`: another file of settings.
    pub configuration: Option<Vec<u8>>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Take a mail from standard input.
    #[default]
    Submit,
    /// `-bs`: speak SMTP on standard input and output.
    Smtp,
    /// `-bp`, `mailq`: show the queue.
    List,
    /// `-q`: try what waits.
    Flush,
    /// `-bi`, `newaliases`: nothing has to be built.
    Nothing,
    /// `-P`: say what would be done.
    Pretend,
    /// `--version`.
    Version,
    /// `--help`.
    Help,
}

/// How long the caller waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Until the first attempt is over.
    #[default]
    Foreground,
    /// Until the mail is in the queue.
    Background,
    /// Until the mail is in the queue, and nothing is tried.
    QueueOnly,
}

/// Which reports on the delivery are asked for (RFC 3461, section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// That it was delivered.
    pub success: bool,
    /// That it was not.
    pub failure: bool,
    /// That it takes long.
    pub delay: bool,
}

/// What a report brings back (RFC 3461, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnWhat {
    /// The whole mail.
    Full,
    /// Its header.
    Headers,
}

/// Why a command line is refused, before anything is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// There is no such option.
    Unknown(String),
    /// An option that needs a value has none.
    NoValue(String),
    /// A value that the option does not take.
    Value {
        /// The option.
        option: String,
        /// The value.
        value: String,
    },
    /// A mode of servers, which this is not.
    Server(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(option) => write!(formatter, "unknown option {option}"),
            Self::NoValue(option) => write!(formatter, "option {option} needs a value"),
            Self::Value { option, value } => write!(formatter, "option {option} takes no value {value:?}"),
            Self::Server(option) => write!(formatter, "option {option} is for mail servers"),
        }
    }
}

impl std::error::Error for UsageError {}

/// Options that are one letter and mean nothing to us: other programs know them.
const IGNORED: &[u8] = b"imnGUcsxEJ";
/// Options with a value, joined or as the next argument, that mean nothing to us.
const IGNORED_WITH_VALUE: &[u8] = b"hLpX";
/// Options whose value, if they have one, is joined, and that mean nothing to us.
const IGNORED_WITH_REST: &[u8] = b"dATM";

impl Invocation {
    /// Reads a command line: the name by which the program was called, and the arguments.
    ///
    /// Options may follow recipients, but not after `--`: from there on anything is a recipient.
    ///
    /// # Errors
    /// [`UsageError`]: nothing must be read from standard input then.
    pub fn parse(program: &[u8], arguments: &[Vec<u8>]) -> Result<Self, UsageError> {
        let mut invocation = Self { keeps_refused: true, ..Self::default() };
        match program.rsplit(|byte| *byte == b'/').next().unwrap_or_default() {
            b"mailq" => invocation.mode = Mode::List,
            b"newaliases" => invocation.mode = Mode::Nothing,
            _ => {}
        }
        let mut rest = arguments.iter().map(Vec::as_slice);
        while let Some(argument) = rest.next() {
            match argument {
                b"--" => {
                    invocation.recipients.extend(rest.by_ref().map(<[u8]>::to_vec));
                }
                [b'-', b'-', long @ ..] => invocation.long(long, &mut rest)?,
                [b'-', letters @ ..] if !letters.is_empty() => invocation.letters(letters, &mut rest)?,
                b"-" => return Err(UsageError::Unknown("-".to_owned())),
                recipient => invocation.recipients.push(recipient.to_vec()),
            }
        }
        Ok(invocation)
    }

    /// One argument of short options: `-t`, `-ti`, `-falice@example.org`.
    fn letters<'a>(
        &mut self,
        letters: &'a [u8],
        rest: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), UsageError> {
        let mut letters = letters;
        while let Some((letter, joined)) = letters.split_first() {
            letters = joined;
            match letter {
                b't' => self.recipients_from_header = true,
                b'v' => self.verbose = true,
                b'P' => self.mode = Mode::Pretend,
                b'I' => self.mode = Mode::Nothing,
                b'q' => {
                    // A time, or which mails: everything that waits is tried once.
                    self.mode = Mode::Flush;
                    return Ok(());
                }
                letter if IGNORED.contains(letter) => {}
                letter if IGNORED_WITH_REST.contains(letter) => return Ok(()),
                letter => {
                    let option = format!("-{}", char::from(*letter).escape_default());
                    if !takes_value(*letter) {
                        return Err(UsageError::Unknown(option));
                    }
                    let value = if joined.is_empty() { rest.next() } else { Some(joined) };
                    return match value {
                        Some(value) => self.value(*letter, value),
                        None => Err(UsageError::NoValue(option)),
                    };
                }
            }
        }
        Ok(())
    }

    /// An option with its value.
    fn value(&mut self, letter: u8, value: &[u8]) -> Result<(), UsageError> {
        let wrong = || UsageError::Value {
            option: format!("-{}", char::from(letter)),
            value: String::from_utf8_lossy(value).into_owned(),
        };
        match letter {
            b'f' | b'r' => self.sender = Some(value.to_vec()),
            b'F' => self.full_name = Some(value.to_vec()),
            b'a' => self.account = Some(value.to_vec()),
            b'C' => self.configuration = Some(value.to_vec()),
            b'b' => self.mode(value)?,
            b'e' => self.errors(value),
            b'o' => match value {
                [b'd', how @ ..] => self.deliver(how),
                [b'e', how @ ..] => self.errors(how),
                // -oi among them: a dot never ends a mail that comes through a pipe.
                _ => {}
            },
            // SMTPUTF8 among them: whether it is needed, is seen by the mail that is sent.
            b'O' => self.require_tls |= value.eq_ignore_ascii_case(b"requiretls=yes"),
            // What the mail needs is seen by the mail that is sent.
            b'B' if !is_body(value) => return Err(wrong()),
            // What asks for reports never stops a mail.
            b'N' => self.notify = notify(value),
            b'R' => {
                self.return_what = match value {
                    value if value.eq_ignore_ascii_case(b"full") => Some(ReturnWhat::Full),
                    value if value.eq_ignore_ascii_case(b"hdrs") => Some(ReturnWhat::Headers),
                    _ => None,
                }
            }
            b'V' => self.envelope_identifier = envelope_identifier(value),
            _ => {}
        }
        Ok(())
    }

    fn mode(&mut self, value: &[u8]) -> Result<(), UsageError> {
        match value {
            b"m" => {}
            b"s" => self.mode = Mode::Smtp,
            b"p" => self.mode = Mode::List,
            b"i" => self.mode = Mode::Nothing,
            other => return Err(UsageError::Server(format!("-b{}", String::from_utf8_lossy(other)))),
        }
        Ok(())
    }

    const fn deliver(&mut self, how: &[u8]) {
        match how {
            [b'i' | b'f', ..] => self.delivery = Delivery::Foreground,
            [b'b', ..] => self.delivery = Delivery::Background,
            [b'q', ..] => self.delivery = Delivery::QueueOnly,
            _ => {}
        }
    }

    const fn errors(&mut self, how: &[u8]) {
        match how {
            [b'm' | b'e' | b'w', ..] => self.keeps_refused = true,
            [b'p' | b'q', ..] => self.keeps_refused = false,
            _ => {}
        }
    }

    /// The long options, those of msmtp among them.
    fn long<'a>(
        &mut self,
        option: &'a [u8],
        rest: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), UsageError> {
        let (name, joined) = match option.iter().position(|byte| *byte == b'=') {
            Some(at) => (option.get(..at).unwrap_or_default(), option.get(at + 1..)),
            None => (option, None),
        };
        let shown = || format!("--{}", String::from_utf8_lossy(name));
        match name {
            b"account" | b"file" | b"config" => {
                let value = joined.or_else(|| rest.next()).ok_or_else(|| UsageError::NoValue(shown()))?;
                let place = if name == b"account" { &mut self.account } else { &mut self.configuration };
                *place = Some(value.to_vec());
                return Ok(());
            }
            _ if joined.is_some() => return Err(UsageError::Unknown(shown())),
            b"read-recipients" => self.recipients_from_header = true,
            b"read-envelope-from" => self.sender_from_header = true,
            b"pretend" => self.mode = Mode::Pretend,
            b"version" => self.mode = Mode::Version,
            b"help" => self.mode = Mode::Help,
            _ => return Err(UsageError::Unknown(shown())),
        }
        Ok(())
    }
}

fn is_body(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"7BIT") || value.eq_ignore_ascii_case(b"8BITMIME")
}

fn takes_value(letter: u8) -> bool {
    b"frFaCbeoOBNRV".contains(&letter) || IGNORED_WITH_VALUE.contains(&letter)
}

/// `never`, or some of `success`, `failure` and `delay`; nothing where it is neither.
pub(super) fn notify(value: &[u8]) -> Option<Notify> {
    let mut notify = Notify::default();
    if value.eq_ignore_ascii_case(b"never") {
        return Some(notify);
    }
    for word in value.split(|byte| *byte == b',') {
        match word.to_ascii_lowercase().as_slice() {
            b"success" => notify.success = true,
            b"failure" => notify.failure = true,
            b"delay" => notify.delay = true,
            _ => return None,
        }
    }
    Some(notify)
}

/// Printable ASCII without white space; how it is written on the wire is not decided here.
pub(super) fn envelope_identifier(value: &[u8]) -> Option<String> {
    let is_legal = value.len() <= ENVELOPE_IDENTIFIER_BYTES && !value.is_empty() && value.is_ascii();
    let text = std::str::from_utf8(value).ok()?;
    (is_legal && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, UsageError> {
        let arguments: Vec<Vec<u8>> = line
            .split_ascii_whitespace()
            .map(|word| if word == "''" { Vec::new() } else { word.as_bytes().to_vec() })
            .collect();
        Invocation::parse(b"sendmail", &arguments)
    }

    fn recipients(invocation: &Invocation) -> Vec<String> {
        invocation.recipients.iter().map(|one| String::from_utf8(one.clone()).unwrap()).collect()
    }

    #[test]
    fn every_option_takes_as_many_arguments_as_it_does_elsewhere() {
        for line in [
            "-i",
            "-oi",
            "-oitrue",
            "-t -oi",
            "-ti",
            "-it",
            "-f a@b",
            "-fa@b",
            "-f ''",
            "-f <>",
            "-r a@b",
            "-F name",
            "-bm",
            "-odi",
            "-odf",
            "-odb",
            "-odq",
            "-oem",
            "-oee",
            "-oew",
            "-oep",
            "-oeq",
            "-em",
            "-e m",
            "-om",
            "-m",
            "-or0s",
            "-o7",
            "-o x",
            "-B8BITMIME",
            "-B 8BITMIME",
            "-B 7bit",
            "-N failure,delay",
            "-Nsuccess",
            "-N junk",
            "-R hdrs",
            "-Rfull",
            "-R junk",
            "-V envid",
            "-v",
            "-n",
            "-h 3",
            "-h3",
            "-G",
            "-U",
            "-X file",
            "-x",
            "-O k=v",
            "-O requiretls=yes",
            "-O smtputf8=yes",
            "-Osmtputf8=yes",
            "-Ac",
            "-Am",
            "-L tag",
            "-p proto",
            "-s",
            "-c",
            "-T1h",
            "-Mid",
            "-E",
            "-J",
            "-d0-99.1",
            "-C /f",
            "--config /f",
            "--config=/f",
            "--file=/f",
            "-a work",
            "--account work",
            "--account=work",
            "--read-recipients",
            "--read-envelope-from",
        ] {
            let read = parse(&format!("{line} x@y")).unwrap();
            assert_eq!(recipients(&read), ["x@y"], "{line}");
            assert_eq!(read.mode, Mode::Submit, "{line}");
            let after = parse(&format!("x@y {line}")).unwrap();
            assert_eq!(after, read, "{line} after the recipient");
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for (line, error) in [
            ("-Z", UsageError::Unknown("-Z".to_owned())),
            ("-tZ", UsageError::Unknown("-Z".to_owned())),
            ("-", UsageError::Unknown("-".to_owned())),
            ("--encrypt", UsageError::Unknown("--encrypt".to_owned())),
            ("--version=2", UsageError::Unknown("--version".to_owned())),
            ("-f", UsageError::NoValue("-f".to_owned())),
            ("-t -o", UsageError::NoValue("-o".to_owned())),
            ("--account", UsageError::NoValue("--account".to_owned())),
            ("-bv", UsageError::Server("-bv".to_owned())),
            ("-bd", UsageError::Server("-bd".to_owned())),
            ("-bt", UsageError::Server("-bt".to_owned())),
            ("-B x", UsageError::Value { option: "-B".to_owned(), value: "x".to_owned() }),
        ] {
            assert_eq!(parse(line), Err(error), "{line}");
        }
    }

    #[test]
    fn what_is_asked_for_is_understood() {
        let read =
            parse("-oem -oi -B8BITMIME -f b@c -N failure,delay -R hdrs -V id -- -weird@x -oQ/tmp@x").unwrap();
        assert_eq!(read.sender.as_deref(), Some(&b"b@c"[..]));
        assert_eq!(read.notify, Some(Notify { success: false, failure: true, delay: true }));
        assert_eq!(read.return_what, Some(ReturnWhat::Headers));
        assert_eq!(read.envelope_identifier.as_deref(), Some("id"));
        assert_eq!(recipients(&read), ["-weird@x", "-oQ/tmp@x"]);
        assert!(read.keeps_refused && !read.recipients_from_header);
        let cron = parse("-FCronDaemon -i -odi -oem -oi -t -f alice").unwrap();
        assert_eq!(cron.full_name.as_deref(), Some(&b"CronDaemon"[..]));
        assert!(cron.recipients_from_header && cron.recipients.is_empty());
        let emacs = parse("-oi --read-envelope-from -t").unwrap();
        assert!(emacs.sender_from_header && emacs.recipients_from_header);
        assert!(!parse("-oep -odi -t -N failure").unwrap().keeps_refused);
        assert_eq!(parse("-odb x").unwrap().delivery, Delivery::Background);
        assert_eq!(parse("-odq x").unwrap().delivery, Delivery::QueueOnly);
        assert_eq!(parse("-N never").unwrap().notify, Some(Notify::default()));
        assert!(parse("-O RequireTLS=yes x").unwrap().require_tls);
    }

    #[test]
    fn the_name_of_the_program_is_a_mode_too() {
        let mode = |program: &str, line: &[&[u8]]| {
            let arguments: Vec<Vec<u8>> = line.iter().map(|word| word.to_vec()).collect();
            Invocation::parse(program.as_bytes(), &arguments).unwrap().mode
        };
        assert_eq!(mode("/usr/bin/mailq", &[]), Mode::List);
        assert_eq!(mode("newaliases", &[]), Mode::Nothing);
        assert_eq!(mode("/usr/sbin/sendmail", &[b"-bs", b"-odb", b"-oem"]), Mode::Smtp);
        assert_eq!(mode("sendmail", &[b"-bp"]), Mode::List);
        assert_eq!(mode("sendmail", &[b"-q30m"]), Mode::Flush);
        assert_eq!(mode("sendmail", &[b"-q"]), Mode::Flush);
        assert_eq!(mode("sendmail", &[b"-bi"]), Mode::Nothing);
        assert_eq!(mode("sendmail", &[b"-I"]), Mode::Nothing);
    }
}
