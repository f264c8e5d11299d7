//! What is made of the keys: certificates, new keys, links.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::limits::CARRIED_EVIDENCE_BYTES;
use counterseal_core::openpgp::{
    SecretCertificate, SignedStatement, Statement, StatementKind, address_of_user_id,
};
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::issue::Issuer;
use counterseal_core::x509::{Certificate, KeyKind, SecretKey};

use super::Owner;
use super::opened::Opened;
use crate::args;
use crate::commands::issuing::{add, authority_certificate, certify, further, generate};
use crate::commands::statements::{self, KeptStatement};
use crate::commands::store::{self, Unlock};
use crate::failure::Failure;
use crate::render::keys::openpgp::AdoptedKey;
use crate::store::{KeyUse, NewTrust, Store, StoreError, TrustKind, Writer};

impl Opened<'_> {
    /// Everything for the addresses of one personal CA, before any of it is written.
    pub(super) fn made_for(
        &self,
        owner: Owner,
        arguments: &args::Import,
        store: &Store,
        now: Time,
    ) -> Result<Made, Failure> {
        let Owner { authority, addresses } = owner;
        let first = addresses.first().ok_or_else(|| Failure::usage("no address"))?;
        let name = name(self.read, first);
        let (new_authority, certificate) = match authority {
            Some(certificate) => (None, certificate),
            None => {
                let key = generate(KeyKind::P256)?;
                let certificate = authority_certificate(&key, &name, &addresses, now)?;
                (Some(key), certificate)
            }
        };
        let stored = store::keys(store, Unlock::from_file(arguments.store_passphrase_file.as_ref()))?;
        let fresh = new_authority.clone().map(Keyring::from);
        let issuer = Issuer {
            certificate: &certificate,
            keys: match &fresh {
                Some(keys) => keys,
                None => &stored,
            },
        };
        let mut made = Vec::new();
        let mut report = Vec::new();
        if new_authority.is_some() {
            report.push(AdoptedKey::of(KeyUse::PersonalCa, &certificate, None, true));
        }
        for (key_use, taken) in [(KeyUse::Encryption, &self.encryption), (KeyUse::Signing, &self.signing)] {
            match taken {
                Some((key, openpgp)) => {
                    let known = in_use(store, key_use, &addresses)?;
                    let known = known.into_iter().find(|held| held.fingerprint() == key.fingerprint());
                    let is_new = known.is_none();
                    let issued = match known {
                        Some(known) => known,
                        None => certify((key_use, key.public_key()), &issuer, &name, &addresses, now)?,
                    };
                    report.push(AdoptedKey::of(key_use, &issued, Some(openpgp), is_new));
                    if is_new {
                        made.push((key_use, (key.clone(), issued)));
                    }
                }
                None if in_use(store, key_use, &addresses)?.is_empty() => {
                    let algorithm = match key_use {
                        KeyUse::Encryption => args::Algorithm::Rsa3072,
                        KeyUse::Signing | KeyUse::PersonalCa => args::Algorithm::P256,
                    };
                    let new = further((key_use, algorithm), &issuer, &name, &addresses, now)?;
                    report.push(AdoptedKey::of(key_use, &new.1, None, true));
                    made.push((key_use, new));
                }
                None => {}
            }
        }
        let links = self.links(store, &certificate.fingerprint(), &addresses, now)?;
        let authority = new_authority.map(|key| (key, certificate.clone()));
        let key = certificate.fingerprint();
        let public = self.read.public_packets().to_vec();
        let openpgp = self.read.fingerprint().as_bytes().to_vec();
        Ok(Made { authority, key, addresses, made, links, report, openpgp, public })
    }

    /// The OpenPGP key says that the personal CA is of the same person; nothing where it cannot sign here.
    fn links(
        &self,
        store: &Store,
        key: &Fingerprint,
        addresses: &[EmailAddress],
        now: Time,
    ) -> Result<Option<Vec<(Statement, KeptStatement)>>, Failure> {
        let Some((signer, body)) = &self.linking else { return Ok(None) };
        let mut links = Vec::new();
        for address in addresses {
            if is_linked(store, self.read, (key, address), now)? {
                continue;
            }
            let statement = Statement::new(StatementKind::Link, address.clone(), key, now);
            let keys = Keyring::from(signer.clone());
            let failed =
                |why: String| Failure::unknown("cannot-sign", format!("the link was not signed: {why}"));
            let signed = statement
                .clear_sign(&keys, signer.public_key(), body)
                .map_err(|error| failed(error.to_string()))?
                .into_bytes();
            let public = self.read.public_packets();
            SignedStatement::read(&signed, &[public], &[]).map_err(|error| failed(error.to_string()))?;
            links.push((statement, KeptStatement { bytes: signed, keyring: public.to_vec() }));
        }
        Ok(Some(links))
    }
}

/// The name in the main user identifier, else the address.
fn name(read: &SecretCertificate, address: &EmailAddress) -> String {
    let of_address = |user_id: &&String| address_of_user_id(user_id).is_some_and(|own| own.matches(address));
    let user_id = read.user_ids().iter().find(of_address);
    let name = user_id.and_then(|user_id| user_id.rsplit_once('<')).map(|(name, _)| name.trim());
    match name {
        Some(name) if !name.is_empty() && !name.contains(char::is_control) => name.to_owned(),
        _ => address.to_string(),
    }
}

/// The newest certificates of keys for a use that all of these addresses have and that are not retired.
fn in_use(store: &Store, key_use: KeyUse, addresses: &[EmailAddress]) -> Result<Vec<Certificate>, Failure> {
    let mut found = Vec::new();
    for key in store.secret_keys()? {
        if key.key_use != key_use || key.retired.is_some() {
            continue;
        }
        let certificates = store.certificates_of(key.fingerprint.sha256())?;
        let names_all = |held: &Certificate| {
            addresses.iter().all(|address| held.addresses().iter().any(|own| own.matches(address)))
        };
        found.extend(certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).find(names_all));
    }
    Ok(found)
}

/// Whether the OpenPGP key said so before.
fn is_linked(
    store: &Store,
    read: &SecretCertificate,
    (key, address): (&Fingerprint, &EmailAddress),
    now: Time,
) -> Result<bool, Failure> {
    Ok(statements::all(store)?.iter().any(|kept| {
        SignedStatement::read(&kept.bytes, &[read.public_packets()], &[]).is_ok_and(|signed| {
            signed.statement.kind == StatementKind::Link
                && signed.statement.is_about(key)
                && signed.statement.subject.matches(address)
                && signed.holds_at(now)
        })
    }))
}

/// What will be written for one owner.
pub(super) struct Made {
    /// A personal CA that is new.
    authority: Option<(SecretKey, Certificate)>,
    /// That of the personal CA.
    key: Fingerprint,
    addresses: Vec<EmailAddress>,
    made: Vec<(KeyUse, (SecretKey, Certificate))>,
    /// Nothing where the OpenPGP key cannot sign here.
    pub(super) links: Option<Vec<(Statement, KeptStatement)>>,
    pub(super) report: Vec<AdoptedKey>,
    openpgp: Vec<u8>,
    public: Vec<u8>,
}

impl Made {
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        if let Some(authority) = &self.authority {
            add(writer, KeyUse::PersonalCa, authority)?;
        }
        for (key_use, made) in &self.made {
            add(writer, *key_use, made)?;
        }
        for address in &self.addresses {
            writer.add_trust(&NewTrust {
                kind: TrustKind::Own,
                address,
                key: &self.key,
                points: VERIFIED.into(),
                source: "openpgp",
                capabilities: None,
                announced: None,
            })?;
        }
        for (statement, kept) in self.links.iter().flatten() {
            statements::carry(&statement.digest(), &kept.bytes, writer)?;
            kept.keep(writer)?;
        }
        // Whoever gets the mail can check the link, where the certificate leaves room for it.
        if self.links.is_some() && self.public.len() <= CARRIED_EVIDENCE_BYTES / 2 {
            statements::carry(&self.openpgp, &self.public, writer)?;
        }
        Ok(())
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(ToString::to_string)
    }

    pub(super) fn linked(&self) -> Vec<String> {
        if self.links.is_some() { self.addresses().collect() } else { Vec::new() }
    }
}
