//! EnvelopedData and AuthEnvelopedData in parts, each of which a case can replace.

use crate::asn1::{
    algorithm, bits, explicit, implicit, integer, null, number, octets, oid, retagged, seq, set,
};
use crate::keys::{Key, RSA_ENCRYPTION, SHA256, oaep_block, pkcs1_block};
use crate::people::Person;
use crate::primitives::{cbc, derived, gcm, key_wrap, pad, x963};

pub(crate) const DATA: &str = "1.2.840.113549.1.7.1";
pub(crate) const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
pub(crate) const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
pub(crate) const AUTH_ENVELOPED_DATA: &str = "1.2.840.113549.1.9.16.1.23";
pub(crate) const AES128_GCM: &str = "2.16.840.1.101.3.4.1.6";
pub(crate) const AES256_CBC: &str = "2.16.840.1.101.3.4.1.42";
pub(crate) const AES256_GCM: &str = "2.16.840.1.101.3.4.1.46";
pub(crate) const AES256_WRAP: &str = "2.16.840.1.101.3.4.1.45";
pub(crate) const CEK_HKDF: &str = "1.2.840.113549.1.9.16.3.31";
const ECDH_SHA256: &str = "1.3.132.1.11.1";
const RSA_OAEP: &str = "1.2.840.113549.1.1.7";

/// The text that bob reads where all is well.
pub(crate) const TEXT: &str = "Content-Type: text/plain; charset=us-ascii\r\n\r\nThe meeting is on Monday at nine, in the small room.\r\n";

/// The key of the content, the same in all files: the files differ in one thing each.
pub(crate) fn content_key(length: usize) -> Vec<u8> {
    derived("content key", length)
}

pub(crate) fn nonce(length: usize) -> Vec<u8> {
    derived("nonce", length)
}

/// A sealed object in parts.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) authenticated: bool,
    pub(crate) recipients: Vec<Vec<u8>>,
    pub(crate) content_type: String,
    pub(crate) cipher: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
    /// authAttrs as a SET; empty for none.
    pub(crate) attributes: Vec<u8>,
    pub(crate) tag: Vec<u8>,
    /// What follows the tag.
    pub(crate) tail: Vec<u8>,
}

impl Sealed {
    /// AES-256-CBC
    pub(crate) fn cbc(recipients: Vec<Vec<u8>>, padded: &[u8]) -> Self {
        let initial = nonce(16);
        Self {
            authenticated: false,
            recipients,
            content_type: DATA.into(),
            cipher: algorithm(AES256_CBC, &octets(&initial)),
            ciphertext: cbc(&content_key(32), &initial, padded),
            attributes: Vec::new(),
            tag: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// AES-256-CBC with the usual text.
    pub(crate) fn text_cbc(recipients: Vec<Vec<u8>>) -> Self {
        Self::cbc(recipients, &pad(TEXT.as_bytes(), 16))
    }

    /// AES-256-GCM as it should be, of the usual text.
    pub(crate) fn gcm(recipients: Vec<Vec<u8>>) -> Self {
        Self::gcm_with(recipients, &content_key(32), &nonce(12), &[], 16)
    }

    /// GCM with any nonce and tag, truthfully announced.
    pub(crate) fn gcm_with(
        recipients: Vec<Vec<u8>>,
        key: &[u8],
        nonce: &[u8],
        attributes: &[u8],
        tag_length: usize,
    ) -> Self {
        let (ciphertext, mut tag) = gcm(key, nonce, attributes, TEXT.as_bytes());
        tag.truncate(tag_length);
        let dotted = if key.len() == 16 { AES128_GCM } else { AES256_GCM };
        Self {
            authenticated: true,
            recipients,
            content_type: DATA.into(),
            cipher: algorithm(dotted, &gcm_parameters(nonce, Some(tag_length as u64))),
            ciphertext,
            attributes: attributes.to_vec(),
            tag,
            tail: Vec::new(),
        }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let content = seq(&[&oid(&self.content_type), &self.cipher, &implicit(0, &self.ciphertext)]);
        let (kind, version) = if self.authenticated { (AUTH_ENVELOPED_DATA, 0) } else { (ENVELOPED_DATA, 2) };
        let attributes = match self.attributes.is_empty() {
            true => Vec::new(),
            false => retagged(self.attributes.clone(), 0xa1),
        };
        let tag = if self.tag.is_empty() && !self.authenticated { Vec::new() } else { octets(&self.tag) };
        let recipients: Vec<&[u8]> = self.recipients.iter().map(Vec::as_slice).collect();
        let inner = seq(&[&number(version), &set(&recipients), &content, &attributes, &tag, &self.tail]);
        seq(&[&oid(kind), &explicit(0, &inner)])
    }
}

/// GCMParameters (RFC 5084, section 3.2).
pub(crate) fn gcm_parameters(nonce: &[u8], tag_length: Option<u64>) -> Vec<u8> {
    seq(&[&octets(nonce), &tag_length.map(number).unwrap_or_default()])
}

/// IssuerAndSerialNumber
pub(crate) fn name_of(person: &Person) -> Vec<u8> {
    seq(&[&person.template.issuer, &integer(&person.template.serial)])
}

/// KeyTransRecipientInfo with any padding identifier and encrypted key.
pub(crate) fn transport(reader: &Person, identifier: &[u8], encrypted: &[u8]) -> Vec<u8> {
    seq(&[&number(0), &name_of(reader), identifier, &octets(encrypted)])
}

/// With PKCS#1 v1.5, from a whole block.
pub(crate) fn pkcs1_of(reader: &Person, block: &[u8]) -> Vec<u8> {
    transport(reader, &algorithm(RSA_ENCRYPTION, &null()), &reader.key.raw_public(block))
}

/// With PKCS#1 v1.5, as it should be.
pub(crate) fn pkcs1(reader: &Person, key: &[u8]) -> Vec<u8> {
    pkcs1_of(reader, &pkcs1_block(256, key))
}

/// The AlgorithmIdentifier of OAEP with SHA-256 for both purposes.
pub(crate) fn oaep_identifier() -> Vec<u8> {
    let digest = algorithm(SHA256, &[]);
    let mask = algorithm("1.2.840.113549.1.1.8", &digest);
    algorithm(RSA_OAEP, &seq(&[&explicit(0, &digest), &explicit(1, &mask)]))
}

/// With OAEP, its data block spoilt.
pub(crate) fn oaep(reader: &Person, key: &[u8], spoil: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let block = oaep_block(256, key, spoil);
    transport(reader, &oaep_identifier(), &reader.key.raw_public(&block))
}

/// A KeyAgreeRecipientInfo in parts.
pub(crate) struct Agreement {
    pub(crate) reader: Vec<u8>,
    pub(crate) originator_algorithm: Vec<u8>,
    pub(crate) point: Vec<u8>,
    pub(crate) scheme: Vec<u8>,
    pub(crate) encrypted_key: Vec<u8>,
}

impl Agreement {
    /// ECDH on P-256, as it should be.
    pub(crate) fn p256(reader: &Person, key: &[u8]) -> Self {
        let ephemeral = Key::p256("ephemeral");
        let wrap = algorithm(AES256_WRAP, &[]);
        let encrypted_key = key_wrap(&wrapping_key(&ephemeral.agree(&reader.key), &wrap), key);
        Self {
            reader: name_of(reader),
            originator_algorithm: algorithm("1.2.840.10045.2.1", &[]),
            point: ephemeral.public(),
            scheme: algorithm(ECDH_SHA256, &wrap),
            encrypted_key,
        }
    }

    /// X25519 with HKDF (RFC 8418), with a say in the peer's point and the agreed secret.
    pub(crate) fn x25519(reader: &Person, key: &[u8], point: Option<Vec<u8>>) -> Self {
        let ephemeral = Key::x25519("ephemeral");
        let wrap = algorithm(AES256_WRAP, &[]);
        let agreed = if point.is_some() { vec![0; 32] } else { ephemeral.agree(&reader.key) };
        let wrapping = crate::primitives::hkdf(&agreed, &[], &shared_info(&wrap), 32);
        Self {
            reader: name_of(reader),
            originator_algorithm: algorithm("1.3.101.110", &[]),
            point: point.unwrap_or_else(|| ephemeral.public()),
            scheme: algorithm("1.2.840.113549.1.9.16.3.19", &wrap),
            encrypted_key: key_wrap(&wrapping, key),
        }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let originator =
            explicit(0, &explicit(1, &[self.originator_algorithm.clone(), bits(&self.point)].concat()));
        let reader = seq(&[&self.reader, &octets(&self.encrypted_key)]);
        let fields = [number(3), originator, self.scheme.clone(), seq(&[&reader])];
        explicit(1, &fields.concat())
    }
}

/// The wrapping key that follows from an agreed secret.
pub(crate) fn wrapping_key(agreed: &[u8], wrap: &[u8]) -> Vec<u8> {
    x963(agreed, &shared_info(wrap), 32)
}

/// ECC-CMS-SharedInfo (RFC 5753, section 7.2).
fn shared_info(wrap: &[u8]) -> Vec<u8> {
    seq(&[wrap, &explicit(2, &octets(&256_u32.to_be_bytes()))])
}

/// PasswordRecipientInfo: PBKDF2 with HMAC-SHA256, then RFC 3211 over the given block.
pub(crate) fn passphrase(iterations: u64, derived_key: &[u8], block: &[u8]) -> Vec<u8> {
    let initial = derived("wrap", 16);
    let function = algorithm("1.2.840.113549.2.9", &null());
    let parameters = seq(&[&octets(b"salt of 16 bytes"), &number(iterations), &number(32), &function]);
    let derivation = retagged(algorithm("1.2.840.113549.1.5.12", &parameters), 0xa0);
    let wrap = algorithm("1.2.840.113549.1.9.16.3.9", &algorithm(AES256_CBC, &octets(&initial)));
    let encrypted = wrap_twice(derived_key, &initial, block);
    explicit(3, &[number(0), derivation, wrap, octets(&encrypted)].concat())
}

/// RFC 3211, section 2.3.1: the block is encrypted twice, the second time after its own end.
fn wrap_twice(key: &[u8], initial: &[u8], block: &[u8]) -> Vec<u8> {
    if block.len() < 16 || !block.len().is_multiple_of(16) {
        return block.to_vec();
    }
    let once = cbc(key, initial, block);
    cbc(key, &once[once.len() - 16..], &once)
}

/// The block of RFC 3211 for a content key: length, check octets, key, padding.
pub(crate) fn wrap_block(key: &[u8]) -> Vec<u8> {
    let check: Vec<u8> = key[..3].iter().map(|octet| !octet).collect();
    let mut block = [&[key.len() as u8][..], &check, key].concat();
    let padding = derived("wrap padding", block.len().next_multiple_of(16) - block.len());
    block.extend(padding);
    block
}
