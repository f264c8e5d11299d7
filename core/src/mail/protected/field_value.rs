//! When two writings of a header field mean the same.

use crate::mail::encoded_word::decode_words;
use crate::mail::{AddressEntry, parse_address_list};

/// Whether two unfolded values say the same to a reader. Programs on the way fold anew, encode
/// anew and quote anew, and none of that is a difference.
pub(super) fn same_value(one: &[u8], other: &[u8]) -> bool {
    let text = |value: &[u8]| decode_words(value).split_whitespace().collect::<Vec<_>>().join(" ");
    one == other || text(one) == text(other) || same_addresses(one, other)
}

fn same_addresses(one: &[u8], other: &[u8]) -> bool {
    match (parse_address_list(one), parse_address_list(other)) {
        (Ok(one), Ok(other)) => described(one) == described(other),
        _ => false,
    }
}

/// Names and addresses in order; the names of groups are not kept.
fn described(entries: Vec<AddressEntry>) -> Vec<Vec<(String, String)>> {
    entries
        .into_iter()
        .map(|entry| match entry {
            AddressEntry::Mailbox(mailbox) => vec![mailbox],
            AddressEntry::Group(members) => members,
        })
        .map(|mailboxes| {
            mailboxes
                .into_iter()
                .map(|mailbox| (mailbox.display_name.unwrap_or_default(), mailbox.address.to_string()))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_is_not_meaning() {
        for (one, other) in [
            ("a  b", "a b"),
            ("=?utf-8?q?caf=C3=A9?=", "=?utf-8?b?Y2Fmw6k=?="),
            ("Alice <a@b>", "\"Alice\" <a@b>"),
            ("a@b,c@d", "a@b, <c@d>"),
        ] {
            assert!(same_value(one.as_bytes(), other.as_bytes()), "{one}");
        }
        for (one, other) in [("a", "b"), ("Alice <a@b>", "Alice <a@c>"), ("a@b", "a@b, c@d"), ("x", "[...]")]
        {
            assert!(!same_value(one.as_bytes(), other.as_bytes()), "{one}");
        }
    }
}
