//! The kinds of evidence that a key belongs to an address.
//!
//! Evidence arrives as values: whoever makes one has **verified** it. A [`Chain`] stands for a path
//! that was validated for mail and for this address, a [`Vouching`] for certifications whose
//! signatures hold, a [`Kind::Succeeds`] for a statement that the old key signed. What is revoked,
//! out of scope or malformed is not evidence and is not offered here. The engine decides only what
//! it is worth, and together with what.
//!
//! Who makes what:
//!
//! | value | made from |
//! | --- | --- |
//! | [`Chain`] | `x509::path`: a valid path, with the anchor's operator and the policies that hold along it |
//! | [`Vouching`], [`Kind::CertifiedByUser`] | `openpgp`: certifications of a twin or linked certificate |
//! | [`Endorsement`], [`Kind::Succeeds`], [`Kind::NamedBy`] | signed statements, attributes of signed mails |
//! | [`Kind::IssuedBy`] | a certificate that a personal CA issued |
//! | [`Comparison`], [`Correspondence`] | the store |
//! | [`Kind::DnsRecord`], [`Kind::WebDirectory`], [`Kind::Keyserver`] | look-ups |

use super::claim::Claim;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::time::Time;

/// One verified thing that speaks for a key belonging to an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// What it speaks for.
    pub claim: Claim,
    /// What it is.
    pub kind: Kind,
    /// When it holds; outside of that it is as if it were not there.
    pub period: Period,
}

impl Evidence {
    /// Evidence that holds at any time.
    #[must_use]
    pub const fn new(claim: Claim, kind: Kind) -> Self {
        Self { claim, kind, period: Period::ALWAYS }
    }

    /// The same, for a time only.
    #[must_use]
    pub fn during(mut self, period: Period) -> Self {
        self.period = period;
        self
    }
}

/// A time that may be open at both ends; the ends belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// Its first moment.
    pub from: Option<Time>,
    /// Its last moment.
    pub until: Option<Time>,
}

impl Period {
    /// No limits.
    pub const ALWAYS: Self = Self { from: None, until: None };

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }
}

/// The kinds of evidence (`docs/trust.md` says what each is worth).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The person compared the fingerprint.
    Pinned(Comparison),
    /// A certificate for the key and the address has a valid path to an anchor.
    Chain(Chain),
    /// The user's own OpenPGP key certified the key.
    CertifiedByUser {
        /// The user's OpenPGP certificate.
        root: OpenPgpFingerprint,
        /// How the certified certificate and the key hang together.
        binding: Binding,
    },
    /// OpenPGP introducers certified the key.
    Vouched(Vouching),
    /// Somebody signed a statement that endorses the key.
    Endorsed(Endorsement),
    /// Mail was exchanged with the key.
    History(Correspondence),
    /// A SMIMEA (RFC 8162) or OPENPGPKEY record (RFC 7929) names the key.
    DnsRecord {
        /// Whether DNSSEC proves it.
        secure: bool,
    },
    /// The domain serves the key over HTTPS: a web key directory or a well-known address.
    WebDirectory,
    /// A key server that checks addresses by mail has the key.
    Keyserver {
        /// Its name; foreign text.
        name: String,
    },
    /// The mail of somebody else carried the key.
    Gossip {
        /// Whose mail, by the key that signed it.
        by: Claim,
    },
    /// The key that the address had before signed that this one follows.
    Succeeds(Succession),
    /// A personal CA issued a certificate for the key and the address. Its key must have
    /// a claim to the same address.
    IssuedBy {
        /// The key of the personal CA.
        authority: Fingerprint,
    },
    /// A signing key of the same address names this encryption key: in the
    /// SMIMEEncryptionKeyPreference (RFC 8551, section 2.5.3) of a verified mail, or in a statement.
    NamedBy {
        /// The signing key.
        signing_key: Fingerprint,
    },
}

impl Kind {
    /// Proofs that it was there earlier, where there are any and they count.
    #[must_use]
    pub const fn witnessed(&self) -> Option<&Witnessed> {
        match self {
            Self::Chain(chain) => chain.witnessed.as_ref(),
            Self::Endorsed(endorsement) => endorsement.witnessed.as_ref(),
            _ => None,
        }
    }
}

/// How the person compared a fingerprint with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// There was nothing to compare: the key is the person's own.
    Own,
    /// Face to face, on paper, or by a code that one device showed to the other.
    InPerson,
    /// Read aloud where the voice or face was known.
    ByVideo,
    /// Typed or clicked as a part of an address; how many bits of the fingerprint it had.
    StrongAddress {
        /// Bits.
        bits: u32,
    },
    /// Not at all: a key that was compared named this one as its successor.
    Succession,
}

/// A certificate's valid path to an anchor, for mail and for the address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    /// Where it ends.
    pub anchor: Anchor,
    /// Subject of the anchor, to show; foreign text.
    pub name: String,
    /// What the CA checked, as far as it says so.
    pub validation: Validation,
    /// Proofs that the certificate existed and could be noticed at an earlier time.
    pub witnessed: Option<Witnessed>,
}

/// The kinds of anchors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// A CA of the public list of mail roots.
    Public {
        /// Who operates it: all roots of one operator are one thing to subvert.
        operator: Operator,
        /// The amount that the administrator gave it, in the place of the profile's.
        amount: Option<u32>,
    },
    /// The organisation's own CA, or one that the user relies on; its scope was checked.
    Own {
        /// Its key.
        authority: Fingerprint,
        /// The amount that it was configured with, in the place of the profile's.
        amount: Option<u32>,
    },
}

/// Who operates a CA of the public list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// By the name in the list of roots.
    Named(String),
    /// Not known; all such roots count as one operator.
    Unknown,
}

/// What a CA checked before it issued (CA/Browser Forum, S/MIME Baseline Requirements, section
/// 7.1.6.1): the policies 2.23.140.1.5.n that hold along the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validation {
    /// That somebody read mail at the address (n = 1), or nothing that it says.
    Mailbox,
    /// That, and a person's identity (n = 4).
    Individual,
    /// An organisation (n = 2), or a person through their organisation (n = 3).
    Organisation,
}

impl Validation {
    /// By the policies that hold along the path, as dotted object identifiers. Of several the one
    /// that claims least counts: a certificate that says both asserts no more.
    #[must_use]
    pub fn of_policies<S: AsRef<str>>(policies: &[S]) -> Self {
        const ARC: &str = "2.23.140.1.5.";
        let classes =
            policies.iter().filter_map(|policy| policy.as_ref().strip_prefix(ARC)?.split('.').next());
        classes
            .filter_map(|class| match class {
                "1" => Some(Self::Mailbox),
                "2" | "3" => Some(Self::Organisation),
                "4" => Some(Self::Individual),
                _ => None,
            })
            .min()
            .unwrap_or(Self::Mailbox)
    }
}

/// Proofs that something was there, for its true owner to notice, at an earlier time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witnessed {
    /// The earliest moment that all of the witnesses prove.
    pub since: Time,
    /// Who proves it; one that is named twice counts once.
    pub witnesses: Vec<Witness>,
}

/// Who proves when something was there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Witness {
    /// Our own history, which nobody else writes.
    OwnHistory,
    /// A time stamping authority (RFC 3161), a transparency log, a notary; foreign text.
    Independent(String),
}

/// What makes an OpenPGP certification speak for an S/MIME key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// The certified certificate's primary key is the S/MIME key.
    Twin,
    /// The certified certificate names the S/MIME key in a notation or a statement.
    Linked(OpenPgpFingerprint),
}

/// Certifications that lead from the user to the key.
///
/// The depth limits and regular expressions of OpenPGP were applied by the search that found the
/// path. What several paths share is one thing to subvert, whichever of them is walked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vouching {
    /// The introducers in order; the last one certified the key. Never empty: a vouching without
    /// introducers says nothing.
    pub introducers: Vec<Introducer>,
    /// Amount of the last certification, 1 to 120.
    pub amount: u32,
    /// How the certified certificate and the key hang together.
    pub binding: Binding,
    /// What a search with limited depths says that all paths to this key carry together, in points;
    /// nothing where no depth was limited.
    pub carried: Option<u32>,
}

/// Somebody who is relied upon to certify the keys of others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Introducer {
    /// Who.
    pub name: IntroducerName,
    /// How far the one before in the path relies on them (for the first: the user), 1 to 120.
    pub amount: u32,
    /// Whether this is the user's own certificate, which costs nothing to rely on.
    pub is_user: bool,
}

/// What an introducer is known by. One person has one name: where an OpenPGP certificate is the
/// twin of an S/MIME key, or is linked to it, the S/MIME key is the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntroducerName {
    /// An OpenPGP certificate.
    OpenPgp(OpenPgpFingerprint),
    /// An S/MIME key.
    Key(Fingerprint),
}

/// A signed statement: this key belongs to this address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endorsement {
    /// Who signed it.
    pub endorser: Endorser,
    /// The amount that it states, 1 to 120.
    pub amount: u32,
    /// Proofs that it is not new.
    pub witnessed: Option<Witnessed>,
}

/// Who signed an endorsement. That their key is theirs is necessary and never sufficient: a forger
/// gets honest certificates for mailboxes of his own at no cost, and endorses with them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endorser {
    /// The last of these introducers.
    OpenPgp(Vec<Introducer>),
    /// A contact whom the user made an introducer.
    Contact {
        /// Whose key signed.
        signer: Claim,
        /// How far the user relies on them, 1 to 120.
        amount: u32,
    },
    /// A verified two-way correspondent who is no introducer.
    Correspondent {
        /// Whose key signed.
        signer: Claim,
    },
}

/// What mail with a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Correspondence {
    /// When the key was seen first.
    pub first_seen: Time,
    /// Verified messages since then.
    pub messages: u32,
    /// Whether we sent encrypted mail and they answered it with a signature of this key. What was
    /// harvested while the store was locked has not been.
    pub two_way: bool,
    /// Whether the person took the key in by hand.
    pub taken_by_hand: bool,
}

/// A statement by the key that an address had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Succession {
    /// The old key, which signed it.
    pub old: Fingerprint,
    /// When. The old key's standing at that moment is what is carried over.
    pub issued: Time,
    /// When the old key's last certificate ended; a statement after that says nothing.
    pub old_ended: Option<Time>,
}

/// Everything that speaks for and against keys, for any number of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dossier {
    /// What speaks for keys.
    pub evidence: Vec<Evidence>,
    /// Keys that are dead.
    pub revocations: Vec<KeyRevocation>,
    /// Why two keys of one address are no contradiction, beyond what the evidence shows.
    pub explanations: Vec<Explanation>,
    /// What is known of the keys themselves.
    pub keys: Vec<KeyFacts>,
}

/// A key that nobody must use any more: revoked as compromised, or by a statement of its own.
///
/// A revoked certificate is not that: where only the certificate is (superseded, left the
/// organisation), its [`Chain`] ends with its period, and everything else lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRevocation {
    /// The key.
    pub key: Fingerprint,
    /// Since when; at all times where nothing is said.
    pub since: Option<Time>,
}

/// That two keys of one address belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Explanation {
    /// The two keys.
    pub keys: (Fingerprint, Fingerprint),
    /// Why.
    pub why: ExplanationKind,
}

/// Why two keys belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExplanationKind {
    /// One authenticated OpenPGP certificate names both.
    SameOpenPgpCertificate,
    /// One SMIMEA record set holds both.
    SameRecordSet,
    /// The same issuer renewed a certificate with the same names around its end. It explains the
    /// new key; it carries no points over.
    Renewal,
    /// The user approved both.
    Approved,
    /// One of them issued the other's certificate, or one personal CA issued those of both.
    SameOwner,
}

/// What is known of a key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyFacts {
    /// The key.
    pub key: Fingerprint,
    /// What it does. Two keys that do different things are no rivals.
    pub usage: KeyUse,
    /// When its last certificate ended or ends.
    pub ends: Option<Time>,
}

/// What a key can be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// To sign and to be encrypted to.
    #[default]
    Both,
    /// To sign only.
    Signing,
    /// To be encrypted to only.
    Encryption,
}

impl KeyUse {
    /// Whether there is a use that two keys share.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        !matches!((self, other), (Self::Signing, Self::Encryption) | (Self::Encryption, Self::Signing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_holds_its_ends() {
        let (first, last) = (Time::from_unix_seconds(10), Time::from_unix_seconds(20));
        let period = Period { from: Some(first), until: Some(last) };
        assert!(period.contains(first) && period.contains(last));
        assert!(!period.contains(first.plus_seconds(-1)) && !period.contains(last.plus_seconds(1)));
        assert!(Period::ALWAYS.contains(first));
    }

    #[test]
    fn the_policies_of_the_baseline_requirements_name_the_validation() {
        assert_eq!(Validation::of_policies(&["2.23.140.1.5.1.3"]), Validation::Mailbox);
        assert_eq!(Validation::of_policies(&["1.2.3", "2.23.140.1.5.2.2"]), Validation::Organisation);
        assert_eq!(Validation::of_policies(&["2.23.140.1.5.3.1"]), Validation::Organisation);
        assert_eq!(Validation::of_policies(&["2.23.140.1.5.4.2"]), Validation::Individual);
        assert_eq!(Validation::of_policies::<&str>(&[]), Validation::Mailbox);
        assert_eq!(Validation::of_policies(&["2.23.140.1.55.3"]), Validation::Mailbox);
    }

    #[test]
    fn a_certificate_with_several_policies_asserts_the_least_of_them() {
        let policies = ["2.23.140.1.5.3.2", "2.23.140.1.5.1.2"];
        assert_eq!(Validation::of_policies(&policies), Validation::Mailbox);
    }
}
