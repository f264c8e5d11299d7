//! What several authentic sources say of one certificate, taken together.

use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::revocation::{
    CertificateStatus, Reasons, Revocation, RevocationList, RevocationReason, RevocationStatus,
    SingleResponse, UnknownBecause, UnusableList,
};

/// The sources for one certificate.
#[derive(Default)]
pub(super) struct Account<'a> {
    /// Lists that are authentic, and the reasons of which each speaks for the certificate.
    pub(super) lists: Vec<(&'a RevocationList, Reasons)>,
    /// What authentic responses say of it.
    pub(super) responses: Vec<&'a SingleResponse>,
    silence: Option<UnknownBecause>,
}

/// What one source, or a list with its delta list, says.
struct Saying {
    revocation: Option<Revocation>,
    /// Of which its silence speaks.
    reasons: Reasons,
    /// Whether it is from before the certificate expired, or keeps what did.
    is_in_time: bool,
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
        let (useful, late): (Vec<&Saying>, Vec<&Saying>) =
            sayings.iter().filter(|saying| !saying.reasons.is_empty()).partition(|saying| saying.is_in_time);
        if useful.is_empty() && !late.is_empty() {
            self.is_silent(UnknownBecause::TooLate);
        }
        let is_current = |saying: &&Saying| saying.next_update.is_some_and(|next| at <= next);
        let (current, overdue): (Vec<&Saying>, Vec<&Saying>) = useful.into_iter().partition(is_current);
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

    /// What each response says, each list, and each delta list together with each list that it
    /// changes.
    fn sayings(&mut self, certificate: &Certificate) -> Vec<Saying> {
        let not_after = certificate.not_after();
        let mut sayings = Vec::new();
        for response in std::mem::take(&mut self.responses) {
            match response.status {
                CertificateStatus::Unknown => self.is_silent(UnknownBecause::NotKnownToResponder),
                CertificateStatus::Good => sayings.push(Saying::of_response(response, None, not_after)),
                CertificateStatus::Revoked(revocation) => {
                    sayings.push(Saying::of_response(response, Some(revocation), not_after));
                }
            }
        }
        let lists = std::mem::take(&mut self.lists);
        for (list, reasons) in &lists {
            let entry = list.entry(certificate);
            let ends_hold = entry.is_some_and(|entry| entry.reason == RevocationReason::RemoveFromCrl);
            let revocation = entry.filter(|_| !ends_hold);
            let saying = |reasons| Saying {
                revocation,
                reasons,
                is_in_time: list.this_update() <= not_after || list.keeps_expired(not_after),
                this_update: list.this_update(),
                next_update: list.next_update(),
                ends_hold,
            };
            if !list.is_delta() {
                let saying = saying(*reasons);
                let is_over = entry.is_none() && reasons.is_all() && saying.is_in_time;
                sayings.push(Saying { ends_hold: is_over, ..saying });
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
    fn of_response(response: &SingleResponse, revocation: Option<Revocation>, not_after: Time) -> Self {
        let keeps = response.keeps_since.is_some_and(|since| since <= not_after);
        let is_in_time = response.this_update <= not_after || keeps;
        Self {
            revocation,
            reasons: Reasons::ALL,
            is_in_time,
            this_update: response.this_update,
            next_update: response.next_update,
            ends_hold: revocation.is_none() && is_in_time,
        }
    }

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
