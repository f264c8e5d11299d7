//! Certificate revocation lists (RFC 5280, section 5).

use std::collections::BTreeMap;
use std::fmt;

use super::extensions::{EntryExtensions, ListExtensions};
use super::{DistributionPoint, Reasons, Revocation, UnusableList};
use crate::limits;
use crate::time::Time;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::signature::{SignatureInvalid, SignedBytes};
use crate::x509::tlv::{Element, Elements, only, tag, whole_bits};
use crate::x509::{Certificate, PublicKey, asn1_time};

/// A certificate revocation list. Only its form is checked yet: who signed it is a question of a
/// path.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    signed: SignedBytes,
    issuer: DistinguishedName,
    this_update: Time,
    next_update: Option<Time>,
    entries: Entries,
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

    /// The entry for a certificate, whatever the scope of the list.
    #[must_use]
    pub fn entry(&self, certificate: &Certificate) -> Option<Revocation> {
        self.entries.get(certificate.issuer_name()?, certificate.serial_number())
    }

    pub(crate) const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Key identifier of its signer, where it says so.
    pub(crate) fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// Whether it still names what it revoked of certificates that expired at that moment
    /// (RFC 5280, section 6.3: others are dropped).
    pub(crate) fn keeps_expired(&self, not_after: Time) -> bool {
        self.extensions.keeps_since.is_some_and(|since| since <= not_after)
    }

    /// Whether it names only changes to another list (RFC 5280, section 5.2.4).
    pub(crate) const fn is_delta(&self) -> bool {
        self.extensions.base_number.is_some()
    }

    /// Whether this delta list brings that one up to date (RFC 5280, sections 5.2.4 and
    /// 6.3.3 (c)).
    pub(crate) fn updates(&self, complete: &Self) -> bool {
        let (delta, base) = (&self.extensions, &complete.extensions);
        let in_order = |lower: &Option<Vec<u8>>, upper: &Option<Vec<u8>>| match (lower, upper) {
            // Magnitudes without leading zeros.
            (Some(lower), Some(upper)) => (lower.len(), lower) <= (upper.len(), upper),
            _ => false,
        };
        !complete.is_delta()
            && self.issuer == complete.issuer
            && delta.scope == base.scope
            && delta.authority_key_identifier == base.authority_key_identifier
            && in_order(&delta.base_number, &base.number)
            && in_order(&base.number, &delta.number)
            && base.number != delta.number
    }

    /// Whether it has to do with this certificate, given the points that the certificate names: it
    /// is its issuer's list, or one of an issuer of lists that is named there.
    pub(crate) fn is_about(&self, certificate: &Certificate, points: &[DistributionPoint]) -> bool {
        let is_named = || points.iter().any(|point| point.names_issuer(&self.issuer));
        Some(&self.issuer) == certificate.issuer_name() || self.extensions.scope.indirect && is_named()
    }

    /// The reasons of which it speaks for this certificate; none at all where the certificate is
    /// out of its scope (RFC 5280, section 6.3.3 (b) and (d)).
    pub(crate) fn reasons_for(&self, certificate: &Certificate, points: &[DistributionPoint]) -> Reasons {
        let scope = &self.extensions.scope;
        let is_issuer = certificate.issuer_name().filter(|issuer| *issuer == &self.issuer);
        if !scope.covers_kind(certificate) {
            return Reasons::NONE;
        }
        // A list that is bound to no point speaks of all that its issuer issued.
        let mut reasons = Reasons::NONE;
        if is_issuer.is_some_and(|issuer| scope.is_for_all_of(issuer)) {
            reasons = scope.reasons;
        }
        for point in points {
            let is_issuers = match point.has_list_issuer() {
                true => scope.indirect && point.names_issuer(&self.issuer),
                false => is_issuer.is_some(),
            };
            if is_issuers && scope.covers_point(point) {
                reasons = reasons.or(scope.reasons.and(point.reasons));
            }
        }
        reasons
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> Result<(), SignatureInvalid> {
        self.signed.is_signed_by(key)
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "RevocationList({} entries, {})",
            self.entries.by_number.len(),
            self.this_update.to_rfc3339()
        )
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
        |list| ListExtensions::read(list.content, &issuer),
    )?;
    let entries = Entries::read(revoked, &issuer, extensions.scope.indirect)?;
    Some(RevocationList {
        der: der.to_vec(),
        signed: SignedBytes::new(to_be_signed.whole, algorithm.whole, signature),
        issuer,
        this_update,
        next_update,
        unusable: extensions.unusable.clone().or_else(|| entries.unusable.clone()),
        entries,
        extensions,
    })
}

/// The entries of a list by issuer and serial number: indirect lists name certificates of several
/// issuers, each issuer in front of its first entry (RFC 5280, section 5.3.3).
#[derive(Clone, Default, PartialEq, Eq)]
struct Entries {
    issuers: BTreeMap<DistinguishedName, usize>,
    by_number: BTreeMap<(usize, Vec<u8>), Revocation>,
    unusable: Option<UnusableList>,
}

impl Entries {
    fn read(revoked: Option<Element<'_>>, issuer: &DistinguishedName, indirect: bool) -> Option<Self> {
        let mut entries = Self::default();
        let mut current = entries.issuer(issuer.clone());
        let mut rest = Elements::new(revoked.map(|list| list.content).unwrap_or_default());
        while !rest.is_empty() {
            let mut fields = Elements::new(rest.expect(tag::SEQUENCE)?.content);
            let serial_number = fields.expect(tag::INTEGER)?.content.to_vec();
            let date = asn1_time::read(&fields.any()?)?;
            let extensions = match fields.optional(tag::SEQUENCE)? {
                Some(list) => EntryExtensions::read(list.whole)?,
                None => EntryExtensions::default(),
            };
            if !fields.is_empty() {
                return None;
            }
            entries.unusable = entries.unusable.or(extensions.unusable);
            if let Some(issuer) = extensions.certificate_issuer {
                if !indirect {
                    entries.unusable = Some(UnusableList::ForeignEntries);
                }
                current = entries.issuer(issuer);
            }
            let when = extensions.invalid_since.map_or(date, |since| since.min(date));
            entries.add((current, serial_number), Revocation { when, reason: extensions.reason });
        }
        Some(entries)
    }

    fn issuer(&mut self, name: DistinguishedName) -> usize {
        let next = self.issuers.len();
        *self.issuers.entry(name).or_insert(next)
    }

    /// Of two entries for one number the earlier counts.
    fn add(&mut self, key: (usize, Vec<u8>), revocation: Revocation) {
        let entry = self.by_number.entry(key).or_insert(revocation);
        if revocation.when < entry.when {
            *entry = revocation;
        }
    }

    fn get(&self, issuer: &DistinguishedName, serial_number: &[u8]) -> Option<Revocation> {
        let issuer = *self.issuers.get(issuer)?;
        self.by_number.get(&(issuer, serial_number.to_vec())).copied()
    }
}
