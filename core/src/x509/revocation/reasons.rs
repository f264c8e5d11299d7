//! Sets of reasons of revocation.

/// ReasonFlags (RFC 5280, section 4.2.1.13): what a distribution point or a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    pub(crate) const NONE: Self = Self(0);
    /// Every bit but the first, which is not used. A list that is not restricted has them all.
    pub(crate) const ALL: Self = Self(0x7f80);

    /// From the content of a BIT STRING; its first bit is that of the highest value.
    pub(super) fn from_content(content: &[u8]) -> Option<Self> {
        let (unused, octets) = content.split_first().filter(|(unused, _)| **unused < 8)?;
        let bits = match octets {
            [] if *unused == 0 => 0,
            [first] => u16::from(*first) << 8,
            [first, second] => u16::from_be_bytes([*first, *second]),
            _ => return None,
        };
        Some(Self(bits & Self::ALL.0))
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_all(self) -> bool {
        self == Self::ALL
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn two_halves_are_a_whole() {
        let two = Reasons::from_content(&[5, 0x60]).unwrap();
        let others = Reasons::from_content(&[7, 0x1f, 0x80]).unwrap();
        assert!(!two.is_all() && !others.is_all() && two.and(others).is_empty());
        assert!(two.or(others).is_all());
        // The first bit means nothing.
        assert!(Reasons::from_content(&[7, 0x80]).unwrap().is_empty());
    }
}
