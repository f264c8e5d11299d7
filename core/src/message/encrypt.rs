//! Encrypting a mail: one object for each class of readers, and one for each Bcc reader.

use std::collections::BTreeMap;
use std::io::Write;

use super::error::check_author;
use super::readers::{self, ReaderClass};
use super::wrap::{SignatureForm, signed_entity, write_sealed};
use super::{Signer, WriteError};
use crate::address::EmailAddress;
use crate::algorithm::ContentEncryption;
use crate::cms::{self, KeyTransport};
use crate::mail::protected::{self, HeaderConfidentiality, Protection, Reference};
use crate::mail::{HeaderSection, Pieces};
use crate::policy::Accepted;
use crate::ports::Random;
use crate::time::Time;

/// Someone who gets a copy.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Where the copy goes.
    pub address: EmailAddress,
    /// The key that was accepted for it.
    pub accepted: Accepted,
    /// Whether the other readers must not know.
    pub blind: bool,
}

/// How a mail is encrypted.
pub struct EncryptRequest<'r> {
    /// Everyone who gets a copy.
    pub recipients: &'r [Recipient],
    /// Who signs first; nobody where nothing is given.
    pub signer: Option<&'r Signer<'r>>,
    /// How the signature inside is written.
    pub form: SignatureForm,
    /// Our own key: we can read the copies for To and Cc too.
    pub own: Option<&'r Accepted>,
    /// The cipher; by what is known of each reader where nothing is given.
    pub cipher: Option<ContentEncryption>,
    /// How RSA carries the key; by what is known of each reader where nothing is given.
    pub key_transport: Option<KeyTransport>,
    /// All readers who are not blind share one copy.
    pub single_copy: bool,
    /// Every reader has a copy of their own.
    pub hide_recipients: bool,
    /// What of the header stays readable outside.
    pub confidentiality: HeaderConfidentiality,
    /// What the mail that is answered kept secret (RFC 9788, section 6.1).
    pub reference: Reference,
    /// When it is signed.
    pub at: Time,
}

/// A mail as it goes out: signed, and its copies still to be sealed, each as it is written.
pub struct Outgoing<'m> {
    outer_fields: Vec<u8>,
    entity: Pieces<'m>,
    copies: Vec<OutgoingCopy>,
}

/// One copy, and who gets it.
#[derive(Clone, Debug)]
pub struct OutgoingCopy {
    /// Envelope recipients.
    pub recipients: Vec<EmailAddress>,
    /// Whether it is for one Bcc reader alone.
    pub blind: bool,
    /// The cipher.
    pub cipher: ContentEncryption,
    /// Whether only servers with SMTPUTF8 can carry it (RFC 6531, section 3.4): an envelope
    /// recipient or an address outside is not ASCII.
    pub smtputf8: bool,
    sealed_for: Vec<cms::Recipient>,
}

impl Outgoing<'_> {
    /// The copies, at least one.
    #[must_use]
    pub fn copies(&self) -> &[OutgoingCopy] {
        &self.copies
    }

    /// Seals a copy and writes it, in constant memory.
    ///
    /// # Errors
    /// [`WriteError::Seal`], before anything is written where a key cannot be used, and
    /// [`WriteError::Io`]. What was written until then is worthless.
    pub fn write(
        &self,
        copy: &OutgoingCopy,
        random: &mut dyn Random,
        output: &mut dyn Write,
    ) -> Result<(), WriteError> {
        write_sealed(&self.outer_fields, &self.entity, &copy.sealed_for, copy.cipher, random, output)
    }
}

/// Encrypts a mail: signed first where there is a signer, with its header fields inside
/// (RFC 9788). Bcc fields are left out everywhere. Nothing of a large mail is copied.
///
/// # Errors
/// [`WriteError`]; nothing of the mail is in the error.
pub fn encrypt<'m>(
    mail: &'m [u8],
    request: &EncryptRequest<'_>,
    random: &mut dyn Random,
) -> Result<Outgoing<'m>, WriteError> {
    if request.recipients.is_empty() {
        return Err(WriteError::NoRecipients);
    }
    let headers = HeaderSection::read(mail).map_err(WriteError::Malformed)?;
    if let Some(signer) = request.signer {
        check_author(&headers, signer)?;
    }
    let protection = Protection::Encrypted {
        confidentiality: request.confidentiality,
        legacy_display: true,
        reference: request.reference.clone(),
    };
    let composed = protected::protect(mail, &protection).map_err(WriteError::Malformed)?;
    let entity = match request.signer {
        Some(signer) => signed_entity(composed.payload, signer, request.form, request.at, random)?,
        None => composed.payload,
    };
    let copies = copies(request).into_iter().map(|copy| copy.outgoing(&composed.outer, request)).collect();
    Ok(Outgoing { outer_fields: composed.outer, entity, copies })
}

/// Readers who share one object.
struct Copy<'r> {
    readers: Vec<&'r Recipient>,
    cipher: ContentEncryption,
    blind: bool,
}

/// Each Bcc reader alone, and the others by what their programs can open.
fn copies<'r>(request: &EncryptRequest<'r>) -> Vec<Copy<'r>> {
    let mut classes: BTreeMap<(Option<ReaderClass>, usize), Vec<&Recipient>> = BTreeMap::new();
    let mut blind = Vec::new();
    for (index, recipient) in request.recipients.iter().enumerate() {
        if recipient.blind {
            blind.push(Copy {
                readers: vec![recipient],
                cipher: cipher_for(&[recipient], request),
                blind: true,
            });
            continue;
        }
        let class = (!request.single_copy).then(|| ReaderClass::of(&recipient.accepted));
        let own_copy = if request.hide_recipients { index + 1 } else { 0 };
        classes.entry((class, own_copy)).or_default().push(recipient);
    }
    classes
        .into_values()
        .map(|readers| Copy { cipher: cipher_for(&readers, request), readers, blind: false })
        .chain(blind)
        .collect()
}

fn cipher_for(readers: &[&Recipient], request: &EncryptRequest<'_>) -> ContentEncryption {
    request.cipher.unwrap_or_else(|| readers::common_cipher(readers.iter().map(|reader| &reader.accepted)))
}

impl Copy<'_> {
    fn outgoing(&self, outer_fields: &[u8], request: &EncryptRequest<'_>) -> OutgoingCopy {
        let recipients: Vec<_> = self.readers.iter().map(|reader| reader.address.clone()).collect();
        let is_beyond_ascii = |address: &EmailAddress| !address.local_part().is_ascii();
        OutgoingCopy {
            smtputf8: !outer_fields.is_ascii() || recipients.iter().any(is_beyond_ascii),
            recipients,
            blind: self.blind,
            cipher: self.cipher,
            sealed_for: self.sealed_for(request),
        }
    }

    /// The readers and, except in a Bcc copy and a hidden one, ourselves.
    fn sealed_for(&self, request: &EncryptRequest<'_>) -> Vec<cms::Recipient> {
        let own = request.own.filter(|_| !self.blind && !request.hide_recipients);
        let mut accepted: Vec<&Accepted> = self.readers.iter().map(|reader| &reader.accepted).collect();
        accepted.extend(own);
        // A person who writes to herself is one recipient, not two.
        accepted.sort_by_key(|reader| reader.public_key().fingerprint());
        accepted.dedup_by_key(|reader| reader.public_key().fingerprint());
        accepted
            .into_iter()
            .map(|reader| readers::recipient(reader, request.key_transport.as_ref()))
            .collect()
    }
}
