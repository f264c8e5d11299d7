//! Who signs: a key of a file with its certificate, or the store's key for the author.

use counterseal_core::address::EmailAddress;
use counterseal_core::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use counterseal_core::cms::Capabilities;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::message::Signer;
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};

use super::device::account::Membership;
use crate::args::{self, Digest, SignatureScheme};
use crate::commands::keys::revoke;
use crate::commands::statements;
use crate::config;
use crate::failure::Failure;
use crate::sources::{self, KeyFiles};
use crate::store::{KeyUse, Store, StoreKeys};

/// A signing key and everything that is sent along, before the keys are at hand.
pub(crate) struct SigningIdentity {
    key: Fingerprint,
    certificates: Vec<Certificate>,
    encryption_certificate: Option<Certificate>,
    /// Evidence that goes along.
    carried: Vec<Vec<u8>>,
    /// Revocation lists of our own CA.
    revocation_lists: Vec<Vec<u8>>,
    /// What is announced to those who answer.
    capabilities: Capabilities,
    algorithm: Option<SignatureAlgorithm>,
}

impl SigningIdentity {
    /// By `--key` and `--signer`.
    pub(crate) fn from_files(
        signing: &args::Signing,
        passphrase: &args::Passphrase,
    ) -> Result<(Self, Keyring), Failure> {
        let Some(path) = &signing.key else {
            return Err(Failure::usage("--signer names a certificate, but no --key names its secret key"));
        };
        let (keys, mut certificates) = KeyFiles::new(passphrase).keys(path)?;
        if let Some(signer) = &signing.signer {
            certificates.extend(sources::certificates(std::slice::from_ref(signer))?);
        }
        let key = signing_key(&keys, &certificates).ok_or_else(|| {
            Failure::usage(format!("no certificate belongs to the key of {}", path.display()))
                .hint("name the certificate with --signer FILE")
        })?;
        let identity = Self {
            key: key.fingerprint(),
            encryption_certificate: encryption_certificate(&certificates, &keys, None),
            carried: Vec::new(),
            revocation_lists: Vec::new(),
            capabilities: Capabilities::ours(),
            algorithm: algorithm(signing, key.algorithm())?,
            certificates,
        };
        let mut keyring = Keyring::from(key.clone());
        identity.certificates.iter().cloned().for_each(|certificate| {
            keyring.add_certificate(certificate);
        });
        Ok((identity, keyring))
    }

    /// The store's newest signing key for an author, or for whoever owns the store.
    pub(crate) fn from_store(
        store: &Store,
        keys: &StoreKeys<'_>,
        signing: &args::Signing,
        author: Option<&EmailAddress>,
        at: Time,
    ) -> Result<Self, Failure> {
        let held = held(store, keys, author, at);
        let own = newest_signing(&held).ok_or_else(|| no_signer(store, author))?;
        let mut certificates = vec![own.clone()];
        certificates.extend(store.chain_above(own)?);
        Ok(Self {
            key: own.fingerprint(),
            algorithm: algorithm(signing, own.public_key().algorithm())?,
            carried: if signing.no_evidence { Vec::new() } else { statements::carried(store, at)? },
            revocation_lists: revoke::carried(store, at)?,
            capabilities: config::announced()?,
            encryption_certificate: encryption_certificate(&held, &[], Some(own)),
            certificates,
        })
    }

    /// The library's signer, with the keys that hold the secret half.
    pub(crate) fn signer<'s>(&self, keys: &'s dyn SecretKeys) -> Signer<'s> {
        Signer {
            keys,
            key: self.key,
            certificates: self.certificates.clone(),
            encryption_certificate: self.encryption_certificate.clone(),
            carried: self.carried.clone(),
            revocation_lists: self.revocation_lists.clone(),
            capabilities: self.capabilities.clone(),
            algorithm: self.algorithm,
        }
    }
}

/// The certificate of the newest signing key of an author or of the store's owner, and those above it.
pub(crate) fn signing_chain(
    store: &Store,
    keys: &StoreKeys<'_>,
    author: Option<&EmailAddress>,
    at: Time,
) -> Result<Vec<Certificate>, Failure> {
    let held = held(store, keys, author, at);
    let own = newest_signing(&held).ok_or_else(|| no_signer(store, author))?;
    Ok([vec![own.clone()], store.chain_above(own)?].concat())
}

/// The newest certificate that mail to an author may be encrypted to.
pub(crate) fn encryption_of(
    store: &Store,
    keys: &StoreKeys<'_>,
    author: &EmailAddress,
    at: Time,
) -> Option<Certificate> {
    let held = held(store, keys, Some(author), at);
    encryption_certificate(&held, &[], held.first())
}

/// The certificates of our keys, but for the personal CA's, that are valid and name an author.
fn held(store: &Store, keys: &StoreKeys<'_>, author: Option<&EmailAddress>, at: Time) -> Vec<Certificate> {
    let names = |certificate: &Certificate| {
        author.is_none_or(|author| certificate.addresses().iter().any(|own| own.matches(author)))
    };
    keys.stored()
        .iter()
        .filter(|key| key.key_use != KeyUse::PersonalCa && key.retired.is_none())
        .filter_map(|key| store.certificates_of(key.fingerprint.sha256()).ok())
        .flatten()
        .filter_map(|der| Certificate::from_der(&der).ok())
        .filter(|certificate| names(certificate) && certificate.is_valid_at(at))
        .collect()
}

fn newest_signing(held: &[Certificate]) -> Option<&Certificate> {
    let signs = held.iter().filter(|certificate| certificate.may_sign_mail().is_ok());
    signs.min_by_key(|certificate| std::cmp::Reverse(certificate.not_before()))
}

/// The first key that has a certificate which may sign; else the first that has any.
fn signing_key<'k>(keys: &'k [SecretKey], certificates: &[Certificate]) -> Option<&'k SecretKey> {
    let has = |key: &&SecretKey, suits: &dyn Fn(&Certificate) -> bool| {
        certificates
            .iter()
            .any(|certificate| certificate.fingerprint() == key.fingerprint() && suits(certificate))
    };
    keys.iter()
        .find(|key| has(key, &|certificate| certificate.may_sign_mail().is_ok()))
        .or_else(|| keys.iter().find(|key| has(key, &|_| true)))
}

/// The newest certificate that answers may be encrypted to: one whose secret key is at hand.
fn encryption_certificate(
    certificates: &[Certificate],
    keys: &[SecretKey],
    signer: Option<&Certificate>,
) -> Option<Certificate> {
    let own = |certificate: &&Certificate| {
        signer.is_some() || keys.iter().any(|key| key.fingerprint() == certificate.fingerprint())
    };
    certificates
        .iter()
        .filter(own)
        .filter(|certificate| !certificate.is_certificate_authority())
        .filter(|certificate| certificate.may_receive_encrypted_mail().is_ok())
        .min_by_key(|certificate| std::cmp::Reverse(certificate.not_before()))
        .cloned()
}

fn no_signer(store: &Store, author: Option<&EmailAddress>) -> Failure {
    if let Ok(Some(_)) = Membership::of(store) {
        // A reader opens mail and has no signing key; a writer may still wait for its certificate.
        return Failure::unknown("no-signing-key", "this device has no certificate to sign mail with")
            .hint("`cseal device list` says what it is for; an admin device changes that: `cseal device role NAME writer`");
    }
    let whose = author.map_or_else(|| "you".to_owned(), ToString::to_string);
    let hint = author.map_or_else(
        || "make one with `cseal init ADDRESS`".to_owned(),
        |author| format!("make one with `cseal init {author}`"),
    );
    Failure::unknown("no-signing-key", format!("there is no valid signing key for {whose}")).hint(hint)
}

/// What `--signature` and `--digest` ask of this kind of key; nothing where they are not there.
fn algorithm(signing: &args::Signing, key: KeyAlgorithm) -> Result<Option<SignatureAlgorithm>, Failure> {
    if signing.signature.is_none() && signing.digest.is_none() {
        return Ok(None);
    }
    let digest = signing.digest.map(|digest| match digest {
        Digest::Sha256 => DigestAlgorithm::Sha256,
        Digest::Sha384 => DigestAlgorithm::Sha384,
        Digest::Sha512 => DigestAlgorithm::Sha512,
    });
    let rsa_digest = digest.unwrap_or(DigestAlgorithm::Sha256);
    match (key, signing.signature) {
        (KeyAlgorithm::Rsa { .. }, None | Some(SignatureScheme::Pkcs1)) => {
            Ok(Some(SignatureAlgorithm::RsaPkcs1(rsa_digest)))
        }
        (KeyAlgorithm::Rsa { .. }, Some(SignatureScheme::Pss)) => Ok(Some(SignatureAlgorithm::RsaPss {
            digest: rsa_digest,
            mask_digest: rsa_digest,
            salt_length: salt_length(rsa_digest),
        })),
        (
            KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521,
            None | Some(SignatureScheme::Ecdsa),
        ) => Ok(Some(SignatureAlgorithm::Ecdsa(digest.unwrap_or(curve_digest(key))))),
        _ => Err(Failure::usage(format!("a key of kind {} does not sign so", key.name()))
            .hint("leave --signature and --digest out; every key has one good way")),
    }
}

/// As long as the digest (RFC 4055, section 3.1).
const fn salt_length(digest: DigestAlgorithm) -> u32 {
    match digest {
        DigestAlgorithm::Sha384 => 48,
        DigestAlgorithm::Sha512 => 64,
        _ => 32,
    }
}

const fn curve_digest(key: KeyAlgorithm) -> DigestAlgorithm {
    match key {
        KeyAlgorithm::P384 => DigestAlgorithm::Sha384,
        KeyAlgorithm::P521 => DigestAlgorithm::Sha512,
        _ => DigestAlgorithm::Sha256,
    }
}
