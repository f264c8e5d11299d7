//! Since when keys of contacts are there for their owners to notice (`docs/formats/store.md`).

use counterseal_core::trust::{Exposure, ExposureKind};
use sha2::{Digest, Sha256};

use super::Writer;
use super::error::StoreError;
use super::evidence::{EvidenceKind, Kept};

impl Writer<'_> {
    /// Keeps that a key of an address is exposed, with the first date on which it was in this way.
    pub(crate) fn exposed(
        &mut self,
        address: &str,
        key: &[u8; 32],
        kind: ExposureKind,
    ) -> Result<(), StoreError> {
        let content = [kind.word().as_bytes(), b"\n", &key[..], b"\n", address.as_bytes()].concat();
        self.keep_first(EvidenceKind::Exposure, &Sha256::digest(&content), &content)
    }
}

/// What a row says; nothing for what a later version wrote.
pub(crate) fn read(kept: &Kept) -> Option<Exposure> {
    let end = kept.content.iter().position(|byte| *byte == b'\n')?;
    let (word, rest) = kept.content.split_at_checked(end)?;
    let (key, address) = rest.get(1..)?.split_first_chunk::<32>()?;
    let address = address.strip_prefix(b"\n")?;
    Some(Exposure {
        address: std::str::from_utf8(address).ok()?.to_owned(),
        key: *key,
        kind: ExposureKind::from_word(std::str::from_utf8(word).ok()?)?,
        since: kept.added,
    })
}
