//! Keys for addresses that come with a demand: `?alice@example.org`, `KID?alice@example.org`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::accept::{Accepted, Refusal, accept_candidate, accept_given, best_known, candidates, ended_days};
use super::send::{self, KeyState, STALE_DAYS, SendRefusal, Sending, Situation};
use super::words::Encrypt;
use crate::address::{EmailAddress, KeyDemand, NamedKey};
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::mail::DemandOrigin;
use crate::openpgp::{FULL, LinkPurpose, TwinKey};
use crate::time::{DAY, Time};
use crate::trust::evidence::Comparison;
use crate::trust::{Anchor, ContactIntroducer, Knowledge, Level, Pin, VERIFIED};
use crate::x509::Certificate;
use crate::x509::path::PathError;

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

impl Met {
    /// The refusal of a certificate that ended.
    fn expired(&self, at: Time) -> Refusal {
        match self.accepted.certificate() {
            Some(certificate) => Refusal::Expired { at, not_after: certificate.not_after() },
            None => Refusal::NoKey,
        }
    }
}

/// What policy and circumstances say of mail to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether it is encrypted.
    pub encrypt: Encrypt,
    /// The least level of a key. A key that the person names is theirs to choose.
    pub accept: Level,
    /// Whether certificates that ended lately may be used.
    pub stale: bool,
    /// Whether mail to the address was ever encrypted, and that counts.
    pub was_encrypted: bool,
    /// Whether this answers an encrypted mail and quotes it.
    pub quotes_encrypted: bool,
}

/// What becomes of mail to an address.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// It is encrypted to a key.
    Encrypt(Box<Met>),
    /// It is sent as it is.
    Plain,
}

/// Finds the key for an address with a demand, and says what becomes of mail to it: the cell of the
/// table of sending (`docs/formats/policy.md`, [`Situation::sending`]).
///
/// A demand of an answer may have been put there by whoever wrote the mail that is answered: the key
/// must be the one it names, and be acceptable without it.
///
/// # Errors
/// Why it is not sent.
pub fn treat(
    address: &EmailAddress,
    (demand, origin): (&KeyDemand, DemandOrigin),
    terms: &Terms,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Treatment, Refusal> {
    let found = find(address, (demand, origin), terms.accept, knowledge, at);
    let situation = Situation {
        key: key_state(&found, at),
        // Whoever asks for a key to be right does not want plaintext.
        encrypt: if *demand == KeyDemand::None { terms.encrypt } else { Encrypt::Require },
        accept: least(demand, terms.accept),
        named: match (demand, &found) {
            (KeyDemand::Key(_), Ok(_)) => send::Named::Matches,
            (KeyDemand::Key(_), Err(Refusal::NotThePin)) => send::Named::Differs,
            _ => send::Named::No,
        },
        was_encrypted: terms.was_encrypted,
        quotes_encrypted: terms.quotes_encrypted,
        stale: terms.stale,
    };
    match (situation.sending(), found) {
        (Sending::Plain, _) => Ok(Treatment::Plain),
        (Sending::EncryptToExpired { .. }, Ok(met))
            if situation.named == send::Named::No && met.accepted.level() < situation.accept =>
        {
            Err(met.accepted.below(situation.accept))
        }
        (Sending::Encrypt | Sending::EncryptToExpired { .. }, Ok(met)) => {
            Ok(Treatment::Encrypt(Box::new(met)))
        }
        (Sending::Refuse(SendRefusal::WasEncrypted), Err(_)) => Err(Refusal::WasEncrypted),
        (Sending::Refuse(SendRefusal::WouldQuoteSecrets), Err(_)) => Err(Refusal::WouldQuoteSecrets),
        (_, Err(refusal)) => Err(refusal),
        (Sending::Refuse(SendRefusal::Expired), Ok(met)) => Err(met.expired(at)),
        (Sending::Refuse(_), Ok(met)) => Err(met.accepted.below(situation.accept)),
    }
}

/// The key for an address, however far it is believed.
fn find(
    address: &EmailAddress,
    (demand, origin): (&KeyDemand, DemandOrigin),
    accept: Level,
    knowledge: &Knowledge,
    at: Time,
) -> Result<Met, Refusal> {
    let best = |knowledge: &Knowledge| {
        let (accepted, ended_days) = best_known(address, knowledge, at)?;
        Ok(Met { accepted, pin: None, ended_days })
    };
    match (demand, origin) {
        (KeyDemand::None | KeyDemand::Verified, _) | (KeyDemand::Introducer(_), DemandOrigin::Answer) => {
            best(knowledge)
        }
        (KeyDemand::Introducer(named), DemandOrigin::Typed | DemandOrigin::NewMail) => {
            best(&relying_on(knowledge, named))
        }
        (KeyDemand::Key(named), _) => Named { address, named, knowledge, at }.accept(origin, accept),
    }
}

fn least(demand: &KeyDemand, accept: Level) -> Level {
    match demand {
        KeyDemand::None | KeyDemand::Key(_) => accept,
        KeyDemand::Verified | KeyDemand::Introducer(_) => accept.max(Level::Verified),
    }
}

/// What the table of sending calls it.
fn key_state(found: &Result<Met, Refusal>, at: Time) -> KeyState {
    match found {
        Ok(Met { ended_days: Some(days), .. }) => KeyState::Expired { days: *days },
        Ok(met) => KeyState::Usable(met.accepted.level()),
        Err(Refusal::Expired { not_after, .. }) => {
            let seconds = at.unix_seconds().saturating_sub(not_after.unix_seconds());
            KeyState::Expired { days: u32::try_from(seconds / DAY).unwrap_or(u32::MAX).max(STALE_DAYS) }
        }
        Err(Refusal::Revoked | Refusal::Chain(PathError::Revoked { .. })) => KeyState::Revoked,
        Err(Refusal::Conflict(_) | Refusal::PinnedKeyEnded { .. }) => KeyState::Conflict,
        Err(Refusal::NotThePin | Refusal::Unverified | Refusal::BelowRequired { .. }) => {
            KeyState::Usable(Level::Unverified)
        }
        Err(
            Refusal::NoKey
            | Refusal::WasEncrypted
            | Refusal::WouldQuoteSecrets
            | Refusal::NotYetValid { .. }
            | Refusal::Usage(_)
            | Refusal::KeyKind(_)
            | Refusal::OtherAddress { .. }
            | Refusal::Chain(_),
        ) => KeyState::Missing,
    }
}

/// Accepts a certificate that was given for this message and that meets a demand.
///
/// # Errors
/// As [`treat`] and [`accept_given`].
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
        let ended = ended_days(certificate, self.at);
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
    certificate.filter(|certificate| certificate.is_usable_at(at)).is_some_and(|certificate| {
        certificate.user_ids_linked_to(key, address, LinkPurpose::Encrypt, at).next().is_some()
    })
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
        let Some(address) = owner_of(holder, &knowledge) else { continue };
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

/// Whose key a certificate is of: a personal CA names nobody, and what it issued does.
fn owner_of(holder: &Certificate, knowledge: &Knowledge) -> Option<EmailAddress> {
    let issued = knowledge.certificates.iter().filter(|leaf| {
        !leaf.is_certificate_authority()
            && leaf.issuer_der() == holder.subject_der()
            && leaf.is_signed_by(holder.public_key()).is_ok()
    });
    holder.addresses().first().or_else(|| issued.flat_map(Certificate::addresses).next()).cloned()
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
        treated(person, (demand, origin), &TERMS, knowledge, NOW)
    }

    /// What is built in.
    const TERMS: Terms = Terms {
        encrypt: Encrypt::Require,
        accept: Level::Opportunistic,
        stale: false,
        was_encrypted: false,
        quotes_encrypted: false,
    };

    fn treated(
        person: &Person,
        demand: (&KeyDemand, DemandOrigin),
        terms: &Terms,
        knowledge: &Knowledge,
        at: Time,
    ) -> Result<Met, &'static str> {
        match treat(&person.address, demand, terms, knowledge, at).map_err(|refusal| refusal.word())? {
            Treatment::Encrypt(met) => Ok(*met),
            Treatment::Plain => Err("plain"),
        }
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
            treated(&bob, (&demand, DemandOrigin::Typed), &TERMS, &knowing(&[&bob]), at)
        };
        assert_eq!(ask(10).unwrap().ended_days, Some(10));
        assert_eq!(ask(40).unwrap_err(), "expired");
    }

    #[test]
    fn without_a_demand_policy_says_what_becomes_of_a_mail() {
        let bob = Person::new("bob@example.org");
        let nothing = Knowledge::default();
        let unknown = Knowledge { known: Vec::new(), ..knowing(&[&bob]) };
        let word = |terms: Terms, knowledge: &Knowledge, days: i64| {
            let at = bob.encryption.not_after().plus_days(days);
            let met = treated(&bob, (&KeyDemand::None, DemandOrigin::Typed), &terms, knowledge, at);
            met.map_or_else(|word| word, |met| if met.ended_days.is_some() { "ended" } else { "encrypt" })
        };
        let terms = |change: fn(&mut Terms)| {
            let mut terms = TERMS;
            change(&mut terms);
            terms
        };
        let if_possible = terms(|terms| terms.encrypt = Encrypt::IfPossible);
        let sticky = terms(|terms| (terms.encrypt, terms.was_encrypted) = (Encrypt::IfPossible, true));
        let secret = terms(|terms| (terms.encrypt, terms.quotes_encrypted) = (Encrypt::IfPossible, true));
        let stale = terms(|terms| terms.stale = true);
        let checked = terms(|terms| (terms.stale, terms.accept) = (true, Level::Checked));
        let any = terms(|terms| terms.accept = Level::Unverified);
        for (terms, knowledge, days, expected) in [
            (TERMS, &nothing, -9, "no-key"),
            (if_possible, &nothing, -9, "plain"),
            (sticky, &nothing, -9, "was-encrypted"),
            (secret, &nothing, -9, "would-quote-secrets"),
            (TERMS, &unknown, -9, "unverified"),
            (any, &unknown, -9, "encrypt"),
            (TERMS, &knowing(&[&bob]), -9, "encrypt"),
            (TERMS, &knowing(&[&bob]), 9, "expired"),
            (stale, &knowing(&[&bob]), 9, "ended"),
            (stale, &knowing(&[&bob]), 40, "expired"),
            (stale, &unknown, 9, "expired"),
            (checked, &knowing(&[&bob]), 9, "below-required"),
        ] {
            assert_eq!(word(terms, knowledge, days), expected, "{terms:?} {days}");
        }
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
