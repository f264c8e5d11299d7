//! `cseal trust rely`: CAs that count as the organisation's own, and people whose OpenPGP
//! certifications count.

use std::path::{Path, PathBuf};

use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::openpgp::FULL;
use counterseal_core::x509::Certificate;

use super::show::web;
use crate::args;
use crate::clock;
use crate::commands::introducers::{self, Introducer};
use crate::commands::reliances::{self, Reliance};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::trust::list::{self, Reliances};
use crate::sources;
use crate::store::{Store, StoreError, Writer};

/// Relies on somebody from now on, or not any more.
pub(super) fn run(arguments: &args::TrustRely) -> Result<Exit, Failure> {
    let mut store = store::open()?;
    let change = if arguments.remove { kept(&store, &arguments.on)? } else { given(&store, arguments)? };
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(clock::now(), |writer| change.write(writer, arguments.remove))?;
    let reliances = Reliances {
        authorities: change.authorities.iter().map(Reliance::object).collect(),
        introducers: change.introducers.iter().map(Introducer::object).collect(),
    };
    list::relied_on(&reliances, arguments.remove, arguments.report.json)?;
    Ok(Exit::Done)
}

/// What is to be kept, or to be forgotten.
#[derive(Default)]
struct Change {
    authorities: Vec<Reliance>,
    introducers: Vec<Introducer>,
    /// OpenPGP certificates that come along.
    web: introducers::Taken,
    /// Whether nobody is relied on in OpenPGP afterwards.
    is_last: bool,
}

impl Change {
    fn write(&self, writer: &mut Writer<'_>, removes: bool) -> Result<(), StoreError> {
        for reliance in &self.authorities {
            if removes {
                reliance.forget(writer)?
            } else {
                reliance.keep(writer)?
            };
        }
        for introducer in &self.introducers {
            if removes {
                introducer.forget(writer)?
            } else {
                introducer.keep(writer)?
            };
        }
        self.web.keep(writer)?;
        if self.is_last { introducers::forget_web(writer) } else { Ok(()) }
    }
}

fn given(store: &Store, arguments: &args::TrustRely) -> Result<Change, Failure> {
    if let Some(certificate) = OpenPgpFingerprint::parse(&arguments.on) {
        let files = web::read_files(&arguments.keyrings)?;
        let files: Vec<&[u8]> = files.iter().map(|file| file.as_slice()).collect();
        let web = introducers::Taken::of(store, &files)?;
        if !web.knows(&certificate) {
            return Err(Failure::unknown("no-key", format!("{certificate}: no such OpenPGP certificate"))
                .hint("name a keyring that has it: --keyring FILE"));
        }
        let amount = arguments.amount.unwrap_or(FULL);
        let introducer = Introducer { certificate, amount, is_own: arguments.own };
        return Ok(Change { introducers: vec![introducer], web, ..Change::default() });
    }
    if arguments.own || !arguments.keyrings.is_empty() {
        return Err(Failure::usage(format!(
            "{}: no OpenPGP fingerprint (40 or 64 digits), which --keyring and --own ask for",
            arguments.on
        )));
    }
    let path = PathBuf::from(&arguments.on);
    let mut authorities = sources::certificates(std::slice::from_ref(&path))?;
    authorities.retain(Certificate::is_certificate_authority);
    if authorities.is_empty() {
        return Err(Failure::unknown("no-certificate", format!("{}: no CA in this file", path.display()))
            .hint("for a person's certificate, compare its fingerprint and use `cseal trust pin`"));
    }
    let reliance = |authority| Reliance { authority, amount: arguments.amount, since: None };
    Ok(Change { authorities: authorities.into_iter().map(reliance).collect(), ..Change::default() })
}

/// Whom a fingerprint names of those who are relied on, or which CAs are in a file.
fn kept(store: &Store, typed: &str) -> Result<Change, Failure> {
    let in_file =
        if Path::new(typed).is_file() { sources::certificates(&[typed.into()])? } else { Vec::new() };
    let mut authorities = reliances::anchors(store)?;
    authorities.retain(|reliance| {
        let key = reliance.authority.fingerprint();
        key.is_named_by(typed) || in_file.iter().any(|given| given.fingerprint() == key)
    });
    let named = OpenPgpFingerprint::parse(typed);
    let (named, others): (Vec<_>, Vec<_>) =
        introducers::all(store)?.into_iter().partition(|introducer| Some(introducer.certificate) == named);
    if authorities.is_empty() && named.is_empty() {
        return Err(Failure::unknown("no-key", format!("{typed}: you do not rely on it"))
            .hint("see what there is with `cseal trust list`"));
    }
    let is_last = !named.is_empty() && others.is_empty();
    Ok(Change { authorities, introducers: named, is_last, ..Change::default() })
}
