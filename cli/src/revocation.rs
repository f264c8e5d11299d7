//! Revocation lists and OCSP responses from the network, and the cache of those that came before.
//!
//! The cache is asked always, the network only where the policy says `network = "always"`. Lists come
//! first: whoever serves one does not learn about whom we ask.
//!
//! Lists that came along with a contact's mail stay, too, beside the store: who has a stolen key sends mail without
//! them, and nobody has them to be fetched again.

mod cache;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::limits;
use counterseal_core::message::AuthorSignature;
use counterseal_core::policy::{LookupSources, Network, Policy, Revocation};
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::path::{Anchor, PathError, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{
    OcspRequest, OcspResponse, RevocationAddresses, RevocationDemand, RevocationEvidence, RevocationList,
    RevocationSource,
};

use self::cache::Cache;
use crate::clock;
use crate::lookup::{self, Fetched, Reach, Trouble, Web};
use crate::places;
use crate::randomness::SystemRandom;

/// The MIME type of requests (RFC 6960, appendix A.1).
const OCSP_REQUEST: &str = "application/ocsp-request";

/// The folder beside the store for lists that came along with mail, and what their names end with.
const CARRIED: &str = "revocations";

/// What the policy lets a command ask, within so many seconds for all of it; nothing where it looks at no
/// revocation.
pub(crate) fn source(policy: &Policy, seconds: u64) -> Option<Arc<dyn RevocationSource>> {
    if policy.revocation == Revocation::Off {
        return None;
    }
    let cache = Cache::at(places::cache().ok()?);
    let may_ask = policy.network == Network::Always && !lookup::is_forbidden();
    let max_age = Duration::from_secs(u64::from(policy.max_age_days) * 86_400);
    let online = may_ask.then(|| Online {
        how: policy.lookups.clone(),
        deadline: Mutex::new(None),
        time: Duration::from_secs(seconds),
        asked: Mutex::default(),
    });
    Some(Arc::new(Sources { cache, max_age, online, lists: Mutex::default() }))
}

/// Keeps the lists that came along with a mail, as far as a CA above its signer issued them that is known already: not
/// everybody who signs a mail is to fill the disk.
pub(crate) fn keep(signature: &AuthorSignature, policy: &Policy, is_known: impl Fn(&Certificate) -> bool) {
    let Some(carried) = carried(policy).filter(|_| !signature.revocation_lists.is_empty()) else { return };
    let lists: Vec<RevocationList> =
        signature.revocation_lists.iter().filter_map(|list| RevocationList::from_der(list).ok()).collect();
    for pair in signature.certificates.windows(2) {
        let [certificate, issuer] = pair else { continue };
        let link = Link { certificate, issuer };
        let authentic = lists.iter().filter(|list| link.is_authentic(Some(list), None));
        let Some(newest) = authentic.max_by_key(|list| list.this_update()) else { continue };
        let name = Cache::name(CARRIED, &[issuer.fingerprint().sha256()]);
        let before = carried.read(&name).and_then(|bytes| RevocationList::from_der(&bytes).ok());
        if is_known(issuer) && before.is_none_or(|before| before.this_update() <= newest.this_update()) {
            carried.write(&name, newest.as_der());
        }
    }
}

/// The lists that came along with mail, newest of each CA. Whoever holds a certificate against them checks who signed them.
pub(crate) fn kept(policy: &Policy) -> Vec<RevocationList> {
    let lists = carried(policy).map(|carried| carried.all(CARRIED)).unwrap_or_default();
    lists.iter().filter_map(|list| RevocationList::from_der(list).ok()).collect()
}

/// Where they lie; nothing where the policy looks at no revocation.
fn carried(policy: &Policy) -> Option<Cache> {
    let directory = places::data().ok().filter(|_| policy.revocation != Revocation::Off)?;
    Some(Cache::at(directory.join(CARRIED)))
}

/// The cache, and the network where it may be asked.
#[derive(Debug)]
struct Sources {
    cache: Cache,
    max_age: Duration,
    online: Option<Online>,
    /// Lists that this process has read: a large one is asked for once for each reader of a mail.
    lists: Mutex<BTreeMap<String, Option<RevocationList>>>,
}

#[derive(Debug)]
struct Online {
    how: LookupSources,
    /// When all answers must be there; it begins with the first question.
    deadline: Mutex<Option<Instant>>,
    time: Duration,
    /// What was asked by this process.
    asked: Mutex<BTreeSet<String>>,
}

impl RevocationSource for Sources {
    fn about(&self, path: &[Certificate], _at: Time) -> (Vec<RevocationList>, Vec<OcspResponse>) {
        let (mut lists, mut responses) = (Vec::new(), Vec::new());
        for pair in path.windows(2) {
            let [certificate, issuer] = pair else { continue };
            let link = Link { certificate, issuer };
            let addresses = RevocationAddresses::of(certificate);
            let found = lists.len();
            for address in &addresses.lists {
                lists.extend(self.list(address, link));
            }
            if lists.len() > found {
                continue;
            }
            for address in &addresses.responders {
                responses.extend(self.response(address, link));
            }
        }
        (lists, responses)
    }
}

impl Sources {
    /// The list of an address, read once.
    fn list(&self, address: &str, link: Link<'_>) -> Option<RevocationList> {
        let mut lists = self.lists.lock().ok()?;
        lists.entry(address.to_owned()).or_insert_with(|| self.newest_list(address, link)).clone()
    }

    /// A fresh list where it can be had, else the cached one.
    fn newest_list(&self, address: &str, link: Link<'_>) -> Option<RevocationList> {
        let name = Cache::name("list", &[address.as_bytes()]);
        let before = self.cache.read(&name).and_then(|bytes| RevocationList::from_der(&bytes).ok());
        let is_due = |list: &RevocationList| list.next_update().is_some_and(|next| next < clock::now());
        let is_fresh = self.cache.is_younger(&name, self.max_age) && !before.as_ref().is_some_and(is_due);
        if is_fresh {
            return before;
        }
        let fetched = self.fetch(address, |web| web.get(address, limits::REVOCATION_LIST_BYTES));
        let list = fetched.and_then(|bytes| RevocationList::from_der(&bytes).ok());
        // Not every list is of the certificate's issuer, and anybody on the way can send another: what
        // cannot be checked here must not take the place of what was.
        let is_newer = |list: &RevocationList| {
            before.as_ref().is_none_or(|before| before.this_update() <= list.this_update())
        };
        match list.filter(|list| link.is_authentic(Some(list), None)).filter(is_newer) {
            Some(list) => {
                self.cache.write(&name, list.as_der());
                Some(list)
            }
            None => before,
        }
    }

    /// The same for a responder.
    fn response(&self, address: &str, link: Link<'_>) -> Option<OcspResponse> {
        let name = Cache::name("response", &[address.as_bytes(), link.certificate.as_der()]);
        let before = self.cache.read(&name).and_then(|bytes| OcspResponse::from_der(&bytes).ok());
        if self.cache.is_younger(&name, self.max_age)
            && before.as_ref().is_some_and(|response| link.is_authentic(None, Some(response)))
        {
            return before;
        }
        // Responders of prepared answers know SHA-1 alone (RFC 5019, section 2.1.1).
        let mut random = SystemRandom;
        let request =
            OcspRequest::new(link.certificate, link.issuer, DigestAlgorithm::Sha1, Some(&mut random));
        let fetched = self.fetch(address, |web| {
            web.post(address, OCSP_REQUEST, request.as_der(), limits::OCSP_RESPONSE_BYTES)
        });
        let response = fetched.and_then(|bytes| OcspResponse::from_der(&bytes).ok());
        let fits = |response: &OcspResponse| {
            request.may_be_answered_by(response)
                && link.is_authentic(None, Some(response))
                && before.as_ref().is_none_or(|before| before.produced_at() <= response.produced_at())
        };
        match response.filter(fits) {
            Some(response) => {
                self.cache.write(&name, response.as_der());
                Some(response)
            }
            None => before,
        }
    }

    /// Asks, if that is allowed, was not done before, and there is time.
    fn fetch(&self, address: &str, ask: impl FnOnce(&Web) -> Result<Fetched, Trouble>) -> Option<Vec<u8>> {
        let online = self.online.as_ref()?;
        let is_first = online.asked.lock().ok()?.insert(address.to_owned());
        let time = online.left().filter(|_| is_first)?;
        let reach = Reach {
            hosts: online.how.hosts.clone(),
            private_addresses: online.how.private_addresses,
            plain: true,
            redirections: limits::HTTP_REDIRECTS,
        };
        match ask(&Web::new(reach, time).ok()?) {
            Ok(Fetched::Body(body)) => Some(body),
            Ok(Fetched::Nothing | Fetched::NoHost) | Err(_) => None,
        }
    }
}

impl Online {
    fn left(&self) -> Option<Duration> {
        let mut deadline = self.deadline.lock().ok()?;
        let deadline = deadline.get_or_insert_with(|| Instant::now() + self.time);
        deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// A certificate and its issuer.
#[derive(Clone, Copy)]
struct Link<'l> {
    certificate: &'l Certificate,
    issuer: &'l Certificate,
}

impl Link<'_> {
    /// Whether a list or a response says something of the certificate in a way that proves it.
    fn is_authentic(self, list: Option<&RevocationList>, response: Option<&OcspResponse>) -> bool {
        let evidence = RevocationEvidence {
            lists: list.into_iter().cloned().collect(),
            responses: response.into_iter().cloned().collect(),
            demand: RevocationDemand::Required,
            ..RevocationEvidence::default()
        };
        let anchors = [Anchor::private(self.issuer.clone())];
        // As of a moment when the certificate was valid: only the proof is asked for.
        let at = clock::now().min(self.certificate.not_after()).max(self.certificate.not_before());
        let request = PathRequest::new(Purpose::Any, at);
        let said = validate_with(self.certificate, &[], &anchors, &evidence, &request);
        matches!(said, Ok(_) | Err(PathError::Revoked { .. } | PathError::RevocationStale { .. }))
    }
}
