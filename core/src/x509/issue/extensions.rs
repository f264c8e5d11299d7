//! The extensions of the certificates that we issue (RFC 5280, section 4.2).

use const_oid::ObjectIdentifier;

use super::super::certificate::{Certificate, extension};
use super::super::public_key::PublicKey;
use super::super::tlv::{self, tag};
use crate::address::EmailAddress;

/// id-kp-emailProtection, 1.3.6.1.5.5.7.3.4, as content octets.
const EMAIL_PROTECTION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
/// id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9, as content octets.
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

/// Bits of the key usage, counted from the left (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy)]
pub(super) struct KeyUsageBits(u8);

impl KeyUsageBits {
    /// digitalSignature.
    pub(super) const SIGNATURES: Self = Self(0b1000_0000);
    /// keyEncipherment.
    pub(super) const KEY_ENCIPHERMENT: Self = Self(0b0010_0000);
    /// keyAgreement.
    pub(super) const KEY_AGREEMENT: Self = Self(0b0000_1000);
    /// keyCertSign and cRLSign.
    pub(super) const CERTIFICATES: Self = Self(0b0000_0110);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Extensions in the order they were added.
#[derive(Default)]
pub(super) struct Extensions(Vec<u8>);

impl Extensions {
    /// cA, and a path length of 0: no CA below it.
    pub(super) fn add_authority_constraints(&mut self) {
        let is_authority = tlv::encode(tag::BOOLEAN, &[0xff]);
        let value = tlv::sequence(&[&is_authority, &tlv::integer(&[])]);
        self.add(extension::BASIC_CONSTRAINTS, Criticality::Critical, &value);
    }

    pub(super) fn add_key_usage(&mut self, bits: KeyUsageBits) {
        let unused = u8::try_from(bits.0.trailing_zeros()).unwrap_or_default();
        let value = tlv::encode(tag::BIT_STRING, &[unused, bits.0]);
        self.add(extension::KEY_USAGE, Criticality::Critical, &value);
    }

    pub(super) fn add_email_protection(&mut self) {
        let value = tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, EMAIL_PROTECTION)]);
        self.add(extension::EXTENDED_KEY_USAGE, Criticality::NotCritical, &value);
    }

    /// Only these mailboxes. A mailbox that is not ASCII cannot be said, so its host is (RFC 9598,
    /// section 6).
    pub(super) fn add_name_constraints(&mut self, addresses: &[EmailAddress]) {
        let mut subtrees: Vec<Vec<u8>> = addresses
            .iter()
            .map(|address| {
                let text = address.to_string();
                let base = if text.is_ascii() { text.as_str() } else { address.domain() };
                tlv::sequence(&[&tlv::encode(tag::primitive(1), base.as_bytes())])
            })
            .collect();
        subtrees.dedup();
        let value = tlv::sequence(&[&tlv::encode(tag::constructed(0), &subtrees.concat())]);
        self.add(extension::NAME_CONSTRAINTS, Criticality::NotCritical, &value);
    }

    /// rfc822Name, or SmtpUTF8Mailbox where the local part is not ASCII.
    pub(super) fn add_alternative_names(&mut self, addresses: &[EmailAddress]) {
        let names: Vec<Vec<u8>> = addresses.iter().map(mail_name).collect();
        let value = tlv::sequence(&[&names.concat()]);
        self.add(extension::SUBJECT_ALT_NAME, Criticality::NotCritical, &value);
    }

    pub(super) fn add_subject_key_identifier(&mut self, key: &PublicKey) {
        let value = tlv::encode(tag::OCTET_STRING, &key.key_identifier());
        self.add(extension::SUBJECT_KEY_IDENTIFIER, Criticality::NotCritical, &value);
    }

    pub(super) fn add_authority_key_identifier(&mut self, issuer: &Certificate) {
        let computed = issuer.public_key().key_identifier();
        let identifier = issuer.subject_key_identifier().unwrap_or(&computed);
        let value = tlv::sequence(&[&tlv::encode(tag::primitive(0), identifier)]);
        self.add(extension::AUTHORITY_KEY_IDENTIFIER, Criticality::NotCritical, &value);
    }

    /// RFC 4262.
    pub(super) fn add_capabilities(&mut self, capabilities: &[u8]) {
        self.add(extension::SMIME_CAPABILITIES, Criticality::NotCritical, capabilities);
    }

    /// The Extensions of a TBSCertificate.
    pub(super) fn encode(&self) -> Vec<u8> {
        tlv::sequence(&[&self.0])
    }

    fn add(&mut self, identifier: ObjectIdentifier, criticality: Criticality, value: &[u8]) {
        let critical = match criticality {
            Criticality::Critical => tlv::encode(tag::BOOLEAN, &[0xff]),
            Criticality::NotCritical => Vec::new(),
        };
        self.0.extend(tlv::sequence(&[
            &tlv::encode(tag::OBJECT_IDENTIFIER, identifier.as_bytes()),
            &critical,
            &tlv::encode(tag::OCTET_STRING, value),
        ]));
    }
}

enum Criticality {
    Critical,
    NotCritical,
}

fn mail_name(address: &EmailAddress) -> Vec<u8> {
    let text = address.to_string();
    if text.is_ascii() {
        return tlv::encode(tag::primitive(1), text.as_bytes());
    }
    let mailbox = tlv::encode(tag::constructed(0), &tlv::encode(tag::UTF8_STRING, text.as_bytes()));
    let kind = tlv::encode(tag::OBJECT_IDENTIFIER, SMTP_UTF8_MAILBOX);
    tlv::encode(tag::constructed(0), &[kind, mailbox].concat())
}
