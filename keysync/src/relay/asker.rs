//! Who asks: the other end of a connection, or whom a proxy in front names.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// What a proxy says of who asked it (RFC 7239 tells its history).
const FORWARDED: &str = "x-forwarded-for";

/// Who asks, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody at this address.
    At(IpAddr),
    /// Whom a trusted proxy does not name, or not readably. All of them are one visitor.
    Unnamed,
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(formatter),
            Self::Unnamed => formatter.write_str("unnamed"),
        }
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

/// Who asks, where the other end of the connection is at `peer`.
pub(crate) fn asker(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> Who {
    let is_proxy = |address| proxies.iter().any(|proxy| proxy.contains(address));
    let mut asker = peer.to_canonical();
    // From right to left, as far as those who wrote are trusted.
    let named: Vec<&str> = headers
        .get_all(FORWARDED)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    for name in named.into_iter().rev() {
        if !is_proxy(asker) {
            break;
        }
        let Some(address) = address(name.trim()) else { return Who::Unnamed };
        asker = address.to_canonical();
    }
    // A proxy that is the last one named asks for somebody, not for itself.
    if is_proxy(asker) { Who::Unnamed } else { Who::At(asker) }
}

/// An address as proxies write it: some add the port, and brackets around IPv6.
fn address(name: &str) -> Option<IpAddr> {
    let bracketed = || name.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    name.parse().ok().or_else(|| name.parse().ok().map(|at: SocketAddr| at.ip())).or_else(bracketed)
}

/// Whether somebody asks through something that says so, believed or not.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED) || headers.contains_key("forwarded") || headers.contains_key("via")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (FORWARDED.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_network_has_the_addresses_with_its_first_bits() {
        let network = |typed| Network::parse(typed).unwrap();
        assert!(network("10.0.0.0/8").contains(at("10.255.1.2")));
        assert!(!network("10.0.0.0/8").contains(at("11.0.0.1")));
        assert!(network("0.0.0.0/0").contains(at("198.51.100.1")));
        assert!(network("127.0.0.1").contains(at("::ffff:127.0.0.1")));
        assert!(network("2001:db8::/32").contains(at("2001:db8:1::1")));
        assert!(!network("::/0").contains(at("127.0.0.1")));
        for typed in ["", "10.0.0.0/33", "::/129", "example.org", "10.0.0.0/", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        let proxies = [Network::parse("127.0.0.1").unwrap(), Network::parse("10.0.0.0/8").unwrap()];
        let ask = |peer, headers: &[&str]| asker(at(peer), &forwarded(headers), &proxies);
        assert_eq!(ask("198.51.100.1", &["192.0.2.1"]), Who::At(at("198.51.100.1")));
        assert_eq!(ask("127.0.0.1", &["192.0.2.1"]), Who::At(at("192.0.2.1")));
        assert_eq!(ask("127.0.0.1", &["203.0.113.9, 192.0.2.1, 10.1.1.1"]), Who::At(at("192.0.2.1")));
        assert_eq!(ask("127.0.0.1", &["203.0.113.9", "192.0.2.1"]), Who::At(at("192.0.2.1")));
        assert_eq!(asker(at("127.0.0.1"), &forwarded(&["192.0.2.1"]), &[]), Who::At(at("127.0.0.1")));
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let proxies = [Network::parse("127.0.0.1").unwrap()];
        for (written, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("[2001:db8::9]:4711", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            let asker = asker(at("127.0.0.1"), &forwarded(&["127.0.0.1", written]), &proxies);
            assert_eq!(asker, Who::At(at(address)), "{written}");
        }
    }

    #[test]
    fn whom_a_trusted_proxy_does_not_name_is_nobody_and_not_the_proxy() {
        let proxies = [Network::parse("127.0.0.1").unwrap(), Network::parse("10.0.0.0/8").unwrap()];
        for written in ["unknown", "_hidden", "", "203.0.113.9:port", "[203.0.113.9]"] {
            // What stands before it is whatever the visitor sent.
            let headers = forwarded(&["192.0.2.1", written]);
            assert_eq!(asker(at("127.0.0.1"), &headers, &proxies), Who::Unnamed, "{written}");
        }
        let ask = |headers: &HeaderMap| asker(at("127.0.0.1"), headers, &proxies);
        assert_eq!(ask(&HeaderMap::new()), Who::Unnamed);
        assert_eq!(ask(&forwarded(&["10.0.0.2"])), Who::Unnamed, "a proxy that names nobody to the next one");
        let mut others = HeaderMap::new();
        others.insert("via", "1.1 proxy".parse().unwrap());
        others.insert("forwarded", "for=203.0.113.9".parse().unwrap());
        assert_eq!(ask(&others), Who::Unnamed);
        others.insert(FORWARDED, axum::http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(ask(&others), Who::Unnamed);
    }
}
