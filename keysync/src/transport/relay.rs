//! The way over a relay. What it answers is a stranger's: lengths are checked before reading, names against bytes, and no
//! address is gone to but the one that was given.

mod creations;
mod reading;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use rustls::crypto::aws_lc_rs;
use ureq::http::header::{AUTHORIZATION, IF_NONE_MATCH};
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};
use crate::limits::{
    BODY_BYTES_A_SECOND, HEAD_BYTES, LISTED_OBJECTS, OBJECT_BYTES, PAGE_OBJECTS, PAIRING_OBJECT_BYTES,
    RELAY_JSON_BYTES, RELAY_SECONDS, WAIT_SECONDS, WORK_BITS,
};
use crate::relay::Clock;
use crate::relay::protocol::{
    CAPABILITY_HEADER, Class, Creation, Head, Page, PolicyWord, Refusal, WORK_HEADER, day, etag, hex, work,
};
use creations::Creations;
pub use reading::{Place, read_head, read_page};

/// What a client sends as its name: not which version, nor whose.
const USER_AGENT: &str = "counterseal";
/// Pages of one listing: full ones, and some that a relay may cut short.
const PAGES: u64 = LISTED_OBJECTS as u64 / PAGE_OBJECTS + 16;
/// How soon a relay is asked again that said at once that nothing came.
const BREATH: Duration = Duration::from_secs(1);

/// How many nonces are tried between two looks at the clock.
const NONCES_AT_ONCE: u64 = 1024;

type Result<T> = std::result::Result<T, TransportError>;

/// Where a relay is, and what it asks for. Copies remember together which boxes were created.
#[derive(Clone)]
pub struct RelayAddress {
    base: String,
    token: Option<Arc<SecretBytes>>,
    creations: Arc<Mutex<Creations>>,
}

impl RelayAddress {
    /// `https://relay.example.org`, perhaps with a path; without TLS only on this machine.
    ///
    /// # Errors
    /// [`TransportError::Refused`] where it is another kind of address.
    pub fn parse(url: &str) -> Result<Self> {
        let refused = |why: &str| TransportError::Refused(format!("{url}: {why}"));
        let uri: Uri = url.parse().map_err(|_| refused("not a URL"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refused("not a URL"))?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_this_machine(host) => {}
            Some("http") => return Err(refused("without TLS only on this machine")),
            _ => return Err(refused("not a URL that begins with https:")),
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') || uri.query().is_some() || url.contains('#') {
            return Err(refused("a URL with a host and a path alone, please"));
        }
        Ok(Self { base: url.trim_end_matches('/').to_owned(), token: None, creations: Arc::default() })
    }

    fn creations(&self) -> MutexGuard<'_, Creations> {
        self.creations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With the token that lets create boxes, where the relay wants one.
    #[must_use]
    pub fn with_token(mut self, token: SecretBytes) -> Self {
        self.token = Some(Arc::new(token));
        self
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A client with these TLS roots (DER), without a proxy. Others are made by the caller.
#[must_use]
pub fn agent(roots: &[Vec<u8>]) -> Agent {
    let roots: Vec<Certificate<'static>> =
        roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .build();
    Agent::config_builder().tls_config(tls).proxy(None).build().new_agent()
}

/// One box at one relay. It is created when it is first found missing.
pub struct RelayTransport {
    agent: Agent,
    address: RelayAddress,
    object_box: ObjectBox,
    class: Class,
    clock: Clock,
}

/// What a request asks.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Get { known: Option<&'a str>, wait: Duration },
    Put(&'a [u8]),
    Delete,
}

impl RelayTransport {
    /// The box at this relay. Nothing is asked yet. Whatever `agent` allows, redirections are not followed, and times
    /// and lengths are limited.
    #[must_use]
    pub const fn new(
        agent: Agent,
        address: RelayAddress,
        object_box: ObjectBox,
        class: Class,
        clock: Clock,
    ) -> Self {
        Self { agent, address, object_box, class, clock }
    }

    const fn object_bytes(&self) -> u64 {
        match self.class {
            Class::Pairing => PAIRING_OBJECT_BYTES as u64,
            Class::Account => OBJECT_BYTES as u64,
        }
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v1/box/{}{rest}", self.address.base, hex(self.object_box.id()))
    }

    /// Asks; where there is no such box, creates it and asks again.
    fn ask_box(&self, rest: &str, capability: &SecretBytes, ask: Ask<'_>) -> Result<Response<Body>> {
        let answer = self.ask(rest, capability, ask)?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        self.create()?;
        self.ask(rest, capability, ask)
    }

    fn ask(&self, rest: &str, capability: &SecretBytes, ask: Ask<'_>) -> Result<Response<Body>> {
        let (url, capability) = (self.url(rest), hex(capability.expose()));
        let answer = match ask {
            Ask::Get { known, wait } => {
                let mut request = self.agent.get(&url).header(CAPABILITY_HEADER, &capability);
                if let Some(known) = known {
                    request = request.header(IF_NONE_MATCH, known);
                }
                limited(request, patience(self.object_bytes()) + wait).call()
            }
            Ask::Put(object) => {
                let request = self.agent.put(&url).header(CAPABILITY_HEADER, &capability);
                limited(request, patience(object.len() as u64)).send(object)
            }
            Ask::Delete => {
                let request = self.agent.delete(&url).header(CAPABILITY_HEADER, &capability);
                limited(request, patience(0)).call()
            }
        };
        answer.map_err(|error| trouble(&error))
    }

    /// Creates the box, unless that was tried already.
    fn create(&self) -> Result<()> {
        let id = self.object_box.id();
        let recalled = self.address.creations().recall(id, Instant::now());
        if let Some(result) = recalled {
            return result;
        }
        let result = self.create_once();
        // Trouble on the way passes.
        if !matches!(result, Err(TransportError::Unreachable(_))) {
            self.address.creations().note(id, Instant::now(), &result);
        }
        result
    }

    fn create_once(&self) -> Result<()> {
        let creation = Creation::of(&self.object_box, self.class);
        let answer = self.ask_creation(&creation, None)?;
        let Err(refused) = done(answer) else { return Ok(()) };
        let Refused::Policy(PolicyWord::Work, Some(bits)) = refused else { return Err(refused.into()) };
        if bits > WORK_BITS {
            return Err(TransportError::Refused(format!("{bits} bits of work for a box are too much")));
        }
        let shown = self.work(&creation, bits)?;
        done(self.ask_creation(&creation, Some(&shown))?).map_err(Into::into)
    }

    /// Works for a box, within the time that this relay has left.
    fn work(&self, creation: &Creation, bits: u8) -> Result<String> {
        let begun = Instant::now();
        let time = self.address.creations().time_for_work(begun);
        let nonces = (0..).take_while(|nonce| nonce % NONCES_AT_ONCE > 0 || begun.elapsed() < time);
        let shown = work(day((self.clock)()), self.object_box.id(), creation, bits, nonces);
        self.address.creations().worked(begun, begun.elapsed());
        shown.ok_or_else(|| {
            TransportError::Refused(format!("{bits} bits of work for a box take longer than a minute"))
        })
    }

    fn ask_creation(&self, creation: &Creation, work: Option<&str>) -> Result<Response<Body>> {
        // Texts and a word always become JSON.
        let body = serde_json::to_vec(creation).unwrap_or_default();
        let mut request = self.agent.put(self.url("")).content_type("application/json");
        if let Some(token) = &self.address.token {
            let token = String::from_utf8_lossy(token.expose()).trim().to_owned();
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(work) = work {
            request = request.header(WORK_HEADER, work);
        }
        limited(request, patience(0)).send(&body).map_err(|error| trouble(&error))
    }

    fn page(&self, after: u64) -> Result<Page> {
        let rest = format!("/o?after={after}&max={PAGE_OBJECTS}");
        let ask = Ask::Get { known: None, wait: Duration::ZERO };
        let answer = self.ask_box(&rest, self.object_box.read_capability(), ask)?;
        read_page(&json(expect(answer, StatusCode::OK)?)?, after)
    }

    /// How the box stands, or nothing where it stands as known after this time.
    fn head(&self, known: Option<&str>, wait: Duration) -> Result<Option<Head>> {
        let rest =
            if known.is_some() { format!("/head?wait={}", wait.as_secs()) } else { "/head".to_owned() };
        let ask = Ask::Get { known, wait };
        let answer = self.ask_box(&rest, self.object_box.read_capability(), ask)?;
        if known.is_some() && answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        read_head(&json(expect(answer, StatusCode::OK)?)?).map(Some)
    }
}

impl Transport for RelayTransport {
    fn kind(&self) -> &'static str {
        "relay"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing> {
        let start = Place::of(cursor).unwrap_or_default();
        let mut page = self.page(start.last)?;
        if start.is_lost(&page)? {
            // Another box than before, or one from a backup.
            page = self.page(0)?;
        }
        let first = Place::at(&page)?;
        let mut names = Vec::new();
        for _ in 0..PAGES {
            for listed in &page.objects {
                names.push(reading::name(listed)?);
            }
            let Some(reached) = page.objects.last().map(|listed| listed.n) else {
                return Ok(Listing { names, cursor: Place { last: page.last, ..first }.cursor() });
            };
            if names.len() > LISTED_OBJECTS || Place::at(&page)?.epoch != first.epoch {
                break;
            }
            if reached == page.last {
                return Ok(Listing { names, cursor: Place { last: reached, ..first }.cursor() });
            }
            page = self.page(reached)?;
        }
        Err(TransportError::Forged("a listing without an end".to_owned()))
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>> {
        let ask = Ask::Get { known: None, wait: Duration::ZERO };
        let answer = self.ask(&format!("/o/{name}"), self.object_box.read_capability(), ask)?;
        let object = bytes(expect(answer, StatusCode::OK)?, self.object_bytes())?;
        if ObjectName::of(&object) != *name {
            return Err(TransportError::Forged("the relay gave other bytes".to_owned()));
        }
        Ok(object)
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName> {
        let (bytes, limit) = (object.len() as u64, self.object_bytes());
        if bytes > limit {
            return Err(TransportError::TooLarge { bytes, limit });
        }
        let name = ObjectName::of(object);
        let answer =
            self.ask_box(&format!("/o/{name}"), self.object_box.write_capability(), Ask::Put(object))?;
        match done(answer) {
            Ok(()) => Ok(name),
            Err(Refused::Large(limit)) => Err(TransportError::TooLarge { bytes, limit }),
            Err(refused) => Err(refused.into()),
        }
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<()> {
        let mut known = Place::of(cursor).map(|place| etag(place.epoch, place.last));
        let end = Instant::now() + limit;
        loop {
            if known.is_none() {
                let Some(head) = self.head(None, Duration::ZERO)? else { return Ok(()) };
                if head.last > 0 {
                    return Ok(());
                }
                known = Some(etag(reading::epoch(&head.epoch)?, 0));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.as_secs() == 0 {
                // A relay counts in seconds. Who comes again at once spends what one address may ask.
                sleep(left);
                return Ok(());
            }
            if self.head(known.as_deref(), left.min(Duration::from_secs(WAIT_SECONDS)))?.is_some() {
                return Ok(());
            }
            sleep(BREATH);
        }
    }

    fn remove(&mut self, name: &ObjectName) -> Result<()> {
        let answer = self.ask(&format!("/o/{name}"), self.object_box.admin_capability(), Ask::Delete)?;
        match done(answer) {
            Ok(()) | Err(Refused::Absent) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }
}

/// How long a request with a body of so many bytes, or an answer, may take.
fn patience(bytes: u64) -> Duration {
    Duration::from_secs(RELAY_SECONDS + bytes / BODY_BYTES_A_SECOND)
}

fn limited<Any>(request: ureq::RequestBuilder<Any>, time: Duration) -> ureq::RequestBuilder<Any> {
    request
        .config()
        .user_agent(USER_AGENT)
        .timeout_global(Some(time))
        .max_redirects(0)
        .max_response_header_size(HEAD_BYTES)
        .http_status_as_error(false)
        .build()
}

/// Why a relay did not do it.
enum Refused {
    Absent,
    Large(u64),
    Quota,
    Policy(PolicyWord, Option<u8>),
    Busy(StatusCode),
    Elsewhere,
    Other(StatusCode, String),
}

impl From<Refused> for TransportError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Absent => Self::Absent,
            Refused::Large(limit) => Self::TooLarge { bytes: 0, limit },
            Refused::Quota => Self::Quota,
            Refused::Policy(PolicyWord::Invite, _) => {
                Self::Refused("the relay creates boxes for invited people alone".to_owned())
            }
            Refused::Policy(PolicyWord::Account, _) => {
                Self::Refused("the relay creates boxes for its accounts alone".to_owned())
            }
            Refused::Policy(..) => Self::Refused("the relay creates no box for us".to_owned()),
            Refused::Busy(status) => Self::Unreachable(format!("the relay answers with status {status}")),
            Refused::Elsewhere => Self::Refused("the relay sends on to another address".to_owned()),
            Refused::Other(status, word) => Self::Refused(format!("status {status} {word}")),
        }
    }
}

fn expect(answer: Response<Body>, status: StatusCode) -> Result<Response<Body>> {
    if answer.status() == status {
        return Ok(answer);
    }
    if answer.status().is_success() {
        return Err(TransportError::Forged(format!("status {} does not answer this", answer.status())));
    }
    done(answer).map_or_else(
        |refused| Err(refused.into()),
        |()| Err(TransportError::Forged("an answer to something else".to_owned())),
    )
}

/// Whether it was done, else why not.
fn done(mut answer: Response<Body>) -> std::result::Result<(), Refused> {
    let status = answer.status();
    let mut refusal = || -> Refusal {
        let body = answer.body_mut().with_config().limit(HEAD_BYTES as u64).read_to_vec();
        body.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
    };
    Err(match status.as_u16() {
        200 | 201 | 204 => return Ok(()),
        300..=399 => Refused::Elsewhere,
        401 => {
            let Refusal { policy, bits, .. } = refusal();
            Refused::Policy(policy.unwrap_or_default(), bits)
        }
        404 => Refused::Absent,
        413 => Refused::Large(refusal().limit.unwrap_or(0)),
        429 | 507 => Refused::Quota,
        408 | 500..=599 => Refused::Busy(status),
        _ => Refused::Other(status, reading::word(&refusal().error)),
    })
}

fn json(answer: Response<Body>) -> Result<Vec<u8>> {
    bytes(answer, RELAY_JSON_BYTES)
}

fn bytes(mut answer: Response<Body>, most: u64) -> Result<Vec<u8>> {
    if answer.body().content_length().is_some_and(|length| length > most) {
        return Err(TransportError::Forged(format!("the answer has more than {most} bytes")));
    }
    answer.body_mut().with_config().limit(most).read_to_vec().map_err(|error| trouble(&error))
}

fn trouble(error: &Error) -> TransportError {
    match error {
        Error::BodyExceedsLimit(limit) => {
            TransportError::Forged(format!("the answer has more than {limit} bytes"))
        }
        error => TransportError::Unreachable(error.to_string()),
    }
}
