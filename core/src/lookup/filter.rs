//! Search filters for directories (RFC 4515).

use crate::address::EmailAddress;

/// The filter for entries with this mail address. Whatever the address holds, it stays a value: it
/// cannot end its parentheses and begin another condition.
#[must_use]
pub fn mail_filter(address: &EmailAddress) -> String {
    format!("(mail={})", escaped(&address.to_string()))
}

/// RFC 4515, section 3: these octets and everything beyond ASCII as a backslash and two digits.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'*' | b'(' | b')' | b'\\' | 0..=0x1f | 0x7f.. => escaped.push_str(&format!("\\{byte:02x}")),
            plain => escaped.push(char::from(plain)),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn filter(address: &str) -> String {
        mail_filter(&EmailAddress::parse(address).unwrap())
    }

    #[test]
    fn an_address_injects_no_condition() {
        assert_eq!(filter("alice@example.org"), "(mail=alice@example.org)");
        assert_eq!(filter("*@example.org"), "(mail=\\2a@example.org)");
        assert_eq!(filter("\"a)(uid=*\"@example.org"), "(mail=\"a\\29\\28uid=\\2a\"@example.org)");
        assert_eq!(filter("\"a\\\\b\"@example.org"), "(mail=\"a\\5c\\5cb\"@example.org)");
    }

    #[test]
    fn letters_beyond_ascii_are_octets() {
        assert_eq!(filter("élise@example.org"), "(mail=\\c3\\a9lise@example.org)");
    }
}
