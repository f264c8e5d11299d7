//! What a certificate says that only paths ask for.

use const_oid::ObjectIdentifier;

use super::distinguished_name::{DistinguishedName, text};
use super::policies::{PolicyFacts, read_policies};
use crate::limits;
use crate::x509::Certificate;
use crate::x509::certificate::extension;
use crate::x509::name_constraints::{GeneralName, NameConstraints};
use crate::x509::tlv::{Elements, only, tag};

/// Content octets of emailAddress (1.2.840.113549.1.9.1).
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

/// A certificate, read as far as a path needs it.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) subject: &'a DistinguishedName,
    pub(super) issuer: &'a DistinguishedName,
    /// All names that name constraints apply to.
    pub(super) names: Vec<GeneralName>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) policies: PolicyFacts,
}

/// Why a certificate cannot be used in a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FactsError {
    Malformed(&'static str),
    TooManyNames,
    TooManyPolicies,
}

impl<'a> Facts<'a> {
    pub(super) fn read(certificate: &'a Certificate) -> Result<Self, FactsError> {
        let subject = certificate.subject_name().ok_or(FactsError::Malformed("subject"))?;
        Ok(Self {
            names: names(certificate, subject)?,
            subject,
            issuer: certificate.issuer_name().ok_or(FactsError::Malformed("issuer"))?,
            name_constraints: name_constraints(certificate)?,
            policies: read_policies(certificate)?,
        })
    }

    /// Issuer and subject are the same (RFC 5280, section 3.2).
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// The value of an extension, if it is there.
pub(super) fn value(certificate: &Certificate, identifier: ObjectIdentifier) -> Option<&[u8]> {
    certificate.extension(identifier).map(|(_, value)| value)
}

fn name_constraints(certificate: &Certificate) -> Result<Option<NameConstraints>, FactsError> {
    value(certificate, extension::NAME_CONSTRAINTS)
        .map(|der| NameConstraints::from_der(der).ok_or(FactsError::Malformed("nameConstraints")))
        .transpose()
}

/// The subject, the alternative names, and the mail addresses of the subject where subjectAltName
/// has none.
fn names(certificate: &Certificate, subject: &DistinguishedName) -> Result<Vec<GeneralName>, FactsError> {
    let mut names = match value(certificate, extension::SUBJECT_ALT_NAME) {
        Some(der) => GeneralName::read_all(der).ok_or(FactsError::Malformed("subjectAltName"))?,
        None => Vec::new(),
    };
    if !names.iter().any(|name| matches!(name, GeneralName::Rfc822(_))) {
        names.extend(subject_addresses(certificate.subject_der()).map(GeneralName::Rfc822));
    }
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject.clone()));
    }
    if names.len() > limits::CERTIFICATE_NAMES {
        return Err(FactsError::TooManyNames);
    }
    Ok(names)
}

/// The emailAddress attributes of a Name; what is no text is kept as it is, and will compare with
/// no constraint.
fn subject_addresses(name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut addresses = Vec::new();
    let mut relative_names = Elements::new(only(name, tag::SEQUENCE).unwrap_or_default());
    while let Some(relative_name) = relative_names.any() {
        let mut attributes = Elements::new(relative_name.content);
        while let Some(attribute) = attributes.any() {
            let mut parts = Elements::new(attribute.content);
            let kind = parts.expect(tag::OBJECT_IDENTIFIER).map(|kind| kind.content);
            if let (Some(EMAIL_ADDRESS), Some(value)) = (kind, parts.any()) {
                let address = text(value.tag, value.content).map(String::into_bytes);
                addresses.push(address.unwrap_or_else(|| value.content.to_vec()));
            }
        }
    }
    addresses.into_iter()
}
