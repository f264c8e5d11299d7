//! `cseal trust show`: how far a key is believed to be somebody's, and why.

mod batch;
mod ground;
pub(super) mod web;

use std::path::PathBuf;

use counterseal_core::address::{EmailAddress, KeyDemand, StrongAddress};
use counterseal_core::message::Accept;
use counterseal_core::time::Time;
use counterseal_core::trust::{Level, picture};

use self::ground::Ground;
use self::web::{Asked, Binding};
use crate::args;
use crate::clock;
use crate::commands::{reading, store, strong};
use crate::failure::{Exit, Failure};
use crate::files::write_file;
use crate::render::trust::{openpgp, show};

/// Whether a key belongs to an address, at a moment.
struct Question {
    address: EmailAddress,
    /// What the person demands of the key.
    demand: KeyDemand,
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
    let StrongAddress { address, demand } = strong::parse(typed)?;
    if let Some(fingerprint) = &arguments.fingerprint {
        return binding(arguments, &Binding::of(address, fingerprint, arguments.user_id.clone(), at)?);
    }
    let certificate = arguments.certificate.clone();
    let store = if certificate.is_some() { None } else { Some(store::open()?) };
    let ground = Ground::of(arguments, store.as_ref())?;
    let (web, reliances) = (web::read(&arguments.keyrings)?, web::reliances(&arguments.rely)?);
    let is_strict = demand == KeyDemand::Verified;
    let question = Question { address, demand, certificate, at };
    let answer = ground.answer(&question, &mut Asked::new(&web, &reliances))?;
    if let Some(path) = &arguments.graph {
        let claim = &answer.decision.evaluation.claim;
        let drawn = picture(claim, &answer.decision.dossier, &answer.rules, at);
        write_file(path, show::svg(&drawn).as_bytes(), arguments.overwrite)?;
    }
    show::answer(&answer, arguments.report.json)?;
    let least = arguments.accept.map(reading::accept).or(is_strict.then_some(Accept::Verified));
    Ok(exit(answer.decision.level, least))
}

/// Answers whether an OpenPGP certificate belongs to an address.
fn binding(arguments: &args::TrustShow, binding: &Binding) -> Result<Exit, Failure> {
    let (web, reliances) = (web::read(&arguments.keyrings)?, web::reliances(&arguments.rely)?);
    let answer = Asked::new(&web, &reliances).answer(binding)?;
    openpgp::answer(&answer, arguments.report.json)?;
    Ok(exit(answer.level, arguments.accept.map(reading::accept)))
}

fn exit(level: Level, least: Option<Accept>) -> Exit {
    let enough = match least {
        None => Level::None,
        Some(Accept::Signed) => Level::Opportunistic,
        Some(Accept::Checked) => Level::Checked,
        Some(Accept::Verified) => Level::Verified,
        Some(Accept::Strong) => Level::Strong,
    };
    match level {
        Level::Conflict => Exit::Contradiction,
        level if level >= enough => Exit::Done,
        _ => Exit::No,
    }
}
