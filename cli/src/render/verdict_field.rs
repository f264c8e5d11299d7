//! The field that `cseal filter` adds to a mail (`docs/formats/verdict.md`).

use std::fmt::Write;

use counterseal_core::mail::write_field;
use counterseal_core::message::{AuthorSignature, Reason, Status, Verdict};

/// Its name.
pub(crate) const FIELD: &str = "Counterseal-Verdict";

/// The field about a mail that was judged, its lines ended by CRLF.
pub(crate) fn of(status: &Status, signature: Option<&AuthorSignature>) -> Vec<u8> {
    let mut parameters = Vec::new();
    let is_by_author = matches!(status.verdict, Verdict::Verified | Verdict::Checked | Verdict::Signed);
    if let Some(address) = status.address.as_ref().filter(|_| is_by_author) {
        parameters.push(parameter("author", &address.to_string()));
    }
    let own = signature.map(|signature| signature.key);
    if let Some(key) = own.or_else(|| status.signers.iter().find_map(|signer| signer.fingerprint)) {
        parameters.push(parameter("key", &key.to_string()));
    }
    parameters.push(parameter("level", status.level.word()));
    parameters.push(parameter("score", &status.score.to_string()));
    let reasons: Vec<&str> = status.reasons.iter().map(|reason| reason.word()).collect();
    if !reasons.is_empty() {
        parameters.push(parameter("reasons", &reasons.join(",")));
    }
    if let Some(encrypted) = &status.encrypted {
        let how = if encrypted.integrity { "yes" } else { "no-integrity" };
        parameters.push(parameter("encrypted", how));
    }
    field(word(status), &parameters)
}

/// The field about a mail of which nothing can be said, for this reason.
pub(crate) fn unjudged(reason: &str) -> Vec<u8> {
    field("unjudged", &[parameter("reasons", reason)])
}

/// Whether a program may show more of a mail than was signed.
pub(crate) fn is_partial(status: &Status) -> bool {
    const PARTIAL: [Reason; 4] =
        [Reason::Partial, Reason::AmbiguousStructure, Reason::ListAdded, Reason::ListRepaired];
    status.reasons.iter().any(|reason| PARTIAL.contains(reason))
}

/// A rule that asks for the first word alone must not take a partly signed mail for a signed one.
fn word(status: &Status) -> &'static str {
    match status.verdict {
        Verdict::Verified | Verdict::Checked | Verdict::Signed if is_partial(status) => "partial",
        verdict => verdict.word(),
    }
}

fn field(word: &str, parameters: &[String]) -> Vec<u8> {
    let value = |parameters: &[String]| format!("{word}; {}; version=1", parameters.join("; "));
    // Nothing of ours is too long for a line; should it ever be, the word alone says what rules ask for.
    write_field(FIELD, &value(parameters))
        .unwrap_or_else(|_| format!("{FIELD}: {word}; version=1\r\n").into_bytes())
}

/// RFC 2045, section 5.1; and RFC 2231, section 4, for what is no plain ASCII.
fn parameter(name: &str, value: &str) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    let is_plain = |byte: u8| is_token(byte) || b"@,:/!#$&'*=?^`{|}~".contains(&byte);
    if value.bytes().all(is_token) {
        format!("{name}={value}")
    } else if value.bytes().all(is_plain) {
        format!("{name}=\"{value}\"")
    } else {
        let mut text = format!("{name}*=utf-8''");
        for byte in value.bytes() {
            if is_token(byte) {
                text.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_ends_its_parameter_or_its_line() {
        for (value, expected) in [
            ("strong", "x=strong"),
            ("alice@example.org", "x=\"alice@example.org\""),
            ("\"a; b\"@example.org", "x*=utf-8''%22a%3B%20b%22%40example.org"),
            ("ålice@example.org", "x*=utf-8''%C3%A5lice%40example.org"),
            ("a\r\nTo: b", "x*=utf-8''a%0D%0ATo%3A%20b"),
        ] {
            assert_eq!(parameter("x", value), expected);
        }
    }

    #[test]
    fn long_fields_are_folded() {
        let field = String::from_utf8(field("verified", &vec![parameter("reasons", "known"); 20])).unwrap();
        assert!(
            field.starts_with("Counterseal-Verdict: verified; reasons=known;") && field.ends_with("\r\n")
        );
        assert!(field.lines().skip(1).all(|line| line.starts_with(' ') && line.len() <= 78));
        assert!(
            String::from_utf8(unjudged("locked")).unwrap().contains("unjudged; reasons=locked; version=1")
        );
    }
}
