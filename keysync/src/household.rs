//! How far network addresses tell people apart.

use std::net::{IpAddr, Ipv6Addr};

/// An address of IPv4, or the 64 bits of IPv6 that a household has.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}
