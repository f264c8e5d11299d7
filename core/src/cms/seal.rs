//! Sealing for recipients.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Read, Write};

use super::auth_enveloped::attributes_for;
use super::content_cipher::{Beforehand, ContentCipher, ContentError};
use super::content_type::ContentType;
use super::recipients;
use crate::algorithm::{ContentEncryption, DigestAlgorithm, KeyAlgorithm};
use crate::der::{Tag, Writer, encode_all, header_length};
use crate::ports::{KeyError, KeyName, OaepParameters, Random};
use crate::secret::SecretBytes;
use crate::x509::tlv::{self, tag};
use crate::x509::{Certificate, PublicKey};

/// One reader of what is sealed.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The holder of a certificate's key, named by issuer and serial number.
    Certificate {
        /// The certificate. Nothing of it is checked here.
        certificate: Certificate,
        /// How the key travels.
        transport: KeyTransport,
    },
    /// The holder of a bare key, named by its subjectKeyIdentifier.
    PublicKey {
        /// The key.
        key: PublicKey,
        /// How the key travels.
        transport: KeyTransport,
    },
    /// Whoever knows a passphrase (PBKDF2; RFC 3211). A short one can be guessed at leisure.
    Passphrase(SecretBytes),
    /// Whoever has a key of 16, 24 or 32 bytes.
    KeyEncryptionKey {
        /// The name of that key on both sides.
        identifier: Vec<u8>,
        /// The key.
        key: SecretBytes,
    },
}

/// How the content-encryption key travels to a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSA PKCS#1 v1.5: what every program reads.
    Pkcs1,
    /// RSA-OAEP (RFC 3560).
    Oaep(OaepParameters),
    /// ECDH or X25519 with an ephemeral key (RFC 5753, RFC 8418).
    Agreement,
    /// ML-KEM (RFC 9936).
    Encapsulation,
}

impl KeyTransport {
    /// OAEP with one digest for both purposes and no label.
    #[must_use]
    pub const fn oaep(digest: DigestAlgorithm) -> Self {
        Self::Oaep(OaepParameters { digest, mask_digest: digest, label: Vec::new() })
    }

    /// What most programs read for a key of this kind; nothing for keys that only sign.
    #[must_use]
    pub const fn usual_for(algorithm: KeyAlgorithm) -> Option<Self> {
        match algorithm {
            KeyAlgorithm::Rsa { .. } => Some(Self::Pkcs1),
            KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521 | KeyAlgorithm::X25519 => {
                Some(Self::Agreement)
            }
            KeyAlgorithm::MlKem512 | KeyAlgorithm::MlKem768 | KeyAlgorithm::MlKem1024 => {
                Some(Self::Encapsulation)
            }
            KeyAlgorithm::Ed25519
            | KeyAlgorithm::MlDsa44
            | KeyAlgorithm::MlDsa65
            | KeyAlgorithm::MlDsa87
            | KeyAlgorithm::Dsa => None,
        }
    }
}

impl Recipient {
    /// How a message names this reader; nothing for a passphrase.
    pub(super) fn name(&self) -> Option<KeyName> {
        match self {
            Self::Certificate { certificate, .. } => Some(KeyName::IssuerAndSerialNumber {
                issuer: certificate.issuer_der().to_vec(),
                serial_number: certificate.serial_number().to_vec(),
            }),
            Self::PublicKey { key, .. } => Some(KeyName::KeyIdentifier(key.key_identifier().to_vec())),
            Self::Passphrase(_) => None,
            Self::KeyEncryptionKey { identifier, .. } => Some(KeyName::KeyIdentifier(identifier.clone())),
        }
    }
}

/// Under what, beside the recipients, a content is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealOptions {
    /// The cipher. Those that only old mail has are refused.
    pub cipher: ContentEncryption,
    /// Binds the key to the cipher (RFC 9709), for readers that announce it.
    pub derive_key: bool,
}

impl From<ContentEncryption> for SealOptions {
    fn from(cipher: ContentEncryption) -> Self {
        Self { cipher, derive_key: false }
    }
}

/// Why nothing was sealed.
#[derive(Debug)]
pub enum SealError {
    /// Nobody could open it.
    NoRecipients,
    /// The key of one recipient cannot be used in this way.
    Recipient {
        /// Which, in the order given.
        index: usize,
        /// Why.
        error: KeyError,
    },
    /// The cipher is not written any more.
    Cipher(ContentEncryption),
    /// The cipher needs to know the length first (CCM).
    LengthNeeded,
    /// The content has not the length that was said, or is too long for its cipher.
    Length,
    /// The content could not be read.
    Input(io::Error),
    /// The object could not be written.
    Output(io::Error),
}

impl fmt::Display for SealError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecipients => formatter.write_str("no recipients"),
            Self::Recipient { index, error } => write!(formatter, "recipient {}: {error}", index + 1),
            Self::Cipher(cipher) => write!(formatter, "{} is not written", cipher.name()),
            Self::LengthNeeded => formatter.write_str("the cipher needs to know the length"),
            Self::Length => formatter.write_str("the content has another length than was said"),
            Self::Input(error) | Self::Output(error) => write!(formatter, "{error}"),
        }
    }
}

impl std::error::Error for SealError {}

/// Seals all of `input`: AuthEnvelopedData with an authenticated cipher, else EnvelopedData.
///
/// With the length of the content given the object is DER, without it BER of indefinite length;
/// either way it streams in constant memory. Recipients stand in the order of their encodings, so
/// the order in which they were entered does not show. The tag is always of 16 bytes.
///
/// # Errors
/// [`SealError`]; what was written until then is of no use.
pub fn seal(
    input: &mut dyn Read,
    length: Option<u64>,
    content_type: &ContentType,
    recipients: &[Recipient],
    options: impl Into<SealOptions>,
    random: &mut dyn Random,
    output: &mut dyn Write,
) -> Result<(), SealError> {
    let SealOptions { cipher, derive_key } = options.into();
    if recipients.is_empty() {
        return Err(SealError::NoRecipients);
    }
    if cipher.is_outdated() {
        return Err(SealError::Cipher(cipher));
    }
    let cipher = ContentCipher::generate(cipher, derive_key, random).ok_or(SealError::Cipher(cipher))?;
    if length.is_none() && cipher.wants_length() {
        return Err(SealError::LengthNeeded);
    }
    let key = cipher.generate_key(random);
    let recipient_infos = write_recipients(recipients, &key, random)?;
    let envelope = Envelope::new(cipher, content_type, version(recipients), &recipient_infos);
    envelope.write(input, length, &key, output)
}

/// The RecipientInfos in DER, sorted as a SET OF is.
pub(super) fn write_recipients(
    recipients: &[Recipient],
    key: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<Vec<u8>>, SealError> {
    let mut written = Vec::with_capacity(recipients.len());
    for (index, recipient) in recipients.iter().enumerate() {
        let encoded = write_recipient(recipient, key, random);
        written.push(encoded.map_err(|error| SealError::Recipient { index, error })?);
    }
    written.sort();
    Ok(written)
}

fn write_recipient(
    recipient: &Recipient,
    content_key: &SecretBytes,
    random: &mut dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let (key, transport) = match recipient {
        Recipient::Certificate { certificate, transport } => (certificate.public_key(), transport),
        Recipient::PublicKey { key, transport } => (key, transport),
        Recipient::Passphrase(passphrase) => {
            return recipients::write_password(passphrase, content_key, random).ok_or(KeyError::Failed);
        }
        Recipient::KeyEncryptionKey { identifier, key } => {
            return recipients::write_key_encryption_key(identifier, key, content_key)
                .ok_or(KeyError::Unsuitable);
        }
    };
    let name = recipient.name().ok_or(KeyError::Unsuitable)?;
    match transport {
        KeyTransport::Pkcs1 => recipients::write_key_transport(&name, key, None, content_key, random),
        KeyTransport::Oaep(parameters) => {
            recipients::write_key_transport(&name, key, Some(parameters), content_key, random)
        }
        KeyTransport::Agreement => recipients::write_key_agreement(&name, key, content_key, random),
        KeyTransport::Encapsulation => recipients::write_key_encapsulation(&name, key, content_key, random),
    }
}

/// The version of EnvelopedData (RFC 5652, section 6.1). It depends on the kinds of recipients
/// alone, where there is neither originatorInfo nor unprotectedAttrs: we write none.
pub(super) fn version(recipients: &[Recipient]) -> u8 {
    let is_version_3 = |recipient: &Recipient| {
        matches!(
            recipient,
            Recipient::Passphrase(_)
                | Recipient::Certificate { transport: KeyTransport::Encapsulation, .. }
                | Recipient::PublicKey { transport: KeyTransport::Encapsulation, .. }
        )
    };
    let is_version_0 = |recipient: &Recipient| {
        matches!(
            recipient,
            Recipient::Certificate { transport: KeyTransport::Pkcs1 | KeyTransport::Oaep(_), .. }
        )
    };
    if recipients.iter().any(is_version_3) {
        3
    } else if recipients.iter().all(is_version_0) {
        0
    } else {
        2
    }
}

/// Everything but the content, in DER and ready to be written.
struct Envelope {
    /// Object identifier of the ContentInfo.
    kind: Vec<u8>,
    /// Version and RecipientInfos.
    front: Vec<u8>,
    /// Type of the content, and its cipher.
    content_type_and_cipher: Vec<u8>,
    /// Authenticated attributes as a SET OF, or nothing.
    attributes: Vec<u8>,
    cipher: ContentCipher,
}

/// Octets in each construction, from the outside in; none of them is known without a length.
#[derive(Default)]
struct Lengths {
    content_info: Option<u64>,
    explicit: Option<u64>,
    envelope: Option<u64>,
    encrypted_content_info: Option<u64>,
    ciphertext: Option<u64>,
}

impl Envelope {
    fn new(cipher: ContentCipher, content_type: &ContentType, version: u8, recipients: &[Vec<u8>]) -> Self {
        let is_authenticated = cipher.algorithm().is_authenticated();
        let (kind, version, attributes) = if is_authenticated {
            // RFC 5083, section 2.1: the version is always 0.
            (ContentType::AuthEnvelopedData, 0, attributes_for(content_type))
        } else {
            (ContentType::EnvelopedData, version, Vec::new())
        };
        let object_identifier =
            |kind: &ContentType| tlv::encode(tag::OBJECT_IDENTIFIER, &kind.object_identifier());
        Self {
            kind: object_identifier(&kind),
            front: [tlv::integer(&[version]), encode_all(Tag::SET, recipients)].concat(),
            content_type_and_cipher: [object_identifier(content_type), cipher.to_der()].concat(),
            attributes,
            cipher,
        }
    }

    fn write(
        &self,
        input: &mut dyn Read,
        length: Option<u64>,
        key: &SecretBytes,
        output: &mut dyn Write,
    ) -> Result<(), SealError> {
        let lengths = self.lengths(length)?;
        let mut writer = Writer::new(output);
        self.write_head(&mut writer, &lengths).map_err(SealError::Output)?;
        let tag = self.write_content(&mut writer, input, length, key)?;
        self.write_tail(&mut writer, tag.as_deref()).map_err(SealError::Output)?;
        writer.finish().map(drop).map_err(SealError::Output)
    }

    fn lengths(&self, length: Option<u64>) -> Result<Lengths, SealError> {
        let Some(length) = length else { return Ok(Lengths::default()) };
        let ciphertext = self.cipher.ciphertext_length(length);
        // Far above any content, far below where sums of lengths overflow.
        let ciphertext = ciphertext.filter(|length| *length < 1 << 60).ok_or(SealError::Length)?;
        let whole = |content: u64| header_length(content) + content;
        let encrypted_content_info = self.content_type_and_cipher.len() as u64 + whole(ciphertext);
        let tag = vec![0; self.cipher.tag_length()];
        let tail = self.tail((!tag.is_empty()).then_some(&tag)).len() as u64;
        let envelope = self.front.len() as u64 + whole(encrypted_content_info) + tail;
        let explicit = whole(envelope);
        let content_info = self.kind.len() as u64 + whole(explicit);
        Ok(Lengths {
            content_info: Some(content_info),
            explicit: Some(explicit),
            envelope: Some(envelope),
            encrypted_content_info: Some(encrypted_content_info),
            ciphertext: Some(ciphertext),
        })
    }

    fn write_head<W: Write>(&self, writer: &mut Writer<W>, lengths: &Lengths) -> io::Result<()> {
        writer.push(Tag::SEQUENCE, lengths.content_info)?;
        writer.raw(&self.kind)?;
        writer.push(Tag::context(0), lengths.explicit)?;
        writer.push(Tag::SEQUENCE, lengths.envelope)?;
        writer.raw(&self.front)?;
        writer.push(Tag::SEQUENCE, lengths.encrypted_content_info)?;
        writer.raw(&self.content_type_and_cipher)?;
        writer.begin_string(Tag::context(0), lengths.ciphertext)
    }

    fn write_content<W: Write>(
        &self,
        writer: &mut Writer<W>,
        input: &mut dyn Read,
        length: Option<u64>,
        key: &SecretBytes,
    ) -> Result<Option<Vec<u8>>, SealError> {
        let beforehand = Beforehand { associated: &self.attributes, length: length.unwrap_or_default() };
        // One byte more than was said is enough to notice.
        let mut input = input.take(length.map_or(u64::MAX, |length| length.saturating_add(1)));
        let sealed = self.cipher.encrypt(key, beforehand, &mut input, &mut Content(writer));
        let (total, tag) = sealed.map_err(|error| match error {
            ContentError::Input(error) => SealError::Input(error),
            ContentError::Output(error) => SealError::Output(error),
            ContentError::TooLong | ContentError::Failed => SealError::Length,
        })?;
        if length.is_some_and(|length| length != total) {
            return Err(SealError::Length);
        }
        Ok(tag)
    }

    fn write_tail<W: Write>(&self, writer: &mut Writer<W>, tag: Option<&[u8]>) -> io::Result<()> {
        writer.end_string()?;
        writer.pop()?;
        writer.raw(&self.tail(tag))?;
        writer.pop()?;
        writer.pop()?;
        writer.pop()
    }

    /// What follows the EncryptedContentInfo.
    fn tail(&self, tag: Option<&[u8]>) -> Vec<u8> {
        let mut tail = self.attributes.clone();
        if let Some(identifier) = tail.first_mut() {
            *identifier = tag::constructed(1);
        }
        if let Some(tag) = tag {
            tail.extend(tlv::encode(tag::OCTET_STRING, tag));
        }
        tail
    }
}

/// The content of the string that a writer has begun.
struct Content<'w, W>(&'w mut Writer<W>);

impl<W: Write> Write for Content<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.string_content(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
