//! The least that the person can do for a key to be believed further.

use super::Conflict;
use super::claim::Claim;
use super::evaluate::{Evaluation, evaluate};
use super::evidence::{Comparison, Correspondence, Dossier, Evidence, Kind};
use super::level::Level;
use super::points::{HISTORY_DAYS, HISTORY_MESSAGES};
use super::rules::Rules;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::time::{DAY, Time};

/// Something that the person can do, from the least trouble to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// To go on writing: [`HISTORY_MESSAGES`] mails that are answered, over [`HISTORY_DAYS`] days.
    Correspond,
    /// To compare the fingerprint where the owner's voice or face is known.
    CompareByVideo,
    /// To compare it face to face.
    CompareInPerson,
    /// To certify the key with one's own OpenPGP certificate.
    Certify,
}

impl Deed {
    /// All deeds, the least trouble first.
    pub const ALL: [Self; 4] = [Self::Correspond, Self::CompareByVideo, Self::CompareInPerson, Self::Certify];

    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Correspond => "correspond",
            Self::CompareByVideo => "compare-by-video",
            Self::CompareInPerson => "compare-in-person",
            Self::Certify => "certify",
        }
    }
}

/// What to do, and what would come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do.
    pub deed: Deed,
    /// The key that it is about: the personal CA's, where one is known to stand above the key.
    pub key: Fingerprint,
    /// The key that was compared before, which this one would take the place of.
    pub replaces: Option<Fingerprint>,
    /// Points of the claim after that.
    pub score: u32,
    /// Word for the points.
    pub level: Level,
}

/// Of the deeds that would be counted, the first that brings a claim to a higher level. There is none
/// for a key that is revoked, for one that nothing raises further, and where the rules count nothing
/// that a person can do.
#[must_use]
pub fn advise(evaluation: &Evaluation, dossier: &Dossier, rules: &Rules, deeds: &[Deed]) -> Option<Advice> {
    if evaluation.level == Level::Invalid {
        return None;
    }
    let is_done = |deed: &Deed| match deed {
        // A second look at the same fingerprint says nothing new.
        Deed::CompareByVideo | Deed::CompareInPerson => evaluation.is_pinned,
        Deed::Correspond | Deed::Certify => false,
    };
    deeds.iter().copied().filter(|deed| !is_done(deed)).find_map(|deed| {
        let advice = outcome(deed, evaluation, dossier, rules);
        (advice.level > evaluation.level).then_some(advice)
    })
}

fn outcome(deed: Deed, evaluation: &Evaluation, dossier: &Dossier, rules: &Rules) -> Advice {
    let (claim, at) = (&evaluation.claim, evaluation.at);
    let replaces = match (deed, evaluation.conflict) {
        (Deed::CompareByVideo | Deed::CompareInPerson, Some(Conflict::Pin { pinned, .. })) => Some(pinned),
        _ => None,
    };
    let mut after = dossier.clone();
    after.evidence.retain(|evidence| {
        let is_pin = matches!(evidence.kind, Kind::Pinned(_)) && evidence.claim.address() == claim.address();
        !(is_pin && Some(*evidence.claim.key()) == replaces)
    });
    let key = key_to_compare(claim, dossier);
    let about = match deed {
        // Mail with any key of a person is mail with that person: it counts once.
        Deed::Correspond => {
            let family = [*claim.key(), key].map(|key| claim.with_key(key));
            after.evidence.retain(|evidence| {
                !(matches!(evidence.kind, Kind::History(_)) && family.contains(&evidence.claim))
            });
            claim.with_key(key)
        }
        Deed::CompareByVideo | Deed::CompareInPerson | Deed::Certify => claim.clone(),
    };
    // The person's own comes first: it must not be what a limit cuts off.
    after.evidence.insert(0, Evidence::new(about, kind(deed, claim, at)));
    let then = evaluate(claim, &after, rules, at);
    Advice { deed, key, replaces, score: then.score, level: then.level }
}

/// The evidence that comes of a deed.
fn kind(deed: Deed, claim: &Claim, at: Time) -> Kind {
    match deed {
        Deed::Correspond => Kind::History(Correspondence {
            first_seen: at.plus_seconds(-i64::from(HISTORY_DAYS) * DAY),
            messages: HISTORY_MESSAGES,
            two_way: true,
            taken_by_hand: false,
        }),
        Deed::CompareByVideo => Kind::Pinned(Comparison::ByVideo),
        Deed::CompareInPerson => Kind::Pinned(Comparison::InPerson),
        // Whose certificate it would be changes nothing of what it is worth.
        Deed::Certify => Kind::CertifiedByUser {
            root: OpenPgpFingerprint::Version6(*claim.key().sha256()),
            binding: super::evidence::Binding::Twin,
        },
    }
}

/// What people compare: the personal CA above the key, so that later keys need no comparison.
fn key_to_compare(claim: &Claim, dossier: &Dossier) -> Fingerprint {
    let own = dossier.evidence.iter().filter(|evidence| evidence.claim == *claim);
    let authority = own.filter_map(|evidence| match &evidence.kind {
        Kind::IssuedBy { authority } => Some(*authority),
        _ => None,
    });
    authority.min().unwrap_or(*claim.key())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::evidence::{Anchor, Chain, Operator, Validation};
    use super::super::points::Profile;
    use super::*;
    use crate::address::EmailAddress;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn claim() -> Claim {
        Claim::new(&EmailAddress::of_an_example(), Fingerprint::of_public_key(b"new"))
    }

    fn history(days: i64) -> Evidence {
        Evidence::new(claim(), Kind::History(Correspondence::first_mail(NOW.plus_seconds(-days * DAY))))
    }

    fn chain() -> Evidence {
        let operator = Operator::Named("X".to_owned());
        let anchor = Anchor::Public { operator, amount: None };
        let chain =
            Chain { anchor, name: "X".to_owned(), validation: Validation::Organisation, witnessed: None };
        Evidence::new(claim(), Kind::Chain(chain))
    }

    fn advice(evidence: Vec<Evidence>, profile: Profile) -> Option<(Deed, Level)> {
        let dossier = Dossier { evidence, ..Dossier::default() };
        let rules = Rules::of(profile);
        let evaluation = evaluate(&claim(), &dossier, &rules, NOW);
        advise(&evaluation, &dossier, &rules, &Deed::ALL).map(|advice| (advice.deed, advice.level))
    }

    #[test]
    fn going_on_writing_suffices_where_history_is_all_that_is_missing() {
        assert_eq!(advice(vec![history(0)], Profile::Blended), Some((Deed::Correspond, Level::Checked)));
        assert_eq!(advice(vec![chain()], Profile::Blended), Some((Deed::Correspond, Level::Verified)));
    }

    #[test]
    fn the_person_is_asked_to_compare_where_time_alone_does_not_help() {
        assert_eq!(advice(vec![chain()], Profile::Hardened), Some((Deed::CompareByVideo, Level::Verified)));
        assert_eq!(advice(vec![], Profile::PinOnly), Some((Deed::CompareByVideo, Level::Checked)));
        assert_eq!(advice(vec![], Profile::WotOnly), Some((Deed::Certify, Level::Verified)));
    }

    #[test]
    fn nothing_helps_where_the_rules_count_no_deed() {
        assert_eq!(advice(vec![history(0)], Profile::CaOnly), None);
    }

    #[test]
    fn a_key_that_contradicts_a_pin_is_to_be_compared_in_its_place() {
        let old = Fingerprint::of_public_key(b"old");
        let pin = Evidence::new(claim().with_key(old), Kind::Pinned(Comparison::InPerson));
        let dossier = Dossier { evidence: vec![pin, history(0)], ..Dossier::default() };
        let rules = Rules::default();
        let evaluation = evaluate(&claim(), &dossier, &rules, NOW);
        assert_eq!(evaluation.level, Level::Conflict);
        let advice = advise(&evaluation, &dossier, &rules, &Deed::ALL).unwrap();
        assert_eq!((advice.deed, advice.replaces), (Deed::CompareByVideo, Some(old)));
        assert!(advice.level >= Level::Checked);
    }

    #[test]
    fn nobody_is_asked_to_compare_twice() {
        let pin = Evidence::new(claim(), Kind::Pinned(Comparison::InPerson));
        assert_eq!(advice(vec![pin], Profile::PinOnly), None);
    }

    #[test]
    fn what_is_compared_is_the_personal_ca() {
        let authority = Fingerprint::of_public_key(b"authority");
        let issued = Evidence::new(claim(), Kind::IssuedBy { authority });
        let dossier = Dossier { evidence: vec![issued, history(0)], ..Dossier::default() };
        let evaluation = evaluate(&claim(), &dossier, &Rules::default(), NOW);
        assert_eq!(advise(&evaluation, &dossier, &Rules::default(), &Deed::ALL).unwrap().key, authority);
    }
}
