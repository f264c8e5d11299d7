//! Reading a mail: decrypt and verify are one walk, with one verdict at its end.

use std::io::{self, SeekFrom, Write};

use super::author_signature::{self, AuthorSignature};
use super::layers::{self, Layer, SignedLayer, UnwrapOptions, Unwrapped};
use super::list::{self, Fields};
use super::object::reasons_of;
use super::options::ReadOptions;
use super::signers::{self, Claim};
use super::status::{EncryptionStatus, ListChanges, Reason, SignerStatus, Status, Verdict};
use super::structure::{self, Covered, Structure};
use super::write_readable::write_readable;
use super::{Context, ReadError};
use crate::address::EmailAddress;
use crate::cms::{self, SignatureOutcome};
use crate::limits;
use crate::mail::protected::{self, HeaderProtection, Reference};
use crate::mail::{self, AuthorError, HeaderSection, Mailbox, Part};
use crate::ports::{Random, Source};
use crate::time::Time;
use crate::trust::Level;
use crate::x509::Certificate;
use crate::x509::path::Allowance;

/// What came of reading a mail.
#[derive(Debug)]
pub struct Readable {
    /// The verdict and everything beside it.
    pub status: Status,
    /// Certificates that came with signatures that hold, for whoever collects them.
    pub certificates: Vec<Certificate>,
    /// What signers whose signatures hold announced that they can read (DER of SMIMECapabilities).
    pub capabilities: Vec<Vec<u8>>,
    /// OpenPGP certificates and statements that came with signatures that hold; each has to prove
    /// itself.
    pub carried: Vec<Vec<u8>>,
    /// The author's signature, where it holds and covers the whole mail: what history is told of.
    pub author_signature: Option<AuthorSignature>,
    /// What the mail kept from everybody but its readers: an answer keeps it too (RFC 9788,
    /// section 6.1).
    pub reference: Reference,
}

/// Decrypts a mail, writes it as it may be read, and says what to believe of it.
///
/// # Errors
/// [`ReadError`], [`ReadError::NotEncrypted`] among them. What stands in `output` then must not
/// be used.
pub fn decrypt(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let (unwrapped, content) = unwrap(mail, context, random, options)?;
    let reading = Reading::of(&unwrapped, content.as_deref(), context, random)?;
    if !reading.covered.encrypted {
        return Err(ReadError::NotEncrypted { nested: reading.structure.nested_encryption });
    }
    finish(mail, unwrapped, reading, content.as_deref(), context, options, output)
}

/// Verifies a mail, writes it as it may be read, and says what to believe of it. An encrypted
/// mail is opened for that.
///
/// # Errors
/// [`ReadError`]. What stands in `output` then must not be used.
pub fn verify(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let (unwrapped, content) = unwrap(mail, context, random, options)?;
    let reading = Reading::of(&unwrapped, content.as_deref(), context, random)?;
    finish(mail, unwrapped, reading, content.as_deref(), context, options, output)
}

fn finish(
    mail: &mut dyn Source,
    unwrapped: Unwrapped,
    reading: Reading,
    content: Option<&[u8]>,
    context: &Context<'_>,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<Readable, ReadError> {
    let status = reading.status(&unwrapped, context);
    let readable = Readable {
        author_signature: author_signature::of(&unwrapped, &status, reading.shown.is_protected, context),
        status,
        certificates: certificates_of(&unwrapped),
        capabilities: capabilities_of(&unwrapped),
        carried: carried_by(&unwrapped),
        reference: reference_of(reading.covered, content),
    };
    write_readable(mail, unwrapped, reading.shown.mail, options, output).map_err(ReadError::Io)?;
    Ok(readable)
}

/// Of a mail that was not encrypted nothing was secret, whatever it says.
fn reference_of(covered: Covered, content: Option<&[u8]>) -> Reference {
    let payload = content.filter(|_| covered.encrypted).and_then(|content| HeaderSection::read(content).ok());
    payload.map_or_else(Reference::default, |payload| Reference::of(&payload))
}

/// A mail without its layers and, where it is not too large to be split, what is inside of them.
fn unwrap(
    mail: &mut dyn Source,
    context: &Context<'_>,
    random: &mut dyn Random,
    options: &ReadOptions,
) -> Result<(Unwrapped, Option<Vec<u8>>), ReadError> {
    let unwrap = UnwrapOptions {
        open: &options.open,
        keep_decrypted: options.keep_signature,
        open_encrypted: true,
        undo: true,
    };
    let mut unwrapped = layers::unwrap(mail, context, random, &unwrap)?;
    let content = match &mut unwrapped.inner {
        Some(inner) => load(inner.as_mut()),
        None => load(mail),
    }
    .map_err(ReadError::Io)?;
    Ok((unwrapped, content))
}

fn load(source: &mut dyn Source) -> io::Result<Option<Vec<u8>>> {
    let length = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    if length > limits::MAIL_IN_MEMORY {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    source.read_to_end(&mut content)?;
    Ok(Some(content))
}

/// What a verdict is made from.
struct Reading {
    covered: Covered,
    signers: Vec<SignerStatus>,
    structure: Structure,
    shown: Shown,
    date: Option<Time>,
    recipients: Vec<EmailAddress>,
}

/// The mail as it may be read, and what its header section says.
struct Shown {
    author: Result<Mailbox, AuthorError>,
    is_protected: bool,
    from_differs: bool,
    changed: Vec<String>,
    unprotected: Vec<String>,
    /// Nothing where the mail is too large to be split.
    mail: Option<Vec<u8>>,
}

impl Reading {
    fn of(
        unwrapped: &Unwrapped,
        content: Option<&[u8]>,
        context: &Context<'_>,
        random: &mut dyn Random,
    ) -> Result<Self, ReadError> {
        let covered = Covered {
            signed: unwrapped.layers.iter().any(|layer| matches!(layer, Layer::Signed(_))),
            encrypted: unwrapped.layers.iter().any(|layer| matches!(layer, Layer::Encrypted(_))),
        };
        let shown = Shown::of(unwrapped, covered, content)?;
        let address = shown.author.as_ref().ok().map(|mailbox| &mailbox.address);
        let allowance = Allowance::of_message();
        let signers = unwrapped
            .layers
            .iter()
            .filter_map(|layer| match layer {
                Layer::Signed(signed) => Some(signed),
                Layer::Encrypted(_) | Layer::Compressed => None,
            })
            .flat_map(|layer| signers::judge_layer(layer, Claim::Author(address), context, &allowance))
            .collect();
        let structure = match content {
            Some(content) => {
                let root = Part::read(content).map_err(ReadError::Malformed)?;
                structure::survey(&root, covered, address, context, &allowance, random)?
            }
            None => Structure::default(),
        };
        let headers = shown.headers(unwrapped);
        let recipients =
            ["To", "Cc"].iter().flat_map(|name| mail::addresses(headers, name).unwrap_or_default());
        Ok(Self {
            covered,
            signers,
            structure,
            date: mail::date(headers),
            recipients: recipients.collect(),
            shown,
        })
    }

    fn status(&self, unwrapped: &Unwrapped, context: &Context<'_>) -> Status {
        let own = if self.signers.is_empty() { &self.structure.partial } else { &self.signers };
        let worst = own.iter().max_by_key(|signer| signer.verdict);
        let mut status = Status {
            verdict: worst.map_or(Verdict::Unsigned, |signer| signer.verdict),
            address: self.shown.author.as_ref().ok().map(|mailbox| mailbox.address.clone()),
            score: own.iter().map(|signer| signer.score).min().unwrap_or(0),
            level: worst.map_or(Level::None, |signer| signer.level),
            reasons: worst.map_or_else(|| vec![Reason::Unsigned], |signer| signer.reasons.clone()),
            encrypted: None,
            signers: own.clone(),
            parts: self.structure.parts.clone(),
            changed_headers: self.shown.changed.clone(),
            unprotected_headers: self.shown.unprotected.clone(),
            list: None,
        };
        if status.verdict == Verdict::Unsigned
            && status.address.as_ref().is_some_and(|author| signs(author, context))
        {
            status.reasons.push(Reason::UsuallySigned);
        }
        self.name_the_author(&mut status);
        status.list = self.list(unwrapped, status.verdict);
        self.doubt(&mut status, unwrapped, context);
        for layer in &unwrapped.layers {
            if let Layer::Encrypted(opened) = layer {
                status.reasons.extend(reasons_of(opened));
                // Of several, the outermost is what was on the way.
                status.encrypted.get_or_insert_with(|| EncryptionStatus::of(opened.as_ref().clone()));
            }
        }
        status.reasons.dedup();
        status
    }

    /// What a mailing list did to it.
    fn list(&self, unwrapped: &Unwrapped, verdict: Verdict) -> Option<ListChanges> {
        if self.signers.is_empty() && self.structure.partial.is_empty() {
            return None;
        }
        if verdict == Verdict::Invalid {
            // Of a signature that does not hold nothing can be said, but where its parts are one too many.
            return list::trailer(unwrapped);
        }
        let is_changed = self.shown.changed.iter().any(|name| name.eq_ignore_ascii_case("Subject"));
        let signed =
            unwrapped.innermost.headers.only("Subject").filter(|_| is_changed).map(|field| field.text());
        let from = mail::author(&unwrapped.outer.headers).ok().filter(|_| self.shown.from_differs);
        let fields = Fields {
            subject: signed.or_else(|| self.structure.subject.clone()),
            from: from.map(|mailbox| mailbox.address),
        };
        list::changes(unwrapped, &self.structure.undone, fields)
    }

    /// Why there is no author that a signature could be held against.
    fn name_the_author(&self, status: &mut Status) {
        let reason = match &self.shown.author {
            Ok(_) => return,
            Err(AuthorError::SeveralFields | AuthorError::SeveralMailboxes) => Reason::SeveralFrom,
            Err(_) => Reason::NoFrom,
        };
        status.reasons.retain(|other| *other != Reason::NoFrom);
        status.reasons.insert(0, reason);
    }

    /// Everything that keeps a good signature from verifying the mail as a whole.
    fn doubt(&self, status: &mut Status, unwrapped: &Unwrapped, context: &Context<'_>) {
        if self.shown.from_differs && status.verdict < Verdict::Mismatch && self.covered.signed {
            status.verdict = Verdict::Mismatch;
            status.reasons.insert(0, Reason::FromDiffers);
        }
        let undone = status.list.as_ref().map(|list| &list.undone);
        let was_added = undone.is_some_and(|undone| !undone.added.is_empty());
        let was_repaired = undone.is_some_and(|undone| !undone.repairs.is_empty());
        let of_list = [(was_added, Reason::ListAdded), (was_repaired, Reason::ListRepaired)];
        for (applies, reason) in self.doubts(unwrapped, context).into_iter().chain(of_list) {
            if applies {
                status.verdict = status.verdict.at_most_checked();
                status.reasons.push(reason);
            }
        }
    }

    fn doubts(&self, unwrapped: &Unwrapped, context: &Context<'_>) -> [(bool, Reason); 8] {
        let foreign_text = unwrapped
            .layers
            .iter()
            .any(|layer| matches!(layer, Layer::Signed(signed) if signed.foreign_text));
        let partial = foreign_text || (self.signers.is_empty() && !self.structure.partial.is_empty());
        let ambiguous = self.structure.ambiguous || unwrapped.ambiguous;
        let name_warns = self.shown.author.as_ref().is_ok_and(|mailbox| !mailbox.name_warnings().is_empty());
        let times_differ =
            self.signers.iter().any(|signer| signers::times_differ(signer.signing_time, self.date));
        [
            (partial, Reason::Partial),
            (self.structure.nested_encryption, Reason::NestedEncryption),
            (ambiguous, Reason::AmbiguousStructure),
            (name_warns, Reason::DisplayName),
            (times_differ, Reason::TimeDiffers),
            (!self.shown.changed.is_empty(), Reason::HeadersDiffer),
            (self.is_for_others(unwrapped, context), Reason::NotAddressedToReader),
            (self.shown.mail.is_none() || self.structure.unfinished, Reason::NotSplit),
        ]
    }

    /// A signed mail that somebody encrypted anew for us names others in its protected header
    /// (surreptitious forwarding).
    fn is_for_others(&self, unwrapped: &Unwrapped, context: &Context<'_>) -> bool {
        let opened_by = unwrapped.layers.iter().find_map(|layer| match layer {
            Layer::Encrypted(opened) => opened.opened_by,
            Layer::Signed(_) | Layer::Compressed => None,
        });
        let Some(opened_by) = opened_by.filter(|_| self.shown.is_protected && self.covered.signed) else {
            return false;
        };
        let ours: Vec<EmailAddress> = context
            .keys
            .held()
            .iter()
            .filter(|held| held.fingerprint == opened_by)
            .flat_map(|held| &held.certificates)
            .filter_map(|der| Certificate::from_der(der).ok())
            .flat_map(|certificate| certificate.addresses().to_vec())
            .collect();
        let author = self.shown.author.as_ref().ok().map(|mailbox| &mailbox.address);
        let concerned = self.recipients.iter().chain(author);
        !ours.is_empty() && !concerned.into_iter().any(|named| ours.iter().any(|own| own.matches(named)))
    }
}

impl Shown {
    fn of(unwrapped: &Unwrapped, covered: Covered, content: Option<&[u8]>) -> Result<Self, ReadError> {
        let outer = &unwrapped.outer.headers;
        let (Some(content), true) = (content, covered.signed || covered.encrypted) else {
            // Claims of protection count only where there is a signature or an encryption.
            let is_protected =
                content.is_none() && unwrapped.innermost.content_type.parameter("hp").is_some();
            let headers = if is_protected { &unwrapped.innermost.headers } else { outer };
            return Ok(Self {
                author: mail::author(headers),
                is_protected,
                from_differs: is_protected && !same_author(headers, outer),
                changed: Vec::new(),
                unprotected: Vec::new(),
                mail: content.map(<[u8]>::to_vec),
            });
        };
        let rendered = protected::render(outer, content).map_err(ReadError::Malformed)?;
        Ok(Self {
            author: rendered.author,
            is_protected: rendered.protection != HeaderProtection::None,
            from_differs: rendered.from_differs,
            changed: rendered.differences.into_iter().map(|difference| difference.name).collect(),
            unprotected: rendered.unprotected,
            mail: Some(rendered.mail),
        })
    }

    /// The header section whose fields are shown.
    fn headers<'u>(&self, unwrapped: &'u Unwrapped) -> &'u HeaderSection<'static> {
        if self.is_protected { &unwrapped.innermost.headers } else { &unwrapped.outer.headers }
    }
}

fn same_author(one: &HeaderSection<'_>, other: &HeaderSection<'_>) -> bool {
    match (mail::author(one), mail::author(other)) {
        (Ok(one), Ok(other)) => one.address.matches(&other.address),
        _ => false,
    }
}

/// What every signer whose signature holds announced.
fn capabilities_of(unwrapped: &Unwrapped) -> Vec<Vec<u8>> {
    good_signers(unwrapped).filter_map(|signer| signer.capabilities.clone()).collect()
}

/// The evidence that travels with signatures that hold.
fn carried_by(unwrapped: &Unwrapped) -> Vec<Vec<u8>> {
    let carried = good_signers(unwrapped).flat_map(|signer| &signer.carried_evidence);
    carried.take(limits::CARRIED_EVIDENCE).cloned().collect()
}

fn good_signers(unwrapped: &Unwrapped) -> impl Iterator<Item = &cms::Signer> {
    let layers = unwrapped.layers.iter().filter_map(|layer| match layer {
        Layer::Signed(SignedLayer { signed: Some(signed), .. }) => Some(signed),
        _ => None,
    });
    layers.flat_map(|signed| &signed.signers).filter(|signer| signer.outcome == SignatureOutcome::Good)
}

/// Certificates of signatures that hold.
fn certificates_of(unwrapped: &Unwrapped) -> Vec<Certificate> {
    unwrapped
        .layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Signed(SignedLayer { signed: Some(signed), .. }) => Some(signed),
            _ => None,
        })
        .filter(|signed| signed.signers.iter().any(|signer| signer.outcome == SignatureOutcome::Good))
        .flat_map(|signed| signed.certificates.clone())
        .collect()
}

/// Whether an author signed so many mails that one without a signature is worth a remark.
fn signs(author: &EmailAddress, context: &Context<'_>) -> bool {
    let known = context.knowledge.known.iter().filter(|known| known.address.matches(author));
    known.map(|known| known.history.messages).max().unwrap_or(0) >= limits::USUALLY_SIGNED
}
