//! Extensions of revocation lists and of their entries (RFC 5280, sections 5.2 and 5.3).

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Decode as _;
use x509_cert::ext::Extension;

use super::scope::Scope;
use super::{RevocationReason, UnusableList};
use crate::time::Time;
use crate::x509::asn1_time;
use crate::x509::name_constraints::GeneralName;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::tlv::{Elements, only, tag, unsigned};

/// expiredCertsOnCRL (X.509, section 9.5.2.8): certificates that expired since then are still in
/// the list.
const EXPIRED_CERTIFICATES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.60");
/// archiveCutoff (RFC 6960, section 4.4.4), which says the same of a responder.
const ARCHIVE_CUTOFF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.6");

/// Extensions from the DER of their SEQUENCE; none may stand twice.
pub(super) fn read(der: &[u8]) -> Option<Vec<Extension>> {
    let extensions = Vec::<Extension>::from_der(der).ok()?;
    let kinds: BTreeSet<_> = extensions.iter().map(|extension| extension.extn_id).collect();
    (kinds.len() == extensions.len()).then_some(extensions)
}

pub(super) fn unknown(extension: &Extension) -> Option<UnusableList> {
    extension.critical.then(|| UnusableList::CriticalExtension(extension.extn_id.to_string()))
}

/// What the extensions of a list say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListExtensions {
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) scope: Scope,
    /// cRLNumber, and for a delta list the number of the list that it changes, as magnitudes.
    pub(super) number: Option<Vec<u8>>,
    pub(super) base_number: Option<Vec<u8>>,
    /// Since when certificates that expired are still in it.
    pub(super) keeps_since: Option<Time>,
    pub(super) unusable: Option<UnusableList>,
}

impl ListExtensions {
    /// From the DER of the SEQUENCE, and the name of the list's issuer.
    pub(super) fn read(der: &[u8], issuer: &DistinguishedName) -> Option<Self> {
        let mut result = Self::default();
        for extension in read(der)? {
            let value = extension.extn_value.as_bytes();
            let unusable = match extension.extn_id {
                rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                    let mut fields = Elements::new(only(value, tag::SEQUENCE)?);
                    let identifier = fields.optional(tag::primitive(0))?;
                    result.authority_key_identifier = identifier.map(|field| field.content.to_vec());
                    None
                }
                rfc5280::ID_CE_ISSUER_ALT_NAME => None,
                rfc5280::ID_CE_CRL_NUMBER => {
                    result.number = Some(number(value)?);
                    None
                }
                rfc5280::ID_CE_DELTA_CRL_INDICATOR => {
                    result.base_number = Some(number(value)?);
                    None
                }
                EXPIRED_CERTIFICATES => {
                    result.keeps_since = Some(asn1_time::read_generalized(value)?);
                    None
                }
                rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT => {
                    result.scope = Scope::read(value, issuer)?;
                    None
                }
                _ => unknown(&extension),
            };
            result.unusable = result.unusable.or(unusable);
        }
        Some(result)
    }
}

/// The magnitude of a CRLNumber.
fn number(value: &[u8]) -> Option<Vec<u8>> {
    Some(unsigned(only(value, tag::INTEGER)?)?.to_vec())
}

/// What the extensions of an entry say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntryExtensions {
    pub(super) reason: RevocationReason,
    pub(super) invalid_since: Option<Time>,
    /// Whose certificates this entry and those after it are about.
    pub(super) certificate_issuer: Option<DistinguishedName>,
    /// Since when certificates that expired are still known.
    pub(super) keeps_since: Option<Time>,
    pub(super) unusable: Option<UnusableList>,
}

impl Default for EntryExtensions {
    fn default() -> Self {
        Self {
            reason: RevocationReason::Unspecified,
            invalid_since: None,
            certificate_issuer: None,
            keeps_since: None,
            unusable: None,
        }
    }
}

impl EntryExtensions {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut result = Self::default();
        for extension in read(der)? {
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                // An ENUMERATED.
                rfc5280::ID_CE_CRL_REASONS => result.reason = reason(only(value, 0x0a)?),
                ARCHIVE_CUTOFF => result.keeps_since = Some(asn1_time::read_generalized(value)?),
                rfc5280::ID_CE_INVALIDITY_DATE => {
                    result.invalid_since = Some(asn1_time::read_generalized(value)?);
                }
                rfc5280::ID_CE_CERTIFICATE_ISSUER => {
                    let names = GeneralName::read_all(value)?;
                    let mut names = names.into_iter().filter_map(GeneralName::into_directory);
                    result.certificate_issuer = Some(names.next()?);
                }
                _ => result.unusable = result.unusable.or(unknown(&extension)),
            }
        }
        Some(result)
    }
}

pub(super) fn reason(content: &[u8]) -> RevocationReason {
    match content {
        [1] => RevocationReason::KeyCompromise,
        [2] => RevocationReason::CaCompromise,
        [3] => RevocationReason::AffiliationChanged,
        [4] => RevocationReason::Superseded,
        [5] => RevocationReason::CessationOfOperation,
        [6] => RevocationReason::CertificateHold,
        [8] => RevocationReason::RemoveFromCrl,
        [9] => RevocationReason::PrivilegeWithdrawn,
        [10] => RevocationReason::AaCompromise,
        _ => RevocationReason::Unspecified,
    }
}
