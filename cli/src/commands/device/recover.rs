//! `cseal device recover`: the seed on paper.

mod account;
mod copies;
pub(crate) mod drill;
pub(crate) mod paper;
mod seed;

use crate::args::{DeviceRecover, RecoverCommand, RecoverShares, RecoverSheet};
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::files::numbered;
use crate::randomness::SystemRandom;
use crate::render::recover as render;
use counterseal_keysync::recovery::{Sheet, SplitError, split};

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &DeviceRecover) -> Result<Exit, Failure> {
    match &arguments.command {
        RecoverCommand::Account(arguments) => account::run(arguments),
        RecoverCommand::Sheet(arguments) => sheet(arguments),
        RecoverCommand::Shares(arguments) => shares(arguments),
        RecoverCommand::Drill(arguments) => drill::run(arguments),
    }
}

fn sheet(arguments: &RecoverSheet) -> Result<Exit, Failure> {
    let to = paper::Paper::prepare(arguments.output.as_deref(), arguments.overwrite)?;
    let seed = seed::read(&arguments.seed)?;
    let account = paper::account(&seed)?;
    let sheet = Sheet::of_seed(&seed, &account, clock::now()).map_err(paper::not_made)?;
    to.write(&sheet, &seed.code())?;
    render::sheets(&account, arguments.output.as_slice(), &arguments.report)?;
    Ok(Exit::Done)
}

fn shares(arguments: &RecoverShares) -> Result<Exit, Failure> {
    let files: Vec<_> =
        (1..=usize::from(arguments.count)).map(|one| numbered(&arguments.output, one)).collect();
    let prepare = |file: &std::path::PathBuf| paper::Paper::prepare(Some(file), arguments.overwrite);
    let papers = files.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    let seed = seed::read(&arguments.seed)?;
    let account = paper::account(&seed)?;
    let shares = split(&seed, arguments.threshold, arguments.count, &mut SystemRandom).map_err(not_split)?;
    let now = clock::now();
    for (paper, share) in papers.into_iter().zip(&shares) {
        let sheet = Sheet::of_share(share, &account, now).map_err(paper::not_made)?;
        paper.write(&sheet, &share.code())?;
    }
    render::sheets(&account, &files, &arguments.report)?;
    Ok(Exit::Done)
}

fn not_split(error: SplitError) -> Failure {
    Failure::usage(match error {
        SplitError::Threshold => "--threshold: at least 2, or each sheet would be the seed itself",
        SplitError::Count => "--count: at least the threshold, and 16 at most",
    })
}
