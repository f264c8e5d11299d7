//! The names of a certificate in raw form (RFC 5280, section 4.2.1.6).

use crate::x509::path::distinguished_name::DistinguishedName;
use crate::x509::tlv::{Element, Elements, only, tag};

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3): 1.3.6.1.5.5.7.8.9.
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

/// A GeneralName, as far as it is told apart here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GeneralName {
    /// rfc822Name.
    Rfc822(Vec<u8>),
    /// SmtpUTF8Mailbox, an otherName.
    SmtpUtf8Mailbox(String),
    /// dNSName.
    Dns(Vec<u8>),
    /// directoryName.
    Directory(DistinguishedName),
    /// uniformResourceIdentifier.
    Uri(Vec<u8>),
    /// iPAddress.
    IpAddress(Vec<u8>),
    /// Any other form: the number of its tag.
    Other(u8),
}

/// The form of a name, by which constraints apply to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameForm {
    /// A mail address: rfc822Name, SmtpUTF8Mailbox, or emailAddress in the subject.
    Mail,
    /// dNSName.
    Dns,
    /// The subject, or a directoryName.
    Directory,
    /// uniformResourceIdentifier.
    Uri,
    /// iPAddress.
    IpAddress,
    /// otherName, x400Address, ediPartyName or registeredID, by the number of its tag.
    Other(u8),
}

impl GeneralName {
    pub(crate) fn form(&self) -> NameForm {
        match self {
            Self::Rfc822(_) | Self::SmtpUtf8Mailbox(_) => NameForm::Mail,
            Self::Dns(_) => NameForm::Dns,
            Self::Directory(_) => NameForm::Directory,
            Self::Uri(_) => NameForm::Uri,
            Self::IpAddress(_) => NameForm::IpAddress,
            Self::Other(number) => NameForm::Other(*number),
        }
    }

    /// The name, where it is that of a directory.
    pub(crate) fn into_directory(self) -> Option<DistinguishedName> {
        match self {
            Self::Directory(name) => Some(name),
            _ => None,
        }
    }

    /// One name; nothing where it is malformed.
    pub(crate) fn read(element: &Element<'_>) -> Option<Self> {
        let content = element.content;
        match element.tag {
            0xa0 => other_name(content),
            0x81 => Some(Self::Rfc822(content.to_vec())),
            0x82 => Some(Self::Dns(content.to_vec())),
            0xa3 => Some(Self::Other(3)),
            0xa4 => DistinguishedName::from_der(content).map(Self::Directory),
            0xa5 => Some(Self::Other(5)),
            0x86 => Some(Self::Uri(content.to_vec())),
            0x87 => Some(Self::IpAddress(content.to_vec())),
            0x88 => Some(Self::Other(8)),
            _ => None,
        }
    }

    /// All names of GeneralNames, given its DER; there is at least one.
    pub(crate) fn read_all(der: &[u8]) -> Option<Vec<Self>> {
        let mut rest = Elements::new(only(der, tag::SEQUENCE)?);
        let mut names = Vec::new();
        while !rest.is_empty() {
            names.push(Self::read(&rest.any()?)?);
        }
        (!names.is_empty()).then_some(names)
    }
}

fn other_name(content: &[u8]) -> Option<GeneralName> {
    let mut parts = Elements::new(content);
    let kind = parts.expect(tag::OBJECT_IDENTIFIER)?.content;
    let value = parts.expect(tag::constructed(0)).filter(|_| parts.is_empty())?.content;
    if kind != SMTP_UTF8_MAILBOX {
        return Some(GeneralName::Other(0));
    }
    let text = only(value, tag::UTF8_STRING)?;
    String::from_utf8(text.to_vec()).ok().map(GeneralName::SmtpUtf8Mailbox)
}
