//! Certificates in directories (RFC 4523), over TLS always: `ldaps`, or `ldap` with StartTLS.

use std::time::{Duration, Instant};

use counterseal_core::address::EmailAddress;
use counterseal_core::limits;
use counterseal_core::lookup::mail_filter;
use ldap3::{LdapConn, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions, StdStream};

use super::{Answer, Found, Source, Standing, Trouble, proxy, tls};
use crate::account::Host;
use crate::socks;

/// Attributes with certificates: RFC 4523, and the PKCS #7 object of RFC 2798.
const ATTRIBUTES: [&str; 3] = ["userCertificate;binary", "userCertificate", "userSMIMECertificate"];

/// Asks the directory of the policy.
pub(super) fn ask(address: &EmailAddress, url: Option<&str>) -> Answer {
    let outcome = url.ok_or_else(|| Trouble::new("not-configured", "no ldap is in [sources] of the policy"));
    let outcome = outcome.and_then(|url| {
        let files = search(address, url)?;
        if files.is_empty() {
            return Ok(None);
        }
        Found::of_files(&files, Standing::Server(host(url).to_owned())).map(Some)
    });
    Answer::new(Source::Ldap, url.unwrap_or_default(), outcome)
}

fn search(address: &EmailAddress, url: &str) -> Result<Vec<Vec<u8>>, Trouble> {
    let unreachable = |error: LdapError| Trouble::unreachable(error.to_string());
    let time = Duration::from_secs(limits::LOOKUP_SECONDS);
    let mut settings = LdapConnSettings::new()
        .set_conn_timeout(time)
        .set_starttls(url.starts_with("ldap://"))
        .set_config(tls::client()?);
    if let Some(proxy) = proxy()? {
        let until = Instant::now() + time;
        let stream =
            socks::open(proxy, &server_of(url)?, until).map_err(|error| Trouble::of_proxy(&error))?;
        settings = settings.set_std_stream(StdStream::Tcp(stream));
    }
    let server = url.split_inclusive("://").take(1).chain([host(url)]).collect::<String>();
    let mut connection = LdapConn::with_settings(settings, &server).map_err(unreachable)?;
    let most = i32::try_from(limits::LOOKUP_CERTIFICATES).unwrap_or(i32::MAX);
    let seconds = i32::try_from(limits::LOOKUP_SECONDS).unwrap_or(i32::MAX);
    connection.with_search_options(SearchOptions::new().sizelimit(most).timelimit(seconds));
    let (entries, _) = connection
        .with_timeout(time)
        .search(&base(url)?, Scope::Subtree, &mail_filter(address), ATTRIBUTES)
        .map_err(unreachable)?
        .success()
        .or_else(|error| match error {
            // noSuchObject (RFC 4511, section 4.1.9): the directory has no such part.
            LdapError::LdapResult { result } if result.rc == 32 => Ok((Vec::new(), result)),
            other => Err(unreachable(other)),
        })?;
    // The answer is here; a connection that ends badly takes nothing of it away.
    let _ = connection.unbind();
    let mut files: Vec<Vec<u8>> = Vec::new();
    let mut bytes = 0;
    for entry in entries.into_iter().map(SearchEntry::construct) {
        for value in entry
            .bin_attrs
            .into_iter()
            .filter(|(name, _)| is_certificate(name))
            .flat_map(|(_, values)| values)
        {
            bytes += value.len();
            if bytes > limits::LOOKUP_BYTES {
                return Err(Trouble::unusable("the directory has too much"));
            }
            files.push(value);
        }
    }
    Ok(files)
}

fn is_certificate(attribute: &str) -> bool {
    ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(attribute))
        || attribute.eq_ignore_ascii_case("userSMIMECertificate;binary")
}

/// Host and port of `ldaps://host:port/base`.
fn host(url: &str) -> &str {
    url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()).unwrap_or_default()
}

/// Where the proxy connects to: port 389, or 636 for `ldaps` (RFC 4516, section 2).
fn server_of(url: &str) -> Result<Host, Trouble> {
    let usual_port = if url.starts_with("ldaps://") { 636 } else { 389 };
    Host::parse(host(url), Some(usual_port)).map_err(|what| Trouble::new("not-configured", what))
}

/// The part of the directory that is searched (RFC 4516, section 2), without its percent signs.
fn base(url: &str) -> Result<String, Trouble> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.split_once('/').map_or("", |(_, path)| path).split('?').next().unwrap_or_default();
    let mut octets = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            octets.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let octet = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        octets.push(octet.ok_or_else(bad_base)?);
    }
    String::from_utf8(octets).map_err(|_| bad_base())
}

fn bad_base() -> Trouble {
    Trouble::new("not-configured", "the path of the ldap URL is no name of a directory")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_part_of_the_directory() {
        let url = "ldaps://ldap.example.org:636/ou=people%20here,dc=example??sub";
        assert_eq!(
            (host(url), base(url).unwrap().as_str()),
            ("ldap.example.org:636", "ou=people here,dc=example")
        );
        assert_eq!((host("ldap://x"), base("ldap://x").unwrap().as_str()), ("x", ""));
        assert!(base("ldap://x/%4").is_err() && base("ldap://x/%ff").is_err());
    }
}
