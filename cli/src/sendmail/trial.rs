//! A mail to oneself, by which it shows whether keys, server and log-in are right: sealed as every other mail, and opened again.

use counterseal_core::address::{EmailAddress, KeyDemand};
use counterseal_core::cms::OpenOptions;
use counterseal_core::mail::write_date;
use counterseal_core::message::{self, Context, ReadOptions, Verdict};
use counterseal_core::policy::Sign;
use counterseal_core::ports::Source;
use counterseal_core::submission::{self, Defaults, Gathered};
use zeroize::Zeroizing;

use super::house::House;
use super::outgoing::{self, Mail, Outcome, Wishes};
use super::wanted::Envelope;
use crate::agent::Agent;
use crate::clock;
use crate::commands::readers::Wanted;
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::policy;
use crate::queue::{Stored, Unit};
use crate::randomness::{SystemRandom, random};
use crate::spool::EncryptedSpools;

/// Room for its text, so that no copy stays behind where it grows.
const TEXT_BYTES: usize = 16 << 10;

/// A mail to oneself, ready to be sent.
pub(crate) struct Trial {
    house: House,
    /// The one copy of it.
    pub(crate) unit: Unit,
    /// Its octets.
    pub(crate) message: Stored,
    /// What only its reader sees.
    marker: String,
    /// Whether the policy has it signed.
    signs: bool,
}

/// Why a mail to oneself was not what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// Its content is another.
    OtherContent,
    /// It is not encrypted.
    NotEncrypted,
    /// The signature is missing, or is not one's own.
    NotSigned,
}

impl Trial {
    /// Seals a mail from an address to itself. It is encrypted whatever the policy says, and signed by one's own key where the policy does
    /// not say otherwise.
    ///
    /// # Errors
    /// Why no such mail can be sent, as for every other mail.
    pub(crate) fn seal(address: &EmailAddress, how: &Unlock) -> Result<Self, Failure> {
        let at = clock::now();
        let mut house = House::of_person(at).map_err(|rejection| *rejection.failure)?;
        if let Some(store) = house.store.as_ref().filter(|store| Agent::of(store.id()).is_none()) {
            store::unlock_for_others(store, how)?;
        }
        let marker: String = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let signs = house.policy.for_address(address, at).sign != Sign::No;
        let signed = if signs { " and signed" } else { ", and not signed, as your policy says" };
        // The field asks for encryption, and is not sent along.
        let text = format!(
            "From: {address}\r\nTo: {address}\r\nSubject: Your mail is set up\r\nX-Counterseal-Encrypt: yes\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             cseal setup sent this mail to you, encrypted{signed}. Nothing is to be done.\r\n\r\n{marker}\r\n"
        );
        let message_id = format!("{marker}@{}", address.domain());
        let defaults = Defaults { from: None, date: write_date(at), message_id };
        let outcome = house.local().and_then(|local| {
            let mut mail = Gathered::default();
            mail.push(text.as_bytes());
            let taken = submission::read(mail, &local, false, &defaults)?;
            let to = Wanted {
                address: address.clone(),
                blind: false,
                demand: KeyDemand::None,
                origin: taken.origin,
            };
            let envelope = Envelope { sender: Some(address.clone()), wanted: vec![to], notify: Vec::new() };
            outgoing::outcome(&mut house, &Mail { taken, envelope, wishes: Wishes::default() })
        });
        let ready = match outcome.map_err(|rejection| *rejection.failure)? {
            Outcome::Send(ready) => ready,
            Outcome::Hold(_, failure) => return Err(failure),
            Outcome::Refuse(_, rejection) => return Err(*rejection.failure),
        };
        let none = || Failure::unknown("check-failed", "the mail to yourself has no copy");
        let copy = ready.copies.into_iter().next().ok_or_else(none)?;
        let message = copy.message.unqueued();
        let message = message.map_err(|error| Failure::io("the mail to yourself", &error))?;
        Ok(Self { house, unit: copy.unit, message, marker, signs })
    }

    /// Opens a copy, and holds it to what was sealed.
    ///
    /// # Errors
    /// Where it cannot be opened. What it is not is said in the value.
    pub(crate) fn open(&self, sealed: &mut dyn Source) -> Result<Result<(), NotOpened>, Failure> {
        let missing = || Failure::unknown("no-store", "there is no key store");
        let store = self.house.store.as_ref().ok_or_else(missing)?;
        let keys = store::keys(store, Unlock::without_asking())?;
        let mut knowledge = store::knowledge(store)?;
        policy::apply(&self.house.policy, &mut knowledge)?;
        let context =
            Context { keys: &keys, knowledge: &knowledge, at: self.house.at, spools: &EncryptedSpools };
        let options = ReadOptions { open: OpenOptions::default(), keep_signature: false };
        let mut text = Zeroizing::new(Vec::with_capacity(TEXT_BYTES));
        let read = message::decrypt(sealed, &context, &mut SystemRandom, &options, &mut *text)
            .map_err(|error| keys.failure().unwrap_or_else(|| error.into()))?;
        let has_marker = text.windows(self.marker.len()).any(|window| window == self.marker.as_bytes());
        Ok(if read.status.encrypted.is_none() {
            Err(NotOpened::NotEncrypted)
        } else if !has_marker {
            Err(NotOpened::OtherContent)
        } else if read.status.verdict != if self.signs { Verdict::Verified } else { Verdict::Unsigned } {
            Err(NotOpened::NotSigned)
        } else {
            Ok(())
        })
    }
}
