//! Stands in for [`super::native`] where there is no assembly: everything is left to the portable
//! code.

use super::curve::Curve;
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::ports::{KeyError, OaepParameters};
use crate::secret::SecretBytes;
use zeroize::Zeroizing;

pub(super) fn verify_rsa(_: SignatureAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
    None
}

pub(super) fn encrypt_rsa_pkcs1(_: &[u8], _: &[u8]) -> Option<Vec<u8>> {
    None
}

pub(super) fn encrypt_rsa_oaep(_: &[u8], _: &OaepParameters, _: &[u8]) -> Option<Vec<u8>> {
    None
}

pub(super) fn verify_ecdsa(_: Curve, _: DigestAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
    None
}

pub(super) fn sign_ecdsa(_: Curve, _: DigestAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
    None
}

pub(super) fn public_point(_: Curve, _: &[u8]) -> Option<Vec<u8>> {
    None
}

pub(super) fn agree(_: Curve, _: &[u8], _: &[u8]) -> Option<SecretBytes> {
    None
}

/// Never made: [`RsaSecret::from_pkcs8`] takes no key.
pub(super) enum RsaSecret {}

impl RsaSecret {
    pub(super) fn from_pkcs8(_: &[u8]) -> Option<Self> {
        None
    }

    pub(super) fn decrypt_pkcs1(&self, _: &[u8]) -> (Zeroizing<Vec<u8>>, u64) {
        match *self {}
    }

    pub(super) fn decrypt_oaep(&self, _: &OaepParameters, _: &[u8]) -> Option<Result<SecretBytes, KeyError>> {
        match *self {}
    }

    pub(super) fn sign(&self, _: SignatureAlgorithm, _: &[u8]) -> Option<Vec<u8>> {
        match *self {}
    }
}
