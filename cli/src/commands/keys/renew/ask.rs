//! `cseal keys renew --csr`: a new key, and the request for its certificate.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{Subject, certification_request};
use counterseal_core::x509::pem;

use super::like;
use super::own::{self, InUse};
use crate::args;
use crate::commands::issuing::{cannot_issue, generate, kind};
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::files::{Content, Output};
use crate::render::renew as render;
use crate::store::{KeyUse, Store};

/// Makes the key, keeps it, and only then writes the request: what a CA certifies must never be a key
/// that is lost.
pub(super) fn run(
    arguments: &args::Renew,
    store: &mut Store,
    (address, in_use): (&EmailAddress, &[InUse]),
    file: &Path,
    now: Time,
) -> Result<Exit, Failure> {
    let key_use = if arguments.signing { KeyUse::Signing } else { KeyUse::Encryption };
    if own::authority(in_use).is_some() {
        return Err(Failure::usage(format!("your personal CA issues the certificates of {address}"))
            .hint(format!("leave --csr out: `cseal keys renew {address}`")));
    }
    let Some(old) = own::newest(in_use, key_use) else { return Err(own::nobody(address)) };
    let before = Some(old.certificate.public_key().algorithm());
    let key = generate(kind(arguments.algorithm.unwrap_or_else(|| like(before, key_use))))?;
    let addresses = own::addresses(in_use, key_use, address);
    let name = own::name(in_use, address);
    let subject = Subject { name: &name, addresses: &addresses, public_key: key.public_key() };
    let request = certification_request(&Keyring::from(key.clone()), &subject).map_err(cannot_issue)?;
    // Where it cannot be written, no key is made for it.
    let mut output = Output::at(Some(file), arguments.overwrite, Content::Text)?;
    store::unlock(store, &Unlock::from_options(&arguments.passphrase))?;
    store.write(now, |writer| {
        let algorithm = key.algorithm().name();
        writer.add_secret_key(key_use, &algorithm, key.public_key().as_der(), &key.to_pkcs8_der())
    })?;
    let text = pem::encode("CERTIFICATE REQUEST", &request);
    std::io::Write::write_all(&mut output, text.as_bytes())
        .map_err(|error| Failure::io(file.display().to_string(), &error))?;
    output.commit()?;
    render::asked(address, &key.fingerprint(), file, arguments.report.json)?;
    Ok(Exit::Done)
}
