//! What reading a SignedData says, in words that a table of expected results can hold.

use std::io::Cursor;

use counterseal_core::cms::{SignatureOutcome, Signed, SignedError, read_signed};
use counterseal_core::ports::Source;
use counterseal_core::x509::{Certificate, pem};

/// One word for each signer, or one for an object that cannot be read.
pub fn words(read: &Result<Signed, SignedError>) -> Vec<&'static str> {
    match read {
        Ok(signed) => signed.signers.iter().map(|signer| word(signer.outcome)).collect(),
        Err(SignedError::Malformed(_)) => vec!["malformed"],
        Err(SignedError::OtherContent(_)) => vec!["other-content"],
        Err(SignedError::ContentMissing) => vec!["content-missing"],
        Err(SignedError::ContentTwice) => vec!["content-twice"],
        Err(SignedError::NotOnlyCertificates | SignedError::Limit(_) | SignedError::Io(_)) => vec!["other"],
    }
}

fn word(outcome: SignatureOutcome) -> &'static str {
    match outcome {
        SignatureOutcome::Good => "good",
        SignatureOutcome::CertificateMissing => "certificate-missing",
        SignatureOutcome::Bad(fault) => fault.word(),
        SignatureOutcome::Weak(weakness) => weakness.word(),
    }
}

/// Reads an object in DER, BER or PEM; a detached content beside it.
pub fn read(
    object: &[u8],
    detached: Option<&[u8]>,
    extra: &[Certificate],
) -> (Result<Signed, SignedError>, Vec<u8>) {
    let object = unarmoured(object);
    let mut content = Vec::new();
    let mut detached = detached.map(Cursor::new);
    let beside = detached.as_mut().map(|beside| beside as &mut dyn Source);
    let read = read_signed(&mut Cursor::new(object), beside, extra, &mut content);
    (read, content)
}

/// The certificate of a file in DER or PEM.
pub fn certificate(file: &[u8]) -> Certificate {
    let blocks = pem::blocks(file);
    let block = blocks.iter().find(|(label, _)| label == "CERTIFICATE");
    Certificate::from_der(block.map_or(file, |(_, bytes)| bytes.expose())).unwrap()
}

fn unarmoured(file: &[u8]) -> Vec<u8> {
    pem::blocks(file).first().map_or_else(|| file.to_vec(), |(_, bytes)| bytes.expose().to_vec())
}
