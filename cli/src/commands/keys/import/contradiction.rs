//! A contact's key that contradicts one that is known does not come in by itself.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;
use counterseal_core::trust::evidence::Kind;
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::trust::{Conflict, Knowledge, Purpose, decide, family_key};
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::Allowance;

use crate::commands::keys::stands_for;
use crate::failure::{Exit, Failure};
use crate::store::{StoreError, Writer};

/// A key that goes, because the person takes in another one in its place.
#[derive(PartialEq, Eq)]
pub(super) struct Replaced {
    address: EmailAddress,
    key: [u8; 32],
    /// Whether the history knows it.
    has_history: bool,
}

impl Replaced {
    /// Takes away that it is the contact's, and what it was known for.
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        writer.remove_contact(&self.address, &self.key)?;
        if self.has_history {
            writer.record(&self.address, &self.key, Event::Plain(EventKind::Replaced))?;
        }
        Ok(())
    }
}

/// What is known, against which new keys are held.
pub(super) struct Ground<'g> {
    pub(super) knowledge: Knowledge,
    /// What comes in.
    pub(super) offered: &'g [Certificate],
    pub(super) at: Time,
}

impl Ground<'_> {
    /// Refuses a key that contradicts another one of its address. With `replaces`, the others go, as far as
    /// the person did not compare them: which ones is answered.
    pub(super) fn check(
        &self,
        address: &EmailAddress,
        key: &Fingerprint,
        replaces: bool,
    ) -> Result<Vec<Replaced>, Failure> {
        let mut of_key = self.offered.iter().filter(|own| own.fingerprint() == *key);
        // What has ended is written to by nobody.
        let Some(certificate) = of_key.find(|own| own.is_valid_at(self.at)) else { return Ok(Vec::new()) };
        let Some(conflict) = self.conflict(&self.knowledge, certificate, address) else {
            return Ok(Vec::new());
        };
        if !replaces || matches!(conflict, Conflict::Pin { .. }) {
            return Err(self.failure(&conflict, certificate, address));
        }
        let replaced = self.others(certificate, address);
        let left = self.without(&replaced);
        match self.conflict(&left, certificate, address) {
            None => Ok(replaced),
            Some(conflict) => Err(self.failure(&conflict, certificate, address)),
        }
    }

    fn conflict(
        &self,
        knowledge: &Knowledge,
        certificate: &Certificate,
        address: &EmailAddress,
    ) -> Option<Conflict> {
        let receives = certificate.may_receive_encrypted_mail().is_ok();
        let purpose = if receives { Purpose::Encrypt } else { Purpose::Sign };
        let allowance = Allowance::of_message();
        decide(certificate, address, self.offered, knowledge, purpose, self.at, &allowance)
            .evaluation
            .conflict
    }

    /// The keys that are known for an address and are not of the owner of this certificate.
    fn others(&self, certificate: &Certificate, address: &EmailAddress) -> Vec<Replaced> {
        let owner = |key: &Fingerprint| {
            let mut of_key = self.knowledge.certificates.iter().filter(|own| own.fingerprint() == *key);
            of_key.next().map_or(*key, |own| family_key(own, &self.knowledge.certificates))
        };
        let new = family_key(certificate, self.offered.iter().chain(&self.knowledge.certificates));
        let known = self.knowledge.known.iter().filter(|known| known.address.matches(address));
        let looked_up = self.knowledge.dossier.evidence.iter().filter(|evidence| {
            matches!(evidence.kind, Kind::History(_)) && evidence.claim.address().matches(address)
        });
        let keys = known
            .map(|known| (known.fingerprint, true))
            .chain(looked_up.map(|evidence| (*evidence.claim.key(), false)));
        let others = keys.filter(|(key, _)| *key != new && owner(key) != new);
        let whole = others.flat_map(|(key, has_history)| {
            // Mail is counted for the personal CA, the contact's rows name the keys below it.
            let below = self.knowledge.certificates.iter().filter(move |below| {
                family_key(below, &self.knowledge.certificates) == key && below.fingerprint() != key
            });
            let below = below.map(|below| (below.fingerprint(), false));
            std::iter::once((key, has_history)).chain(below)
        });
        let mut replaced: Vec<Replaced> = Vec::new();
        for (key, has_history) in whole {
            let key = *key.sha256();
            if !replaced.iter().any(|other| other.key == key) {
                replaced.push(Replaced { address: address.clone(), key, has_history });
            }
        }
        replaced
    }

    fn without(&self, replaced: &[Replaced]) -> Knowledge {
        let mut knowledge = self.knowledge.clone();
        let is_gone = |address: &EmailAddress, key: &Fingerprint| {
            replaced.iter().any(|gone| gone.key == *key.sha256() && gone.address.matches(address))
        };
        knowledge.known.retain(|known| !is_gone(&known.address, &known.fingerprint));
        knowledge.dossier.evidence.retain(|evidence| {
            let is_history = matches!(evidence.kind, Kind::History(_));
            !(is_history && is_gone(evidence.claim.address(), evidence.claim.key()))
        });
        knowledge
    }

    fn failure(&self, conflict: &Conflict, certificate: &Certificate, address: &EmailAddress) -> Failure {
        let known = match conflict {
            Conflict::Pin { pinned, .. } => pinned,
            Conflict::Supported { other, .. } | Conflict::SecondSuccession { other, .. } => other,
            Conflict::UnverifiedChange { known, .. } => known,
        };
        let held = &self.knowledge.certificates;
        let mut of_known = held.iter().filter(|own| own.fingerprint() == *known);
        let known = of_known.next().map_or(*known, |own| stands_for(own, held));
        let all: Vec<Certificate> = self.offered.iter().chain(held).cloned().collect();
        let is_compared = matches!(conflict, Conflict::Pin { .. });
        refused(address, (&known, is_compared), &stands_for(certificate, &all))
    }
}

/// Nothing comes in: what contradicts what, and how to go on.
pub(super) fn refused(
    address: &EmailAddress,
    (known, is_compared): (&Fingerprint, bool),
    new: &Fingerprint,
) -> Failure {
    let (word, message, known) = if is_compared {
        let message = format!("{address} changed keys: you compared another one");
        ("pin-conflict", message, format!("compared by you   {known}"))
    } else {
        let message = format!("{address} has another key already, and this one contradicts it");
        ("key-changed", message, format!("known to you      {known}"))
    };
    let details = vec![known, format!("in this file      {new}")];
    Failure::new(Exit::Contradiction, word, message).details(details).hint(format!(
        "nothing was taken in, the known key stays; ask {address} on another channel. If the new one is \
         right: `cseal keys import FILE --pin {new} --replace`{}",
        if is_compared { "" } else { "; without comparing: --replace alone" }
    ))
}
