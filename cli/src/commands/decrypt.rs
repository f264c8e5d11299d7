//! `cseal decrypt`

use std::io::{self, Write};

use counterseal_core::message::{self, Accept, AuthorSignature, Context, ReadOptions, Status, object};
use counterseal_core::policy::Policy;
use counterseal_core::ports::Source;
use counterseal_core::time::Time;

use super::attachments::Attachments;
use super::expiry;
use super::history;
use super::reading::{self, OurKeys};
use super::store::{self, Unlock};
use crate::args;
use crate::armor::open_object;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{Staged, open_input};
use crate::policy;
use crate::randomness::SystemRandom;
use crate::sources;
use crate::spool::EncryptedSpools;
use crate::store::Store;

/// Opens, writes what is inside, and says who wrote it.
pub(super) fn run(arguments: &args::Decrypt, verbose: bool) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    let secrets = &arguments.message_secrets;
    let without_store = !arguments.keys.is_empty()
        || secrets.message_passphrase_file.is_some()
        || secrets.message_key_file.is_some();
    let mut store = if without_store { None } else { Some(store::open()?) };
    let policy = policy::in_force()?;
    let read = read(arguments, store.as_ref(), &policy, at).map_err(|failure| {
        reading::or_archive(arguments.input.input.as_deref(), failure, "decrypt IN -o OUT")
    })?;
    let positive = policy::positive(&policy);
    reading::report(&read.status, positive, read.extracted, &arguments.report, verbose)?;
    if let Some(store) = &store {
        expiry::note(store, arguments.report.json);
    }
    if let (Some(store), Some(signature)) = (&mut store, &read.signature) {
        reading::remember(store, signature, &policy, (&arguments.history, &arguments.report));
    }
    Ok(read.exit)
}

/// What came of it, with everything that is to be written written.
struct Read {
    status: Status,
    /// For the history; nothing where no mail was read.
    signature: Option<AuthorSignature>,
    extracted: Option<Vec<String>>,
    exit: Exit,
}

fn read(
    arguments: &args::Decrypt,
    store: Option<&Store>,
    policy: &Policy,
    at: Time,
) -> Result<Read, Failure> {
    let certificates = sources::certificates(&arguments.certificates)?;
    let keys = match store {
        Some(_) => {
            let unlock = Unlock::from_options(&arguments.passphrase).with_pin(&arguments.pin);
            OurKeys::from_store(store, unlock)?
        }
        None => OurKeys::from_files(&arguments.keys, &certificates, &arguments.passphrase)?,
    };
    let knowledge = reading::knowledge(&arguments.evidence, &certificates, store, policy)?;
    let context = Context { keys: keys.port(), knowledge: &knowledge, at, spools: &EncryptedSpools };
    let options =
        ReadOptions { open: reading::open_options(arguments)?, keep_signature: arguments.keep_signature };
    let mut input = input(arguments)?;
    let mut staged = Staged::open(&arguments.output)?;
    let mut attachments = Attachments::wanted(arguments.extract.as_deref(), &mut staged)?;
    let output = attachments.output();
    let (mut status, mut signature) = decrypt(arguments, input.as_mut(), &context, &options, output)
        .map_err(|error| keys.explain(error))?;
    if let Some(knowledge) = history::with_proof(store, &status, signature.as_ref(), &knowledge) {
        let context = Context { knowledge: &knowledge, ..context };
        (status, signature) = decrypt(arguments, input.as_mut(), &context, &options, &mut io::sink())
            .map_err(|error| keys.explain(error))?;
    }
    let exit = exit(arguments, &status);
    let extracted = if exit == Exit::Done { attachments.save()? } else { None };
    if exit == Exit::Done {
        staged.release()?;
    }
    Ok(Read { status, signature, extracted, exit })
}

fn input(arguments: &args::Decrypt) -> Result<Box<dyn Source>, Failure> {
    let path = arguments.input.input.as_deref();
    if arguments.cms { open_object(path) } else { open_input(path) }
}

fn decrypt(
    arguments: &args::Decrypt,
    input: &mut dyn Source,
    context: &Context<'_>,
    options: &ReadOptions,
    output: &mut dyn Write,
) -> Result<(Status, Option<AuthorSignature>), message::ReadError> {
    if arguments.cms {
        let status = object::decrypt(input, context, &mut SystemRandom, options, output);
        return status.map(|status| (status, None));
    }
    message::decrypt(input, context, &mut SystemRandom, options, output)
        .map(|readable| (readable.status, readable.author_signature))
}

/// Decrypting is done whatever the signature says, unless the person asked for one.
fn exit(arguments: &args::Decrypt, status: &Status) -> Exit {
    if !arguments.require_signature {
        return Exit::Done;
    }
    let least = arguments.accept.map_or(Accept::Signed, reading::accept);
    reading::exit(status, least)
}
