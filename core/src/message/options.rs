//! How something sealed or signed is read.

use crate::cms::OpenOptions;

/// How something sealed or signed is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// How encrypted layers are opened.
    pub open: OpenOptions,
    /// Leave the signed layer inside as it came, byte for byte.
    pub keep_signature: bool,
}
