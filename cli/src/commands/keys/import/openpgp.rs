//! `cseal keys import --openpgp`: the person's OpenPGP key becomes an S/MIME key, and says so itself.

mod made;
mod opened;

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::limits::OPENPGP_SECRET_KEY_BYTES;
use counterseal_core::openpgp::{SecretCertificate, SecretFileError, address_of_user_id};
use counterseal_core::x509::Certificate;

use self::made::Made;
use self::opened::Opened;
use crate::args;
use crate::clock;
use crate::commands::{keys, parse_address};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::render::keys::openpgp::{self as render, Adopted};
use crate::sources::KeyFiles;
use crate::store::{Store, TrustKind};

/// Takes in the one key of one file.
pub(super) fn run(arguments: &args::Import) -> Result<Exit, Failure> {
    let [file] = arguments.files.as_slice() else {
        return Err(Failure::usage("--openpgp takes one file, with one key in it"));
    };
    if file.is_dir() {
        return Err(Failure::usage(format!("{}: --openpgp takes a file, not a folder", file.display()))
            .hint("let gpg hand it out: gpg --export-secret-keys ADDRESS | cseal keys import --openpgp -"));
    }
    let now = clock::now();
    let bytes = read_file(file, OPENPGP_SECRET_KEY_BYTES)?;
    let read = SecretCertificate::read(&bytes, now).map_err(|error| refused(file, error))?;
    let named = arguments.address.iter().map(|typed| parse_address(typed)).collect::<Result<Vec<_>, _>>()?;
    let opened = Opened::of(file, &read, KeyFiles::new(&arguments.passphrase), arguments.new_key)?;
    let mut store = super::open_or_create(arguments)?;
    let addresses = addresses(&store, &read, &named)?;
    super::unlock(arguments, &store)?;
    let owners = owners(&store, addresses)?;
    let mut made = Vec::new();
    for owner in owners {
        made.push(opened.made_for(owner, arguments, &store, now)?);
    }
    store.write(now, |writer| made.iter().try_for_each(|made| made.write(writer)))?;
    let report = Adopted {
        openpgp: read.fingerprint().to_string(),
        keys: made.iter().flat_map(|made| made.report.iter().cloned()).collect(),
        linked: made.iter().flat_map(Made::linked).collect(),
        to_link: made.iter().filter(|made| made.links.is_none()).flat_map(Made::addresses).collect(),
        not_taken: opened.not_taken,
    };
    render::adopted(&report, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Why a file is no key that can be taken in, and what to do.
fn refused(file: &Path, error: SecretFileError) -> Failure {
    let failure = Failure::unknown("openpgp-key", format!("{}: {error}", file.display()));
    match error {
        SecretFileError::PublicOnly => failure.hint("gpg --export-secret-keys FINGERPRINT > FILE"),
        SecretFileError::Several(_) => {
            failure.hint("export one: gpg --export-secret-keys FINGERPRINT > FILE")
        }
        SecretFileError::Expired => {
            failure.hint("gpg --quick-set-expire FINGERPRINT 2y, then export it anew")
        }
        SecretFileError::NotValid => failure
            .hint("gpg --cert-digest-algo SHA512 --quick-set-expire FINGERPRINT 2y, then export it anew"),
        SecretFileError::Revoked => failure.hint("make new keys with `cseal init ADDRESS`"),
        SecretFileError::TooLarge | SecretFileError::Malformed => failure,
    }
}

/// Which addresses of the key are the person's: those that were named, else those that are theirs here
/// already; all where nobody has a key here yet. A user identifier is only what the key says of itself.
fn addresses(
    store: &Store,
    read: &SecretCertificate,
    named: &[EmailAddress],
) -> Result<Vec<EmailAddress>, Failure> {
    let mut all: Vec<EmailAddress> = Vec::new();
    for address in read.user_ids().iter().filter_map(|user_id| address_of_user_id(user_id)) {
        if !all.iter().any(|known| known.matches(&address)) {
            all.push(address);
        }
    }
    if let Some(foreign) = named.iter().find(|named| !all.iter().any(|own| own.matches(named))) {
        return Err(Failure::usage(format!(
            "{foreign}: no user identifier of the OpenPGP key has this address"
        )));
    }
    let rows = store.trust_rows()?;
    let has = |kind: TrustKind, address: &EmailAddress| {
        rows.iter().any(|row| row.kind == kind && row.address == address.lookup_key())
    };
    if !named.is_empty() {
        all.retain(|own| named.iter().any(|named| named.matches(own)));
    } else if rows.iter().any(|row| row.kind == TrustKind::Own) {
        let offered = all.first().map(ToString::to_string).unwrap_or_default();
        all.retain(|address| has(TrustKind::Own, address));
        if all.is_empty() {
            return Err(Failure::usage("no address of the OpenPGP key is one of yours here")
                .hint(format!("say which one is: --address {offered}")));
        }
    }
    if let Some(theirs) = all.iter().find(|one| has(TrustKind::Pin, one) && !has(TrustKind::Own, one)) {
        return Err(Failure::usage(format!("{theirs} is a contact of yours, whose key you compared")));
    }
    if all.is_empty() {
        return Err(Failure::unknown("no-address", "no user identifier of the OpenPGP key has an address"));
    }
    Ok(all)
}

/// Addresses that one personal CA stands for; one that is still to be made has none yet.
struct Owner {
    authority: Option<Certificate>,
    addresses: Vec<EmailAddress>,
}

fn owners(store: &Store, addresses: Vec<EmailAddress>) -> Result<Vec<Owner>, Failure> {
    let mut owners: Vec<Owner> = Vec::new();
    for address in addresses {
        let authority = match keys::generate::authority(store, &address) {
            Ok(authority) => Some(authority),
            Err(failure) if failure.word == "no-personal-ca" => None,
            Err(failure) => return Err(failure),
        };
        match owners.iter_mut().find(|owner| owner.authority == authority) {
            Some(owner) => owner.addresses.push(address),
            None => owners.push(Owner { authority, addresses: vec![address] }),
        }
    }
    Ok(owners)
}
