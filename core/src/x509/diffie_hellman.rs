//! Agreeing on a secret: on the NIST curves (SP 800-56A) and on Curve25519 (RFC 7748).

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::curve::{self, Curve};
use super::native;
use crate::secret::SecretBytes;

/// The x-coordinate of the shared point, by the fastest means there are; nothing where the peer's
/// point is not on the curve.
pub(super) fn on_curve(curve: Curve, scalar: &SecretBytes, peer: &[u8]) -> Option<SecretBytes> {
    // What is no point on the curve must fail, and not be tried twice.
    let peer = curve::point(curve, peer)?;
    native::agree(curve, scalar.expose(), &peer).or_else(|| curve::agree(curve, scalar.expose(), &peer))
}

/// X25519 (RFC 7748, section 6.1); an all-zero secret is refused.
pub(super) fn x25519(scalar: &[u8; 32], peer: &[u8; 32]) -> Option<SecretBytes> {
    let secret = Zeroizing::new(x25519_dalek::x25519(*scalar, *peer));
    let is_zero = bool::from(secret.ct_eq(&[0; 32]));
    (!is_zero).then(|| SecretBytes::copy_of(secret.as_ref()))
}
