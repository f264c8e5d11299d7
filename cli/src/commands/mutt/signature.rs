//! Signatures, as mutt asks about them: of a part, whose mail it keeps to itself.
//!
//! What is said is about the address in the signer's certificate; mutt itself compares that with the From field.

use std::io::{self, Read, Write};
use std::path::Path;

use counterseal_core::limits::HEADER_BYTES;
use counterseal_core::mail::{Base64Encoder, FilterWriter, HeaderSection, author};
use counterseal_core::message::{self, Accept, Context, ReadOptions, Verdict, object};
use counterseal_core::ports::{NoSecretKeys, Source};
use counterseal_core::time::Time;
use counterseal_core::trust::Knowledge;
use counterseal_core::x509::{Certificate, pem};

use super::{release, source, spool};
use crate::armor::open_object;
use crate::commands::reading::{self, OurKeys};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::open_input;
use crate::randomness::{SystemRandom, random};
use crate::render::{status, verdict_field};
use crate::sources;
use crate::spool::EncryptedSpools;
use crate::terminal::{print, say};
use crate::{args, policy};

/// What mutt looks for in the first line.
const GOOD: &str = "Verification successful";

/// What is known, without any key of ours.
struct Desk {
    knowledge: Knowledge,
    positive: Accept,
    at: Time,
}

impl Desk {
    fn new(at: Time) -> Result<Self, Failure> {
        let store = store::open_if_any()?;
        let policy = policy::in_force()?;
        let knowledge = reading::knowledge(&args::Evidence::default(), &[], store.as_ref(), &policy)?;
        Ok(Self { knowledge, positive: policy::positive(&policy), at })
    }

    fn context<'c>(&'c self, keys: &'c NoSecretKeys) -> Context<'c> {
        Context { keys, knowledge: &self.knowledge, at: self.at, spools: &EncryptedSpools }
    }

    /// Says what a mail is that was made around the part.
    fn judge(&self, mail: &mut dyn Source) -> Result<(Exit, Verdict), Failure> {
        let options = ReadOptions::default();
        let read = message::verify(
            mail,
            &self.context(&NoSecretKeys),
            &mut SystemRandom,
            &options,
            &mut io::sink(),
        )?;
        // mutt shows all of the part as signed.
        let exit = match reading::exit(&read.status, self.positive) {
            Exit::Done if verdict_field::is_partial(&read.status) => Exit::No,
            exit => exit,
        };
        if exit == Exit::Done {
            say(GOOD);
        }
        status::lines(&read.status, self.positive, false).iter().for_each(|line| say(line));
        Ok((exit, read.status.verdict))
    }

    /// The address that the signature is held against: the protected From field, else that of the certificate.
    fn signer_of(
        &self,
        signature: &mut dyn Source,
        content: Option<&mut dyn Source>,
        output: &mut dyn Write,
    ) -> Result<Option<String>, Failure> {
        let status = object::verify(signature, content, &self.context(&NoSecretKeys), output)?;
        Ok(status.signers.iter().find_map(|signer| signer.address.as_ref().map(ToString::to_string)))
    }
}

/// A multipart/signed: the signature and, as mutt has it on the disk, what it is over.
pub(super) fn detached(signature: &Path, content: &Path, at: Time) -> Result<Exit, Failure> {
    let desk = Desk::new(at)?;
    let mut object = open_object(Some(signature))?;
    let mut part = open_input(Some(content))?;
    let protected = protected_author(part.as_mut())?;
    let named = desk.signer_of(object.as_mut(), Some(part.as_mut()), &mut io::sink())?;
    let boundary: [u8; 16] = random();
    let boundary: String = boundary.iter().map(|byte| format!("{byte:02x}")).collect();
    let failed = |error: io::Error| Failure::io("a temporary file", &error);
    let mut mail = spool()?;
    let write = || -> io::Result<()> {
        write_from(protected.or(named), &mut mail)?;
        write!(
            mail,
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary={boundary}\r\n\r\n\
             --{boundary}\r\n"
        )?;
        part.rewind()?;
        io::copy(part.as_mut(), &mut mail)?;
        write!(mail, "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature\r\n")?;
        write_object(object.as_mut(), &mut mail)?;
        write!(mail, "\r\n--{boundary}--\r\n")
    };
    write().map_err(failed)?;
    desk.judge(source(mail)?.as_mut()).map(|(exit, _)| exit)
}

/// A CMS object that holds what is signed: that is written, unless it was altered. mutt takes an AuthEnvelopedData
/// for one too.
pub(super) fn attached(file: &Path, at: Time) -> Result<Exit, Failure> {
    let desk = Desk::new(at)?;
    if is_sealed(file)? {
        return sealed(&desk, file);
    }
    let mut object = open_object(Some(file))?;
    let mut content = spool()?;
    let named = desk.signer_of(object.as_mut(), None, &mut content)?;
    let mut content = source(content)?;
    let protected = protected_author(content.as_mut())?;
    let mut mail = spool()?;
    let write = || -> io::Result<()> {
        write_from(protected.or(named), &mut mail)?;
        write!(mail, "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n")?;
        write_object(object.as_mut(), &mut mail)
    };
    write().map_err(|error| Failure::io("a temporary file", &error))?;
    let (exit, verdict) = desk.judge(source(mail)?.as_mut())?;
    if verdict != Verdict::Invalid {
        let mut output = spool()?;
        content
            .rewind()
            .and_then(|()| io::copy(content.as_mut(), &mut output))
            .map_err(|error| Failure::io("a temporary file", &error))?;
        release(output)?;
    }
    Ok(exit)
}

fn is_sealed(file: &Path) -> Result<bool, Failure> {
    let mut object = open_object(Some(file))?;
    let mut mail = spool()?;
    write!(mail, "Content-Type: application/pkcs7-mime\r\n")
        .and_then(|()| write_object(object.as_mut(), &mut mail))
        .map_err(|error| Failure::io("a temporary file", &error))?;
    Ok(message::is_sealed(source(mail)?.as_mut(), &EncryptedSpools)?)
}

/// Opens it by keys that nobody is asked for, and says what the mail inside is.
fn sealed(desk: &Desk, file: &Path) -> Result<Exit, Failure> {
    let (content, how) = super::opened(file, Unlock::without_asking(), desk.at)?;
    let mut content = source(content)?;
    let failed = |error: io::Error| Failure::io("a temporary file", &error);
    // Who it says it is from stands inside of its layers.
    let (options, mut shown) = (ReadOptions::default(), spool()?);
    let context = desk.context(&NoSecretKeys);
    let read = message::verify(content.as_mut(), &context, &mut SystemRandom, &options, &mut shown)?;
    let named =
        read.status.signers.iter().find_map(|signer| signer.address.as_ref().map(ToString::to_string));
    let protected = protected_author(source(shown)?.as_mut())?;
    let mut mail = spool()?;
    write_from(protected.or(named), &mut mail)
        .and_then(|()| content.rewind())
        .and_then(|()| io::copy(content.as_mut(), &mut mail))
        .map_err(failed)?;
    let (exit, verdict) = desk.judge(source(mail)?.as_mut())?;
    say(&how);
    if verdict != Verdict::Invalid {
        let mut output = spool()?;
        content.rewind().and_then(|()| io::copy(content.as_mut(), &mut output)).map_err(failed)?;
        release(output)?;
    }
    Ok(exit)
}

fn write_from(address: Option<String>, mail: &mut dyn Write) -> io::Result<()> {
    match address {
        Some(address) => write!(mail, "From: {address}\r\nMIME-Version: 1.0\r\n"),
        None => write!(mail, "MIME-Version: 1.0\r\n"),
    }
}

fn write_object(object: &mut dyn Source, mail: &mut dyn Write) -> io::Result<()> {
    write!(mail, "Content-Transfer-Encoding: base64\r\n\r\n")?;
    object.rewind()?;
    let mut encoder = FilterWriter::new(mail, Base64Encoder::default());
    io::copy(object, &mut encoder)?;
    encoder.finish().map(drop)
}

/// The From field in the header section of a signed part, where it protects one (RFC 9788).
fn protected_author(part: &mut dyn Source) -> Result<Option<String>, Failure> {
    let mut start = Vec::new();
    part.rewind()
        .and_then(|()| (&mut *part).take(HEADER_BYTES as u64).read_to_end(&mut start))
        .and_then(|_| part.rewind())
        .map_err(|error| Failure::io("the part", &error))?;
    let header = HeaderSection::read(&start).ok();
    let field =
        header.as_ref().filter(|header| author(header).is_ok()).and_then(|header| header.only("From"));
    Ok(field.map(|field| String::from_utf8_lossy(&field.unfolded()).into_owned()))
}

/// The certificate of whoever signed a mail, in PEM.
pub(super) fn signer(mail: &Path, at: Time) -> Result<Exit, Failure> {
    let desk = Desk::new(at)?;
    let store = store::open_if_any()?;
    let keys = OurKeys::from_store(store.as_ref(), Unlock::without_asking())?;
    let mut input = open_input(Some(mail))?;
    let options = ReadOptions::default();
    let context = Context { keys: keys.port(), ..desk.context(&NoSecretKeys) };
    let read = message::verify(input.as_mut(), &context, &mut SystemRandom, &options, &mut io::sink())?;
    let key = read.status.signers.first().and_then(|signer| signer.fingerprint);
    let known = read.certificates.iter().chain(&desk.knowledge.certificates);
    let own = known
        .filter(|certificate| Some(certificate.fingerprint()) == key)
        .find(|own| !own.addresses().is_empty());
    // A certificate can name anybody beside its owner, and mutt takes each of its addresses for the author's.
    let is_author = !matches!(
        read.status.verdict,
        Verdict::Mismatch | Verdict::Conflict | Verdict::Invalid | Verdict::Unsigned
    );
    let Some(own) = own.filter(|_| is_author && !read.certificates.is_empty()) else {
        return Err(Failure::no(
            "no-certificate",
            "the author signed nothing of this mail, or the signature does not hold",
        ));
    };
    print(&pem::encode("CERTIFICATE", own.as_der()))
        .map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}

/// The addresses of a certificate, one on a line.
pub(super) fn addresses(certificate: &Path) -> Result<Exit, Failure> {
    let found: Vec<Certificate> = sources::certificates(&[certificate.to_owned()])?;
    let addresses = found.iter().take(1).flat_map(Certificate::addresses);
    let text: String = addresses.map(|address| format!("{address}\n")).collect();
    print(&text).map_err(|error| Failure::io("standard output", &error))?;
    Ok(Exit::Done)
}
