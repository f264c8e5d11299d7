//! `cseal keys generate`: a further key under the personal CA.

use counterseal_core::address::EmailAddress;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::issue::Issuer;

use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::commands::{issuing, parse_address};
use crate::failure::{Exit, Failure};
use crate::places;
use crate::render;
use crate::store::{KeyUse, Store};

/// Makes the key, has the personal CA certify it, and keeps both.
pub(super) fn run(arguments: &args::KeysGenerate) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let now = clock::now();
    let mut store = store::open()?;
    let authority = authority(&store, &address)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    let (key_use, algorithm) = match (arguments.key_use, arguments.algorithm) {
        (args::KeyUse::Encryption, chosen) => {
            (KeyUse::Encryption, chosen.unwrap_or(args::Algorithm::Rsa3072))
        }
        (args::KeyUse::Signing, chosen) => (KeyUse::Signing, chosen.unwrap_or(args::Algorithm::P256)),
    };
    let made = {
        let keys = store::keys(&store, Unlock::from_options(&arguments.passphrase))?;
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let name = name(&store, &authority, &address);
        issuing::further((key_use, algorithm), &issuer, &name, std::slice::from_ref(&address), now)?
    };
    store.write(now, |writer| issuing::add(writer, key_use, &made))?;
    render::keys::made(&[(key_use, &made.1)], &places::data()?, arguments.report.json)?;
    Ok(Exit::Done)
}

/// The personal CA of an address that is in use.
pub(super) fn authority(store: &Store, address: &EmailAddress) -> Result<Certificate, Failure> {
    let retired = retired(store)?;
    for key in store::own_keys(store, address)?.iter().filter(|key| !retired.contains(*key)) {
        let certificates = store.certificates_of(key)?;
        let authority = certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
        if let Some(found) = authority.into_iter().find(Certificate::is_certificate_authority) {
            return Ok(found);
        }
    }
    Err(Failure::unknown("no-personal-ca", format!("there is no personal CA for {address}"))
        .hint(format!("make one with `cseal init {address}`")))
}

/// Keys of ours that are kept for old mail alone.
fn retired(store: &Store) -> Result<Vec<[u8; 32]>, Failure> {
    let keys = store.secret_keys()?;
    let retired = keys.iter().filter(|key| key.retired.is_some());
    Ok(retired.map(|key| *key.fingerprint.sha256()).collect())
}

/// The name that earlier certificates of the address have, so that the new one looks the same.
pub(super) fn name(store: &Store, authority: &Certificate, address: &EmailAddress) -> String {
    let certificates = store.certificates().unwrap_or_default();
    let earlier = certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).find(|certificate| {
        certificate.issuer_der() == authority.subject_der()
            && certificate.addresses().iter().any(|other| other.matches(address))
    });
    let subject = earlier.map(|certificate| certificate.subject()).unwrap_or_default();
    match subject.strip_prefix("CN=") {
        // Escapes of RFC 4514 would be escaped once more, so such a name is not copied.
        Some(name) if !name.contains([',', '\\', '=']) => name.to_owned(),
        _ => address.to_string(),
    }
}
