//! Asking a domain how it wants to be delivered to: MTA-STS and DANE.

use std::time::Duration;

use counterseal_core::discovery::{StsPolicy, TlsaUse, sts_record_name, sts_url, tlsa_name, tlsa_use};
use counterseal_core::limits;
use counterseal_core::policy::LookupSources;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::http::{Fetched, Reach, Web};
use super::servers::{resolver, texts};
use super::{Trouble, dns};

/// What a domain says.
pub(crate) struct Delivery {
    pub(crate) domain: String,
    /// Its mail exchangers, and whether DNSSEC proves who they are.
    pub(crate) exchangers: Result<Vec<Exchanger>, Trouble>,
    pub(crate) sts: Sts,
}

/// One mail exchanger.
pub(crate) struct Exchanger {
    pub(crate) host: String,
    pub(crate) dane: Dane,
}

/// Whether senders can know the key of a mail exchanger.
pub(crate) enum Dane {
    /// Records that DNSSEC proves, with a meaning in SMTP.
    Proven,
    /// The domain, or the host, does not sign: records count for nothing (RFC 7672, section 2.2).
    Unsigned,
    /// It signs, and there are none that could be used.
    Nothing,
    /// The signatures do not hold, or nobody answers.
    Failed(Trouble),
}

/// What MTA-STS says.
pub(crate) enum Sts {
    Policy(StsPolicy),
    /// No record announces a policy.
    Nothing,
    /// A record announces one, and it cannot be had, or not be read.
    Failed(Trouble),
}

/// Asks about one domain.
pub(crate) fn delivery(domain: &str, how: &LookupSources) -> Delivery {
    Delivery { domain: domain.to_owned(), exchangers: exchangers(domain, how), sts: sts(domain, how) }
}

/// The hosts of its MX records, the most preferred first; without any, the domain itself (RFC 5321, section 5.1).
fn exchangers(domain: &str, how: &LookupSources) -> Result<Vec<Exchanger>, Trouble> {
    let found = dns::records(&format!("{domain}."), RecordType::MX, &resolver(how))?;
    let is_secure = found.as_ref().is_some_and(|found| found.secure);
    let mut hosts: Vec<(u16, String)> = Vec::new();
    for data in found.iter().flat_map(|found| &found.data) {
        if let RData::MX(mx) = data {
            hosts.push((mx.preference, mx.exchange.to_ascii()));
        }
    }
    // "." says that the domain takes no mail (RFC 7505).
    hosts.retain(|(_, host)| host != ".");
    hosts.iter_mut().for_each(|(_, host)| host.truncate(host.trim_end_matches('.').len()));
    hosts.sort();
    let hosts = hosts.into_iter().take(limits::MAIL_EXCHANGERS).map(|(_, host)| host);
    Ok(hosts.map(|host| Exchanger { dane: dane(&host, is_secure, how), host }).collect())
}

/// A forged MX record would name a host with records of its own: nothing counts below one that nobody proves.
fn dane(host: &str, is_secure: bool, how: &LookupSources) -> Dane {
    if !is_secure {
        return Dane::Unsigned;
    }
    match dns::records(&tlsa_name(host), RecordType::TLSA, &resolver(how)) {
        Err(trouble) => Dane::Failed(trouble),
        Ok(None) => Dane::Nothing,
        Ok(Some(found)) if !found.secure => Dane::Unsigned,
        Ok(Some(found)) => {
            if found.data.iter().any(is_usable) {
                Dane::Proven
            } else {
                Dane::Nothing
            }
        }
    }
}

fn is_usable(data: &RData) -> bool {
    let RData::TLSA(tlsa) = data else { return false };
    let fields = [u8::from(tlsa.cert_usage), u8::from(tlsa.selector), u8::from(tlsa.matching)];
    let [usage, selector, matching] = fields;
    tlsa_use(usage, selector, matching, tlsa.cert_data.len()) != TlsaUse::Nothing
}

fn sts(domain: &str, how: &LookupSources) -> Sts {
    match texts(&sts_record_name(domain), how) {
        Err(trouble) => return Sts::Failed(trouble),
        Ok(records) if !StsPolicy::is_announced(&records) => return Sts::Nothing,
        Ok(_) => {}
    }
    // RFC 8461, section 3.3: a redirection is not followed.
    let reach = Reach { redirections: 0, ..Reach::of_domains(how) };
    let fetched = Web::new(reach, Duration::from_secs(limits::LOOKUP_SECONDS))
        .and_then(|web| web.get(&sts_url(domain), limits::STS_POLICY_BYTES));
    match fetched {
        Ok(Fetched::Body(body)) => match StsPolicy::parse(&body) {
            Ok(policy) => Sts::Policy(policy),
            Err(error) => Sts::Failed(Trouble::unusable(error.to_string())),
        },
        Ok(Fetched::Nothing | Fetched::NoHost) => {
            Sts::Failed(Trouble::unusable("a record announces a policy, and there is none"))
        }
        Err(trouble) => Sts::Failed(trouble),
    }
}
