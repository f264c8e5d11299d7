//! The extensions of the certificates that we issue (RFC 5280, section 4.2).

use const_oid::AssociatedOid;
use const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use der::asn1::{Any, Ia5String, OctetString, Utf8StringRef};
use der::flagset::FlagSet;
use der::{Encode, Result};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints,
    SubjectAltName, SubjectKeyIdentifier,
};

use super::super::certificate::{Certificate, extension};
use super::super::public_key::PublicKey;
use super::super::subject_names::SMTP_UTF8_MAILBOX;
use super::super::tlv::{self, tag};
use super::Subject;
use super::device::DEVICE_PURPOSE;
use crate::address::EmailAddress;

/// Extensions in the order they were added.
pub(super) struct Extensions(Vec<Extension>);

impl Extensions {
    /// Of a personal CA: no CA below it, and only the subject's addresses.
    pub(super) fn of_authority(subject: &Subject<'_>) -> Result<Self> {
        let mut extensions = Self(Vec::new());
        extensions.add(true, &BasicConstraints { ca: true, path_len_constraint: Some(0) })?;
        extensions.add(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
        extensions.add(false, &ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]))?;
        extensions.add(false, &name_constraints(subject.addresses)?)?;
        extensions
            .add(false, &SubjectKeyIdentifier(OctetString::new(subject.public_key.key_identifier())?))?;
        Ok(extensions)
    }

    /// Of a certificate for mail. `capabilities` is the DER of SMIMECapabilities (RFC 4262).
    pub(super) fn of_leaf(
        subject: &Subject<'_>,
        usage: FlagSet<KeyUsages>,
        capabilities: Option<&[u8]>,
    ) -> Result<Self> {
        let names = subject.addresses.iter().map(mail_name).collect::<Result<_>>()?;
        let mut extensions = Self(Vec::new());
        extensions.add(true, &KeyUsage(usage))?;
        extensions.add(false, &ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]))?;
        extensions.add(false, &SubjectAltName(names))?;
        extensions
            .add(false, &SubjectKeyIdentifier(OctetString::new(subject.public_key.key_identifier())?))?;
        if let Some(capabilities) = capabilities {
            let (extn_id, extn_value) = (extension::SMIME_CAPABILITIES, OctetString::new(capabilities)?);
            extensions.0.push(Extension { extn_id, critical: false, extn_value });
        }
        Ok(extensions)
    }

    /// Of a device's key: no addresses, and a purpose that no mail program has.
    pub(super) fn of_device(public_key: &PublicKey, usage: FlagSet<KeyUsages>) -> Result<Self> {
        let mut extensions = Self(Vec::new());
        extensions.add(true, &KeyUsage(usage))?;
        extensions.add(false, &SubjectKeyIdentifier(OctetString::new(public_key.key_identifier())?))?;
        // The second arc of the purpose is wider than the types of const_oid.
        let purposes = tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, &DEVICE_PURPOSE)]);
        let (extn_id, extn_value) = (ExtendedKeyUsage::OID, OctetString::new(purposes)?);
        extensions.0.push(Extension { extn_id, critical: true, extn_value });
        Ok(extensions)
    }

    /// The key identifier of an issuer without a certificate at hand.
    pub(super) fn add_authority_key(&mut self, identifier: &[u8]) -> Result<()> {
        let identifier = OctetString::new(identifier)?;
        self.add(false, &AuthorityKeyIdentifier { key_identifier: Some(identifier), ..Default::default() })
    }

    /// The same key identifier that the issuer's certificate has.
    pub(super) fn add_authority_key_identifier(&mut self, issuer: &Certificate) -> Result<()> {
        let computed = issuer.public_key().key_identifier();
        self.add_authority_key(issuer.subject_key_identifier().unwrap_or(&computed))
    }

    /// The Extensions of a TBSCertificate.
    pub(super) fn to_der(&self) -> Result<Vec<u8>> {
        self.0.to_der()
    }

    fn add<T: AssociatedOid + Encode>(&mut self, critical: bool, value: &T) -> Result<()> {
        let extn_value = OctetString::new(value.to_der()?)?;
        self.0.push(Extension { extn_id: T::OID, critical, extn_value });
        Ok(())
    }
}

/// Only these mailboxes. A mailbox that is not ASCII cannot be said, so its host is (RFC 9598,
/// section 6).
fn name_constraints(addresses: &[EmailAddress]) -> Result<NameConstraints> {
    let subtree = |address: &EmailAddress| {
        let text = address.to_string();
        let base = Ia5String::new(if text.is_ascii() { text.as_str() } else { address.domain() })?;
        Ok(GeneralSubtree { base: GeneralName::Rfc822Name(base), minimum: 0, maximum: None })
    };
    let mut subtrees = addresses.iter().map(subtree).collect::<Result<Vec<_>>>()?;
    subtrees.dedup();
    Ok(NameConstraints { permitted_subtrees: Some(subtrees), excluded_subtrees: None })
}

/// rfc822Name, or SmtpUTF8Mailbox where the local part is not ASCII.
fn mail_name(address: &EmailAddress) -> Result<GeneralName> {
    let text = address.to_string();
    if text.is_ascii() {
        return Ok(GeneralName::Rfc822Name(Ia5String::new(&text)?));
    }
    let value = Any::encode_from(&Utf8StringRef::new(&text)?)?;
    Ok(GeneralName::OtherName(OtherName { type_id: SMTP_UTF8_MAILBOX, value }))
}
