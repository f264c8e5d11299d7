//! Whether servers must use TLS on the way to recipients: MTA-STS and DANE. What cseal encrypts stays encrypted either way;
//! this is about who can see that there is mail, and who it is for.

use std::collections::BTreeSet;
use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{StsMode, StsPolicy};
use counterseal_core::limits::DELIVERY_DOMAINS;
use counterseal_core::policy::Network;
use counterseal_core::time::DAY;

use super::finding::Finding;
use crate::args;
use crate::failure::Failure;
use crate::lookup::{self, Dane, Delivery, Exchanger, Sts, Trouble};
use crate::policy;
use crate::store::{Store, TrustKind};

/// The domains that are to be asked: those that are named; else those of contacts, where the policy lets cseal ask by
/// itself. Nothing where nobody is asked.
pub(super) fn domains(arguments: &args::Doctor, directory: &Path) -> Result<Option<Vec<String>>, Failure> {
    let offline = lookup::is_forbidden();
    // What is wrong with the policy is one of the things that doctor looks at.
    let network = policy::in_force().map_or(Network::Never, |policy| policy.network);
    if !arguments.domain.is_empty() {
        if offline || network == Network::Never {
            return Err(Failure::unknown(
                "offline",
                "nothing is asked of the network: --offline, or the policy",
            ));
        }
        return arguments.domain.iter().map(|typed| domain(typed)).collect::<Result<_, _>>().map(Some);
    }
    if offline || network != Network::Always {
        return Ok(None);
    }
    Ok(Some(of_contacts(directory)))
}

fn domain(typed: &str) -> Result<String, Failure> {
    let typed = typed.strip_suffix('.').unwrap_or(typed);
    let address = EmailAddress::parse(&format!("postmaster@{typed}"));
    let domain = address.map(|address| address.domain().to_owned()).ok();
    let domain = domain.filter(|domain| !domain.starts_with('['));
    domain.ok_or_else(|| Failure::usage(format!("{typed:?} is no domain")))
}

fn of_contacts(directory: &Path) -> Vec<String> {
    // Whatever is wrong with the store is said where the store is looked at.
    let rows = Store::open(directory).and_then(|store| store.trust_rows()).unwrap_or_default();
    let others = rows.iter().filter(|row| row.kind != TrustKind::Own);
    let addresses = others.filter_map(|row| EmailAddress::parse(&row.address).ok());
    let domains: BTreeSet<String> = addresses.map(|address| address.domain().to_owned()).collect();
    domains.into_iter().filter(|domain| !domain.starts_with('[')).take(DELIVERY_DOMAINS).collect()
}

/// Asks about each.
pub(super) fn of(domains: &[String]) -> Vec<Finding> {
    let how = match policy::in_force() {
        Ok(policy) => policy.lookups,
        Err(failure) => return vec![Finding::from(failure)],
    };
    domains.iter().flat_map(|domain| findings(&lookup::delivery(domain, &how))).collect()
}

fn findings(delivery: &Delivery) -> Vec<Finding> {
    let domain = &delivery.domain;
    match &delivery.exchangers {
        Err(trouble) => vec![failed(domain, "its mail exchangers", trouble), sts(delivery, &[])],
        Ok(exchangers) => {
            let mut findings = vec![sts(delivery, exchangers)];
            findings.extend(dane(domain, exchangers));
            findings
        }
    }
}

fn failed(domain: &str, what: &str, trouble: &Trouble) -> Finding {
    let message = format!("{domain}: {what}: {}", trouble.message);
    if trouble.word == "dnssec-bogus" {
        return Finding::warning(trouble.word, message)
            .hint("nothing of the answer was used; ask again from another network");
    }
    Finding::note(trouble.word, message)
}

fn sts(delivery: &Delivery, exchangers: &[Exchanger]) -> Finding {
    let domain = &delivery.domain;
    match &delivery.sts {
        Sts::Nothing => Finding::note(
            "no-mta-sts",
            format!("{domain}: no MTA-STS: a server on the way may send without TLS"),
        ),
        Sts::Failed(trouble) => failed(domain, "MTA-STS", trouble),
        Sts::Policy(policy) => of_policy(domain, policy, exchangers),
    }
}

fn of_policy(domain: &str, policy: &StsPolicy, exchangers: &[Exchanger]) -> Finding {
    let outside: Vec<&str> =
        exchangers.iter().map(|one| one.host.as_str()).filter(|host| !policy.allows(host)).collect();
    let days = i64::from(policy.max_age) / DAY;
    match policy.mode {
        StsMode::Enforce if outside.is_empty() => Finding::note(
            "mta-sts",
            format!(
                "{domain}: MTA-STS is enforced (for {days} days): servers send only with TLS, to the hosts of its policy"
            ),
        ),
        StsMode::Enforce => Finding::note(
            "mta-sts",
            format!(
                "{domain}: MTA-STS is enforced, and its policy does not allow {}: mail to it fails there",
                outside.join(", ")
            ),
        ),
        StsMode::Testing => Finding::note(
            "mta-sts-testing",
            format!(
                "{domain}: MTA-STS is only tested: servers send without TLS where it fails, and report that"
            ),
        ),
        StsMode::None => Finding::note(
            "no-mta-sts",
            format!("{domain}: its MTA-STS policy says that there is none any more"),
        ),
    }
}

fn dane(domain: &str, exchangers: &[Exchanger]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for Exchanger { host, dane } in exchangers {
        match dane {
            Dane::Proven => with.push(host.as_str()),
            Dane::Unsigned | Dane::Nothing => without.push(host.as_str()),
            Dane::Failed(trouble) => findings.push(failed(domain, &format!("DANE of {host}"), trouble)),
        }
    }
    if !with.is_empty() {
        let rest =
            if without.is_empty() { String::new() } else { format!(", not for {}", without.join(", ")) };
        let hosts = with.join(", ");
        findings.push(Finding::note(
            "dane",
            format!("{domain}: DANE for {hosts}{rest}: the DNS proves the key that a server must show"),
        ));
    } else if !without.is_empty() {
        findings.push(Finding::note(
            "no-dane",
            format!("{domain}: no DANE: the DNS proves no key of {}", without.join(", ")),
        ));
    } else if exchangers.is_empty() {
        findings.push(Finding::note(
            "no-exchanger",
            format!("{domain}: the DNS names no server that takes its mail"),
        ));
    }
    findings
}
