//! `cseal trust statement import`

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::CARRIED_EVIDENCE_BYTES;
use counterseal_core::openpgp::{
    SignedStatement, StatementKind, StatementSigner, TwinKey, Web, certificate_in, to_binary,
};
use counterseal_core::trust::Standing;
use counterseal_core::x509::Certificate;

use super::super::vouch::own_authority;
use super::{failure, keyrings, slices};
use crate::args::StatementImport;
use crate::clock;
use crate::commands::history;
use crate::commands::introducers::Taken;
use crate::commands::statements::{self, KeptStatement};
use crate::commands::store::{self, Unlock};
use crate::commands::successions;
use crate::failure::{Exit, Failure};
use crate::render::trust::statement::{self as render, ChangedObject, StatementObject};
use crate::store::{Store, StoreError, TrustKind, Writer};

/// Takes in every file, or none.
pub(super) fn run(arguments: &StatementImport) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let mut keyrings = keyrings(&arguments.keyrings)?;
    keyrings.extend(statements::signers(&store)?);
    let owner = Owner::of(&store)?;
    let mut taken = Vec::new();
    for path in &arguments.files {
        taken.push(Import::of(path, &keyrings, &store, &owner)?);
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let now = clock::now();
    store.write(now, |writer| taken.iter().try_for_each(|import| import.keep(writer)))?;
    let knowledge = store::knowledge(&store)?;
    let successors = successions::of(&store, &knowledge, now)?;
    if !successors.is_empty() {
        let is_told = history::is_kept()?;
        history::write(&mut store, |writer| {
            successors.iter().try_for_each(|new| new.keep(writer, is_told).map(drop))
        })?;
    }
    let objects = taken.iter().filter_map(|import| match import {
        Import::Statement { signed, goes_along, .. } => {
            let standing = Standing::of(signed, &knowledge, now);
            Some(StatementObject::of(signed).standing(standing).going_along(*goes_along))
        }
        Import::Certificates(_) | Import::OwnTwin { .. } => None,
    });
    let certificates = taken.iter().map(|import| match import {
        Import::Certificates(taken) => taken.count(),
        Import::Statement { .. } | Import::OwnTwin { .. } => 0,
    });
    let certificates = certificates.sum();
    let twins = taken.iter().filter(|import| matches!(import, Import::OwnTwin { .. })).count();
    let changed = successors.iter().map(|new| ChangedObject::new(&new.address, &new.old, &new.key));
    render::imported(
        &objects.collect::<Vec<_>>(),
        (twins, certificates),
        changed.collect(),
        arguments.report.json,
    )?;
    Ok(Exit::Done)
}

/// What is ours: statements about it go along with our mail.
struct Owner {
    keys: Vec<[u8; 32]>,
    addresses: Vec<EmailAddress>,
    authority: Option<Certificate>,
}

impl Owner {
    fn of(store: &Store) -> Result<Self, Failure> {
        let rows = store.trust_rows()?;
        let own: Vec<_> = rows.iter().filter(|row| row.kind == TrustKind::Own).collect();
        let keys = store::keys(store, Unlock::from_file(None))?;
        Ok(Self {
            keys: own.iter().map(|row| row.key).collect(),
            addresses: own.iter().filter_map(|row| EmailAddress::parse(&row.address).ok()).collect(),
            authority: own_authority(store, &keys)?,
        })
    }

    /// Whether somebody speaks for a key of ours.
    fn is_praised(&self, signed: &SignedStatement) -> bool {
        !matches!(signed.statement.kind, StatementKind::Withdrawal { .. })
            && self.keys.contains(&signed.statement.spki_sha256)
            && self.addresses.iter().any(|own| own.matches(&signed.statement.subject))
    }

    /// Our twin in a file.
    fn twin_in(&self, web: &Web) -> bool {
        let key = self.authority.as_ref().and_then(|authority| TwinKey::of(authority.public_key()));
        key.is_some_and(|key| {
            web.certificate(&key.fingerprint()).is_some_and(|twin| key.is_primary_key_of(twin))
        })
    }
}

/// What a file brings.
enum Import {
    Statement { signed: Box<SignedStatement>, kept: KeptStatement, goes_along: bool },
    Certificates(Taken),
    OwnTwin { packets: Vec<u8>, web: Taken },
}

impl Import {
    fn of(path: &Path, keyrings: &[Vec<u8>], store: &Store, owner: &Owner) -> Result<Self, Failure> {
        let bytes = statements::read(path)?;
        let certificates: Vec<Certificate> =
            store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let mut web = Web::new();
        if web.import(&[&bytes]).is_ok_and(|imported| !imported.read.is_empty()) {
            let taken = Taken::of(store, &[&bytes])?;
            let packets = to_binary(&bytes).filter(|packets| packets.len() <= CARRIED_EVIDENCE_BYTES / 2);
            return Ok(match packets.filter(|_| owner.twin_in(&web) && web.certificates().len() == 1) {
                Some(packets) => Self::OwnTwin { packets, web: taken },
                None => Self::Certificates(taken),
            });
        }
        let signed = SignedStatement::read(&bytes, &slices(keyrings), &certificates)
            .map_err(|error| failure(&path.display().to_string(), error))?;
        let keyring = signers_keyring(&signed, keyrings);
        let goes_along = owner.is_praised(&signed);
        Ok(Self::Statement { signed: Box::new(signed), kept: KeptStatement { bytes, keyring }, goes_along })
    }

    fn keep(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        match self {
            Self::Statement { signed, kept, goes_along } => {
                if *goes_along {
                    statements::carry(&signed.statement.digest(), &kept.bytes, writer)?;
                }
                kept.keep(writer).map(drop)
            }
            Self::Certificates(taken) => taken.keep(writer),
            Self::OwnTwin { packets, web } => {
                statements::carry_twin(packets, writer)?;
                web.keep(writer)
            }
        }
    }
}

/// The signer's certificate: without it nobody can check the statement again.
fn signers_keyring(signed: &SignedStatement, keyrings: &[Vec<u8>]) -> Vec<u8> {
    let StatementSigner::OpenPgp(signer) = &signed.signer else { return Vec::new() };
    keyrings.iter().find_map(|keyring| certificate_in(keyring, &signer.certificate)).unwrap_or_default()
}
