//! For whom a row of a policy is.

use std::fmt;

use crate::address::EmailAddress;

/// Addresses that a row matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressPattern {
    /// `*`: all.
    Everybody,
    /// `*@example.org`: all of one domain.
    Domain(String),
    /// `*@*.example.org`: all of the domains below one.
    Subdomains(String),
    /// One address.
    Address(EmailAddress),
}

impl AddressPattern {
    /// Reads a pattern; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everybody);
        }
        match text.strip_prefix("*@") {
            Some(domain) => match domain.strip_prefix("*.") {
                Some(parent) => mail_domain(parent).map(Self::Subdomains),
                None => mail_domain(domain).map(Self::Domain),
            },
            None => EmailAddress::parse(text).ok().map(Self::Address),
        }
    }

    /// Whether it matches an address.
    #[must_use]
    pub fn matches(&self, address: &EmailAddress) -> bool {
        match self {
            Self::Everybody => true,
            Self::Domain(domain) => address.domain() == domain,
            Self::Subdomains(parent) => {
                address.domain().strip_suffix(parent.as_str()).is_some_and(|below| below.ends_with('.'))
            }
            Self::Address(own) => own.matches(address),
        }
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => formatter.write_str("*"),
            Self::Domain(domain) => write!(formatter, "*@{domain}"),
            Self::Subdomains(parent) => write!(formatter, "*@*.{parent}"),
            Self::Address(address) => address.fmt(formatter),
        }
    }
}

/// A mail domain as addresses have it: lower case, A-labels. Nothing where the text is none.
#[must_use]
pub fn mail_domain(text: &str) -> Option<String> {
    EmailAddress::parse(&format!("someone@{text}")).ok().map(|address| address.domain().to_owned())
}

/// The mail domains that two limits have in common.
///
/// No domain stands for all of them. Two lists without a common one allow none: that is a list with
/// a domain that no address has (RFC 6761, section 6.4).
#[must_use]
pub fn common_domains(first: Vec<String>, second: &[String]) -> Vec<String> {
    if second.is_empty() {
        return first;
    }
    if first.is_empty() {
        return second.to_vec();
    }
    let both: Vec<String> = first.into_iter().filter(|domain| second.contains(domain)).collect();
    if both.is_empty() { vec!["invalid".to_owned()] } else { both }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say_and_no_more() {
        for (pattern, address, expected) in [
            ("*", "alice@example.org", true),
            ("*@example.org", "alice@example.org", true),
            ("*@Example.ORG", "alice@example.org", true),
            ("*@example.org", "alice@mail.example.org", false),
            ("*@example.org", "alice@notexample.org", false),
            ("*@*.example.org", "alice@mail.example.org", true),
            ("*@*.example.org", "alice@example.org", false),
            ("*@*.example.org", "alice@notexample.org", false),
            ("*@bücher.example", "alice@xn--bcher-kva.example", true),
            ("Alice@example.org", "alice@example.org", true),
            ("alice@example.org", "bob@example.org", false),
        ] {
            let parsed = AddressPattern::parse(pattern).unwrap();
            assert_eq!(
                parsed.matches(&EmailAddress::parse(address).unwrap()),
                expected,
                "{pattern} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "*@", "*@*.", "alice", "al*ce@example.org ", "*@exa mple.org", "@example.org"] {
            assert_eq!(AddressPattern::parse(text), None, "{text}");
        }
    }
}
