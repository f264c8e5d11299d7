//! The policy in force: the files of the system and of the person (`docs/formats/policy.md`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use counterseal_core::limits::POLICY_BYTES;
use counterseal_core::policy::{Encrypt, Mixed, Policy, PolicyFile, Revocation, SendRow, Sign};
use counterseal_core::trust::evidence;
use counterseal_core::trust::{Anchor, Knowledge, Level};
use counterseal_core::x509::revocation::RevocationDemand;

use crate::failure::Failure;
use crate::places;

/// The administrator's file.
const SYSTEM: &str = "/etc/counterseal/policy.toml";
const FILE: &str = "policy.toml";
/// The name of the list of mail roots in it, and of no list.
const MAIL_ROOTS: &str = "nss-email";
const NO_ROOTS: &str = "none";

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
    match policy.bundle.as_deref() {
        // Whoever names the list wants it where single anchors were given, too.
        Some(MAIL_ROOTS) => drop(knowledge.public_roots.get_or_insert_default()),
        Some(_) => knowledge.public_roots = None,
        None => {}
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

/// A policy gives a CA an amount; nobody gets more than that.
fn lower(policy: &Policy, anchor: &mut Anchor) {
    let evidence::Anchor::Own { authority, amount } = &mut anchor.standing else { return };
    let row = policy.anchors.iter().find(|row| row.key == *authority.sha256());
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
        (
            file.bundle.as_deref().is_some_and(|bundle| bundle != MAIL_ROOTS && bundle != NO_ROOTS),
            "anchors.bundle",
        ),
        (file.anchors.iter().any(|row| !row.domains.is_empty()), "anchors: domains"),
        (!file.roots.is_empty(), "roots"),
    ];
    settings.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, key)| key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::trust::PublicRoots;

    use super::*;

    /// What is left of the public roots by a policy.
    fn public_roots(text: &str, before: Option<PublicRoots>) -> Option<PublicRoots> {
        let policy = Policy::in_force(&[PolicyFile::parse(text).unwrap()]);
        let mut knowledge = Knowledge { public_roots: before, ..Knowledge::default() };
        apply(&policy, &mut knowledge);
        knowledge.public_roots
    }

    #[test]
    fn the_mail_roots_count_unless_single_anchors_were_given_or_the_policy_names_no_list() {
        let all = || Some(PublicRoots::default());
        assert!(public_roots("", all()).is_some() && public_roots("", None).is_none());
        let bundle = "[anchors]\nbundle = \"nss-email\"\n";
        assert!(public_roots(bundle, None).is_some());
        assert!(public_roots("[anchors]\nbundle = \"none\"\n", all()).is_none());
        let key = "07".repeat(32);
        let lowered = public_roots(&format!("{bundle}\"sha256:{key}\" = {{ amount = 20 }}\n"), None);
        assert_eq!(lowered.unwrap().amounts, [([7; 32], 20)].into());
    }
}
