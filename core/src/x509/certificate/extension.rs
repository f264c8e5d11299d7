//! The extensions of a certificate (RFC 5280, section 4.2), each at most once.

use const_oid::ObjectIdentifier;
use der::asn1::Uint;
use der::{Decode as _, Sequence};
use x509_cert::ext::Extension;

use super::super::subject_names;
use super::super::tlv::{self, Elements, tag};
use super::super::usage::{ExtendedKeyUsage, KeyUsage};
use super::CertificateError;
use crate::address::EmailAddress;

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
pub(crate) const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
pub(crate) const ISSUER_ALT_NAME: ObjectIdentifier = oid("2.5.29.18");
pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
pub(crate) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
pub(crate) const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
pub(crate) const POLICY_MAPPINGS: ObjectIdentifier = oid("2.5.29.33");
pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
pub(crate) const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
pub(crate) const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
pub(crate) const SMIME_CAPABILITIES: ObjectIdentifier = oid("1.2.840.113549.1.9.15");

/// Extensions that may be critical because somebody here acts on them.
const KNOWN: [ObjectIdentifier; 13] = [
    SUBJECT_KEY_IDENTIFIER,
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    ISSUER_ALT_NAME,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    CRL_DISTRIBUTION_POINTS,
    CERTIFICATE_POLICIES,
    POLICY_MAPPINGS,
    AUTHORITY_KEY_IDENTIFIER,
    POLICY_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    INHIBIT_ANY_POLICY,
];

/// What the extensions say, and all of them as they are.
#[derive(Default)]
pub(super) struct Extensions {
    all: x509_cert::ext::Extensions,
    pub(super) subject_key_identifier: Option<Vec<u8>>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) is_certificate_authority: bool,
    pub(super) path_length: Option<u32>,
    pub(super) addresses: Vec<EmailAddress>,
    pub(super) capabilities: Option<Vec<u8>>,
    pub(super) unknown_critical: Vec<String>,
}

/// RFC 5280, section 4.2.1.9, with a path length of any size.
#[derive(Sequence)]
struct BasicConstraints {
    #[asn1(default = "Default::default")]
    is_certificate_authority: bool,
    path_length: Option<Uint>,
}

impl Extensions {
    /// From the content of `[3]`, where there is one. The subject is needed for the addresses.
    pub(super) fn read(content: Option<&[u8]>, subject: &[u8]) -> Result<Self, CertificateError> {
        let mut result = Self::default();
        let list = content.map(x509_cert::ext::Extensions::from_der).transpose();
        for extension in list.map_err(|_| CertificateError::Malformed)?.unwrap_or_default() {
            if result.get(extension.extn_id).is_some() {
                return Err(CertificateError::DuplicateExtension(extension.extn_id.to_string()));
            }
            result.understand(&extension).ok_or(CertificateError::Malformed)?;
            result.all.push(extension);
        }
        let alternative_names = result.get(SUBJECT_ALT_NAME).map(|(_, value)| value);
        result.addresses = subject_names::addresses(alternative_names, subject)?;
        Ok(result)
    }

    /// Whether the extension is critical, and the DER of its value.
    pub(super) fn get(&self, identifier: ObjectIdentifier) -> Option<(bool, &[u8])> {
        let found = self.all.iter().find(|extension| extension.extn_id == identifier)?;
        Some((found.critical, found.extn_value.as_bytes()))
    }

    /// Takes in what one extension says; nothing where its value is malformed.
    fn understand(&mut self, extension: &Extension) -> Option<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = Some(tlv::only(value, tag::OCTET_STRING)?.to_vec());
            }
            AUTHORITY_KEY_IDENTIFIER => {
                let mut fields = Elements::new(tlv::only(value, tag::SEQUENCE)?);
                let identifier = fields.optional(tag::primitive(0))?;
                self.authority_key_identifier = identifier.map(|field| field.content.to_vec());
            }
            KEY_USAGE => self.key_usage = Some(KeyUsage::from_der(value)?),
            EXTENDED_KEY_USAGE => self.extended_key_usage = Some(ExtendedKeyUsage::from_der(value)?),
            BASIC_CONSTRAINTS => self.read_basic_constraints(value)?,
            SMIME_CAPABILITIES => self.capabilities = Some(value.to_vec()),
            other if extension.critical && !KNOWN.contains(&other) => {
                self.unknown_critical.push(other.to_string());
            }
            _ => {}
        }
        Some(())
    }

    fn read_basic_constraints(&mut self, value: &[u8]) -> Option<()> {
        let constraints = BasicConstraints::from_der(value).ok()?;
        self.is_certificate_authority = constraints.is_certificate_authority;
        self.path_length = constraints.path_length.map(|length| match length.as_bytes() {
            octets @ ([] | [_] | [_, _] | [_, _, _] | [_, _, _, _]) => {
                octets.iter().fold(0, |number, octet| (number << 8) | u32::from(*octet))
            }
            // More than any path could have means the same as any such number.
            _ => u32::MAX,
        });
        Some(())
    }
}
