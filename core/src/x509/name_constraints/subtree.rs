//! One subtree of a name constraint, and whether a name lies in it (RFC 5280, section 4.2.1.10).

use super::general_name::{GeneralName, NameForm};
use crate::address::EmailAddress;
use crate::x509::path::distinguished_name::DistinguishedName;

/// A GeneralSubtree's base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subtree {
    /// One mailbox.
    Mailbox(EmailAddress),
    /// All mailboxes, or all resources, of exactly that host.
    Host(NameForm, String),
    /// Those of hosts below that domain, the domain itself not among them.
    BelowDomain(NameForm, String),
    /// That DNS name and all below it; an empty one is all of them.
    Dns(String),
    Directory(DistinguishedName),
    IpAddress {
        address: Vec<u8>,
        mask: Vec<u8>,
    },
    /// Of a form that we do not compare.
    Other(u8),
}

/// A name of a certificate's that cannot be compared with a constraint of its form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incomparable;

impl Subtree {
    /// Nothing where the base is not written as RFC 5280 asks.
    pub(super) fn read(base: &GeneralName) -> Option<Self> {
        match base {
            GeneralName::Rfc822(text) => mail_subtree(text),
            GeneralName::Dns(text) => dns_subtree(text),
            GeneralName::Uri(text) => host_subtree(NameForm::Uri, text),
            GeneralName::Directory(name) => Some(Self::Directory(name.clone())),
            GeneralName::IpAddress(octets) => ip_subtree(octets),
            GeneralName::SmtpUtf8Mailbox(_) => Some(Self::Other(0)),
            GeneralName::Other(number) => Some(Self::Other(*number)),
        }
    }

    /// Whether it is one mailbox.
    pub(super) fn is_mailbox(&self) -> bool {
        matches!(self, Self::Mailbox(_))
    }

    pub(super) fn form(&self) -> NameForm {
        match self {
            Self::Mailbox(_) => NameForm::Mail,
            Self::Host(form, _) | Self::BelowDomain(form, _) => *form,
            Self::Dns(_) => NameForm::Dns,
            Self::Directory(_) => NameForm::Directory,
            Self::IpAddress { .. } => NameForm::IpAddress,
            Self::Other(number) => NameForm::Other(*number),
        }
    }

    /// Whether all of `name` lies in this subtree of the same form.
    pub(super) fn contains(&self, name: &GeneralName) -> Result<bool, Incomparable> {
        match (self, name) {
            (Self::Directory(base), GeneralName::Directory(name)) => Ok(name.is_within(base)),
            (Self::Dns(base), GeneralName::Dns(name)) => Ok(is_at_or_below(&dns_name(name)?, base)),
            (Self::BelowDomain(..), GeneralName::Dns(name)) => {
                let is_wildcard = name.starts_with(b"*.");
                let name = dns_name(name)?;
                Ok(self.contains_host(&name) || is_wildcard && self.contains_host(&format!("a.{name}")))
            }
            (Self::IpAddress { address, mask }, GeneralName::IpAddress(name)) => match name.len() {
                4 | 16 => Ok(name.len() == address.len() && masked(name, mask) == masked(address, mask)),
                _ => Err(Incomparable),
            },
            (_, GeneralName::Rfc822(name)) => {
                let address = EmailAddress::from_rfc822_name(name).map_err(|_| Incomparable)?;
                Ok(self.contains_mailbox(&address))
            }
            (_, GeneralName::SmtpUtf8Mailbox(name)) => {
                let address = EmailAddress::from_smtp_utf8_mailbox(name).map_err(|_| Incomparable)?;
                Ok(self.contains_mailbox(&address))
            }
            (_, GeneralName::Uri(name)) => Ok(self.contains_host(&uri_host(name).ok_or(Incomparable)?)),
            _ => Err(Incomparable),
        }
    }

    /// Whether any of `name` lies in this subtree: a wildcard stands for many names.
    pub(super) fn touches(&self, name: &GeneralName) -> Result<bool, Incomparable> {
        if let (Self::Dns(base) | Self::BelowDomain(_, base), GeneralName::Dns(name)) = (self, name)
            && let Some(parent) = name.strip_prefix(b"*.")
        {
            let parent = host_name(parent).ok_or(Incomparable)?;
            return Ok(is_at_or_below(&parent, base) || is_at_or_below(base, &parent));
        }
        self.contains(name)
    }

    /// RFC 9598, section 6: a constraint on one mailbox says nothing of a SmtpUTF8Mailbox, and
    /// cannot equal one, because its local part is ASCII.
    fn contains_mailbox(&self, address: &EmailAddress) -> bool {
        match self {
            Self::Mailbox(mailbox) => mailbox.matches(address),
            _ => self.contains_host(address.domain()),
        }
    }

    fn contains_host(&self, host: &str) -> bool {
        match self {
            Self::Host(_, base) => host == base,
            Self::BelowDomain(_, base) => host != base && is_at_or_below(host, base),
            _ => false,
        }
    }
}

/// A dNSName without its wildcard.
fn dns_name(name: &[u8]) -> Result<String, Incomparable> {
    host_name(name.strip_prefix(b"*.").unwrap_or(name)).ok_or(Incomparable)
}

fn mail_subtree(text: &[u8]) -> Option<Subtree> {
    if text.contains(&b'@') {
        return EmailAddress::from_rfc822_name(text).ok().map(Subtree::Mailbox);
    }
    host_subtree(NameForm::Mail, text)
}

fn host_subtree(form: NameForm, text: &[u8]) -> Option<Subtree> {
    match text.strip_prefix(b".") {
        Some(domain) => Some(Subtree::BelowDomain(form, host_name(domain)?)),
        None => Some(Subtree::Host(form, host_name(text)?)),
    }
}

/// RFC 5280 knows no leading dot here; CAs write it, and mean the names below.
fn dns_subtree(text: &[u8]) -> Option<Subtree> {
    match text {
        [] => Some(Subtree::Dns(String::new())),
        [b'.', domain @ ..] => Some(Subtree::BelowDomain(NameForm::Dns, host_name(domain)?)),
        domain => Some(Subtree::Dns(host_name(domain)?)),
    }
}

/// An address and a mask of the same length whose ones all stand before its zeros.
fn ip_subtree(octets: &[u8]) -> Option<Subtree> {
    if !matches!(octets.len(), 8 | 32) {
        return None;
    }
    let (address, mask) = octets.split_at_checked(octets.len() / 2)?;
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading: u32 = {
        let full = mask.iter().take_while(|&&octet| octet == 0xff).count();
        8 * full as u32 + mask.get(full).map_or(0, |octet| octet.leading_ones())
    };
    (ones == leading).then(|| Subtree::IpAddress { address: address.to_vec(), mask: mask.to_vec() })
}

fn masked(address: &[u8], mask: &[u8]) -> Vec<u8> {
    address.iter().zip(mask).map(|(octet, mask)| octet & mask).collect()
}

/// A host name in lower case: labels of letters, digits, hyphens and underscores, no dot at the
/// end. A name with that dot would be another name to us and the same one to DNS.
fn host_name(text: &[u8]) -> Option<String> {
    let is_label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_name = text.len() <= 253 && text.split(|&byte| byte == b'.').all(is_label);
    is_name.then(|| text.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

fn is_at_or_below(name: &str, base: &str) -> bool {
    base.is_empty() || name == base || name.strip_suffix(base).is_some_and(|labels| labels.ends_with('.'))
}

/// The host of a URI with an authority (RFC 3986, section 3.2); an IP address is none.
fn uri_host(uri: &[u8]) -> Option<String> {
    let uri = std::str::from_utf8(uri).ok()?;
    let (scheme, rest) = uri.split_once("://")?;
    if scheme.is_empty() || scheme.contains(['/', '?', '#']) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host_and_port.split_once(':').map_or(host_and_port, |(host, _)| host);
    let name = host_name(host.as_bytes())?;
    let is_ip_address = name.parse::<std::net::Ipv4Addr>().is_ok();
    (!is_ip_address).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn rfc822(text: &str) -> GeneralName {
        GeneralName::Rfc822(text.as_bytes().to_vec())
    }

    fn dns(text: &str) -> GeneralName {
        GeneralName::Dns(text.as_bytes().to_vec())
    }

    fn contains(base: &GeneralName, name: &GeneralName) -> Result<bool, Incomparable> {
        Subtree::read(base).unwrap().contains(name)
    }

    #[test]
    fn a_host_is_that_host_and_a_domain_is_what_lies_below() {
        for (base, name, expected) in [
            ("example.org", "alice@example.org", true),
            ("example.org", "alice@EXAMPLE.org", true),
            ("EXAMPLE.org", "alice@example.org", true),
            ("example.org", "alice@mail.example.org", false),
            (".example.org", "alice@mail.example.org", true),
            (".example.org", "alice@a.mail.example.org", true),
            (".example.org", "alice@example.org", false),
            (".example.org", "alice@notexample.org", false),
            ("alice@example.org", "alice@example.org", true),
            ("alice@example.org", "Alice@Example.Org", true),
            ("alice@example.org", "bob@example.org", false),
        ] {
            assert_eq!(contains(&rfc822(base), &rfc822(name)), Ok(expected), "{base} {name}");
        }
    }

    #[test]
    fn a_name_that_other_readers_would_see_otherwise_is_not_compared() {
        for name in
            ["alice@example.org.", "alice@", "example.org", "alice@exa mple.org", "alice@example.org\0"]
        {
            assert_eq!(contains(&rfc822("example.org"), &rfc822(name)), Err(Incomparable), "{name}");
        }
        for name in ["example.org.", ".example.org", "a..example.org", "", "exa\0mple.org"] {
            assert_eq!(contains(&dns("example.org"), &dns(name)), Err(Incomparable), "{name}");
        }
    }

    #[test]
    fn a_mailbox_beyond_ascii_is_constrained_by_its_domain() {
        let name = GeneralName::SmtpUtf8Mailbox("δοκιμή@example.org".into());
        assert_eq!(contains(&rfc822("example.org"), &name), Ok(true));
        assert_eq!(contains(&rfc822("example.com"), &name), Ok(false));
        assert_eq!(contains(&rfc822("alice@example.org"), &name), Ok(false));
    }

    #[test]
    fn a_dns_name_contains_what_lies_below_it() {
        for (base, name, expected) in [
            ("example.org", "example.org", true),
            ("example.org", "a.b.Example.org", true),
            ("example.org", "notexample.org", false),
            (".example.org", "a.example.org", true),
            (".example.org", "*.example.org", true),
            (".example.org", "example.org", false),
            ("", "anything.example", true),
            ("example.org", "*.example.org", true),
            ("a.example.org", "*.example.org", false),
        ] {
            assert_eq!(contains(&dns(base), &dns(name)), Ok(expected), "{base} {name}");
        }
        // The wildcard could stand for the name that is excluded.
        let excluded = Subtree::read(&dns("a.example.org")).unwrap();
        assert_eq!(excluded.touches(&dns("*.example.org")), Ok(true));
        assert_eq!(excluded.touches(&dns("*.example.com")), Ok(false));
    }

    #[test]
    fn uris_are_constrained_by_their_host() {
        let uri = |text: &str| GeneralName::Uri(text.as_bytes().to_vec());
        for (base, name, expected) in [
            ("example.org", "https://example.org/x", Ok(true)),
            ("example.org", "https://user@example.org:8443/x", Ok(true)),
            ("example.org", "https://www.example.org/x", Ok(false)),
            (".example.org", "ldap://www.example.org", Ok(true)),
            ("example.org", "https://example.com/?@example.org", Ok(false)),
            ("example.org", "mailto:alice@example.org", Err(Incomparable)),
            ("example.org", "https://192.0.2.1/", Err(Incomparable)),
        ] {
            assert_eq!(contains(&uri(base), &uri(name)), expected, "{base} {name}");
        }
    }

    #[test]
    fn ip_addresses_are_constrained_by_their_network() {
        let network = GeneralName::IpAddress(vec![192, 0, 2, 0, 255, 255, 255, 0]);
        let address = |octets: &[u8]| GeneralName::IpAddress(octets.to_vec());
        assert_eq!(contains(&network, &address(&[192, 0, 2, 77])), Ok(true));
        assert_eq!(contains(&network, &address(&[192, 0, 3, 77])), Ok(false));
        assert_eq!(contains(&network, &address(&[0; 16])), Ok(false));
        assert_eq!(contains(&network, &address(&[192, 0, 2, 0, 255, 255, 255, 0])), Err(Incomparable));
    }

    #[test]
    fn malformed_bases_are_refused() {
        for base in [
            rfc822("alice@"),
            rfc822("example.org."),
            rfc822(""),
            dns("*.example.org"),
            dns("example.org."),
            GeneralName::IpAddress(vec![127, 0, 0, 1]),
            GeneralName::IpAddress(vec![127, 0, 0, 1, 255, 0, 255, 0]),
            GeneralName::Uri(b"https://example.org".to_vec()),
        ] {
            assert_eq!(Subtree::read(&base), None, "{base:?}");
        }
    }
}
