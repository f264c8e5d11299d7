//! The cleartext signature framework (RFC 9580, section 7), as far as a statement may use it.

use super::StatementError;
use crate::limits;

const BEGIN_TEXT: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &str = "-----END PGP SIGNATURE-----";

/// A clear-signed text, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClearSigned<'m> {
    /// The text with its last line end, which is not signed.
    pub(super) text: String,
    /// The armor of the signature, from its first to its last line.
    pub(super) armor: &'m str,
}

impl<'m> ClearSigned<'m> {
    /// Takes a message apart that is nothing but one clear-signed text: what people see of it must
    /// be what was signed. Lines may end with CRLF, since mail does that; spaces before a line end
    /// are not signed and hence not taken.
    pub(super) fn split(message: &'m str) -> Result<Self, StatementError> {
        if message.len() > limits::SIGNED_STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        }
        let rest = after_line(message, BEGIN_TEXT).ok_or(StatementError::Framing)?;
        let rest = after_headers(rest).ok_or(StatementError::Framing)?;
        let (text, armor) = rest
            .find(BEGIN_SIGNATURE)
            .and_then(|place| rest.split_at_checked(place))
            .ok_or(StatementError::Framing)?;
        let end = armor.find(END_SIGNATURE).map(|place| place + END_SIGNATURE.len());
        let (armor, behind) =
            end.and_then(|end| armor.split_at_checked(end)).ok_or(StatementError::Framing)?;
        let has_one_signature = armor.matches("-----BEGIN").count() == 1;
        // GnuPG ends the file with a line end, or with two.
        let is_the_end = behind.chars().all(|character| matches!(character, '\r' | '\n'));
        if !has_one_signature || !is_the_end {
            return Err(StatementError::Framing);
        }
        let mut lines = String::with_capacity(text.len());
        let complete = text.strip_suffix('\n').ok_or(StatementError::Framing)?;
        for line in complete.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            // No line of a statement needs a dash-escape.
            if line.starts_with('-') || line.ends_with([' ', '\t']) || line.contains('\r') {
                return Err(StatementError::Framing);
            }
            lines.push_str(line);
            lines.push('\n');
        }
        Ok(Self { text: lines, armor })
    }
}

/// What follows a line, if the text begins with it.
fn after_line<'t>(text: &'t str, line: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(line)?;
    rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))
}

/// What follows the header lines, which name digests only, and the empty line.
fn after_headers(mut text: &str) -> Option<&str> {
    loop {
        let (line, rest) = text.split_once('\n')?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Some(rest);
        }
        let digests = line.strip_prefix("Hash: ")?;
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b',' | b' ' | b'-');
        if !digests.bytes().all(is_plain) {
            return None;
        }
        text = rest;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nSMIME-Statement: 1\nType: link\n\
                        -----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_text_gets_its_last_line_end_back() {
        let taken = ClearSigned::split(GOOD).unwrap();
        assert_eq!(taken.text, "SMIME-Statement: 1\nType: link\n");
        assert!(taken.armor.starts_with(BEGIN_SIGNATURE) && taken.armor.ends_with(END_SIGNATURE));
        let with_crlf = GOOD.replace('\n', "\r\n");
        assert_eq!(ClearSigned::split(&with_crlf).unwrap().text, taken.text);
    }

    #[test]
    fn what_is_not_signed_is_not_taken() {
        for bad in [
            format!("Believe this:\n{GOOD}"),
            format!("{GOOD}And this.\n"),
            format!("{GOOD}{GOOD}"),
            GOOD.replace("Type", "- Type"),
            GOOD.replace("Type: link\n", "Type: link \n"),
            GOOD.replace("Hash: SHA512", "Comment: Type: endorsement"),
            GOOD.replace("\n\nSMIME", "\nSMIME"),
            GOOD.replace("abcd", "-----BEGIN PGP SIGNATURE-----"),
            GOOD.replace("-----END PGP SIGNATURE-----", ""),
            "x".repeat(limits::SIGNED_STATEMENT_BYTES + 1),
        ] {
            assert!(ClearSigned::split(&bad).is_err(), "{bad}");
        }
    }
}
