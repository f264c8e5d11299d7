//! PEM (RFC 7468): every block of a text, whatever stands between them.

use base64ct::{Base64, Decoder};

use crate::secret::SecretBytes;

/// One block: its label and its bytes, which may be a secret key.
pub type Block = (String, SecretBytes);

/// Every PEM block of `text`, in order. What is outside of blocks is ignored; a block that is not
/// well-formed is skipped. Header lines of the old encrypted form (RFC 1421: `Proc-Type`) make a
/// block unreadable here, so it comes back with the label and no bytes.
#[must_use]
pub fn blocks(text: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n').map(trim);
    while let Some(line) = lines.next() {
        let Some(label) = label(line, b"-----BEGIN ") else { continue };
        let body: Vec<&[u8]> = lines.by_ref().take_while(|line| !line.starts_with(b"-----")).collect();
        if body.iter().any(|line| line.contains(&b':')) {
            found.push((label, SecretBytes::new(Vec::new())));
        } else if let Some(bytes) = decode(&body) {
            found.push((label, bytes));
        }
    }
    found
}

/// Whether a text looks like PEM at all.
#[must_use]
pub fn is_pem(text: &[u8]) -> bool {
    text.windows(11).take(65_536).any(|window| window == b"-----BEGIN ")
}

/// One PEM block with lines of 64 letters (RFC 7468, section 2).
#[must_use]
pub fn encode(label: &str, bytes: &[u8]) -> String {
    use base64ct::Encoding as _;
    let letters = zeroize::Zeroizing::new(Base64::encode_string(bytes));
    let mut text = format!("-----BEGIN {label}-----\n");
    text.reserve(letters.len() + letters.len() / 64 + label.len() + 32);
    let mut rest = letters.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

fn trim(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

fn label(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    String::from_utf8(label.to_vec()).ok()
}

/// Base64 in constant time, since it may be a secret key.
fn decode(lines: &[&[u8]]) -> Option<SecretBytes> {
    let letters = zeroize::Zeroizing::new(lines.concat());
    if letters.is_empty() {
        return None;
    }
    let mut decoder = Decoder::<Base64>::new(&letters).ok()?;
    let mut bytes = zeroize::Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut bytes).ok()?;
    Some(SecretBytes::copy_of(&bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn blocks_read_back_among_other_text() {
        let text = format!(
            "Bag Attributes\r\n{}subject=x\n{}",
            encode("CERTIFICATE", &[1; 100]).replace('\n', "\r\n"),
            encode("PRIVATE KEY", &[2; 48])
        );
        let blocks = blocks(text.as_bytes());
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].0.as_str(), blocks[0].1.expose()), ("CERTIFICATE", &[1; 100][..]));
        assert_eq!((blocks[1].0.as_str(), blocks[1].1.expose()), ("PRIVATE KEY", &[2; 48][..]));
        assert!(is_pem(text.as_bytes()));
    }

    #[test]
    fn a_broken_block_is_skipped() {
        let text = b"-----BEGIN X-----\n!!!!\n-----END X-----\n";
        assert!(blocks(text).is_empty());
        assert!(!is_pem(b"plain"));
    }
}
