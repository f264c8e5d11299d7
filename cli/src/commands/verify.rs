//! `cseal verify`

use std::io::{self, Write};

use counterseal_core::message::{self, AuthorSignature, Context, ReadOptions, Status, Verdict, object};
use counterseal_core::policy::Policy;
use counterseal_core::ports::Source;
use counterseal_core::time::Time;

use super::attachments::Attachments;
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

/// Checks who signed, writes what was signed, and answers by the exit code.
pub(super) fn run(arguments: &args::Verify, verbose: bool) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    let evidence = &arguments.evidence;
    let without_store = !evidence.anchors.is_empty()
        || !evidence.revocation_lists.is_empty()
        || !arguments.certificates.is_empty();
    let mut store = if without_store { None } else { store::open_if_any()? };
    let policy = policy::in_force()?;
    let read = read(arguments, store.as_ref(), &policy, at)
        .map_err(|failure| reading::or_archive(arguments.input.input.as_deref(), failure, "verify IN"))?;
    let positive = policy::positive(&policy);
    reading::report(&read.status, positive, read.extracted, &arguments.report, verbose)?;
    if let (Some(store), Some(signature)) = (&mut store, &read.signature) {
        reading::remember(store, signature, &policy, (&arguments.history, &arguments.report));
    }
    Ok(reading::exit(&read.status, arguments.accept.map_or(positive, reading::accept)))
}

/// What came of it, with everything that is to be written written.
struct Read {
    status: Status,
    /// For the history; nothing where no mail was read.
    signature: Option<AuthorSignature>,
    extracted: Option<Vec<String>>,
}

fn read(arguments: &args::Verify, store: Option<&Store>, policy: &Policy, at: Time) -> Result<Read, Failure> {
    let keys = OurKeys::from_store(store, Unlock::from_file(None))?;
    let certificates = sources::certificates(&arguments.certificates)?;
    let knowledge = reading::knowledge(&arguments.evidence, &certificates, store, policy)?;
    let context = Context { keys: keys.port(), knowledge: &knowledge, at, spools: &EncryptedSpools };
    if arguments.content.is_some() {
        return detached(arguments, &context);
    }
    let mut input = input(arguments)?;
    let mut staged = Staged::open(&arguments.output)?;
    let mut attachments = Attachments::wanted(arguments.extract.as_deref(), &mut staged)?;
    let (mut status, mut signature) = verify(arguments, input.as_mut(), &context, attachments.output())
        .map_err(|error| keys.explain(error))?;
    if let Some(knowledge) = history::with_proof(store, &status, signature.as_ref(), &knowledge) {
        let context = Context { knowledge: &knowledge, ..context };
        (status, signature) = verify(arguments, input.as_mut(), &context, &mut io::sink())
            .map_err(|error| keys.explain(error))?;
    }
    // A mail by an unknown author may be read all the same; what was altered may not.
    let readable = status.verdict != Verdict::Invalid;
    let extracted = if readable { attachments.save()? } else { None };
    if readable {
        staged.release()?;
    }
    Ok(Read { status, signature, extracted })
}

fn input(arguments: &args::Verify) -> Result<Box<dyn Source>, Failure> {
    let path = arguments.input.input.as_deref();
    if arguments.cms { open_object(path) } else { open_input(path) }
}

fn verify(
    arguments: &args::Verify,
    input: &mut dyn Source,
    context: &Context<'_>,
    output: &mut dyn Write,
) -> Result<(Status, Option<AuthorSignature>), message::ReadError> {
    if arguments.cms {
        return object::verify(input, None, context, output).map(|status| (status, None));
    }
    let options = ReadOptions::default();
    message::verify(input, context, &mut SystemRandom, &options, output)
        .map(|readable| (readable.status, readable.author_signature))
}

/// A signature beside its content. The content is there already, so nothing is written.
fn detached(arguments: &args::Verify, context: &Context<'_>) -> Result<Read, Failure> {
    let mut signature = open_object(arguments.input.input.as_deref())?;
    let mut content = open_input(arguments.content.as_deref())?;
    let status = object::verify(signature.as_mut(), Some(content.as_mut()), context, &mut io::sink())?;
    Ok(Read { status, signature: None, extracted: None })
}
