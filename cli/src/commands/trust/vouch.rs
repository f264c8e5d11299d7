//! `cseal trust vouch`: the person's word for somebody's key, signed.

mod instructions;

use std::io::Write;

use counterseal_core::message::WriteError;
use counterseal_core::openpgp::{
    NewCertification, SignedStatement, Statement, StatementKind, TwinKey, certify_twin, to_armor,
};
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use super::statement::as_pem;
use super::subject::Subject;
use crate::args::{self, TrustVouch};
use crate::clock;
use crate::commands::signer::signing_chain;
use crate::commands::statements::KeptStatement;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::render::trust::statement::{self as render, StatementObject};
use crate::store::{KeyUse, Store, StoreKeys};

/// Vouches, or prints how to.
pub(super) fn run(arguments: &TrustVouch) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let subject = Subject::of(&store, &arguments.address, arguments.certificate.as_deref())?;
    let comparison = subject.comparison(&store, arguments.compared.as_deref())?;
    let now = clock::now();
    let kind = comparison.endorsement(arguments.basis, arguments.amount);
    let statement = Statement {
        expires: expires(arguments.expires.as_deref(), now)?,
        ..Statement::new(kind, subject.address.clone(), &subject.key(), now)
    };
    let vouch = Vouch { arguments, subject: &subject, statement, now };
    if let Some(program) = arguments.print_commands {
        render::instructions(&vouch.instructions(program)?)?;
        return Ok(Exit::Done);
    }
    // Both files get their names in the end, or neither.
    let (output, twin_output) = outputs(arguments)?;
    let (bytes, certified) = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        vouch.sign(&store, &keys).map_err(|failure| keys.failure().unwrap_or(failure))?
    };
    let signed = SignedStatement::read(&bytes, &[], &[])
        .map_err(|error| Failure::unknown("cannot-sign", format!("the statement is not good: {error}")))?;
    let output = as_pem(&bytes, output)?;
    let twin_output = twin_output.map(|output| write_twin(output, certified.as_deref())).transpose()?;
    output.commit()?;
    twin_output.map_or(Ok(()), Output::commit)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| KeptStatement { bytes, keyring: Vec::new() }.keep(writer))?;
    let elsewhere = arguments.output.output.is_some();
    render::made(&StatementObject::of(&signed), elsewhere, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Where the statement goes, and the certified twin where one is wanted.
fn outputs(arguments: &TrustVouch) -> Result<(Output, Option<Output>), Failure> {
    if arguments.openpgp.is_some() && arguments.openpgp == arguments.output.output {
        return Err(Failure::usage("-o and --openpgp name the same file"));
    }
    let overwrite = arguments.output.overwrite;
    let twin = arguments.openpgp.as_deref().map(|path| Output::at(Some(path), overwrite, Content::Text));
    Ok((Output::open(&arguments.output, Content::Text)?, twin.transpose()?))
}

fn write_twin(mut output: Output, armored: Option<&str>) -> Result<Output, Failure> {
    let written = output.write_all(armored.unwrap_or_default().as_bytes());
    written.map_err(|error| Failure::io("the output", &error))?;
    Ok(output)
}

/// The moment that `--expires` names; it must be to come.
pub(super) fn expires(typed: Option<&str>, now: Time) -> Result<Option<Time>, Failure> {
    let expires = typed.map(|typed| clock::parse("--expires", typed)).transpose()?;
    match expires {
        Some(expires) if expires <= now => Err(Failure::usage("--expires is over already")),
        expires => Ok(expires),
    }
}

struct Vouch<'v> {
    arguments: &'v TrustVouch,
    subject: &'v Subject,
    statement: Statement,
    now: Time,
}

impl Vouch<'_> {
    fn instructions(&self, program: args::OpenPgpProgram) -> Result<String, Failure> {
        instructions::of(&instructions::Request {
            program,
            statement: &self.statement,
            twin: self.subject.twin.as_ref().map(|twin| (&self.subject.certificate, twin)),
            file: self.arguments.certificate.as_deref().unwrap_or_default(),
            sq_key: &self.arguments.sq_key,
        })
    }

    /// The statement by our signing key; and the certification of the twin by our personal CA's.
    fn sign(&self, store: &Store, keys: &StoreKeys<'_>) -> Result<(Vec<u8>, Option<String>), Failure> {
        let certificates = signing_chain(store, keys, None, self.now)?;
        let certified = match &self.arguments.openpgp {
            Some(_) => Some(self.certify(store, keys)?),
            None => None,
        };
        Ok((self.statement.sign(keys, &certificates).map_err(WriteError::Sign)?, certified))
    }

    /// The certified twin, armored.
    fn certify(&self, store: &Store, keys: &StoreKeys<'_>) -> Result<String, Failure> {
        let no_twin = |what: &str| Failure::unknown("no-twin", format!("{what} has no OpenPGP twin"));
        let own = own_authority(store, keys)?.ok_or_else(|| no_twin("your personal CA"))?;
        let subject = TwinKey::of(self.subject.certificate.public_key());
        let subject = subject.ok_or_else(|| no_twin("the key"))?;
        let twin = self.subject.twin.as_ref();
        let user_id = twin.map_or_else(|| self.subject.address.to_string(), |twin| twin.user_id.clone());
        let StatementKind::Endorsement { basis, amount } = self.statement.kind else {
            return Err(Failure::unknown("cannot-sign", "this is no endorsement"));
        };
        let certification = NewCertification { amount, basis, expires: self.statement.expires };
        let keys: &dyn SecretKeys = keys;
        let subject = (&subject, twin.map(|twin| twin.packets.as_slice()));
        let packets = certify_twin(keys, own.public_key(), subject, &user_id, &certification, self.now)
            .map_err(|error| {
                Failure::unknown("cannot-sign", format!("the twin was not certified: {error}"))
            })?;
        to_armor(&packets)
            .map_err(|error| Failure::unknown("cannot-sign", format!("the twin was not written: {error}")))
    }
}

/// The certificate of our personal CA.
pub(super) fn own_authority(store: &Store, keys: &StoreKeys<'_>) -> Result<Option<Certificate>, Failure> {
    let own = keys.stored().iter().filter(|key| key.key_use == KeyUse::PersonalCa && key.retired.is_none());
    for key in own {
        let certificates = store.certificates_of(key.fingerprint.sha256())?;
        if let Some(found) = certificates.iter().find_map(|der| Certificate::from_der(der).ok()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
