//! Extensions of revocation lists and of their entries (RFC 5280, sections 5.2 and 5.3).

use super::{RevocationReason, UnusableList};
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::asn1_time;
use crate::x509::certificate::extension;
use crate::x509::name_constraints::GeneralName;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::tlv::{Elements, only, tag};

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
                // issuerAltName, cRLNumber.
                [0x55, 0x1d, 18 | 20] => None,
                // deltaCRLIndicator.
                [0x55, 0x1d, 27] => Some(UnusableList::Delta),
                // issuingDistributionPoint.
                [0x55, 0x1d, 28] => {
                    result.scope = Scope::read(extension.value, issuer)?;
                    result.scope.indirect.then_some(UnusableList::Indirect)
                }
                _ => unknown(&extension),
            };
            result.unusable = result.unusable.or(unusable);
        }
        Some(result)
    }
}

/// What the extensions of an entry say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntryExtensions {
    pub(super) reason: RevocationReason,
    pub(super) invalid_since: Option<Time>,
    pub(super) unusable: Option<UnusableList>,
}

impl Default for EntryExtensions {
    fn default() -> Self {
        Self { reason: RevocationReason::Unspecified, invalid_since: None, unusable: None }
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
                [0x55, 0x1d, 29] => result.unusable = Some(UnusableList::Indirect),
                _ => result.unusable = result.unusable.or(unknown(&extension)),
            }
        }
        Some(result)
    }
}

fn reason(content: &[u8]) -> RevocationReason {
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

/// Which certificates a list speaks of (RFC 5280, section 5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The names of the distribution point; nothing where all certificates are meant.
    names: Option<Vec<PointName>>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
    indirect: bool,
    /// The list is silent about some reasons.
    pub(super) some_reasons: bool,
}

impl Scope {
    fn read(value: &[u8], issuer: &DistinguishedName) -> Option<Self> {
        let mut fields = Elements::new(only(value, tag::SEQUENCE)?);
        let names = match fields.optional(tag::constructed(0))? {
            Some(point) => Some(point_names(point.content, Some(issuer))?),
            None => None,
        };
        let mut flag = |number| match fields.optional(tag::primitive(number))? {
            Some(flag) => Some(flag.content == [0xff]),
            None => Some(false),
        };
        let (only_users, only_authorities) = (flag(1)?, flag(2)?);
        let some_reasons = fields.optional(tag::primitive(3))?.is_some();
        let mut flag = |number| match fields.optional(tag::primitive(number))? {
            Some(flag) => Some(flag.content == [0xff]),
            None => Some(false),
        };
        let (indirect, only_attributes) = (flag(4)?, flag(5)?);
        let scope = Self { names, only_users, only_authorities, only_attributes, indirect, some_reasons };
        fields.is_empty().then_some(scope)
    }

    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let is_authority = certificate.is_certificate_authority();
        if self.only_attributes || self.only_users && is_authority || self.only_authorities && !is_authority {
            return false;
        }
        let Some(names) = &self.names else { return true };
        let points = certificate.extension(extension::CRL_DISTRIBUTION_POINTS);
        let issuer = certificate.issuer_name();
        let of_certificate = points.and_then(|(_, value)| distribution_points(value, issuer));
        let of_certificate = of_certificate.unwrap_or_default();
        of_certificate.iter().any(|name| names.contains(name))
    }
}

/// One name of a distribution point, so that two spellings of one directory name are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PointName {
    Directory(DistinguishedName),
    /// DER of any other GeneralName.
    Other(Vec<u8>),
}

/// The names of a DistributionPointName (RFC 5280, section 4.2.1.13); a relative one needs the
/// issuer's name.
fn point_names(content: &[u8], issuer: Option<&DistinguishedName>) -> Option<Vec<PointName>> {
    let mut choice = Elements::new(content);
    let names = choice.any().filter(|_| choice.is_empty())?;
    if names.tag == tag::constructed(1) {
        let name = issuer.map(|issuer| issuer.join(names.content).map(PointName::Directory));
        return name.map_or(Some(Vec::new()), |name| Some(vec![name?]));
    }
    let mut rest = Elements::new((names.tag == tag::constructed(0)).then_some(names.content)?);
    let mut result = Vec::new();
    while !rest.is_empty() {
        let name = rest.any()?;
        result.push(match GeneralName::read(&name)? {
            GeneralName::Directory(name) => PointName::Directory(name),
            _ => PointName::Other(name.whole.to_vec()),
        });
    }
    Some(result)
}

/// All names of all distribution points of a certificate.
fn distribution_points(value: &[u8], issuer: Option<&DistinguishedName>) -> Option<Vec<PointName>> {
    let mut rest = Elements::new(only(value, tag::SEQUENCE)?);
    let mut names = Vec::new();
    while !rest.is_empty() {
        let mut fields = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        let point = fields.optional(tag::constructed(0))?;
        fields.optional(tag::primitive(1))?;
        // With a cRLIssuer, a relative name is relative to that one, and its list is indirect.
        let issuer = issuer.filter(|_| fields.is_empty());
        if let Some(point) = point {
            names.extend(point_names(point.content, issuer)?);
        }
    }
    Some(names)
}
