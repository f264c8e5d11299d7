//! The NIST curves (SP 800-186): points that are on them, ECDSA (FIPS 186-5) and ECDH (SP
//! 800-56A), for every curve in the same way.

use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use zeroize::Zeroizing;

use super::digest::digest;
use super::native;
use super::random_adapter::RandomAdapter;
use super::tlv::{self, Elements, tag};
use crate::algorithm::{DigestAlgorithm, KeyAlgorithm};
use crate::ports::Random;
use crate::secret::SecretBytes;

/// One of the three curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// Does the same with the crate of each curve.
macro_rules! on_curve {
    ($curve:expr, $library:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $library;
                $body
            }
            Curve::P384 => {
                use p384 as $library;
                $body
            }
            Curve::P521 => {
                use p521 as $library;
                $body
            }
        }
    };
}

impl Curve {
    /// The kind of a key on the curve.
    pub(crate) const fn key_algorithm(self) -> KeyAlgorithm {
        match self {
            Self::P256 => KeyAlgorithm::P256,
            Self::P384 => KeyAlgorithm::P384,
            Self::P521 => KeyAlgorithm::P521,
        }
    }

    /// Bytes of a coordinate and of a scalar.
    pub(crate) const fn field_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The uncompressed form of a point that is on the curve and not infinity (SEC 1, section 2.3.4);
/// compressed points are accepted, hybrid ones are not.
pub(crate) fn point(curve: Curve, encoded: &[u8]) -> Option<Vec<u8>> {
    if !matches!(encoded.first(), Some(2..=4)) {
        return None;
    }
    on_curve!(curve, library => {
        let key = library::PublicKey::from_sec1_bytes(encoded).ok()?;
        Some(key.to_sec1_point(false).as_bytes().to_vec())
    })
}

/// The two numbers of an `ECDSA-Sig-Value` (RFC 3279, section 2.2.3) in fixed length, if it is
/// DER without anything behind it. Whether they are in range is for the curve to say.
pub(crate) fn signature_numbers(curve: Curve, signature: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut numbers = Elements::new(tlv::only(signature, tag::SEQUENCE)?);
    let r = fixed(curve, tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?)?;
    let s = fixed(curve, tlv::unsigned(numbers.expect(tag::INTEGER)?.content)?)?;
    numbers.is_empty().then_some((r, s))
}

fn fixed(curve: Curve, magnitude: &[u8]) -> Option<Vec<u8>> {
    let padding = curve.field_length().checked_sub(magnitude.len())?;
    let mut bytes = vec![0; padding];
    bytes.extend_from_slice(magnitude);
    Some(bytes)
}

/// Whether `signature` is an ECDSA signature over that digest; `point` is one of [`point`].
fn verify(curve: Curve, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    let Some((r, s)) = signature_numbers(curve, signature) else { return false };
    let digest = at_least_field(curve, digest);
    on_curve!(curve, library => {
        library::ecdsa::Signature::from_slice(&[r, s].concat())
            .and_then(|signature| {
                library::ecdsa::VerifyingKey::from_sec1_bytes(point)?.verify_prehash(&digest, &signature)
            })
            .is_ok()
    })
}

/// Whether `signature` holds over a message, by the fastest means there are.
pub(crate) fn verify_message(
    curve: Curve,
    point: &[u8],
    hash: DigestAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    if signature_numbers(curve, signature).is_none() {
        return false;
    }
    native::verify_ecdsa(curve, hash, point, message, signature)
        .unwrap_or_else(|| verify(curve, point, &digest(hash, message), signature))
}

/// Signs a digest, with the nonce of RFC 6979. The signature is DER.
pub(crate) fn sign(curve: Curve, scalar: &[u8], digest: &[u8]) -> Option<Vec<u8>> {
    let digest = at_least_field(curve, digest);
    on_curve!(curve, library => {
        let key = library::ecdsa::SigningKey::from_slice(scalar).ok()?;
        let signature: library::ecdsa::Signature = key.sign_prehash(&digest).ok()?;
        let (r, s) = signature.split_bytes();
        Some(tlv::sequence(&[&tlv::integer(&r), &tlv::integer(&s)]))
    })
}

/// A digest shorter than the field is the same number with zeros before it; the crates ask for a
/// minimal length, since a short digest is weak. That judgement is made elsewhere.
fn at_least_field(curve: Curve, digest: &[u8]) -> Vec<u8> {
    let mut padded = vec![0; curve.field_length().saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    padded
}

/// A new secret scalar.
pub(crate) fn generate(curve: Curve, random: &mut dyn Random) -> SecretBytes {
    let mut random = RandomAdapter(random);
    on_curve!(curve, library => {
        let key = library::SecretKey::generate_from_rng(&mut random);
        SecretBytes::copy_of(&Zeroizing::new(key.to_bytes()))
    })
}

/// The public point of a secret scalar, uncompressed; nothing where the scalar is out of range.
pub(crate) fn public_point(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>> {
    on_curve!(curve, library => {
        let key = library::SecretKey::from_slice(scalar).ok()?;
        let portable = || key.public_key().to_sec1_point(false).as_bytes().to_vec();
        Some(native::public_point(curve, scalar).unwrap_or_else(portable))
    })
}

/// The x-coordinate of the shared point (SP 800-56A, section 5.7.1.2). The peer's point is
/// checked to be on the curve.
pub(crate) fn agree(curve: Curve, scalar: &[u8], peer: &[u8]) -> Option<SecretBytes> {
    if peer.first() != Some(&4) {
        return None;
    }
    on_curve!(curve, library => {
        let key = library::SecretKey::from_slice(scalar).ok()?;
        let peer = library::PublicKey::from_sec1_bytes(peer).ok()?;
        Some(SecretBytes::copy_of(key.diffie_hellman(&peer).raw_secret_bytes()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Counter(u8);

    impl Random for Counter {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_mul(5).wrapping_add(3);
                *byte = self.0;
            }
            // P-521 has seven bits less than its bytes.
        }
    }

    const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    #[test]
    fn both_sides_agree_on_every_curve() {
        for curve in ALL {
            let alice = generate(curve, &mut Counter(1));
            let bob = generate(curve, &mut Counter(9));
            let alice_point = public_point(curve, alice.expose()).unwrap();
            let bob_point = public_point(curve, bob.expose()).unwrap();
            let secret = agree(curve, alice.expose(), &bob_point).unwrap();
            assert_eq!(secret.expose(), agree(curve, bob.expose(), &alice_point).unwrap().expose());
            assert_eq!(secret.len(), curve.field_length());
        }
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_is_refused() {
        for curve in ALL {
            let scalar = generate(curve, &mut Counter(1));
            let mut peer = public_point(curve, scalar.expose()).unwrap();
            assert!(point(curve, &peer).is_some());
            *peer.last_mut().unwrap() ^= 1;
            assert!(point(curve, &peer).is_none());
            assert!(agree(curve, scalar.expose(), &peer).is_none());
            assert!(point(curve, &[0]).is_none());
        }
    }

    #[test]
    fn signatures_hold_with_digests_of_any_length() {
        for curve in ALL {
            let scalar = generate(curve, &mut Counter(1));
            let point = public_point(curve, scalar.expose()).unwrap();
            for digest in [&[1_u8; 20][..], &[2; 32], &[3; 48], &[4; 64]] {
                let signature = sign(curve, scalar.expose(), digest).unwrap();
                assert!(verify(curve, &point, digest, &signature));
                let mut longer = signature.clone();
                longer.push(0);
                assert!(!verify(curve, &point, digest, &longer));
            }
        }
    }

    #[test]
    fn zero_is_no_signature() {
        for curve in ALL {
            let scalar = generate(curve, &mut Counter(1));
            let point = public_point(curve, scalar.expose()).unwrap();
            let zeros = tlv::sequence(&[&tlv::integer(&[]), &tlv::integer(&[])]);
            assert!(!verify(curve, &point, &[0; 32], &zeros));
        }
    }
}
