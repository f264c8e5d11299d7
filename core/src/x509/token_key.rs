//! Secret keys that stay on a token (a smart card, a hardware security module): the token calculates with
//! them, and everything that decides is done here.
//!
//! RSA decryption is the bare operation on the token; its padding is looked at here, in constant time and
//! with implicit rejection. A token that takes a padding off says how that went, in words and in time.

use std::sync::OnceLock;

use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use zeroize::Zeroizing;

use super::digest::digest;
use super::public_key::PublicKey;
use super::rsa_padding::{self, DigestParameters};
use super::secret_key::RejectionKey;
use super::{curve, tlv};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::ports::{KeyError, OaepParameters, RsaTransported};
use crate::secret::SecretBytes;

/// What a token calculates with one of its keys.
pub trait TokenOperations {
    /// RSADP (RFC 8017, section 5.1.2): the bare operation. `number` is as long as the modulus, and below
    /// it. The result may lack zeros at its beginning.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] where the token does it with a padding only.
    fn rsa(&self, number: &[u8]) -> Result<SecretBytes, KeyError>;

    /// RSAES-OAEP (RFC 8017, section 7.1.2), for tokens without the bare operation.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] where the token does not do it with these parameters.
    fn rsa_oaep(&self, parameters: &OaepParameters, ciphertext: &[u8]) -> Result<SecretBytes, KeyError>;

    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1) of a DigestInfo.
    ///
    /// # Errors
    /// As said at [`KeyError`].
    fn rsa_sign_pkcs1(&self, digest_info: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// RSASSA-PSS (RFC 8017, section 8.1.1) of a digest, which is also that of the mask.
    ///
    /// # Errors
    /// As said at [`KeyError`].
    fn rsa_sign_pss(
        &self,
        algorithm: DigestAlgorithm,
        salt_length: u32,
        digest: &[u8],
    ) -> Result<Vec<u8>, KeyError>;

    /// ECDH: the x-coordinate of the shared point (SP 800-56A, section 5.7.1.2). `peer` is a point of the
    /// curve in uncompressed form. The result may lack zeros at its beginning.
    ///
    /// # Errors
    /// As said at [`KeyError`].
    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyError>;

    /// ECDSA of a digest that is not longer than the curve's field: r and s, each as long as the field.
    ///
    /// # Errors
    /// As said at [`KeyError`].
    fn ecdsa(&self, digest: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// A secret key on a token.
pub struct TokenKey<T> {
    public_key: PublicKey,
    operations: T,
    rejection: OnceLock<RejectionKey>,
}

impl<T: TokenOperations> TokenKey<T> {
    /// The key whose public half this is.
    pub const fn new(public_key: PublicKey, operations: T) -> Self {
        Self { public_key, operations, rejection: OnceLock::new() }
    }

    /// RSAES-PKCS1-v1_5 with implicit rejection, as [`super::SecretKey::decrypt_rsa_pkcs1`].
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if it is no RSA key that decrypts, or none that long, or if its token does
    /// not do the bare operation; [`KeyError::Locked`] and [`KeyError::Absent`] as the token says.
    pub fn decrypt_rsa_pkcs1(&self, ciphertext: &[u8], length: usize) -> Result<RsaTransported, KeyError> {
        let modulus = self.modulus_for_decryption()?;
        if length > modulus.len() {
            return Err(KeyError::Unsuitable);
        }
        let rejection = self.rejection_key(modulus)?.replacement(ciphertext, length);
        let decrypted = match is_below(ciphertext, modulus) {
            true => self.raw(ciphertext, modulus.len()),
            false => Err(KeyError::Failed),
        };
        let secret = match decrypted {
            Ok(encoded) => rsa_padding::decode_encryption(&encoded, &rejection),
            // A token that fails on what it was given must not tell what that was.
            Err(KeyError::Failed) => rejection.clone(),
            Err(other) => return Err(other),
        };
        Ok(RsaTransported { secret, rejection })
    }

    /// RSAES-OAEP (RFC 8017, section 7.1.2): the padding here, or on a token that does nothing else.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if key or token cannot, [`KeyError::Failed`] for whatever is wrong with the
    /// ciphertext.
    pub fn decrypt_rsa_oaep(
        &self,
        parameters: &OaepParameters,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        let modulus = self.modulus_for_decryption()?;
        if !is_below(ciphertext, modulus) {
            return Err(KeyError::Failed);
        }
        match self.raw(ciphertext, modulus.len()) {
            Ok(encoded) => rsa_padding::decode_oaep(parameters, &encoded).ok_or(KeyError::Failed),
            Err(KeyError::Unsuitable) => self.operations.rsa_oaep(parameters, ciphertext),
            Err(other) => Err(other),
        }
    }

    /// Diffie-Hellman with a peer's point, which is checked here to be on the curve: not every token does.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for other kinds of keys, [`KeyError::Failed`] for a point that is not on the
    /// curve.
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyError> {
        let curve = self.public_key.curve().ok_or(KeyError::Unsuitable)?;
        let peer = curve::point(curve, peer).ok_or(KeyError::Failed)?;
        padded(self.operations.agree(&peer)?.expose(), curve.field_length())
            .map(|secret| SecretBytes::copy_of(&secret))
            .ok_or(KeyError::Failed)
    }

    /// Signs `message`, which is digested here, and checks the signature: a token that was made to calculate
    /// wrongly gives its RSA key away by one signature. ECDSA signatures are DER.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] if key or token cannot sign so, [`KeyError::Failed`] otherwise.
    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = match algorithm {
            SignatureAlgorithm::RsaPkcs1(hash) if self.may_sign(algorithm, hash) => {
                let info = rsa_padding::digest_info(hash, DigestParameters::Null, &digest(hash, message));
                self.operations.rsa_sign_pkcs1(&info)?
            }
            SignatureAlgorithm::RsaPss { digest: hash, mask_digest, salt_length }
                if hash == mask_digest && self.may_sign(algorithm, hash) =>
            {
                self.operations.rsa_sign_pss(hash, salt_length, &digest(hash, message))?
            }
            SignatureAlgorithm::Ecdsa(hash) if !hash.is_weak() => self.sign_ecdsa(hash, message)?,
            _ => return Err(KeyError::Unsuitable),
        };
        self.public_key.verify(algorithm, message, &signature).map_err(|_| KeyError::Failed)?;
        Ok(signature)
    }

    fn may_sign(&self, algorithm: SignatureAlgorithm, hash: DigestAlgorithm) -> bool {
        !hash.is_weak() && self.public_key.may_sign_with(algorithm)
    }

    fn sign_ecdsa(&self, hash: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let length = self.public_key.curve().ok_or(KeyError::Unsuitable)?.field_length();
        let mut value = digest(hash, message);
        // The leftmost bits of a longer digest count (FIPS 186-5, section 6.4.1); not every token cuts.
        value.truncate(length);
        let numbers = self.operations.ecdsa(&value)?;
        let half = numbers.len() / 2;
        match numbers.split_at_checked(half) {
            Some((r, s)) if r.len() == s.len() && half <= length => {
                Ok(tlv::sequence(&[&tlv::integer(r), &tlv::integer(s)]))
            }
            _ => Err(KeyError::Failed),
        }
    }

    fn modulus_for_decryption(&self) -> Result<&[u8], KeyError> {
        let modulus = self.public_key.rsa_modulus().filter(|_| self.public_key.may_encrypt());
        modulus.ok_or(KeyError::Unsuitable)
    }

    fn raw(&self, number: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        padded(self.operations.rsa(number)?.expose(), size).ok_or(KeyError::Failed)
    }

    /// What rejections follow from must be known to nobody but the key's owner. The secret exponent is out of
    /// reach, so it is what the token makes of a number that nothing else ever has it calculate with.
    fn rejection_key(&self, modulus: &[u8]) -> Result<&RejectionKey, KeyError> {
        if let Some(key) = self.rejection.get() {
            return Ok(key);
        }
        let power = self.raw(&rejection_number(modulus), modulus.len())?;
        Ok(self.rejection.get_or_init(|| RejectionKey::new(&power, modulus.len())))
    }
}

/// A number below the modulus that looks like no padding of anybody: its first octet alone is zero.
fn rejection_number(modulus: &[u8]) -> Vec<u8> {
    let mut number = vec![0; modulus.len()];
    let seed = Shake256::default().chain(b"counterseal implicit rejection on a token").chain(modulus);
    seed.finalize_xof().read(&mut number);
    if let [first, second, ..] = number.as_mut_slice() {
        (*first, *second) = (0, 0xff);
    }
    number
}

/// Whether a ciphertext is a number of an RSA key (RFC 8017, section 7.2.2, step 1): both are public.
fn is_below(ciphertext: &[u8], modulus: &[u8]) -> bool {
    ciphertext.len() == modulus.len() && ciphertext < modulus
}

/// The number in `size` octets: some tokens leave leading zeros out.
fn padded(number: &[u8], size: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut padded = Zeroizing::new(vec![0; size.checked_sub(number.len())?]);
    // No second buffer that would have to be erased.
    padded.reserve_exact(number.len());
    padded.extend_from_slice(number);
    Some(padded)
}

#[cfg(test)]
mod tests;
