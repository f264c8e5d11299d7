//! What is called good is good by a second look: whole in memory, on the types of another crate, one rule after the other.
#![no_main]

use std::io::Cursor;

use counterseal_core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use counterseal_core::cms::{SignatureOutcome, Signer, read_signed};
use counterseal_core::der::to_der;
use der::{Decode, Encode};
use libfuzzer_sys::fuzz_target;
use sha2::Digest;

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
    let Ok(whole) = to_der(data) else { return false };
    let Ok(info) = cms::content_info::ContentInfo::from_der(&whole) else { return false };
    let Ok(signed) = info.content.decode_as::<cms::signed_data::SignedData>() else { return false };
    let Some(info) = signed.signer_infos.0.iter().nth(index).or(signed.signer_infos.0.iter().next()) else { return false };
    let (Some(certificate), Some(algorithm), Some(attributes)) =
        (&signer.certificate, signer.algorithm, &info.signed_attrs)
    else {
        return false;
    };
    // The digest attribute is the digest of what came out.
    let digest = match digest_of(algorithm, signer.digest) {
        Some(DigestAlgorithm::Sha256) => sha2::Sha256::digest(content).to_vec(),
        Some(DigestAlgorithm::Sha384) => sha2::Sha384::digest(content).to_vec(),
        Some(DigestAlgorithm::Sha512) => sha2::Sha512::digest(content).to_vec(),
        // Rarer ones are left to the tests with vectors.
        _ => return true,
    };
    let stated = attributes.iter().any(|attribute| {
        attribute.oid.to_string() == "1.2.840.113549.1.9.4"
            && attribute.values.iter().any(|value| value.value() == digest.as_slice())
    });
    let Ok(encoded) = attributes.to_der() else { return false };
    stated && certificate.public_key().verify(algorithm, &encoded, info.signature.as_bytes()).is_ok()
}

fn digest_of(algorithm: SignatureAlgorithm, digest: Option<DigestAlgorithm>) -> Option<DigestAlgorithm> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::Ecdsa(digest) => Some(digest),
        _ => digest,
    }
}
