//! Since when certificates and statements were there for the true owner of an address to notice.
//!
//! Two dates make evidence old: when it was there, by our own history or by a time stamp of exactly these
//! bytes, and since when the key was exposed. A date of the key alone says nothing of a certificate:
//! a forger could have a new one issued today for a key of years ago.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::age::aged;
use super::claim::Claim;
use super::evidence::{Dossier, Kind, Witness, Witnessed};
use super::points::Capacities;
use super::rules::Rules;
use crate::cms::time_stamp::TimeStamp;
use crate::fingerprint::sha256;
use crate::time::Time;
use crate::x509::path::{self, Allowance};
use crate::x509::revocation::RevocationEvidence;

/// The dates that are kept of evidence. Whoever fills this in has verified that the dates are our own; time
/// stamps are verified here, whenever they are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// When our own history saw a certificate or a statement first, by the SHA-256 of its bytes.
    pub seen: BTreeMap<[u8; 32], Time>,
    /// Time stamps (RFC 3161) of the same bytes, as they came.
    pub stamps: BTreeMap<[u8; 32], Vec<Vec<u8>>>,
    /// Since when keys were exposed.
    pub exposures: Vec<Exposure>,
}

/// That a key of an address was there to be noticed by the address's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Of whom: equal text means the same mailbox.
    pub address: String,
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// How.
    pub kind: ExposureKind,
    /// Since when, by our own clock.
    pub since: Time,
}

/// The ways in which a key is exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExposureKind {
    /// Mail that we encrypted was answered with a signature of the key.
    TwoWayMail,
    /// The DNS of the domain names it, and DNSSEC proves that.
    Dnssec,
    /// The domain serves it over HTTPS.
    WebDirectory,
    /// A key server has it.
    Keyserver,
}

impl ExposureKind {
    const ALL: [Self; 4] = [Self::TwoWayMail, Self::Dnssec, Self::WebDirectory, Self::Keyserver];

    /// The word in the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TwoWayMail => "two-way-mail",
            Self::Dnssec => "dnssec",
            Self::WebDirectory => "web-directory",
            Self::Keyserver => "keyserver",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// How evidence exposes its key, if it does. Unsigned DNS answers do not: they may be for us alone.
    const fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::History(history) if history.two_way => Some(Self::TwoWayMail),
            Kind::DnsRecord { secure: true } => Some(Self::Dnssec),
            Kind::WebDirectory => Some(Self::WebDirectory),
            Kind::Keyserver { .. } => Some(Self::Keyserver),
            _ => None,
        }
    }
}

/// A question about the age of evidence for one key of an address.
pub(super) struct AgeQuestion<'q> {
    pub(super) ages: &'q Ages,
    /// Time stamping authorities that are believed.
    pub(super) authorities: &'q [path::Anchor],
    pub(super) rules: &'q Rules,
    pub(super) at: Time,
}

impl AgeQuestion<'_> {
    /// The proofs that make some evidence worth most; nothing where none makes it worth more than it is.
    pub(super) fn answer(
        &self,
        claim: &Claim,
        bytes: &[u8],
        capacity: u32,
        dossier: &Dossier,
    ) -> Option<Witnessed> {
        let exposed = self.exposed_since(claim, dossier)?;
        let proofs = self.proofs(bytes);
        let capacities = &self.rules.capacities;
        let best =
            proofs.iter().map(|(since, _)| with_witnesses((*since).max(exposed), &proofs)).max_by_key(
                |witnessed| (self.worth(capacity, witnessed, capacities), Reverse(witnessed.since)),
            )?;
        (self.worth(capacity, &best, capacities) > capacity).then_some(best)
    }

    fn worth(&self, capacity: u32, witnessed: &Witnessed, capacities: &Capacities) -> u32 {
        aged(capacity, Some(witnessed), self.at, capacities)
    }

    /// Since when the key is exposed by something that speaks for it now: what was published once and is
    /// gone was perhaps noticed.
    fn exposed_since(&self, claim: &Claim, dossier: &Dossier) -> Option<Time> {
        let address = claim.address().lookup_key();
        let speaks = dossier.evidence.iter().filter(|evidence| {
            evidence.claim == *claim && evidence.period.contains(self.at) && self.rules.admits(&evidence.kind)
        });
        let since = speaks.filter_map(|evidence| ExposureKind::of(&evidence.kind)).filter_map(|kind| {
            let exposures = self.ages.exposures.iter().filter(|exposure| {
                exposure.kind == kind && exposure.key == *claim.key().sha256() && exposure.address == address
            });
            exposures.map(|exposure| exposure.since).min()
        });
        since.min()
    }

    /// Who proves that these bytes were there, and since when.
    fn proofs(&self, bytes: &[u8]) -> Vec<(Time, Witness)> {
        let name = sha256(bytes);
        let own = self.ages.seen.get(&name).map(|since| (*since, Witness::OwnHistory));
        let stamps = self.ages.stamps.get(&name).into_iter().flatten();
        own.into_iter().chain(stamps.filter_map(|stamp| self.stamped(bytes, stamp))).collect()
    }

    /// Whoever is believed by two certificates is one witness: always the first under which a stamp holds.
    fn stamped(&self, bytes: &[u8], stamp: &[u8]) -> Option<(Time, Witness)> {
        let offered: Vec<_> = self.authorities.iter().map(|anchor| anchor.certificate().clone()).collect();
        let stamp = TimeStamp::from_der(stamp, &offered).ok()?;
        self.authorities.iter().find_map(|anchor| {
            let (anchors, none) = (std::slice::from_ref(anchor), RevocationEvidence::default());
            let proven = stamp.verify(bytes, anchors, &none, self.at, &Allowance::of_message()).ok()?;
            let name = anchor.certificate().subject();
            let name = if name.is_empty() { anchor.certificate().fingerprint().to_string() } else { name };
            Some((proven.by, Witness::Independent(name)))
        })
    }
}

/// Everybody who proves that something was there at a moment.
fn with_witnesses(since: Time, proofs: &[(Time, Witness)]) -> Witnessed {
    let earlier = proofs.iter().filter(|(proven, _)| *proven <= since);
    Witnessed { since, witnesses: earlier.map(|(_, witness)| witness.clone()).collect() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::evidence::{Correspondence, Evidence};
    use super::super::points::Profile;
    use super::*;
    use crate::address::EmailAddress;
    use crate::fingerprint::Fingerprint;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);
    const YEAR: i64 = 31_557_600;

    fn ago(years: i64) -> Time {
        NOW.plus_seconds(-years * YEAR)
    }

    fn claim() -> Claim {
        Claim::new(&EmailAddress::of_an_example(), Fingerprint::of_public_key(b"key"))
    }

    fn mail(two_way: bool) -> Dossier {
        let history = Correspondence { two_way, ..Correspondence::first_mail(ago(9)) };
        let evidence = vec![Evidence::new(claim(), Kind::History(history))];
        Dossier { evidence, ..Dossier::default() }
    }

    fn ages(seen: i64, exposed: i64) -> Ages {
        let exposure = Exposure {
            address: claim().address().lookup_key(),
            key: *claim().key().sha256(),
            kind: ExposureKind::TwoWayMail,
            since: ago(exposed),
        };
        let seen = BTreeMap::from([(sha256(b"certificate"), ago(seen))]);
        Ages { seen, exposures: vec![exposure], ..Ages::default() }
    }

    fn since(ages: &Ages, bytes: &[u8], dossier: &Dossier) -> Option<Time> {
        let rules = Rules::of(Profile::Blended);
        let question = AgeQuestion { ages, authorities: &[], rules: &rules, at: NOW };
        question.answer(&claim(), bytes, 40, dossier).map(|witnessed| witnessed.since)
    }

    #[test]
    fn a_certificate_is_as_old_as_the_exposure_of_its_key_and_no_older_than_itself() {
        assert_eq!(since(&ages(4, 4), b"certificate", &mail(true)), Some(ago(4)));
        assert_eq!(since(&ages(4, 2), b"certificate", &mail(true)), Some(ago(2)));
        assert_eq!(since(&ages(2, 4), b"certificate", &mail(true)), Some(ago(2)));
    }

    #[test]
    fn another_certificate_for_the_same_key_is_new() {
        assert_eq!(since(&ages(4, 4), b"another certificate", &mail(true)), None);
    }

    #[test]
    fn what_nobody_could_notice_does_not_age() {
        assert_eq!(since(&ages(4, 4), b"certificate", &mail(false)), None);
        assert_eq!(since(&ages(4, 4), b"certificate", &Dossier::default()), None);
        let never = Ages { exposures: Vec::new(), ..ages(4, 4) };
        assert_eq!(since(&never, b"certificate", &mail(true)), None);
        let other =
            Ages { exposures: vec![Exposure { key: [1; 32], ..ages(4, 4).exposures[0].clone() }], ..never };
        assert_eq!(since(&other, b"certificate", &mail(true)), None);
    }

    #[test]
    fn a_look_up_exposes_a_key_while_it_counts_and_unsigned_dns_never_does() {
        let of = |kind: Kind, word: ExposureKind| {
            let mut ages = ages(4, 4);
            ages.exposures[0].kind = word;
            let evidence = vec![Evidence::new(claim(), kind)];
            since(&ages, b"certificate", &Dossier { evidence, ..Dossier::default() })
        };
        let secure = |secure| Kind::DnsRecord { secure };
        assert_eq!(of(secure(true), ExposureKind::Dnssec), Some(ago(4)));
        assert_eq!(of(secure(false), ExposureKind::Dnssec), None);
        assert_eq!(of(Kind::WebDirectory, ExposureKind::WebDirectory), Some(ago(4)));
        assert_eq!(of(Kind::WebDirectory, ExposureKind::TwoWayMail), None, "another way, and another date");
        // Key servers count only where the person says so.
        assert_eq!(of(Kind::Keyserver { name: "keys".to_owned() }, ExposureKind::Keyserver), None);
    }

    #[test]
    fn of_several_witnesses_those_count_that_give_most() {
        let log = |name: &str| Witness::Independent(name.to_owned());
        let proofs = [(ago(1), Witness::OwnHistory), (ago(4), log("one")), (ago(3), log("two"))];
        let worth = |since: i64| {
            let witnessed = with_witnesses(ago(since), &proofs);
            aged(40, Some(&witnessed), NOW, &Capacities::of(Profile::Either))
        };
        assert_eq!([4, 3, 1].map(worth), [100, 113, 56]);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in ExposureKind::ALL {
            assert_eq!(ExposureKind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(ExposureKind::from_word("dns"), None);
    }
}
