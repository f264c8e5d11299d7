//! Keyring files: `gpg --export`, armored or binary, several one after the other, or the answer of
//! a web key directory.

use std::collections::BTreeMap;
use std::io::Read as _;

use sequoia_openpgp::armor::{Reader, ReaderMode};
use sequoia_openpgp::cert::raw::{RawCert, RawCertParser};
use sequoia_openpgp::packet::Header;
use sequoia_openpgp::parse::Parse as _;

use super::import::ImportError;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;

/// The certificates of some keyrings, split but not yet looked into.
#[derive(Debug, Default)]
pub(super) struct Keyring<'a> {
    /// By fingerprint; a certificate that came in several parts or versions has all of them.
    pub(super) certificates: BTreeMap<OpenPgpFingerprint, Vec<RawCert<'a>>>,
    /// Pieces that are no certificate.
    pub(super) skipped: usize,
}

impl<'a> Keyring<'a> {
    /// Splits keyrings into their certificates.
    pub(super) fn split(keyrings: &[&'a [u8]]) -> Result<Self, ImportError> {
        if keyrings.iter().map(|bytes| bytes.len()).sum::<usize>() > limits::OPENPGP_KEYRING_BYTES {
            return Err(ImportError::TooLarge);
        }
        let mut keyring = Self::default();
        for bytes in keyrings {
            keyring.take(bytes)?;
        }
        Ok(keyring)
    }

    fn take(&mut self, bytes: &'a [u8]) -> Result<(), ImportError> {
        if bytes.first().is_none_or(|first| first & 0x80 != 0) {
            return self.take_binary(bytes, |certificate| certificate);
        }
        let blocks = armored_blocks(bytes);
        if blocks.is_empty() {
            return Err(ImportError::NoKeyring);
        }
        for block in blocks {
            self.take_binary(&block, |certificate| certificate.into_owned())?;
        }
        Ok(())
    }

    fn take_binary<'b>(
        &mut self,
        bytes: &'b [u8],
        kept: impl Fn(RawCert<'b>) -> RawCert<'a>,
    ) -> Result<(), ImportError> {
        // What begins with no packet the parser would take for armored, once more.
        if !bytes.is_empty() && Header::from_bytes(bytes).is_err() {
            return Err(ImportError::NoKeyring);
        }
        let parser = RawCertParser::from_bytes(bytes).map_err(|_| ImportError::NoKeyring)?;
        for certificate in parser {
            let Ok(certificate) = certificate.map(&kept) else {
                self.skipped += 1;
                continue;
            };
            let Some(fingerprint) = fingerprint_of(&certificate.fingerprint()) else {
                self.skipped += 1;
                continue;
            };
            self.certificates.entry(fingerprint).or_default().push(certificate);
            if self.certificates.len() > limits::OPENPGP_CERTIFICATES {
                return Err(ImportError::TooManyCertificates);
            }
        }
        Ok(())
    }
}

/// The octets of armored blocks, each by itself (RFC 9580, section 6.2).
///
/// The armor comes off before anything is split: a parser that reads through it makes room for as
/// many octets as a packet says that it has.
fn armored_blocks(text: &[u8]) -> Vec<Vec<u8>> {
    const BEGIN: &[u8] = b"-----BEGIN PGP";
    let starts: Vec<usize> =
        memchr::memmem::find_iter(text, BEGIN).take(limits::OPENPGP_CERTIFICATES).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let blocks = starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end));
    blocks.filter_map(dearmored).collect()
}

/// What is inside one armored block.
pub(super) fn dearmored(block: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut reader = Reader::from_bytes(block, ReaderMode::Tolerant(None));
    reader.read_to_end(&mut octets).ok()?;
    Some(octets)
}

/// The packets of one certificate of a keyring, in all parts that it has there, without armor.
#[must_use]
pub fn certificate_in(keyring: &[u8], fingerprint: &OpenPgpFingerprint) -> Option<Vec<u8>> {
    let keyring = Keyring::split(&[keyring]).ok()?;
    let parts = keyring.certificates.get(fingerprint)?;
    Some(parts.iter().flat_map(|part| part.as_bytes().to_vec()).collect())
}

/// Our own form of a fingerprint; keys of version 3 and of unknown versions have none.
pub(super) fn fingerprint_of(fingerprint: &sequoia_openpgp::Fingerprint) -> Option<OpenPgpFingerprint> {
    OpenPgpFingerprint::from_bytes(fingerprint.as_bytes())
}
