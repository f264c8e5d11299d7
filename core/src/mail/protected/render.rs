//! Reading a mail with protected header fields (RFC 9788, section 4).

use super::compose::unprotected_fields;
use super::field_value::same_value;
use super::reference::split_outer;
use super::{LEGACY_PARAMETER, OUTER_FIELD, PARAMETER, legacy_display};
use crate::mail::entity::{Entity, OwnedField, is_structural};
use crate::mail::{AuthorError, HeaderSection, MailError, Mailbox, Part, author, main_body_parts};

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
    /// Names of outer fields that were added on the way, trace fields not counted.
    pub unprotected: Vec<String>,
}

/// Brings the inside and the outside of a mail together: `outer` is the header section of the mail
/// as it came, `payload` the innermost MIME entity after decryption and verification.
///
/// # Errors
/// [`MailError`] where the payload passes a limit or cannot be written again.
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
        if is_protected { compare(outer, shown.headers(), protection) } else { Comparison::default() };
    Ok(Rendered {
        protection,
        mail: readable(outer, shown, protection)?,
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

/// A field outside is as its author put it if it equals an HP-Outer field, or the field inside.
fn compare(outer: &HeaderSection<'_>, inner: &HeaderSection<'_>, protection: HeaderProtection) -> Comparison {
    let recorded: Vec<(String, Vec<u8>)> = if protection == HeaderProtection::Cipher {
        inner.all(OUTER_FIELD).filter_map(|field| split_outer(&field.unfolded())).collect()
    } else {
        Vec::new()
    };
    let mut comparison = Comparison::default();
    for field in outer.fields().filter(|field| !is_structural(field.name()) && !is_trace(field.name())) {
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
        } else if !comparison.unprotected.iter().any(|name| field.is(name)) {
            comparison.unprotected.push(field.name().to_owned());
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

/// The mail as a file that any program reads.
fn readable(
    outer: &HeaderSection<'_>,
    shown: &Part<'_>,
    protection: HeaderProtection,
) -> Result<Vec<u8>, MailError> {
    let mut entity = Entity::sendable(shown)?;
    let mut fields: Vec<OwnedField> = Vec::new();
    if protection == HeaderProtection::None {
        fields.extend(unprotected_fields(outer)?);
        entity.fields.retain(OwnedField::is_structural);
    } else {
        for field in outer.fields().filter(|field| is_trace(field.name())) {
            fields.push(OwnedField::of(&field)?);
        }
        entity.fields.retain(|field| !field.is(OUTER_FIELD) && !is_trace(&field.name));
        entity.set_parameter(PARAMETER, None)?;
    }
    entity.fields.splice(0..0, fields);
    if !entity.fields.iter().any(|field| field.is("MIME-Version")) {
        entity.set_field("MIME-Version", "1.0")?;
    }
    if protection == HeaderProtection::Cipher {
        strip_legacy_display(&mut entity, shown)?;
    }
    let mut mail = Vec::with_capacity(shown.bytes().len() + 4096);
    entity.write(&mut mail)?;
    Ok(mail)
}

/// RFC 9788, section 4.5.3: only in the text itself, and only where it says so.
fn strip_legacy_display(entity: &mut Entity<'_>, shown: &Part<'_>) -> Result<(), MailError> {
    let places = shown.walk();
    for body in main_body_parts(shown) {
        if body.content_type().parameter(LEGACY_PARAMETER) != Some("1") {
            continue;
        }
        let text = body.text()?;
        let text = match body.content_type().name() {
            "text/plain" => legacy_display::strip_from_plain(&text).to_owned(),
            "text/html" => legacy_display::strip_from_html(&text),
            _ => continue,
        };
        let path = places.iter().find(|(_, part)| std::ptr::eq(*part, body)).map(|(path, _)| path);
        if let Some(text_entity) = path.and_then(|path| entity.at(path)) {
            text_entity.set_text(text)?;
            text_entity.set_parameter(LEGACY_PARAMETER, None)?;
        }
    }
    Ok(())
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
        (outer, String::from_utf8(composed.payload).unwrap())
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
    fn text_is_only_cut_where_the_part_says_so() {
        let (outer, payload) = encrypted();
        let text = |payload: &str| String::from_utf8(render_text(&outer, payload).mail).unwrap();
        assert!(text(&payload).ends_with("\r\n\r\nHello\r\n"));
        assert!(text(&payload.replace("hp-legacy-display=\"1\"; ", "")).ends_with("case\r\n\r\nHello\r\n"));
        assert!(text(&payload.replace("cipher", "clear")).ends_with("case\r\n\r\nHello\r\n"));
    }
}
