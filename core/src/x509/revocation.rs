//! Certificate revocation lists (RFC 5280, section 5), and what is known of a certificate's
//! revocation.
//!
//! A list can only take away: no list makes a certificate valid that was not valid without it,
//! unless the caller asked for proof ([`RevocationDemand::Required`]). An entry counts wherever it
//! is found, so an old list that somebody attaches hides nothing; whoever keeps lists keeps the
//! newest of each issuer.

mod extensions;

use std::collections::BTreeMap;
use std::fmt;

use der::Decode;
use spki::AlgorithmIdentifierOwned;

use crate::algorithm::SignatureAlgorithm;
use crate::limits;
use crate::time::Time;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::signature::SignatureInvalid;
use crate::x509::tlv::{Element, Elements, only, tag, whole_bits};
use crate::x509::{Certificate, PublicKey, algorithm_identifier, asn1_time};

use extensions::{EntryExtensions, ListExtensions};

/// All that is at hand about revocation, and how much is asked for.
#[derive(Clone, Debug, Default)]
pub struct RevocationEvidence {
    /// Lists from anywhere: caches, files, the mail itself. Each is checked before it counts.
    pub lists: Vec<RevocationList>,
    /// Whether revocation must be ruled out.
    pub demand: RevocationDemand,
}

/// How much must be known of revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationDemand {
    /// What is known to be revoked is refused; what is not known is reported.
    #[default]
    BestEffort,
    /// Every certificate of the path must be known not to be revoked, by a current list.
    Required,
}

/// What is known of the revocation of one certificate that is not known to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// A current list of its issuer does not name it.
    Good {
        /// When the list was issued.
        this_update: Time,
        /// When the next one is due.
        next_update: Time,
    },
    /// A list of its issuer does not name it, but a newer one is overdue.
    Stale {
        /// When the list was issued.
        this_update: Time,
        /// When the next one was due.
        next_update: Option<Time>,
    },
    /// No list says anything.
    Unknown(UnknownBecause),
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownBecause {
    /// There is no list of its issuer.
    NoList,
    /// There is one, but its signature is of nobody who may issue it.
    NotSigned,
    /// There is one, but it does not speak of this certificate.
    OutOfScope,
    /// There is one, but it was issued after the certificate expired, and may have dropped it.
    TooLate,
    /// There is one, but not of a kind that we use.
    Unusable(UnusableList),
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableList {
    /// It names only changes to another list (RFC 5280, section 5.2.4). What it revokes is revoked,
    /// but its silence says nothing.
    Delta,
    /// It speaks of the certificates of other issuers (RFC 5280, section 5.2.5).
    Indirect,
    /// It has a critical extension that nobody here understands: its object identifier.
    CriticalExtension(String),
}

/// Why a certificate is revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationReason {
    /// No reason was given.
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Somebody else has the CA's key.
    CaCompromise,
    /// The subject's name or other facts changed.
    AffiliationChanged,
    /// It was replaced.
    Superseded,
    /// It is needed no more.
    CessationOfOperation,
    /// It is on hold.
    CertificateHold,
    /// Taken off a delta list.
    RemoveFromCrl,
    /// The right to it was withdrawn.
    PrivilegeWithdrawn,
    /// Somebody else has the attribute authority's key.
    AaCompromise,
}

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Since when: the date of the entry, or an earlier date of invalidity.
    pub when: Time,
    /// Why.
    pub reason: RevocationReason,
}

/// A certificate revocation list. Only its form is checked yet: who signed it is a question of a
/// path.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    to_be_signed: Vec<u8>,
    algorithm: Option<SignatureAlgorithm>,
    signature: Vec<u8>,
    issuer: DistinguishedName,
    this_update: Time,
    next_update: Option<Time>,
    entries: BTreeMap<Vec<u8>, Revocation>,
    extensions: ListExtensions,
    unusable: Option<UnusableList>,
}

/// Why bytes are no revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationListError {
    /// Not the DER of a CertificateList.
    Malformed,
    /// Larger than [`limits::REVOCATION_LIST_BYTES`].
    TooLarge,
}

impl fmt::Display for RevocationListError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "not a revocation list",
            Self::TooLarge => "the revocation list is too large",
        })
    }
}

impl std::error::Error for RevocationListError {}

impl RevocationList {
    /// Reads one list, with nothing after it.
    ///
    /// # Errors
    /// [`RevocationListError`]. Lists that are well-formed but of no use here are read; see
    /// [`RevocationList::unusable`].
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationListError> {
        if der.len() > limits::REVOCATION_LIST_BYTES {
            return Err(RevocationListError::TooLarge);
        }
        read(der).ok_or(RevocationListError::Malformed)
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// When it was issued.
    #[must_use]
    pub const fn this_update(&self) -> Time {
        self.this_update
    }

    /// When the next one is due.
    #[must_use]
    pub const fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// Why it cannot be used, where it cannot.
    #[must_use]
    pub const fn unusable(&self) -> Option<&UnusableList> {
        self.unusable.as_ref()
    }

    /// The entry for a serial number (content octets of the INTEGER).
    #[must_use]
    pub fn entry(&self, serial_number: &[u8]) -> Option<Revocation> {
        self.entries.get(serial_number).copied()
    }

    pub(crate) const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Key identifier of its signer, where it says so.
    pub(crate) fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// Whether it speaks of this certificate at all, given one of its issuer
    /// (RFC 5280, section 6.3.3 (b)(2)).
    pub(crate) fn covers(&self, certificate: &Certificate) -> bool {
        self.extensions.scope.covers(certificate)
    }

    /// Whether it speaks of all reasons of revocation, so that its silence is good news.
    pub(crate) const fn covers_all_reasons(&self) -> bool {
        !self.extensions.scope.some_reasons
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> Result<(), SignatureInvalid> {
        let algorithm = self.algorithm.ok_or(SignatureInvalid::Unsupported)?;
        key.verify(algorithm, &self.to_be_signed, &self.signature)
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RevocationList({} entries, {})", self.entries.len(), self.this_update.to_rfc3339())
    }
}

/// CertificateList and TBSCertList (RFC 5280, section 5.1).
fn read(der: &[u8]) -> Option<RevocationList> {
    let mut list = Elements::new(only(der, tag::SEQUENCE)?);
    let to_be_signed = list.expect(tag::SEQUENCE)?;
    let algorithm = list.expect(tag::SEQUENCE)?;
    let signature = whole_bits(list.expect(tag::BIT_STRING)?.content).filter(|_| list.is_empty())?;

    let mut fields = Elements::new(to_be_signed.content);
    let version = fields.optional(tag::INTEGER)?.map(|version| version.content);
    // The two algorithm fields are the same (RFC 5280, section 5.1.1.2).
    fields.expect(tag::SEQUENCE).filter(|inner| inner.whole == algorithm.whole)?;
    let issuer = DistinguishedName::from_der(fields.expect(tag::SEQUENCE)?.whole)?;
    let this_update = asn1_time::read(&fields.any()?)?;
    let next_update = match fields.peek() {
        Some(0x17 | 0x18) => Some(asn1_time::read(&fields.any()?)?),
        _ => None,
    };
    let revoked = fields.optional(tag::SEQUENCE)?;
    let extensions = fields.optional(tag::constructed(0))?;
    let is_version_2 = version == Some(&[1]);
    if !fields.is_empty() || version.is_some() && !is_version_2 || extensions.is_some() && !is_version_2 {
        return None;
    }
    let extensions = extensions.map_or_else(
        || Some(ListExtensions::default()),
        |list| ListExtensions::read(only(list.content, tag::SEQUENCE)?, &issuer),
    )?;
    let (entries, unusable_entry) = entries(revoked)?;
    Some(RevocationList {
        der: der.to_vec(),
        to_be_signed: to_be_signed.whole.to_vec(),
        algorithm: signature_algorithm(algorithm.whole),
        signature: signature.to_vec(),
        issuer,
        this_update,
        next_update,
        entries,
        unusable: extensions.unusable.clone().or(unusable_entry),
        extensions,
    })
}

fn signature_algorithm(der: &[u8]) -> Option<SignatureAlgorithm> {
    let algorithm = AlgorithmIdentifierOwned::from_der(der).ok()?;
    algorithm_identifier::signature_from(&algorithm, None).ok()
}

type Entries = (BTreeMap<Vec<u8>, Revocation>, Option<UnusableList>);

fn entries(revoked: Option<Element<'_>>) -> Option<Entries> {
    let mut rest = Elements::new(revoked.map(|list| list.content).unwrap_or_default());
    let mut entries = BTreeMap::new();
    let mut unusable = None;
    while !rest.is_empty() {
        let mut fields = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        let serial_number = fields.expect(tag::INTEGER)?.content.to_vec();
        let date = asn1_time::read(&fields.any()?)?;
        let extensions = match fields.optional(tag::SEQUENCE)? {
            Some(list) => EntryExtensions::read(list.content)?,
            None => EntryExtensions::default(),
        };
        if !fields.is_empty() {
            return None;
        }
        unusable = unusable.or(extensions.unusable);
        let when = extensions.invalid_since.map_or(date, |since| since.min(date));
        let revocation = Revocation { when, reason: extensions.reason };
        // Of two entries for one number the earlier counts.
        let entry = entries.entry(serial_number).or_insert(revocation);
        if revocation.when < entry.when {
            *entry = revocation;
        }
    }
    Some((entries, unusable))
}
