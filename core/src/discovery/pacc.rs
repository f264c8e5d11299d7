//! PACC (draft-ietf-mailmaint-pacc): a JSON document on a host of the domain, with its digest in the DNS.

use base64ct::{Base64, Encoding};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{DiscoveryError, LogIn, MailServer, Security, domain_of, host_name};
use crate::address::EmailAddress;
use crate::limits::DISCOVERY_BYTES;

/// The port of the draft: submission with TLS from the first octet (RFC 8314, section 7.3).
const SUBMISSIONS: u16 = 465;
/// And the one of mailboxes: IMAP with TLS from the first octet (RFC 8314, section 7.1).
const IMAPS: u16 = 993;

/// Where the document is; nothing for an address literal.
#[must_use]
pub fn pacc_url(address: &EmailAddress) -> Option<String> {
    let domain = domain_of(address)?;
    Some(format!("https://ua-auto-config.{domain}/.well-known/user-agent-configuration.json"))
}

/// The DNS name under which its digest stands.
#[must_use]
pub fn pacc_digest_name(address: &EmailAddress) -> Option<String> {
    domain_of(address).map(|domain| format!("_ua-auto-config.{domain}."))
}

/// The TXT record that stands there for a document.
#[must_use]
pub fn pacc_record(document: &[u8]) -> String {
    format!("v=UAAC1; a=sha256; d={}", Base64::encode_string(&Sha256::digest(document)))
}

/// A document whose digest was found in the DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacc {
    /// Where mail is handed in.
    pub server: MailServer,
    /// Where the mailbox is, if the document names a host for it.
    pub mailbox: Option<MailServer>,
}

impl Pacc {
    /// Reads a document, if one of the TXT records is its digest.
    ///
    /// # Errors
    /// [`DiscoveryError`], of which [`DiscoveryError::Digest`] says that somebody changed one of them and not the other.
    pub fn read(document: &[u8], records: &[String]) -> Result<Self, DiscoveryError> {
        if document.len() > DISCOVERY_BYTES {
            return Err(DiscoveryError::Limit("the document"));
        }
        let digest = Sha256::digest(document);
        if !records.iter().any(|record| digest_of(record).is_some_and(|named| named == digest.as_slice())) {
            return Err(DiscoveryError::Digest);
        }
        let document: Value =
            serde_json::from_slice(document).map_err(|_| DiscoveryError::Malformed("no JSON"))?;
        let smtp = document.pointer("/protocols/smtp").ok_or(DiscoveryError::NoServer)?;
        let host = smtp.get("host").and_then(Value::as_str).and_then(host_name);
        let host = host.ok_or(DiscoveryError::Malformed("protocols.smtp.host is no host"))?;
        let ways = document.get("authentication");
        let has =
            |way: &str| ways.and_then(|ways| ways.get(way)).is_some_and(|found| found != &Value::Bool(false));
        let log_in = if has("oauth-public") && !has("password") { LogIn::OAuth } else { LogIn::Password };
        let at = |host, port| MailServer { host, port, security: Security::Implicit, user: None, log_in };
        // Who sends needs no mailbox: one that is no host keeps nobody from sending.
        let imap = document.pointer("/protocols/imap/host").and_then(Value::as_str).and_then(host_name);
        Ok(Self { server: at(host, SUBMISSIONS), mailbox: imap.map(|host| at(host, IMAPS)) })
    }
}

/// `v=UAAC1; a=sha256; d=BASE64`.
fn digest_of(record: &str) -> Option<Vec<u8>> {
    let value = |name: &str| {
        record.split(';').find_map(|tag| {
            let (key, value) = tag.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    };
    let is_ours = value("v")?.eq_ignore_ascii_case("UAAC1") && value("a")?.eq_ignore_ascii_case("sha256");
    is_ours.then(|| Base64::decode_vec(value("d")?).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"protocols":{"imap":{"host":"imap.example.org"},"smtp":{"host":"SMTP.example.org"}},
        "authentication":{"password":true},"info":{"provider":{"name":"Example"}}}"#;

    fn record(document: &str) -> String {
        pacc_record(document.as_bytes())
    }

    fn read(document: &str) -> Result<Pacc, DiscoveryError> {
        Pacc::read(document.as_bytes(), &[record(document)])
    }

    #[test]
    fn a_document_names_the_server() {
        let server = read(DOCUMENT).unwrap().server;
        assert_eq!((server.host.as_str(), server.port), ("smtp.example.org", 465));
        assert_eq!((server.security, server.log_in), (Security::Implicit, LogIn::Password));
        let mailbox = read(DOCUMENT).unwrap().mailbox.unwrap();
        assert_eq!((mailbox.host.as_str(), mailbox.port), ("imap.example.org", 993));
        assert_eq!((mailbox.security, mailbox.log_in), (Security::Implicit, LogIn::Password));
        let token =
            DOCUMENT.replace(r#""password":true"#, r#""oauth-public":{"issuer":"https://example.org"}"#);
        assert_eq!(read(&token).unwrap().server.log_in, LogIn::OAuth);
        let alice = EmailAddress::parse("alice@example.org").unwrap();
        assert_eq!(
            pacc_url(&alice).unwrap(),
            "https://ua-auto-config.example.org/.well-known/user-agent-configuration.json"
        );
        assert_eq!(pacc_url(&EmailAddress::parse("alice@[192.0.2.1]").unwrap()), None);
    }

    #[test]
    fn a_mailbox_that_is_no_host_keeps_nobody_from_sending() {
        for imap in [r#""a b""#, r#""192.0.2.1""#, r#""imap.example.org:143""#, "7", "{}", "null"] {
            let found = read(&DOCUMENT.replace(r#""imap.example.org""#, imap)).unwrap();
            assert_eq!((found.server.host.as_str(), found.mailbox), ("smtp.example.org", None), "{imap}");
        }
        let without = DOCUMENT.replace("imap", "pop3");
        assert_eq!(read(&without).unwrap().mailbox, None);
    }

    #[test]
    fn a_document_without_its_digest_in_the_dns_is_not_read() {
        let other = record("{}");
        let cut = record(DOCUMENT).replace("UAAC1", "UAAC2");
        for records in [vec![], vec![other.clone()], vec![cut], vec!["v=UAAC1; a=sha256; d=!".to_owned()]] {
            assert_eq!(Pacc::read(DOCUMENT.as_bytes(), &records), Err(DiscoveryError::Digest), "{records:?}");
        }
        assert!(Pacc::read(DOCUMENT.as_bytes(), &[other, record(DOCUMENT)]).is_ok());
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for (document, error) in [
            ("{}", DiscoveryError::NoServer),
            ("[", DiscoveryError::Malformed("no JSON")),
            (r#"{"protocols":{"smtp":{}}}"#, DiscoveryError::Malformed("protocols.smtp.host is no host")),
            (
                r#"{"protocols":{"smtp":{"host":"a b"}}}"#,
                DiscoveryError::Malformed("protocols.smtp.host is no host"),
            ),
        ] {
            assert_eq!(read(document), Err(error), "{document}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(read(&deep), Err(DiscoveryError::Malformed("no JSON")));
        let large = " ".repeat(DISCOVERY_BYTES + 1);
        assert_eq!(read(&large), Err(DiscoveryError::Limit("the document")));
    }
}
