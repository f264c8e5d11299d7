//! `cseal encrypt --cms`: any bytes, in one object or in one for each reader.

use std::fs;
use std::io::{Seek, Write};

use counterseal_core::address::EmailAddress;
use counterseal_core::message::Signer;
use counterseal_core::message::object::{self, Content, SealRequest, SharedSecret};
use counterseal_core::policy::{self, Accepted};
use counterseal_core::trust::Pin;

use super::super::history::Sent;
use super::super::readers::Directory;
use super::super::secrets;
use super::super::strong;
use super::{Job, Written, copies};
use crate::armor::ObjectOutput;
use crate::failure::Failure;
use crate::files::{Input, open_input, open_input_or_stream};
use crate::randomness::SystemRandom;
use crate::render::write::refusals;
use crate::render::written::{self, WrittenCopy};
use crate::sources;
use crate::spool::EncryptedSpools;

/// A reader: the key, and the address where one is known.
struct Reader {
    accepted: Accepted,
    address: Option<EmailAddress>,
}

/// Seals the input for everyone who was named.
pub(super) fn encrypt(
    job: &Job<'_>,
    directory: &Directory<'_>,
    signer: Option<&Signer<'_>>,
    own: Option<&EmailAddress>,
) -> Result<Written, Failure> {
    let (readers, pins) = readers(job, directory)?;
    let addresses = readers.iter().filter_map(|reader| reader.address.as_ref());
    let signer = signer.filter(|_| directory.wants_signature(addresses));
    let secrets = shared_secrets(job)?;
    if readers.is_empty() && secrets.is_empty() {
        return Err(Failure::usage("nobody is named who could read it")
            .hint("name readers with --to ADDRESS, --certificate FILE or --public-key FILE"));
    }
    if job.arguments.hide_recipients && readers.len() + secrets.len() > 1 {
        if !secrets.is_empty() {
            return Err(Failure::usage("a passphrase or key of the message has no copy of its own")
                .hint("leave out --hide-recipients, or write two messages"));
        }
        one_for_each(job, &readers, signer)?;
        return Ok(Written { pins, sent: sent(directory, readers) });
    }
    let own = own.filter(|_| !job.arguments.hide_recipients).and_then(|own| directory.one(own).ok());
    let mut accepted: Vec<Accepted> = readers.iter().map(|reader| reader.accepted.clone()).collect();
    accepted.extend(own);
    // The order in which readers were typed says something about them; that of fingerprints does not.
    accepted.sort_by_key(|reader| reader.public_key().fingerprint());
    accepted.dedup_by_key(|reader| reader.public_key().fingerprint());
    let mut input = open_input_or_stream(job.arguments.input.input.as_deref())?;
    // These ciphers need to know the length before the first byte.
    let needs_length = job.cipher.is_some_and(|cipher| cipher.name().ends_with("-ccm"));
    if needs_length {
        input = input.into_source()?;
    }
    let mut output = ObjectOutput::open(&job.arguments.output, &job.arguments.form)?;
    let content = match &mut input {
        Input::Source(source) => Content::Source(source.as_mut()),
        Input::Stream(stream) => Content::Stream(stream.as_mut()),
    };
    seal(job, content, (&accepted, &secrets), signer, &mut output)?;
    output.commit()?;
    let addresses =
        readers.iter().filter_map(|reader| reader.address.as_ref()).map(ToString::to_string).collect();
    let list = [WrittenCopy { recipients: addresses, ..WrittenCopy::default() }];
    let elsewhere = job.arguments.output.output.is_some();
    written::copies(&list, &job.arguments.report, elsewhere, job.verbose)?;
    Ok(Written { pins, sent: sent(directory, readers) })
}

/// What was sealed for somebody whom the store knows. Bytes have no name that an answer could give.
fn sent(directory: &Directory<'_>, readers: Vec<Reader>) -> Vec<Sent> {
    if directory.contacts.is_none() {
        return Vec::new();
    }
    let sent = readers.into_iter().filter_map(|reader| {
        let certificate = reader.accepted.certificate()?.clone();
        Some(Sent { address: reader.address?, certificate, message: None })
    });
    sent.collect()
}

fn readers(job: &Job<'_>, directory: &Directory<'_>) -> Result<(Vec<Reader>, Vec<Pin>), Failure> {
    let mut readers = Vec::new();
    let mut pins = Vec::new();
    for accepted in directory.given()? {
        let address = accepted.certificate().and_then(|certificate| certificate.addresses().first().cloned());
        readers.push(Reader { accepted, address });
    }
    for key in sources::public_keys(&job.arguments.public_keys)? {
        let name = key.fingerprint().to_string();
        let accepted = policy::accept_key(key).map_err(|refusal| refusals(&[(name, refusal)]))?;
        readers.push(Reader { accepted, address: None });
    }
    if directory.contacts.is_none() && !job.arguments.to.is_empty() {
        return Err(Failure::usage("--to looks addresses up in the store, and named files leave it out")
            .hint("name the certificate of each reader with --certificate FILE"));
    }
    let mut wanted = Vec::new();
    for address in &job.arguments.to {
        strong::add(&mut wanted, strong::typed(address, false)?)?;
    }
    if directory.contacts.is_some() {
        let found = directory.all(wanted)?;
        written::ended(&found.ended);
        pins.extend(found.pins);
        for recipient in found.recipients {
            readers.push(Reader { accepted: recipient.accepted, address: Some(recipient.address) });
        }
    }
    Ok((readers, pins))
}

fn shared_secrets(job: &Job<'_>) -> Result<Vec<SharedSecret>, Failure> {
    let passphrase = secrets::passphrase(&job.arguments.message_secrets)?.map(SharedSecret::Passphrase);
    let key = secrets::key(&job.arguments.message_secrets)?;
    let key = key.map(|(identifier, key)| SharedSecret::Key { identifier, key });
    Ok(passphrase.into_iter().chain(key).collect())
}

/// One object for each reader: none of them tells who else has one.
fn one_for_each(job: &Job<'_>, readers: &[Reader], signer: Option<&Signer<'_>>) -> Result<(), Failure> {
    let arguments = job.arguments;
    let Some(directory) = &arguments.output_directory else {
        return Err(copies::no_directory(readers.len(), false));
    };
    fs::create_dir_all(directory).map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    let mut input = open_input(arguments.input.input.as_deref())?;
    let mut list = Vec::new();
    for (number, reader) in readers.iter().enumerate() {
        let file = copies::file_name(number, "p7m");
        let options = crate::args::Output {
            output: Some(directory.join(&file)),
            overwrite: arguments.output.overwrite,
        };
        let mut output = ObjectOutput::open(&options, &arguments.form)?;
        input.rewind().map_err(|error| Failure::io("the input", &error))?;
        let content = Content::Source(input.as_mut());
        seal(job, content, (std::slice::from_ref(&reader.accepted), &[]), signer, &mut output)?;
        output.commit()?;
        let recipients: Vec<String> = reader.address.iter().map(ToString::to_string).collect();
        let smtputf8 = recipients.iter().any(|address| !address.is_ascii());
        list.push(WrittenCopy { file: Some(file), recipients, smtputf8, ..WrittenCopy::default() });
    }
    copies::finish(directory, &list, arguments.output.overwrite)?;
    written::copies(&list, &arguments.report, true, job.verbose)
}

fn seal(
    job: &Job<'_>,
    content: Content<'_>,
    (recipients, shared_secrets): (&[Accepted], &[SharedSecret]),
    signer: Option<&Signer<'_>>,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let request = SealRequest {
        recipients,
        shared_secrets,
        signer,
        cipher: job.cipher,
        key_transport: job.key_transport.clone(),
        at: job.at,
    };
    Ok(object::encrypt(content, &request, &EncryptedSpools, &mut SystemRandom, output)?)
}
