//! `cseal trust history`: what was seen, and whether the log holds.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::x509::Certificate;

use crate::args;
use crate::commands::{parse_address, store};
use crate::failure::{Exit, Failure};
use crate::render::trust::history::{self, Shown};

/// Shows the log, or writes it out.
pub(super) fn run(arguments: &args::TrustHistory) -> Result<Exit, Failure> {
    let address = arguments.address.as_deref().map(parse_address).transpose()?;
    let store = store::open()?;
    let log = store.log()?;
    if arguments.export {
        history::export(&log)?;
    } else {
        let keys: Vec<Fingerprint> = store
            .certificates()?
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok())
            .map(|certificate| certificate.fingerprint())
            .collect();
        let shown =
            Shown { log: &log, address: address.as_ref(), keys: &keys, waiting: store.pending()?.len() };
        history::show(&shown, arguments.report.json)?;
    }
    match log.fault {
        None => Ok(Exit::Done),
        Some(fault) => Err(history::broken(fault)),
    }
}
