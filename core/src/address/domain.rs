//! The part after the `@`: labels of letters, digits and hyphens, A-labels for the others
//! (RFC 5891), or an address literal (RFC 5321, section 4.1.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::AddressError;
use crate::limits::DOMAIN_BYTES;

/// Bytes of one label (RFC 1035, section 2.3.4).
const LABEL_BYTES: usize = 63;

/// The one text of a domain: lower case, A-labels.
pub(super) fn normalise(text: &str) -> Result<String, AddressError> {
    if text.len() > 4 * DOMAIN_BYTES {
        return Err(AddressError::DomainTooLong);
    }
    let normal = match text.strip_prefix('[') {
        Some(rest) => address_literal(rest)?,
        None => labels(text)?,
    };
    if normal.len() > DOMAIN_BYTES { Err(AddressError::DomainTooLong) } else { Ok(normal) }
}

fn labels(text: &str) -> Result<String, AddressError> {
    let folded = fold(text)?;
    let ascii = if folded.is_ascii() && !folded.split('.').any(|label| label.starts_with("xn--")) {
        folded
    } else {
        a_labels(&folded)?
    };
    if ascii.split('.').all(is_label) { Ok(ascii) } else { Err(AddressError::Domain) }
}

/// Lower case, letter by letter. No character beyond ASCII becomes an ASCII one: the Kelvin sign
/// is not a k, nor a fullwidth letter a letter, because whoever reads it did not see one.
fn fold(text: &str) -> Result<String, AddressError> {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        for lower in character.to_lowercase() {
            if lower.is_ascii() && !character.is_ascii() {
                return Err(AddressError::Domain);
            }
            folded.push(lower);
        }
    }
    Ok(folded)
}

fn a_labels(folded: &str) -> Result<String, AddressError> {
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(folded.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Ignore)
        .map_err(|_| AddressError::Domain)?;
    let unicode_of = |text: &str| {
        let (unicode, valid) =
            uts46.to_unicode(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast);
        valid.ok().map(|()| unicode.into_owned())
    };
    // What was written must be the label itself, not something that is only mapped to it: a
    // domain that is not normalised is refused and never silently another one.
    for (written, label) in folded.split('.').zip(ascii.split('.')) {
        if written != label && unicode_of(label).as_deref() != Some(written) {
            return Err(AddressError::Domain);
        }
    }
    if ascii.split('.').count() == folded.split('.').count() {
        Ok(ascii.into_owned())
    } else {
        Err(AddressError::Domain)
    }
}

/// Letters, digits and inner hyphens. Underscores too: containers and Windows hosts have them.
fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn address_literal(rest: &str) -> Result<String, AddressError> {
    let literal = rest.strip_suffix(']').ok_or(AddressError::Domain)?;
    let lower = literal.to_ascii_lowercase();
    match lower.strip_prefix("ipv6:") {
        Some(address) => address.parse::<Ipv6Addr>().map(|address| format!("[ipv6:{address}]")),
        None => lower.parse::<Ipv4Addr>().map(|address| format!("[{address}]")),
    }
    .map_err(|_| AddressError::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_labels() {
        for text in ["example.org", "localhost", "a-b.example", "xn--bcher-kva.example", "my_host"] {
            assert_eq!(normalise(text).as_deref(), Ok(text));
        }
        for text in
            ["example.org.", ".example.org", "a..b", "-a.example", "a-.example", "a b", "a(b)", "example,org"]
        {
            assert_eq!(normalise(text), Err(AddressError::Domain), "{text}");
        }
    }

    #[test]
    fn a_domain_is_what_is_seen() {
        assert_eq!(normalise("bücher.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert_eq!(normalise("straße.example").as_deref(), Ok("xn--strae-oqa.example"));
        for text in [
            "\u{212a}pn.example",    // Kelvin sign
            "ｅxample.org",          // fullwidth e
            "bu\u{308}cher.example", // not normalised
            "example\u{3002}org",    // ideographic full stop
            "xn--example-.org",      // A-label of plain ASCII
            "xn--a.example",         // no Punycode
        ] {
            assert_eq!(normalise(text), Err(AddressError::Domain), "{text}");
        }
    }

    #[test]
    fn literals_are_addresses() {
        assert_eq!(normalise("[192.0.2.1]").as_deref(), Ok("[192.0.2.1]"));
        assert_eq!(normalise("[IPv6:2001:DB8::0:1]").as_deref(), Ok("[ipv6:2001:db8::1]"));
        for text in ["[]", "[192.0.2]", "[example.org]", "[192.0.2.1", "192.0.2.1]"] {
            assert_eq!(normalise(text), Err(AddressError::Domain), "{text}");
        }
    }

    #[test]
    fn the_limits_are_63_and_254_bytes() {
        let label = "a".repeat(63);
        assert!(normalise(&format!("{label}.org")).is_ok());
        assert_eq!(normalise(&format!("{label}a.org")), Err(AddressError::Domain));
        let long = [label.as_str(); 4].join(".");
        assert_eq!(normalise(&long), Err(AddressError::DomainTooLong));
        assert!(normalise(&long[..254]).is_ok());
    }
}
