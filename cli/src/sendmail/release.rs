//! A mail that was held is sent after all, because a person says so. The policy is asked as for a new mail.

use counterseal_core::cms::OpenOptions;
use counterseal_core::mail::write_date;
use counterseal_core::message::{self, Context, ReadOptions};
use counterseal_core::submission::{self, Defaults, Gathered, ReturnWhat};
use counterseal_core::time::Time;
use counterseal_core::trust::Knowledge;

use super::house::House;
use super::outgoing::{self, Mail, Outcome, Wishes};
use super::rejection::Rejection;
use super::wanted::Envelope;
use crate::agent::Agent;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::queue::{Addressed, Id, Message, Queue, Recipient, Requires, ReturnContent, Stored, Unit};
use crate::randomness::SystemRandom;
use crate::spool::EncryptedSpools;
use crate::store::Store;

/// Sends what was held, as it was given: opened with the sender's key, and sealed to its recipients. Where nobody is there
/// who could unlock the store, `how` is nothing, and an agent, or a store without a passphrase, has to do.
///
/// # Errors
/// Why it cannot be opened, or why the policy still refuses it; then nothing is sent.
pub(crate) fn release(
    queue: &Queue,
    held: &Unit,
    sealed: &Stored,
    how: Option<&Unlock>,
) -> Result<Id, Failure> {
    let at = clock::now();
    let mut house = House::open(at, None).map_err(|rejection| *rejection.failure)?;
    let Some(store) = &house.store else { return forward(&house, queue, held, sealed) };
    if let Some(how) = how.filter(|_| Agent::of(store.id()).is_none()) {
        store::unlock(store, how)?;
    }
    let original = opened(store, at, sealed)?;
    let mail = taken(&house, held, original).map_err(|rejection| *rejection.failure)?;
    match outgoing::outcome(&mut house, &mail).map_err(|rejection| *rejection.failure)? {
        Outcome::Send(ready) => {
            let id = queue.commit(&ready.copies, at)?;
            house.tell_history(ready.sent, &ready.pins);
            Ok(id)
        }
        Outcome::Hold(_, failure) => Err(failure),
        Outcome::Refuse(_, rejection) => Err(*rejection.failure),
    }
}

/// What the machine keeps is sealed to the reader of root's mail, and nobody here can open it: they get it as it is.
fn forward(house: &House, queue: &Queue, held: &Unit, sealed: &Stored) -> Result<Id, Failure> {
    let nobody = || Failure::unknown("config", "no alias says who reads the mail of root");
    let reader = house.owner.clone().ok_or_else(nobody)?;
    let recipients = vec![Recipient::new(reader.clone())];
    let requires = Requires { smtputf8: false, ..held.requires };
    let unit = Unit { sender: Some(reader), recipients, requires, ..held.clone() };
    let failed = |error| Failure::io("the mail", &error);
    let message =
        Message::written(|output| std::io::copy(&mut sealed.reader(), output).map(drop), |error| error);
    let copy = Addressed { unit, message: message.map_err(failed)? };
    Ok(queue.commit(&[copy], house.at)?)
}

fn opened(store: &Store, at: Time, sealed: &Stored) -> Result<Gathered, Failure> {
    let keys = store::keys(store, Unlock::without_asking())?;
    // Whose mail it is says the key that opens it: it is our own, and nobody signed it.
    let knowledge = Knowledge::default();
    let context = Context { keys: &keys, knowledge: &knowledge, at, spools: &EncryptedSpools };
    let options = ReadOptions { open: OpenOptions::default(), keep_signature: false };
    let mut original = Gathered::default();
    message::decrypt(&mut sealed.reader(), &context, &mut SystemRandom, &options, &mut original)
        .map_err(|error| keys.failure().unwrap_or_else(|| error.into()))?;
    Ok(original)
}

fn taken(house: &House, held: &Unit, original: Gathered) -> Result<Mail, Rejection> {
    let local = house.local()?;
    // The mail was completed when it was held; these are for what cannot be.
    let defaults = Defaults { from: None, date: write_date(house.at), message_id: String::new() };
    let taken = submission::read(original, &local, false, &defaults)?;
    let envelope = Envelope::of_held(held, &taken)?;
    let wishes = Wishes {
        account: Some(held.account.clone()),
        require_tls: held.requires.tls,
        return_what: held.return_content.map(|content| match content {
            ReturnContent::Full => ReturnWhat::Full,
            ReturnContent::Headers => ReturnWhat::Headers,
        }),
        ..Wishes::default()
    };
    Ok(Mail { taken, envelope, wishes })
}
