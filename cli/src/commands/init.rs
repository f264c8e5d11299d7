//! `cseal init`: a store, a personal CA, and the two certificates that it issues.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::cms::Capabilities;
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::issue::{self, Issuer, Subject, Validity};
use counterseal_core::x509::{Certificate, KeyKind, SecretKey};

use super::store::{self, Unlock};
use crate::args;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::passphrase;
use crate::places;
use crate::randomness::SystemRandom;
use crate::render;
use crate::store::{KeyUse, NewTrust, Protection, Store, StoreError, TrustKind, Writer};

/// Days that the personal CA is valid: it stands for a person, and changing it means comparing anew.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Days that its certificates are valid.
const CERTIFICATE_DAYS: i64 = 3 * 365;
/// Seconds that a certificate begins in the past, for readers whose clock is slow.
const CLOCK_TOLERANCE: i64 = 3600;

/// Makes what is missing, and says what there is.
pub(crate) fn run(arguments: &args::Init) -> Result<Exit, Failure> {
    let address = super::parse_address(&arguments.address)?;
    let directory = places::data()?;
    let now = clock::now();
    let mut store = open_or_create(arguments, &directory, now)?;
    if !store::own_keys(&store, &address)?.is_empty() {
        return Err(Failure::no("address-exists", format!("there are keys for {address} already"))
            .hint("see them with `cseal keys list`; make further ones with `cseal keys generate`"));
    }
    let identity = Identity::generate(arguments, address, now)?;
    store.write(now, |writer| identity.write(writer))?;
    render::keys::made(&identity.certificates(), &directory, arguments.report.json)?;
    Ok(Exit::Done)
}

fn open_or_create(arguments: &args::Init, directory: &Path, now: Time) -> Result<Store, Failure> {
    match Store::open(directory) {
        Ok(store) => {
            store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
            Ok(store)
        }
        Err(StoreError::Missing) => Ok(Store::create(directory, &protection(arguments)?, now)?),
        Err(error) => Err(error.into()),
    }
}

fn protection(arguments: &args::Init) -> Result<Protection, Failure> {
    const INSTEAD: &str = "--passphrase-file FILE, or do without one by --no-passphrase";
    if arguments.no_passphrase {
        return Ok(Protection::None);
    }
    let passphrase = match passphrase::given(&arguments.passphrase)? {
        Some(given) if given.is_empty() => return Err(passphrase::empty(INSTEAD)),
        Some(given) => given,
        None => passphrase::ask_new("New passphrase for your keys", INSTEAD)?,
    };
    Ok(Protection::Passphrase(passphrase))
}

/// Everything that is made for an address, before any of it is written.
struct Identity {
    address: EmailAddress,
    authority: (SecretKey, Certificate),
    encryption: (SecretKey, Certificate),
    signing: (SecretKey, Certificate),
}

impl Identity {
    fn generate(arguments: &args::Init, address: EmailAddress, now: Time) -> Result<Self, Failure> {
        let name = arguments.name.clone().unwrap_or_else(|| address.to_string());
        let authority_key = generate(KeyKind::P256)?;
        let authority = authority_certificate(&authority_key, &name, &address, now)?;
        let keys = Keyring::from(authority_key.clone());
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let encryption = further(KeyUse::Encryption, arguments.algorithm, &issuer, &name, &address, now)?;
        let signing = further(KeyUse::Signing, arguments.signing_algorithm, &issuer, &name, &address, now)?;
        Ok(Self { address, authority: (authority_key, authority), encryption, signing })
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

/// Adds a key with its certificate.
pub(super) fn add(
    writer: &mut Writer<'_>,
    key_use: KeyUse,
    (key, certificate): &(SecretKey, Certificate),
) -> Result<bool, StoreError> {
    let (algorithm, public_key) = (key.algorithm().name(), key.public_key());
    let is_new = writer.add_secret_key(key_use, &algorithm, public_key.as_der(), &key.to_pkcs8_der())?;
    // After its key, so that the store knows whose it is.
    writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
    Ok(is_new)
}

fn authority_certificate(
    key: &SecretKey,
    name: &str,
    address: &EmailAddress,
    now: Time,
) -> Result<Certificate, Failure> {
    let subject = Subject { name, addresses: std::slice::from_ref(address), public_key: key.public_key() };
    let keys = Keyring::from(key.clone());
    issue::personal_ca(&keys, &subject, validity(now, AUTHORITY_DAYS), &mut SystemRandom)
        .map_err(cannot_issue)
}

/// Makes a key and has the personal CA issue its certificate.
pub(super) fn further(
    key_use: KeyUse,
    algorithm: args::Algorithm,
    issuer: &Issuer<'_>,
    name: &str,
    address: &EmailAddress,
    now: Time,
) -> Result<(SecretKey, Certificate), Failure> {
    let key = generate(kind(algorithm))?;
    let subject = Subject { name, addresses: std::slice::from_ref(address), public_key: key.public_key() };
    // No certificate outlives the one that issued it.
    let mut validity = validity(now, CERTIFICATE_DAYS);
    validity.not_after = validity.not_after.min(issuer.certificate.not_after());
    let issued = match key_use {
        KeyUse::Encryption => {
            let capabilities = Capabilities::ours().to_der();
            issue::encryption_certificate(issuer, &subject, validity, Some(&capabilities), &mut SystemRandom)
        }
        KeyUse::Signing | KeyUse::PersonalCa => {
            issue::signing_certificate(issuer, &subject, validity, &mut SystemRandom)
        }
    };
    Ok((key, issued.map_err(cannot_issue)?))
}

fn generate(kind: KeyKind) -> Result<SecretKey, Failure> {
    SecretKey::generate(kind, &mut SystemRandom)
        .map_err(|error| Failure::unknown("cannot-generate", "no key could be made").because(error))
}

fn cannot_issue(error: issue::IssueError) -> Failure {
    Failure::usage(format!("no certificate could be made: {error}"))
}

fn validity(now: Time, days: i64) -> Validity {
    Validity { not_before: now.plus_seconds(-CLOCK_TOLERANCE), not_after: now.plus_days(days) }
}

const fn kind(algorithm: args::Algorithm) -> KeyKind {
    match algorithm {
        args::Algorithm::Rsa2048 => KeyKind::Rsa2048,
        args::Algorithm::Rsa3072 => KeyKind::Rsa3072,
        args::Algorithm::Rsa4096 => KeyKind::Rsa4096,
        args::Algorithm::P256 => KeyKind::P256,
        args::Algorithm::P384 => KeyKind::P384,
        args::Algorithm::P521 => KeyKind::P521,
        args::Algorithm::X25519 => KeyKind::X25519,
        args::Algorithm::Ed25519 => KeyKind::Ed25519,
        args::Algorithm::MlKem512 => KeyKind::MlKem512,
        args::Algorithm::MlKem768 => KeyKind::MlKem768,
        args::Algorithm::MlKem1024 => KeyKind::MlKem1024,
        args::Algorithm::MlDsa44 => KeyKind::MlDsa44,
        args::Algorithm::MlDsa65 => KeyKind::MlDsa65,
        args::Algorithm::MlDsa87 => KeyKind::MlDsa87,
    }
}
