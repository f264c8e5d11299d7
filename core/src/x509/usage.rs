//! What a certificate's key may be used for (RFC 5280, sections 4.2.1.3 and 4.2.1.12; RFC 8550,
//! section 4.4).

use std::fmt;

use super::tlv::{self, Elements, tag};
use crate::der::dotted;

/// The key usage extension: one question for each bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// From the extension's value, a BIT STRING of up to nine named bits.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let (unused, bits) = tlv::only(der, tag::BIT_STRING)?.split_first()?;
        if *unused > 7 || bits.len() > 2 || (bits.is_empty() && *unused != 0) {
            return None;
        }
        let first = bits.first().copied().unwrap_or_default();
        let second = bits.get(1).copied().unwrap_or_default();
        Some(Self(u16::from_be_bytes([first, second])))
    }

    const fn bit(self, number: u32) -> bool {
        self.0 & (0x8000 >> number) != 0
    }

    /// Signing other things than certificates and revocation lists.
    #[must_use]
    pub const fn digital_signature(self) -> bool {
        self.bit(0)
    }

    /// Signing that cannot be denied later (also called contentCommitment).
    #[must_use]
    pub const fn non_repudiation(self) -> bool {
        self.bit(1)
    }

    /// Encrypting keys: RSA and ML-KEM recipients.
    #[must_use]
    pub const fn key_encipherment(self) -> bool {
        self.bit(2)
    }

    /// Encrypting data without a key in between; nobody uses it.
    #[must_use]
    pub const fn data_encipherment(self) -> bool {
        self.bit(3)
    }

    /// Agreeing on keys: EC recipients.
    #[must_use]
    pub const fn key_agreement(self) -> bool {
        self.bit(4)
    }

    /// Signing certificates.
    #[must_use]
    pub const fn key_cert_sign(self) -> bool {
        self.bit(5)
    }

    /// Signing revocation lists.
    #[must_use]
    pub const fn crl_sign(self) -> bool {
        self.bit(6)
    }

    /// With key agreement: only for encrypting.
    #[must_use]
    pub const fn encipher_only(self) -> bool {
        self.bit(7)
    }

    /// With key agreement: only for decrypting.
    #[must_use]
    pub const fn decipher_only(self) -> bool {
        self.bit(8)
    }

    /// The names of the bits that are set, as RFC 5280 spells them.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        const NAMES: [&str; 9] = [
            "digitalSignature",
            "nonRepudiation",
            "keyEncipherment",
            "dataEncipherment",
            "keyAgreement",
            "keyCertSign",
            "cRLSign",
            "encipherOnly",
            "decipherOnly",
        ];
        (0..).zip(NAMES).filter(|(number, _)| self.bit(*number)).map(|(_, name)| name).collect()
    }
}

/// The extended key usage extension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExtendedKeyUsage(Vec<String>);

const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
const ANY: &str = "2.5.29.37.0";

impl ExtendedKeyUsage {
    /// From the extension's value, a SEQUENCE of object identifiers.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let mut purposes = Elements::new(tlv::only(der, tag::SEQUENCE)?);
        let mut names = Vec::new();
        while !purposes.is_empty() {
            let identifier = purposes.expect(tag::OBJECT_IDENTIFIER)?.content;
            // An arc of an identifier made from a UUID is wider than the types of const_oid.
            let is_whole = identifier.last().is_some_and(|octet| octet & 0x80 == 0);
            names.push(is_whole.then(|| dotted(identifier))?);
        }
        (!names.is_empty()).then_some(Self(names))
    }

    /// Whether mail is among the purposes. `anyExtendedKeyUsage` is no answer to that; see
    /// [`ExtendedKeyUsage::allows_any`].
    #[must_use]
    pub fn allows_email_protection(&self) -> bool {
        self.allows(EMAIL_PROTECTION)
    }

    /// Whether every purpose is allowed; public CAs may not issue such certificates any more.
    #[must_use]
    pub fn allows_any(&self) -> bool {
        self.allows(ANY)
    }

    /// Whether this purpose, a dotted object identifier, stands in the list.
    #[must_use]
    pub fn allows(&self, purpose: &str) -> bool {
        self.0.iter().any(|name| name == purpose)
    }

    /// The purposes as dotted object identifiers.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.0
    }
}

/// Why a certificate may not be used for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// The key usage extension does not have the bit; these it has.
    KeyUsage(Vec<&'static str>),
    /// The extended key usage extension does not name mail; these it names.
    ExtendedKeyUsage(Vec<String>),
    /// Keys of this kind cannot do it at all.
    KeyAlgorithm(crate::algorithm::KeyAlgorithm),
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyUsage(names) => write!(formatter, "key usage is {}", names.join(", ")),
            Self::ExtendedKeyUsage(names) => write!(formatter, "extended key usage is {}", names.join(", ")),
            Self::KeyAlgorithm(algorithm) => write!(formatter, "the key is {}", algorithm.name()),
        }
    }
}

impl std::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bits_are_counted_from_the_left() {
        let usage = KeyUsage::from_der(&[3, 2, 1, 0b1000_0110]).unwrap();
        assert_eq!(usage.names(), ["digitalSignature", "keyCertSign", "cRLSign"]);
        assert!(usage.digital_signature() && usage.key_cert_sign() && !usage.key_encipherment());
        let decipher = KeyUsage::from_der(&[3, 3, 7, 0b0000_1000, 0x80]).unwrap();
        assert!(decipher.key_agreement() && decipher.decipher_only());
        assert_eq!(KeyUsage::from_der(&[3, 0]), None);
        assert_eq!(KeyUsage::from_der(&[3, 2, 8, 0]), None);
    }

    #[test]
    fn purposes_are_read() {
        let der = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 4];
        assert!(ExtendedKeyUsage::from_der(&der).unwrap().allows_email_protection());
        assert_eq!(ExtendedKeyUsage::from_der(&[0x30, 0]), None);
    }
}
