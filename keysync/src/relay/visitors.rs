//! Who asks, by network address: what one may do in a second, and hold at once. Nothing here is written anywhere.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use crate::limits::{BODIES_IN_MEMORY, VISITORS};

/// The part of [`BODIES_IN_MEMORY`] that one visitor may hold.
const BODIES_EACH: usize = BODIES_IN_MEMORY / 8;
/// How often visitors are forgotten, where there are too many.
const FORGET: Duration = Duration::from_secs(1);
/// What a proxy says of who asked it (RFC 7239 tells its history).
const FORWARDED: &str = "x-forwarded-for";

/// What one visitor may do.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitorLimits {
    /// Requests a second, on average; 0 is as many as come. Creating a box counts for 20, an object one more for each 64 KiB.
    pub rate: f64,
    /// Requests that may come at once.
    pub burst: f64,
    /// Connections of one visitor.
    pub connections_each: usize,
    /// Connections of all.
    pub connections: usize,
    /// Proxies in front, which say for whom they ask.
    pub proxies: Vec<Network>,
}

impl Default for VisitorLimits {
    fn default() -> Self {
        Self { rate: 50.0, burst: 500.0, connections_each: 100, connections: 10_000, proxies: Vec::new() }
    }
}

/// Addresses with a common beginning: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// As it is typed; nothing where it is none.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let (address, bits) =
            typed.split_once('/').map_or((typed, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Self { address, bits })
    }

    /// Whether the address is one of these.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Who asks: the other end of the connection, or whom a trusted proxy names.
pub(crate) fn asker(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let mut asker = peer.to_canonical();
    // From right to left, as far as those who wrote are trusted.
    let named: Vec<&str> = headers
        .get_all(FORWARDED)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for name in named.into_iter().rev() {
        if !proxies.iter().any(|proxy| proxy.contains(asker)) {
            break;
        }
        match name.trim().parse::<IpAddr>() {
            Ok(address) => asker = address.to_canonical(),
            Err(_) => break,
        }
    }
    asker
}

/// Whether somebody asks through something that says so, believed or not.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED) || headers.contains_key("forwarded") || headers.contains_key("via")
}

/// What visitors did, in memory.
#[derive(Debug)]
pub(crate) struct Visitors {
    limits: VisitorLimits,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    visitors: HashMap<IpAddr, Visitor>,
    /// When those were last forgotten who may do everything again.
    forgotten: Option<Instant>,
}

impl Table {
    /// Makes room for a newcomer; whether there is some. It takes as long as there are visitors, hence once a second.
    fn has_room(&mut self, limits: &VisitorLimits, now: Instant) -> bool {
        let is_recent = |at: Instant| now.saturating_duration_since(at) < FORGET;
        if self.visitors.len() >= VISITORS && !self.forgotten.is_some_and(is_recent) {
            self.forgotten = Some(now);
            self.visitors.retain(|_, visitor| {
                visitor.refill(limits, now);
                !visitor.is_idle(limits)
            });
        }
        self.visitors.len() < VISITORS
    }
}

#[derive(Debug)]
struct Visitor {
    tokens: f64,
    at: Instant,
    connections: usize,
    bodies: usize,
}

impl Visitor {
    fn refill(&mut self, limits: &VisitorLimits, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = limits.rate.mul_add(seconds, self.tokens).min(limits.burst);
        self.at = now;
    }

    fn is_idle(&self, limits: &VisitorLimits) -> bool {
        self.connections == 0 && self.bodies == 0 && self.tokens >= limits.burst
    }
}

impl Visitors {
    pub(crate) fn new(limits: VisitorLimits) -> Self {
        Self { limits, table: Mutex::default() }
    }

    pub(crate) const fn limits(&self) -> &VisitorLimits {
        &self.limits
    }

    /// Takes so many requests of what a visitor may do; else the seconds after which that many may be done.
    pub(crate) fn spend(&self, asker: IpAddr, cost: f64, now: Instant) -> Result<(), u64> {
        if self.limits.rate <= 0.0 {
            return Ok(());
        }
        self.with(asker, now, |visitor| {
            if visitor.tokens >= cost {
                visitor.tokens -= cost;
                return Ok(());
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and 3600
            let seconds = ((cost - visitor.tokens) / self.limits.rate).ceil().clamp(1.0, 3600.0) as u64;
            Err(seconds)
        })
    }

    /// A connection of a visitor, unless there are too many. Proxies have as many as they need.
    pub(crate) fn connect(self: &Arc<Self>, peer: IpAddr) -> Option<Held> {
        let is_proxy = self.limits.proxies.iter().any(|proxy| proxy.contains(peer));
        let most = if is_proxy { usize::MAX } else { self.limits.connections_each };
        self.with(peer, Instant::now(), |visitor| {
            (visitor.connections < most).then(|| visitor.connections += 1)
        })?;
        Some(Held { visitors: Arc::clone(self), who: peer, connections: 1, bodies: 0 })
    }

    /// Room in memory for a body of a visitor, unless there are too many.
    pub(crate) fn hold(self: &Arc<Self>, asker: IpAddr, bytes: usize) -> Option<Held> {
        self.with(asker, Instant::now(), |visitor| {
            (visitor.bodies.saturating_add(bytes) <= BODIES_EACH).then(|| visitor.bodies += bytes)
        })?;
        Some(Held { visitors: Arc::clone(self), who: asker, connections: 0, bodies: bytes })
    }

    fn with<T>(&self, who: IpAddr, now: Instant, act: impl FnOnce(&mut Visitor) -> T) -> T {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = household(who);
        if !table.visitors.contains_key(&key) && !table.has_room(&self.limits, now) {
            // An attack from everywhere: newcomers share what one may do.
            key = Ipv6Addr::UNSPECIFIED.into();
        }
        let burst = self.limits.burst;
        let visitor = table.visitors.entry(key).or_insert(Visitor {
            tokens: burst,
            at: now,
            connections: 0,
            bodies: 0,
        });
        visitor.refill(&self.limits, now);
        act(visitor)
    }
}

/// An address of IPv4, or the 64 bits of IPv6 that a household has.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// What a visitor holds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    visitors: Arc<Visitors>,
    who: IpAddr,
    connections: usize,
    bodies: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Self { connections, bodies, .. } = *self;
        let visitors = Arc::clone(&self.visitors);
        visitors.with(self.who, Instant::now(), |visitor| {
            visitor.connections = visitor.connections.saturating_sub(connections);
            visitor.bodies = visitor.bodies.saturating_sub(bodies);
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (FORWARDED.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_network_has_the_addresses_with_its_first_bits() {
        let network = |typed| Network::parse(typed).unwrap();
        assert!(network("10.0.0.0/8").contains(address("10.255.1.2")));
        assert!(!network("10.0.0.0/8").contains(address("11.0.0.1")));
        assert!(network("0.0.0.0/0").contains(address("198.51.100.1")));
        assert!(network("127.0.0.1").contains(address("::ffff:127.0.0.1")));
        assert!(network("2001:db8::/32").contains(address("2001:db8:1::1")));
        assert!(!network("::/0").contains(address("127.0.0.1")));
        for typed in ["", "10.0.0.0/33", "::/129", "example.org", "10.0.0.0/", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        let proxies = [Network::parse("127.0.0.1").unwrap(), Network::parse("10.0.0.0/8").unwrap()];
        let ask = |peer, headers: &[&str]| asker(address(peer), &forwarded(headers), &proxies);
        assert_eq!(ask("198.51.100.1", &["192.0.2.1"]), address("198.51.100.1"));
        assert_eq!(ask("127.0.0.1", &["192.0.2.1"]), address("192.0.2.1"));
        assert_eq!(ask("127.0.0.1", &["203.0.113.9, 192.0.2.1, 10.1.1.1"]), address("192.0.2.1"));
        assert_eq!(ask("127.0.0.1", &["203.0.113.9", "192.0.2.1"]), address("192.0.2.1"));
        assert_eq!(ask("127.0.0.1", &["nonsense"]), address("127.0.0.1"));
        assert_eq!(asker(address("127.0.0.1"), &forwarded(&["192.0.2.1"]), &[]), address("127.0.0.1"));
    }

    #[test]
    fn a_visitor_who_asks_too_often_waits_and_others_do_not() {
        let visitors = Visitors::new(VisitorLimits { rate: 10.0, burst: 5.0, ..VisitorLimits::default() });
        let (alice, bob, now) = (address("192.0.2.1"), address("192.0.2.2"), Instant::now());
        for _ in 0..5 {
            assert_eq!(visitors.spend(alice, 1.0, now), Ok(()));
        }
        assert_eq!(visitors.spend(alice, 1.0, now), Err(1));
        assert_eq!(visitors.spend(alice, 25.0, now), Err(3));
        assert_eq!(visitors.spend(bob, 1.0, now), Ok(()));
        assert_eq!(visitors.spend(alice, 1.0, now + Duration::from_millis(101)), Ok(()));
    }

    #[test]
    fn a_household_of_ipv6_is_one_visitor() {
        let visitors = Visitors::new(VisitorLimits { rate: 1.0, burst: 1.0, ..VisitorLimits::default() });
        let now = Instant::now();
        assert_eq!(visitors.spend(address("2001:db8::1"), 1.0, now), Ok(()));
        assert_eq!(visitors.spend(address("2001:db8::2"), 1.0, now), Err(1));
        assert_eq!(visitors.spend(address("2001:db8:0:1::1"), 1.0, now), Ok(()));
    }

    #[test]
    fn what_was_held_is_given_back() {
        let limits = VisitorLimits { connections_each: 1, ..VisitorLimits::default() };
        let visitors = Arc::new(Visitors::new(limits));
        let first = visitors.connect(address("192.0.2.1"));
        assert!(first.is_some());
        assert!(visitors.connect(address("192.0.2.1")).is_none());
        assert!(visitors.connect(address("192.0.2.2")).is_some());
        drop(first);
        assert!(visitors.connect(address("192.0.2.1")).is_some());
        let body = visitors.hold(address("192.0.2.1"), BODIES_EACH);
        assert!(body.is_some());
        assert!(visitors.hold(address("192.0.2.1"), 1).is_none());
        drop(body);
        assert!(visitors.hold(address("192.0.2.1"), 1).is_some());
    }

    #[test]
    fn visitors_from_everywhere_do_not_fill_the_memory() {
        let limits = VisitorLimits { rate: 1.0, burst: 2.0, ..VisitorLimits::default() };
        let visitors = Visitors::new(limits);
        let (now, one) = (Instant::now(), |number: usize| IpAddr::V4((number as u32).into()));
        for number in 0..VISITORS {
            assert_eq!(visitors.spend(one(number), 1.0, now), Ok(()), "{number}");
        }
        let late: Vec<_> =
            (0..9).map(|number| visitors.spend(one(VISITORS + number), 1.0, now).is_ok()).collect();
        assert_eq!(late.iter().filter(|was| **was).count(), 2, "newcomers share what one may do");
        assert_eq!(visitors.spend(one(3), 1.0, now), Ok(()), "those from before do not");
        assert_eq!(visitors.table.lock().unwrap().visitors.len(), VISITORS + 1);
        let later = now + Duration::from_secs(3);
        assert_eq!(visitors.spend(one(VISITORS + 20), 1.0, later), Ok(()));
        assert!(visitors.table.lock().unwrap().visitors.len() < 10, "who may do everything is forgotten");
    }
}
