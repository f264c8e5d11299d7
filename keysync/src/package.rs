//! Key packages: a shared key on its way to the devices that should have it (`docs/formats/key-package.md`).
//!
//! Signed, sealed for P-256, sealed once more for ML-KEM-768. The recipients stand inside the signature, so that nobody
//! who opened a package can hand it on as one for somebody else; whoever only carries it does not see its author.

mod content;
mod heading;
mod layer;
#[cfg(test)]
mod tests;

use counterseal_core::ports::{Random, SecretKeys};
use counterseal_core::time::Time;

use crate::device::{DeviceCertificates, DeviceId, DeviceSigner, read_signed_object};
use crate::identifiers::KEY_PACKAGE;
use crate::limits;
use crate::sync::{CraftError, Heading, SharedKey, Unpacked};

/// Packs a key for the holders of these certificates, who must be the recipients of the heading, in their order.
///
/// # Errors
/// [`CraftError`].
pub fn pack(
    signer: &DeviceSigner<'_>,
    key: &SharedKey,
    heading: &Heading,
    recipients: &[DeviceCertificates],
    now: Time,
    random: &mut dyn Random,
) -> Result<Vec<u8>, CraftError> {
    if !heading.recipients.iter().copied().eq(recipients.iter().map(DeviceCertificates::id)) {
        return Err(CraftError::Failed("the recipients are not those of the heading".to_owned()));
    }
    let content = content::write(key)?;
    let signed = signer
        .sign(&KEY_PACKAGE, content.expose(), &heading::write(heading), now)
        .map(counterseal_core::secret::SecretBytes::new)
        .map_err(|error| CraftError::Failed(error.to_string()))?;
    let agreeing: Vec<_> = recipients.iter().map(DeviceCertificates::agreeing).collect();
    let inner = layer::seal(signed.expose(), &agreeing, random)?;
    let decapsulating: Vec<_> = recipients.iter().map(DeviceCertificates::decapsulating).collect();
    let package = layer::seal(&inner, &decapsulating, random)?;
    let fits = package.len() <= limits::PACKAGE_BYTES;
    fits.then_some(package).ok_or_else(|| CraftError::Failed("the package is too large".to_owned()))
}

/// Opens a package that is for this device, or for the root.
///
/// Checked here: both layers, the signature and that one device made it, that the recipients that were signed include
/// this one, and that the key's id follows from its secret. Whether its author may hand out such a key is for the log to
/// say.
///
/// # Errors
/// [`CraftError::NotForUs`], [`CraftError::Locked`], and [`CraftError::Forged`] for everything else.
pub fn unpack(
    package: &[u8],
    keys: &dyn SecretKeys,
    device: DeviceId,
    random: &mut dyn Random,
) -> Result<Unpacked, CraftError> {
    if package.len() > limits::PACKAGE_BYTES {
        return Err(CraftError::Forged);
    }
    let inner = layer::open(package, layer::Kind::Encapsulated, keys, random)?;
    let signed = layer::open(inner.expose(), layer::Kind::Agreed, keys, random)?;
    let object = read_signed_object(signed.expose(), &KEY_PACKAGE).map_err(|_| CraftError::Forged)?;
    let content = counterseal_core::secret::SecretBytes::new(object.content.clone());
    let heading = heading::read(&object).ok_or(CraftError::Forged)?;
    if !heading.recipients.contains(&device) {
        // It opened, so somebody sealed for us what was signed for others.
        return Err(CraftError::Forged);
    }
    let key = content::read(content.expose()).ok_or(CraftError::Forged)?;
    Ok(Unpacked { author: object.author, heading, key })
}
