//! The program `cseal-sendmail`: what every other program calls to send a mail, and it is encrypted.
//!
//! Exit code 0 says that the mail is ours: it is on the disk, and will be sent or reported. Every other
//! code says that it will never be sent by us, whatever copy is kept. There is no third state.

mod environment;
mod house;
mod input;
mod outgoing;
mod rejection;
mod release;
mod seal;
mod search;
mod serve;
mod trial;
mod wanted;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStringExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use counterseal_core::submission::{self, Delivery, Invocation, Mode};

use crate::commands::queue as commands;
use crate::failure::{Exit, Failure};
use crate::queue::{self, Addressed, Id, Queue, QueueError, Which, flush_soon, send_now};
use crate::render;
use crate::terminal::{SafeText, print, say};
use crate::{clock, hardening, smtp};
use house::House;
use outgoing::{Mail, Outcome, Wishes};
use rejection::{Code, Rejection};
use wanted::Envelope;

pub(crate) use release::release;
pub(crate) use trial::{NotOpened, Trial};

/// The names under which a program is a `sendmail`, as links of other programs' names.
const NAMES: [&str; 4] = ["sendmail", "cseal-sendmail", "mailq", "newaliases"];

/// Whether a program was called by a name of `sendmail`.
pub(crate) fn is_named_by(program: &[u8]) -> bool {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    NAMES.iter().any(|own| own.as_bytes() == name)
}

/// Runs the program with its name and its arguments.
pub(crate) fn run(program: OsString, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    hardening::apply();
    std::panic::set_hook(Box::new(render::failure::panic));
    let arguments: Vec<Vec<u8>> = arguments.map(OsString::into_vec).collect();
    let program = program.into_vec();
    let code = catch_unwind(AssertUnwindSafe(|| called(&program, &arguments))).unwrap_or(Code::Software);
    ExitCode::from(code.number())
}

fn called(program: &[u8], arguments: &[Vec<u8>]) -> Code {
    if let Err(failure) = hardening::refuse_set_id() {
        return Rejection::new(Code::Configuration, failure).tell(false);
    }
    let invocation = match Invocation::parse(program, arguments) {
        Ok(invocation) => invocation,
        Err(error) => {
            let failure = Failure::usage(error.to_string())
                .hint("the options: man cseal-sendmail, or cseal sendmail --help");
            return Rejection::new(Code::Usage, failure).tell(false);
        }
    };
    match answered(&invocation) {
        Ok(code) => code,
        Err(rejection) => rejection.tell(invocation.verbose),
    }
}

fn answered(invocation: &Invocation) -> Result<Code, Rejection> {
    if smtp::is_called_by_ourselves() {
        let failure = Failure::unknown("config", "the sendmail that mail is handed to hands it back here");
        return Err(Rejection::new(Code::Configuration, failure));
    }
    match invocation.mode {
        Mode::Submit | Mode::Pretend => submit(invocation),
        Mode::Smtp => serve::run(invocation),
        Mode::List => Ok(listed(commands::list(false)?)),
        Mode::Flush => Ok(listed(commands::flush_now(Which::Due, false)?)),
        Mode::Nothing => Ok(Code::Done),
        Mode::Version => shown(concat!("cseal-sendmail ", env!("CARGO_PKG_VERSION"), "\n")),
        Mode::Help => shown(
            "Usage: cseal-sendmail [-t] [-i] [-f ADDRESS] [-F NAME] [OPTION]... [--] [ADDRESS]...\n\
             Encrypts the mail on standard input for everyone who gets it, and sends it. man cseal-sendmail\n",
        ),
    }
}

/// The queue was looked at, or worked on: what servers said about mails is no error of that.
const fn listed(exit: Exit) -> Code {
    match exit {
        Exit::Done | Exit::No => Code::Done,
        Exit::Usage | Exit::Unknown | Exit::Contradiction | Exit::Later => Code::Io,
        Exit::Bug => Code::Software,
    }
}

fn shown(text: &str) -> Result<Code, Rejection> {
    print(text).map_err(|error| Failure::io("standard output", &error))?;
    Ok(Code::Done)
}

/// Takes one mail from standard input.
fn submit(invocation: &Invocation) -> Result<Code, Rejection> {
    if !invocation.recipients_from_header && invocation.recipients.is_empty() {
        let failure = Failure::usage("no recipients").hint("name them, or take those of the header with -t");
        return Err(Rejection::new(Code::Usage, failure));
    }
    let raw = input::read()?;
    leave_caller();
    let house = House::open(clock::now(), environment::configuration(invocation))?;
    let local = house.local()?;
    let defaults = house.defaults(invocation, &local)?;
    let taken = submission::read(raw, &local, invocation.recipients_from_header, &defaults)?;
    let envelope = Envelope::of_command(invocation, &taken, &local)?;
    if envelope.wanted.is_empty() {
        return Err(Rejection::new(Code::Usage, Failure::usage("the mail has no recipients")));
    }
    let mail = Mail { taken, envelope, wishes: Wishes::of(invocation) };
    if invocation.mode == Mode::Pretend {
        return pretend(house, &mail);
    }
    send(house, &mail)
}

/// Whoever called need not wait for what follows: it goes on when they are gone, and asks nothing.
fn leave_caller() {
    let _ = rustix::process::setsid();
}

/// Commits a mail to the queue, or keeps it.
fn send(mut house: House, mail: &Mail) -> Result<Code, Rejection> {
    let queue = Queue::of_user()?;
    match outgoing::outcome(&mut house, mail)? {
        Outcome::Send(ready) => {
            let id = queue.commit(&ready.copies, house.at)?;
            if mail.wishes.verbose {
                say(&format!("queued as {}", id.as_str()));
                ready.notes.iter().for_each(|note| say(note));
            }
            if mail.wishes.delivery == Delivery::Background && house.is_told_later(&ready.sent, &ready.pins) {
                return Ok(Code::Done);
            }
            house.tell_history(ready.sent, &ready.pins);
            deliver(&house, mail, &queue, &id)
        }
        Outcome::Hold(held, reason) => {
            let id = queue.hold(&held, house.at)?;
            if mail.wishes.verbose {
                say(&format!("held as {}: {}", id.as_str(), reason.message));
            }
            Ok(Code::Done)
        }
        Outcome::Refuse(held, rejection) => match held {
            Some(held) => Err(match queue.hold(&held, house.at) {
                Ok(id) => rejection.held(&id, house.other_reader()),
                // Trying again would change nothing of why it is refused.
                Err(error @ QueueError::Quota { .. }) => rejection.not_kept(&error),
                Err(error) => error.into(),
            }),
            None => Err(rejection),
        },
    }
}

/// Tries to send a mail that is in the queue, as far as its caller waits for that. Whatever a server says
/// later, the mail is ours; only where it will never be sent to anybody is that said here.
fn deliver(house: &House, mail: &Mail, queue: &Queue, id: &Id) -> Result<Code, Rejection> {
    let wishes = &mail.wishes;
    if house.is_of_machine() && !rustix::process::geteuid().is_root() {
        // Only root can send it, and does.
        return Ok(Code::Done);
    }
    match wishes.delivery {
        Delivery::QueueOnly => return Ok(Code::Done),
        Delivery::Background => {}
        Delivery::Foreground => match send_now(queue, &house.config, id) {
            Ok(queue::Delivery::Failed { refused, is_partial: false }) => {
                let details = refused.iter().map(|(address, said)| format!("{address}   {said}"));
                let failure = Failure::no("server-refused", "the server refused all recipients");
                return Err(Rejection::new(Code::Unavailable, failure.details(details.collect())));
            }
            // Whoever looks on is told: a program that calls us takes every word for an error.
            Ok(queue::Delivery::Queued(why)) if wishes.verbose || std::io::stderr().is_terminal() => {
                say(&format!("not sent yet, waits in the queue: {}", SafeText(&why)));
            }
            Ok(_) | Err(_) => {}
        },
    }
    flush_soon(house.is_of_machine());
    Ok(Code::Done)
}

/// Says what would become of a mail.
fn pretend(mut house: House, mail: &Mail) -> Result<Code, Rejection> {
    match outgoing::outcome(&mut house, mail)? {
        Outcome::Send(ready) => {
            let lines = ready.copies.iter().map(|Addressed { unit, message }| {
                let people: Vec<String> =
                    unit.recipients.iter().map(|recipient| recipient.address.to_string()).collect();
                format!("{} bytes for {}\n", message.bytes(), people.join(", "))
            });
            shown(&lines.collect::<String>())
        }
        Outcome::Hold(_, reason) => shown(&format!("held: {}\n", reason.message)),
        Outcome::Refuse(_, rejection) => Err(rejection),
    }
}
