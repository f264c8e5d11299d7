//! The Legacy Display Element: hidden header fields at the start of the text, for readers whose
//! program decrypts but does not know header protection (RFC 9788, sections 2.1.2, 4.5.3 and 5.2).

use std::ops::Range;

/// The class of the element in HTML (RFC 9788, section 5.2.3).
const CLASS: &str = "header-protection-legacy-display";

/// What stands before a plain text: the fields, and an empty line.
pub(super) fn before_plain(fields: &[(String, String)]) -> String {
    field_lines(fields) + "\r\n"
}

/// Puts the fields at the start of the body of an HTML text.
pub(super) fn add_to_html(text: &str, fields: &[(String, String)]) -> String {
    let escaped = field_lines(fields).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let element = format!("<div class=\"{CLASS}\">\r\n<pre>{}</pre>\r\n</div>\r\n", escaped.trim_end());
    let place = find_tag(text, &["body"], 0).map_or(0, |(tag, _)| tag.end);
    let (before, after) = text.split_at_checked(place).unwrap_or(("", text));
    let line_end = if place == 0 { "" } else { "\r\n" };
    format!("{before}{line_end}{element}{after}")
}

fn field_lines(fields: &[(String, String)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

/// Leaves out the leading lines up to and with the first empty one (RFC 9788, section 4.5.3.2).
pub(super) fn strip_from_plain(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if line.trim().is_empty() {
            return rest;
        }
    }
    // Without an empty line there is no element.
    text
}

/// Leaves out the elements of the class (RFC 9788, section 4.5.3.3).
pub(super) fn strip_from_html(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut position = 0;
    let mut from = 0;
    while let Some((tag, _)) = find_tag(text, &["div"], from) {
        from = tag.end;
        if !has_class(text.get(tag.clone()).unwrap_or_default()) {
            continue;
        }
        // An element that is never closed is no element: hiding the rest would hide the message.
        let Some(end) = element_end(text, tag.end) else { break };
        kept.push_str(text.get(position..tag.start).unwrap_or_default());
        position = end;
        from = end;
    }
    kept.push_str(text.get(position..).unwrap_or_default());
    kept
}

/// Where a `div` ends whose content starts at `from`.
fn element_end(text: &str, from: usize) -> Option<usize> {
    let mut depth = 1u32;
    let mut position = from;
    while depth > 0 {
        let (tag, name) = find_tag(text, &["div", "/div"], position)?;
        depth = if name == "div" { depth + 1 } else { depth - 1 };
        position = tag.end;
    }
    Some(position)
}

/// The next tag of one of these names, from its `<` to behind its `>`.
fn find_tag<'n>(text: &str, names: &[&'n str], from: usize) -> Option<(Range<usize>, &'n str)> {
    let bytes = text.as_bytes().get(from..)?;
    for at in memchr::memchr_iter(b'<', bytes) {
        let inside = bytes.get(at + 1..)?;
        if let Some(name) = names.iter().find(|name| is_tag(inside, name)) {
            let length = memchr::memchr(b'>', inside)?;
            return Some((from + at..from + at + length + 2, name));
        }
    }
    None
}

/// Whether a tag of that name stands behind a `<`.
fn is_tag(inside: &[u8], name: &str) -> bool {
    let Some((head, rest)) = inside.split_at_checked(name.len()) else { return false };
    head.eq_ignore_ascii_case(name.as_bytes())
        && matches!(rest.first(), Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'))
}

fn has_class(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    let Some((_, value)) = lower.split_once("class") else { return false };
    let Some(value) = value.trim_start().strip_prefix('=').map(str::trim_start) else { return false };
    let quoted = value.strip_prefix(['"', '\'']);
    let classes = match (quoted, value.chars().next()) {
        (Some(rest), Some(quote)) => rest.split(quote).next(),
        _ => value.split([' ', '>', '\t', '\r', '\n']).next(),
    };
    classes.unwrap_or_default().split_ascii_whitespace().any(|class| class == CLASS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<(String, String)> {
        vec![("Subject".to_owned(), "a < b & c".to_owned())]
    }

    #[test]
    fn a_plain_text_gets_and_loses_its_element() {
        let with = before_plain(&fields()) + "Hello\r\n\r\nBob\r\n";
        assert_eq!(with, "Subject: a < b & c\r\n\r\nHello\r\n\r\nBob\r\n");
        assert_eq!(strip_from_plain(&with), "Hello\r\n\r\nBob\r\n");
        assert_eq!(strip_from_plain("no empty line\r\n"), "no empty line\r\n");
    }

    #[test]
    fn an_html_text_gets_and_loses_its_element() {
        let text = "<html><BODY lang=en><div>Hello</div></BODY></html>";
        let with = add_to_html(text, &fields());
        assert!(with.contains("<BODY lang=en>\r\n<div class=\"header-protection-legacy-display\">"));
        assert!(with.contains("<pre>Subject: a &lt; b &amp; c</pre>"));
        assert_eq!(strip_from_html(&with).replace("\r\n", ""), text);
        assert!(add_to_html("<p>x", &fields()).ends_with("</div>\r\n<p>x"));
    }

    #[test]
    fn only_elements_of_the_class_are_left_out() {
        for text in [
            "<div class=other>x</div>",
            "<div id=header-protection-legacy-display>x</div>",
            "<div class=\"header-protection-legacy-display\">never closed",
            "header-protection-legacy-display",
        ] {
            assert_eq!(strip_from_html(text), text);
        }
        let nested = "a<div class='x header-protection-legacy-display'><div>b</div>c</div>d";
        assert_eq!(strip_from_html(nested), "ad");
    }
}
