//! What is kept of an OpenPGP certificate once its signatures were verified: plain values.

use std::fmt;

use super::link::{Link, LinkPurpose, address_of_user_id};
use super::spans::Spans;
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::time::Time;

/// A certificate whose self-signatures were verified, with the certifications on it that hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Of its primary key.
    pub fingerprint: OpenPgpFingerprint,
    /// Body of the primary key's packet (RFC 9580, section 5.5.2), to verify what the key signs.
    pub primary_key: Vec<u8>,
    /// Of everything that the owner says in it. Where it is the same again, nothing of that needs to
    /// be verified again.
    pub own_digest: [u8; 32],
    /// When it has a binding signature that is good enough today; outside of that it does not exist.
    pub valid: Spans,
    /// When it is valid and has not expired.
    pub live: Spans,
    /// Whether and when its owner revoked it.
    pub revocation: Revocation,
    /// In the order of the certificate.
    pub user_ids: Vec<UserId>,
    /// S/MIME keys that the owner names for every user identifier.
    pub links: Vec<LinkNotation>,
    /// Certifications by others, verified, in the order of issuer, user identifier and time.
    pub certifications: Vec<Certification>,
    /// Alleged issuers of further certifications, whose certificates were not there. Once one
    /// arrives, this certificate must be read again.
    pub unknown_issuers: Vec<KeyId>,
}

impl Certificate {
    /// Whether it can be used at a moment, being neither expired nor revoked. What its key certifies
    /// at another moment does not count.
    #[must_use]
    pub fn is_usable_at(&self, at: Time) -> bool {
        self.live.contains(at) && !self.revocation.holds_at(at)
    }

    /// Whether its owner names any S/MIME key.
    #[must_use]
    pub fn has_links(&self) -> bool {
        !self.links.is_empty() || self.user_ids.iter().any(|user_id| !user_id.links.is_empty())
    }

    /// The user identifiers by which the owner names an S/MIME key for an address: whoever believes
    /// that one of them belongs to this certificate has the owner's word for the key, for this purpose.
    pub fn user_ids_linked_to(
        &self,
        key: &Fingerprint,
        address: &EmailAddress,
        purpose: LinkPurpose,
        at: Time,
    ) -> impl Iterator<Item = &UserId> {
        self.user_ids.iter().filter(move |user_id| {
            let counts = user_id.self_signed.contains(at) && !user_id.revoked.contains(at);
            let own = user_id.address().filter(|own| counts && own.matches(address));
            let mut links = user_id.links.iter().chain(&self.links);
            own.is_some_and(|own| links.any(|link| link.names(key, address, &own, purpose, at)))
        })
    }

    /// The user identifiers with an address that the owner stands by at a moment.
    pub fn user_ids_of(&self, address: &EmailAddress, at: Time) -> impl Iterator<Item = &UserId> {
        self.user_ids.iter().filter(move |user_id| {
            let counts = user_id.self_signed.contains(at) && !user_id.revoked.contains(at);
            counts && user_id.address().is_some_and(|own| own.matches(address))
        })
    }

    /// The same with what another copy of it adds: certifications, and a revocation for good.
    #[must_use]
    pub fn with_news_of(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        merged.revocation.hard |= other.revocation.hard;
        for certification in &other.certifications {
            let text = other.user_ids.get(certification.user_id).map(|user_id| &user_id.text);
            let user_id = self.user_ids.iter().position(|own| Some(&own.text) == text);
            let mut known = merged.certifications.iter_mut();
            match (known.find(|known| known.digest == certification.digest), user_id) {
                // Whoever took it back did so for every copy.
                (Some(known), _) => {
                    known.revoked = [known.revoked, certification.revoked].into_iter().flatten().min();
                }
                (None, Some(user_id)) => {
                    merged.certifications.push(Certification { user_id, ..certification.clone() });
                }
                (None, None) => {}
            }
        }
        merged.certifications.sort_by_key(|one| (one.issuer, one.user_id, one.created));
        merged
    }

    /// One of its user identifiers.
    #[must_use]
    pub fn user_id(&self, text: &str) -> Option<&UserId> {
        self.user_ids.iter().find(|user_id| user_id.text == text)
    }
}

/// Whether a certificate's owner revoked it (RFC 9580, section 5.2.3.31).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// The key is compromised, or no reason is given: nothing it ever signed counts.
    pub hard: bool,
    /// Superseded, retired: from the revocation on, until a newer self-signature.
    pub soft: Spans,
}

impl Revocation {
    /// Whether it is in effect at a moment.
    #[must_use]
    pub fn holds_at(&self, at: Time) -> bool {
        self.hard || self.soft.contains(at)
    }
}

/// A user identifier: mostly a name and an address. Foreign text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId {
    /// As it stands in the packet. One that is not UTF-8 is left out.
    pub text: String,
    /// When the owner of the certificate says that it is theirs.
    pub self_signed: Spans,
    /// When the owner says that it is not.
    pub revoked: Spans,
    /// S/MIME keys that the owner names for it.
    pub links: Vec<LinkNotation>,
}

impl UserId {
    /// The address in it.
    #[must_use]
    pub fn address(&self) -> Option<EmailAddress> {
        address_of_user_id(&self.text)
    }
}

/// The value of a link notation, and when a binding self-signature has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkNotation {
    /// To be read by [`Link::parse`].
    pub value: String,
    /// When it counts.
    pub holds: Spans,
}

impl LinkNotation {
    fn names(
        &self,
        key: &Fingerprint,
        address: &EmailAddress,
        own: &EmailAddress,
        purpose: LinkPurpose,
        at: Time,
    ) -> bool {
        self.holds.contains(at)
            && Link::parse(&self.value).is_some_and(|link| link.names(key, address, Some(own), purpose, at))
    }
}

/// The certification of a user identifier by somebody else, whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certification {
    /// Who made it.
    pub issuer: OpenPgpFingerprint,
    /// The user identifier, by its place in the certificate.
    pub user_id: usize,
    /// How far the issuer relies on it, at most [`super::FULL`].
    pub amount: u8,
    /// How far the issuer lets the owner introduce others.
    pub depth: Depth,
    /// What the owner may introduce; anything where there are none (RFC 9580, section 5.2.3.22).
    pub regular_expressions: Vec<Vec<u8>>,
    /// When it was made.
    pub created: Time,
    /// The first moment when it does not hold any more.
    pub expires: Option<Time>,
    /// When its issuer took it back.
    pub revoked: Option<Time>,
    /// SHA-256 of the signature packet's body: what was verified once is known by it.
    pub digest: [u8; 32],
}

impl Certification {
    /// Whether it holds at a moment, as far as it says so itself.
    #[must_use]
    pub fn holds_at(&self, at: Time) -> bool {
        self.created <= at
            && self.expires.is_none_or(|expires| at < expires)
            && self.revoked.is_none_or(|revoked| at < revoked)
    }
}

/// How many introducers may stand between an issuer and what is introduced (RFC 9580, section
/// 5.2.3.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// At most that many; with none it is a plain certification.
    Limited(u8),
    /// Any number: 255 in the packet.
    Unlimited,
}

impl Depth {
    /// As the packet says it.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Self {
        match octet {
            u8::MAX => Self::Unlimited,
            depth => Self::Limited(depth),
        }
    }

    /// For the packet.
    #[must_use]
    pub const fn to_octet(self) -> u8 {
        match self {
            Self::Limited(depth) => depth,
            Self::Unlimited => u8::MAX,
        }
    }

    /// Whether that many introducers may follow.
    #[must_use]
    pub fn allows(self, introducers: usize) -> bool {
        match self {
            Self::Limited(depth) => introducers <= usize::from(depth),
            Self::Unlimited => true,
        }
    }
}

/// The 64 bits by which signatures call their issuer (RFC 9580, section 5.5.4). They are no
/// fingerprint: two keys with one identifier are made at will.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// Of a key: the low bits of a fingerprint of version 4, the high bits of one of version 6.
    #[must_use]
    pub fn of(fingerprint: &OpenPgpFingerprint) -> Self {
        let octets = match fingerprint {
            OpenPgpFingerprint::Version4(bytes) => bytes.last_chunk(),
            OpenPgpFingerprint::Version6(bytes) => bytes.first_chunk(),
        };
        Self(octets.copied().unwrap_or_default())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyId(")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))?;
        formatter.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Time = Time::from_unix_seconds(1_700_000_000);

    fn certification(number: u8, revoked: Option<Time>) -> Certification {
        Certification {
            issuer: OpenPgpFingerprint::Version4([number; 20]),
            user_id: 0,
            amount: 120,
            depth: Depth::Limited(0),
            regular_expressions: Vec::new(),
            created: THEN,
            expires: None,
            revoked,
            digest: [number; 32],
        }
    }

    fn certificate(text: &str, certifications: Vec<Certification>) -> Certificate {
        let user_id = UserId {
            text: text.to_owned(),
            self_signed: Spans::default(),
            revoked: Spans::default(),
            links: Vec::new(),
        };
        Certificate {
            fingerprint: OpenPgpFingerprint::Version4([0; 20]),
            primary_key: Vec::new(),
            own_digest: [0; 32],
            valid: Spans::default(),
            live: Spans::default(),
            revocation: Revocation::default(),
            user_ids: vec![user_id],
            links: Vec::new(),
            certifications,
            unknown_issuers: Vec::new(),
        }
    }

    #[test]
    fn another_copy_adds_and_takes_nothing_away() {
        let known = certificate("Alice", vec![certification(1, None), certification(2, Some(THEN))]);
        let other = certificate("Alice", vec![certification(2, None), certification(3, None)]);
        let merged = known.with_news_of(&other);
        let expected = [certification(1, None), certification(2, Some(THEN)), certification(3, None)];
        assert_eq!(merged.certifications, expected);
        assert_eq!(known.with_news_of(&certificate("Mallory", vec![certification(3, None)])), known);
    }

    #[test]
    fn what_was_taken_back_is_so_in_every_copy() {
        let known = certificate("Alice", vec![certification(1, None)]);
        let mut other = certificate("Alice", vec![certification(1, Some(THEN))]);
        other.revocation.hard = true;
        let merged = known.with_news_of(&other);
        assert_eq!(merged.certifications, other.certifications);
        assert!(merged.revocation.hard);
    }
}
