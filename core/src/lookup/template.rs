//! Addresses on the web that are made from a mail address.

use std::fmt;

use super::{percent_encoded, plain_local_part, web_key_directory_name};
use crate::address::EmailAddress;
use crate::limits;

/// The beginning that every template has: nothing is asked without TLS.
const SCHEME: &str = "https://";

/// A URL with places for the mail address: `{address}`, `{local}`, `{domain}`, and `{hash}`, which is
/// the local part as web key directories write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not begin with `https://`, or has no host.
    Scheme,
    /// More than [`limits::URL_BYTES`].
    TooLong,
    /// A white space, a control character or a character beyond ASCII.
    Character,
    /// A place that there is none of, or another one than `{domain}` in the host.
    Place,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scheme => "it must begin with https:// and a host",
            Self::TooLong => "it is too long",
            Self::Character => "it has a character that a URL cannot have",
            Self::Place => {
                "places are {address}, {local}, {domain} and {hash}; only {domain} may be in the host"
            }
        })
    }
}

impl std::error::Error for TemplateError {}

impl UrlTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > limits::URL_BYTES {
            return Err(TemplateError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::Character);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(TemplateError::Scheme)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A user name before the host would make another host of what looks like one.
        if host.is_empty() || host.contains('@') {
            return Err(TemplateError::Scheme);
        }
        let host_is_plain = !host.replace("{domain}", "").contains(['{', '}']);
        let template = Self(text.to_owned());
        let filled = template.filled(|_| "");
        if host_is_plain && !filled.contains(['{', '}']) { Ok(template) } else { Err(TemplateError::Place) }
    }

    /// The URL for an address. What the address brings is encoded, so that it stays in its place.
    #[must_use]
    pub fn url_for(&self, address: &EmailAddress) -> String {
        let local_part = plain_local_part(address);
        let values = [
            ("{address}", percent_encoded(&address.to_string())),
            ("{local}", percent_encoded(&local_part)),
            ("{domain}", address.domain().to_owned()),
            ("{hash}", web_key_directory_name(address)),
        ];
        self.filled(|place| {
            values.iter().find(|(name, _)| *name == place).map_or("", |(_, value)| value.as_str())
        })
    }

    /// Whether the address's own domain answers: then TLS says that the domain says so.
    #[must_use]
    pub fn is_of_the_domain(&self) -> bool {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = host.split(':').next().unwrap_or_default();
        name == "{domain}" || name.ends_with(".{domain}")
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Each place once, from the left: what a value brings is not looked at again.
    fn filled<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        let mut filled = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        'places: while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            for place in ["{address}", "{local}", "{domain}", "{hash}"] {
                let name = place.trim_start_matches('{');
                if let Some(after) = after.strip_prefix(name) {
                    filled.push_str(value(place));
                    rest = after;
                    continue 'places;
                }
            }
            filled.push('{');
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn url(template: &str, address: &str) -> String {
        UrlTemplate::parse(template).unwrap().url_for(&EmailAddress::parse(address).unwrap())
    }

    #[test]
    fn places_are_filled_and_what_fills_them_is_encoded() {
        let template = "https://certificates.{domain}/{hash}/{local}?mail={address}";
        assert_eq!(
            url(template, "Joe.Doe@Example.ORG"),
            "https://certificates.example.org/iy9q119eutrkn8s1mk4r39qejnbu3n5q/Joe.Doe?mail=Joe.Doe%40example.org"
        );
        let hostile = url("https://example.com/{local}/x", "\"../{domain}?#\"@example.org");
        assert_eq!(hostile, "https://example.com/..%2F%7Bdomain%7D%3F%23/x");
    }

    #[test]
    fn only_a_host_of_the_domain_speaks_for_the_domain() {
        let is_own = |text| UrlTemplate::parse(text).unwrap().is_of_the_domain();
        assert!(is_own("https://{domain}/x") && is_own("https://keys.{domain}:8443/x"));
        assert!(!is_own("https://{domain}.example.com/x") && !is_own("https://example.com/{domain}"));
        assert!(!is_own("https://evil{domain}/x"));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, error) in [
            ("http://{domain}/", TemplateError::Scheme),
            ("https:///x", TemplateError::Scheme),
            ("https://{domain}@example.com/", TemplateError::Scheme),
            ("https://{local}.example.org/", TemplateError::Place),
            ("https://example.org/{name}", TemplateError::Place),
            ("https://example.org/a b", TemplateError::Character),
        ] {
            assert_eq!(UrlTemplate::parse(text), Err(error), "{text}");
        }
        let long = format!("https://example.org/{}", "x".repeat(limits::URL_BYTES));
        assert_eq!(UrlTemplate::parse(&long), Err(TemplateError::TooLong));
    }
}
