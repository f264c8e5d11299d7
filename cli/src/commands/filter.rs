//! `cseal filter`: a mail in, a mail out, for programs that hand on mail and for those that show it.
//!
//! It asks nothing and loses nothing. Whatever goes wrong while a mail is judged becomes a word in the field that
//! is added; where even that cannot be written, the exit code 75 tells the caller to keep the mail.

mod display;

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use counterseal_core::cms::OpenOptions;
use counterseal_core::limits::MAIL_IN_MEMORY;
use counterseal_core::mail;
use counterseal_core::message::{self, AuthorSignature, Context, ReadOptions, Status, Verdict};
use counterseal_core::ports::{Source, Spools};
use counterseal_core::time::Time;

use super::history;
use super::reading::{self, OurKeys};
use super::store::{self, Unlock};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::open_input;
use crate::policy;
use crate::randomness::SystemRandom;
use crate::render::verdict_field::{self, FIELD};
use crate::spool::EncryptedSpools;

/// Hands on what is on standard input.
pub(super) fn run(arguments: &args::Filter) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    let handed_on = catch_unwind(AssertUnwindSafe(|| {
        if arguments.rendered { rendered() } else { handed_on(arguments, at) }
    }));
    let later = |failure: Failure| Failure { exit: Exit::Later, ..failure };
    match handed_on {
        Ok(result) => result.map(|()| Exit::Done).map_err(later),
        // What it was is on standard error already.
        Err(_) => Ok(Exit::Later),
    }
}

/// Text that a mail program made.
fn rendered() -> Result<(), Failure> {
    let mut text = Vec::new();
    let mut input = open_input(None)?.take(MAIL_IN_MEMORY);
    input.read_to_end(&mut text).map_err(|error| Failure::io("standard input", &error))?;
    write(|output| output.write_all(display::rendered(&String::from_utf8_lossy(&text)).as_bytes()))
}

fn handed_on(arguments: &args::Filter, at: Time) -> Result<(), Failure> {
    let mut mail = open_input(None)?;
    let judged = judge(mail.as_mut(), arguments, at);
    if arguments.display {
        let text = display::of_mail(mail.as_mut(), judged);
        return write(|output| output.write_all(text.as_bytes()));
    }
    let field = match &judged {
        Ok(judged) => verdict_field::of(&judged.status, judged.signature.as_ref()),
        Err(failure) => verdict_field::unjudged(failure.word),
    };
    let mut opened = judged.ok().filter(|judged| arguments.decrypt && judged.may_replace());
    let mail = opened.as_mut().map_or(mail.as_mut(), |judged| judged.readable.as_mut());
    write(|output| mail::replace_field(mail, FIELD, &field, output).map(drop))
}

fn write(to: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    to(&mut output).and_then(|()| output.flush()).map_err(|error| Failure::io("standard output", &error))
}

/// What is to be said of a mail, and the mail as it may be read.
struct Judged {
    status: Status,
    signature: Option<AuthorSignature>,
    readable: Box<dyn Source>,
    /// From where on a verdict is shown as good.
    positive: message::Accept,
}

impl Judged {
    /// Whether what was inside may take the place of an encrypted mail. Without integrity protection and without
    /// a signature somebody on the way may have put words into it that make a mail program send the rest to them
    /// (EFAIL), and nobody looks at it first.
    fn may_replace(&self) -> bool {
        let is_signed = matches!(
            self.status.verdict,
            Verdict::Verified | Verdict::Checked | Verdict::Signed | Verdict::Unverified
        );
        self.status.encrypted.as_ref().is_some_and(|encrypted| encrypted.integrity || is_signed)
    }
}

/// Reads a mail as `verify` does, with what is open already.
fn judge(mail: &mut dyn Source, arguments: &args::Filter, at: Time) -> Result<Judged, Failure> {
    let policy = policy::in_force()?;
    let mut store = store::open_if_any()?;
    let keys = OurKeys::from_store(store.as_ref(), Unlock::without_asking())?;
    let knowledge = reading::knowledge(&args::Evidence::default(), &[], store.as_ref(), &policy)?;
    let context = Context { keys: keys.port(), knowledge: &knowledge, at, spools: &EncryptedSpools };
    let mut read = read(mail, &context).map_err(|error| keys.explain(error))?;
    if let Some(knowledge) =
        history::with_proof(store.as_ref(), &read.0.status, read.0.author_signature.as_ref(), &knowledge)
    {
        let context = Context { knowledge: &knowledge, ..context };
        read = self::read(mail, &context).map_err(|error| keys.explain(error))?;
    }
    drop(keys);
    let (readable, source) = read;
    let signature = readable.author_signature;
    if let (Some(store), Some(signature)) = (&mut store, &signature) {
        // Nobody reads notes here.
        let silent = args::Report { json: true, ..args::Report::default() };
        reading::remember(store, signature, &policy, (&arguments.history, &silent));
    }
    Ok(Judged { status: readable.status, signature, readable: source, positive: policy::positive(&policy) })
}

/// No key is tried that the mail does not name: whoever sends mails must not learn from what becomes of them.
fn read(
    mail: &mut dyn Source,
    context: &Context<'_>,
) -> Result<(message::Readable, Box<dyn Source>), message::ReadError> {
    let options = ReadOptions { open: OpenOptions::default(), keep_signature: false };
    let mut output = EncryptedSpools.create().map_err(message::ReadError::Io)?;
    let readable = message::verify(mail, context, &mut SystemRandom, &options, &mut output)?;
    output.into_source().map(|source| (readable, source)).map_err(message::ReadError::Io)
}
