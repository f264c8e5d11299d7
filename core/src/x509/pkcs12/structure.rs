//! The ASN.1 types of RFC 7292, appendix D, as far as they are read here.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Reader, Sequence, SliceReader, Tag, Tagged};
use spki::AlgorithmIdentifierRef;

use super::Pkcs12Error;
use crate::secret::SecretBytes;

pub(super) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(super) const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
pub(super) const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");

/// The outermost structure, with the octets that its MAC covers.
#[derive(Sequence)]
pub(super) struct Pfx<'a> {
    version: u8,
    auth_safe: ContentInfo<'a>,
    pub(super) mac_data: Option<MacData<'a>>,
}

impl<'a> Pfx<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Pkcs12Error> {
        let pfx = Self::from_der(der).map_err(|_| malformed("PFX"))?;
        if pfx.version != 3 {
            return Err(Pkcs12Error::Unsupported { what: format!("PFX version {}", pfx.version) });
        }
        match pfx.auth_safe.content_type {
            DATA if pfx.auth_safe.content.tag() == Tag::OctetString => Ok(pfx),
            DATA => Err(malformed("PFX")),
            SIGNED_DATA => Err(Pkcs12Error::Unsupported { what: "integrity by a signature".into() }),
            other => Err(Pkcs12Error::Unsupported { what: other.to_string() }),
        }
    }

    /// BER of the AuthenticatedSafe.
    pub(super) fn authenticated_safe(&self) -> &'a [u8] {
        self.auth_safe.content.value()
    }
}

/// RFC 5652, section 3.
#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

/// RFC 7292, section 4.
#[derive(Sequence)]
pub(super) struct MacData<'a> {
    pub(super) mac: DigestInfo<'a>,
    pub(super) salt: &'a OctetStringRef,
    #[asn1(default = "one_iteration")]
    pub(super) iterations: u32,
}

fn one_iteration() -> u32 {
    1
}

/// RFC 8017, appendix A.2.4.
#[derive(Sequence)]
pub(super) struct DigestInfo<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) digest: &'a OctetStringRef,
}

/// RFC 5652, section 8; its unprotected attributes are of no use here.
#[derive(Sequence)]
pub(super) struct EncryptedData<'a> {
    version: u8,
    pub(super) content: EncryptedContentInfo<'a>,
    unprotected_attributes: Option<AnyRef<'a>>,
}

/// RFC 5652, section 6.1. The encrypted content is `[0] IMPLICIT OCTET STRING`, in one piece or in
/// several.
#[derive(Sequence)]
pub(super) struct EncryptedContentInfo<'a> {
    content_type: ObjectIdentifier,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    encrypted_content: AnyRef<'a>,
}

impl EncryptedContentInfo<'_> {
    /// The ciphertext in one piece.
    pub(super) fn ciphertext(&self) -> Result<Vec<u8>, Pkcs12Error> {
        let mut ciphertext = Vec::new();
        match self.encrypted_content.tag() {
            Tag::ContextSpecific { constructed: false, .. } => {
                ciphertext.extend_from_slice(self.encrypted_content.value());
            }
            Tag::ContextSpecific { constructed: true, .. } => {
                for piece in values(self.encrypted_content.value(), "EncryptedContentInfo")? {
                    let piece = piece.decode_as::<&OctetStringRef>();
                    let piece = piece.map_err(|_| malformed("EncryptedContentInfo"))?;
                    ciphertext.extend_from_slice(piece.as_bytes());
                }
            }
            _ => return Err(malformed("EncryptedContentInfo")),
        }
        Ok(ciphertext)
    }
}

/// RFC 5958, section 3.
#[derive(Sequence)]
pub(super) struct EncryptedPrivateKeyInfo<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) encrypted_data: &'a OctetStringRef,
}

/// RFC 7292, section 4.2. The attributes are a SET in any order.
#[derive(Sequence)]
pub(super) struct SafeBag<'a> {
    pub(super) bag: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
    pub(super) attributes: Option<AnyRef<'a>>,
}

/// RFC 7292, section 4.2.3.
#[derive(Sequence)]
pub(super) struct CertBag<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
}

/// RFC 7292, section 4.2: a name and a SET of values.
#[derive(Sequence)]
pub(super) struct Attribute<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) values: AnyRef<'a>,
}

/// The elements of a SEQUENCE OF or SET OF, from its content octets.
pub(super) fn values<'a>(content: &'a [u8], what: &'static str) -> Result<Vec<AnyRef<'a>>, Pkcs12Error> {
    let mut reader = SliceReader::new(content).map_err(|_| malformed(what))?;
    let mut values = Vec::new();
    while !reader.is_finished() {
        values.push(AnyRef::decode(&mut reader).map_err(|_| malformed(what))?);
    }
    Ok(values)
}

/// The elements of the SEQUENCE that `der` is.
pub(super) fn sequence<'a>(der: &'a [u8], what: &'static str) -> Result<Vec<AnyRef<'a>>, Pkcs12Error> {
    let sequence = AnyRef::from_der(der).map_err(|_| malformed(what))?;
    if sequence.tag() != Tag::Sequence {
        return Err(malformed(what));
    }
    values(sequence.value(), what)
}

/// DER of what NSS, old Windows and Java write in BER. Octets may be secret, so they are erased.
pub(super) fn definite(ber: &[u8]) -> Result<SecretBytesRef, Pkcs12Error> {
    let der = crate::der::to_der(ber).map_err(|_| malformed("PKCS#12 structure"))?;
    Ok(SecretBytesRef(SecretBytes::new(der)))
}

/// Secret bytes that read as a slice.
pub(super) struct SecretBytesRef(SecretBytes);

impl std::ops::Deref for SecretBytesRef {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.expose()
    }
}

pub(super) fn malformed(what: &'static str) -> Pkcs12Error {
    Pkcs12Error::Malformed { what }
}
