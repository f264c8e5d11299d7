//! What is called good is good by a second look: whole in memory, on a tree of elements, with another implementation of the digests.
#![no_main]

use std::io::Cursor;

use counterseal_core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use counterseal_core::cms::{SignatureOutcome, Signer, read_signed};
use counterseal_core::der::{DerError, Reader, Tag, to_der};
use counterseal_fuzz::{Content, Element, LengthForm};
use libfuzzer_sys::fuzz_target;
use sha2::Digest;

/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04];

fuzz_target!(|data: &[u8]| {
    let mut content = Vec::new();
    let extra = counterseal_fuzz::certificates();
    let Ok(signed) = read_signed(&mut Cursor::new(data), None, extra, &mut content) else { return };
    for (index, signer) in signed.signers.iter().enumerate() {
        if signer.outcome == SignatureOutcome::Good {
            assert!(second_look(data, index, signer, &content), "good at first, not at second sight");
        }
    }
});

fn second_look(data: &[u8], index: usize, signer: &Signer, content: &[u8]) -> bool {
    let look = || {
        let infos = Element::parse(&to_der(&signer_infos(data).ok()?).ok()?)?;
        let info = infos.children().get(index)?;
        // version, sid, digestAlgorithm, signedAttrs, signatureAlgorithm, signature (RFC 5652, section 5.3)
        let attributes = info.children().get(3)?;
        let signature = info.children().get(5)?.bytes()?;
        let (certificate, algorithm) = (signer.certificate.as_ref()?, signer.algorithm?);
        let digest = match digest_of(algorithm, signer.digest) {
            Some(DigestAlgorithm::Sha256) => sha2::Sha256::digest(content).to_vec(),
            Some(DigestAlgorithm::Sha384) => sha2::Sha384::digest(content).to_vec(),
            Some(DigestAlgorithm::Sha512) => sha2::Sha512::digest(content).to_vec(),
            // Rarer ones are left to the tests with vectors.
            _ => return Some(true),
        };
        let stated =
            attributes.children().iter().any(|attribute| is_digest(attribute, &digest).unwrap_or(false));
        let verified = encodings(attributes)
            .iter()
            .any(|encoded| certificate.public_key().verify(algorithm, encoded, signature).is_ok());
        Some(stated && verified)
    };
    look().unwrap_or(false)
}

/// The last element of a SignedData; what stands before it may be broken, certificates above all.
fn signer_infos(data: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut reader = Reader::new(data);
    reader.enter(Tag::SEQUENCE)?;
    reader.skip()?;
    reader.enter(Tag::context(0))?;
    reader.enter(Tag::SEQUENCE)?;
    loop {
        let element = reader.element(data.len())?;
        if reader.at_end()? {
            return Ok(element);
        }
    }
}

/// Whether an attribute is messageDigest with this one value.
fn is_digest(attribute: &Element, digest: &[u8]) -> Option<bool> {
    let [kind, values] = attribute.children() else { return None };
    let [value] = values.children() else { return None };
    Some(kind.bytes()? == MESSAGE_DIGEST && value.bytes()? == digest)
}

/// The attributes as a SET OF, in the order in which they came and in the order of DER.
fn encodings(attributes: &Element) -> [Vec<u8>; 2] {
    let encode = |children: &[Element]| {
        let content = Content::Constructed(children.to_vec());
        Element { identifier: 0x31, length: LengthForm::Minimal, content }.encoded()
    };
    let mut sorted = attributes.children().to_vec();
    sorted.sort_by_key(Element::encoded);
    [encode(attributes.children()), encode(&sorted)]
}

fn digest_of(algorithm: SignatureAlgorithm, digest: Option<DigestAlgorithm>) -> Option<DigestAlgorithm> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::Ecdsa(digest) => Some(digest),
        _ => digest,
    }
}
