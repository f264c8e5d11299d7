//! Addresses whose devices did not prove that they hold the box, and how often.
//!
//! Devices on one network share the first 64 bits of their addresses, so each address counts for itself: otherwise one
//! stranger would lock out all neighbours. Of one such network few are remembered, so that one machine, which has any
//! number of addresses there, does not push out the others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use crate::household::household;
use crate::limits::{LAN_FAILURES, LAN_FORGIVEN, LAN_STRANGERS, LAN_STRANGERS_OF_A_NETWORK};

/// Those who failed last.
#[derive(Default)]
pub(super) struct Strangers {
    known: BTreeMap<IpAddr, Stranger>,
}

struct Stranger {
    failures: u32,
    last: Instant,
}

impl Stranger {
    /// A device that was put out, or held an older box, may come again with a new one.
    fn is_forgiven(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= LAN_FORGIVEN
    }
}

impl Strangers {
    /// Whether an address failed too often to be answered now.
    pub(super) fn refuse(&self, from: IpAddr, now: Instant) -> bool {
        let stranger = self.known.get(&from);
        stranger.is_some_and(|stranger| stranger.failures >= LAN_FAILURES && !stranger.is_forgiven(now))
    }

    /// Remembers that an address failed; the one that failed longest ago is forgotten for it.
    pub(super) fn failed(&mut self, from: IpAddr, now: Instant) {
        self.known.retain(|_, stranger| !stranger.is_forgiven(now));
        if !self.known.contains_key(&from) {
            let neighbours = |address: &IpAddr| household(*address) == household(from);
            self.keep_below(LAN_STRANGERS_OF_A_NETWORK, neighbours);
            self.keep_below(LAN_STRANGERS, |_| true);
        }
        let stranger = self.known.entry(from).or_insert(Stranger { failures: 0, last: now });
        stranger.failures = stranger.failures.saturating_add(1);
        stranger.last = now;
    }

    /// Forgets one of these where there are as many as may be.
    fn keep_below(&mut self, most: usize, among: impl Fn(&IpAddr) -> bool) {
        let known = self.known.iter().filter(|(address, _)| among(address));
        if known.clone().count() < most {
            return;
        }
        if let Some(oldest) = known.min_by_key(|(_, stranger)| stranger.last).map(|(address, _)| *address) {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::*;

    fn of_a_network(network: u16, host: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, host).into()
    }

    fn lock(strangers: &mut Strangers, from: IpAddr, now: Instant) {
        (0..LAN_FAILURES).for_each(|_| strangers.failed(from, now));
        assert!(strangers.refuse(from, now));
    }

    #[test]
    fn newcomers_are_answered_and_remembered_however_many_failed_before() {
        let (mut strangers, begun) = (Strangers::default(), Instant::now());
        let number = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(number as u32));
        let later = |number: usize| begun + Duration::from_millis(number as u64);
        (0..LAN_STRANGERS).for_each(|of| strangers.failed(number(of), later(of)));
        let newcomer = number(LAN_STRANGERS);
        assert!(!strangers.refuse(newcomer, later(LAN_STRANGERS)));
        lock(&mut strangers, newcomer, later(LAN_STRANGERS));
        assert_eq!(strangers.known.len(), LAN_STRANGERS);
        assert!(!strangers.known.contains_key(&number(0)), "the oldest is forgotten");
        assert!(strangers.known.contains_key(&number(1)));
    }

    #[test]
    fn one_machine_with_many_addresses_pushes_nobody_out_and_locks_out_no_neighbour() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        lock(&mut strangers, of_a_network(1, 1), now);
        assert!(!strangers.refuse(of_a_network(1, 2), now), "a neighbour");
        (0..2000).for_each(|host| strangers.failed(of_a_network(2, host), now));
        assert_eq!(strangers.known.len(), 1 + LAN_STRANGERS_OF_A_NETWORK);
        assert!(strangers.refuse(of_a_network(1, 1), now));
    }

    #[test]
    fn an_address_is_answered_again_after_a_while() {
        let (mut strangers, begun) = (Strangers::default(), Instant::now());
        let from = of_a_network(1, 1);
        lock(&mut strangers, from, begun);
        assert!(strangers.refuse(from, begun + LAN_FORGIVEN.saturating_sub(Duration::from_secs(1))));
        assert!(!strangers.refuse(from, begun + LAN_FORGIVEN));
        strangers.failed(from, begun + LAN_FORGIVEN);
        assert!(!strangers.refuse(from, begun + LAN_FORGIVEN), "counted from the beginning");
    }
}
