//! Who a device is, what it may do, and the keys by which it shows that.

mod certificates;
mod keys;
mod signer;

use std::fmt;

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::time::Time;

pub use certificates::{DeviceCertificates, DeviceCertificatesError};
pub use keys::{DeviceKeyUse, DeviceKeys};
pub use signer::{DeviceSigner, ObjectError, SignedObject, read_signed_object};

/// A device: SHA-256 of the SubjectPublicKeyInfo of its signing key, which never leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; 32]);

impl DeviceId {
    /// The device whose signing key has this fingerprint.
    #[must_use]
    pub const fn of(signing_key: &Fingerprint) -> Self {
        Self(*signing_key.sha256())
    }

    /// From its bytes, as they stand in a device log.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal, 64 digits.
impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// What a device is for. The three rights below follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads mail: gets every decryption key, and no signing key.
    Reader,
    /// Reads, and signs with a key of its own.
    Writer,
    /// Reads and signs, holds the personal CA, and says which devices there are.
    Admin,
    /// Carries ciphertext and gets no key.
    Courier,
    /// Reads mail from this moment on, and gets no older key.
    Kiosk {
        /// Keys that were replaced before it are not for this device.
        since: Time,
    },
}

impl Role {
    /// Whether it gets decryption keys.
    #[must_use]
    pub const fn decrypts(self) -> bool {
        !matches!(self, Self::Courier)
    }

    /// Whether it has a signing key of its own, and may announce keys.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Writer | Self::Admin)
    }

    /// Whether it may add and revoke devices.
    #[must_use]
    pub const fn administers(self) -> bool {
        matches!(self, Self::Admin)
    }

    /// The word on the screen, in JSON and in arguments.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
            Self::Courier => "courier",
            Self::Kiosk { .. } => "kiosk",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_grow_from_courier_to_admin() {
        let rights = |role: Role| (role.decrypts(), role.signs(), role.administers());
        assert_eq!(rights(Role::Courier), (false, false, false));
        assert_eq!(rights(Role::Kiosk { since: Time::from_unix_seconds(0) }), (true, false, false));
        assert_eq!(rights(Role::Reader), (true, false, false));
        assert_eq!(rights(Role::Writer), (true, true, false));
        assert_eq!(rights(Role::Admin), (true, true, true));
    }
}
