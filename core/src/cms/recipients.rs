//! RecipientInfos (RFC 5652, section 6.2): each is a copy of the content-encryption key for one
//! reader, or for several that share a key agreement.

mod kari;
mod kekri;
mod kemri;
mod ktri;
mod pwri;
mod select;

use subtle::ConstantTimeEq as _;

use super::content_cipher::ContentCipher;
use crate::algorithm::KeyAlgorithm;
use crate::fingerprint::Fingerprint;
use crate::ports::{KeyError, KeyName, RsaTransported, SecretKeys};
use crate::secret::SecretBytes;
use crate::x509::tlv::{self, Elements, tag};

pub(crate) use self::kari::write as write_key_agreement;
pub(crate) use self::kekri::write as write_key_encryption_key;
pub(crate) use self::kemri::write as write_key_encapsulation;
pub(crate) use self::ktri::write as write_key_transport;
pub(crate) use self::pwri::write as write_password;
pub(crate) use self::select::{Candidate, Recipients};

/// How a reader gets the content-encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecipientKind {
    /// Encrypted with the reader's public key (RFC 5652, section 6.2.1).
    KeyTransport,
    /// Wrapped with an agreed key (RFC 5652, section 6.2.2; RFC 5753; RFC 8418).
    KeyAgreement,
    /// Wrapped with a key that both sides have (RFC 5652, section 6.2.3).
    KeyEncryptionKey,
    /// Wrapped with a key derived from a passphrase (RFC 5652, section 6.2.4).
    Passphrase,
    /// Wrapped with an encapsulated key (RFC 9629).
    KeyEncapsulation,
    /// Something else.
    Unknown,
}

impl RecipientKind {
    /// The name that JSON sees.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyTransport => "key-transport",
            Self::KeyAgreement => "key-agreement",
            Self::KeyEncryptionKey => "key-encryption-key",
            Self::Passphrase => "passphrase",
            Self::KeyEncapsulation => "key-encapsulation",
            Self::Unknown => "unknown",
        }
    }
}

/// What everyone who has the message sees of one of its readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientDescription {
    /// How the reader gets the key.
    pub kind: RecipientKind,
    /// How the message names the reader's key; nothing for passphrases and unknown kinds.
    pub name: Option<KeyName>,
    /// The key of ours that is meant, if one is.
    pub ours: Option<Fingerprint>,
    /// Whether that key cannot be used now.
    pub locked: bool,
    /// The algorithms, as words: `rsa-oaep-sha-256`, `ecdh-sha-256 aes-256-wrap`.
    pub algorithm: String,
}

/// One encrypted copy of the content-encryption key, for one reader.
#[derive(Debug)]
pub(crate) struct KeyBox {
    pub(crate) kind: RecipientKind,
    pub(crate) name: Option<KeyName>,
    pub(crate) algorithm: String,
    pub(crate) method: Method,
}

/// What it takes to open a [`KeyBox`].
#[derive(Debug)]
pub(crate) enum Method {
    Transport(ktri::KeyTransport),
    Agreement(kari::KeyAgreement),
    KeyEncryptionKey(kekri::KeyEncryptionKey),
    Passphrase(pwri::Passphrase),
    Encapsulation(kemri::KeyEncapsulation),
    /// An algorithm that nobody here knows, or parameters that are refused.
    Unsupported,
}

impl Method {
    /// Whether a wrong key is noticed before the content is decrypted.
    pub(crate) fn notices_wrong_key(&self) -> bool {
        !matches!(self, Self::Transport(transport) if transport.is_pkcs1())
    }

    /// Whether a key of this kind could open the box.
    pub(crate) fn suits(&self, algorithm: KeyAlgorithm) -> bool {
        match self {
            Self::Transport(_) => matches!(algorithm, KeyAlgorithm::Rsa { .. }),
            Self::Agreement(agreement) => agreement.suits(algorithm),
            Self::Encapsulation(encapsulation) => encapsulation.suits(algorithm),
            Self::KeyEncryptionKey(_) | Self::Passphrase(_) | Self::Unsupported => false,
        }
    }

    /// Opens the box with one secret key operation. `length` is that of the keys of the cipher,
    /// which RSA PKCS#1 v1.5 needs to know for its implicit rejection.
    pub(crate) fn open(
        &self,
        key: &Fingerprint,
        keys: &dyn SecretKeys,
        length: usize,
    ) -> Result<Unboxed, KeyError> {
        match self {
            Self::Transport(transport) => transport.open(key, keys, length),
            Self::Agreement(agreement) => agreement.open(key, keys).map(Unboxed::from),
            Self::Encapsulation(encapsulation) => encapsulation.open(key, keys).map(Unboxed::from),
            Self::KeyEncryptionKey(_) | Self::Passphrase(_) | Self::Unsupported => Err(KeyError::Unsuitable),
        }
    }
}

/// What came out of a box.
pub(crate) struct Unboxed {
    pub(crate) key: SecretBytes,
    /// With RSA PKCS#1 v1.5 what the key is where the box was a bad one.
    rejection: Option<SecretBytes>,
}

impl Unboxed {
    /// Whether the box was a bad one, as far as its method tells. This is what an attacker asks.
    pub(crate) fn is_rejection(&self) -> bool {
        self.rejection.as_ref().is_some_and(|it| it.expose().ct_eq(self.key.expose()).into())
    }

    /// The same where the cipher takes the key; otherwise what a bad box gives.
    pub(crate) fn accepted_by(self, cipher: &ContentCipher) -> Option<Self> {
        if cipher.accepts(&self.key) {
            return Some(self);
        }
        let rejection = self.rejection?;
        Some(Self { key: rejection.clone(), rejection: Some(rejection) })
    }
}

impl From<SecretBytes> for Unboxed {
    fn from(key: SecretBytes) -> Self {
        Self { key, rejection: None }
    }
}

impl From<RsaTransported> for Unboxed {
    fn from(transported: RsaTransported) -> Self {
        Self { key: transported.secret, rejection: Some(transported.rejection) }
    }
}

/// Reads one RecipientInfo in DER. What cannot be read becomes a box that nothing opens: another
/// reader's broken or newer entry must not keep us from ours.
pub(crate) fn read(recipient_info: &[u8]) -> Vec<KeyBox> {
    let mut elements = Elements::new(recipient_info);
    let Some(element) = elements.any() else { return vec![KeyBox::unknown(RecipientKind::Unknown)] };
    let fields = Elements::new(element.content);
    let (kind, boxes) = match element.tag {
        tag::SEQUENCE => (RecipientKind::KeyTransport, ktri::read(fields).map(|key_box| vec![key_box])),
        0xa1 => (RecipientKind::KeyAgreement, kari::read(fields)),
        0xa2 => (RecipientKind::KeyEncryptionKey, kekri::read(fields).map(|key_box| vec![key_box])),
        0xa3 => (RecipientKind::Passphrase, pwri::read(element.whole).map(|key_box| vec![key_box])),
        0xa4 => (RecipientKind::KeyEncapsulation, kemri::read(fields).map(|key_box| vec![key_box])),
        _ => (RecipientKind::Unknown, None),
    };
    boxes.unwrap_or_else(|| vec![KeyBox::unknown(kind)])
}

impl KeyBox {
    fn unknown(kind: RecipientKind) -> Self {
        Self { kind, name: None, algorithm: "unknown".into(), method: Method::Unsupported }
    }
}

/// RecipientIdentifier (RFC 5652, section 6.2.1).
fn read_name(fields: &mut Elements<'_>) -> Option<KeyName> {
    let element = fields.any()?;
    match element.tag {
        tag::SEQUENCE => read_issuer_and_serial_number(element.content),
        0x80 => Some(KeyName::KeyIdentifier(element.content.to_vec())),
        _ => None,
    }
}

fn read_issuer_and_serial_number(content: &[u8]) -> Option<KeyName> {
    let mut fields = Elements::new(content);
    let issuer = fields.expect(tag::SEQUENCE)?.whole.to_vec();
    let serial_number = fields.expect(tag::INTEGER)?.content.to_vec();
    fields.is_empty().then_some(KeyName::IssuerAndSerialNumber { issuer, serial_number })
}

/// DER of a RecipientIdentifier, or of what stands for it in key agreement.
fn write_name(name: &KeyName, key_identifier: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match name {
        KeyName::IssuerAndSerialNumber { issuer, serial_number } => {
            tlv::sequence(&[issuer, &tlv::encode(tag::INTEGER, serial_number)])
        }
        KeyName::KeyIdentifier(identifier) => key_identifier(identifier),
    }
}

/// The version is there, an INTEGER of one octet. Its value follows from the rest.
fn skip_version(fields: &mut Elements<'_>) -> Option<()> {
    (fields.expect(tag::INTEGER)?.content.len() == 1).then_some(())
}

fn version(number: u8) -> Vec<u8> {
    tlv::encode(tag::INTEGER, &[number])
}
