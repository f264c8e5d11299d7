//! Certificates of devices: between the machines of one person, and for nothing else.

use x509_cert::ext::pkix::KeyUsages;

use super::extensions::Extensions;
use super::{Draft, IssueError, Validity, addresses, encryption_usage, named};
use crate::ports::{Random, SecretKeys};
use crate::x509::certificate::Certificate;
use crate::x509::public_key::PublicKey;

/// The extended key usage of a device: 2.25.141656435858741282469383383261167732817.2. Mail programs take no
/// certificate that has it alone.
pub const DEVICE_PURPOSE: [u8; 21] = [
    0x69, 0x81, 0xd5, 0x92, 0x84, 0xe0, 0xf1, 0xcf, 0x82, 0xa7, 0xef, 0xb9, 0xaf, 0xd4, 0xd2, 0xbb, 0x91,
    0xbf, 0x90, 0x51, 0x02,
];

/// The certificate of a key of a device, under the signing key of the same device. The signing key's own one is
/// signed by itself: `public_key` and `signer` are then the same.
///
/// It names no address and has one purpose, [`DEVICE_PURPOSE`]. Who belongs to whom is for a device log to say.
///
/// # Errors
/// [`IssueError`].
pub fn device_certificate(
    keys: &dyn SecretKeys,
    signer: &PublicKey,
    name: &str,
    public_key: &PublicKey,
    validity: Validity,
    random: &mut dyn Random,
) -> Result<Certificate, IssueError> {
    let usage =
        if public_key == signer { KeyUsages::DigitalSignature.into() } else { encryption_usage(public_key)? };
    let mut extensions = Extensions::of_device(public_key, usage).map_err(addresses)?;
    if public_key != signer {
        extensions.add_authority_key(&signer.key_identifier()).map_err(addresses)?;
    }
    let name = named(name);
    let draft = Draft { issuer: &name, subject: &name, public_key, validity, extensions };
    draft.sign(keys, signer, random)
}
