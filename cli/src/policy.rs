//! The policy in force: the files of the system, of the person, and for their contacts
//! (`docs/formats/policy.md`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterseal_core::limits::{MAIL_ROOTS_BYTES, POLICY_BYTES, REVOCATION_SECONDS_READING};
use counterseal_core::message::Accept;
use counterseal_core::openpgp::{FULL, Reliances, Root};
use counterseal_core::policy::{
    AnchorRow, Bundle, Encrypt, Mixed, Policy, PolicyError, PolicyFile, Revocation, RootRow, SendRow, Sign,
    common_domains,
};
use counterseal_core::trust::evidence;
use counterseal_core::trust::{Anchor, Knowledge, Level, RootLimits};
use counterseal_core::x509::mail_roots::{self, MailRoot};
use counterseal_core::x509::revocation::RevocationDemand;

use crate::failure::Failure;
use crate::files::{read_file, read_settings, write_file};
use crate::places;
use crate::revocation;
use crate::token::check_settings;

/// The administrator's file.
const SYSTEM: &str = "/etc/counterseal/policy.toml";
const FILE: &str = "policy.toml";
/// A row for everybody.
const ALL: &str = "[[send]]\naddress = \"*\"\n";
/// What the person said for single contacts.
const CONTACTS: &str = "contacts.toml";

/// Where the person's own file is.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    Ok(places::configuration()?.join(FILE))
}

/// Reads all files, as far as they are there.
pub(crate) fn in_force() -> Result<Policy, Failure> {
    let own = places::configuration()?;
    let paths = [PathBuf::from(SYSTEM), own.join(FILE), own.join(CONTACTS)];
    let files = paths.iter().filter_map(|path| read(path).transpose());
    Ok(Policy::in_force(&files.collect::<Result<Vec<_>, _>>()?))
}

/// What holds for mail that the machine sends for somebody. What is built in counts as the administrator's word, so that
/// the rows of a user only make it stricter; nothing else of a user's files counts.
pub(crate) fn of_machine() -> Result<Policy, Failure> {
    let mut files = vec![of_administrator_whole()?];
    let own = places::configuration().ok();
    let own = own.iter().flat_map(|own| [own.join(FILE), own.join(CONTACTS)]);
    // Where others write, as in a home that is /tmp, nothing is the user's own.
    for path in own.filter(|path| check_settings(path).is_ok()) {
        let send = read(&path)?.unwrap_or_default().send;
        files.push(PolicyFile { send, ..PolicyFile::default() });
    }
    Ok(Policy::in_force(&files))
}

/// The administrator's file with every row complete. A machine has no key, so nothing is signed unless a row asks for
/// that; then it is refused.
fn of_administrator_whole() -> Result<PolicyFile, Failure> {
    let mut file = read(Path::new(SYSTEM))?.unwrap_or_default();
    let rest = PolicyFile::parse(ALL).map_err(|error| Failure::unknown("policy", error.to_string()))?;
    file.send.extend(rest.send);
    for row in &mut file.send {
        row.encrypt.get_or_insert(Encrypt::Require);
        row.accept.get_or_insert(Level::Opportunistic);
        row.sign.get_or_insert(Sign::No);
        row.mixed.get_or_insert(Mixed::Refuse);
    }
    Ok(file)
}

/// What the administrator says alone.
pub(crate) fn of_administrator() -> Result<Policy, Failure> {
    Ok(Policy::in_force(&[read(Path::new(SYSTEM))?.unwrap_or_default()]))
}

/// What the person said for single contacts.
pub(crate) fn contacts() -> Result<Vec<SendRow>, Failure> {
    let path = places::configuration()?.join(CONTACTS);
    let file = read(&path)?.unwrap_or_default();
    // It is written anew with every change, and nothing that somebody wrote into it may be lost.
    if file != (PolicyFile { send: file.send.clone(), ..PolicyFile::default() }) {
        return Err(Failure::unknown("policy", format!("{}: more than [[send]] rows", path.display()))
            .hint("put other settings into policy.toml"));
    }
    Ok(file.send)
}

/// Keeps what the person said for single contacts.
pub(crate) fn keep_contacts(rows: &[SendRow]) -> Result<(), Failure> {
    const HEAD: &str =
        "# What holds for mail to single contacts. `cseal trust policy set` writes this file.\n";
    let directory = places::configuration()?;
    let rows: String = rows.iter().map(|row| format!("\n[[send]]\n{row}")).collect();
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    write_file(&directory.join(CONTACTS), format!("{HEAD}{rows}").as_bytes(), true)
}

/// From which evidence on a signature has a mark, and `verify` answers yes.
pub(crate) fn positive(policy: &Policy) -> Accept {
    match policy.read_positive {
        Level::Strong => Accept::Strong,
        Level::Checked => Accept::Checked,
        _ => Accept::Verified,
    }
}

/// Makes knowledge worth what the policy says. Where that requires to know of revocation, no option asks
/// for less.
pub(crate) fn apply(policy: &Policy, knowledge: &mut Knowledge) -> Result<(), Failure> {
    knowledge.rules = policy.rules.clone();
    match &policy.bundle {
        // Whoever names the list wants it where single anchors were given, too.
        Some(Bundle::MailRoots) => drop(knowledge.public_roots.get_or_insert_default()),
        Some(Bundle::File(path)) => {
            knowledge.public_roots.get_or_insert_default().list = Some(Arc::new(root_list(path)?));
        }
        Some(Bundle::None) => knowledge.public_roots = None,
        None => {}
    }
    knowledge.anchors.iter_mut().for_each(|anchor| limit(policy, anchor));
    if let Some(public) = &mut knowledge.public_roots {
        let limits = |row: &AnchorRow| RootLimits { amount: row.amount, domains: row.domains.clone() };
        public.limits = policy.anchors.iter().map(|row| (row.key, limits(row))).collect();
    }
    if let Some(openpgp) = &mut knowledge.openpgp {
        let openpgp = Arc::make_mut(openpgp);
        let reliances = std::mem::take(&mut openpgp.reliances);
        openpgp.reliances = policy.roots.iter().fold(reliances, rely);
    }
    if policy.revocation == Revocation::Require {
        knowledge.revocation.demand = RevocationDemand::Required;
    }
    knowledge.revocation.lists.extend(revocation::kept(policy));
    knowledge.revocation.grace_days = policy.grace_offline_days;
    knowledge.revocation.source = revocation::source(policy, REVOCATION_SECONDS_READING);
    Ok(())
}

/// The roots of a file that a policy names. Without it, others would be trusted than the policy says.
fn root_list(path: &str) -> Result<Vec<MailRoot>, Failure> {
    let bytes = read_file(Path::new(path), MAIL_ROOTS_BYTES)?;
    let wrong = |what: String| Failure::unknown("policy", format!("{path}: {what}"));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not UTF-8".to_owned()))?;
    mail_roots::read(text).map_err(|error| wrong(error.to_string()))
}

/// A policy gives a CA an amount and mail domains; nobody gets more than that.
fn limit(policy: &Policy, anchor: &mut Anchor) {
    let evidence::Anchor::Own { authority, amount } = &mut anchor.standing else { return };
    let Some(row) = policy.anchors.iter().find(|row| row.key == *authority.sha256()) else { return };
    if let Some(most) = row.amount {
        *amount = Some(amount.map_or(most, |own| own.min(most)));
    }
    anchor.domains = common_domains(std::mem::take(&mut anchor.domains), &row.domains);
}

/// Relies on whom a policy names, and no further where the person relies on them already.
fn rely(reliances: Reliances, row: &RootRow) -> Reliances {
    let most = row.amount.map_or(FULL, |amount| u8::try_from(amount).unwrap_or(FULL).min(FULL));
    let deepest = row.depth.and_then(|depth| u8::try_from(depth).ok());
    let root = match reliances.root(&row.certificate) {
        Some(own) => Root {
            amount: own.amount.min(most),
            depth: own.depth.into_iter().chain(deepest).min(),
            domains: common_domains(own.domains.clone(), &row.domains),
        },
        None => Root { amount: most, depth: deepest, domains: row.domains.clone() },
    };
    reliances.with_limited_root(row.certificate, root)
}

fn read(path: &Path) -> Result<Option<PolicyFile>, Failure> {
    let Some(text) = read_settings(path, POLICY_BYTES, "policy")? else { return Ok(None) };
    let wrong = |error: PolicyError| {
        Failure::unknown("policy", format!("{}: {error}", path.display()))
            .hint("every key with its values: man counterseal-policy, or docs/formats/policy.md")
    };
    PolicyFile::parse(&text).map(Some).map_err(wrong)
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
        apply(&policy, &mut knowledge).unwrap();
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
        let lowered = public_roots(
            &format!("{bundle}\"sha256:{key}\" = {{ amount = 20, domains = [\"Example.org\"] }}\n"),
            None,
        );
        let limits = RootLimits { amount: Some(20), domains: vec!["example.org".to_owned()] };
        assert_eq!(lowered.unwrap().limits, [([7; 32], limits)].into());
    }
}
