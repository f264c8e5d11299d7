//! Opening what was sealed for us.

mod result;
#[cfg(test)]
mod tests;

use std::io::{self, SeekFrom, Write};

use super::content_cipher::{Beforehand, ContentError};
use super::enveloped::{Head, WithoutEnd};
use super::recipients::{Candidate, Recipients};
use crate::algorithm::ContentEncryption;
use crate::der::{DerError, Reader, Tag};
use crate::ports::{Random, SecretKeys, Source};
use crate::secret::SecretBytes;

pub use self::result::{Fault, OpenError, Opened, Warning};

/// What the person allows beyond the usual, and what opens a message beside secret keys.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Opens broken ciphers (single DES, RC2), which are refused otherwise.
    pub accept_weak_cipher: bool,
    /// Tries keys that the message does not name even where a failure is not noticed for sure. By
    /// itself that would answer an attacker's questions, so only a person may ask for it.
    pub try_keys: bool,
    /// For recipients that are a passphrase. Without it no key is ever derived.
    pub passphrase: Option<SecretBytes>,
    /// Keys that both sides have, by their identifiers.
    pub key_encryption_keys: Vec<(Vec<u8>, SecretBytes)>,
}

/// Opens EnvelopedData or AuthEnvelopedData (RFC 5652, section 6; RFC 5083) that stands in `input`
/// in BER or DER, from where it is now to its end.
///
/// `output` is a staging place: what is written there must not be used unless this function
/// returns [`Opened`]. The content is read once, in constant memory; once more where the cipher
/// needs to know its end first (CCM, ChaCha20-Poly1305), and for each further key to be tried.
///
/// # Errors
/// [`OpenError`]. Whatever is wrong with an encrypted key, a padding or a tag is one and the same
/// [`OpenError::Failed`], after the same work.
pub fn open(
    input: &mut dyn Source,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    options: &OpenOptions,
    output: &mut dyn Write,
) -> Result<Opened, OpenError> {
    open_with_key(input, keys, random, options, output).map(|(opened, _)| opened)
}

/// The same as [`open`], with the content-encryption key as it was in its box.
pub(super) fn open_with_key(
    input: &mut dyn Source,
    keys: &dyn SecretKeys,
    random: &mut dyn Random,
    options: &OpenOptions,
    output: &mut dyn Write,
) -> Result<(Opened, SecretBytes), OpenError> {
    let start = input.stream_position().map_err(OpenError::Io)?;
    let mut recipients = Recipients::new(keys, options);
    let head = Head::read(&mut Reader::new(&mut *input), |key_box| recipients.add(key_box))?;
    let cipher = head.cipher.algorithm();
    refuse_broken(cipher, options)?;
    let (recipients, candidates) = recipients.candidates(cipher)?;

    let mut message = Message { input, start, head, survey: Survey::default() };
    message.survey_if_needed()?;
    let chosen = message.choose(&candidates, keys)?;
    // Where nothing fits, a random key does the same work as a right one would have done.
    let random_key = message.head.cipher.generate_key(random);
    let key = chosen.as_ref().map_or(&random_key, |(_, key)| key);
    let is_good = message.decrypt(key, output)?;
    match chosen {
        Some((candidate, key)) if is_good => {
            let opened = Opened {
                warnings: warnings(&message.head, candidate),
                content_type: message.head.content_type,
                cipher,
                integrity: cipher.is_authenticated(),
                recipients,
                opened_by: candidate.fingerprint(),
            };
            Ok((opened, key))
        }
        _ if candidates.iter().any(|candidate| candidate.is_named) => Err(OpenError::Failed { recipients }),
        _ => Err(OpenError::NotForUs { recipients }),
    }
}

fn refuse_broken(cipher: ContentEncryption, options: &OpenOptions) -> Result<(), OpenError> {
    if cipher == ContentEncryption::Rc4 || (cipher.is_broken() && !options.accept_weak_cipher) {
        return Err(OpenError::WeakCipher { cipher });
    }
    Ok(())
}

fn warnings(head: &Head, candidate: &Candidate<'_>) -> Vec<Warning> {
    let cipher = head.cipher.algorithm();
    [
        (cipher.is_broken(), Warning::BrokenCipher),
        (cipher.is_outdated(), Warning::OutdatedCipher),
        (!cipher.is_authenticated(), Warning::NoIntegrity),
        (head.tag_is_inside(), Warning::AuthenticatedCipherInEnvelopedData),
        (!candidate.is_named, Warning::KeyNotNamed),
    ]
    .into_iter()
    .filter_map(|(applies, warning)| applies.then_some(warning))
    .collect()
}

/// A message whose head was read.
struct Message<'i> {
    input: &'i mut dyn Source,
    start: u64,
    head: Head,
    survey: Survey,
}

/// What stands behind the content, for ciphers that need it first.
#[derive(Default)]
struct Survey {
    attributes: Vec<u8>,
    length: u64,
}

impl Message<'_> {
    /// Finds the first candidate that opens its box, with the key from there.
    ///
    /// RSA PKCS#1 v1.5 always gives some key. With an authenticated cipher the tag says whether it
    /// is the right one. With CBC the first box that names us is the only one that is asked, and
    /// whatever comes of it is used: going on to another would tell an attacker that the padding
    /// was wrong (CVE-2019-1563). For the same reason what stands in for a key is not told from a
    /// real one, except where a person had unnamed keys tried.
    fn choose<'c, 'k>(
        &mut self,
        candidates: &'c [Candidate<'k>],
        keys: &dyn SecretKeys,
    ) -> Result<Option<(&'c Candidate<'k>, SecretBytes)>, OpenError> {
        for (index, candidate) in candidates.iter().enumerate() {
            let cipher = &self.head.cipher;
            let unboxed = candidate.open(keys, cipher.key_length());
            let Some(unboxed) = unboxed.and_then(|it| it.accepted_by(cipher)) else { continue };
            let is_last = index + 1 == candidates.len();
            let is_chosen = if candidate.notices_wrong_key() {
                true
            } else if self.head.cipher.algorithm().is_authenticated() {
                is_last || self.decrypt(&unboxed.key, &mut io::sink())?
            } else {
                candidate.is_named || !unboxed.is_rejection()
            };
            if is_chosen {
                return Ok(Some((candidate, unboxed.key)));
            }
        }
        Ok(None)
    }

    /// Decrypts the content under this key. Whether it is good is known only when all of it, and
    /// all that stands behind it, was read.
    fn decrypt(&mut self, key: &SecretBytes, output: &mut dyn Write) -> Result<bool, OpenError> {
        let head = &self.head;
        let mut reader = content_reader(self.input, self.start)?;
        let beforehand = Beforehand { associated: &self.survey.attributes, length: self.survey.length };
        let mut content = reader.string(Tag::context(0))?;
        let (outcome, tag_inside) = if head.tag_is_inside() {
            let mut front = WithoutEnd::new(&mut content, head.cipher.tag_length());
            let outcome = head.cipher.decrypt(key, beforehand, &mut front, output);
            (outcome, Some(front.into_end()))
        } else {
            (head.cipher.decrypt(key, beforehand, &mut content, output), None)
        };
        let unverified = match outcome {
            Ok(unverified) => Some(unverified),
            Err(ContentError::Failed | ContentError::TooLong) => None,
            Err(ContentError::Input(error)) => return Err(DerError::from_io(&error, 0).into()),
            Err(ContentError::Output(error)) => return Err(OpenError::Io(error)),
        };
        let tail = head.read_tail(reader)?;
        let tag = tag_inside.as_ref().unwrap_or(&tail.tag);
        let is_verified =
            unverified.is_some_and(|unverified| unverified.verify(&tail.attributes, tag).is_ok());
        Ok(is_verified && tail.agrees_with(&head.content_type))
    }

    fn survey_if_needed(&mut self) -> Result<(), OpenError> {
        if !self.head.cipher.wants_beforehand() {
            return Ok(());
        }
        let mut reader = content_reader(self.input, self.start)?;
        let mut content = reader.string(Tag::context(0))?;
        let length = io::copy(&mut content, &mut io::sink()).map_err(|error| DerError::from_io(&error, 0))?;
        let tail = self.head.read_tail(reader)?;
        let tag_inside = if self.head.tag_is_inside() { self.head.cipher.tag_length() as u64 } else { 0 };
        self.survey = Survey { attributes: tail.attributes, length: length.saturating_sub(tag_inside) };
        Ok(())
    }
}

/// A reader that stands before the encryptedContent.
fn content_reader(input: &mut dyn Source, start: u64) -> Result<Reader<&mut dyn Source>, OpenError> {
    input.seek(SeekFrom::Start(start)).map_err(OpenError::Io)?;
    let mut reader = Reader::new(input);
    Head::skip(&mut reader)?;
    Ok(reader)
}
