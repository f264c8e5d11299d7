//! What several authentic sources say of one certificate, taken together.

use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::revocation::{
    Reasons, Revocation, RevocationList, RevocationReason, RevocationStatus, UnknownBecause, UnusableList,
};

/// The sources for one certificate.
#[derive(Default)]
pub(super) struct Account<'a> {
    /// Lists that are authentic, and the reasons of which each speaks for the certificate.
    pub(super) lists: Vec<(&'a RevocationList, Reasons)>,
    silence: Option<UnknownBecause>,
}

/// What one source, or a list with its delta list, says.
struct Saying {
    revocation: Option<Revocation>,
    /// Of which its silence speaks.
    reasons: Reasons,
    this_update: Time,
    next_update: Option<Time>,
    /// Whether it says that a hold is over.
    ends_hold: bool,
}

impl<'a> Account<'a> {
    /// A source of which nothing can be learned.
    pub(super) fn is_silent(&mut self, because: UnknownBecause) {
        self.silence.get_or_insert(because);
    }

    /// The status at that moment, or the revocation.
    pub(super) fn settle(
        mut self,
        certificate: &Certificate,
        at: Time,
    ) -> Result<RevocationStatus, Revocation> {
        let sayings = self.sayings(certificate);
        let revocations = sayings.iter().filter_map(|saying| saying.in_force(at, &sayings));
        if let Some(revocation) = revocations.min_by_key(|revocation| revocation.when) {
            return Err(revocation);
        }
        let sayings: Vec<Saying> = sayings.into_iter().filter(|saying| !saying.reasons.is_empty()).collect();
        let in_time = |saying: &&Saying| saying.this_update <= certificate.not_after();
        if !sayings.is_empty() && !sayings.iter().any(|saying| in_time(&saying)) {
            self.is_silent(UnknownBecause::TooLate);
        }
        let (current, overdue): (Vec<&Saying>, Vec<&Saying>) = sayings
            .iter()
            .filter(in_time)
            .partition(|saying| saying.next_update.is_some_and(|next| at <= next));
        if let Some((this_update, Some(next_update))) = whole(&current) {
            return Ok(RevocationStatus::Good { this_update, next_update });
        }
        if let Some((this_update, next_update)) = whole(&[current.as_slice(), overdue.as_slice()].concat()) {
            return Ok(RevocationStatus::Stale { this_update, next_update });
        }
        if !(current.is_empty() && overdue.is_empty()) {
            self.is_silent(UnknownBecause::OutOfScope);
        }
        Ok(RevocationStatus::Unknown(self.silence.unwrap_or(UnknownBecause::NoList)))
    }

    /// What each list says, and each delta list together with each list that it changes.
    fn sayings(&mut self, certificate: &Certificate) -> Vec<Saying> {
        let mut sayings = Vec::new();
        let lists = std::mem::take(&mut self.lists);
        for (list, reasons) in &lists {
            let entry = list.entry(certificate);
            let ends_hold = entry.is_some_and(|entry| entry.reason == RevocationReason::RemoveFromCrl);
            let revocation = entry.filter(|_| !ends_hold);
            let saying = |reasons| Saying {
                revocation,
                reasons,
                this_update: list.this_update(),
                next_update: list.next_update(),
                ends_hold,
            };
            if !list.is_delta() {
                let is_over = reasons.is_all() && list.this_update() <= certificate.not_after();
                sayings.push(Saying { ends_hold: entry.is_none() && is_over, ..saying(*reasons) });
                continue;
            }
            sayings.push(saying(Reasons::NONE));
            let bases = lists.iter().filter(|(base, _)| list.updates(base));
            let before = sayings.len();
            sayings.extend(bases.map(|(_, reasons)| saying(*reasons)));
            if sayings.len() == before {
                self.is_silent(UnknownBecause::Unusable(UnusableList::Delta));
            }
        }
        sayings
    }
}

impl Saying {
    /// The revocation of which it tells, if it had happened by then; as of a moment before, it had
    /// not. A hold is over where something newer says so.
    fn in_force(&self, at: Time, others: &[Self]) -> Option<Revocation> {
        let revocation = self.revocation.filter(|revocation| revocation.when <= at)?;
        let ends = |other: &Self| other.ends_hold && other.this_update > self.this_update;
        let is_over = revocation.reason == RevocationReason::CertificateHold && others.iter().any(ends);
        (!is_over).then_some(revocation)
    }
}

/// The dates of the newest source whose silence speaks of all reasons, or else of several that
/// together do: then of the oldest of them.
fn whole(sayings: &[&Saying]) -> Option<(Time, Option<Time>)> {
    let newest =
        sayings.iter().filter(|saying| saying.reasons.is_all()).max_by_key(|saying| saying.this_update);
    if let Some(newest) = newest {
        return Some((newest.this_update, newest.next_update));
    }
    let reasons = sayings.iter().fold(Reasons::NONE, |reasons, saying| reasons.or(saying.reasons));
    let next_update = sayings.iter().map(|saying| saying.next_update).min().flatten();
    let this_update = sayings.iter().map(|saying| saying.this_update).min().filter(|_| reasons.is_all())?;
    Some((this_update, next_update))
}
