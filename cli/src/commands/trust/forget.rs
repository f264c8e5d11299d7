//! `cseal trust forget`: a contact is gone from the store.

use crate::args;
use crate::commands::parse_address;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::trust::history;
use crate::store::TrustKind;

/// Takes everything about an address out of the store.
pub(super) fn run(arguments: &args::TrustForget) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let mut store = store::open()?;
    let key = address.lookup_key();
    if store.trust_rows()?.iter().any(|row| row.kind == TrustKind::Own && row.address == key) {
        return Err(Failure::usage(format!("{address} is your own address")));
    }
    if !store.remembers(&address)? {
        return Err(Failure::unknown("no-key", format!("{address}: nothing is known of this address")));
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let forgotten = store.write(crate::clock::now(), |writer| writer.forget(&address))?;
    if !store.wipe()? {
        return Err(Failure::unknown(
            "store-busy",
            format!("{address} is forgotten, but another program keeps old pages of the store"),
        )
        .hint("end the other cseal and run the command once more"));
    }
    history::forgotten(&address.to_string(), &forgotten, arguments.report.json)?;
    Ok(Exit::Done)
}
