//! Keys that are on a token: with its certificates, or with those of files.

use counterseal_core::x509::{Certificate, PublicKey};

use super::plan::Plan;
use super::{open_or_create, unlock, write};
use crate::args;
use crate::config::Config;
use crate::failure::Failure;
use crate::render::keys::Imported;
use crate::sources;
use crate::store::Store;
use crate::token::{Found, Object, PinSource, Present, TokenPlace, Tokens};

/// Takes in every key of a token that has a certificate.
pub(super) fn run(arguments: &args::Import, name: &str) -> Result<Imported, Failure> {
    let mut store = open_or_create(arguments)?;
    let tokens = Tokens::new(Config::read()?.tokens, PinSource::from_options(&arguments.pin_source));
    let token = tokens.named(name)?;
    let contents = Contents::of(tokens.contents(&token)?);
    let found = contents.keys(&token, sources::certificates(&arguments.files)?, &store)?;
    if found.keys.is_empty() {
        return Err(nothing(&token, found));
    }
    let plan = Plan::of_token(found, &store)?.decided((None, false), &store)?;
    unlock(arguments, &store)?;
    write(&mut store, format!("token {}", token.label()), &plan)
}

/// What a token holds that is the person's.
#[derive(Default)]
pub(super) struct FoundOnToken {
    pub(super) keys: Vec<TokenKey>,
    /// Theirs, and CAs.
    pub(super) certificates: Vec<Certificate>,
    pub(super) not_taken: Vec<String>,
}

/// A key on a token.
pub(super) struct TokenKey {
    pub(super) public_key: PublicKey,
    pub(super) place: TokenPlace,
}

/// What is on a token, read.
struct Contents {
    /// CKA_IDs of secret keys.
    secret: Vec<Vec<u8>>,
    public: Vec<(Vec<u8>, PublicKey)>,
    certificates: Vec<(Vec<u8>, Certificate)>,
}

impl Contents {
    /// What cannot be read is not there.
    fn of(found: Vec<Found>) -> Self {
        let mut contents = Self { secret: Vec::new(), public: Vec::new(), certificates: Vec::new() };
        for Found { id, object } in found {
            match object {
                Object::SecretKey => contents.secret.push(id),
                Object::Certificate(der) => {
                    let certificate = Certificate::from_der(&der);
                    contents.certificates.extend(certificate.map(|certificate| (id, certificate)));
                }
                Object::RsaNumbers { .. } | Object::CurvePoint { .. } => {
                    contents.public.extend(object.public_key().map(|public| (id, public)));
                }
            }
        }
        contents
    }

    /// The secret keys that have a certificate, and all their certificates with the CAs among them.
    fn keys(&self, token: &Present, given: Vec<Certificate>, store: &Store) -> Result<FoundOnToken, Failure> {
        let mut found = FoundOnToken::default();
        let places = store.token_keys()?;
        let stored = store.secret_keys()?;
        let on_token = self.certificates.iter().map(|(id, certificate)| (Some(id), certificate));
        for (id, certificate) in on_token.chain(given.iter().map(|certificate| (None, certificate))) {
            let key = certificate.fingerprint();
            if certificate.is_certificate_authority() {
                found.certificates.push(certificate.clone());
                continue;
            }
            let Some(id) = self.secret_key_of(id, certificate) else {
                found.not_taken.push(format!("{}: its key is not on the token", certificate.subject()));
                continue;
            };
            if !places.contains_key(key.sha256()) && stored.iter().any(|own| own.fingerprint == key) {
                let why = "its secret key is in the store itself";
                found.not_taken.push(format!("{}: {why}", certificate.subject()));
                continue;
            }
            found.certificates.push(certificate.clone());
            if !found.keys.iter().any(|known| known.place.is_at(id)) {
                let place = TokenPlace::new(token.label(), token.serial(), id);
                found.keys.push(TokenKey { public_key: certificate.public_key().clone(), place });
            }
        }
        Ok(found)
    }

    /// The CKA_ID of the secret key that belongs to a certificate. Where the token shows the public half, that
    /// decides; else the CKA_ID that a certificate on the token has.
    fn secret_key_of<'a>(
        &'a self,
        id: Option<&'a Vec<u8>>,
        certificate: &Certificate,
    ) -> Option<&'a Vec<u8>> {
        let public = self.public.iter().find(|(_, public)| public == certificate.public_key());
        let by_public = public.map(|(id, _)| id).filter(|id| self.secret.contains(id));
        let is_shown = |id: &Vec<u8>| self.public.iter().any(|(other, _)| other == id);
        by_public.or_else(|| id.filter(|id| self.secret.contains(id) && !is_shown(id)))
    }
}

fn nothing(token: &Present, found: FoundOnToken) -> Failure {
    let message =
        format!("no key on the token {} has a certificate, or none that belongs to it", token.label());
    Failure::unknown("not-recognised", message)
        .details(found.not_taken)
        .hint("name a file with the certificate: cseal keys import --token LABEL FILE")
}
