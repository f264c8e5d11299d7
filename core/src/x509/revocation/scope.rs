//! Which certificates a revocation list speaks of, and which lists a certificate names.

use super::Reasons;
use crate::limits;
use crate::x509::Certificate;
use crate::x509::certificate::extension;
use crate::x509::name_constraints::GeneralName;
use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::tlv::{Elements, only, tag};

/// IssuingDistributionPoint of a list (RFC 5280, section 5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// The names of the distribution point; nothing where all certificates are meant.
    names: Option<Vec<PointName>>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
    /// It may speak of the certificates of other issuers.
    pub(super) indirect: bool,
    pub(super) reasons: Reasons,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            names: None,
            only_users: false,
            only_authorities: false,
            only_attributes: false,
            indirect: false,
            reasons: Reasons::ALL,
        }
    }
}

impl Scope {
    pub(super) fn read(value: &[u8], issuer: &DistinguishedName) -> Option<Self> {
        let mut fields = Elements::new(only(value, tag::SEQUENCE)?);
        let names = match fields.optional(tag::constructed(0))? {
            Some(point) => Some(point_names(point.content, Some(issuer))?),
            None => None,
        };
        let only_users = flag(&mut fields, 1)?;
        let only_authorities = flag(&mut fields, 2)?;
        let reasons = reasons(&mut fields, 3)?;
        let indirect = flag(&mut fields, 4)?;
        let only_attributes = flag(&mut fields, 5)?;
        let scope = Self { names, only_users, only_authorities, only_attributes, indirect, reasons };
        fields.is_empty().then_some(scope)
    }

    /// Whether it speaks of such certificates: of users, or of authorities.
    pub(super) fn covers_kind(&self, certificate: &Certificate) -> bool {
        let is_authority = certificate.is_certificate_authority();
        !(self.only_attributes || self.only_users && is_authority || self.only_authorities && !is_authority)
    }

    /// Whether it is bound to no distribution point but that of the issuer itself.
    pub(super) fn is_for_all_of(&self, issuer: &DistinguishedName) -> bool {
        let is_issuer = |name: &PointName| matches!(name, PointName::Directory(name) if name == issuer);
        self.names.as_ref().is_none_or(|names| names.iter().any(is_issuer))
    }

    /// RFC 5280, section 6.3.3 (b)(2)(i).
    pub(super) fn covers_point(&self, point: &DistributionPoint) -> bool {
        let Some(names) = &self.names else { return true };
        match &point.names {
            Some(of_point) => of_point.iter().any(|name| names.contains(name)),
            None => {
                let is_issuer =
                    |name: &PointName| matches!(name, PointName::Directory(name) if point.names_issuer(name));
                names.iter().any(is_issuer)
            }
        }
    }
}

/// A DistributionPoint of a certificate (RFC 5280, section 4.2.1.13).
pub(crate) struct DistributionPoint {
    names: Option<Vec<PointName>>,
    pub(crate) reasons: Reasons,
    list_issuers: Option<Vec<DistinguishedName>>,
}

impl DistributionPoint {
    fn read(content: &[u8], issuer: Option<&DistinguishedName>) -> Option<Self> {
        let mut fields = Elements::new(content);
        let point = fields.optional(tag::constructed(0))?;
        let reasons = reasons(&mut fields, 1)?;
        let list_issuers = match fields.optional(tag::constructed(2))? {
            Some(names) => Some(directory_names(names.content)?),
            None => None,
        };
        // A relative name is relative to whoever issues the list.
        let issuer = match list_issuers.as_deref() {
            None => issuer,
            Some([one]) => Some(one),
            Some(_) => None,
        };
        let names = match point {
            Some(point) => Some(point_names(point.content, issuer)?),
            None => None,
        };
        fields.is_empty().then_some(Self { names, reasons, list_issuers })
    }

    /// Whether its lists are those of somebody else.
    pub(crate) const fn has_list_issuer(&self) -> bool {
        self.list_issuers.is_some()
    }

    /// Whether it names this issuer of lists.
    pub(crate) fn names_issuer(&self, issuer: &DistinguishedName) -> bool {
        self.list_issuers().contains(issuer)
    }

    /// The issuers of lists that it names.
    pub(crate) fn list_issuers(&self) -> &[DistinguishedName] {
        self.list_issuers.as_deref().unwrap_or_default()
    }
}

/// The distribution points of a certificate; none where the extension cannot be read, or
/// has more names than [`limits::DISTRIBUTION_POINT_NAMES`].
pub(crate) fn distribution_points(certificate: &Certificate) -> Vec<DistributionPoint> {
    let read = |value: &[u8]| {
        let mut rest = Elements::new(only(value, tag::SEQUENCE)?);
        let mut points = Vec::new();
        while !rest.is_empty() {
            let point = rest.expect(tag::SEQUENCE)?;
            points.push(DistributionPoint::read(point.content, certificate.issuer_name())?);
        }
        let names = |point: &DistributionPoint| 1 + point.names.as_ref().map_or(0, Vec::len);
        (points.iter().map(names).sum::<usize>() <= limits::DISTRIBUTION_POINT_NAMES).then_some(points)
    };
    let value = certificate.extension(extension::CRL_DISTRIBUTION_POINTS);
    value.and_then(|(_, value)| read(value)).unwrap_or_default()
}

fn flag(fields: &mut Elements<'_>, number: u8) -> Option<bool> {
    Some(fields.optional(tag::primitive(number))?.is_some_and(|flag| flag.content == [0xff]))
}

fn reasons(fields: &mut Elements<'_>, number: u8) -> Option<Reasons> {
    match fields.optional(tag::primitive(number))? {
        Some(flags) => Reasons::from_content(flags.content),
        None => Some(Reasons::ALL),
    }
}

/// The directory names among GeneralNames, given the content of their SEQUENCE.
fn directory_names(content: &[u8]) -> Option<Vec<DistinguishedName>> {
    let mut rest = Elements::new(content);
    let mut names = Vec::new();
    while !rest.is_empty() {
        names.extend(GeneralName::read(&rest.any()?)?.into_directory());
    }
    Some(names)
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
        if result.len() == limits::DISTRIBUTION_POINT_NAMES {
            return None;
        }
        result.push(match GeneralName::read(&name)? {
            GeneralName::Directory(name) => PointName::Directory(name),
            _ => PointName::Other(name.whole.to_vec()),
        });
    }
    Some(result)
}
