//! Which addresses are on the local network: an address is all that tells, and it tells no more than that.

use std::net::IpAddr;

/// Where those are whom one had to do with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Locality {
    near: bool,
    far: bool,
}

impl Locality {
    /// Counts one of them.
    pub(super) fn count(&mut self, address: IpAddr) {
        if is_local(address) {
            self.near = true;
        } else {
            self.far = true;
        }
    }

    /// Whether there is one, and all are near: one from far away could have brought anything.
    pub(super) const fn is_local(self) -> bool {
        self.near && !self.far
    }
}

/// Loopback (RFC 1122, RFC 4291), link-local (RFC 3927, RFC 4291), and addresses that no router of the Internet passes
/// on (RFC 1918, RFC 4193).
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local() || address.is_private(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unicast_link_local() || address.is_unique_local()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(addresses: &[&str]) -> bool {
        let mut reached = Locality::default();
        addresses.iter().for_each(|address| reached.count(address.parse().unwrap()));
        reached.is_local()
    }

    #[test]
    fn addresses_of_the_local_network_and_no_others_are_local() {
        let near = [
            "127.0.0.1",
            "169.254.3.4",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ];
        for address in near {
            assert!(of(&[address]), "{address}");
        }
        let far = [
            "0.0.0.0",
            "8.8.8.8",
            "172.32.0.1",
            "100.64.0.1",
            "192.0.2.1",
            "224.0.0.251",
            "255.255.255.255",
            "::",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "64:ff9b::a00:1",
            "ff02::fb",
        ];
        for address in far {
            assert!(!of(&[address]), "{address}");
        }
    }

    #[test]
    fn one_from_far_away_is_enough_and_nobody_is_nowhere() {
        assert!(of(&["10.0.0.1", "fe80::1"]));
        assert!(!of(&["10.0.0.1", "192.0.2.1"]) && !of(&[]));
    }
}
