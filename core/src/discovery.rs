//! Which server takes the mail of an address and which one has its mailbox, and how a domain wants to be delivered to: what domains publish, and what a
//! person told another program before.
//!
//! Nothing is asked here, and nothing is believed. The caller brings what was answered, knows how it was secured, and
//! decides whether a person has to be asked.

#![cfg_attr(not(test), forbid(clippy::indexing_slicing, clippy::string_slice))]

mod autoconfig;
mod delivery;
mod msmtp;
mod pacc;
mod service;

pub use autoconfig::{Autoconfig, autoconfig_urls, ispdb_url};
pub use delivery::{StsError, StsMode, StsPolicy, TlsaUse, sts_record_name, sts_url, tlsa_name, tlsa_use};
pub use msmtp::{Msmtp, MsmtpAccount, MsmtpError, MsmtpLeft, MsmtpPassword};
pub use pacc::{Pacc, pacc_digest_name, pacc_record, pacc_url};
pub use service::{ServiceRecord, best_service, guesses, mailbox_service_name, service_names};

use std::fmt;

use crate::address::EmailAddress;

/// Where mail is handed in, or where the mailbox is, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// A DNS name in small letters.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How TLS begins; there is no way without it.
    pub security: Security,
    /// The name by which the server is to know the person; their address where nothing is said.
    pub user: Option<String>,
    /// How the person shows who they are.
    pub log_in: LogIn,
}

/// How TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// From the first octet on (RFC 8314, sections 3.2 and 3.3). A mailbox is reached in no other way.
    Implicit,
    /// With STARTTLS (RFC 3207), without which nothing is sent.
    StartTls,
}

/// How a person shows who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogIn {
    /// With a password, by whatever mechanism.
    Password,
    /// With a token of OAuth 2.0 alone.
    OAuth,
    /// Not at all.
    Nothing,
}

impl MailServer {
    /// Whether its host is the domain of an address, or below it. A domain may name any host, and whoever forges
    /// what it says names their own.
    #[must_use]
    pub fn is_of(&self, domain: &str) -> bool {
        self.host == domain
            || self.host.strip_suffix(domain).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
    }
}

/// Why what a domain says names no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoveryError {
    /// It is not of the form that it should have.
    Malformed(&'static str),
    /// It passes a limit.
    Limit(&'static str),
    /// Its digest in the DNS is another, or there is none.
    Digest,
    /// It names only servers that are sent to in clear.
    OnlyClear,
    /// It names no server for handing mail in.
    NoServer,
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(formatter, "it is malformed: {what}"),
            Self::Limit(what) => write!(formatter, "it is too large: {what}"),
            Self::Digest => {
                formatter.write_str("the DNS of the domain has no digest of it, or that of another")
            }
            Self::OnlyClear => formatter.write_str("it names only servers without TLS"),
            Self::NoServer => formatter.write_str("it names no server for sending"),
        }
    }
}

impl std::error::Error for DiscoveryError {}

/// A DNS name in small letters, without the dot at its end; nothing where it is none.
fn host_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What ends with digits alone is an IPv4 address, whatever somebody reads it as.
    let is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    (name.len() <= 253 && !is_number && name.split('.').all(is_label)).then_some(name)
}

/// A name by which a server may know a person: no longer than [`crate::limits::LOG_IN_NAME_BYTES`], on one line.
fn user_name(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= crate::limits::LOG_IN_NAME_BYTES;
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// The domain of an address, where it is a name and no address literal.
fn domain_of(address: &EmailAddress) -> Option<&str> {
    let domain = address.domain();
    (!domain.starts_with('[')).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_of_a_domain_only_at_a_dot() {
        let server = |host: &str| MailServer {
            host: host.to_owned(),
            port: 465,
            security: Security::Implicit,
            user: None,
            log_in: LogIn::Password,
        };
        for (host, is_of) in [
            ("example.org", true),
            ("smtp.example.org", true),
            ("a.b.example.org", true),
            ("evil-example.org", false),
            (".example.org", false),
            ("example.org.example.net", false),
            ("org", false),
        ] {
            assert_eq!(server(host).is_of("example.org"), is_of, "{host}");
        }
    }

    #[test]
    fn a_host_is_a_name_and_no_address() {
        assert_eq!(host_name("SMTP.Example.org.").as_deref(), Some("smtp.example.org"));
        for wrong in
            ["", ".", "a..b", "192.0.2.1", "0x7f.1", "[::1]", "a b", "-a.org", "a@b", "a/b", "a:25", "é.org"]
        {
            assert_eq!(host_name(wrong), None, "{wrong}");
        }
        assert_eq!(host_name(&"a.".repeat(200)), None);
    }
}
