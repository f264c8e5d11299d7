//! Who asks, by network address: what one may do in a second, and hold at once. Nothing here is written anywhere.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::asker::{Network, Who};
use crate::household::household;
use crate::limits::VISITORS;

/// How often visitors are forgotten, where there are too many.
const FORGET: Duration = Duration::from_secs(1);

/// Bodies in memory are of two kinds, so that large ones leave room for small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Small,
    Large,
}

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

/// What visitors did, in memory.
#[derive(Debug)]
pub(crate) struct Visitors {
    limits: VisitorLimits,
    table: Mutex<Table>,
}

/// Whoever has one share of what may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Party {
    Household(IpAddr),
    /// All whom no proxy names.
    Unnamed,
    /// All for whom there is no room.
    Newcomers,
}

impl Party {
    fn of(who: Who) -> Self {
        match who {
            Who::At(address) => Self::Household(household(address)),
            Who::Unnamed => Self::Unnamed,
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    visitors: HashMap<Party, Visitor>,
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
    /// Bytes of bodies, small ones and large ones.
    bodies: [usize; 2],
}

impl Visitor {
    const fn new(limits: &VisitorLimits, now: Instant) -> Self {
        Self { tokens: limits.burst, at: now, connections: 0, bodies: [0; 2] }
    }

    fn refill(&mut self, limits: &VisitorLimits, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = limits.rate.mul_add(seconds, self.tokens).min(limits.burst);
        self.at = now;
    }

    fn is_idle(&self, limits: &VisitorLimits) -> bool {
        self.connections == 0 && self.bodies == [0; 2] && self.tokens >= limits.burst
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
    pub(crate) fn spend(&self, asker: Who, cost: f64, now: Instant) -> Result<(), u64> {
        if self.limits.rate <= 0.0 {
            return Ok(());
        }
        self.with(Party::of(asker), now, |visitor, _| {
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
        let party = Party::of(Who::At(peer));
        let party = self.with(party, Instant::now(), |visitor, party| {
            (visitor.connections < most).then(|| {
                visitor.connections += 1;
                party
            })
        })?;
        Some(Held { visitors: Arc::clone(self), party, connections: 1, bodies: [0; 2] })
    }

    /// What a visitor holds who holds nothing yet.
    pub(crate) fn hold(self: &Arc<Self>, asker: Who) -> Held {
        let party = self.with(Party::of(asker), Instant::now(), |_, party| party);
        Held { visitors: Arc::clone(self), party, connections: 0, bodies: [0; 2] }
    }

    /// Acts on a visitor, and whoever that is counted as.
    fn with<T>(&self, mut party: Party, now: Instant, act: impl FnOnce(&mut Visitor, Party) -> T) -> T {
        let mut table = self.table();
        let is_somebody = matches!(party, Party::Household(_));
        if is_somebody && !table.visitors.contains_key(&party) && !table.has_room(&self.limits, now) {
            // An attack from everywhere: newcomers share what one may do.
            party = Party::Newcomers;
        }
        let visitor = table.visitors.entry(party).or_insert_with(|| Visitor::new(&self.limits, now));
        visitor.refill(&self.limits, now);
        act(visitor, party)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a visitor holds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    visitors: Arc<Visitors>,
    party: Party,
    connections: usize,
    bodies: [usize; 2],
}

impl Held {
    /// So many bytes more of small or large bodies, unless the visitor then had more than `most`; whether it has them.
    pub(crate) fn grow(&mut self, share: Share, bytes: usize, most: usize) -> bool {
        let mut table = self.visitors.table();
        let new = || Visitor::new(self.visitors.limits(), Instant::now());
        let visitor = table.visitors.entry(self.party).or_insert_with(new);
        let [small, large] = &mut visitor.bodies;
        let [our_small, our_large] = &mut self.bodies;
        let (all, ours) = match share {
            Share::Small => (small, our_small),
            Share::Large => (large, our_large),
        };
        let has_room = all.saturating_add(bytes) <= most;
        if has_room {
            *all += bytes;
            *ours += bytes;
        }
        has_room
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.visitors.table();
        // Whoever holds something is not forgotten.
        let Some(visitor) = table.visitors.get_mut(&self.party) else { return };
        visitor.connections = visitor.connections.saturating_sub(self.connections);
        for (all, ours) in visitor.bodies.iter_mut().zip(self.bodies) {
            *all = all.saturating_sub(ours);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Who {
        Who::At(address(text))
    }

    #[test]
    fn a_visitor_who_asks_too_often_waits_and_others_do_not() {
        let visitors = Visitors::new(VisitorLimits { rate: 10.0, burst: 5.0, ..VisitorLimits::default() });
        let (alice, bob, now) = (at("192.0.2.1"), at("192.0.2.2"), Instant::now());
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
        assert_eq!(visitors.spend(at("2001:db8::1"), 1.0, now), Ok(()));
        assert_eq!(visitors.spend(at("2001:db8::2"), 1.0, now), Err(1));
        assert_eq!(visitors.spend(at("2001:db8:0:1::1"), 1.0, now), Ok(()));
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
    }

    #[test]
    fn bodies_of_a_visitor_are_counted_by_kind_and_given_back() {
        let visitors = Arc::new(Visitors::new(VisitorLimits::default()));
        let hold = |text| visitors.hold(Who::At(address(text)));
        let (mut one, mut other, mut another) = (hold("192.0.2.1"), hold("192.0.2.1"), hold("192.0.2.2"));
        assert!(one.grow(Share::Large, 6, 10) && one.grow(Share::Large, 4, 10));
        assert!(!other.grow(Share::Large, 1, 10));
        assert!(other.grow(Share::Small, 10, 10), "the large ones leave room for small ones");
        assert!(another.grow(Share::Large, 10, 10));
        drop(one);
        assert!(other.grow(Share::Large, 10, 10));
        assert!(!visitors.hold(Who::Unnamed).grow(Share::Small, 11, 10));
    }

    #[test]
    fn those_who_came_as_newcomers_leave_as_newcomers() {
        let limits =
            VisitorLimits { rate: 0.001, burst: 2.0, connections_each: 1, ..VisitorLimits::default() };
        let visitors = Arc::new(Visitors::new(limits));
        let (now, one) = (Instant::now(), |number: usize| IpAddr::V4((number as u32).into()));
        for number in 0..VISITORS {
            assert_eq!(visitors.spend(Who::At(one(number)), 1.0, now), Ok(()), "{number}");
        }
        let late = visitors.connect(one(VISITORS));
        assert!(late.is_some() && visitors.connect(one(VISITORS + 1)).is_none());
        // Meanwhile the others are forgotten, and the address becomes known by itself.
        let later = now + Duration::from_secs(9000);
        assert_eq!(visitors.spend(Who::At(one(VISITORS)), 1.0, later), Ok(()));
        drop(late);
        assert_eq!(visitors.table().visitors[&Party::Newcomers].connections, 0);
    }

    #[test]
    fn visitors_from_everywhere_do_not_fill_the_memory() {
        let limits = VisitorLimits { rate: 1.0, burst: 2.0, ..VisitorLimits::default() };
        let visitors = Visitors::new(limits);
        let (now, one) = (Instant::now(), |number: usize| Who::At(IpAddr::V4((number as u32).into())));
        for number in 0..VISITORS {
            assert_eq!(visitors.spend(one(number), 1.0, now), Ok(()), "{number}");
        }
        let late: Vec<_> =
            (0..9).map(|number| visitors.spend(one(VISITORS + number), 1.0, now).is_ok()).collect();
        assert_eq!(late.iter().filter(|was| **was).count(), 2, "newcomers share what one may do");
        assert_eq!(visitors.spend(one(3), 1.0, now), Ok(()), "those from before do not");
        assert_eq!(visitors.table().visitors.len(), VISITORS + 1);
        let later = now + Duration::from_secs(3);
        assert_eq!(visitors.spend(one(VISITORS + 20), 1.0, later), Ok(()));
        assert!(visitors.table().visitors.len() < 10, "who may do everything is forgotten");
    }
}
