//! How a side begins, and what it says of itself.

use counterseal_core::secret::SecretBytes;

use super::Method;
use super::gate::{ReleasePolicy, Side};
use crate::code::PairingCode;
use crate::device::Role;
use crate::words::SpokenCode;

/// A password that both sides know, and the number by which they find each other.
#[derive(Clone, Debug)]
pub struct Password {
    /// From 1 to 9999.
    pub nameplate: u16,
    /// What both know.
    pub secret: SecretBytes,
    /// What the displaying side shows; nothing for a password that was agreed on.
    pub shown: Option<String>,
}

impl From<&SpokenCode> for Password {
    fn from(code: &SpokenCode) -> Self {
        Self { nameplate: code.nameplate(), secret: code.password(), shown: Some(code.to_text()) }
    }
}

/// How this side begins.
#[derive(Clone, Debug)]
pub enum Opening {
    /// Shows a code.
    ShowCode,
    /// Has scanned a code.
    ScanCode(PairingCode),
    /// Shows words, or is the first of two with a password.
    ShowPassword(Password),
    /// Has the other one's words, or is the second of two with a password.
    TypePassword(Password),
    /// Offers itself by name.
    ShowName,
    /// Chooses among names.
    PickName,
    /// Makes an offer file.
    OfferFile,
    /// Has an offer file, and makes the answer.
    AnswerFile(Vec<u8>),
}

impl Opening {
    pub(super) const fn side(&self) -> Side {
        match self {
            Self::ShowCode | Self::ShowPassword(_) | Self::ShowName | Self::OfferFile => Side::Displays,
            Self::ScanCode(_) | Self::TypePassword(_) | Self::PickName | Self::AnswerFile(_) => Side::Scans,
        }
    }

    pub(super) const fn method(&self) -> Method {
        match self {
            Self::ShowCode | Self::ScanCode(_) => Method::Code,
            Self::ShowPassword(_) | Self::TypePassword(_) => Method::Words,
            Self::ShowName | Self::PickName => Method::Sas,
            Self::OfferFile | Self::AnswerFile(_) => Method::File,
        }
    }
}

/// What this side says of itself, and what it asks for.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Its name on the other screen, at most [`limits::NAME_BYTES`](crate::limits::NAME_BYTES).
    pub name: String,
    /// What a new device would like to be.
    pub role: Option<Role>,
    /// The account of an old device: SHA-256 of its root key.
    pub account: Option<[u8; 32]>,
    /// What a new device asks for, once it is sure: a certificate request, say.
    pub request: Vec<u8>,
    /// Where the box is beside the local network, as it stands in a code.
    pub relay: Option<String>,
    /// Only over the local network.
    pub lan_only: bool,
    /// A new device does without the digits; whoever photographs its code could then lure it into another account.
    pub trust_scan: bool,
    /// What an old device asks for before it releases keys.
    pub policy: ReleasePolicy,
}
