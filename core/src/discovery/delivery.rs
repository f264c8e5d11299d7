//! How a domain wants to be delivered to: MTA-STS (RFC 8461) and DANE for SMTP (RFC 7672). Our own servers deliver; a person
//! can know what holds on the way behind them.

use std::fmt;

use super::host_name;
use crate::limits::{STS_HOSTS, STS_POLICY_BYTES};

/// The DNS name of the record that says that there is a policy (RFC 8461, section 3.1).
#[must_use]
pub fn sts_record_name(domain: &str) -> String {
    format!("_mta-sts.{domain}.")
}

/// Where the policy is (RFC 8461, section 3.3). A redirection is not followed.
#[must_use]
pub fn sts_url(domain: &str) -> String {
    format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
}

/// The DNS name of the TLSA records of a mail exchanger (RFC 7672, section 2.2).
#[must_use]
pub fn tlsa_name(host: &str) -> String {
    format!("_25._tcp.{}.", host.strip_suffix('.').unwrap_or(host))
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsPolicy {
    /// What senders do where TLS fails.
    pub mode: StsMode,
    /// Seconds for which senders remember it.
    pub max_age: u32,
    /// The mail exchangers that it allows: names, or `*.` and a name.
    pub hosts: Vec<String>,
}

/// What senders do where TLS fails (RFC 8461, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsMode {
    /// They do not deliver.
    Enforce,
    /// They deliver, and may report it.
    Testing,
    /// The domain has no policy any more.
    None,
}

/// Why there is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsError {
    /// Larger than [`STS_POLICY_BYTES`], or with more than [`STS_HOSTS`] hosts.
    TooLarge,
    /// This field is missing, or twice there, or has no meaning.
    Field(&'static str),
}

impl fmt::Display for StsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("the policy is too large"),
            Self::Field(name) => write!(formatter, "the field {name} of the policy is missing or wrong"),
        }
    }
}

impl std::error::Error for StsError {}

impl StsPolicy {
    /// Whether one of the TXT records says that there is one: exactly one record of this version (RFC 8461, section 3.1).
    #[must_use]
    pub fn is_announced(records: &[String]) -> bool {
        let is_ours = |record: &&String| {
            let mut fields = record.split(';').map(str::trim);
            fields.next() == Some("v=STSv1")
                && fields.any(|field| {
                    field.strip_prefix("id=").is_some_and(|id| {
                        (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
                    })
                })
        };
        records.iter().filter(is_ours).count() == 1
    }

    /// Reads a policy (RFC 8461, section 3.2). Fields that nobody knows are passed over.
    ///
    /// # Errors
    /// [`StsError`].
    pub fn parse(text: &[u8]) -> Result<Self, StsError> {
        if text.len() > STS_POLICY_BYTES {
            return Err(StsError::TooLarge);
        }
        let text = std::str::from_utf8(text).map_err(|_| StsError::Field("version"))?;
        let (mut version, mut mode, mut max_age, mut hosts) = (None, None, None, Vec::new());
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim() {
                // Of several of a name the first one counts (section 3.2).
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" if hosts.len() >= STS_HOSTS => return Err(StsError::TooLarge),
                "mx" => hosts.push(pattern(value).ok_or(StsError::Field("mx"))?),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(StsError::Field("version"));
        }
        let mode = match mode {
            Some("enforce") => StsMode::Enforce,
            Some("testing") => StsMode::Testing,
            Some("none") => StsMode::None,
            _ => return Err(StsError::Field("mode")),
        };
        let max_age = max_age.and_then(|age| age.parse().ok()).filter(|age| *age <= LONGEST);
        let max_age = max_age.ok_or(StsError::Field("max_age"))?;
        if hosts.is_empty() && mode != StsMode::None {
            return Err(StsError::Field("mx"));
        }
        Ok(Self { mode, max_age, hosts })
    }

    /// Whether it allows a mail exchanger (RFC 8461, section 4.1). A star stands for exactly one label.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        let Some(host) = host_name(host) else { return false };
        self.hosts.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => *pattern == host,
        })
    }
}

/// A year (RFC 8461, section 3.2).
const LONGEST: u32 = 31_557_600;

fn pattern(value: &str) -> Option<String> {
    match value.strip_prefix("*.") {
        Some(parent) => host_name(parent).map(|parent| format!("*.{parent}")),
        None => host_name(value),
    }
}

/// What a TLSA record is good for in SMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsaUse {
    /// It names the server's certificate or key (DANE-EE).
    Server,
    /// It names a CA of the domain's choice (DANE-TA).
    Authority,
    /// It has no meaning in SMTP (RFC 7672, section 3.1.3), or none at all.
    Nothing,
}

/// Says it of a record's first three fields and the length of the fourth.
#[must_use]
pub fn tlsa_use(usage: u8, selector: u8, matching: u8, data_bytes: usize) -> TlsaUse {
    let has_length = match matching {
        0 => data_bytes > 0,
        1 => data_bytes == 32,
        2 => data_bytes == 64,
        _ => false,
    };
    match (usage, selector) {
        (3, 0 | 1) if has_length => TlsaUse::Server,
        (2, 0 | 1) if has_length => TlsaUse::Authority,
        _ => TlsaUse::Nothing,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const POLICY: &str =
        "version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

    #[test]
    fn a_policy_is_read_and_says_whom_it_allows() {
        let policy = StsPolicy::parse(POLICY.as_bytes()).unwrap();
        assert_eq!((policy.mode, policy.max_age), (StsMode::Enforce, 604_800));
        for (host, is_allowed) in [
            ("MAIL.example.org.", true),
            ("a.example.net", true),
            ("example.net", false),
            ("a.b.example.net", false),
            ("mail.example.org.example.com", false),
        ] {
            assert_eq!(policy.allows(host), is_allowed, "{host}");
        }
        let lines = POLICY.replace("\r\n", "\n");
        assert_eq!(StsPolicy::parse(lines.as_bytes()).unwrap(), policy);
        let none = "version: STSv1\nmode: none\nmax_age: 86400\n";
        assert_eq!(StsPolicy::parse(none.as_bytes()).unwrap().mode, StsMode::None);
    }

    #[test]
    fn a_policy_that_is_not_whole_is_none() {
        for (from, to, field) in [
            ("STSv1", "STSv2", "version"),
            ("version: STSv1", "x: y", "version"),
            ("enforce", "Enforce", "mode"),
            ("604800", "-1", "max_age"),
            ("604800", "99999999", "max_age"),
            ("max_age: 604800", "", "max_age"),
            ("*.example.net", "*.*.example.net", "mx"),
            ("mail.example.org", "192.0.2.1", "mx"),
        ] {
            let wrong = POLICY.replace(from, to);
            assert_eq!(StsPolicy::parse(wrong.as_bytes()), Err(StsError::Field(field)), "{from} {to}");
        }
        let no_host = "version: STSv1\nmode: enforce\nmax_age: 1\n";
        assert_eq!(StsPolicy::parse(no_host.as_bytes()), Err(StsError::Field("mx")));
        let many = format!("{POLICY}{}", "mx: a.example.org\n".repeat(STS_HOSTS + 1));
        assert_eq!(StsPolicy::parse(many.as_bytes()), Err(StsError::TooLarge));
        assert_eq!(StsPolicy::parse(&vec![b' '; STS_POLICY_BYTES + 1]), Err(StsError::TooLarge));
    }

    #[test]
    fn one_record_announces_it() {
        let announced = |records: &[&str]| {
            StsPolicy::is_announced(&records.iter().map(|record| (*record).to_owned()).collect::<Vec<_>>())
        };
        assert!(announced(&["v=spf1 -all", "v=STSv1; id=20261122T000000;"]));
        for wrong in [
            &[][..],
            &["v=STSv1"],
            &["v=STSv1; id=a b"],
            &["v=STSv1; id=1", "v=STSv1; id=2"],
            &["id=1; v=STSv1"],
        ] {
            assert!(!announced(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn only_two_usages_have_a_meaning_in_smtp() {
        assert_eq!(tlsa_use(3, 1, 1, 32), TlsaUse::Server);
        assert_eq!(tlsa_use(2, 0, 2, 64), TlsaUse::Authority);
        for (usage, selector, matching, length) in
            [(0, 1, 1, 32), (1, 0, 1, 32), (3, 2, 1, 32), (3, 1, 1, 31), (3, 1, 9, 32), (3, 1, 0, 0)]
        {
            assert_eq!(tlsa_use(usage, selector, matching, length), TlsaUse::Nothing);
        }
        assert_eq!(tlsa_name("mail.example.org."), "_25._tcp.mail.example.org.");
    }
}
