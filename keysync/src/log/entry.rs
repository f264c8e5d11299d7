//! What an entry says.

use std::fmt;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use crate::device::{DeviceId, Role};

/// The content octets of the object identifier of an entry's content, 2.25.141656435858741282469383383261167732817.10.
pub const ENTRY_CONTENT_TYPE: [u8; 21] = [
    0x69, 0x81, 0xd5, 0x92, 0x84, 0xe0, 0xf1, 0xcf, 0x82, 0xa7, 0xef, 0xb9, 0xaf, 0xd4, 0xd2, 0xbb, 0x91,
    0xbf, 0x90, 0x51, 0x0a,
];

/// Makes the type of a name that is a SHA-256.
macro_rules! name_by_hash {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its bytes.
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
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [first, second, third, fourth, ..] = self.0;
                write!(formatter, "{}({first:02x}{second:02x}{third:02x}{fourth:02x}…)", stringify!($name))
            }
        }
    };
}

name_by_hash! {
    /// An entry: SHA-256 of its content.
    EntryId
}
name_by_hash! {
    /// An account: the id of the entry that founds it.
    AccountId
}
name_by_hash! {
    /// A key that devices share: SHA-256 of its SubjectPublicKeyInfo, or [`KeyId::of_log_secret`].
    KeyId
}
name_by_hash! {
    /// A key package: SHA-256 of its bytes, before it is sealed for a box.
    PackageName
}

impl EntryId {
    /// Of the DER of an entry.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }
}

impl AccountId {
    /// The account that this entry founds.
    #[must_use]
    pub const fn founded_by(genesis: &EntryId) -> Self {
        Self(*genesis.as_bytes())
    }
}

impl KeyId {
    /// The id of the key with this SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_public_key(subject_public_key_info: &[u8]) -> Self {
        Self(Sha256::digest(subject_public_key_info).into())
    }

    /// The id of a log secret, which says nothing about it.
    #[must_use]
    pub fn of_log_secret(secret: &SecretBytes) -> Self {
        let digest = Sha256::new().chain_update(b"counterseal log secret 1").chain_update(secret.expose());
        Self(digest.finalize().into())
    }
}

impl PackageName {
    /// The name of a package with these bytes.
    #[must_use]
    pub fn of(package: &[u8]) -> Self {
        Self(Sha256::digest(package).into())
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account; nothing in the entry that founds it.
    pub account: Option<AccountId>,
    /// What its author knew: entries that no other one it knew names, ascending.
    pub parents: Vec<EntryId>,
    /// 0 without parents, else one more than the largest of theirs.
    pub lamport: u64,
    /// What its author's clock said.
    pub time: Time,
    /// Who signed it.
    pub author: Author,
    /// What it says.
    pub body: Body,
}

/// Who signed an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// A device.
    Device(DeviceId),
    /// The seed on paper, by the SHA-256 of its SubjectPublicKeyInfo.
    Root(DeviceId),
}

impl Author {
    /// The SHA-256 of the SubjectPublicKeyInfo of the key that must have signed.
    #[must_use]
    pub const fn key(&self) -> &DeviceId {
        match self {
            Self::Device(id) | Self::Root(id) => id,
        }
    }

    /// The device, where it is one.
    #[must_use]
    pub const fn device(&self) -> Option<DeviceId> {
        match self {
            Self::Device(id) => Some(*id),
            Self::Root(_) => None,
        }
    }
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The account, its first device, and the certificates of the root.
    Genesis {
        /// An admin, whatever is wanted of it later.
        first: Admitted,
        /// Of the seed on paper, signing key first; none where there is no seed.
        root: Vec<Vec<u8>>,
    },
    /// A device belongs to the account.
    Add(Admitted),
    /// What a device is for from here on.
    Role {
        /// Which one.
        device: DeviceId,
        /// What for.
        role: Role,
    },
    /// A device is out, and the keys that it had are retired.
    Revoke {
        /// Which one.
        device: DeviceId,
        /// Keys whose certificates are advertised no more.
        retired: Vec<KeyId>,
    },
    /// There is a key.
    Key(Announced),
    /// A device asks for a certificate of its mail signing key: DER of a PKCS#10 request (RFC 2986).
    CertificateRequest(Vec<u8>),
    /// What an admin answers.
    CertificateAnswer {
        /// The entry that asked.
        request: EntryId,
        /// DER of certificates, newest first.
        certificates: Vec<Vec<u8>>,
    },
    /// New certificates of the author's keys that packages are sealed to.
    KemRoll(Vec<Vec<u8>>),
    /// SHA-256 of what the entries before this one mean ([`super::Evaluation::digest`]).
    Snapshot([u8; 32]),
    /// The root's word: what is not before or after this entry is void.
    Recover {
        /// Devices that are out.
        revoked: Vec<DeviceId>,
        /// Keys whose certificates are advertised no more.
        retired: Vec<KeyId>,
        /// Devices that come in, as admins.
        added: Vec<Admitted>,
    },
    /// Rules for all devices.
    Policy(Policy),
}

impl Body {
    /// The type in one word, for what is shown and for JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Genesis { .. } => "genesis",
            Self::Add(_) => "add",
            Self::Role { .. } => "role",
            Self::Revoke { .. } => "revoke",
            Self::Key(_) => "key",
            Self::CertificateRequest(_) => "certificate-request",
            Self::CertificateAnswer { .. } => "certificate-answer",
            Self::KemRoll(_) => "kem-roll",
            Self::Snapshot(_) => "snapshot",
            Self::Recover { .. } => "recover",
            Self::Policy(_) => "policy",
        }
    }
}

/// A device as an entry brings it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Of its signing key.
    pub device: DeviceId,
    /// What it is for.
    pub role: Role,
    /// What its person calls it.
    pub name: String,
    /// DER, signing key first.
    pub certificates: Vec<Vec<u8>>,
}

/// A key that devices share, as an entry announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its id.
    pub key: KeyId,
    /// What it is for, and so who gets it.
    pub purpose: Purpose,
    /// SHA-256 of the DER of its certificate, where it has one.
    pub certificate: Option<[u8; 32]>,
    /// The package that brings it to all who should have it.
    pub package: PackageName,
    /// Whom this package is for, the root among them where there is one; ascending.
    pub recipients: Vec<DeviceId>,
}

/// What a shared key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Decrypting mail.
    Decryption,
    /// Decrypting mail and signing it, as the one key of many CAs does: whoever holds it can write as its owner.
    SigningAndDecryption,
    /// The personal CA.
    PersonalAuthority,
    /// The box of the account, and the seal of what is in it.
    LogSecret,
}

impl Purpose {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decryption => "decryption",
            Self::SigningAndDecryption => "signing-and-decryption",
            Self::PersonalAuthority => "personal-ca",
            Self::LogSecret => "log-secret",
        }
    }

    /// Whether a device of this role gets keys of this purpose; a kiosk gets only the newer ones.
    #[must_use]
    pub const fn is_for(self, role: Role) -> bool {
        match self {
            Self::Decryption => role.decrypts(),
            Self::SigningAndDecryption => role.signs(),
            Self::PersonalAuthority => role.administers(),
            Self::LogSecret => true,
        }
    }

    /// Whether mail is opened by it.
    #[must_use]
    pub const fn opens_mail(self) -> bool {
        matches!(self, Self::Decryption | Self::SigningAndDecryption)
    }

    /// Its number in entries and key packages (`docs/formats/device-log.md`).
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Decryption => 0,
            Self::PersonalAuthority => 1,
            Self::LogSecret => 2,
            Self::SigningAndDecryption => 3,
        }
    }

    /// The one with that number.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Decryption),
            1 => Some(Self::PersonalAuthority),
            2 => Some(Self::LogSecret),
            3 => Some(Self::SigningAndDecryption),
            _ => None,
        }
    }
}

/// Rules that an admin makes for all devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Devices are added on the local network only.
    pub lan_only: bool,
    /// Days after which a silent device is missed.
    pub beacon_days: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self { lan_only: false, beacon_days: 14 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_has_one_number_and_goes_to_who_may_do_what_the_key_can() {
        let roles = [Role::Courier, Role::Reader, Role::Writer, Role::Admin];
        for (purpose, number, opens, goes_to) in [
            (Purpose::Decryption, 0, true, [false, true, true, true]),
            (Purpose::PersonalAuthority, 1, false, [false, false, false, true]),
            (Purpose::LogSecret, 2, false, [true, true, true, true]),
            (Purpose::SigningAndDecryption, 3, true, [false, false, true, true]),
        ] {
            assert_eq!((purpose.number(), Purpose::from_number(number)), (number, Some(purpose)));
            assert_eq!((purpose.opens_mail(), roles.map(|role| purpose.is_for(role))), (opens, goes_to));
        }
        assert_eq!(Purpose::from_number(4), None);
    }
}
