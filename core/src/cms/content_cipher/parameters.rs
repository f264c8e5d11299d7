//! Which cipher, with which parameters: the contentEncryptionAlgorithm of a CMS object.

use const_oid::ObjectIdentifier;

use crate::algorithm::{ContentEncryption, DigestAlgorithm};
use crate::ports::Random;
use crate::secret::SecretBytes;
use crate::x509::algorithm_identifier::{algorithm_der, algorithm_in};
use crate::x509::tlv::{self, Elements, tag};

const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_128_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.6");
const AES_128_CCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.7");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_192_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.26");
const AES_192_CCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.27");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const AES_256_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");
const AES_256_CCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.47");
const CHACHA20_POLY1305: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.18");
const TRIPLE_DES_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
const DES_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.7");
const RC2_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.2");
const RC4: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.4");
const CEK_HKDF_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.31");

/// The ciphers that are told by their object identifier alone.
const CIPHERS: [(ObjectIdentifier, ContentEncryption); 13] = [
    (AES_128_CBC, ContentEncryption::Aes128Cbc),
    (AES_192_CBC, ContentEncryption::Aes192Cbc),
    (AES_256_CBC, ContentEncryption::Aes256Cbc),
    (AES_128_GCM, ContentEncryption::Aes128Gcm),
    (AES_192_GCM, ContentEncryption::Aes192Gcm),
    (AES_256_GCM, ContentEncryption::Aes256Gcm),
    (AES_128_CCM, ContentEncryption::Aes128Ccm),
    (AES_192_CCM, ContentEncryption::Aes192Ccm),
    (AES_256_CCM, ContentEncryption::Aes256Ccm),
    (CHACHA20_POLY1305, ContentEncryption::ChaCha20Poly1305),
    (TRIPLE_DES_CBC, ContentEncryption::TripleDesCbc),
    (DES_CBC, ContentEncryption::DesCbc),
    (RC4, ContentEncryption::Rc4),
];

/// Tags that are read. Shorter ones can be guessed (CVE-2026-34182); RFC 5084 allows them.
const TAG_LENGTHS: std::ops::RangeInclusive<usize> = 12..=16;
/// The length of a tag where the parameters name none (RFC 5084, section 3).
const DEFAULT_TAG_LENGTH: usize = 12;

/// Why a contentEncryptionAlgorithm cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParametersError {
    /// No cipher of ours; its object identifier in dotted form.
    Unknown(String),
    /// The parameters are not what the cipher's RFC says.
    Parameters,
    /// A nonce of a length that is not allowed.
    NonceLength,
    /// A tag of a length that is not allowed.
    TagLength,
}

/// A content-encryption algorithm with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentCipher {
    algorithm: ContentEncryption,
    initial: Vec<u8>,
    tag_length: usize,
    derived_with: Option<DigestAlgorithm>,
    inner_identifier: Vec<u8>,
}

impl ContentCipher {
    /// From the DER of an AlgorithmIdentifier.
    pub(crate) fn parse(identifier: &[u8]) -> Result<Self, ParametersError> {
        let (oid, parameters) = algorithm_in(identifier).ok_or(ParametersError::Parameters)?;
        if oid != CEK_HKDF_SHA256 {
            return Self::parse_cipher(identifier);
        }
        // RFC 9709, section 2: the parameters are the identifier of the cipher itself, which is no
        // further derivation.
        let inner = parameters.ok_or(ParametersError::Parameters)?;
        let cipher = Self::parse_cipher(inner.whole)?;
        Ok(Self { derived_with: Some(DigestAlgorithm::Sha256), ..cipher })
    }

    fn parse_cipher(identifier: &[u8]) -> Result<Self, ParametersError> {
        let (oid, parameters) = algorithm_in(identifier).ok_or(ParametersError::Parameters)?;
        let parameters = parameters.map(|parameters| parameters.whole);
        let (algorithm, initial, tag_length) = if oid == RC2_CBC {
            let (effective_bits, initial) =
                parameters.and_then(rc2_parameters).ok_or(ParametersError::Parameters)?;
            (ContentEncryption::Rc2Cbc { effective_bits }, initial, 0)
        } else {
            let algorithm = CIPHERS
                .iter()
                .find(|(known, _)| *known == oid)
                .map(|(_, algorithm)| *algorithm)
                .ok_or_else(|| ParametersError::Unknown(oid.to_string()))?;
            let (initial, tag_length) = cipher_parameters(algorithm, parameters)?;
            (algorithm, initial, tag_length)
        };
        Ok(Self { algorithm, initial, tag_length, derived_with: None, inner_identifier: identifier.to_vec() })
    }

    /// For a new content: fresh initialization vector or nonce, the longest tag. Nothing for
    /// ciphers that are only read.
    pub(crate) fn generate(
        algorithm: ContentEncryption,
        derive: bool,
        random: &mut dyn Random,
    ) -> Option<Self> {
        let mut initial = vec![0; initial_length(algorithm)?];
        random.fill(&mut initial);
        let identifier = new_identifier(algorithm, &initial)?;
        let tag_length = if algorithm.is_authenticated() { 16 } else { 0 };
        let derived_with = derive.then_some(DigestAlgorithm::Sha256);
        Some(Self { algorithm, initial, tag_length, derived_with, inner_identifier: identifier })
    }

    /// DER of the AlgorithmIdentifier.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        match self.derived_with {
            None => self.inner_identifier.clone(),
            Some(_) => algorithm_der(CEK_HKDF_SHA256, &self.inner_identifier),
        }
    }

    /// The cipher.
    pub(crate) fn algorithm(&self) -> ContentEncryption {
        self.algorithm
    }

    /// Initialization vector or nonce.
    pub(crate) fn initial(&self) -> &[u8] {
        &self.initial
    }

    /// Bytes of the tag; 0 without one.
    pub(crate) fn tag_length(&self) -> usize {
        self.tag_length
    }

    /// The digest of the key derivation of RFC 9709, where there is one.
    pub(crate) fn derived_with(&self) -> Option<DigestAlgorithm> {
        self.derived_with
    }

    /// DER of the cipher's own AlgorithmIdentifier.
    pub(crate) fn inner_identifier(&self) -> &[u8] {
        &self.inner_identifier
    }

    /// Whether a content-encryption key can be this cipher's: it has the length that the object
    /// identifier asks for, and Triple DES with it is not single DES.
    pub(crate) fn accepts(&self, key: &SecretBytes) -> bool {
        key.len() == self.key_length()
            && !(self.algorithm == ContentEncryption::TripleDesCbc && is_single_des(key.expose()))
    }

    /// Bytes of the key; 0 for RC4, which is never used.
    pub(crate) fn key_length(&self) -> usize {
        match self.algorithm {
            ContentEncryption::Aes128Cbc | ContentEncryption::Aes128Gcm | ContentEncryption::Aes128Ccm => 16,
            ContentEncryption::Aes192Cbc | ContentEncryption::Aes192Gcm | ContentEncryption::Aes192Ccm => 24,
            ContentEncryption::Aes256Cbc | ContentEncryption::Aes256Gcm | ContentEncryption::Aes256Ccm => 32,
            ContentEncryption::ChaCha20Poly1305 => 32,
            ContentEncryption::TripleDesCbc => 24,
            ContentEncryption::DesCbc => 8,
            ContentEncryption::Rc2Cbc { effective_bits } => effective_bits as usize / 8,
            ContentEncryption::Rc4 => 0,
        }
    }
}

/// Whether two neighbouring thirds are the same key, so that two of three passes cancel. Parity
/// bits do not count.
fn is_single_des(key: &[u8]) -> bool {
    let same = |left: std::ops::Range<usize>, right: std::ops::Range<usize>| {
        let (left, right) = (key.get(left).unwrap_or_default(), key.get(right).unwrap_or_default());
        left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right) & 0xfe) == 0
    };
    same(0..8, 8..16) | same(8..16, 16..24)
}

fn cipher_parameters(
    algorithm: ContentEncryption,
    parameters: Option<&[u8]>,
) -> Result<(Vec<u8>, usize), ParametersError> {
    if algorithm == ContentEncryption::Rc4 {
        return Ok((Vec::new(), 0));
    }
    let parameters = parameters.ok_or(ParametersError::Parameters)?;
    if !algorithm.is_authenticated() || algorithm == ContentEncryption::ChaCha20Poly1305 {
        let initial = tlv::only(parameters, tag::OCTET_STRING).ok_or(ParametersError::Parameters)?;
        let length = initial_length_when_reading(algorithm);
        let tag_length = if algorithm.is_authenticated() { 16 } else { 0 };
        return if length.contains(&initial.len()) {
            Ok((initial.to_vec(), tag_length))
        } else {
            Err(ParametersError::NonceLength)
        };
    }
    nonce_and_tag_length(algorithm, parameters)
}

/// GCMParameters and CCMParameters (RFC 5084, section 3): nonce, and length of the tag.
fn nonce_and_tag_length(
    algorithm: ContentEncryption,
    parameters: &[u8],
) -> Result<(Vec<u8>, usize), ParametersError> {
    let read = || {
        let mut fields = Elements::new(tlv::only(parameters, tag::SEQUENCE)?);
        let nonce = fields.expect(tag::OCTET_STRING)?.content;
        let length = fields.optional(tag::INTEGER)?.map(|integer| integer.content);
        fields.is_empty().then_some((nonce, length))
    };
    let (nonce, length) = read().ok_or(ParametersError::Parameters)?;
    if !initial_length_when_reading(algorithm).contains(&nonce.len()) {
        return Err(ParametersError::NonceLength);
    }
    let tag_length = match length {
        None => DEFAULT_TAG_LENGTH,
        Some([length]) => usize::from(*length),
        Some(_) => return Err(ParametersError::TagLength),
    };
    let is_ccm = !matches!(
        algorithm,
        ContentEncryption::Aes128Gcm | ContentEncryption::Aes192Gcm | ContentEncryption::Aes256Gcm
    );
    if !TAG_LENGTHS.contains(&tag_length) || (is_ccm && !tag_length.is_multiple_of(2)) {
        return Err(ParametersError::TagLength);
    }
    Ok((nonce.to_vec(), tag_length))
}

/// RC2CBCParameter (RFC 2268, section 6): the version stands for the effective key bits.
fn rc2_parameters(parameters: &[u8]) -> Option<(u32, Vec<u8>)> {
    let mut fields = Elements::new(tlv::only(parameters, tag::SEQUENCE)?);
    let version = tlv::unsigned(fields.expect(tag::INTEGER)?.content)?;
    let initial = fields.expect(tag::OCTET_STRING)?.content;
    let effective_bits = match version {
        [160] => 40,
        [120] => 64,
        [58] => 128,
        _ => return None,
    };
    (fields.is_empty() && initial.len() == 8).then(|| (effective_bits, initial.to_vec()))
}

/// GCM with other nonces than 96 bits, allowed by RFC 5084, was a stack overflow elsewhere
/// (CVE-2025-15467) and is written by nobody.
fn initial_length_when_reading(algorithm: ContentEncryption) -> std::ops::RangeInclusive<usize> {
    match algorithm {
        ContentEncryption::Aes128Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes256Ccm => 7..=13,
        ContentEncryption::TripleDesCbc | ContentEncryption::DesCbc | ContentEncryption::Rc2Cbc { .. } => {
            8..=8
        }
        ContentEncryption::Aes128Cbc | ContentEncryption::Aes192Cbc | ContentEncryption::Aes256Cbc => 16..=16,
        _ => 12..=12,
    }
}

/// Bytes of a new initialization vector or nonce. The nonce of CCM shares 15 octets with the
/// length; 7 leave room for any content, and the key is used once.
fn initial_length(algorithm: ContentEncryption) -> Option<usize> {
    match algorithm {
        ContentEncryption::Aes128Cbc | ContentEncryption::Aes192Cbc | ContentEncryption::Aes256Cbc => {
            Some(16)
        }
        ContentEncryption::Aes128Gcm | ContentEncryption::Aes192Gcm | ContentEncryption::Aes256Gcm => {
            Some(12)
        }
        ContentEncryption::Aes128Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes256Ccm => Some(7),
        ContentEncryption::ChaCha20Poly1305 => Some(12),
        ContentEncryption::TripleDesCbc => Some(8),
        ContentEncryption::DesCbc | ContentEncryption::Rc2Cbc { .. } | ContentEncryption::Rc4 => None,
    }
}

/// The tag's length stands there although 12 is the default and 16 would be 12 to gpgsm: OpenSSL
/// reads nothing else, and newer NSS and Bouncy Castle read both.
fn new_identifier(algorithm: ContentEncryption, initial: &[u8]) -> Option<Vec<u8>> {
    let (oid, _) = CIPHERS.iter().find(|(_, known)| *known == algorithm)?;
    let initial = tlv::encode(tag::OCTET_STRING, initial);
    let parameters = if algorithm.is_authenticated() && algorithm != ContentEncryption::ChaCha20Poly1305 {
        tlv::sequence(&[&initial, &tlv::integer(&[16])])
    } else {
        initial
    };
    Some(algorithm_der(*oid, &parameters))
}
