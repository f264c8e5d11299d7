//! Several digests of one content, made in one pass.

use std::io::{self, ErrorKind, Read, Write};

use crate::algorithm::DigestAlgorithm;
use crate::der::DerError;
use crate::x509::digest::Hasher;

use super::outcome::SignedError;

/// Bytes that are read, digested and written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Digests of one content by their algorithm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digests(Vec<(DigestAlgorithm, Vec<u8>)>);

impl Digests {
    /// The digest of that algorithm, where it was made.
    pub(crate) fn get(&self, algorithm: DigestAlgorithm) -> Option<&[u8]> {
        self.0.iter().find(|(made, _)| *made == algorithm).map(|(_, digest)| digest.as_slice())
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Reads `content` to its end, passes it on to `output`, and digests it on the way.
    pub(crate) fn of(
        content: &mut dyn Read,
        algorithms: &[DigestAlgorithm],
        output: &mut dyn Write,
    ) -> Result<Self, SignedError> {
        let mut hashers: Vec<_> =
            algorithms.iter().map(|algorithm| (*algorithm, Hasher::new(*algorithm))).collect();
        copy(content, |bytes| {
            for (_, hasher) in &mut hashers {
                hasher.update(bytes);
            }
            output.write_all(bytes)
        })?;
        Ok(Self(hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect()))
    }
}

/// Hands all of `content` to `take`, piece by piece.
pub(crate) fn copy(
    content: &mut dyn Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), SignedError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                take(buffer.get(..count).unwrap_or_default())
                    .map_err(|error| SignedError::Io(error.kind()))?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(DerError::from_io(&error, 0).into()),
        }
    }
}
