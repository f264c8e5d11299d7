//! `cseal trust show`: how far a key is believed to be somebody's, and why.

mod batch;
mod ground;

use std::path::PathBuf;

use counterseal_core::address::EmailAddress;
use counterseal_core::message::Accept;
use counterseal_core::time::Time;
use counterseal_core::trust::{Level, picture};

use self::ground::Ground;
use crate::args;
use crate::clock;
use crate::commands::{parse_address, reading, store};
use crate::failure::{Exit, Failure};
use crate::files::write_file;
use crate::render::trust::show::{self, Answer};

/// Whether a key belongs to an address, at a moment.
struct Question {
    address: EmailAddress,
    /// The key of this file; where there is none, a key of the store.
    certificate: Option<PathBuf>,
    at: Time,
}

/// Answers one question, or those on standard input.
pub(super) fn run(arguments: &args::TrustShow) -> Result<Exit, Failure> {
    let at = clock::at(arguments.at.at.as_deref())?;
    if arguments.batch {
        return batch::run(arguments, at);
    }
    let typed = arguments.address.as_deref().unwrap_or_default();
    let (address, certificate) = (parse_address(typed)?, arguments.certificate.clone());
    let store = if certificate.is_some() { None } else { Some(store::open()?) };
    let ground = Ground::of(arguments, store.as_ref())?;
    let answer = ground.answer(&Question { address, certificate, at })?;
    if let Some(path) = &arguments.graph {
        let claim = &answer.decision.evaluation.claim;
        let drawn = picture(claim, &answer.decision.dossier, &answer.rules, at);
        write_file(path, show::svg(&drawn).as_bytes(), arguments.overwrite)?;
    }
    show::answer(&answer, arguments.report.json)?;
    Ok(exit(&answer, arguments.accept.map(reading::accept)))
}

fn exit(answer: &Answer, least: Option<Accept>) -> Exit {
    let level = answer.decision.level;
    let enough = match least {
        None => Level::None,
        Some(Accept::Signed) => Level::Opportunistic,
        Some(Accept::Checked) => Level::Checked,
        Some(Accept::Verified) => Level::Verified,
    };
    match level {
        Level::Conflict => Exit::Contradiction,
        level if level >= enough => Exit::Done,
        _ => Exit::No,
    }
}
