//! Addresses with a demand on their key, wherever they were typed.

use counterseal_core::address::{EmailAddress, KeyDemand, NamedKey, StrongAddress};
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::mail::{DemandOrigin, DemandsError, Undemanded, without_demands};
use counterseal_core::openpgp::TwinKey;
use counterseal_core::trust::evidence::Comparison;
use counterseal_core::trust::log::{Event, EventKind};
use counterseal_core::trust::points::Capacities;
use counterseal_core::trust::{Pin, Profile, VERIFIED};
use counterseal_core::x509::Certificate;
use zeroize::Zeroizing;

use super::history;
use super::readers::Wanted;
use super::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::trust::list;
use crate::store::{NewTrust, Store, TrustKind};

/// Words of a pin's row that was made by typing an address with its key.
pub(crate) const SOURCE: &str = "strong-address";

/// An address that a person typed, with or without a demand on its key.
pub(crate) fn parse(typed: &str) -> Result<StrongAddress, Failure> {
    StrongAddress::parse(typed).map_err(|error| {
        // Only who began to name a key is told how.
        let hint = if typed.contains('?') {
            "an address may name its key: FINGERPRINT?alice@example.org, with five groups of the fingerprint \
             or more"
        } else {
            "write the address alone, as alice@example.org"
        };
        Failure::usage(format!("{typed}: no mail address")).because(error).hint(hint)
    })
}

/// Somebody who was typed for a command.
pub(crate) fn typed(text: &str, blind: bool) -> Result<Wanted, Failure> {
    let StrongAddress { address, demand } = parse(text)?;
    Ok(Wanted { address, blind, demand, origin: DemandOrigin::Typed })
}

/// A mail without the demands of its address fields, and the demands.
pub(crate) struct PlainMail {
    /// As it may go out.
    pub(crate) text: Zeroizing<Vec<u8>>,
    demands: Vec<StrongAddress>,
    origin: DemandOrigin,
}

impl PlainMail {
    /// Of a mail that is to be encrypted.
    pub(crate) fn of(mail: Zeroizing<Vec<u8>>) -> Result<Self, Failure> {
        let Undemanded { mail: plain, addresses, origin } = without_demands(&mail).map_err(failure)?;
        Ok(Self { text: plain.map_or(mail, Zeroizing::new), demands: addresses, origin })
    }

    /// The same, where it is known to be an answer whatever it says.
    pub(crate) fn answering(self) -> Self {
        Self { origin: DemandOrigin::Answer, ..self }
    }

    /// Of a mail that is only signed, which meets no demand.
    pub(crate) fn without_any(mail: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let plain = Self::of(mail)?;
        if plain.demands.is_empty() {
            return Ok(plain.text);
        }
        let who = plain.demands.iter().map(|strong| strong.address.to_string()).collect();
        Err(Failure::usage("the mail demands a key for a reader, and would not be encrypted")
            .details(who)
            .hint("use `cseal encrypt`, or take what stands before the ? out of the address"))
    }

    /// Somebody whom the mail names.
    pub(crate) fn wanted(&self, address: EmailAddress, blind: bool) -> Wanted {
        let demands = self.demands.iter().filter(|strong| strong.address.matches(&address));
        let demand = demands.map(|strong| strong.demand.clone()).max_by_key(strictness);
        Wanted { address, blind, demand: demand.unwrap_or(KeyDemand::None), origin: self.origin }
    }

    /// An address that stands twice must not demand two keys.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let demands = self.demands.iter().map(|strong| (&strong.address, &strong.demand));
        check_demands(&demands.collect::<Vec<_>>())
    }
}

/// Adds somebody to those who are wanted already. Who is named openly is not blind, and the stricter
/// demand holds.
pub(crate) fn add(wanted: &mut Vec<Wanted>, new: Wanted) -> Result<(), Failure> {
    let Some(there) = wanted.iter_mut().find(|other| other.address.matches(&new.address)) else {
        wanted.push(new);
        return Ok(());
    };
    check_demands(&[(&there.address, &there.demand), (&new.address, &new.demand)])?;
    if strictness(&new.demand) > strictness(&there.demand)
        || new.origin == DemandOrigin::Typed && new.demand == there.demand
    {
        there.demand = new.demand;
        there.origin = new.origin;
    }
    Ok(())
}

/// A key is more than a level: the person names it, whatever else is known.
const fn strictness(demand: &KeyDemand) -> u8 {
    match demand {
        KeyDemand::None => 0,
        KeyDemand::Verified => 1,
        KeyDemand::Introducer(_) => 2,
        KeyDemand::Key(_) => 3,
    }
}

fn check_demands(demands: &[(&EmailAddress, &KeyDemand)]) -> Result<(), Failure> {
    for (position, (address, demand)) in demands.iter().enumerate() {
        let differs =
            |other: &KeyDemand| strictness(other) >= 2 && strictness(demand) >= 2 && other != *demand;
        let mut others = demands.iter().skip(position + 1);
        if others.any(|(other, theirs)| other.matches(address) && differs(theirs)) {
            return Err(Failure::usage(format!("{address} is there with two different keys")));
        }
    }
    Ok(())
}

fn failure(error: DemandsError) -> Failure {
    match error {
        DemandsError::Mail(error) => Failure::unknown("malformed", format!("this is no mail: {error}")),
        DemandsError::Recipients(error) => {
            Failure::unknown("malformed", format!("a recipient of the mail cannot be read: {error}"))
        }
        DemandsError::Elsewhere { field } => Failure::usage(format!(
            "the field {field} repeats the fingerprint that an address names, and would be sent as it is"
        ))
        .hint("take it out of the mail; nothing was written"),
    }
}

/// Points of a comparison that was made by typing a key with its address.
pub(crate) const fn points(bits: u32) -> u32 {
    let table = Capacities::of(Profile::Blended);
    if bits >= counterseal_core::trust::points::STRONG_ADDRESS_BITS {
        table.pin_strong_address
    } else {
        table.pin_short_address
    }
}

/// Keeps what the person compared by typing it, where the store knows no other comparison for the
/// address. A store that is locked is not unlocked for that.
pub(crate) fn keep(store: &mut Store, unlock: &Unlock, pins: &[Pin]) -> Result<(), Failure> {
    let rows = store.trust_rows()?;
    let compared = |pin: &Pin| {
        let lookup_key = pin.address.lookup_key();
        rows.iter().any(|row| row.address == lookup_key && row.kind != TrustKind::Contact)
    };
    let new: Vec<&Pin> = pins.iter().filter(|pin| !compared(pin)).collect();
    if new.is_empty() {
        return Ok(());
    }
    if store.needs_passphrase()? && !unlock.is_given() {
        new.iter().for_each(|pin| list::not_kept(&pin.address));
        return Ok(());
    }
    store::unlock(store, unlock)?;
    let is_kept = history::is_kept()?;
    history::write(store, |writer| {
        for Pin { address, fingerprint, how } in new {
            let Comparison::StrongAddress { bits } = how else { continue };
            let points = i64::from(points(*bits).min(VERIFIED));
            let kind = TrustKind::Pin;
            writer.add_trust(&NewTrust {
                kind,
                address,
                key: fingerprint,
                points,
                source: SOURCE,
                capabilities: None,
                announced: None,
            })?;
            if is_kept {
                writer.record(address, fingerprint.sha256(), Event::Plain(EventKind::Pinned))?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Whether a certificate has the key that was typed: by its fingerprint, or by that of its OpenPGP twin.
pub(crate) fn is_named(certificate: &Certificate, typed: &str) -> bool {
    let twin = || TwinKey::of(certificate.public_key()).map(|twin| twin.fingerprint());
    certificate.fingerprint().is_named_by(typed)
        || OpenPgpFingerprint::parse(typed).is_some_and(|typed| twin() == Some(typed))
}

/// An address with or without its own key.
pub(crate) fn with_key(typed: &str) -> Result<(EmailAddress, Option<NamedKey>), Failure> {
    let StrongAddress { address, demand } = parse(typed)?;
    match demand {
        KeyDemand::None => Ok((address, None)),
        KeyDemand::Key(named) => Ok((address, Some(named))),
        KeyDemand::Verified | KeyDemand::Introducer(_) => Err(Failure::new(
            Exit::Usage,
            "usage",
            format!("{typed}: here an address can name its own key, and demand nothing else"),
        )),
    }
}
