//! Signers and forgeries for the tests: a SignedData every part of which a test can replace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use der::Encode;

use super::outcome::{SignatureOutcome, Signed, SignedError};
use super::read::read_signed;
use super::signing_certificate;
use super::{SigningRequest, default_signature_algorithm};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::cms::attributes::build;
use crate::cms::content_type::ContentType;
use crate::cms::elements::{
    INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, UTC_TIME, context, encode, encode_set,
};
use crate::fingerprint::Fingerprint;
use crate::ports::{HeldKey, KeyError, OaepParameters, RsaTransported, SecretKeys};
use crate::secret::SecretBytes;
pub(crate) use crate::testing::SystemRandom;
use crate::time::Time;
use crate::x509::algorithm_identifier::{digest_to, signature_to};
use crate::x509::digest::digest;
use crate::x509::{Certificate, KeyKind, SecretKey};

/// When everything in these tests happens: 2026-11-21.
pub(crate) const NOW: Time = Time::from_unix_seconds(1_795_262_400);

/// Somebody with a key and a certificate for it.
#[derive(Debug)]
pub(crate) struct Person {
    pub key: SecretKey,
    pub certificate: Certificate,
}

/// What a minted certificate says.
#[derive(Clone)]
pub(crate) struct Minted {
    pub common_name: &'static str,
    pub serial_number: u8,
    pub key_identifier: Vec<u8>,
}

impl Person {
    pub(crate) fn new(kind: KeyKind) -> Self {
        Self::minted(kind, &Minted { common_name: "Alice", serial_number: 1, key_identifier: vec![1; 20] })
    }

    pub(crate) fn minted(kind: KeyKind, minted: &Minted) -> Self {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let certificate = mint(&key, minted);
        Self { key, certificate }
    }

    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        algorithm(&self.key)
    }

    /// A request in this person's name; `keys` is `self` too.
    pub(crate) fn request<'a>(&'a self, certificates: &'a [Certificate]) -> SigningRequest<'a> {
        SigningRequest {
            keys: self,
            key: self.certificate.fingerprint(),
            certificates,
            algorithm: None,
            signing_time: NOW,
            encryption_certificate: None,
            capabilities: None,
            content_type: ContentType::Data,
            carried_evidence: &[],
            revocation_lists: &[],
            further_attributes: &[],
        }
    }
}

/// A self-signed certificate for the key; nobody asks here who issued it.
pub(crate) fn mint(key: &SecretKey, minted: &Minted) -> Certificate {
    let public_key = key.public_key();
    let algorithm = algorithm(key);
    let identifier = signature_to(algorithm, public_key.algorithm()).unwrap().to_der().unwrap();
    let name = name(minted.common_name);
    let validity =
        encode(SEQUENCE, &[&encode(UTC_TIME, &[b"250101000000Z"]), &encode(UTC_TIME, &[b"350101000000Z"])]);
    let to_be_signed = encode(
        SEQUENCE,
        &[
            &encode(context(0), &[&encode(INTEGER, &[&[2]])]),
            &encode(INTEGER, &[&[minted.serial_number]]),
            &identifier,
            &name,
            &validity,
            &name,
            public_key.as_der(),
            &encode(context(3), &[&encode(SEQUENCE, &[&key_identifier_extension(&minted.key_identifier)])]),
        ],
    );
    let signature = key.sign(algorithm, &to_be_signed).unwrap();
    let certificate = encode(SEQUENCE, &[&to_be_signed, &identifier, &encode(0x03, &[&[0], &signature])]);
    Certificate::from_der(&certificate).unwrap()
}

fn algorithm(key: &SecretKey) -> SignatureAlgorithm {
    let key = key.public_key();
    key.required_signature().or_else(|| default_signature_algorithm(key.algorithm())).unwrap()
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = encode(
        SEQUENCE,
        &[&encode(OBJECT_IDENTIFIER, &[&[0x55, 4, 3]]), &encode(0x0c, &[common_name.as_bytes()])],
    );
    encode(SEQUENCE, &[&encode(SET, &[&attribute])])
}

fn key_identifier_extension(identifier: &[u8]) -> Vec<u8> {
    let value = encode(OCTET_STRING, &[&encode(OCTET_STRING, &[identifier])]);
    encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[&[0x55, 0x1d, 0x0e]]), &value])
}

impl SecretKeys for Person {
    fn held(&self) -> &[HeldKey] {
        &[]
    }

    fn decrypt_rsa_pkcs1(&self, _: &Fingerprint, _: &[u8], _: usize) -> Result<RsaTransported, KeyError> {
        Err(KeyError::Unsuitable)
    }

    fn decrypt_rsa_oaep(
        &self,
        _: &Fingerprint,
        _: &OaepParameters,
        _: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Unsuitable)
    }

    fn agree(&self, _: &Fingerprint, _: &[u8]) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Unsuitable)
    }

    fn decapsulate(&self, _: &Fingerprint, _: &[u8]) -> Result<SecretBytes, KeyError> {
        Err(KeyError::Unsuitable)
    }

    fn sign(
        &self,
        key: &Fingerprint,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        if *key != self.certificate.fingerprint() {
            return Err(KeyError::Absent);
        }
        self.key.sign(algorithm, message)
    }
}

/// A SignedData in parts. As [`Forged::good`] makes it, it is good; a test then spoils one part.
pub(crate) struct Forged<'p> {
    pub person: &'p Person,
    pub outer_type: ContentType,
    pub content_type: ContentType,
    pub content: Option<Vec<u8>>,
    /// AlgorithmIdentifiers in digestAlgorithms.
    pub digest_algorithms: Vec<Vec<u8>>,
    /// DER of what stands in `certificates`.
    pub certificates: Vec<Vec<u8>>,
    /// DER of what stands in `crls`.
    pub revocations: Vec<Vec<u8>>,
    /// The SignerIdentifier.
    pub name: Vec<u8>,
    pub digest_algorithm: Vec<u8>,
    /// Attributes in DER; nothing for no signedAttrs.
    pub attributes: Option<Vec<Vec<u8>>>,
    /// What is done to the attributes before they are signed and sent.
    pub order: Order,
    pub algorithm: SignatureAlgorithm,
    pub signature_algorithm: Vec<u8>,
    /// The signature, where it is not to be made.
    pub signature: Option<Vec<u8>>,
    /// What follows the signature.
    pub unsigned_attributes: Vec<u8>,
    /// SignerInfos.
    pub copies: usize,
}

/// Which bytes are sent and which are signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// DER is sent and signed.
    Sorted,
    /// The attributes are sent and signed as the test gives them.
    AsGiven,
    /// They are sent as given, and DER is signed.
    SignedSorted,
    /// The signature is over the attributes with their implicit tag (RFC 5652 forbids it).
    SignedImplicit,
}

impl<'p> Forged<'p> {
    pub(crate) fn good(person: &'p Person, content: &[u8]) -> Self {
        let algorithm = person.algorithm();
        let digest_algorithm = super::request::content_digest(algorithm);
        let key = person.key.public_key().algorithm();
        Self {
            person,
            outer_type: ContentType::SignedData,
            content_type: ContentType::Data,
            content: Some(content.to_vec()),
            digest_algorithms: vec![digest_der(digest_algorithm)],
            certificates: vec![person.certificate.as_der().to_vec()],
            revocations: Vec::new(),
            name: issuer_and_serial_number(&person.certificate),
            digest_algorithm: digest_der(digest_algorithm),
            attributes: Some(vec![
                build::content_type(&ContentType::Data),
                build::signing_time(NOW),
                build::message_digest(&digest(digest_algorithm, content)),
                build::signing_certificate_v2(&signing_certificate::write(&person.certificate)),
            ]),
            order: Order::Sorted,
            algorithm,
            signature_algorithm: signature_to(algorithm, key).unwrap().to_der().unwrap(),
            signature: None,
            unsigned_attributes: Vec::new(),
            copies: 1,
        }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let identifier =
            |content_type: &ContentType| encode(OBJECT_IDENTIFIER, &[&content_type.object_identifier()]);
        let content = match &self.content {
            None => Vec::new(),
            Some(content) => encode(context(0), &[&encode(OCTET_STRING, &[content])]),
        };
        let optional = |number, list: &[Vec<u8>]| match list {
            [] => Vec::new(),
            list => encode(context(number), &[&list.concat()]),
        };
        let signed = encode(
            SEQUENCE,
            &[
                &encode(INTEGER, &[&[1]]),
                &encode(SET, &[&self.digest_algorithms.concat()]),
                &encode(SEQUENCE, &[&identifier(&self.content_type), &content]),
                &optional(0, &self.certificates),
                &optional(1, &self.revocations),
                &encode(SET, &[&self.signer_info().repeat(self.copies)]),
            ],
        );
        encode(SEQUENCE, &[&identifier(&self.outer_type), &encode(context(0), &[&signed])])
    }

    fn signer_info(&self) -> Vec<u8> {
        let (sent, signed) = match &self.attributes {
            None => (Vec::new(), self.content.clone().unwrap_or_default()),
            Some(attributes) => {
                let given = encode(SET, &[&attributes.concat()]);
                let sorted = encode_set(SET, attributes.clone());
                let (sent, signed) = match self.order {
                    Order::Sorted => (sorted.clone(), sorted),
                    Order::AsGiven => (given.clone(), given),
                    Order::SignedSorted => (given, sorted),
                    Order::SignedImplicit => (sorted.clone(), retagged(sorted)),
                };
                (retagged(sent), signed)
            }
        };
        let signature = match &self.signature {
            Some(signature) => signature.clone(),
            None => self.person.key.sign(self.algorithm, &signed).unwrap(),
        };
        encode(
            SEQUENCE,
            &[
                &encode(INTEGER, &[&[1]]),
                &self.name,
                &self.digest_algorithm,
                &sent,
                &self.signature_algorithm,
                &encode(OCTET_STRING, &[&signature]),
                &self.unsigned_attributes,
            ],
        )
    }

    /// What reading it says of its only signer.
    pub(crate) fn outcome(&self) -> SignatureOutcome {
        only_outcome(&read(&self.build()).unwrap())
    }
}

fn retagged(mut set: Vec<u8>) -> Vec<u8> {
    *set.first_mut().unwrap() = context(0);
    set
}

pub(crate) fn issuer_and_serial_number(certificate: &Certificate) -> Vec<u8> {
    encode(SEQUENCE, &[certificate.issuer_der(), &encode(INTEGER, &[certificate.serial_number()])])
}

pub(crate) fn digest_der(algorithm: DigestAlgorithm) -> Vec<u8> {
    digest_to(algorithm).to_der().unwrap()
}

/// Reads an object whose content is inside.
pub(crate) fn read(object: &[u8]) -> Result<Signed, SignedError> {
    read_signed(&mut Cursor::new(object), None, &[], &mut std::io::sink())
}

/// Reads an object whose content is beside it.
pub(crate) fn read_detached(object: &[u8], content: &[u8]) -> Result<Signed, SignedError> {
    read_signed(&mut Cursor::new(object), Some(&mut Cursor::new(content)), &[], &mut std::io::sink())
}

pub(crate) fn only_outcome(signed: &Signed) -> SignatureOutcome {
    match signed.signers.as_slice() {
        [signer] => signer.outcome,
        signers => panic!("{} signers", signers.len()),
    }
}
