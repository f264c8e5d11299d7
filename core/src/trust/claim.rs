//! What evidence is about: that a key belongs to an address.

use std::fmt;

use crate::address::EmailAddress;
use crate::fingerprint::Fingerprint;

/// That a key belongs to whoever reads mail at an address.
///
/// Keys are scored, not certificates: a certificate is evidence. The address is kept in the form in
/// which it is looked up, so that two claims about one mailbox are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    address: EmailAddress,
    key: Fingerprint,
}

impl Claim {
    /// That `key` belongs to `address`.
    #[must_use]
    pub fn new(address: &EmailAddress, key: Fingerprint) -> Self {
        Self { address: address.to_lookup_form(), key }
    }

    /// The address, as it is looked up.
    #[must_use]
    pub const fn address(&self) -> &EmailAddress {
        &self.address
    }

    /// The fingerprint of the key.
    #[must_use]
    pub const fn key(&self) -> &Fingerprint {
        &self.key
    }

    /// The claim of another key to the same address.
    #[must_use]
    pub fn with_key(&self, key: Fingerprint) -> Self {
        Self { address: self.address.clone(), key }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Claim({} {})", self.address, self.key)
    }
}
