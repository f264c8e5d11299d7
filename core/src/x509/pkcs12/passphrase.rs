//! The forms in which programs feed one passphrase to a key derivation.

use crate::secret::SecretBytes;

/// One passphrase in all its forms, the standard's first.
pub(super) struct Passphrase {
    /// For RFC 7292, appendix B: BMPString with a terminator.
    terminated: Vec<SecretBytes>,
    /// For RFC 8018: the bytes themselves.
    plain: Vec<SecretBytes>,
}

impl Passphrase {
    pub(super) fn new(passphrase: &SecretBytes) -> Self {
        let terminated = terminated_forms(passphrase.expose());
        let mut plain = vec![passphrase.clone()];
        // NSS fed the BMPString to PBKDF2 until 2018 (version 3.39 and older).
        plain.extend(terminated.iter().cloned());
        Self { terminated, plain }
    }

    /// For the derivation of RFC 7292, appendix B.
    pub(super) fn terminated(&self) -> &[SecretBytes] {
        &self.terminated
    }

    /// For PBKDF1, PBKDF2 and scrypt.
    pub(super) fn plain(&self) -> &[SecretBytes] {
        &self.plain
    }

    /// The form that the MAC confirmed is the only one worth trying from now on.
    pub(super) fn keep_terminated(&mut self, index: usize) {
        if index < self.terminated.len() {
            self.terminated.swap(0, index);
            self.terminated.truncate(1);
        }
    }
}

/// RFC 7292, appendix B.1: two bytes for each character, big-endian, and two zero bytes at the end.
///
/// Outside of the standard, and seen: no bytes at all where there is no passphrase (OpenSSL and
/// Windows write both forms), surrogates for characters beyond the BMP, and each byte of an
/// encoding widened as if it were Latin-1 (OpenSSL before 1.1).
fn terminated_forms(passphrase: &[u8]) -> Vec<SecretBytes> {
    if passphrase.is_empty() {
        return vec![SecretBytes::new(vec![0, 0]), SecretBytes::new(Vec::new())];
    }
    let mut forms = Vec::new();
    if let Ok(text) = std::str::from_utf8(passphrase) {
        forms.push(terminate(text.encode_utf16(), passphrase.len()));
    }
    if !passphrase.is_ascii() {
        forms.push(terminate(passphrase.iter().map(|&byte| u16::from(byte)), passphrase.len()));
    }
    forms
}

fn terminate(units: impl Iterator<Item = u16>, at_most: usize) -> SecretBytes {
    // Reserved in full, so that no copy of the secret stays behind in a smaller buffer.
    let mut bytes = Vec::with_capacity(2 * at_most + 2);
    for unit in units.chain([0]) {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    SecretBytes::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminated(passphrase: &str) -> Vec<Vec<u8>> {
        let passphrase = Passphrase::new(&SecretBytes::copy_of(passphrase.as_bytes()));
        passphrase.terminated().iter().map(|form| form.expose().to_vec()).collect()
    }

    #[test]
    fn a_passphrase_is_a_terminated_bmp_string() {
        // The example of RFC 7292, appendix B.1.
        assert_eq!(terminated("Beavis"), [b"\0B\0e\0a\0v\0i\0s\0\0".to_vec()]);
    }

    #[test]
    fn an_empty_passphrase_is_also_an_absent_one() {
        assert_eq!(terminated(""), [vec![0, 0], vec![]]);
    }

    #[test]
    fn a_passphrase_beyond_ascii_has_the_form_of_old_openssl_too() {
        assert_eq!(terminated("é"), [vec![0, 0xe9, 0, 0], vec![0, 0xc3, 0, 0xa9, 0, 0]]);
    }
}
