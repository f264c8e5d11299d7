//! Messages between processes of ours, over a socket: a length, an octet that says what it is, and fields of
//! known number, each behind its length. The agent (`docs/formats/agent.md`) and the process that loads a
//! token's library (`docs/formats/token.md`) are spoken to like this.

use std::io::{self, Read, Write};

use counterseal_core::algorithm::DigestAlgorithm;
use zeroize::Zeroizing;

/// Octets of a message at most: the longest that is signed are signed attributes and certificates.
pub(crate) const MESSAGE_BYTES: usize = 256 << 10;

/// Octets that may come with secrets in them.
pub(crate) type Octets = Zeroizing<Vec<u8>>;

const DIGESTS: [DigestAlgorithm; 11] = [
    DigestAlgorithm::Md5,
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha224,
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
    DigestAlgorithm::Sha3_256,
    DigestAlgorithm::Sha3_384,
    DigestAlgorithm::Sha3_512,
    DigestAlgorithm::Shake128,
    DigestAlgorithm::Shake256,
];

/// A message that is being made.
pub(crate) struct Message(Octets);

impl Message {
    /// With nothing in it.
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// The octets, to be sent.
    pub(crate) fn into_octets(self) -> Octets {
        self.0
    }

    /// Adds what it says it is.
    pub(crate) fn kind(&mut self, kind: u8) -> &mut Self {
        self.0.push(kind);
        self
    }

    /// Adds a field.
    pub(crate) fn field(&mut self, field: &[u8]) -> &mut Self {
        // What does not fit into the length is larger than any message, and is refused where it is sent.
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.0.extend(length.to_be_bytes());
        self.0.extend(field);
        self
    }
}

/// The fields of a message that are left.
pub(crate) struct Fields<'m>(&'m [u8]);

impl<'m> Fields<'m> {
    /// Of a message, behind what it says it is.
    pub(crate) fn of(message: &'m [u8]) -> Option<(u8, Self)> {
        let (kind, fields) = message.split_first()?;
        Some((*kind, Self(fields)))
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Option<&'m [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
        self.0 = rest;
        Some(field)
    }

    /// The next one, which has just so many octets.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.next()?.try_into().ok()
    }

    /// Whether there is none left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing where some are left: such a message is none of ours.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The number of one of all.
pub(crate) fn index<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|other| other == one).unwrap_or(all.len());
    u8::try_from(place).unwrap_or(u8::MAX)
}

/// A digest algorithm as an octet.
pub(crate) fn digest(digest: DigestAlgorithm) -> u8 {
    index(&DIGESTS, &digest)
}

/// The digest algorithm of an octet.
pub(crate) fn digest_of(octet: u8) -> Option<DigestAlgorithm> {
    DIGESTS.get(usize::from(octet)).copied()
}

/// Sends one message.
pub(crate) fn send(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    if message.len() > MESSAGE_BYTES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)?;
    stream.flush()
}

/// Receives one message; nothing where the other side ended before one began.
pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Option<Octets>> {
    let mut length = [0; 4];
    match stream.read(&mut length)? {
        0 => return Ok(None),
        read => stream.read_exact(length.get_mut(read..).unwrap_or_default())?,
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_claims_to_be_large_gets_no_room() {
        let claim = u32::MAX.to_be_bytes();
        assert_eq!(receive(&mut &claim[..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(receive(&mut &[][..]).unwrap().is_none());
        assert!(receive(&mut &[0, 0][..]).is_err());
        assert!(send(&mut Vec::new(), &vec![0; MESSAGE_BYTES + 1]).is_err());
        let mut sent = Vec::new();
        send(&mut sent, b"hello").unwrap();
        assert_eq!(&receive(&mut &sent[..]).unwrap().unwrap()[..], b"hello");
    }
}
