//! `cseal trust vouch`: the person's word for somebody's key, signed.

mod instructions;

use std::io::Write;
use std::path::Path;

use counterseal_core::openpgp::{
    NewCertification, SignedStatement, Statement, StatementKind, TwinKey, certify_twin, to_armor,
};
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use super::statement::{basis, written};
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
    subject.require_compared(&store, arguments.compared.as_deref())?;
    let now = clock::now();
    let vouch =
        Vouch { arguments, subject: &subject, expires: expires(arguments.expires.as_deref(), now)?, now };
    if let Some(program) = arguments.print_commands {
        render::instructions(&vouch.instructions(program)?)?;
        return Ok(Exit::Done);
    }
    let bytes = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        vouch.sign(&store, &keys).map_err(|failure| keys.failure().unwrap_or(failure))?
    };
    let signed = SignedStatement::read(&bytes, &[], &[])
        .map_err(|error| Failure::unknown("cannot-sign", format!("the statement is not good: {error}")))?;
    written(&bytes, &arguments.output)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| KeptStatement { bytes, keyring: Vec::new() }.keep(writer))?;
    let elsewhere = arguments.output.output.is_some();
    render::made(&StatementObject::of(&signed), elsewhere, arguments.report.json)?;
    Ok(Exit::Done)
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
    expires: Option<Time>,
    now: Time,
}

impl Vouch<'_> {
    fn statement(&self) -> Statement {
        let basis = basis(self.arguments.basis);
        let kind = StatementKind::Endorsement { basis, amount: self.arguments.amount };
        let statement = Statement::new(kind, self.subject.address.clone(), &self.subject.key(), self.now);
        Statement { expires: self.expires, ..statement }
    }

    fn instructions(&self, program: args::OpenPgpProgram) -> Result<String, Failure> {
        instructions::of(&instructions::Request {
            program,
            statement: &self.statement(),
            twin: self.subject.twin.as_ref().map(|twin| (&self.subject.certificate, twin)),
            file: self.arguments.certificate.as_deref().unwrap_or_default(),
            sq_key: &self.arguments.sq_key,
        })
    }

    /// The statement by our signing key; and the certification of the twin by our personal CA's.
    fn sign(&self, store: &Store, keys: &StoreKeys<'_>) -> Result<Vec<u8>, Failure> {
        let certificates = signing_chain(store, keys, None, self.now)?;
        if let Some(path) = &self.arguments.openpgp {
            self.certify(store, keys, path)?;
        }
        Ok(self.statement().sign(keys, &certificates).map_err(counterseal_core::message::WriteError::Sign)?)
    }

    fn certify(&self, store: &Store, keys: &StoreKeys<'_>, path: &Path) -> Result<(), Failure> {
        let no_twin = |what: &str| Failure::unknown("no-twin", format!("{what} has no OpenPGP twin"));
        let own = own_authority(store, keys)?.ok_or_else(|| no_twin("your personal CA"))?;
        let subject = TwinKey::of(self.subject.certificate.public_key());
        let subject = subject.ok_or_else(|| no_twin("the key"))?;
        let twin = self.subject.twin.as_ref();
        let user_id = twin.map_or_else(|| self.subject.address.to_string(), |twin| twin.user_id.clone());
        let certification = NewCertification {
            amount: self.arguments.amount,
            basis: basis(self.arguments.basis),
            expires: self.expires,
        };
        let keys: &dyn SecretKeys = keys;
        let subject = (&subject, twin.map(|twin| twin.packets.as_slice()));
        let packets = certify_twin(keys, own.public_key(), subject, &user_id, &certification, self.now)
            .map_err(|error| {
                Failure::unknown("cannot-sign", format!("the twin was not certified: {error}"))
            })?;
        let armored = to_armor(&packets)
            .map_err(|error| Failure::unknown("cannot-sign", format!("the twin was not written: {error}")))?;
        let mut output = Output::at(Some(path), self.arguments.output.overwrite, Content::Text)?;
        output.write_all(armored.as_bytes()).map_err(|error| Failure::io("the output", &error))?;
        output.commit()
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
