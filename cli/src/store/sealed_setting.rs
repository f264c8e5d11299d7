//! A setting that is secret, and short-lived: sealed under the master key itself, so that it does not open any more
//! after that was made anew.

use counterseal_core::secret::SecretBytes;

use super::encoding::Encoding;
use super::error::StoreError;
use super::{ID_BYTES, Store};

fn place(store: &[u8; ID_BYTES], name: &str) -> Encoding {
    Encoding::of("sealed setting").bytes(store).text(name)
}

impl Store {
    /// Seals what is kept under this name by [`set_device_setting`](super::Writer::set_device_setting).
    ///
    /// # Errors
    /// [`StoreError::Locked`].
    pub(crate) fn seal_setting(&self, name: &str, secret: &SecretBytes) -> Result<Vec<u8>, StoreError> {
        Ok(self.master_key()?.records().seal(&place(&self.id, name), secret.expose()))
    }

    /// Opens the setting of this name; nothing where there is none that opens.
    ///
    /// # Errors
    /// [`StoreError::Locked`], and [`StoreError::Tampered`] of the rows.
    pub(crate) fn sealed_setting(&self, name: &str) -> Result<Option<SecretBytes>, StoreError> {
        let Some(sealed) = self.device_setting(name)? else { return Ok(None) };
        Ok(self.master_key()?.records().open(&place(&self.id, name), &sealed).ok())
    }
}
