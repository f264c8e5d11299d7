//! `cseal verify`

use std::io::{self, Write};

use counterseal_core::message::{self, Context, ReadOptions, Status, Verdict, object};
use counterseal_core::ports::Source;

use super::attachments::Attachments;
use super::reading::{self, OurKeys};
use super::store::{self, Unlock};
use crate::args;
use crate::armor::open_object;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::{Staged, open_input};
use crate::randomness::SystemRandom;
use crate::sources;
use crate::spool::EncryptedSpools;

/// Checks who signed, writes what was signed, and answers by the exit code.
pub(super) fn run(arguments: &args::Verify, verbose: bool) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    let evidence = &arguments.evidence;
    let without_store = !evidence.anchors.is_empty()
        || !evidence.revocation_lists.is_empty()
        || !arguments.certificates.is_empty();
    let store = if without_store { None } else { store::open_if_any()? };
    let keys = OurKeys::from_store(store.as_ref(), Unlock::from_file(None))?;
    let certificates = sources::certificates(&arguments.certificates)?;
    let knowledge = reading::knowledge(evidence, &certificates, store.as_ref())?;
    let context = Context { keys: keys.port(), knowledge: &knowledge, at, spools: &EncryptedSpools };
    if arguments.content.is_some() {
        return detached(arguments, &context, verbose);
    }
    let mut input = input(arguments)?;
    let mut staged = Staged::open(&arguments.output)?;
    let mut attachments = Attachments::wanted(arguments.extract.as_deref(), &mut staged)?;
    let status = verify(arguments, input.as_mut(), &context, attachments.output())
        .map_err(|error| keys.explain(error))?;
    // A mail by an unknown author may be read all the same; what was altered may not.
    let readable = status.verdict != Verdict::Invalid;
    let extracted = if readable { attachments.save()? } else { None };
    if readable {
        staged.release()?;
    }
    finish(arguments, &status, extracted, verbose)
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
) -> Result<Status, message::ReadError> {
    if arguments.cms {
        return object::verify(input, None, context, output);
    }
    let options = ReadOptions::default();
    message::verify(input, context, &mut SystemRandom, &options, output).map(|readable| readable.status)
}

/// A signature beside its content. The content is there already, so nothing is written.
fn detached(arguments: &args::Verify, context: &Context<'_>, verbose: bool) -> Result<Exit, Failure> {
    let mut signature = open_object(arguments.input.input.as_deref())?;
    let mut content = open_input(arguments.content.as_deref())?;
    let status = object::verify(signature.as_mut(), Some(content.as_mut()), context, &mut io::sink())?;
    finish(arguments, &status, None, verbose)
}

fn finish(
    arguments: &args::Verify,
    status: &Status,
    extracted: Option<Vec<String>>,
    verbose: bool,
) -> Result<Exit, Failure> {
    reading::report(status, extracted, &arguments.report, verbose)?;
    Ok(reading::exit(status.verdict, reading::accept(arguments.accept)))
}
