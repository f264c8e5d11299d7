//! Trust domains: the things that a forger must subvert, each at a cost of its own.

use super::claim::Claim;
use super::evidence::{Comparison, IntroducerName, Operator};
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::time::Time;

/// One thing that evidence rests on.
///
/// Whatever one attack buys is one domain. The soundness of the score stands on that: two domains
/// are two purchases.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// The person's own comparison.
    Pin {
        /// Of this key, for this address.
        claim: Claim,
        /// How it was compared. The bits of a strong address are left out: two of them are one thing.
        how: PinKind,
    },
    /// The user's own OpenPGP certification.
    OwnCertification {
        /// The user's certificate.
        root: OpenPgpFingerprint,
        /// What was certified.
        claim: Claim,
    },
    /// The organisation's own CA.
    OwnAuthority(Fingerprint),
    /// Whoever operates a public CA.
    Operator(Operator),
    /// The amount that the administrator gave to one root of an operator with several.
    Root {
        /// The operator.
        operator: Operator,
        /// The amount.
        amount: u32,
    },
    /// An operator's check of a person's identity.
    Identity(Operator),
    /// An operator's check of an organisation.
    Organisation(Operator),
    /// Reading and answering mail of an address, now.
    Mailbox(EmailAddress),
    /// The same in an earlier window of 30 days.
    EarlierMailbox {
        /// Whose.
        address: EmailAddress,
        /// First moment of the window.
        from: Time,
    },
    /// Whoever operates the domain and its mail.
    Provider(String),
    /// What mail with the key came to.
    History(Claim),
    /// The DNSSEC signatures of a domain.
    Dnssec(String),
    /// The unsigned DNS answers about a domain.
    Dns(String),
    /// The web certificate of a domain.
    WebPki(String),
    /// A key server.
    Keyserver(String),
    /// An introducer: a person who certifies the keys of others.
    Introducer(IntroducerName),
    /// What one introducer trusts another with, where that is less than the other is worth.
    Introduction {
        /// Who relies; nothing for the user.
        by: Option<IntroducerName>,
        /// On whom.
        of: IntroducerName,
    },
    /// What an introducer is trusted with for some keys, where it is more for others.
    Reliance {
        /// On whom.
        on: IntroducerName,
        /// The points.
        amount: u32,
    },
    /// The amount of one introducer's certification or endorsement.
    Certification {
        /// Whose.
        by: IntroducerName,
        /// Of what.
        claim: Claim,
    },
    /// What the limited depths of OpenPGP let through to a key.
    Web(Claim),
    /// The OpenPGP certificate that names the key.
    Link {
        /// The certificate.
        certificate: OpenPgpFingerprint,
        /// The key that it names.
        claim: Claim,
    },
    /// Somebody whose mail carried the key.
    Gossip {
        /// Whose mail.
        by: Claim,
        /// The key.
        claim: Claim,
    },
    /// Everybody whose mail carried the key.
    AllGossip(Claim),
    /// A correspondent who endorses the key and is no introducer.
    Peer {
        /// Whose statement.
        by: Claim,
        /// The key.
        claim: Claim,
    },
    /// All of these.
    AllPeers(Claim),
    /// The secret half of the key before.
    Succession {
        /// The key before.
        old: Claim,
        /// The key that follows.
        new: Fingerprint,
    },
    /// The secret half of a personal CA.
    Issued(Claim),
    /// The secret half of a signing key that names an encryption key.
    Named {
        /// The signing key.
        by: Claim,
        /// The encryption key.
        key: Fingerprint,
    },
}

impl Domain {
    /// The word for the kind of domain, in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pin { .. } => "pin",
            Self::OwnCertification { .. } => "own-certification",
            Self::OwnAuthority(_) => "own-authority",
            Self::Operator(_) => "operator",
            Self::Root { .. } => "root",
            Self::Identity(_) => "identity",
            Self::Organisation(_) => "organisation",
            Self::Mailbox(_) => "mailbox",
            Self::EarlierMailbox { .. } => "earlier-mailbox",
            Self::Provider(_) => "provider",
            Self::History(_) => "history",
            Self::Dnssec(_) => "dnssec",
            Self::Dns(_) => "dns",
            Self::WebPki(_) => "web-pki",
            Self::Keyserver(_) => "keyserver",
            Self::Introducer(_) => "introducer",
            Self::Introduction { .. } => "introduction",
            Self::Reliance { .. } => "reliance",
            Self::Certification { .. } => "certification",
            Self::Web(_) => "web",
            Self::Link { .. } => "link",
            Self::Gossip { .. } => "gossip",
            Self::AllGossip(_) => "all-gossip",
            Self::Peer { .. } => "peer",
            Self::AllPeers(_) => "all-peers",
            Self::Succession { .. } => "succession",
            Self::Issued(_) => "issued",
            Self::Named { .. } => "named",
        }
    }
}

/// How a pin was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PinKind {
    /// The key is the person's own.
    Own,
    /// Face to face.
    InPerson,
    /// By video or voice.
    ByVideo,
    /// As a part of an address.
    StrongAddress,
}

impl From<Comparison> for PinKind {
    fn from(how: Comparison) -> Self {
        match how {
            Comparison::Own => Self::Own,
            Comparison::InPerson | Comparison::Succession => Self::InPerson,
            Comparison::ByVideo => Self::ByVideo,
            Comparison::StrongAddress { .. } => Self::StrongAddress,
        }
    }
}

/// A domain and what it costs to subvert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// The domain.
    pub domain: Domain,
    /// Points.
    pub points: u32,
}
