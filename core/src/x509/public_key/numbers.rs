//! Public keys from the bare numbers that a token shows (PKCS#11: CKA_MODULUS and the like).

use super::super::algorithm_identifier::{algorithm_der, oid};
use super::super::tlv::{self, tag};
use super::PublicKey;
use crate::x509::CertificateError;

impl PublicKey {
    /// The RSA key of a modulus and an exponent, in big-endian order.
    ///
    /// # Errors
    /// As [`PublicKey::from_der`].
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, CertificateError> {
        let key = tlv::sequence(&[&tlv::integer(modulus), &tlv::integer(exponent)]);
        let algorithm = algorithm_der(oid::RSA_ENCRYPTION, &[tag::NULL, 0]);
        Self::from_der(&tlv::sequence(&[&algorithm, &tlv::bit_string(&key)]))
    }

    /// The key of a point on the curve that DER parameters name (RFC 5480, section 2.1.1). The point may be
    /// inside of an OCTET STRING, as PKCS#11 has it, or bare, as some tokens do.
    ///
    /// # Errors
    /// As [`PublicKey::from_der`].
    pub fn from_curve_point(parameters: &[u8], point: &[u8]) -> Result<Self, CertificateError> {
        let point = tlv::only(point, tag::OCTET_STRING).unwrap_or(point);
        let algorithm = algorithm_der(oid::EC_PUBLIC_KEY, parameters);
        Self::from_der(&tlv::sequence(&[&algorithm, &tlv::bit_string(point)]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::SystemRandom;
    use crate::x509::{KeyKind, SecretKey};

    #[test]
    fn numbers_make_the_same_key_as_its_structure() {
        let key = SecretKey::generate(KeyKind::Rsa2048, &mut SystemRandom).unwrap();
        let modulus = key.public_key().rsa_modulus().unwrap();
        assert_eq!(PublicKey::from_rsa_numbers(modulus, &[1, 0, 1]).as_ref(), Ok(key.public_key()));
        assert!(PublicKey::from_rsa_numbers(modulus, &[2]).is_err());
        let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let point = key.public_key().raw().unwrap();
        let parameters = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        for point in [point, &tlv::encode(tag::OCTET_STRING, point)] {
            assert_eq!(PublicKey::from_curve_point(&parameters, point).as_ref(), Ok(key.public_key()));
        }
        assert!(PublicKey::from_curve_point(&parameters, &point[1..]).is_err());
    }
}
