//! Where the person's own folders are (RFC 2342): some servers have them all below INBOX.

use crate::limits;

/// The prefix of the first personal namespace: `INBOX.` for example, and mostly nothing. What is no such answer, or one
/// that could not stand before a folder's name, is none.
#[must_use]
pub fn personal_prefix(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let line = text.lines().find_map(|line| {
        let (head, rest) = line.strip_prefix("* ")?.split_at_checked("NAMESPACE ".len())?;
        head.eq_ignore_ascii_case("NAMESPACE ").then_some(rest)
    })?;
    let prefix = quoted(line.trim_start().strip_prefix("((")?)?;
    let is_plain = prefix.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (is_plain && prefix.len() <= limits::IMAP_PREFIX_BYTES).then_some(prefix)
}

/// A quoted string at the beginning (RFC 3501, section 4.3).
fn quoted(text: &str) -> Option<String> {
    let mut characters = text.strip_prefix('"')?.chars();
    let mut content = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(content),
            '\\' => content.push(characters.next()?),
            character => content.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_personal_namespace_counts() {
        for (answer, prefix) in [
            ("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n", Some("")),
            ("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n", Some("INBOX.")),
            (
                "* OK by the way\r\n* namespace ((\"INBOX.\" \".\")(\"#mh/\" \"/\")) NIL ((\"Public.\" \".\"))\r\n",
                Some("INBOX."),
            ),
            ("* NAMESPACE ((\"a\\\"b/\" \"/\")) NIL NIL\r\n", Some("a\"b/")),
            ("* NAMESPACE NIL ((\"Shared/\" \"/\")) NIL\r\n", None),
            ("* NAMESPACE ((\"INBOX.\r\n", None),
            ("* NAMESPACE (({6}\r\nINBOX. \".\")) NIL NIL\r\n", None),
            ("* NAMESPACE ((\"\u{e9}/\" \"/\")) NIL NIL\r\n", None),
            ("* NAMESPACEX ((\"x\" \"/\")) NIL NIL\r\n", None),
            ("", None),
        ] {
            assert_eq!(personal_prefix(answer.as_bytes()).as_deref(), prefix, "{answer:?}");
        }
        let long = format!("* NAMESPACE ((\"{}\" \"/\")) NIL NIL", "x".repeat(limits::IMAP_PREFIX_BYTES + 1));
        assert_eq!(personal_prefix(long.as_bytes()), None);
    }
}
