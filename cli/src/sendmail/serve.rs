//! SMTP on standard input and output (`-bs`), as alpine, nmh and Symfony speak it.

use std::io::{self, BufRead, Read, Write};

use counterseal_core::address::StrongAddress;
use counterseal_core::limits::{SMTP_LINE_BYTES, SUBMITTED_BYTES};
use counterseal_core::policy::{Encrypt, Mixed, Refusal};
use counterseal_core::submission::{
    self, Action, Data, Delivery, Dialogue, Gathered, Invocation, Local, Transaction,
};
use zeroize::Zeroizing;

use super::environment;
use super::house::House;
use super::outgoing::{Mail, Wishes};
use super::rejection::{Code, Rejection};
use super::wanted::Envelope;
use crate::clock;
use crate::commands::readers::Wanted;
use crate::failure::Failure;
use crate::render::write::refusals;
use counterseal_core::mail::DemandOrigin;

/// Serves one caller to the end. Several mails may come one after the other.
pub(super) fn run(invocation: &Invocation) -> Result<Code, Rejection> {
    let mut caller = Caller { input: io::stdin().lock(), output: io::stdout().lock() };
    let mut dialogue = Dialogue::default();
    // Opened for the first recipient, and for every mail anew: what was sent before counts.
    let mut house = None;
    caller.say(&Dialogue::greeting())?;
    while let Some(line) = caller.line()? {
        match dialogue.line(&line) {
            Action::Reply(text) => caller.say(&text)?,
            Action::Quit(text) => {
                caller.say(&text)?;
                break;
            }
            Action::Recipient(address, notify) => {
                let answer = match check(&mut house, &address, invocation) {
                    Ok(()) => dialogue.accept(address, notify),
                    Err(rejection) => rejection.reply(),
                };
                caller.say(&answer)?;
            }
            Action::Data(text) => {
                caller.say(&text)?;
                let Some(mail) = caller.mail()? else {
                    let failure = Failure::unknown("malformed", "the dialogue ended within a mail");
                    return Err(Rejection::new(Code::Data, failure));
                };
                let transaction = dialogue.take();
                let house = house.take();
                let sent = take(house, mail, transaction, invocation);
                let answer =
                    sent.map_or_else(|rejection| rejection.reply(), |()| "250 2.0.0 taken".to_owned());
                caller.say(&answer)?;
            }
        }
    }
    Ok(Code::Done)
}

/// Whether the policy lets mail go to somebody: said when they are named, so that the caller can show it.
fn check(
    house: &mut Option<House>,
    recipient: &StrongAddress,
    invocation: &Invocation,
) -> Result<(), Rejection> {
    let house = match house {
        Some(house) => house,
        None => house.insert(House::open(clock::now(), environment::configuration(invocation))?),
    };
    let local: Local = house.local()?;
    let wanted = |strong: StrongAddress| {
        let StrongAddress { address, demand } = strong;
        Wanted { address, blind: false, demand, origin: DemandOrigin::NewMail }
    };
    let people: Vec<Wanted> = local.people(recipient)?.into_iter().map(wanted).collect();
    house.look_up(&people)?;
    let directory = house.directory()?;
    let mut refused = Vec::new();
    for wanted in &people {
        let holds = !house.is_of_machine()
            && house.policy.for_address(&wanted.address, house.at).mixed == Mixed::Hold;
        match directory.sending(wanted, Encrypt::Never) {
            Ok(_) => {}
            Err(Refusal::NoKey | Refusal::WasEncrypted | Refusal::Expired { .. }) if holds => {}
            Err(refusal) => refused.push((wanted.address.to_string(), refusal)),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Rejection::new(Code::Permission, refusals(&refused))) }
}

/// Takes one mail.
fn take(
    house: Option<House>,
    mail: Gathered,
    transaction: Transaction,
    invocation: &Invocation,
) -> Result<(), Rejection> {
    let house = match house {
        Some(house) => house,
        None => House::open(clock::now(), environment::configuration(invocation))?,
    };
    let local = house.local()?;
    let defaults = house.defaults(invocation, &local)?;
    let taken = submission::read(mail, &local, false, &defaults)?;
    let wishes = Wishes {
        return_what: transaction.return_what,
        envelope_identifier: transaction.envelope_identifier.clone(),
        require_tls: invocation.require_tls || transaction.require_tls,
        ..Wishes::of(invocation)
    };
    // Words on standard error have no place in a dialogue, and the caller waits for the queue alone.
    let delivery = match wishes.delivery {
        Delivery::Foreground => Delivery::Background,
        other => other,
    };
    let wishes = Wishes { verbose: false, delivery, ..wishes };
    let envelope = Envelope::of_dialogue(transaction, &taken, &local)?;
    super::send(house, &Mail { taken, envelope, wishes }).map(drop)
}

struct Caller<'io> {
    input: io::StdinLock<'io>,
    output: io::StdoutLock<'io>,
}

impl Caller<'_> {
    fn say(&mut self, text: &str) -> Result<(), Rejection> {
        let written = write!(self.output, "{text}\r\n").and_then(|()| self.output.flush());
        written.map_err(|error| Failure::io("standard output", &error).into())
    }

    /// One line with its end; nothing at the end of the dialogue. Of a line that is too long, as much
    /// as shows that it is.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Rejection> {
        let failed = |error: io::Error| Rejection::from(Failure::io("standard input", &error));
        let mut line = Vec::new();
        let most = SMTP_LINE_BYTES as u64 + 2;
        self.input.by_ref().take(most).read_until(b'\n', &mut line).map_err(failed)?;
        if !line.is_empty() && !line.ends_with(b"\n") && line.len() as u64 == most {
            self.input.skip_until(b'\n').map_err(failed)?;
        }
        Ok((!line.is_empty()).then_some(line))
    }

    /// The lines behind DATA; nothing where the dialogue ends within them.
    fn mail(&mut self) -> Result<Option<Gathered>, Rejection> {
        let failed = |error: io::Error| Rejection::from(Failure::io("standard input", &error));
        let (mut data, mut mail) = (Data::new(), Gathered::default());
        let mut line = Zeroizing::new(Vec::new());
        loop {
            line.clear();
            self.input.by_ref().take(SUBMITTED_BYTES as u64).read_until(b'\n', &mut line).map_err(failed)?;
            if !line.ends_with(b"\n") && line.len() < SUBMITTED_BYTES {
                return Ok(None);
            }
            let Some(part) = data.line(&line) else { return Ok(Some(mail)) };
            mail.push(part);
        }
    }
}
