//! Keys for addresses that come with a demand: `?alice@example.org`, `KID?alice@example.org`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::accept::{Accepted, Refusal, accept_candidate, accept_given, accept_known, candidates};
use super::send::STALE_DAYS;
use crate::address::{EmailAddress, KeyDemand, NamedKey};
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::mail::DemandOrigin;
use crate::openpgp::{FULL, TwinKey};
use crate::time::{DAY, Time};
use crate::trust::evidence::Comparison;
use crate::trust::{Anchor, ContactIntroducer, Knowledge, Level, Pin, VERIFIED};
use crate::x509::Certificate;

/// A key that meets a demand.
#[derive(Clone, Debug)]
pub struct Met {
    /// The key.
    pub accepted: Accepted,
    /// The comparison that the person made by naming the key, where they did.
    pub pin: Option<Pin>,
    /// Days since the certificate ended, where it did.
    pub ended_days: Option<u32>,
}

impl From<Accepted> for Met {
    fn from(accepted: Accepted) -> Self {
        Self { accepted, pin: None, ended_days: None }
    }
}

/// Accepts a key that is known for an address and that meets a demand. `least` is what policy asks
/// for; a key that the person names is theirs to choose.
///
/// A demand of an answer may have been put there by whoever wrote the mail that is answered: the key
/// must be the one it names, and be acceptable without it.
///
/// # Errors
/// [`Refusal::NotThePin`] where the address has another key, and everything of [`accept_known`].
pub fn accept_demanded(
    address: &EmailAddress,
    (demand, origin): (&KeyDemand, DemandOrigin),
    least: Level,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Met, Refusal> {
    match demand {
        KeyDemand::None => Ok(accept_known(address, knowledge, at)?.of_level(least)?.into()),
        KeyDemand::Verified => {
            Ok(accept_known(address, knowledge, at)?.of_level(least.max(Level::Verified))?.into())
        }
        KeyDemand::Key(named) => Named { address, named, knowledge, at }.accept(origin, least),
        KeyDemand::Introducer(named) => {
            let knowledge = match origin {
                DemandOrigin::Typed | DemandOrigin::NewMail => &relying_on(knowledge, named),
                DemandOrigin::Answer => knowledge,
            };
            Ok(accept_known(address, knowledge, at)?.of_level(least.max(Level::Verified))?.into())
        }
    }
}

/// Accepts a certificate that was given for this message and that meets a demand.
///
/// # Errors
/// As [`accept_demanded`] and [`accept_given`].
pub fn accept_given_demanded(
    certificate: &Certificate,
    address: &EmailAddress,
    demand: &KeyDemand,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Accepted, Refusal> {
    let accepted = accept_given(certificate, Some(address), knowledge, at)?;
    let least = match demand {
        KeyDemand::None => return Ok(accepted),
        KeyDemand::Key(named) => {
            let named = Named { address, named, knowledge, at };
            return named.pinned(certificate).map(|(accepted, _)| accepted);
        }
        KeyDemand::Verified => accept_candidate(certificate, address, knowledge, at)?,
        KeyDemand::Introducer(named) => {
            accept_candidate(certificate, address, &relying_on(knowledge, named), at)?
        }
    };
    least.of_level(Level::Verified)
}

/// What is known, where the person names a key: as an explanation shows it. Where the key is not at
/// hand, no pin of the address is in it.
#[must_use]
pub fn with_demand(address: &EmailAddress, demand: &KeyDemand, knowledge: &Knowledge, at: Time) -> Knowledge {
    match demand {
        KeyDemand::None | KeyDemand::Verified => knowledge.clone(),
        KeyDemand::Key(named) => Named { address, named, knowledge, at }.knowledge(),
        KeyDemand::Introducer(named) => relying_on(knowledge, named),
    }
}

/// An address whose key is named.
struct Named<'n> {
    address: &'n EmailAddress,
    named: &'n NamedKey,
    knowledge: &'n Knowledge,
    at: Time,
}

impl Named<'_> {
    fn accept(&self, origin: DemandOrigin, least: Level) -> Result<Met, Refusal> {
        let mut nearest = Refusal::NoKey;
        for certificate in candidates(self.address, self.knowledge) {
            match self.accept_one(certificate, origin, least) {
                Ok(met) => return Ok(met),
                // That another key is not the one says less than what is wrong with the one.
                Err(refusal) if matches!(nearest, Refusal::NoKey | Refusal::NotThePin) => nearest = refusal,
                Err(_) => {}
            }
        }
        Err(nearest)
    }

    fn accept_one(
        &self,
        certificate: &Certificate,
        origin: DemandOrigin,
        least: Level,
    ) -> Result<Met, Refusal> {
        let ended = self.ended_days(certificate);
        // An end of yesterday is no reason not to write to whom the person names.
        let at = if ended.is_some() { certificate.not_after() } else { self.at };
        let named = Named { at, ..*self };
        let (accepted, pin) = named.pinned(certificate)?;
        let unaided = || accept_candidate(certificate, self.address, self.knowledge, at);
        match origin {
            DemandOrigin::Typed => Ok(Met { accepted, pin: Some(pin), ended_days: ended }),
            DemandOrigin::NewMail => match unaided() {
                Err(refusal @ (Refusal::Conflict(_) | Refusal::PinnedKeyEnded { .. })) => Err(refusal),
                Ok(_) | Err(_) => Ok(Met { accepted, pin: Some(pin), ended_days: ended }),
            },
            DemandOrigin::Answer if ended.is_some() => {
                accept_candidate(certificate, self.address, self.knowledge, self.at).map(Met::from)
            }
            DemandOrigin::Answer => Ok(unaided()?.of_level(least)?.into()),
        }
    }

    fn ended_days(&self, certificate: &Certificate) -> Option<u32> {
        let seconds = self.at.unix_seconds().saturating_sub(certificate.not_after().unix_seconds());
        let days = u32::try_from(seconds / DAY).ok()?;
        (seconds > 0 && days < STALE_DAYS).then_some(days)
    }

    /// The certificate, where its key is the one that is named or one that that vouches for.
    fn pinned(&self, certificate: &Certificate) -> Result<(Accepted, Pin), Refusal> {
        let knowledge = self.knowledge();
        let own = knowledge.pins.iter().find(|pin| pin.address.matches(self.address));
        let Some(pin) = own.cloned() else { return Err(Refusal::NotThePin) };
        let accepted = match accept_candidate(certificate, self.address, &knowledge, self.at) {
            Ok(accepted) => accepted,
            // The pins of this question are the only ones: what contradicts them is not the key.
            Err(Refusal::Conflict(_) | Refusal::PinnedKeyEnded { .. } | Refusal::Unverified) => {
                return Err(Refusal::NotThePin);
            }
            Err(refusal) => return Err(refusal),
        };
        match accepted.decision() {
            Some(decision) if decision.evaluation.is_pinned => Ok((accepted, pin)),
            Some(_) | None => Err(Refusal::NotThePin),
        }
    }

    /// What is known, where the person compared nothing for the address but what they name.
    fn knowledge(&self) -> Knowledge {
        let others = self.knowledge.pins.iter().filter(|pin| !pin.address.matches(self.address)).cloned();
        Knowledge { pins: others.chain(self.pins()).collect(), ..self.knowledge.clone() }
    }

    /// The keys at hand that are named, as pins.
    fn pins(&self) -> Vec<Pin> {
        let how = Comparison::StrongAddress { bits: self.named.bits() };
        let keys = keys_named(self.named, self.knowledge, Some((self.address, self.at)));
        keys.into_iter().map(|fingerprint| Pin { address: self.address.clone(), fingerprint, how }).collect()
    }
}

/// The keys of the certificates at hand that are named; for an address also those that the named
/// OpenPGP certificate names itself.
fn keys_named(
    named: &NamedKey,
    knowledge: &Knowledge,
    link: Option<(&EmailAddress, Time)>,
) -> BTreeSet<Fingerprint> {
    let is_named = |certificate: &&Certificate| {
        let key = certificate.fingerprint();
        match named {
            NamedKey::Key(prefix) => key.begins_with(prefix),
            NamedKey::OpenPgp(fingerprint) => {
                twin(certificate) == Some(*fingerprint)
                    || link.is_some_and(|(address, at)| is_linked(fingerprint, &key, address, knowledge, at))
            }
        }
    };
    knowledge.certificates.iter().filter(is_named).map(Certificate::fingerprint).collect()
}

fn twin(certificate: &Certificate) -> Option<OpenPgpFingerprint> {
    TwinKey::of(certificate.public_key()).map(|twin| twin.fingerprint())
}

fn is_linked(
    certificate: &OpenPgpFingerprint,
    key: &Fingerprint,
    address: &EmailAddress,
    knowledge: &Knowledge,
    at: Time,
) -> bool {
    let openpgp = knowledge.openpgp.as_ref();
    let certificate = openpgp.and_then(|openpgp| openpgp.web.certificate(certificate));
    certificate
        .filter(|certificate| certificate.is_usable_at(at))
        .is_some_and(|certificate| certificate.user_ids_linked_to(key, address, at).next().is_some())
}

/// What is known, where the named key is relied on for one message as if it were the person's own.
fn relying_on(knowledge: &Knowledge, named: &NamedKey) -> Knowledge {
    let mut knowledge = knowledge.clone();
    let keys = keys_named(named, &knowledge, None);
    let holders: Vec<Certificate> = knowledge
        .certificates
        .iter()
        .filter(|certificate| keys.contains(&certificate.fingerprint()))
        .cloned()
        .collect();
    let authorities = holders.iter().filter(|certificate| certificate.is_certificate_authority());
    knowledge.anchors.extend(authorities.map(|authority| Anchor::own(authority.clone(), Some(VERIFIED))));
    for holder in &holders {
        let address = holder.addresses().first().cloned().unwrap_or_else(EmailAddress::of_an_example);
        let (key, amount) = (holder.fingerprint(), VERIFIED);
        let introducer = ContactIntroducer { address, key, amount, domains: Vec::new(), is_own: true };
        knowledge.introducers.insert(0, introducer);
    }
    if let Some(openpgp) = &knowledge.openpgp {
        let mut roots: BTreeSet<OpenPgpFingerprint> = holders.iter().filter_map(twin).collect();
        if let NamedKey::OpenPgp(fingerprint) = named {
            roots.insert(*fingerprint);
        }
        let mut openpgp = (**openpgp).clone();
        for root in roots {
            openpgp.reliances = openpgp.reliances.with_root(root, FULL);
            openpgp.own.push(root);
        }
        knowledge.openpgp = Some(Arc::new(openpgp));
    }
    knowledge
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{NOW, Person};
    use crate::trust::KnownKey;
    use crate::trust::evidence::Correspondence;

    fn knowing(people: &[&Person]) -> Knowledge {
        let certificates = people
            .iter()
            .flat_map(|person| [&person.authority, &person.encryption, &person.signing].map(Clone::clone))
            .collect();
        let known = people.iter().map(|person| KnownKey {
            address: person.address.clone(),
            fingerprint: person.encryption.fingerprint(),
            history: Correspondence::first_mail(NOW.plus_days(-1)),
        });
        Knowledge { certificates, known: known.collect(), ..Knowledge::default() }
    }

    fn demanding(
        person: &Person,
        demand: &KeyDemand,
        origin: DemandOrigin,
        knowledge: &Knowledge,
    ) -> Result<Met, &'static str> {
        accept_demanded(&person.address, (demand, origin), Level::Opportunistic, knowledge, NOW)
            .map_err(|refusal| refusal.word())
    }

    fn key(certificate: &Certificate) -> KeyDemand {
        KeyDemand::Key(NamedKey::parse(&certificate.fingerprint().to_string()).unwrap())
    }

    #[test]
    fn the_personal_ca_and_the_key_itself_can_be_named_and_nobody_elses() {
        let (bob, mallory) = (Person::new("bob@example.org"), Person::new("mallory@example.org"));
        let knowledge = knowing(&[&bob, &mallory]);
        for named in [&bob.authority, &bob.encryption] {
            let met = demanding(&bob, &key(named), DemandOrigin::Typed, &knowledge).unwrap();
            assert_eq!(met.accepted.public_key().fingerprint(), bob.encryption.fingerprint());
            assert_eq!(met.accepted.decision().unwrap().level, Level::Verified);
            assert_eq!(met.pin.unwrap().fingerprint, named.fingerprint());
        }
        let other = demanding(&bob, &key(&mallory.authority), DemandOrigin::Typed, &knowledge);
        assert_eq!(other.unwrap_err(), "not-the-pin");
        assert_eq!(
            demanding(&bob, &KeyDemand::Verified, DemandOrigin::Typed, &knowledge).unwrap_err(),
            "below-required"
        );
        let twin = TwinKey::of(bob.authority.public_key()).unwrap().fingerprint();
        let by_twin = KeyDemand::Key(NamedKey::OpenPgp(twin));
        assert!(demanding(&bob, &by_twin, DemandOrigin::Typed, &knowledge).is_ok());
    }

    #[test]
    fn a_short_fingerprint_is_worth_less() {
        let bob = Person::new("bob@example.org");
        let text: String = bob.authority.fingerprint().to_string().chars().take(24).collect();
        let demand = KeyDemand::Key(NamedKey::parse(&text).unwrap());
        let met = demanding(&bob, &demand, DemandOrigin::Typed, &knowing(&[&bob])).unwrap();
        let decision = met.accepted.decision().unwrap();
        assert_eq!((decision.score, decision.level), (100, Level::Checked), "90 and the history");
    }

    #[test]
    fn of_two_keys_the_typed_one_wins_and_one_of_a_draft_does_not() {
        let (bob, mallory) = (Person::new("bob@example.org"), Person::new("bob@example.org"));
        let mut knowledge = knowing(&[&bob, &mallory]);
        let how = Comparison::InPerson;
        knowledge.pins.push(Pin {
            address: bob.address.clone(),
            fingerprint: bob.authority.fingerprint(),
            how,
        });
        let demand = key(&mallory.authority);
        let met = demanding(&bob, &demand, DemandOrigin::Typed, &knowledge).unwrap();
        assert_eq!(met.accepted.public_key().fingerprint(), mallory.encryption.fingerprint());
        assert_eq!(demanding(&bob, &demand, DemandOrigin::NewMail, &knowledge).unwrap_err(), "conflict");
        assert_eq!(demanding(&bob, &demand, DemandOrigin::Answer, &knowledge).unwrap_err(), "conflict");
    }

    #[test]
    fn a_demand_of_an_answer_adds_nothing_and_still_demands() {
        let (bob, mallory) = (Person::new("bob@example.org"), Person::new("mallory@example.org"));
        let knowledge = knowing(&[&bob, &mallory]);
        let met = demanding(&bob, &key(&bob.authority), DemandOrigin::Answer, &knowledge).unwrap();
        assert_eq!(met.accepted.decision().unwrap().score, 10);
        assert!(met.pin.is_none());
        let other = demanding(&bob, &key(&mallory.authority), DemandOrigin::Answer, &knowledge);
        assert_eq!(other.unwrap_err(), "not-the-pin");
        let unknown = Knowledge { known: Vec::new(), ..knowledge };
        let nothing = demanding(&bob, &key(&bob.authority), DemandOrigin::Answer, &unknown);
        assert_eq!(nothing.unwrap_err(), "unverified");
    }

    #[test]
    fn a_certificate_that_ended_lately_is_used_for_whom_the_person_names() {
        let bob = Person::new("bob@example.org");
        let demand = key(&bob.authority);
        let ask = |days| {
            let at = bob.encryption.not_after().plus_days(days);
            accept_demanded(
                &bob.address,
                (&demand, DemandOrigin::Typed),
                Level::Opportunistic,
                &knowing(&[&bob]),
                at,
            )
        };
        assert_eq!(ask(10).unwrap().ended_days, Some(10));
        assert_eq!(ask(40).unwrap_err().word(), "expired");
    }

    #[test]
    fn an_introducer_that_is_named_counts_for_one_message() {
        let bob = Person::new("bob@example.org");
        let knowledge = knowing(&[&bob]);
        let named = NamedKey::parse(&bob.authority.fingerprint().to_string()).unwrap();
        let demand = KeyDemand::Introducer(named);
        let met = demanding(&bob, &demand, DemandOrigin::Typed, &knowledge).unwrap();
        assert_eq!(met.accepted.decision().unwrap().level, Level::Verified);
        assert!(met.pin.is_none());
        assert_eq!(demanding(&bob, &demand, DemandOrigin::Answer, &knowledge).unwrap_err(), "below-required");
    }
}
