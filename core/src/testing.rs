//! People to test with, and their keys. Compiled for tests only.

#![allow(clippy::unwrap_used)]

use crate::address::EmailAddress;
use crate::cms::Capabilities;
use crate::fingerprint::Fingerprint;
use crate::keys::Keyring;
use crate::message::Signer;
use crate::ports::Random;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::issue::{self, Issuer, Subject, Validity};
use crate::x509::{KeyKind, SecretKey};

/// The moment at which tests take place: 2026-11-21 12:00 UTC.
pub(crate) const NOW: Time = Time::from_unix_seconds(1_795_262_400);

/// The system's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A person with a personal CA, an encryption key and a signing key.
pub(crate) struct Person {
    pub(crate) address: EmailAddress,
    pub(crate) authority: Certificate,
    pub(crate) encryption: Certificate,
    pub(crate) signing: Certificate,
    pub(crate) keys: Keyring,
}

impl Person {
    /// A person whose program announces what ours reads.
    pub(crate) fn new(address: &str) -> Self {
        Self::with(address, KeyKind::P256, KeyKind::P256, Some(&Capabilities::ours().to_der()))
    }

    /// A person with these kinds of keys.
    pub(crate) fn with(
        address: &str,
        encryption: KeyKind,
        signing: KeyKind,
        capabilities: Option<&[u8]>,
    ) -> Self {
        let address = EmailAddress::parse(address).unwrap();
        let addresses = std::slice::from_ref(&address);
        let mut random = SystemRandom;
        let [authority_key, encryption_key, signing_key] =
            [KeyKind::P256, encryption, signing].map(|kind| SecretKey::generate(kind, &mut random).unwrap());
        let subject = |key: &'_ SecretKey| (address.to_string(), key.public_key().clone());
        let validity = Validity { not_before: NOW.plus_days(-30), not_after: NOW.plus_days(700) };
        let mut keys = Keyring::new();
        for key in [&authority_key, &encryption_key, &signing_key] {
            keys.add_key(key.clone());
        }
        let (name, public_key) = subject(&authority_key);
        let authority = issue::personal_ca(
            &keys,
            &Subject { name: &name, addresses, public_key: &public_key },
            validity,
            &mut random,
        )
        .unwrap();
        let issuer = Issuer { certificate: &authority, keys: &keys };
        let (name, public_key) = subject(&encryption_key);
        let encryption = issue::encryption_certificate(
            &issuer,
            &Subject { name: &name, addresses, public_key: &public_key },
            validity,
            capabilities,
            &mut random,
        )
        .unwrap();
        let (name, public_key) = subject(&signing_key);
        let signing = issue::signing_certificate(
            &issuer,
            &Subject { name: &name, addresses, public_key: &public_key },
            validity,
            &mut random,
        )
        .unwrap();
        for certificate in [&authority, &encryption, &signing] {
            keys.add_certificate(certificate.clone());
        }
        Self { address, authority, encryption, signing, keys }
    }

    /// The fingerprint that others compare.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.authority.fingerprint()
    }

    /// What signs this person's mail.
    pub(crate) fn signer(&self) -> Signer<'_> {
        Signer {
            keys: &self.keys,
            key: self.signing.fingerprint(),
            revocation_lists: Vec::new(),
            certificates: vec![self.signing.clone(), self.authority.clone()],
            encryption_certificate: Some(self.encryption.clone()),
            carried: Vec::new(),
            capabilities: Capabilities::ours(),
            algorithm: None,
        }
    }
}
