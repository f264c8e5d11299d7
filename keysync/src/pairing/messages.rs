//! The objects of pairing as DER: docs/formats/pairing.md.

use der::asn1::{Null, OctetString};
use der::{
    Choice, Decode as _, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Sequence,
    SliceReader, Tag, Writer,
};
use zeroize::Zeroizing;

use crate::channel::{ENCAPSULATED_BYTES, PUBLIC_KEY_BYTES, SHARE_BYTES};
use crate::limits;

/// The only version.
pub(super) const VERSION: u8 = 1;
/// The only suite.
pub(super) const SUITE: u8 = 1;
/// Bytes of hashes, nonces and commitments.
const HASH_BYTES: usize = 32;

/// Any object in a box, and either file.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub(super) enum Message {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Offer(Offer),
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    HelloS(HelloS),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    HelloD(HelloD),
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    Sealed(Sealed),
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", constructed = "true")]
    FileOffer(FileOffer),
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", constructed = "true")]
    FileAnswer(FileAnswer),
}

/// m1.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Offer {
    pub(super) version: u8,
    pub(super) suite: u8,
    pub(super) intent: u8,
    pub(super) method: u8,
    pub(super) public_key: Octets,
    pub(super) commitment: Octets,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) share: Option<Octets>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) name: Option<String>,
}

/// m2.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct HelloS {
    pub(super) offer: Octets,
    pub(super) enc: Octets,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) share: Option<Octets>,
    pub(super) sealed: Octets,
}

/// m3.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct HelloD {
    pub(super) offer: Octets,
    pub(super) hello: Octets,
    pub(super) response: Octets,
}

/// Whatever comes after m3.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Sealed {
    pub(super) offer: Octets,
    pub(super) hello: Octets,
    pub(super) ciphertext: Octets,
}

/// What is sealed in m2 and m3.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Introduction {
    pub(super) identity: Identity,
    pub(super) nonce: Octets,
    pub(super) signature: Octets,
}

/// Who one side is.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Identity {
    pub(super) certificates: Vec<Octets>,
    pub(super) name: String,
    pub(super) role: u8,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) account: Option<Octets>,
}

/// What is sealed after m3.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub(super) enum Content {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Seen(Null),
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Ready(Octets),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Grant(Part),
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    Done(Octets),
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", constructed = "true")]
    Abort(String),
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", constructed = "true")]
    Held(i64),
}

/// One part of a GRANT.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Part {
    pub(super) index: u8,
    pub(super) count: u8,
    pub(super) content: Octets,
}

/// m1 as a file.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct FileOffer {
    pub(super) offer: Octets,
    pub(super) introduction: Introduction,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) request: Option<Octets>,
}

/// m2 and the grant as a file.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct FileAnswer {
    pub(super) offer: Octets,
    pub(super) salt: Octets,
    pub(super) enc: Octets,
    pub(super) sealed: Octets,
}

/// What is sealed in a file.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct FileGrant {
    pub(super) introduction: Introduction,
    pub(super) payload: Octets,
}

/// Why an object cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is no object of pairing.
    Damaged,
    /// It is an offer of a later version, or with another suite.
    NewerVersion,
}

impl Message {
    /// Reads an object from a box.
    pub(super) fn parse(object: &[u8]) -> Result<Self, Unreadable> {
        if object.len() > limits::PAIRING_OBJECT_BYTES {
            return Err(Unreadable::Damaged);
        }
        let message = Self::read(object)?;
        match message {
            Self::FileOffer(_) | Self::FileAnswer(_) => Err(Unreadable::Damaged),
            Self::Offer(_) | Self::HelloS(_) | Self::HelloD(_) | Self::Sealed(_) => Ok(message),
        }
    }

    /// Reads a file.
    pub(super) fn parse_file(file: &[u8]) -> Result<Self, Unreadable> {
        if file.len() > limits::PAIRING_FILE_BYTES {
            return Err(Unreadable::Damaged);
        }
        Self::read(file)
    }

    fn read(object: &[u8]) -> Result<Self, Unreadable> {
        match Self::from_der(object) {
            Ok(message) if message.is_well_formed() => message.of_our_version(),
            Ok(_) => Err(Unreadable::Damaged),
            Err(_) if version_of_offer(object).is_some_and(|version| version > VERSION) => {
                Err(Unreadable::NewerVersion)
            }
            Err(_) => Err(Unreadable::Damaged),
        }
    }

    fn of_our_version(self) -> Result<Self, Unreadable> {
        match &self {
            Self::Offer(offer) if offer.version > VERSION || offer.suite > SUITE => {
                Err(Unreadable::NewerVersion)
            }
            Self::Offer(offer) if offer.version != VERSION || offer.suite != SUITE => {
                Err(Unreadable::Damaged)
            }
            _ => Ok(self),
        }
    }

    fn is_well_formed(&self) -> bool {
        let is_hash = |field: &Octets| field.as_bytes().len() == HASH_BYTES;
        let is_share = |field: &Octets| field.as_bytes().len() == SHARE_BYTES;
        match self {
            // Another suite has other lengths.
            Self::Offer(offer) if offer.suite != SUITE => true,
            Self::Offer(offer) => {
                offer.public_key.as_bytes().len() == PUBLIC_KEY_BYTES
                    && is_hash(&offer.commitment)
                    && offer.share.as_ref().is_none_or(is_share)
                    && offer.name.as_deref().is_none_or(is_name)
            }
            Self::HelloS(hello) => {
                is_hash(&hello.offer)
                    && hello.enc.as_bytes().len() == ENCAPSULATED_BYTES
                    && hello.share.as_ref().is_none_or(is_share)
            }
            Self::HelloD(hello) => is_hash(&hello.offer) && is_hash(&hello.hello),
            Self::Sealed(sealed) => is_hash(&sealed.offer) && is_hash(&sealed.hello),
            Self::FileOffer(_) => true,
            Self::FileAnswer(answer) => {
                is_hash(&answer.offer)
                    && answer.salt.as_bytes().len() == 16
                    && answer.enc.as_bytes().len() == ENCAPSULATED_BYTES
            }
        }
    }
}

/// Whether it may stand on the other one's screen as a name, and in the log of the account.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= limits::NAME_BYTES && !name.chars().any(char::is_control)
}

/// The version of an offer of which nothing else can be read.
fn version_of_offer(object: &[u8]) -> Option<u8> {
    let mut reader = SliceReader::new(object).ok()?;
    for _ in ["[0]", "SEQUENCE"] {
        Header::decode(&mut reader).ok()?;
    }
    let is_offer = object.first() == Some(&0xa0);
    is_offer.then(|| reader.decode::<u8>().ok()).flatten()
}

/// DER. The only error of encoding is a length that no memory holds.
pub(super) fn to_der(value: &impl Encode) -> Vec<u8> {
    value.to_der().unwrap_or_default()
}

/// An OCTET STRING, which is erased when dropped: some carry keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Octets(Zeroizing<Vec<u8>>);

impl Octets {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FixedTag for Octets {
    const TAG: Tag = Tag::OctetString;
}

impl<'a> DecodeValue<'a> for Octets {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let bytes = OctetString::decode_value(reader, header)?.into_bytes();
        Ok(Self(Zeroizing::new(bytes.into_vec())))
    }
}

impl EncodeValue for Octets {
    fn value_len(&self) -> der::Result<Length> {
        Length::try_from(self.0.len())
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(&self.0)
    }
}

/// An OCTET STRING of these bytes.
pub(super) fn octets(bytes: &[u8]) -> Octets {
    Octets(Zeroizing::new(bytes.to_vec()))
}

/// The 32 bytes of a field that was checked to have them.
pub(super) fn array(field: &Octets) -> [u8; 32] {
    field.as_bytes().first_chunk().copied().unwrap_or_default()
}
