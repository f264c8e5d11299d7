//! What a message was sealed with beside keys: passphrases and key-encryption keys from files.

use counterseal_core::secret::SecretBytes;

use crate::args::MessageSecrets;
use crate::failure::Failure;
use crate::files::read_file;
use crate::passphrase;

/// Bytes of the longest key-encryption key.
const KEY_BYTES: usize = 32;

/// The passphrase of `--message-passphrase-file`.
pub(super) fn passphrase(secrets: &MessageSecrets) -> Result<Option<SecretBytes>, Failure> {
    secrets.message_passphrase_file.as_deref().map(passphrase::from_file).transpose()
}

/// The key of `--message-key-file`, with its identifier.
pub(super) fn key(secrets: &MessageSecrets) -> Result<Option<(Vec<u8>, SecretBytes)>, Failure> {
    let (Some(file), Some(identifier)) = (&secrets.message_key_file, &secrets.message_key_id) else {
        return Ok(None);
    };
    let key = read_file(file, KEY_BYTES)?;
    if !matches!(key.len(), 16 | 24 | 32) {
        return Err(Failure::usage(format!("{}: {} bytes are no key", file.display(), key.len()))
            .hint("a key-encryption key has 16, 24 or 32 bytes"));
    }
    Ok(Some((octets(identifier)?, SecretBytes::copy_of(&key))))
}

fn octets(hexadecimal: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || Failure::usage(format!("--message-key-id {hexadecimal}: not hexadecimal"));
    if !hexadecimal.len().is_multiple_of(2) || !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(|_| wrong())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_pairs_of_hexadecimal_digits() {
        assert_eq!(octets("00fF10").unwrap(), [0, 255, 16]);
        for wrong in ["0", "0g", "+1", "é"] {
            assert!(octets(wrong).is_err(), "{wrong}");
        }
    }
}
