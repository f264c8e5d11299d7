//! What the fuzz targets share: throwaway keys, a fixed source of randomness, and a tree of BER elements to bend.
//!
//! The files in `keys` were made once with OpenSSL: a root, and alice's RSA and P-256 keys under it, valid for a
//! hundred years; `signed.p7m` is a content signed with the P-256 key, without its certificate.

use std::sync::OnceLock;

use counterseal_core::keys::Keyring;
use counterseal_core::ports::Random;
use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};

/// The root above alice's certificates.
pub const ROOT: &[u8] = include_bytes!("../keys/root.der");
/// A content signed with alice's P-256 key.
pub const SIGNED: &[u8] = include_bytes!("../keys/signed.p7m");

/// Alice's certificates, RSA first.
pub fn certificates() -> &'static [Certificate] {
    static CERTIFICATES: OnceLock<Vec<Certificate>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        [&include_bytes!("../keys/rsa.der")[..], include_bytes!("../keys/p256.der")]
            .map(|der| Certificate::from_der(der).expect("a certificate of our own"))
            .to_vec()
    })
}

/// Alice's secret keys, with their certificates.
pub fn keyring() -> &'static Keyring {
    static KEYRING: OnceLock<Keyring> = OnceLock::new();
    KEYRING.get_or_init(|| {
        let mut keyring = Keyring::new();
        for der in [&include_bytes!("../keys/rsa.key.der")[..], include_bytes!("../keys/p256.key.der")] {
            keyring.add_key(SecretKey::from_pkcs8_der(der).expect("a key of our own"));
        }
        for certificate in certificates() {
            keyring.add_certificate(certificate.clone());
        }
        keyring
    })
}

/// The moment of every question: the certificates above are valid then.
pub fn now() -> Time {
    Time::from_unix_seconds(1_800_000_000)
}

/// The same bytes in every run, so that a finding can be repeated.
pub struct FixedRandom(pub u64);

impl Random for FixedRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            // A linear congruential generator by Knuth; nothing here is secret.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// One BER element, as a tree that can be bent and written again.
#[derive(Clone)]
pub struct Element {
    pub identifier: u8,
    pub length: LengthForm,
    pub content: Content,
}

#[derive(Clone)]
pub enum Content {
    Primitive(Vec<u8>),
    Constructed(Vec<Element>),
}

/// How the length octets are written.
#[derive(Clone, Copy)]
pub enum LengthForm {
    Minimal,
    /// With leading zeros, which BER allows and DER does not.
    Padded,
    Indefinite,
    /// A lie by this much.
    Off(i8),
}

impl Element {
    /// Reads DER with identifiers of one octet and nothing behind it; that is what the seeds are.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let (element, rest) = Self::read(der)?;
        rest.is_empty().then_some(element)
    }

    fn read(der: &[u8]) -> Option<(Self, &[u8])> {
        let (&identifier, rest) = der.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..0x80 => (usize::from(first), rest),
            _ => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
        };
        let (mut content, rest) = rest.split_at_checked(length)?;
        let content = if identifier & 0x20 == 0 {
            Content::Primitive(content.to_vec())
        } else {
            let mut children = Vec::new();
            while !content.is_empty() {
                let (child, behind) = Self::read(content)?;
                children.push(child);
                content = behind;
            }
            Content::Constructed(children)
        };
        Some((Self { identifier, length: LengthForm::Minimal, content }, rest))
    }

    pub fn encoded(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        self.write(&mut encoded);
        encoded
    }

    fn write(&self, output: &mut Vec<u8>) {
        let mut content = Vec::new();
        match &self.content {
            Content::Primitive(bytes) => content.extend_from_slice(bytes),
            Content::Constructed(children) => children.iter().for_each(|child| child.write(&mut content)),
        }
        output.push(self.identifier);
        let length = match self.length {
            LengthForm::Off(by) => content.len().saturating_add_signed(isize::from(by)),
            _ => content.len(),
        };
        match (self.length, length) {
            (LengthForm::Indefinite, _) => output.push(0x80),
            (LengthForm::Padded, _) => {
                output.push(0x84);
                output.extend_from_slice(&(length as u32).to_be_bytes());
            }
            (_, 0..0x80) => output.push(length as u8),
            _ => {
                let octets = (length as u64).to_be_bytes();
                let zeros = octets.iter().take_while(|octet| **octet == 0).count();
                output.push(0x80 | (octets.len() - zeros) as u8);
                output.extend_from_slice(&octets[zeros..]);
            }
        }
        output.extend_from_slice(&content);
        if matches!(self.length, LengthForm::Indefinite) {
            output.extend_from_slice(&[0, 0]);
        }
    }

    /// What a constructed element holds.
    pub fn children(&self) -> &[Self] {
        match &self.content {
            Content::Primitive(_) => &[],
            Content::Constructed(children) => children,
        }
    }

    /// The same, to be bent.
    pub fn children_mut(&mut self) -> &mut [Self] {
        match &mut self.content {
            Content::Primitive(_) => &mut [],
            Content::Constructed(children) => children,
        }
    }

    /// What a primitive element holds.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Primitive(bytes) => Some(bytes),
            Content::Constructed(_) => None,
        }
    }

    /// How many elements the tree has.
    pub fn count(&self) -> usize {
        match &self.content {
            Content::Primitive(_) => 1,
            Content::Constructed(children) => 1 + children.iter().map(Self::count).sum::<usize>(),
        }
    }

    /// The element of that number, counted from the root downward.
    pub fn element(&mut self, mut number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        number -= 1;
        let Content::Constructed(children) = &mut self.content else { return None };
        for child in children {
            let count = child.count();
            if number < count {
                return child.element(number);
            }
            number -= count;
        }
        None
    }
}
