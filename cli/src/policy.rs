//! The policy in force: the files of the system and of the person (`docs/formats/policy.md`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use counterseal_core::limits::POLICY_BYTES;
use counterseal_core::policy::{Encrypt, Mixed, Policy, PolicyFile, Revocation, SendRow, Sign};
use counterseal_core::trust::evidence;
use counterseal_core::trust::{Anchor, Knowledge, Level};
use counterseal_core::x509::revocation::RevocationDemand;
use counterseal_core::x509::{Certificate, mail_roots};

use crate::failure::Failure;
use crate::places;

/// The administrator's file.
const SYSTEM: &str = "/etc/counterseal/policy.toml";
const FILE: &str = "policy.toml";
/// The name of the list of mail roots in it.
const MAIL_ROOTS: &str = "nss-email";

/// Reads both files, as far as they are there.
pub(crate) fn in_force() -> Result<Policy, Failure> {
    let paths = [PathBuf::from(SYSTEM), places::configuration()?.join(FILE)];
    let files = paths.iter().filter_map(|path| read(path).transpose());
    Ok(Policy::in_force(&files.collect::<Result<Vec<_>, _>>()?))
}

/// Makes knowledge worth what the policy says. Where that requires to know of revocation, no option asks
/// for less.
pub(crate) fn apply(policy: &Policy, knowledge: &mut Knowledge) {
    knowledge.rules = policy.rules.clone();
    if policy.bundle.as_deref() == Some(MAIL_ROOTS) {
        add_mail_roots(knowledge);
    }
    knowledge.anchors.iter_mut().for_each(|anchor| lower(policy, anchor));
    if let Some(public) = &mut knowledge.public_roots {
        let amounts = policy.anchors.iter().filter_map(|row| Some((row.key, row.amount?)));
        public.amounts = amounts.collect();
    }
    if policy.revocation == Revocation::Require {
        knowledge.revocation.demand = RevocationDemand::Required;
    }
}

/// The roots that Mozilla trusts for mail, but those that the person relies on themselves: these
/// count as their own. Nobody who does not ask for them pays for reading them.
fn add_mail_roots(knowledge: &mut Knowledge) {
    let own: Vec<Certificate> =
        knowledge.anchors.iter().map(|anchor| anchor.authority.certificate().clone()).collect();
    let roots = mail_roots::all().filter(|root| !own.contains(&root.certificate));
    knowledge.anchors.extend(roots.map(|root| {
        let operator = root.operator.map_or(evidence::Operator::Unknown, evidence::Operator::Named);
        Anchor::public(root.certificate, root.distrust_after, operator, None)
    }));
}

/// A policy gives a CA an amount; nobody gets more than that.
fn lower(policy: &Policy, anchor: &mut Anchor) {
    let key = anchor.authority.certificate().fingerprint();
    let (evidence::Anchor::Own { amount, .. } | evidence::Anchor::Public { amount, .. }) =
        &mut anchor.standing;
    let row = policy.anchors.iter().find(|row| row.key == *key.sha256());
    if let Some(most) = row.and_then(|row| row.amount) {
        *amount = Some(amount.map_or(most, |own| own.min(most)));
    }
}

fn read(path: &Path) -> Result<Option<PolicyFile>, Failure> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(path.display().to_string(), &error)),
    };
    let wrong = |what: String| Failure::unknown("policy", format!("{}: {what}", path.display()));
    if bytes.len() > POLICY_BYTES {
        return Err(wrong(format!("larger than {POLICY_BYTES} octets")));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
    let file = PolicyFile::parse(&text).map_err(|error| wrong(error.to_string()))?;
    match not_carried_out(&file) {
        None => Ok(Some(file)),
        // Whoever wrote it relies on it.
        Some(key) => Err(wrong(format!("{key} is not carried out by this version")).hint("take it out")),
    }
}

/// A setting that would be a promise nobody keeps.
fn not_carried_out(file: &PolicyFile) -> Option<&'static str> {
    let any_row = |asks: fn(&SendRow) -> bool| file.send.iter().any(asks);
    let settings = [
        (file.read_positive.is_some_and(|level| level != Level::Verified), "read.positive"),
        (any_row(|row| row.encrypt.is_some_and(|value| value != Encrypt::Require)), "send.encrypt"),
        (any_row(|row| row.sign.is_some_and(|value| value != Sign::Yes)), "send.sign"),
        (any_row(|row| row.mixed.is_some_and(|value| value != Mixed::Refuse)), "send.mixed"),
        (any_row(|row| row.accept == Some(Level::Unverified)), "send.accept = \"unverified\""),
        (file.stale == Some(true), "stale = \"allow\""),
        (file.bundle.as_deref().is_some_and(|bundle| bundle != MAIL_ROOTS), "anchors.bundle"),
        (file.anchors.iter().any(|row| !row.domains.is_empty()), "anchors: domains"),
        (!file.roots.is_empty(), "roots"),
    ];
    settings.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, key)| key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn anchors(text: &str, own: &[Certificate]) -> Vec<Anchor> {
        let policy = Policy::in_force(&[PolicyFile::parse(text).unwrap()]);
        let anchors = own.iter().map(|certificate| Anchor::own(certificate.clone(), None)).collect();
        let mut knowledge = Knowledge { anchors, ..Knowledge::default() };
        apply(&policy, &mut knowledge);
        knowledge.anchors
    }

    #[test]
    fn the_mail_roots_count_where_a_policy_asks_for_them_and_each_for_its_operator() {
        assert!(anchors("", &[]).is_empty());
        let bundle = "[anchors]\nbundle = \"nss-email\"\n";
        let roots = anchors(bundle, &[]);
        assert_eq!(roots.len(), mail_roots::all().count());
        let digicert = evidence::Operator::Named("DigiCert".to_owned());
        let is_digicert = |anchor: &&Anchor| matches!(&anchor.standing, evidence::Anchor::Public { operator, amount: None } if *operator == digicert);
        assert!(roots.iter().filter(is_digicert).count() > 5);
        // A root that the person relies on is theirs, and stands there once.
        let own = mail_roots::all().next().unwrap().certificate;
        let with_own = anchors(bundle, std::slice::from_ref(&own));
        assert_eq!(with_own.len(), roots.len());
        assert!(matches!(with_own[0].standing, evidence::Anchor::Own { .. }));
        // And a policy can give any of them less.
        let key = own.fingerprint().sha256().iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let lowered = anchors(&format!("{bundle}\"sha256:{key}\" = {{ amount = 20 }}\n"), &[]);
        let amounts = lowered.iter().filter_map(|anchor| match anchor.standing {
            evidence::Anchor::Public { amount, .. } | evidence::Anchor::Own { amount, .. } => amount,
        });
        assert_eq!(amounts.collect::<Vec<_>>(), [20]);
    }
}
