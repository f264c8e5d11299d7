//! `cseal keys generate`: a further key under the personal CA.

use counterseal_core::address::EmailAddress;
use counterseal_core::x509::issue::Issuer;
use counterseal_core::x509::{Certificate, PublicKey};

use crate::args;
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::commands::{issuing, parse_address};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::places;
use crate::render;
use crate::store::{KeyUse, Store, StoreError, Writer};
use crate::terminal::{SafeText, say};
use crate::token::{NewKey, PinSource, TokenPlace, Tokens};

/// Makes the key, has the personal CA certify it, and keeps both.
pub(super) fn run(arguments: &args::KeysGenerate) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let now = clock::now();
    let mut store = store::open()?;
    let authority = authority(&store, &address)?;
    let (key_use, algorithm) = match (arguments.key_use, arguments.algorithm) {
        (args::KeyUse::Encryption, chosen) => {
            (KeyUse::Encryption, chosen.unwrap_or(args::Algorithm::Rsa3072))
        }
        (args::KeyUse::Signing, chosen) => (KeyUse::Signing, chosen.unwrap_or(args::Algorithm::P256)),
    };
    issuing::suits(key_use, algorithm)?;
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    if let Some(label) = &arguments.token {
        let made = on_token(arguments, (key_use, algorithm), (&store, &authority, &address), label)?;
        store.write(now, |writer| made.add(writer, key_use))?;
        render::keys::made(&[(key_use, &made.certificate)], &places::data()?, arguments.report.json)?;
        return Ok(Exit::Done);
    }
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

/// A key that a token has made.
struct MadeOnToken {
    public_key: PublicKey,
    place: TokenPlace,
    certificate: Certificate,
}

impl MadeOnToken {
    fn add(&self, writer: &mut Writer<'_>, key_use: KeyUse) -> Result<(), StoreError> {
        let algorithm = self.public_key.algorithm().name();
        writer.add_token_key(key_use, &algorithm, self.public_key.as_der(), &self.place)?;
        // After its key, so that the store knows whose it is.
        writer.add_certificate(self.certificate.as_der(), &self.certificate.fingerprint()).map(drop)
    }
}

/// Has a token make the key, and the personal CA certify it.
fn on_token(
    arguments: &args::KeysGenerate,
    (key_use, algorithm): (KeyUse, args::Algorithm),
    (store, authority, address): (&Store, &Certificate, &EmailAddress),
    label: &str,
) -> Result<MadeOnToken, Failure> {
    let kind = new_key(algorithm)?;
    let tokens = Tokens::new(Config::read()?.tokens, PinSource::from_options(&arguments.pin));
    let token = tokens.named(label)?;
    let shown = address.to_string();
    let (public_key, place) = tokens.generate(&token, &shown, kind, key_use == KeyUse::Signing)?;
    let keys = store::keys(store, Unlock::from_options(&arguments.passphrase))?;
    let issuer = Issuer { certificate: authority, keys: &keys };
    let name = name(store, authority, address);
    let addresses = std::slice::from_ref(address);
    let certificate = issuing::certify((key_use, &public_key), &issuer, &name, addresses, clock::now())?;
    if let Err(failure) = tokens.keep_certificate(&token, &place, &shown, &certificate) {
        // The store has it; only other programs would look for it there.
        say(&format!("warning: its certificate is not kept on the token: {}", SafeText(&failure.message)));
    }
    Ok(MadeOnToken { public_key, place, certificate })
}

/// The kinds of keys that tokens make.
fn new_key(algorithm: args::Algorithm) -> Result<NewKey, Failure> {
    match algorithm {
        args::Algorithm::Rsa2048 => Ok(NewKey::Rsa { bits: 2048 }),
        args::Algorithm::Rsa3072 => Ok(NewKey::Rsa { bits: 3072 }),
        args::Algorithm::Rsa4096 => Ok(NewKey::Rsa { bits: 4096 }),
        args::Algorithm::P256 => Ok(NewKey::P256),
        args::Algorithm::P384 => Ok(NewKey::P384),
        args::Algorithm::P521 => Ok(NewKey::P521),
        other => Err(Failure::usage(format!(
            "no token makes keys of the kind {}",
            issuing::kind(other).algorithm().name()
        ))
        .hint("the kinds are rsa-2048, rsa-3072, rsa-4096, p-256, p-384 and p-521")),
    }
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
