//! Octets as text, in the small files beside the store.

use zeroize::Zeroizing;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Octets in lower-case hexadecimal. The text is reserved at once: one that grows leaves copies behind.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(DIGITS.get(usize::from(half)).copied().map_or('?', char::from));
        }
    }
    text
}

/// The octets of a text.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    secret_octets(text.as_bytes()).map(|octets| octets.to_vec())
}

/// The same for a secret.
pub(super) fn secret_octets(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let pairs = text.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    for pair in pairs {
        let [high, low] = *pair.first_chunk()?;
        octets.push(digit(high)? << 4 | digit(low)?);
    }
    Some(octets)
}

fn digit(character: u8) -> Option<u8> {
    u8::try_from(DIGITS.iter().position(|digit| *digit == character)?).ok()
}
