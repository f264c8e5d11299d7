//! `cseal trust statement`: signed statements about keys.

mod make;
mod take;
mod withdraw;

use std::io::Write;
use std::path::PathBuf;

use counterseal_core::openpgp::{Basis, Reason, SignedStatement, StatementError};
use counterseal_core::trust::{Knowledge, Standing};

use crate::args::{self, StatementCommand};
use crate::armor::PemWriter;
use crate::clock;
use crate::commands::{statements, store};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output, read_file};
use crate::render::trust::statement::{self as render, StatementObject};

/// Runs the sub-command that was typed.
pub(super) fn run(arguments: &args::Statement) -> Result<Exit, Failure> {
    match &arguments.command {
        StatementCommand::Make(arguments) => make::run(arguments),
        StatementCommand::Check(arguments) => check(arguments),
        StatementCommand::Import(arguments) => take::run(arguments),
        StatementCommand::Withdraw(arguments) => withdraw::run(arguments),
        StatementCommand::List(arguments) => list(arguments),
    }
}

fn check(arguments: &args::StatementCheck) -> Result<Exit, Failure> {
    let mut keyrings = keyrings(&arguments.keyrings)?;
    let knowledge = match store::open_if_any()? {
        Some(store) => {
            keyrings.extend(statements::signers(&store)?);
            store::knowledge(&store)?
        }
        None => Knowledge::default(),
    };
    let bytes = statements::read(&arguments.file)?;
    let named = || arguments.file.display().to_string();
    let signed = match &arguments.signature {
        Some(path) => {
            let text =
                std::str::from_utf8(&bytes).map_err(|_| failure(&named(), StatementError::NotCanonical))?;
            let signature = read_file(path, counterseal_core::limits::SIGNED_STATEMENT_BYTES)?;
            SignedStatement::from_detached(text, &signature, &slices(&keyrings))
        }
        None => SignedStatement::read(&bytes, &slices(&keyrings), &knowledge.certificates),
    };
    let signed = signed.map_err(|error| failure(&named(), error))?;
    let standing = Standing::of(&signed, &knowledge, clock::now());
    render::checked(&StatementObject::of(&signed).standing(standing), arguments.report.json)?;
    let counts = matches!(standing, Standing::Counts | Standing::Own | Standing::Withdraws);
    Ok(if counts { Exit::Done } else { Exit::No })
}

fn list(arguments: &args::StatementList) -> Result<Exit, Failure> {
    let store = store::open()?;
    let knowledge = store::knowledge(&store)?;
    let now = clock::now();
    let objects = knowledge
        .statements
        .iter()
        .map(|signed| StatementObject::of(signed).standing(Standing::of(signed, &knowledge, now)));
    render::listed(&objects.collect::<Vec<_>>(), arguments.report.json)?;
    Ok(Exit::Done)
}

/// Keyrings of files.
fn keyrings(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    paths.iter().map(|path| statements::read(path)).collect()
}

fn slices(keyrings: &[Vec<u8>]) -> Vec<&[u8]> {
    keyrings.iter().map(Vec::as_slice).collect()
}

/// Why a file is no signed statement, and what to do.
fn failure(file: &str, error: StatementError) -> Failure {
    let failure =
        Failure::unknown("statement", format!("{file}: {error}")).details(vec![error.word().to_owned()]);
    match error {
        StatementError::SignerUnknown => failure.hint("name the signer's OpenPGP certificate with --keyring FILE"),
        StatementError::Framing => failure.hint(
            "a statement is signed once, with nothing before or behind it; make it again with `gpg --clearsign`",
        ),
        StatementError::WrongTime => failure.hint("sign on the day that the statement is made; make it anew"),
        StatementError::WrongKind => failure.hint("a succession is signed with the old key, by cseal"),
        StatementError::TooLarge
        | StatementError::Line(_)
        | StatementError::NotCanonical
        | StatementError::BadSignature
        | StatementError::SignerUnsuitable => failure,
    }
}

/// Writes a signed statement as PEM.
fn written(bytes: &[u8], options: &args::Output) -> Result<(), Failure> {
    as_pem(bytes, Output::open(options, Content::Text)?)?.commit()
}

/// Writes a signed statement as PEM into what gets its name later.
pub(super) fn as_pem(bytes: &[u8], output: Output) -> Result<Output, Failure> {
    let failed = |error: std::io::Error| Failure::io("the output", &error);
    let mut pem = PemWriter::new(output).map_err(failed)?;
    pem.write_all(bytes).map_err(failed)?;
    pem.finish().map_err(failed)
}

/// Writes the text of a statement.
fn written_text(text: &str, options: &args::Output) -> Result<(), Failure> {
    let mut output = Output::open(options, Content::Text)?;
    output.write_all(text.as_bytes()).map_err(|error| Failure::io("the output", &error))?;
    output.commit()
}

/// The library's word for how somebody knows.
pub(super) const fn basis(basis: args::Basis) -> Basis {
    match basis {
        args::Basis::InPerson => Basis::InPerson,
        args::Basis::Video => Basis::Video,
        args::Basis::Documents => Basis::Documents,
        args::Basis::Correspondence => Basis::Correspondence,
        args::Basis::Employer => Basis::Employer,
        args::Basis::KeyParty => Basis::KeyParty,
        args::Basis::Other => Basis::Other,
    }
}

/// The library's word for a reason.
const fn reason(reason: args::Reason) -> Reason {
    match reason {
        args::Reason::Superseded => Reason::Superseded,
        args::Reason::Lost => Reason::Lost,
        args::Reason::Compromised => Reason::Compromised,
        args::Reason::Retired => Reason::Retired,
        args::Reason::Error => Reason::Error,
    }
}
