//! Root sends mail of others, from files that they could write as they like (`docs/decisions/system-mode.md`).

use std::time::Instant;

use counterseal_core::limits;
use counterseal_core::policy::{Encrypt, Policy};

use super::Flusher;
use crate::account::{self, Account};
use crate::clock;
use crate::queue::{Mail, QueueError, Recipient, Stored, Unit};
use crate::sealed::is_sealed;
use crate::system::Acting;

impl<'a> Flusher<'a> {
    /// The same for mail of somebody else, in files that they could write as they like: what the administrator demands
    /// is looked at once more, and they choose no account that is not for them.
    pub(crate) const fn for_somebody(mut self, demands: &'a Policy, until: Option<Instant>) -> Self {
        self.demands = Some(demands);
        self.until = until;
        self
    }

    /// The account that was chosen at the commit, or, where it is gone, the one that would be chosen now.
    pub(super) fn account_of(&self, unit: &Unit) -> Result<&'a Account, String> {
        let accounts = &self.config.accounts;
        let (named, sender) = (unit.account.as_str(), unit.sender.as_ref());
        let chosen = match (self.demands, accounts.iter().find(|account| account.name == named)) {
            (Some(_), _) => account::for_somebody(accounts, Some(named), sender),
            (None, Some(account)) => Ok(account),
            (None, None) => account::choose(accounts, None, sender, None),
        };
        chosen.map_err(|failure| failure.message)
    }

    /// The message of one copy; of somebody else a copy that they cannot change while it is being sent.
    pub(super) fn message(&self, mail: &Mail, index: usize) -> Result<Stored, QueueError> {
        let message = mail.message(index);
        if self.demands.is_none() {
            return Ok(message);
        }
        if message.bytes() > limits::SPOOLED_MESSAGE_BYTES {
            return Err(QueueError::TooLarge("a message of it has more than 100 MiB"));
        }
        message.copied()?.ok_or(QueueError::Malformed("it has a bare CR or LF, or a NUL"))
    }

    /// Whether the administrator lets a message out. Who wrote into a spool by hand did not ask the policy.
    pub(super) fn check(&self, unit: &Unit, message: &Stored) -> Result<(), String> {
        let Some(policy) = self.demands else { return Ok(()) };
        let now = clock::now();
        let must =
            |recipient: &Recipient| policy.for_address(&recipient.address, now).encrypt == Encrypt::Require;
        if !unit.recipients.iter().any(must) || is_sealed(&mut message.reader()) {
            return Ok(());
        }
        Err("it is not encrypted, and the policy of this machine asks for that".to_owned())
    }
}

/// What is asked of the network and of the machine's own files is asked as ourselves, in whose place ever the queue is read.
pub(super) fn as_ourselves<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _ourselves = Acting::ourselves().map_err(|error| error.to_string())?;
    Ok(work())
}
