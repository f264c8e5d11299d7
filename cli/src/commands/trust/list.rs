//! `cseal trust list`: what the person decided. It needs no passphrase.

use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::introducers::{self, Introducer};
use crate::commands::reliances::{self, Reliance};
use crate::commands::statements::{self, Contact};
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::policy;
use crate::render::trust::list::{self, Decisions, PinObject, Reliances};
use crate::store::{Store, TrustKind};

/// Lists every pin, and every CA that is relied on.
pub(super) fn run(arguments: &args::TrustList) -> Result<Exit, Failure> {
    let store = store::open()?;
    let certificates: Vec<Certificate> =
        store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let rows = store.trust_rows()?;
    let pins = rows.iter().filter(|row| row.kind == TrustKind::Pin).filter_map(|row| {
        let mut keys = certificates.iter().map(Certificate::fingerprint);
        let key = keys.find(|key| key.sha256() == &row.key)?;
        let points = u32::try_from(row.points).unwrap_or(0);
        Some(PinObject::new(&row.address, &key, points, &row.source, Some(row.created)))
    });
    let decisions = Decisions { version: 1, pins: pins.collect(), reliances: reliances(&store)? };
    list::decisions(&decisions, policy::in_force()?.rules.capacities.profile, arguments.report.json)?;
    Ok(Exit::Done)
}

/// On whom the person relies.
pub(super) fn reliances(store: &Store) -> Result<Reliances, Failure> {
    Ok(Reliances {
        authorities: reliances::anchors(store)?.iter().map(Reliance::object).collect(),
        introducers: introducers::all(store)?.iter().map(Introducer::object).collect(),
        contacts: statements::contacts(store)?.iter().map(Contact::object).collect(),
    })
}
