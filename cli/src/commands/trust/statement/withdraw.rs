//! `cseal trust statement withdraw`

use counterseal_core::message::WriteError;
use counterseal_core::openpgp::{SignedStatement, Statement, StatementError, StatementKind};
use counterseal_core::trust::is_own_statement;

use super::{failure, reason, written, written_text};
use crate::args::StatementWithdraw;
use crate::clock;
use crate::commands::signer::signing_chain;
use crate::commands::statements::{self, KeptStatement};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::trust::statement::{self as render, StatementObject};

/// Takes a statement back.
pub(super) fn run(arguments: &StatementWithdraw) -> Result<Exit, Failure> {
    let withdrawn = match text_of(arguments)? {
        Found::Text(statement) => statement,
        Found::Signed(signed) => {
            require_own(&signed)?;
            signed.statement
        }
    };
    let now = clock::now();
    let kind = StatementKind::Withdrawal { statement: withdrawn.digest(), reason: reason(arguments.reason) };
    let statement = Statement { kind, issued: now, expires: None, extensions: Vec::new(), ..withdrawn };
    if arguments.text {
        written_text(&statement.to_text(), &arguments.output)?;
        return Ok(Exit::Done);
    }
    let mut store = store::open()?;
    let bytes = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        let certificates = signing_chain(&store, &keys, None, now)?;
        let signed = statement.sign(&keys, &certificates).map_err(WriteError::Sign);
        signed.map_err(|error| keys.failure().unwrap_or_else(|| error.into()))?
    };
    let signed = SignedStatement::read(&bytes, &[], &[])
        .map_err(|error| Failure::unknown("cannot-sign", format!("the withdrawal is not good: {error}")))?;
    written(&bytes, &arguments.output)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| KeptStatement { bytes, keyring: Vec::new() }.keep(writer))?;
    render::made(&StatementObject::of(&signed), arguments.output.output.is_some(), arguments.report.json)?;
    Ok(Exit::Done)
}

/// What a file holds.
enum Found {
    /// The text of a statement, without anybody's signature.
    Text(Statement),
    /// A signed one.
    Signed(Box<SignedStatement>),
}

/// Nobody takes back what somebody else said.
fn require_own(signed: &SignedStatement) -> Result<(), Failure> {
    let knowledge = store::knowledge(&store::open()?)?;
    if is_own_statement(signed, &knowledge) {
        return Ok(());
    }
    Err(Failure::no("not-the-signer", "you did not sign this statement, and only its signer takes it back"))
}

fn text_of(arguments: &StatementWithdraw) -> Result<Found, Failure> {
    let bytes = statements::read(&arguments.file)?;
    let failed = |error| failure(&arguments.file.display().to_string(), error);
    if let Ok(text) = std::str::from_utf8(&bytes)
        && let Ok(statement) = Statement::parse(text)
    {
        return Ok(Found::Text(statement));
    }
    let signed = SignedStatement::read(&bytes, &[], &[]).map_err(|error| match error {
        StatementError::SignerUnknown => Failure::unknown(
            "statement",
            format!("{}: signed with an OpenPGP key", arguments.file.display()),
        )
        .hint("withdraw its text: `cseal trust statement withdraw --text FILE`, FILE being what was signed"),
        error => failed(error),
    })?;
    Ok(Found::Signed(Box::new(signed)))
}
