//! Extensions of revocation lists and of their entries (RFC 5280, sections 5.2 and 5.3).

use super::scope::Scope;
use super::{RevocationReason, UnusableList};
use crate::time::Time;
use crate::x509::asn1_time;
use crate::x509::name_constraints::GeneralName;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::tlv::{Elements, only, tag, unsigned};

/// One extension: object identifier (content octets), whether it is critical, and its value.
struct Extension<'a> {
    identifier: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

/// Extensions from the content of their SEQUENCE; none may stand twice.
fn read(content: &[u8]) -> Option<Vec<Extension<'_>>> {
    let mut rest = Elements::new(content);
    let mut extensions: Vec<Extension<'_>> = Vec::new();
    while !rest.is_empty() {
        let mut fields = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        let identifier = fields.expect(tag::OBJECT_IDENTIFIER)?.content;
        let critical = matches!(fields.optional(tag::BOOLEAN)?, Some(flag) if flag.content == [0xff]);
        let value = fields.expect(tag::OCTET_STRING)?.content;
        let is_twice = extensions.iter().any(|extension| extension.identifier == identifier);
        if is_twice || !fields.is_empty() {
            return None;
        }
        extensions.push(Extension { identifier, critical, value });
    }
    Some(extensions)
}

fn unknown(extension: &Extension<'_>) -> Option<UnusableList> {
    let name = const_oid::ObjectIdentifier::from_bytes(extension.identifier);
    let name = name.map_or_else(|_| "unreadable".to_owned(), |name| name.to_string());
    extension.critical.then_some(UnusableList::CriticalExtension(name))
}

/// What the extensions of a list say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListExtensions {
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) scope: Scope,
    /// cRLNumber, and for a delta list the number of the list that it changes, as magnitudes.
    pub(super) number: Option<Vec<u8>>,
    pub(super) base_number: Option<Vec<u8>>,
    pub(super) unusable: Option<UnusableList>,
}

impl ListExtensions {
    /// From the content of the SEQUENCE, and the name of the list's issuer.
    pub(super) fn read(content: &[u8], issuer: &DistinguishedName) -> Option<Self> {
        let mut result = Self::default();
        for extension in read(content)? {
            let unusable = match extension.identifier {
                // authorityKeyIdentifier.
                [0x55, 0x1d, 35] => {
                    let mut fields = Elements::new(only(extension.value, tag::SEQUENCE)?);
                    let identifier = fields.optional(tag::primitive(0))?;
                    result.authority_key_identifier = identifier.map(|field| field.content.to_vec());
                    None
                }
                // issuerAltName.
                [0x55, 0x1d, 18] => None,
                // cRLNumber.
                [0x55, 0x1d, 20] => {
                    result.number = Some(number(extension.value)?);
                    None
                }
                // deltaCRLIndicator.
                [0x55, 0x1d, 27] => {
                    result.base_number = Some(number(extension.value)?);
                    None
                }
                // issuingDistributionPoint.
                [0x55, 0x1d, 28] => {
                    result.scope = Scope::read(extension.value, issuer)?;
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
    pub(super) unusable: Option<UnusableList>,
}

impl Default for EntryExtensions {
    fn default() -> Self {
        Self {
            reason: RevocationReason::Unspecified,
            invalid_since: None,
            certificate_issuer: None,
            unusable: None,
        }
    }
}

impl EntryExtensions {
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut result = Self::default();
        for extension in read(content)? {
            match extension.identifier {
                // reasonCode, an ENUMERATED.
                [0x55, 0x1d, 21] => result.reason = reason(only(extension.value, 0x0a)?),
                // invalidityDate.
                [0x55, 0x1d, 24] => {
                    result.invalid_since = Some(asn1_time::read_generalized(extension.value)?);
                }
                // certificateIssuer.
                [0x55, 0x1d, 29] => {
                    let names = GeneralName::read_all(extension.value)?;
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
