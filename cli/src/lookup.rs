//! Asking the network: for certificates of an address, and what they were answered.
//!
//! Each source answers for itself, and none is believed: what an answer is worth is decided by the
//! trust engine, from how it came.

mod answer;
mod delivery;
mod dns;
mod evidence;
mod finder;
mod http;
mod ldap;
mod openpgp;
mod proxy;
mod servers;
pub(crate) mod tls;
mod wkd;

use std::sync::atomic::{AtomicBool, Ordering};

use counterseal_core::address::EmailAddress;
use counterseal_core::lookup::{CERTIFICATES_TEMPLATE, UrlTemplate};
use counterseal_core::policy::LookupSources;
use counterseal_core::time::Time;

pub(crate) use answer::{Answer, Found, Outcome, Source, Standing, Trouble};
pub(crate) use delivery::{Dane, Delivery, Exchanger, Sts, delivery};
pub(crate) use evidence::{Candidate, KeptEvidence, add_to, candidates};
pub(crate) use http::{Fetched, Reach, Web};
pub(crate) use openpgp::news;
pub(crate) use proxy::{go_by, proxy};
pub(crate) use servers::{Finding, Offer, Publisher, mailbox_by_service, publishers};

/// Whether this process was told to stay off the network.
static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// Nothing is asked from now on.
pub(crate) fn forbid() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Whether nothing may be asked.
pub(crate) fn is_forbidden() -> bool {
    FORBIDDEN.load(Ordering::Relaxed)
}

/// Asks one source about an address.
pub(crate) fn ask(source: Source, address: &EmailAddress, how: &LookupSources, at: Time) -> Answer {
    match source {
        Source::Smimea => dns::ask(address, how.smimea.as_ref()),
        Source::Wkd => wkd::ask(address, &how.hosts, how.private_addresses),
        Source::Ldap => ldap::ask(address, how.ldap.as_deref()),
        Source::Http => http::ask(address, how),
        Source::Command => finder::ask(address, how.finder.as_deref()),
    }
    .at(at)
}

/// The sources that a policy names.
pub(crate) fn named(how: &LookupSources) -> Vec<Source> {
    let all = [
        (Source::Smimea, how.smimea.is_some()),
        (Source::Wkd, how.wkd),
        (Source::Ldap, how.ldap.is_some()),
        (Source::Http, how.http.is_some()),
        (Source::Command, how.finder.is_some()),
    ];
    all.into_iter().filter(|(_, is_named)| *is_named).map(|(source, _)| source).collect()
}

/// The template of the web server: the domain's own where no policy names another.
fn template(how: &LookupSources) -> Option<UrlTemplate> {
    how.http.clone().or_else(|| UrlTemplate::parse(CERTIFICATES_TEMPLATE).ok())
}
