//! A mail that was held is sent after all, because a person says so. The policy is asked as for a new mail.

use counterseal_core::cms::OpenOptions;
use counterseal_core::mail::write_date;
use counterseal_core::message::{self, Context, ReadOptions};
use counterseal_core::submission::{self, Defaults, Gathered, ReturnWhat};
use counterseal_core::trust::Knowledge;

use super::house::House;
use super::outgoing::{self, Mail, Outcome, Wishes};
use super::rejection::Rejection;
use super::wanted::Envelope;
use crate::agent::Agent;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::queue::{Id, Queue, ReturnContent, Stored, Unit};
use crate::randomness::SystemRandom;
use crate::spool::EncryptedSpools;

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
    let mut house = House::open(at).map_err(|rejection| *rejection.failure)?;
    if let Some(how) = how.filter(|_| Agent::of(house.store.id()).is_none()) {
        store::unlock(&house.store, how)?;
    }
    let original = opened(&house, sealed)?;
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

fn opened(house: &House, sealed: &Stored) -> Result<Gathered, Failure> {
    let keys = store::keys(&house.store, Unlock::without_asking())?;
    // Whose mail it is says the key that opens it: it is our own, and nobody signed it.
    let knowledge = Knowledge::default();
    let context = Context { keys: &keys, knowledge: &knowledge, at: house.at, spools: &EncryptedSpools };
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
