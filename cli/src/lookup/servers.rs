//! Asking a domain which server takes the mail of its people, and which one has their mailboxes.

use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::discovery::{
    Autoconfig, DiscoveryError, LogIn, MailServer, Pacc, Security, ServiceRecord, autoconfig_urls,
    best_service, ispdb_url, mailbox_service_name, pacc_digest_name, pacc_url, service_names,
};
use counterseal_core::limits;
use counterseal_core::policy::{LookupSources, SmimeaSource};
use hickory_resolver::proto::rr::{RData, RecordType};

use super::http::{Fetched, Reach, Web};
use super::{Trouble, dns};

/// Who may say it, in the order of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publisher {
    /// The domain's JSON document, with its digest in the DNS.
    Pacc,
    /// The domain's XML document.
    Autoconfig,
    /// The list of Thunderbird, which learns of the domain.
    Ispdb,
    /// The DNS of the domain.
    Srv,
}

impl Publisher {
    /// The word in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pacc => "pacc",
            Self::Autoconfig => "autoconfig",
            Self::Ispdb => "ispdb",
            Self::Srv => "srv",
        }
    }
}

/// A server that was named.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) server: MailServer,
    /// The one of the mailbox, where the same document names it.
    pub(crate) mailbox: Option<MailServer>,
    /// Whether it is known that the domain says so: by its web server's certificate, or by DNSSEC.
    pub(crate) is_authenticated: bool,
}

/// What came of asking one of them.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The URL or the name.
    pub(crate) asked: String,
    /// Nothing where there is none.
    pub(crate) outcome: Result<Option<Offer>, Trouble>,
}

/// Who is asked; the list of Thunderbird only where the person says so.
pub(crate) fn publishers(with_ispdb: bool) -> Vec<Publisher> {
    let all = [Publisher::Pacc, Publisher::Autoconfig, Publisher::Ispdb, Publisher::Srv];
    all.into_iter().filter(|one| with_ispdb || *one != Publisher::Ispdb).collect()
}

impl Publisher {
    /// Asks at each of its places, until one names a server.
    pub(crate) fn ask(self, address: &EmailAddress, how: &LookupSources) -> Vec<Finding> {
        let mut findings = Vec::new();
        for asked in self.places(address) {
            let outcome = self.answer(&asked, address, how);
            let is_found = matches!(outcome, Ok(Some(_)));
            findings.push(Finding { asked, outcome });
            if is_found {
                break;
            }
        }
        findings
    }

    fn places(self, address: &EmailAddress) -> Vec<String> {
        match self {
            Self::Pacc => pacc_url(address).into_iter().collect(),
            Self::Autoconfig => autoconfig_urls(address),
            Self::Ispdb => ispdb_url(address).into_iter().collect(),
            Self::Srv => service_names(address).into_iter().map(|(name, _)| name).collect(),
        }
    }

    fn answer(
        self,
        asked: &str,
        address: &EmailAddress,
        how: &LookupSources,
    ) -> Result<Option<Offer>, Trouble> {
        match self {
            Self::Srv => {
                let names = service_names(address);
                let Some((_, security)) = names.into_iter().find(|(name, _)| name == asked) else {
                    return Ok(None);
                };
                service(asked, security, how)
            }
            Self::Pacc => {
                let Some(document) = fetched(asked, how)? else { return Ok(None) };
                let Some(name) = pacc_digest_name(address) else { return Ok(None) };
                let found = Pacc::read(&document, &texts(&name, how)?).map_err(unusable)?;
                let Pacc { server, mailbox } = found;
                Ok(Some(Offer { server, mailbox, is_authenticated: true }))
            }
            Self::Autoconfig | Self::Ispdb => {
                let Some(document) = fetched(asked, how)? else { return Ok(None) };
                let Autoconfig { servers, mailboxes } =
                    Autoconfig::read(&document, address).map_err(unusable)?;
                // Whoever has a password can log in with it; a token needs a program of the person's own.
                let by_password = servers.iter().find(|server| server.log_in != LogIn::OAuth);
                let server = by_password.or(servers.first()).cloned();
                // The list is somebody else's word about the domain.
                let is_authenticated = self == Self::Autoconfig;
                Ok(server.map(|server| {
                    let mailbox = beside(&server, &mailboxes).cloned();
                    Offer { server, mailbox, is_authenticated }
                }))
            }
        }
    }
}

/// Asks where the mailbox is, of a domain that names its servers by SRV records.
pub(crate) fn mailbox_by_service(address: &EmailAddress, how: &LookupSources) -> Option<Finding> {
    let asked = mailbox_service_name(address)?;
    let outcome = service(&asked, Security::Implicit, how);
    Some(Finding { asked, outcome })
}

/// The mailbox that is logged in to as this server is, else the first one.
fn beside<'a>(server: &MailServer, mailboxes: &'a [MailServer]) -> Option<&'a MailServer> {
    let is_alike = |mailbox: &&MailServer| (mailbox.log_in, &mailbox.user) == (server.log_in, &server.user);
    mailboxes.iter().find(is_alike).or(mailboxes.first())
}

fn unusable(error: DiscoveryError) -> Trouble {
    Trouble::unusable(error.to_string())
}

fn fetched(url: &str, how: &LookupSources) -> Result<Option<Vec<u8>>, Trouble> {
    let web = Web::new(Reach::of_domains(how), Duration::from_secs(limits::LOOKUP_SECONDS))?;
    match web.get(url, limits::DISCOVERY_BYTES)? {
        Fetched::Body(body) => Ok(Some(body)),
        Fetched::Nothing | Fetched::NoHost => Ok(None),
    }
}

/// The TXT records of a name, each as one text.
pub(super) fn texts(name: &str, how: &LookupSources) -> Result<Vec<String>, Trouble> {
    let found = dns::records(name, RecordType::TXT, &resolver(how))?;
    let data = found.map(|found| found.data).unwrap_or_default();
    let text = |data: &RData| match data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).ok(),
        _ => None,
    };
    Ok(data.iter().filter_map(text).collect())
}

fn service(name: &str, security: Security, how: &LookupSources) -> Result<Option<Offer>, Trouble> {
    let Some(found) = dns::records(name, RecordType::SRV, &resolver(how))? else { return Ok(None) };
    let record = |data: &RData| match data {
        RData::SRV(record) => Some(ServiceRecord {
            priority: record.priority,
            weight: record.weight,
            port: record.port,
            target: record.target.to_ascii(),
        }),
        _ => None,
    };
    let records: Vec<ServiceRecord> = found.data.iter().filter_map(record).collect();
    let server = best_service(&records, security);
    Ok(server.map(|server| Offer { server, mailbox: None, is_authenticated: found.secure }))
}

/// The resolver and the keys that the policy names.
pub(super) fn resolver(how: &LookupSources) -> SmimeaSource {
    how.smimea.clone().unwrap_or_default()
}
