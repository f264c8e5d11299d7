//! Web key directories: OpenPGP certificates, served by the domain of an address.

use std::time::Duration;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::lookup::web_key_directory;
use counterseal_core::policy::HostRow;

use super::http::{Fetched, Reach, Web};
use super::{Answer, Found, Source, Standing};

/// Asks the host `openpgpkey` of the domain; the domain's own only where there is no such host.
pub(super) fn ask(address: &EmailAddress, hosts: &[HostRow], private_addresses: bool) -> Answer {
    let urls = web_key_directory(address);
    let reach = Reach {
        hosts: hosts.to_vec(),
        private_addresses,
        plain: false,
        redirections: limits::HTTP_REDIRECTS,
    };
    let web = match Web::new(reach, Duration::from_secs(limits::LOOKUP_SECONDS)) {
        Ok(web) => web,
        Err(trouble) => return Answer::new(Source::Wkd, urls.advanced, Err(trouble)),
    };
    match web.get(&urls.advanced, limits::LOOKUP_BYTES) {
        Ok(Fetched::NoHost) => {}
        Err(trouble) if trouble.may_have_no_host => {}
        other => return Answer::new(Source::Wkd, urls.advanced, other.map(found)),
    }
    let answer = web.get(&urls.direct, limits::LOOKUP_BYTES);
    Answer::new(Source::Wkd, urls.direct, answer.map(found))
}

fn found(fetched: Fetched) -> Option<Found> {
    let Fetched::Body(body) = fetched else { return None };
    Some(Found {
        certificates: Vec::new(),
        records: Vec::new(),
        openpgp: Some(body),
        standing: Standing::Domain,
        lasts: limits::WEB_EVIDENCE_SECONDS,
    })
}
