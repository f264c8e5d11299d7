//! Signing for a device, and reading what a device signed: every object after pairing is a SignedData by one key.

use std::fmt;
use std::io::Cursor;

use counterseal_core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use counterseal_core::cms::{
    self, ContentType, FurtherAttribute, SignError, SignatureOutcome, SignedInput, SigningRequest,
};
use counterseal_core::ports::{KeyError, SecretKeys};
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use super::DeviceId;
use crate::limits;

/// How devices sign: with P-256, because every program reads that.
const SIGNATURE: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);

/// Whoever signs: a device, or the root of an account. The secret key stays behind its port.
#[derive(Clone, Copy)]
pub struct DeviceSigner<'a> {
    /// Where the signing key is.
    pub keys: &'a dyn SecretKeys,
    /// The certificate of the signing key.
    pub certificate: &'a Certificate,
}

impl DeviceSigner<'_> {
    /// Who that is.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::of(&self.certificate.fingerprint())
    }

    /// Signs a content of this type as a SignedData in DER (RFC 5652, section 5), with the certificate inside.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &self,
        content_type: &[u8],
        content: &[u8],
        attributes: &[FurtherAttribute],
        now: Time,
    ) -> Result<Vec<u8>, SignError> {
        let request = SigningRequest {
            keys: self.keys,
            key: self.certificate.fingerprint(),
            certificates: std::slice::from_ref(self.certificate),
            algorithm: Some(SIGNATURE),
            signing_time: now,
            encryption_certificate: None,
            capabilities: None,
            content_type: ContentType::from_object_identifier(content_type),
            carried_evidence: &[],
            revocation_lists: &[],
            further_attributes: attributes,
        };
        let mut object = Vec::new();
        cms::write_signed(SignedInput::Attached(&mut Cursor::new(content)), &request, &mut object)?;
        Ok(object)
    }

    /// Signs bytes as they are, for what is no object: the transcript of a pairing. The bytes must begin with a
    /// label that no other use has. The signature is DER `ECDSA-Sig-Value`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn sign_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.keys.sign(&self.certificate.fingerprint(), SIGNATURE, bytes)
    }
}

/// Whether the key of this certificate signed the bytes with [`DeviceSigner::sign_bytes`].
#[must_use]
pub(crate) fn signed_bytes(certificate: &Certificate, bytes: &[u8], signature: &[u8]) -> bool {
    certificate.public_key().verify(SIGNATURE, bytes, signature).is_ok()
}

/// What one key signed, and the signature holds. Whether that key may sign such a thing is another question.
#[derive(Clone, Debug)]
pub struct SignedObject {
    /// The content.
    pub content: Vec<u8>,
    /// Whose key signed.
    pub author: DeviceId,
    /// The certificate that came along.
    pub certificate: Certificate,
    /// When the author says to have signed.
    pub signing_time: Option<Time>,
    /// What else was signed.
    pub attributes: Vec<FurtherAttribute>,
}

impl SignedObject {
    /// DER of the value of a signed attribute.
    #[must_use]
    pub fn attribute(&self, kind: &[u8]) -> Option<&[u8]> {
        self.attributes.iter().find(|attribute| attribute.kind == kind).map(|it| it.value.as_slice())
    }
}

/// Why bytes are no object that one device signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// More bytes than such an object has.
    TooLarge,
    /// No SignedData with its content inside.
    Malformed,
    /// A SignedData of another content.
    OtherContent(ContentType),
    /// Not exactly one signature.
    NotOneSigner,
    /// The signature does not hold, or is not one that devices make.
    BadSignature,
}

impl fmt::Display for ObjectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => formatter.write_str("too large"),
            Self::Malformed => formatter.write_str("not a signed object"),
            Self::OtherContent(other) => write!(formatter, "signed, but {other}"),
            Self::NotOneSigner => formatter.write_str("not exactly one signature"),
            Self::BadSignature => formatter.write_str("the signature does not hold"),
        }
    }
}

impl std::error::Error for ObjectError {}

/// Reads a SignedData of one content type, by one signer whose certificate came along.
///
/// # Errors
/// [`ObjectError`].
pub fn read_signed_object(object: &[u8], content_type: &[u8]) -> Result<SignedObject, ObjectError> {
    if object.len() > limits::OBJECT_BYTES {
        return Err(ObjectError::TooLarge);
    }
    let mut content = Vec::new();
    let signed = cms::read_signed(&mut Cursor::new(object), None, &[], &mut content);
    let signed = signed.map_err(|_| ObjectError::Malformed)?;
    if signed.content_type != ContentType::from_object_identifier(content_type) {
        return Err(ObjectError::OtherContent(signed.content_type));
    }
    if !signed.had_content {
        return Err(ObjectError::Malformed);
    }
    let [signer] = <[cms::Signer; 1]>::try_from(signed.signers).map_err(|_| ObjectError::NotOneSigner)?;
    let is_ours = signer.algorithm == Some(SIGNATURE) && signer.outcome == SignatureOutcome::Good;
    let certificate = signer.certificate.filter(|_| is_ours).ok_or(ObjectError::BadSignature)?;
    Ok(SignedObject {
        content,
        author: DeviceId::of(&certificate.fingerprint()),
        certificate,
        signing_time: signer.signing_time,
        attributes: signer.further_attributes,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::device::DeviceKeys;
    use crate::identifiers::{KEY_PACKAGE, LOG_HEADS};
    use crate::log::ENTRY_CONTENT_TYPE as ENTRY;
    use crate::testing::{NOW, SystemRandom};

    #[test]
    fn what_a_device_signs_is_read_with_its_author_and_attributes() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let attributes = [FurtherAttribute { kind: LOG_HEADS.to_vec(), value: vec![4, 2, 7, 7] }];
        let object = device.signer().sign(&ENTRY, b"entry", &attributes, NOW).unwrap();
        let read = read_signed_object(&object, &ENTRY).unwrap();
        assert_eq!((read.content.as_slice(), read.author), (&b"entry"[..], device.certificates().id()));
        assert_eq!(read.attribute(&LOG_HEADS), Some(&[4, 2, 7, 7][..]));
        assert_eq!(read.signing_time, Some(NOW));
        assert!(matches!(read_signed_object(&object, &KEY_PACKAGE), Err(ObjectError::OtherContent(_))));
    }

    #[test]
    fn no_octet_of_an_object_can_be_changed_without_notice() {
        let device = DeviceKeys::generate("thinkpad-7", NOW, &mut SystemRandom).unwrap();
        let object = device.signer().sign(&ENTRY, b"entry", &[], NOW).unwrap();
        let good = read_signed_object(&object, &ENTRY).unwrap();
        for index in 0..object.len() {
            let mut changed = object.clone();
            changed[index] ^= 1;
            // What nobody signs (a version, the certificate's own signature) may change; what counts may not.
            if let Ok(read) = read_signed_object(&changed, &ENTRY) {
                assert_eq!((read.content, read.author), (good.content.clone(), good.author), "{index}");
            }
        }
    }

    #[test]
    fn a_transcript_that_one_device_signed_is_not_signed_by_another() {
        let [device, other] =
            ["a", "b"].map(|name| DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap());
        let signature = device.signer().sign_bytes(b"label transcript").unwrap();
        assert!(device.certificates().signed_bytes(b"label transcript", &signature));
        assert!(!device.certificates().signed_bytes(b"label transcripu", &signature));
        assert!(!other.certificates().signed_bytes(b"label transcript", &signature));
    }
}
