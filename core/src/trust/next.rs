//! What a person could do so that a key reaches the next level, cheapest first.

use super::claim::Claim;
use super::evaluate::evaluate_indexed;
use super::evidence::{
    Anchor, Binding, Chain, Comparison, Correspondence, Dossier, Evidence, Introducer, IntroducerName, Kind,
    Operator, Validation, Vouching,
};
use super::level::Level;
use super::network::Index;
use super::points::{HISTORY_DAYS, HISTORY_MESSAGES, VERIFIED};
use super::rules::Rules;
use crate::time::{DAY, Time};

/// Something that a person could do, from the least effort to the most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Look the key up in the DNS of the address's domain; it counts if DNSSEC proves it.
    LookUpInDns,
    /// Look it up in the directory of the address's domain.
    LookUpInWebDirectory,
    /// Read the fingerprint to each other over video or voice.
    CompareByVideo,
    /// Ask somebody who is relied upon already to vouch for the key.
    AskIntroducer(IntroducerName),
    /// Compare the fingerprint face to face.
    CompareInPerson,
    /// Exchange encrypted mail.
    Correspond {
        /// For so many more days.
        days: u32,
        /// And until so many more mails were verified.
        messages: u32,
    },
    /// Have the contact get a certificate for this key from a public CA.
    Certificate(Validation),
}

/// One act, and what it would lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The act.
    pub act: Act,
    /// Points afterwards.
    pub score: u32,
    /// Level afterwards.
    pub level: Level,
}

/// All single acts that raise the level of a claim, the one of the least effort first; if nobody lies
/// and everything that is looked up is there.
#[must_use]
pub fn next_steps(claim: &Claim, dossier: &Dossier, rules: &Rules, at: Time) -> Vec<Step> {
    let now = evaluate_indexed(claim, &Index::of(dossier), rules, at);
    let mut acts: Vec<(Act, Kind)> = acts(claim, dossier, at);
    acts.sort_by(|(one, _), (other, _)| one.cmp(other));
    let step = |(act, kind): (Act, Kind)| {
        // History is worth what it will be then; everything else as of now.
        let then = match act {
            Act::Correspond { days, .. } => at.plus_days(days.into()),
            _ => at,
        };
        let mut more = dossier.clone();
        // Before the others, so that no limit cuts it off.
        more.evidence.insert(0, Evidence::new(claim.clone(), kind));
        let found = evaluate_indexed(claim, &Index::of(&more), rules, then);
        Step { act, score: found.score, level: found.level }
    };
    let rises = |step: &Step| match now.level {
        // A conflict is no low level: only what resolves it helps.
        Level::Conflict => step.level >= Level::Opportunistic,
        Level::Invalid | Level::None => false,
        level => step.level > level,
    };
    acts.into_iter().map(step).filter(rises).collect()
}

fn acts(claim: &Claim, dossier: &Dossier, at: Time) -> Vec<(Act, Kind)> {
    let own = || dossier.evidence.iter().filter(|evidence| evidence.claim == *claim);
    let mut acts = vec![
        (Act::LookUpInDns, Kind::DnsRecord { secure: true }),
        (Act::LookUpInWebDirectory, Kind::WebDirectory),
        (Act::CompareByVideo, Kind::Pinned(Comparison::ByVideo)),
        (Act::CompareInPerson, Kind::Pinned(Comparison::InPerson)),
    ];
    acts.extend(introducers(dossier).into_iter().map(|introducer| {
        let act = Act::AskIntroducer(introducer.name);
        let vouching = Vouching {
            introducers: vec![introducer],
            amount: VERIFIED,
            binding: Binding::Twin,
            carried: None,
        };
        (act, Kind::Vouched(vouching))
    }));
    let history = own().find_map(|evidence| match &evidence.kind {
        Kind::History(history) => Some(*history),
        _ => None,
    });
    acts.push(correspond(history, at));
    for validation in [Validation::Mailbox, Validation::Individual, Validation::Organisation] {
        acts.push((Act::Certificate(validation), certificate(validation)));
    }
    acts.retain(|(_, kind)| !own().any(|evidence| evidence.kind == *kind));
    acts
}

/// Those on whom the user relies directly, and who are known from other evidence.
fn introducers(dossier: &Dossier) -> Vec<Introducer> {
    let mut found: Vec<Introducer> = Vec::new();
    for evidence in &dossier.evidence {
        let Kind::Vouched(vouching) = &evidence.kind else { continue };
        for introducer in vouching.introducers.iter().take(2) {
            let is_new = !introducer.is_user && !found.iter().any(|known| known.name == introducer.name);
            if is_new && found.len() < SUGGESTED_INTRODUCERS {
                found.push(introducer.clone());
            }
        }
    }
    found
}

/// Introducers that are suggested at most.
const SUGGESTED_INTRODUCERS: usize = 10;

/// Until history is worth the most that it can be.
fn correspond(history: Option<Correspondence>, at: Time) -> (Act, Kind) {
    let history = history.unwrap_or_else(|| Correspondence::first_mail(at));
    let seconds = at.unix_seconds().saturating_sub(history.first_seen.unix_seconds());
    let past = u32::try_from((seconds / DAY).max(0)).unwrap_or(u32::MAX);
    let days = HISTORY_DAYS.saturating_sub(past);
    let messages = HISTORY_MESSAGES.saturating_sub(history.messages);
    let then =
        Correspondence { messages: history.messages.saturating_add(messages), two_way: true, ..history };
    (Act::Correspond { days, messages }, Kind::History(then))
}

/// Of an operator that nothing else comes from.
fn certificate(validation: Validation) -> Kind {
    let operator = Operator::Named(String::new());
    let anchor = Anchor::Public { operator, amount: None };
    Kind::Chain(Chain { anchor, name: String::new(), validation, witnessed: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::EmailAddress;
    use crate::fingerprint::Fingerprint;
    use crate::trust::evidence::KeyRevocation;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    fn claim() -> Claim {
        Claim::new(&EmailAddress::of_an_example(), Fingerprint::of_public_key(b"key"))
    }

    fn steps(kinds: Vec<Kind>) -> Vec<Step> {
        let evidence = kinds.into_iter().map(|kind| Evidence::new(claim(), kind)).collect();
        let dossier = Dossier { evidence, ..Dossier::default() };
        next_steps(&claim(), &dossier, &Rules::default(), NOW)
    }

    fn has(steps: &[Step], act: &Act) -> bool {
        steps.iter().any(|step| step.act == *act)
    }

    #[test]
    fn a_key_from_one_mail_is_looked_up_first() {
        let steps = steps(vec![Kind::History(Correspondence::first_mail(NOW))]);
        assert_eq!(
            steps.first().map(|step| (&step.act, step.level)),
            Some((&Act::LookUpInDns, Level::Checked))
        );
        assert!(steps.is_sorted_by(|one, other| one.act <= other.act));
    }

    #[test]
    fn a_checked_key_is_verified_by_a_call_and_not_by_more_of_the_same() {
        let steps = steps(vec![certificate(Validation::Mailbox)]);
        assert_eq!(steps.first().map(|step| (&step.act, step.score)), Some((&Act::CompareByVideo, 130)));
        assert!(!has(&steps, &Act::LookUpInDns) && !has(&steps, &Act::Certificate(Validation::Mailbox)));
    }

    #[test]
    fn an_introducer_who_is_relied_upon_already_can_be_asked() {
        let name = IntroducerName::Key(Fingerprint::of_public_key(b"carol"));
        let carol = Introducer { name, amount: 120, is_user: false };
        let vouching =
            Vouching { introducers: vec![carol], amount: 120, binding: Binding::Twin, carried: None };
        let other = Claim::new(&EmailAddress::of_an_example(), Fingerprint::of_public_key(b"other"));
        let dossier = Dossier {
            evidence: vec![
                Evidence::new(claim(), certificate(Validation::Mailbox)),
                Evidence::new(other.clone(), Kind::Vouched(vouching)),
            ],
            // The other key is only there to make carol known.
            revocations: vec![KeyRevocation { key: *other.key(), since: None }],
            ..Dossier::default()
        };
        let steps = next_steps(&claim(), &dossier, &Rules::default(), NOW);
        assert!(has(&steps, &Act::AskIntroducer(name)));
    }

    #[test]
    fn ninety_days_of_mail_make_the_second_seal() {
        let steps = steps(vec![certificate(Validation::Organisation)]);
        let act = Act::Correspond { days: 90, messages: 20 };
        assert!(steps.iter().any(|step| step.act == act && step.score == 120));
    }

    #[test]
    fn nothing_helps_a_dead_key() {
        let dossier = Dossier {
            revocations: vec![KeyRevocation { key: *claim().key(), since: None }],
            ..Dossier::default()
        };
        assert!(next_steps(&claim(), &dossier, &Rules::default(), NOW).is_empty());
    }
}
