//! How a request or an answer goes to the other side, and how it is read there: as a file, or in a mail.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use counterseal_core::address::EmailAddress;
use counterseal_keysync::file_mail::{self, FileMailError, Letter};
use counterseal_keysync::limits::PAIRING_MAIL_BYTES;
use counterseal_keysync::pairing::{AbortReason, DevicePart, Devices, Pairing, People, Purpose};

use crate::account;
use crate::clock;
use crate::config::Config;
use crate::failure::Failure;
use crate::files::{Output, read_file};
use crate::lookup;
use crate::queue::{Addressed, Delivery, Message, Queue, Recipient, Requires, Unit, flush_soon, send_now};
use crate::randomness::SystemRandom;
use crate::render::pairing::{self as words, Carried};
use crate::system::Scope;
use crate::terminal::{self, SafeText};

/// Where it goes. It is looked after before anything begins: whoever adds a device does not find out at the end that
/// the answer cannot be written.
pub(crate) struct Carrier {
    way: Way,
    letter: Option<Letter>,
}

enum Way {
    File(Box<Output>, PathBuf),
    /// The account of `config.toml` that sends it.
    Queue(Box<Config>, String),
}

impl Carrier {
    /// Into `file`; with an address as a mail to it, which is sent where there is no file.
    ///
    /// # Errors
    /// The file is there already, or no account sends mail of this person.
    pub(crate) fn prepare(
        what: Carried,
        file: Option<&Path>,
        mail: Option<(EmailAddress, EmailAddress)>,
    ) -> Result<Self, Failure> {
        let letter = mail.map(|(from, to)| words::letter(what, from, to));
        let way = match (file, &letter) {
            (Some(path), _) => Way::File(Box::new(Output::file(path, false)?), path.to_owned()),
            (None, Some(letter)) => queued(&letter.from)?,
            (None, None) => {
                return Err(Failure::usage("nobody says where it goes")
                    .hint("name a file with --answer, or have it mailed with --mail ADDRESS"));
            }
        };
        Ok(Self { way, letter })
    }

    /// Hands it over.
    ///
    /// # Errors
    /// It cannot be written, or not be put into the queue.
    pub(crate) fn carry(self, file: &[u8]) -> Result<(), Failure> {
        let Some(letter) = self.letter else {
            return write(self.way, file);
        };
        let mail = file_mail::mail_of(file, &letter, clock::now(), &mut SystemRandom).map_err(|error| {
            Failure::usage(format!("{} or {}: {error}", letter.from, letter.to))
                .hint("write a file, and carry it yourself")
        })?;
        match self.way {
            Way::File(..) => write(self.way, &mail.bytes),
            Way::Queue(config, account) => send(&config, account, &letter, &mail),
        }
    }
}

fn write(way: Way, bytes: &[u8]) -> Result<(), Failure> {
    let Way::File(mut output, path) = way else { return Ok(()) };
    output.write_all(bytes).map_err(|error| Failure::io(path.display().to_string(), &error))?;
    output.commit()
}

fn queued(from: &EmailAddress) -> Result<Way, Failure> {
    if Scope::of_caller()? == Scope::System {
        return Err(Failure::unknown("config", "this machine sends mail for you, encrypted alone")
            .hint("write the mail to a file, and send it as you like"));
    }
    let config = Config::read()?;
    let account = account::choose(&config.accounts, None, Some(from), Some(from))?.name.clone();
    Ok(Way::Queue(Box::new(config), account))
}

/// It goes as it is: whoever gets it has no key of ours yet, and needs none (docs/formats/pairing.md).
fn send(config: &Config, account: String, letter: &Letter, mail: &file_mail::Mail) -> Result<(), Failure> {
    let unit = Unit {
        account,
        sender: Some(letter.from.clone()),
        recipients: vec![Recipient::new(letter.to.clone())],
        message_id: mail.message_id.clone(),
        requires: Requires::default(),
        return_content: None,
        envelope_id: None,
    };
    let failed = |error| Failure::io("the mail", &error);
    let message = Message::written(|output| output.write_all(&mail.bytes), |error| error).map_err(failed)?;
    let queue = Queue::of_user()?;
    let id = queue.commit(&[Addressed { unit, message }], clock::now())?;
    if lookup::is_forbidden() {
        terminal::say(
            "The mail is not sent, and waits in the queue: nothing is asked of the network: --offline",
        );
        return Ok(());
    }
    match send_now(&queue, config, &id) {
        Ok(Delivery::Failed { refused, .. }) => {
            let details = refused.iter().map(|(address, said)| format!("{address}   {}", SafeText(said)));
            Err(Failure::no("server-refused", "the server refused the mail")
                .details(details.collect())
                .hint("begin anew, and have it written to a file"))
        }
        Ok(Delivery::Queued(why)) => {
            terminal::say(&format!("The mail is not sent yet and waits in the queue: {}", SafeText(&why)));
            flush_soon(false);
            Ok(())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Reads what the other side made: its file, or a mail with it.
///
/// # Errors
/// It is neither.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    file_mail::file_in(&read_file(path, PAIRING_MAIL_BYTES)?).map_err(|error| wrong(path, error))
}

/// The request of a new device, which is looked at before anybody is asked for anything.
///
/// # Errors
/// It is none.
pub(crate) fn device_request(path: &Path) -> Result<Vec<u8>, Failure> {
    request::<Devices>(path, DevicePart::Old, "a new device", "cseal device join --file FILE")
}

/// The request of somebody whom one meets.
///
/// # Errors
/// It is none.
pub(crate) fn meeting_request(path: &Path) -> Result<Vec<u8>, Failure> {
    request::<People>(path, (), "somebody to meet", "cseal trust meet ADDRESS --file FILE")
}

fn request<P: Purpose>(path: &Path, part: P::Part, whose: &str, maker: &str) -> Result<Vec<u8>, Failure> {
    let shown = path.display().to_string();
    let none = |why: &str| {
        let what = format!("{} is no request of {whose}{why}", SafeText(&shown));
        Failure::unknown("no-pairing-file", what)
            .hint(format!("take the file that `{maker}` wrote, or the mail that brought it, saved whole"))
    };
    let file = file_mail::file_in(&read_file(path, PAIRING_MAIL_BYTES)?)
        .map_err(|error| none(&format!(": {error}")))?;
    match Pairing::<P>::check_request(&file, part) {
        Ok(()) => Ok(file),
        Err(AbortReason::VersionTooOld) => Err(super::endings::failure(AbortReason::VersionTooOld)),
        Err(_) => Err(none("")),
    }
}

fn wrong(path: &Path, error: FileMailError) -> Failure {
    Failure::unknown("no-pairing-file", format!("{}: {error}", path.display()))
        .hint("name the file of the other side, or the mail that brought it, saved whole with its header")
}
