//! SignedData in parts, each of which a case can replace.

use crate::asn1::{algorithm, explicit, number, octets, oid, retagged, seq, set, set_of};
use crate::keys::{Key, SHA256, utc_time};
use crate::people::Person;
use crate::primitives::sha256;
use crate::sealed::{DATA, SIGNED_DATA, name_of};

pub(crate) const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub(crate) const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub(crate) const SIGNING_TIME: &str = "1.2.840.113549.1.9.5";

/// What alice says where all is well.
pub(crate) const CONTENT: &str =
    "Content-Type: text/plain; charset=us-ascii\r\n\r\nPlease pay Carol ten, not a hundred.\r\n";

/// One SignerInfo in parts.
#[derive(Clone)]
pub(crate) struct SignerInfo {
    pub(crate) key: Key,
    pub(crate) name: Vec<u8>,
    pub(crate) digest_algorithm: Vec<u8>,
    /// Attributes; nothing for none at all.
    pub(crate) attributes: Option<Vec<Vec<u8>>>,
    pub(crate) signature_algorithm: Vec<u8>,
    /// The signature, where it is not simply made.
    pub(crate) signature: Option<Vec<u8>>,
    /// Sign the attributes under their tag [0] instead of SET.
    pub(crate) signed_as_sent: bool,
    pub(crate) unsigned: Vec<Vec<u8>>,
}

impl SignerInfo {
    pub(crate) fn good(person: &Person, content: &[u8]) -> Self {
        Self {
            key: person.key.clone(),
            name: name_of(person),
            digest_algorithm: algorithm(SHA256, &[]),
            attributes: Some(vec![
                attribute(CONTENT_TYPE, &[&oid(DATA)]),
                attribute(SIGNING_TIME, &[&utc_time("261121120000Z")]),
                attribute(MESSAGE_DIGEST, &[&octets(&sha256(content))]),
            ]),
            signature_algorithm: person.key.usual(),
            signature: None,
            signed_as_sent: false,
            unsigned: Vec::new(),
        }
    }

    /// The octets that the signature covers.
    pub(crate) fn message(&self, content: &[u8]) -> Vec<u8> {
        match &self.attributes {
            None => content.to_vec(),
            Some(attributes) if self.signed_as_sent => retagged(set_of(attributes.clone()), 0xa0),
            Some(attributes) => set_of(attributes.clone()),
        }
    }

    fn build(&self, content: &[u8]) -> Vec<u8> {
        let signature = self.signature.clone().unwrap_or_else(|| self.key.sign(&self.message(content)));
        let attributes = self.attributes.clone().map(|attributes| retagged(set_of(attributes), 0xa0));
        let unsigned = match self.unsigned.as_slice() {
            [] => Vec::new(),
            unsigned => retagged(set_of(unsigned.to_vec()), 0xa1),
        };
        let version = if self.name.first() == Some(&0x80) { 3 } else { 1 };
        seq(&[
            &number(version),
            &self.name,
            &self.digest_algorithm,
            &attributes.unwrap_or_default(),
            &self.signature_algorithm,
            &octets(&signature),
            &unsigned,
        ])
    }
}

/// A SignedData in parts.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) outer_type: String,
    pub(crate) digest_algorithms: Vec<Vec<u8>>,
    pub(crate) content_type: String,
    pub(crate) content: Vec<u8>,
    /// Whether the content goes inside.
    pub(crate) attached: bool,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) revocation_lists: Vec<Vec<u8>>,
    pub(crate) signers: Vec<SignerInfo>,
}

impl Signed {
    /// Attached and good.
    pub(crate) fn good(person: &Person, content: &[u8]) -> Self {
        Self {
            outer_type: SIGNED_DATA.into(),
            digest_algorithms: vec![algorithm(SHA256, &[])],
            content_type: DATA.into(),
            content: content.to_vec(),
            attached: true,
            certificates: vec![person.certificate.clone()],
            revocation_lists: Vec::new(),
            signers: vec![SignerInfo::good(person, content)],
        }
    }

    pub(crate) fn detached(mut self) -> Self {
        self.attached = false;
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let content = match self.attached {
            true => explicit(0, &octets(&self.content)),
            false => Vec::new(),
        };
        let list = |number, items: &[Vec<u8>]| match items {
            [] => Vec::new(),
            items => explicit(number, &items.concat()),
        };
        let signers: Vec<u8> = self.signers.iter().flat_map(|signer| signer.build(&self.content)).collect();
        let inner = seq(&[
            &number(1),
            &set(&[&self.digest_algorithms.concat()]),
            &seq(&[&oid(&self.content_type), &content]),
            &list(0, &self.certificates),
            &list(1, &self.revocation_lists),
            &set(&[&signers]),
        ]);
        seq(&[&oid(&self.outer_type), &explicit(0, &inner)])
    }
}

/// An Attribute with these values.
pub(crate) fn attribute(kind: &str, values: &[&[u8]]) -> Vec<u8> {
    seq(&[&oid(kind), &set(values)])
}
