//! Where on which token a key is, as the store keeps it (`docs/formats/store.md`).

use serde::{Deserialize, Serialize};

/// Where a secret key is. No library is named: that is said by `config.toml` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenPlace {
    /// What the token was called when the key was taken in, for people.
    pub(crate) label: String,
    /// The token's serial number, by which it is found.
    pub(crate) serial: String,
    /// The key's CKA_ID, in hexadecimal.
    id: String,
}

impl TokenPlace {
    /// Of a key with this CKA_ID.
    pub(crate) fn new(label: &str, serial: &str, id: &[u8]) -> Self {
        let id = id.iter().map(|octet| format!("{octet:02x}")).collect();
        Self { label: label.to_owned(), serial: serial.to_owned(), id }
    }

    /// The CKA_ID.
    pub(super) fn id(&self) -> Vec<u8> {
        let pairs = self.id.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
    }

    /// Whether this is its CKA_ID.
    pub(crate) fn is_at(&self, id: &[u8]) -> bool {
        self.id() == id
    }

    /// As the store keeps it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the store kept.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back() {
        let place = TokenPlace::new("alice's card", "1f2e", &[0, 0xff]);
        assert_eq!(place.id(), [0, 0xff]);
        assert_eq!(TokenPlace::decode(&place.encode()).unwrap(), place);
        assert_eq!(TokenPlace::decode(b"{\"library\":\"/tmp/x.so\"}"), None);
    }
}
