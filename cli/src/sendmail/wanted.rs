//! Who gets a mail, and who is told where it cannot be delivered.

use std::collections::BTreeSet;

use counterseal_core::address::{EmailAddress, KeyDemand, StrongAddress};
use counterseal_core::mail::{HeaderSection, MailboxError, author};
use counterseal_core::submission::{
    Invocation, Local, Notify, Submission, SubmissionError, Transaction, argument_recipients,
};

use super::rejection::Rejection;
use crate::commands::readers::Wanted;
use crate::commands::strong;
use crate::queue::{self, Unit};

/// The envelope of a mail.
pub(super) struct Envelope {
    /// Nothing for the null reverse-path.
    pub(super) sender: Option<EmailAddress>,
    /// Everybody once, those first whom all readers see.
    pub(super) wanted: Vec<Wanted>,
    /// What is to be reported of single recipients.
    pub(super) notify: Vec<(EmailAddress, Notify)>,
}

impl Envelope {
    /// By the command line, and by the header where it counts.
    pub(super) fn of_command(
        invocation: &Invocation,
        mail: &Submission,
        local: &Local,
    ) -> Result<Self, Rejection> {
        let mut people = argument_recipients(&invocation.recipients, local)?;
        if invocation.recipients_from_header {
            people.extend(mail.named.iter().cloned());
        }
        let sender = match &invocation.sender {
            Some(given) if !invocation.sender_from_header => sender(given, local)?,
            _ => default_sender(mail),
        };
        let wanted = wanted(people, mail)?;
        let everybody = wanted.iter().map(|one| one.address.clone());
        let notify = invocation.notify.map(|notify| everybody.map(|one| (one, notify)).collect());
        Ok(Self { sender, wanted, notify: notify.unwrap_or_default() })
    }

    /// By a dialogue of SMTP.
    pub(super) fn of_dialogue(
        transaction: Transaction,
        mail: &Submission,
        local: &Local,
    ) -> Result<Self, Rejection> {
        let mut people = Vec::new();
        let mut notify = Vec::new();
        for (recipient, wish) in transaction.recipients {
            for person in local.people(&recipient)? {
                notify.extend(wish.map(|wish| (person.address.clone(), wish)));
                people.push(person);
            }
        }
        let sender = match transaction.sender.flatten() {
            Some(StrongAddress { address, .. }) if local.is_local(&address) => {
                local.user.as_ref().map(|(_, own)| own.clone()).or(Some(address))
            }
            other => other.map(|strong| strong.address),
        };
        Ok(Self { sender, wanted: wanted(people, mail)?, notify })
    }

    /// Of a mail that was held: what its sender demanded of keys stands in its header still.
    pub(super) fn of_held(held: &Unit, mail: &Submission) -> Result<Self, Rejection> {
        let people = held
            .recipients
            .iter()
            .map(|recipient| StrongAddress { address: recipient.address.clone(), demand: KeyDemand::None });
        let notify = held.recipients.iter().filter_map(|recipient| {
            let queue::Notify { success, failure, delay } = recipient.notify?;
            Some((recipient.address.clone(), Notify { success, failure, delay }))
        });
        let (sender, notify) = (held.sender.clone(), notify.collect());
        Ok(Self { sender, wanted: wanted(people.collect(), mail)?, notify })
    }
}

/// Everybody once. Who stands in no field that all readers see is blind.
fn wanted(people: Vec<StrongAddress>, mail: &Submission) -> Result<Vec<Wanted>, Rejection> {
    let open: BTreeSet<String> = mail.open.iter().map(EmailAddress::lookup_key).collect();
    let mut wanted: Vec<Wanted> = Vec::new();
    let is_blind = |address: &EmailAddress| !open.contains(&address.lookup_key());
    for StrongAddress { address, demand } in people {
        let blind = is_blind(&address);
        strong::add(&mut wanted, Wanted { address, blind, demand, origin: mail.origin })?;
    }
    // What the header demands of a key holds, however its owner was named here.
    for StrongAddress { address, demand } in mail.named.iter().filter(|one| one.demand != KeyDemand::None) {
        if wanted.iter().any(|one| one.address.matches(address)) {
            let (address, demand) = (address.clone(), demand.clone());
            strong::add(&mut wanted, Wanted { blind: false, address, demand, origin: mail.origin })?;
        }
    }
    Ok(wanted)
}

/// `-f`: one address, or the null reverse-path.
fn sender(given: &[u8], local: &Local) -> Result<Option<EmailAddress>, Rejection> {
    if matches!(given.trim_ascii(), b"" | b"<>") {
        return Ok(None);
    }
    let wrong = |error| SubmissionError::Field { field: "-f".to_owned(), error };
    let own = local.user.as_ref().map(|(_, own)| own.clone());
    match argument_recipients(&[given.to_vec()], &Local { user: local.user.clone(), ..Local::default() }) {
        Ok(found) => match found.as_slice() {
            [StrongAddress { address, demand: KeyDemand::None }] if !local.is_local(address) => {
                Ok(Some(address.clone()))
            }
            [StrongAddress { demand: KeyDemand::None, .. }] => Ok(own),
            _ => Err(wrong(MailboxError::Malformed).into()),
        },
        // A name of this machine, as cron passes it: reports go to who calls.
        Err(SubmissionError::NoDomain(_)) => Ok(own),
        Err(SubmissionError::Argument { error, .. }) => Err(wrong(error).into()),
        Err(error) => Err(error.into()),
    }
}

/// Who wrote it; of a mail that is sent again, who does that.
fn default_sender(mail: &Submission) -> Option<EmailAddress> {
    let header = HeaderSection::read(&mail.text).ok()?;
    mail.resent_from.clone().or_else(|| author(&header).ok().map(|author| author.address))
}
