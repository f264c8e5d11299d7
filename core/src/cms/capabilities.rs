//! What a reader's program says it can read: SMIMECapabilities (RFC 8551, section 2.5.2).
//!
//! They come in signed mail as an attribute, and in certificates as an extension (RFC 4262). They
//! decide in which form mail to that reader is written.

use const_oid::ObjectIdentifier;

use super::elements::{self, NotDer, OBJECT_IDENTIFIER, SEQUENCE, context, encode};
use crate::algorithm::{ContentEncryption, DigestAlgorithm};

/// Capabilities in their owner's order of preference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Reads this content encryption.
    Content(ContentEncryption),
    /// Unwraps keys in this way.
    KeyWrap(KeyWrap),
    /// Opens RSAES-OAEP with this digest, also for MGF1, and an empty label (RFC 8551, section 2.3).
    RsaOaep(DigestAlgorithm),
    /// Agrees on keys by standard ECDH (RFC 5753, section 7).
    KeyAgreement {
        /// Digest of the key derivation.
        digest: DigestAlgorithm,
        /// How the key is wrapped then; nothing where the sender left it out.
        wrap: Option<KeyWrap>,
    },
    /// Wants signatures inside the CMS object rather than beside the text.
    PreferSignedData,
    /// Takes MIME without transfer encoding inside CMS.
    PreferBinaryInside,
    /// Anything else, kept as it came.
    Other {
        /// Content octets of the object identifier.
        object_identifier: Vec<u8>,
        /// DER of the parameters.
        parameters: Option<Vec<u8>>,
    },
}

/// AES key wrap (RFC 3394) by the length of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyWrap {
    /// 128 bits.
    Aes128,
    /// 192 bits.
    Aes192,
    /// 256 bits.
    Aes256,
}

/// The capabilities are not DER, or no list of capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCapabilities;

impl std::fmt::Display for MalformedCapabilities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the capabilities cannot be read")
    }
}

impl std::error::Error for MalformedCapabilities {}

impl From<NotDer> for MalformedCapabilities {
    fn from(_: NotDer) -> Self {
        Self
    }
}

impl Capabilities {
    /// What this library reads, best first, as it is announced in what we sign.
    #[must_use]
    pub fn ours() -> Self {
        let agreement = |wrap| Capability::KeyAgreement { digest: DigestAlgorithm::Sha256, wrap: Some(wrap) };
        Self(vec![
            Capability::Content(ContentEncryption::Aes256Gcm),
            Capability::Content(ContentEncryption::Aes128Gcm),
            Capability::Content(ContentEncryption::Aes256Cbc),
            Capability::Content(ContentEncryption::Aes128Cbc),
            Capability::RsaOaep(DigestAlgorithm::Sha256),
            agreement(KeyWrap::Aes256),
            agreement(KeyWrap::Aes128),
            Capability::KeyWrap(KeyWrap::Aes256),
            Capability::KeyWrap(KeyWrap::Aes128),
        ])
    }

    /// What every program reads that knows S/MIME, best first: for whoever reads the same mail in others too.
    #[must_use]
    pub fn of_every_program() -> Self {
        Self(vec![
            Capability::Content(ContentEncryption::Aes256Cbc),
            Capability::Content(ContentEncryption::Aes128Cbc),
        ])
    }

    /// A list in the given order of preference.
    #[must_use]
    pub fn new(capabilities: Vec<Capability>) -> Self {
        Self(capabilities)
    }

    /// Reads the DER of SMIMECapabilities.
    ///
    /// # Errors
    /// [`MalformedCapabilities`] for anything else than a SEQUENCE of capabilities.
    pub fn from_der(der: &[u8]) -> Result<Self, MalformedCapabilities> {
        let list = elements::elements(elements::content_of(der, SEQUENCE)?)?;
        let capabilities = list.iter().map(|capability| read(capability.expect(SEQUENCE)?));
        Ok(Self(capabilities.collect::<Result<_, NotDer>>()?))
    }

    /// The DER of SMIMECapabilities.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let list: Vec<Vec<u8>> = self.0.iter().map(write).collect();
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        encode(SEQUENCE, &list)
    }

    /// Every capability, in order.
    #[must_use]
    pub fn list(&self) -> &[Capability] {
        &self.0
    }

    /// The content encryptions that are announced, in order.
    pub fn content_encryptions(&self) -> impl Iterator<Item = ContentEncryption> + '_ {
        self.0.iter().filter_map(|capability| match capability {
            Capability::Content(cipher) => Some(*cipher),
            _ => None,
        })
    }

    /// Whether the reader announces this content encryption.
    #[must_use]
    pub fn reads(&self, cipher: ContentEncryption) -> bool {
        self.content_encryptions().any(|announced| announced == cipher)
    }

    /// Whether the reader announces RSAES-OAEP with that digest.
    #[must_use]
    pub fn reads_rsa_oaep(&self, digest: DigestAlgorithm) -> bool {
        self.0.contains(&Capability::RsaOaep(digest))
    }

    /// Whether the reader announces ECDH with that key derivation and that key wrap.
    #[must_use]
    pub fn reads_key_agreement(&self, digest: DigestAlgorithm, wrap: KeyWrap) -> bool {
        self.0.contains(&Capability::KeyAgreement { digest, wrap: Some(wrap) })
    }
}

fn read(capability: &[u8]) -> Result<Capability, NotDer> {
    let parts = elements::elements(capability)?;
    let (identifier, parameters) = match parts.as_slice() {
        [identifier] => (identifier.expect(OBJECT_IDENTIFIER)?, None),
        [identifier, parameters] => (identifier.expect(OBJECT_IDENTIFIER)?, Some(parameters.whole)),
        _ => return Err(NotDer),
    };
    Ok(known(identifier, parameters).unwrap_or_else(|| Capability::Other {
        object_identifier: identifier.to_vec(),
        parameters: parameters.map(<[u8]>::to_vec),
    }))
}

/// The capability, where identifier and parameters are exactly as the standards have them.
fn known(identifier: &[u8], parameters: Option<&[u8]>) -> Option<Capability> {
    if identifier == RSAES_OAEP.as_bytes() {
        return oaep_digest(parameters?).map(Capability::RsaOaep);
    }
    if identifier == RC2_CBC.as_bytes() {
        return rc2(parameters?);
    }
    if let Some((_, digest)) = KEY_AGREEMENTS.iter().find(|(known, _)| known.as_bytes() == identifier) {
        let wrap = match parameters {
            None => None,
            Some(wrap) => Some(key_wrap(wrap)?),
        };
        return Some(Capability::KeyAgreement { digest: *digest, wrap });
    }
    // An explicit NULL is written by some programs, and means the same as no parameters.
    if !matches!(parameters, None | Some([elements::NULL, 0])) {
        return None;
    }
    plain().into_iter().find(|(known, _)| known.as_bytes() == identifier).map(|(_, capability)| capability)
}

fn write(capability: &Capability) -> Vec<u8> {
    let identified = |identifier: &ObjectIdentifier, parameters: &[u8]| {
        encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[identifier.as_bytes()]), parameters])
    };
    match capability {
        Capability::Other { object_identifier, parameters } => encode(
            SEQUENCE,
            &[&encode(OBJECT_IDENTIFIER, &[object_identifier]), parameters.as_deref().unwrap_or_default()],
        ),
        Capability::RsaOaep(digest) => identified(&RSAES_OAEP, &oaep_parameters(*digest)),
        Capability::Content(ContentEncryption::Rc2Cbc { effective_bits }) => {
            identified(&RC2_CBC, &encode(elements::INTEGER, &[&rc2_integer(*effective_bits)]))
        }
        Capability::KeyAgreement { digest, wrap } => {
            let wrap = wrap.map(|wrap| write(&Capability::KeyWrap(wrap))).unwrap_or_default();
            KEY_AGREEMENTS
                .iter()
                .find(|(_, known)| known == digest)
                .map(|(identifier, _)| identified(identifier, &wrap))
                .unwrap_or_default()
        }
        plain_capability => plain()
            .iter()
            .find(|(_, known)| known == plain_capability)
            .map(|(identifier, _)| identified(identifier, &[]))
            .unwrap_or_default(),
    }
}

const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RC2_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.2");

/// dhSinglePass-stdDH with each key derivation (RFC 5753, section 7.1.4).
const KEY_AGREEMENTS: [(ObjectIdentifier, DigestAlgorithm); 5] = [
    (ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.2"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.0"), DigestAlgorithm::Sha224),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.1"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.2"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("1.3.132.1.11.3"), DigestAlgorithm::Sha512),
];

/// Digests that OAEP is announced with.
const OAEP_DIGESTS: [(ObjectIdentifier, DigestAlgorithm); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), DigestAlgorithm::Sha1),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), DigestAlgorithm::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), DigestAlgorithm::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), DigestAlgorithm::Sha512),
];

/// Capabilities without parameters.
fn plain() -> [(ObjectIdentifier, Capability); 17] {
    use Capability::{Content, PreferBinaryInside, PreferSignedData};
    use ContentEncryption as Cipher;
    let identifier = ObjectIdentifier::new_unwrap;
    [
        (identifier("2.16.840.1.101.3.4.1.2"), Content(Cipher::Aes128Cbc)),
        (identifier("2.16.840.1.101.3.4.1.22"), Content(Cipher::Aes192Cbc)),
        (identifier("2.16.840.1.101.3.4.1.42"), Content(Cipher::Aes256Cbc)),
        (identifier("2.16.840.1.101.3.4.1.6"), Content(Cipher::Aes128Gcm)),
        (identifier("2.16.840.1.101.3.4.1.26"), Content(Cipher::Aes192Gcm)),
        (identifier("2.16.840.1.101.3.4.1.46"), Content(Cipher::Aes256Gcm)),
        (identifier("2.16.840.1.101.3.4.1.7"), Content(Cipher::Aes128Ccm)),
        (identifier("2.16.840.1.101.3.4.1.27"), Content(Cipher::Aes192Ccm)),
        (identifier("2.16.840.1.101.3.4.1.47"), Content(Cipher::Aes256Ccm)),
        (identifier("1.2.840.113549.1.9.16.3.18"), Content(Cipher::ChaCha20Poly1305)),
        (identifier("1.2.840.113549.3.7"), Content(Cipher::TripleDesCbc)),
        (identifier("1.3.14.3.2.7"), Content(Cipher::DesCbc)),
        (identifier("2.16.840.1.101.3.4.1.5"), Capability::KeyWrap(KeyWrap::Aes128)),
        (identifier("2.16.840.1.101.3.4.1.25"), Capability::KeyWrap(KeyWrap::Aes192)),
        (identifier("2.16.840.1.101.3.4.1.45"), Capability::KeyWrap(KeyWrap::Aes256)),
        (identifier("1.2.840.113549.1.9.15.1"), PreferSignedData),
        (identifier("1.2.840.113549.1.9.16.11.1"), PreferBinaryInside),
    ]
}

fn key_wrap(algorithm: &[u8]) -> Option<KeyWrap> {
    match read(elements::content_of(algorithm, SEQUENCE).ok()?).ok()? {
        Capability::KeyWrap(wrap) => Some(wrap),
        _ => None,
    }
}

/// In capabilities, unlike in ciphertexts, the INTEGER is the number of effective key bits itself
/// (RFC 8551, section 2.5.2, and RFC 2633, appendix A).
fn rc2(parameters: &[u8]) -> Option<Capability> {
    let effective_bits = match elements::content_of(parameters, elements::INTEGER).ok()? {
        [bits] if *bits < 0x80 => u32::from(*bits),
        [0, bits] => u32::from(*bits),
        _ => return None,
    };
    Some(Capability::Content(ContentEncryption::Rc2Cbc { effective_bits }))
}

fn rc2_integer(effective_bits: u32) -> Vec<u8> {
    let bits = effective_bits.min(255) as u8;
    if bits < 0x80 { vec![bits] } else { vec![0, bits] }
}

/// RSAES-OAEP-params (RFC 4055, section 4.1), in DER: what is the default is left out.
fn oaep_parameters(digest: DigestAlgorithm) -> Vec<u8> {
    let identifier = OAEP_DIGESTS
        .iter()
        .find(|(_, known)| *known == digest && digest != DigestAlgorithm::Sha1)
        .map(|(identifier, _)| identifier);
    let Some(identifier) = identifier else {
        return encode(SEQUENCE, &[]);
    };
    let digest =
        encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[identifier.as_bytes()]), &[elements::NULL, 0]]);
    let mask = encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[MGF1.as_bytes()]), &digest]);
    encode(SEQUENCE, &[&encode(context(0), &[&digest]), &encode(context(1), &[&mask])])
}

/// The digest of OAEP parameters that use it for MGF1 too, and have an empty label.
fn oaep_digest(parameters: &[u8]) -> Option<DigestAlgorithm> {
    let parts = elements::elements(elements::content_of(parameters, SEQUENCE).ok()?).ok()?;
    match parts.as_slice() {
        [] => Some(DigestAlgorithm::Sha1),
        [digest, mask] => {
            let digest = digest_of(digest.expect(context(0)).ok()?)?;
            let mask =
                elements::elements(elements::content_of(mask.expect(context(1)).ok()?, SEQUENCE).ok()?)
                    .ok()?;
            let [generator, mask_digest] = mask.as_slice() else { return None };
            let is_mgf1 = generator.expect(OBJECT_IDENTIFIER) == Ok(MGF1.as_bytes());
            (is_mgf1 && digest_of(mask_digest.whole)? == digest).then_some(digest)
        }
        _ => None,
    }
}

fn digest_of(algorithm: &[u8]) -> Option<DigestAlgorithm> {
    let parts = elements::elements(elements::content_of(algorithm, SEQUENCE).ok()?).ok()?;
    let (identifier, parameters) = parts.split_first()?;
    let identifier = identifier.expect(OBJECT_IDENTIFIER).ok()?;
    let has_none = parameters.iter().all(|parameters| parameters.whole == [elements::NULL, 0]);
    OAEP_DIGESTS
        .iter()
        .find(|(known, _)| has_none && known.as_bytes() == identifier)
        .map(|(_, digest)| *digest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_we_announce_is_read_back() {
        let ours = Capabilities::ours();
        assert_eq!(Capabilities::from_der(&ours.to_der()), Ok(ours.clone()));
        assert!(ours.reads(ContentEncryption::Aes256Gcm));
        assert!(ours.reads_rsa_oaep(DigestAlgorithm::Sha256));
        assert!(ours.reads_key_agreement(DigestAlgorithm::Sha256, KeyWrap::Aes256));
        assert!(!ours.reads(ContentEncryption::TripleDesCbc));
        assert!(!ours.reads_rsa_oaep(DigestAlgorithm::Sha1));
    }

    #[test]
    fn every_capability_without_parameters_survives() {
        for (_, capability) in plain() {
            let one = Capabilities::new(vec![capability]);
            assert_eq!(Capabilities::from_der(&one.to_der()), Ok(one));
        }
    }

    #[test]
    fn the_encodings_that_the_standard_prints_are_ours() {
        // RFC 8551, section 2.5.2: the hexadecimal values of the AES capabilities.
        let aes256 = Capabilities::new(vec![Capability::Content(ContentEncryption::Aes256Cbc)]);
        let printed = [0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
        assert_eq!(aes256.to_der(), encode(SEQUENCE, &[&printed]));
    }

    #[test]
    fn rc2_names_its_bits() {
        for effective_bits in [40, 64, 128] {
            let one =
                Capabilities::new(vec![Capability::Content(ContentEncryption::Rc2Cbc { effective_bits })]);
            assert_eq!(Capabilities::from_der(&one.to_der()), Ok(one));
        }
        let printed = [0x30, 0x0e, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 2, 2, 2, 0, 0x80];
        let one =
            Capabilities::new(vec![Capability::Content(ContentEncryption::Rc2Cbc { effective_bits: 128 })]);
        assert_eq!(one.to_der(), encode(SEQUENCE, &[&printed]));
    }

    #[test]
    fn what_is_unknown_is_kept_as_it_came() {
        let other = Capability::Other { object_identifier: vec![0x2a, 3], parameters: Some(vec![2, 1, 5]) };
        let one = Capabilities::new(vec![other]);
        assert_eq!(Capabilities::from_der(&one.to_der()), Ok(one));
    }

    #[test]
    fn oaep_with_another_digest_for_its_mask_is_not_called_plain_oaep() {
        let mut parameters = oaep_parameters(DigestAlgorithm::Sha256);
        *parameters.iter_mut().rev().nth(2).unwrap() = 2; // SHA-384 in MGF1
        assert_eq!(oaep_digest(&parameters), None);
        assert_eq!(oaep_digest(&oaep_parameters(DigestAlgorithm::Sha384)), Some(DigestAlgorithm::Sha384));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bytes in [&[][..], &[0x31, 0], &[0x30, 2, 5, 0], &[0x30, 2, 0x30, 0], &[0x30, 0, 0]] {
            assert_eq!(Capabilities::from_der(bytes), Err(MalformedCapabilities));
        }
        assert_eq!(Capabilities::from_der(&[0x30, 0]), Ok(Capabilities::default()));
    }
}
