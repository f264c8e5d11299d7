//! `cseal init`: a store, a personal CA, and the two certificates that it issues.

mod gnupg;

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::keys::Keyring;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::issue::Issuer;
use counterseal_core::x509::{Certificate, KeyKind, SecretKey};

use super::issuing::{add, authority_certificate, further, generate, suits};
use super::store::{self, Unlock};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::passphrase;
use crate::places;
use crate::render;
use crate::store::{KeyUse, NewTrust, Protection, Store, StoreError, TrustKind, Writer};

/// Makes what is missing, and says what there is.
pub(crate) fn run(arguments: &args::Init) -> Result<Exit, Failure> {
    let identity = make(arguments, None)?;
    identity.show(arguments.report.json)?;
    gnupg::offer(arguments, &identity.address);
    Ok(Exit::Done)
}

/// Makes the store where there is none, and keys for the address. A passphrase that is known already is asked for no more.
///
/// # Errors
/// `address-exists` where it has keys; then nothing was made.
pub(super) fn make(arguments: &args::Init, known: Option<&SecretBytes>) -> Result<Identity, Failure> {
    let address = super::parse_address(&arguments.address)?;
    // Before there is a store: what cannot be made leaves nothing behind.
    suits(KeyUse::Encryption, arguments.algorithm)?;
    suits(KeyUse::Signing, arguments.signing_algorithm)?;
    let directory = places::data()?;
    let now = clock::now();
    let mut store = open_or_create(arguments, known, &directory, now)?;
    if !store::own_keys(&store, &address)?.is_empty() {
        return Err(Failure::no("address-exists", format!("there are keys for {address} already"))
            .hint("see them with `cseal keys list`; make further ones with `cseal keys generate`"));
    }
    let identity = Identity::generate(arguments, address, now)?;
    store.write(now, |writer| identity.write(writer))?;
    Ok(identity)
}

fn open_or_create(
    arguments: &args::Init,
    known: Option<&SecretBytes>,
    directory: &Path,
    now: Time,
) -> Result<Store, Failure> {
    match Store::open(directory) {
        Ok(store) => {
            store::unlock(&store, &Unlock::from_options(&arguments.passphrase).with_known(known.cloned()))?;
            Ok(store)
        }
        Err(StoreError::Missing) => Ok(Store::create(directory, &protection(arguments, known)?, now)?),
        Err(error) => Err(error.into()),
    }
}

fn protection(arguments: &args::Init, known: Option<&SecretBytes>) -> Result<Protection, Failure> {
    if arguments.no_passphrase {
        return Ok(Protection::None);
    }
    let given = match known {
        Some(known) => Some(known.clone()),
        None => passphrase::given(&arguments.passphrase)?,
    };
    match given {
        Some(given) if given.is_empty() => Err(passphrase::empty(INSTEAD)),
        Some(given) => Ok(Protection::Passphrase(given)),
        None => new_passphrase().map(Protection::Passphrase),
    }
}

/// What to do where nobody can be asked.
const INSTEAD: &str = "--passphrase-file FILE, or do without one by --no-passphrase";

/// Asks for the passphrase of a new store.
pub(super) fn new_passphrase() -> Result<SecretBytes, Failure> {
    passphrase::ask_new("New passphrase for your keys", INSTEAD)
}

/// Everything that is made for an address, before any of it is written.
pub(super) struct Identity {
    address: EmailAddress,
    authority: (SecretKey, Certificate),
    encryption: (SecretKey, Certificate),
    signing: (SecretKey, Certificate),
}

impl Identity {
    fn generate(arguments: &args::Init, address: EmailAddress, now: Time) -> Result<Self, Failure> {
        let name = arguments.name.clone().unwrap_or_else(|| address.to_string());
        let authority_key = generate(KeyKind::P256)?;
        let addresses = std::slice::from_ref(&address);
        let authority = authority_certificate(&authority_key, &name, addresses, now)?;
        let keys = Keyring::from(authority_key.clone());
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let encryption = further((KeyUse::Encryption, arguments.algorithm), &issuer, &name, addresses, now)?;
        let signing =
            further((KeyUse::Signing, arguments.signing_algorithm), &issuer, &name, addresses, now)?;
        Ok(Self { address, authority: (authority_key, authority), encryption, signing })
    }

    /// Shows what was made.
    pub(super) fn show(&self, json: bool) -> Result<(), Failure> {
        render::keys::made(&self.certificates(), &places::data()?, json)
    }

    fn certificates(&self) -> [(KeyUse, &Certificate); 3] {
        [
            (KeyUse::PersonalCa, &self.authority.1),
            (KeyUse::Encryption, &self.encryption.1),
            (KeyUse::Signing, &self.signing.1),
        ]
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        add(writer, KeyUse::PersonalCa, &self.authority)?;
        add(writer, KeyUse::Encryption, &self.encryption)?;
        add(writer, KeyUse::Signing, &self.signing)?;
        writer.add_trust(&NewTrust {
            kind: TrustKind::Own,
            address: &self.address,
            key: &self.authority.0.fingerprint(),
            points: VERIFIED.into(),
            source: "init",
            capabilities: None,
            announced: None,
        })?;
        Ok(())
    }
}
