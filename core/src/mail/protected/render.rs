//! Reading a mail with protected header fields (RFC 9788, section 4).

use std::borrow::Cow;
use std::ops::Range;

use super::field_value::same_value;
use super::reference::split_outer;
use super::{LEGACY_PARAMETER, OUTER_FIELD, PARAMETER, legacy_display};
use crate::mail::entity::{Body, Entity, OwnedField, is_structural};
use crate::mail::{
    AuthorError, BareCarriageReturn, Canonical, Filter, HeaderField, HeaderSection, MailError, Mailbox, Part,
    TransferEncoding, author, main_body_parts,
};

/// How the header fields of a mail are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderProtection {
    /// Not at all: what is shown stands outside, where anybody on the way could change it.
    None,
    /// Within the signature (`hp="clear"`).
    Clear,
    /// Within the encryption (`hp="cipher"`).
    Cipher,
    /// As a whole message in the way of RFC 8551, section 3.1 (RFC 9788, section 4.10).
    Wrapped,
}

/// An outer field that is not what its author put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the field.
    pub name: String,
    /// What it says inside, as far as it is there.
    pub inner: Option<String>,
    /// What it says outside.
    pub outer: String,
}

/// A mail as it is to be read.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// How its header fields are protected.
    pub protection: HeaderProtection,
    /// The whole mail: header fields from inside where they are protected, trace fields from
    /// outside, content without Legacy Display Elements. Line ends are CRLF.
    pub mail: Vec<u8>,
    /// Its author: from inside where the field is protected.
    pub author: Result<Mailbox, AuthorError>,
    /// Whether the address in From is not the same outside, or not readable there.
    pub from_differs: bool,
    /// Outer fields that say something else than their author put there.
    pub differences: Vec<Difference>,
    /// Names of outer fields that nothing covers, trace fields not counted: those added on the way,
    /// and all where header fields are not protected.
    pub unprotected: Vec<String>,
}

/// Brings the inside and the outside of a mail together: `outer` is the header section of the mail
/// as it came, `payload` the innermost MIME entity after decryption and verification.
///
/// # Errors
/// [`MailError`] where the payload passes a limit.
pub fn render(outer: &HeaderSection<'_>, payload: &[u8]) -> Result<Rendered, MailError> {
    let part = Part::read(payload)?;
    let protection = protection_of(&part, outer);
    let shown = match (protection, part.children()) {
        (HeaderProtection::Wrapped, [message]) => message,
        _ => &part,
    };
    let is_protected = protection != HeaderProtection::None;
    let inner_author = if is_protected { author(shown.headers()) } else { author(outer) };
    let from_differs = is_protected && from_differs(outer, &inner_author);
    let comparison =
        if is_protected { compare(outer, shown.headers(), protection) } else { Comparison::of_none(outer) };
    Ok(Rendered {
        protection,
        mail: readable(outer, shown, protection),
        author: inner_author,
        from_differs,
        differences: comparison.differences,
        unprotected: comparison.unprotected,
    })
}

/// RFC 9788, section 4.1, and section 4.10.1 for the wrapping of RFC 8551.
fn protection_of(payload: &Part<'_>, outer: &HeaderSection<'_>) -> HeaderProtection {
    match payload.content_type().parameter(PARAMETER) {
        Some(value) if value.eq_ignore_ascii_case("clear") => HeaderProtection::Clear,
        Some(value) if value.eq_ignore_ascii_case("cipher") => HeaderProtection::Cipher,
        _ if is_wrapped(payload, outer) => HeaderProtection::Wrapped,
        _ => HeaderProtection::None,
    }
}

/// A forwarded mail looks the same. So only a message by the author outside, without cryptography
/// of its own, is taken for the mail itself; where both have a Message-ID, it must be the same.
fn is_wrapped(payload: &Part<'_>, outer: &HeaderSection<'_>) -> bool {
    let [message] = payload.children() else { return false };
    let forwarded = payload.content_type().parameter("forwarded");
    let same_author = match (author(message.headers()), author(outer)) {
        (Ok(inner), Ok(outer)) => inner.address.matches(&outer.address),
        _ => false,
    };
    let ids = (message.headers().first("Message-ID"), outer.first("Message-ID"));
    let same_id = match ids {
        (Some(inner), Some(outer)) => same_value(&inner.unfolded(), &outer.unfolded()),
        _ => true,
    };
    let is_cryptographic = message.content_type().is("multipart/signed")
        || message.content_type().is("multipart/encrypted")
        || message.content_type().is_application("pkcs7-mime");
    payload.content_type().is("message/rfc822")
        && !forwarded.is_some_and(|value| value.eq_ignore_ascii_case("yes"))
        && same_author
        && same_id
        && !is_cryptographic
}

fn from_differs(outer: &HeaderSection<'_>, inner: &Result<Mailbox, AuthorError>) -> bool {
    match (inner, author(outer)) {
        (Ok(inner), Ok(outer)) => !inner.address.matches(&outer.address),
        _ => true,
    }
}

#[derive(Default)]
struct Comparison {
    differences: Vec<Difference>,
    unprotected: Vec<String>,
}

impl Comparison {
    /// Without protection anybody could change every field.
    fn of_none(outer: &HeaderSection<'_>) -> Self {
        let mut comparison = Self::default();
        for field in outer.fields().filter(is_comparable) {
            comparison.add_unprotected(&field);
        }
        comparison
    }

    fn add_unprotected(&mut self, field: &HeaderField<'_>) {
        if !self.unprotected.iter().any(|name| field.is(name)) {
            self.unprotected.push(field.name().to_owned());
        }
    }
}

/// Whether a field is one that an author writes, and not one of the body's structure or of the way.
fn is_comparable(field: &HeaderField<'_>) -> bool {
    !is_structural(field.name()) && !is_trace(field.name())
}

/// A field outside is as its author put it if it equals an HP-Outer field, or the field inside.
fn compare(outer: &HeaderSection<'_>, inner: &HeaderSection<'_>, protection: HeaderProtection) -> Comparison {
    let recorded: Vec<(String, Vec<u8>)> = if protection == HeaderProtection::Cipher {
        inner.all(OUTER_FIELD).filter_map(|field| split_outer(&field.unfolded())).collect()
    } else {
        Vec::new()
    };
    let mut comparison = Comparison::default();
    for field in outer.fields().filter(is_comparable) {
        let value = field.unfolded();
        let mut inside = inner.all(field.name());
        let is_recorded =
            recorded.iter().any(|(name, recorded)| field.is(name) && same_value(recorded, &value));
        let is_known = recorded.iter().any(|(name, _)| field.is(name)) || inner.count(field.name()) > 0;
        if is_recorded || inside.any(|inside| same_value(&inside.unfolded(), &value)) {
            continue;
        }
        if is_known {
            comparison.differences.push(Difference {
                name: field.name().to_owned(),
                inner: inner.first(field.name()).map(|inside| inside.text()),
                outer: field.text(),
            });
        } else {
            comparison.add_unprotected(&field);
        }
    }
    comparison
}

/// Fields that the way adds and that are kept: trace fields (RFC 5322, section 3.6.7), those of
/// lists (RFC 2369, RFC 2919), and those by which servers vouch for each other.
fn is_trace(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "Return-Path",
        "Received",
        "Delivered-To",
        "Received-SPF",
        "DKIM-Signature",
        "Authentication-Results",
        "X-Original-To",
        "Envelope-To",
    ];
    let starts =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    NAMES.iter().any(|trace| name.eq_ignore_ascii_case(trace)) || starts("List-") || starts("ARC-")
}

/// The mail as a file that any program reads. Nothing that arrived is lost or refused for being
/// malformed: old mail is to be read, and what cannot be decoded stays as it is.
fn readable(outer: &HeaderSection<'_>, shown: &Part<'_>, protection: HeaderProtection) -> Vec<u8> {
    let is_protected = protection != HeaderProtection::None;
    let is_outer = |name: &str| if is_protected { is_trace(name) } else { !is_structural(name) };
    let is_inner = |name: &str| if is_protected { !is_trace(name) } else { is_structural(name) };
    let mut fields: Vec<OwnedField> = outer
        .fields()
        .filter(|field| is_outer(field.name()))
        .chain(shown.headers().fields().filter(|field| is_inner(field.name()) && !field.is(OUTER_FIELD)))
        .map(|field| OwnedField::verbatim(&field))
        .collect();
    if !fields.iter().any(|field| field.is("MIME-Version")) {
        fields.push(OwnedField { name: "MIME-Version".to_owned(), raw: b"MIME-Version: 1.0\r\n".to_vec() });
    }
    let mut root = Entity { fields, body: Body::Encoded(Cow::Borrowed(shown.body())) };
    if is_protected {
        root.set_parameter_if_possible(PARAMETER, None);
    }
    let mut replacements = Vec::new();
    if protection == HeaderProtection::Cipher {
        for part in main_body_parts(shown) {
            let Some(text) = without_legacy_display(part) else { continue };
            if part.range() == shown.range() {
                root.replace_text(text);
            } else {
                replacements.extend(replacement(part, text));
            }
        }
    }
    let mut mail = Vec::with_capacity(shown.bytes().len() + 4096);
    for field in &root.fields {
        mail.extend_from_slice(&field.raw);
    }
    mail.extend_from_slice(b"\r\n");
    match &root.body {
        Body::Encoded(body) if replacements.is_empty() => write_lines(body, shown, &mut mail),
        Body::Text(text) => mail.extend_from_slice(text.as_bytes()),
        _ => write_lines(&spliced(shown, &replacements), shown, &mut mail),
    }
    mail
}

/// RFC 9788, section 4.5.3: only in the text itself, and only where it says so.
fn without_legacy_display(part: &Part<'_>) -> Option<String> {
    if part.content_type().parameter(LEGACY_PARAMETER) != Some("1") {
        return None;
    }
    let text = part.text().ok()?;
    match part.content_type().name() {
        "text/plain" => Some(legacy_display::strip_from_plain(&text).to_owned()),
        "text/html" => Some(legacy_display::strip_from_html(&text)),
        _ => None,
    }
}

/// Where a part stands, and what is to stand there.
fn replacement(part: &Part<'_>, text: String) -> Option<(Range<usize>, Vec<u8>)> {
    let fields = part.headers().fields().map(|field| OwnedField::verbatim(&field)).collect();
    let mut entity = Entity { fields, body: Body::Encoded(Cow::Borrowed(&[])) };
    entity.replace_text(text);
    Some((part.range(), entity.into_pieces().ok()?.into_bytes()))
}

/// The body with some of its parts replaced.
fn spliced(shown: &Part<'_>, replacements: &[(Range<usize>, Vec<u8>)]) -> Vec<u8> {
    let start = shown.body_range().start;
    let mut body = Vec::with_capacity(shown.body().len());
    let mut position = 0;
    for (range, bytes) in replacements {
        let (from, to) = (range.start.saturating_sub(start), range.end.saturating_sub(start));
        body.extend_from_slice(shown.body().get(position..from).unwrap_or_default());
        body.extend_from_slice(bytes);
        position = to;
    }
    body.extend_from_slice(shown.body().get(position..).unwrap_or_default());
    body
}

/// Writes the body with CRLF line ends; a mail with binary parts as it is, because their line feeds
/// end no line.
fn write_lines(body: &[u8], shown: &Part<'_>, mail: &mut Vec<u8>) {
    let is_binary = shown.walk().iter().any(|(_, part)| part.encoding() == TransferEncoding::Binary);
    let written = mail.len();
    let mut filter = Canonical::new(BareCarriageReturn::Keep);
    if is_binary || filter.push(body, mail).and_then(|()| filter.finish(mail)).is_err() {
        mail.truncate(written);
        mail.extend_from_slice(body);
    }
}

impl Rendered {
    /// Whether a reader who looks at the outside is told something that its author did not say.
    #[must_use]
    pub fn is_altered(&self) -> bool {
        self.from_differs || !self.differences.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mail::protected::{HeaderConfidentiality, Protection, Reference, protect};

    const MAIL: &str = "From: Alice <alice@example.org>\r\nTo: bob@example.org\r\n\
        Subject: Handling the case\r\nMessage-ID: <2@example.org>\r\n\
        Content-Type: text/plain; charset=\"utf-8\"\r\nMIME-Version: 1.0\r\n\r\nHello\r\n";

    fn render_text(outer: &str, payload: &str) -> Rendered {
        render(&HeaderSection::read(outer.as_bytes()).unwrap(), payload.as_bytes()).unwrap()
    }

    fn sent(protection: &Protection) -> (String, String) {
        let composed = protect(MAIL.as_bytes(), protection).unwrap();
        let outer = format!("Received: by mx\r\n{}\r\n", String::from_utf8(composed.outer).unwrap());
        (outer, String::from_utf8(composed.payload.into_bytes()).unwrap())
    }

    fn encrypted() -> (String, String) {
        sent(&Protection::Encrypted {
            confidentiality: HeaderConfidentiality::Baseline,
            legacy_display: true,
            reference: Reference::default(),
        })
    }

    #[test]
    fn what_was_protected_comes_back() {
        for (protection, (outer, payload)) in
            [(HeaderProtection::Cipher, encrypted()), (HeaderProtection::Clear, sent(&Protection::Signed))]
        {
            let rendered = render_text(&outer, &payload);
            assert_eq!(rendered.protection, protection);
            assert_eq!(
                String::from_utf8(rendered.mail.clone()).unwrap(),
                format!("Received: by mx\r\n{MAIL}")
            );
            assert!(!rendered.is_altered() && rendered.unprotected.is_empty());
            assert_eq!(rendered.author.unwrap().address.to_string(), "alice@example.org");
        }
    }

    #[test]
    fn a_changed_field_outside_is_reported() {
        let (outer, payload) = encrypted();
        let rendered = render_text(&outer.replace("[...]", "You won"), &payload);
        assert_eq!(
            rendered.differences,
            [Difference {
                name: "Subject".to_owned(),
                inner: Some("Handling the case".to_owned()),
                outer: "You won".to_owned()
            }]
        );
        assert!(!rendered.from_differs);
        let rendered = render_text(&outer.replace("alice@", "mallory@"), &payload);
        assert!(rendered.from_differs);
        assert_eq!(rendered.author.unwrap().address.to_string(), "alice@example.org");
    }

    #[test]
    fn a_field_added_on_the_way_is_not_protected() {
        let (outer, payload) = encrypted();
        let rendered = render_text(&format!("X-Spam: no\r\nList-Id: <x>\r\n{outer}"), &payload);
        assert_eq!(rendered.unprotected, ["X-Spam"]);
        assert!(!rendered.is_altered());
        let text = String::from_utf8(rendered.mail).unwrap();
        assert!(!text.contains("X-Spam") && text.contains("List-Id: <x>\r\n"));
    }

    #[test]
    fn a_second_from_outside_is_a_difference() {
        let (outer, payload) = encrypted();
        assert!(render_text(&format!("From: alice@example.org\r\n{outer}"), &payload).from_differs);
    }

    #[test]
    fn without_protection_the_outside_counts() {
        let rendered = render_text(MAIL, "Subject: forged\r\nContent-Type: text/html\r\n\r\n<p>\r\n");
        assert_eq!(rendered.protection, HeaderProtection::None);
        assert_eq!(rendered.unprotected, ["From", "To", "Subject", "Message-ID"]);
        let text = String::from_utf8(rendered.mail).unwrap();
        assert!(text.contains("Subject: Handling the case\r\n") && !text.contains("forged"));
        assert!(text.contains("Content-Type: text/html\r\n") && text.ends_with("\r\n\r\n<p>\r\n"));
    }

    #[test]
    fn a_wrapped_message_is_the_mail_and_a_forwarded_one_is_not() {
        let outer = "From: alice@example.org\r\nSubject: [...]\r\nMessage-ID: <2@example.org>\r\n\r\n";
        let payload = format!("Content-Type: message/rfc822\r\n\r\n{MAIL}");
        let rendered = render_text(outer, &payload);
        assert_eq!(rendered.protection, HeaderProtection::Wrapped);
        assert_eq!(String::from_utf8(rendered.mail).unwrap(), MAIL);
        for (outer, payload) in [
            (outer.replace("alice", "mallory"), payload.clone()),
            (outer.replace("<2@", "<3@"), payload.clone()),
            (outer.to_owned(), payload.replace("rfc822", "rfc822; forwarded=yes")),
        ] {
            assert_eq!(render_text(&outer, &payload).protection, HeaderProtection::None);
        }
    }

    #[test]
    fn malformed_mail_is_read_as_it_is() {
        let payload = "Content-Type: multipart/mixed; boundary=a; hp=clear\r\nFrom: \u{e9}lise <alice@example.org>\r\n\r\n\
            --a\r\nContent-Transfer-Encoding: base64\r\n\r\n**\r\n--a\r\n\r\n\u{e9} \r\n--a--\r\n";
        let rendered = render_text("From: alice@example.org\r\n\r\n", payload);
        let text = String::from_utf8(rendered.mail).unwrap();
        assert!(text.starts_with("Content-Type: multipart/mixed; boundary=\"a\"\r\nFrom: \u{e9}lise"));
        assert!(text.ends_with(&payload[payload.find("\r\n\r\n").unwrap()..]));
    }

    #[test]
    fn only_the_text_with_an_element_is_written_anew() {
        let mail = "Subject: x\r\nContent-Type: multipart/mixed; boundary=\"a\"\r\nMIME-Version: 1.0\r\n\r\n\
            preamble\r\n--a\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\nHello\r\n--a\r\n\
            Content-Type: application/x\r\n\r\n  as it is  \r\n--a--\r\n";
        let protection = Protection::Encrypted {
            confidentiality: HeaderConfidentiality::Baseline,
            legacy_display: true,
            reference: Reference::default(),
        };
        let composed = protect(mail.as_bytes(), &protection).unwrap();
        let outer = String::from_utf8([composed.outer.as_slice(), b"\r\n"].concat()).unwrap();
        let payload = String::from_utf8(composed.payload.into_bytes()).unwrap();
        let text = String::from_utf8(render_text(&outer, &payload).mail).unwrap();
        assert!(text.contains(
            "preamble\r\n--a\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\nHello\r\n--a\r\n"
        ));
        assert!(payload.contains("Subject: x\r\n\r\nHello") && !text.contains("Subject: x\r\n\r\nHello"));
    }

    #[test]
    fn text_is_only_cut_where_the_part_says_so() {
        let (outer, payload) = encrypted();
        let text = |payload: &str| String::from_utf8(render_text(&outer, payload).mail).unwrap();
        assert!(text(&payload).ends_with("\r\n\r\nHello\r\n"));
        assert!(text(&payload.replace("hp-legacy-display=\"1\"; ", "")).ends_with("case\r\n\r\nHello\r\n"));
        assert!(text(&payload.replace("cipher", "clear")).ends_with("case\r\n\r\nHello\r\n"));
    }
}
