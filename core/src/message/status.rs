//! What is said of a mail that was read: verdicts, not booleans, and the reasons for them.

use super::undo::Undone;
use crate::address::EmailAddress;
use crate::algorithm::ContentEncryption;
use crate::cms::{Opened, RecipientDescription, SignatureFault, Weakness};
use crate::fingerprint::Fingerprint;
use crate::time::Time;
use crate::trust::{Level, Source};

/// What a reader may believe of who wrote a mail, from best to worst but for the last.
///
/// The order is the one in which verdicts are combined: of several signatures or layers the
/// worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The author signed, and a forger would have to spend at least 120 points.
    Verified,
    /// The author signed, and some evidence binds key and address.
    Checked,
    /// The same key as before, identity not checked.
    Signed,
    /// A good signature of an unknown key.
    Unverified,
    /// Signed, but the signer's certificate is missing.
    Unknown,
    /// Signed with an algorithm or key that a forger can break.
    Weak,
    /// No signature.
    Unsigned,
    /// Signed by somebody other than the From address says, or several From addresses.
    Mismatch,
    /// At odds with a pin or with earlier mail.
    Conflict,
    /// Altered, or a signature that must not count.
    Invalid,
}

impl Verdict {
    /// The word in JSON and in the status line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Checked => "checked",
            Self::Signed => "signed",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
            Self::Weak => "weak",
            Self::Unsigned => "unsigned",
            Self::Mismatch => "mismatch",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
        }
    }

    /// The same, but not more than [`Verdict::Checked`]: something about the mail as a whole keeps
    /// a good signature from verifying it.
    #[must_use]
    pub(super) fn at_most_checked(self) -> Self {
        self.max(Self::Checked)
    }

    /// Whether this verdict can satisfy a person who accepts `least` and better; of strong evidence a
    /// verdict says nothing ([`Status::satisfies`]).
    #[must_use]
    const fn satisfies(self, least: Accept) -> bool {
        match least {
            Accept::Strong | Accept::Verified => matches!(self, Self::Verified),
            Accept::Checked => matches!(self, Self::Verified | Self::Checked),
            Accept::Signed => matches!(self, Self::Verified | Self::Checked | Self::Signed),
        }
    }
}

/// The least that a person accepts from `verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Verified by evidence of level [`Level::Strong`] only.
    Strong,
    /// Verified only.
    Verified,
    /// Checked or better.
    Checked,
    /// Signed by the same key as before, or better.
    Signed,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// Why a verdict is what it is, or what a reader should know beside it. The words are
        /// stable; `docs/formats/reasons.md` explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
            /// The signature does not hold.
            Fault(SignatureFault),
            /// The signature holds, but proves nothing.
            Weak(Weakness),
        }

        impl Reason {
            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Fault(fault) => fault.word(),
                    Self::Weak(weakness) => weakness.word(),
                }
            }

            /// Every word there is, for the documentation's sake.
            #[must_use]
            pub fn all_words() -> Vec<&'static str> {
                let weak = [Weakness::Md5, Weakness::Sha1, Weakness::ShortRsa { bits: 0 }, Weakness::Dsa];
                let own = [$($word,)+];
                own.into_iter()
                    .chain(SignatureFault::ALL.iter().map(|fault| fault.word()))
                    .chain(weak.iter().map(|weakness| weakness.word()))
                    .collect()
            }
        }
    };
}

reasons! {
    /// The signer's key, or the personal CA above it, was compared by the person.
    Pinned = "pinned",
    /// The signer's certificate chains to an anchor.
    Chain = "chain",
    /// The key is known from earlier mail or was imported.
    Known = "known",
    /// Introducers vouch for the key: by OpenPGP or by a signed statement.
    Vouched = "vouched",
    /// The key before it signed that it follows.
    Succession = "succession",
    /// The key was looked up: in the DNS, in a directory of the domain, on a key server.
    LookedUp = "looked-up",
    /// The mail of others carried the key.
    Gossip = "gossip",
    /// No evidence at all binds key and address.
    NoEvidence = "no-evidence",
    /// The certificate chains to no anchor.
    NoAnchor = "no-anchor",
    /// The signed object cannot be read.
    Malformed = "malformed",
    /// The SignedData has no signer.
    NoSigners = "no-signers",
    /// The SignedData signs something that is no mail (a time stamp, another SignedData).
    NotMailContent = "not-mail-content",
    /// The certificate of the signer is missing.
    CertificateMissing = "certificate-missing",
    /// The certificate may not sign mail (key usage or extended key usage).
    CertificateUsage = "certificate-usage",
    /// The certificate had expired.
    Expired = "expired",
    /// A time stamp, or our own history, proves that it was signed while its certificate was valid.
    TimeProven = "time-proven",
    /// The certificate was not valid yet.
    NotYetValid = "not-yet-valid",
    /// The certificate, or one above it, is revoked.
    Revoked = "revoked",
    /// The revocation list at hand is older than its own date for the next one.
    StaleRevocation = "stale-revocation",
    /// No revocation list was at hand for some certificate of the chain.
    RevocationNotChecked = "revocation-not-checked",
    /// The chain breaks a rule of RFC 5280.
    BadChain = "bad-chain",
    /// A certificate of the chain has a key or signature that a forger can break.
    WeakChain = "weak-chain",
    /// A name constraint of the chain forbids the address.
    NameConstraint = "name-constraint",
    /// The signer's certificate does not name the From address.
    FromMismatch = "from-mismatch",
    /// The Sender field names the signer, the From field does not.
    SenderOnly = "sender-only",
    /// More than one From address or field.
    SeveralFrom = "several-from",
    /// No From address that can be read without guessing.
    NoFrom = "no-from",
    /// The From field outside differs from the protected one.
    FromDiffers = "from-differs",
    /// A protected header field was changed on the way.
    HeadersDiffer = "headers-differ",
    /// The display name looks like another address.
    DisplayName = "display-name",
    /// The same key is in a certificate for other addresses.
    KeyOfOthers = "key-of-others",
    /// A public CA issued the certificate for longer than it may.
    LongValidity = "long-validity",
    /// Only a part of the mail is signed.
    Partial = "partial",
    /// Somebody on the way added something that nobody signed; it is named.
    ListAdded = "list-added",
    /// Somebody on the way changed the form of what was signed; that was taken back.
    ListRepaired = "list-repaired",
    /// An encrypted part stands inside another structure and was not opened.
    NestedEncryption = "nested-encryption",
    /// The signing time differs from the Date field by more than a day.
    TimeDiffers = "time-differs",
    /// The signed recipients do not include the reader.
    NotAddressedToReader = "not-addressed-to-reader",
    /// A pin for this address names another key.
    PinConflict = "pin-conflict",
    /// Another key is known for the address, and this one is not so much better supported.
    KeyChanged = "key-changed",
    /// Two keys of the address are supported, and nothing explains both.
    KeysDisagree = "keys-disagree",
    /// The pinned key of the address has ended.
    PinnedKeyEnded = "pinned-key-ended",
    /// Encrypted without integrity protection: who relayed it could have changed it.
    NoIntegrity = "no-integrity",
    /// Encrypted with a broken or outdated cipher.
    WeakCipher = "weak-cipher",
    /// AES-GCM inside EnvelopedData instead of AuthEnvelopedData.
    MisplacedCipher = "misplaced-cipher",
    /// The mail is too large to be split into its parts.
    NotSplit = "not-split",
    /// A structure that mail programs show in different ways.
    AmbiguousStructure = "ambiguous-structure",
    /// The mail is not signed.
    Unsigned = "not-signed",
    /// The mail is not signed, and earlier ones of the author were.
    UsuallySigned = "usually-signed",
}

/// One signature, and what came of it.
#[derive(Clone, Debug)]
pub struct SignerStatus {
    /// What may be believed of this signature alone.
    pub verdict: Verdict,
    /// Subject of the signer's certificate.
    pub subject: Option<String>,
    /// Of the signer's key.
    pub fingerprint: Option<Fingerprint>,
    /// The certificate's address: the From address where it names it, else its first.
    pub address: Option<EmailAddress>,
    /// When the signer says it was signed.
    pub signing_time: Option<Time>,
    /// Points.
    pub score: u32,
    /// Word for the points.
    pub level: Level,
    /// What the points come from.
    pub evidence: Vec<Source>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// When the certificate expires.
    pub not_after: Option<Time>,
    /// Where another key is known for the address: the two that are to be compared.
    pub contradiction: Option<Contradiction>,
}

/// Two keys of one address that contradict each other, each that of the personal CA where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Of the signature.
    pub new: Fingerprint,
    /// That is known.
    pub known: Fingerprint,
}

/// How a mail was encrypted.
#[derive(Clone, Debug)]
pub struct EncryptionStatus {
    /// The cipher.
    pub cipher: ContentEncryption,
    /// Whether a change on the way would have been noticed.
    pub integrity: bool,
    /// For whom, as far as its public bytes say.
    pub recipients: Vec<RecipientDescription>,
    /// The key of ours that opened it.
    pub opened_by: Option<Fingerprint>,
}

impl EncryptionStatus {
    pub(super) fn of(opened: Opened) -> Self {
        Self {
            cipher: opened.cipher,
            integrity: opened.integrity,
            recipients: opened.recipients,
            opened_by: opened.opened_by,
        }
    }
}

/// A part of the mail that a verdict does not cover, or one with a verdict of its own.
#[derive(Clone, Debug)]
pub struct PartStatus {
    /// Place in the tree: `1`, `2.1`; empty for the whole.
    pub place: String,
    /// Media type, lower case.
    pub media_type: String,
    /// Whether a good signature that counts for the mail covers it.
    pub signed: bool,
    /// Whether it came out of the encryption.
    pub encrypted: bool,
    /// The part's own verdict, where it is a signed mail of its own.
    pub verdict: Option<Verdict>,
}

/// Everything that is said of one mail.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether the author is who the From field says.
    pub verdict: Verdict,
    /// The author's address, where there is exactly one.
    pub address: Option<EmailAddress>,
    /// Points of the worst signer; 0 where none.
    pub score: u32,
    /// Word for the points.
    pub level: Level,
    /// Why, in the order of weight.
    pub reasons: Vec<Reason>,
    /// How it was encrypted; nothing where it was not.
    pub encrypted: Option<EncryptionStatus>,
    /// Each signature.
    pub signers: Vec<SignerStatus>,
    /// What the mail consists of.
    pub parts: Vec<PartStatus>,
    /// Protected header fields whose outer copy was changed on the way.
    pub changed_headers: Vec<String>,
    /// Header fields that no signature or encryption covers.
    pub unprotected_headers: Vec<String>,
    /// What a mailing list did to a mail whose signature holds all the same.
    pub list: Option<ListChanges>,
}

/// What a mailing list did to a signed mail.
#[derive(Clone, Debug)]
pub struct ListChanges {
    /// The list, as the mail says without a proof (RFC 2919).
    pub list: Option<String>,
    /// What was put into the Subject: `[dev]`.
    pub subject_tag: Option<String>,
    /// The address that was put in the place of the author's into the From field.
    pub from: Option<EmailAddress>,
    /// What was added and what was changed in what was signed.
    pub undone: Undone,
}

impl Status {
    /// Whether it satisfies a person who accepts `least` and better.
    #[must_use]
    pub fn satisfies(&self, least: Accept) -> bool {
        self.verdict.satisfies(least) && (least != Accept::Strong || self.level == Level::Strong)
    }
}
