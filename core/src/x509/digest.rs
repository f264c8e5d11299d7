//! Message digests, chosen at run time (FIPS 180-4, FIPS 202, RFC 8702).

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_384, Sha3_512};
use shake::{ExtendableOutput as _, Shake128, Shake256, Update as _};

use crate::algorithm::DigestAlgorithm;

/// A digest in the making.
#[derive(Clone)]
pub(crate) struct Hasher(State);

#[derive(Clone)]
enum State {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
    Sha3_256(Sha3_256),
    Sha3_384(Sha3_384),
    Sha3_512(Sha3_512),
    Shake128(Shake128),
    Shake256(Shake256),
}

impl Hasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Md5 => State::Md5(Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha1(Sha1::new()),
            DigestAlgorithm::Sha224 => State::Sha224(Sha224::new()),
            DigestAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(Sha512::new()),
            DigestAlgorithm::Sha3_256 => State::Sha3_256(Sha3_256::new()),
            DigestAlgorithm::Sha3_384 => State::Sha3_384(Sha3_384::new()),
            DigestAlgorithm::Sha3_512 => State::Sha3_512(Sha3_512::new()),
            DigestAlgorithm::Shake128 => State::Shake128(Shake128::default()),
            DigestAlgorithm::Shake256 => State::Shake256(Shake256::default()),
        })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md5(state) => sha2::Digest::update(state, bytes),
            State::Sha1(state) => sha2::Digest::update(state, bytes),
            State::Sha224(state) => sha2::Digest::update(state, bytes),
            State::Sha256(state) => sha2::Digest::update(state, bytes),
            State::Sha384(state) => sha2::Digest::update(state, bytes),
            State::Sha512(state) => sha2::Digest::update(state, bytes),
            State::Sha3_256(state) => sha2::Digest::update(state, bytes),
            State::Sha3_384(state) => sha2::Digest::update(state, bytes),
            State::Sha3_512(state) => sha2::Digest::update(state, bytes),
            State::Shake128(state) => state.update(bytes),
            State::Shake256(state) => state.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Md5(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha224(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha384(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
            State::Sha3_256(state) => state.finalize().to_vec(),
            State::Sha3_384(state) => state.finalize().to_vec(),
            State::Sha3_512(state) => state.finalize().to_vec(),
            State::Shake128(state) => state.finalize_boxed(32).into_vec(),
            State::Shake256(state) => state.finalize_boxed(64).into_vec(),
        }
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The digest of `bytes`.
pub(crate) fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Length of the digest in bytes.
pub(crate) const fn length(algorithm: DigestAlgorithm) -> usize {
    match algorithm {
        DigestAlgorithm::Md5 => 16,
        DigestAlgorithm::Sha1 => 20,
        DigestAlgorithm::Sha224 => 28,
        DigestAlgorithm::Sha256 | DigestAlgorithm::Sha3_256 | DigestAlgorithm::Shake128 => 32,
        DigestAlgorithm::Sha384 | DigestAlgorithm::Sha3_384 => 48,
        DigestAlgorithm::Sha512 | DigestAlgorithm::Sha3_512 | DigestAlgorithm::Shake256 => 64,
    }
}

/// MGF1 (RFC 8017, appendix B.2.1), applied to `masked` in place. With SHAKE the mask is its own
/// output, as long as is needed (RFC 8702, section 2.1).
pub(crate) fn mask_generation(algorithm: DigestAlgorithm, seed: &[u8], masked: &mut [u8]) {
    let shaken = match algorithm {
        DigestAlgorithm::Shake128 => Some(Shake128::default().chain(seed).finalize_boxed(masked.len())),
        DigestAlgorithm::Shake256 => Some(Shake256::default().chain(seed).finalize_boxed(masked.len())),
        _ => None,
    };
    if let Some(mask) = shaken {
        masked.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        return;
    }
    for (counter, chunk) in (0_u32..).zip(masked.chunks_mut(length(algorithm))) {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(seed);
        hasher.update(&counter.to_be_bytes());
        let mask = zeroize::Zeroizing::new(hasher.finish());
        chunk.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_digests_of_abc() {
        let first_bytes = [
            (DigestAlgorithm::Md5, "900150983cd24fb0"),
            (DigestAlgorithm::Sha1, "a9993e364706816a"),
            (DigestAlgorithm::Sha224, "23097d223405d822"),
            (DigestAlgorithm::Sha256, "ba7816bf8f01cfea"),
            (DigestAlgorithm::Sha384, "cb00753f45a35e8b"),
            (DigestAlgorithm::Sha512, "ddaf35a193617aba"),
            (DigestAlgorithm::Sha3_256, "3a985da74fe225b2"),
            (DigestAlgorithm::Sha3_384, "ec01498288516fc9"),
            (DigestAlgorithm::Sha3_512, "b751850b1a57168a"),
            (DigestAlgorithm::Shake128, "5881092dd818bf5c"),
            (DigestAlgorithm::Shake256, "483366601360a877"),
        ];
        for (algorithm, expected) in first_bytes {
            let value = digest(algorithm, b"abc");
            assert!(hex(&value).starts_with(expected), "{}", algorithm.name());
            assert_eq!(value.len(), length(algorithm));
        }
    }
}
