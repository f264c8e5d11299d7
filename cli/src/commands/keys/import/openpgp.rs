//! `cseal keys import --openpgp`: the person's OpenPGP key becomes an S/MIME key, and says so itself.

use std::path::Path;

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::limits::{CARRIED_EVIDENCE_BYTES, OPENPGP_SECRET_KEY_BYTES};
use counterseal_core::openpgp::{
    SecretCertificate, SecretFileError, SecretPart, SecretState, SignedStatement, Statement, StatementKind,
    Validity, address_of_user_id,
};
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::issue::Issuer;
use counterseal_core::x509::{Certificate, KeyKind, SecretKey, SecretKeyError};

use crate::args;
use crate::clock;
use crate::commands::issuing::{self, add, authority_certificate, certify, generate};
use crate::commands::statements::{self, KeptStatement};
use crate::commands::store::{self, Unlock};
use crate::commands::{keys, parse_address};
use crate::failure::{Exit, Failure};
use crate::files::read_file;
use crate::render::keys::openpgp::{self as render, Adopted, AdoptedKey};
use crate::sources::KeyFiles;
use crate::store::{KeyUse, NewTrust, Store, StoreError, TrustKind, Writer};

/// Takes in the one key of one file.
pub(super) fn run(arguments: &args::Import) -> Result<Exit, Failure> {
    let [file] = arguments.files.as_slice() else {
        return Err(Failure::usage("--openpgp takes one file, with one key in it"));
    };
    let now = clock::now();
    let bytes = read_file(file, OPENPGP_SECRET_KEY_BYTES)?;
    let read = SecretCertificate::read(&bytes, now).map_err(|error| refused(file, error))?;
    let named = arguments.address.iter().map(|typed| parse_address(typed)).collect::<Result<Vec<_>, _>>()?;
    let mut opened = Opened::of(file, &read, KeyFiles::new(&arguments.passphrase), arguments.new_key)?;
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

/// What was taken out of the file.
struct Opened<'r> {
    read: &'r SecretCertificate,
    /// With the OpenPGP key that each is.
    encryption: Option<(SecretKey, String)>,
    signing: Option<(SecretKey, String)>,
    /// What signs links: the key, and its OpenPGP form.
    linking: Option<(SecretKey, Vec<u8>)>,
    not_taken: Vec<String>,
}

impl<'r> Opened<'r> {
    fn of(
        file: &Path,
        read: &'r SecretCertificate,
        mut key_files: KeyFiles<'_>,
        only_link: bool,
    ) -> Result<Self, Failure> {
        let mut not_taken: Vec<String> = read.parts().filter_map(why_not).collect();
        let usable = || read.parts().filter(|part| part.validity == Validity::Good && is_in_file(part));
        if !only_link && usable().next().is_none() {
            let failure = format!("{}: no secret key in it can be used", file.display());
            return Err(Failure::unknown("openpgp-key", failure)
                .details(not_taken)
                .hint("new keys and the text of a link to them: the same command with --new-key"));
        }
        let mut unlock = |part: &SecretPart| unlocked(file, read, part, &mut key_files);
        let name = |part: &SecretPart| part.fingerprint.to_string();
        // The primary key comes first, and whoever has subkeys uses those.
        let newest = |suits: fn(&SecretPart) -> bool| {
            let subkeys = usable().filter(|part| part.fingerprint != read.fingerprint());
            subkeys
                .chain(usable().filter(|part| part.fingerprint == read.fingerprint()))
                .find(|part| suits(part))
        };
        let encryption = newest(|part| part.purpose.encrypts && part.fits_smime).filter(|_| !only_link);
        let signing = newest(|part| part.purpose.signs && part.fits_smime).filter(|_| !only_link);
        // A key of both purposes is encrypted to, and a new one signs.
        let signing = signing.filter(|part| encryption != Some(*part));
        let taken = |part: Option<&SecretPart>,
                     unlock: &mut dyn FnMut(&SecretPart) -> Result<SecretKey, Failure>| {
            part.map(|part| Ok::<_, Failure>((unlock(part)?, name(part)))).transpose()
        };
        let encryption = taken(encryption, &mut unlock)?;
        let signing = taken(signing, &mut unlock)?;
        let linking = match newest(|part| part.purpose.signs) {
            Some(part) => match unlock(part) {
                Ok(key) => read.packet_body(&part.fingerprint).map(|body| (key, body)),
                Err(failure) if failure.word == "wrong-passphrase" => return Err(failure),
                Err(failure) => {
                    not_taken.push(failure.message);
                    None
                }
            },
            None => None,
        };
        Ok(Self { read, encryption, signing, linking, not_taken })
    }

    /// Everything for the addresses of one personal CA, before any of it is written.
    fn made_for(
        &mut self,
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
                    let new = issuing::further((key_use, algorithm), &issuer, &name, &addresses, now)?;
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

fn is_in_file(part: &SecretPart) -> bool {
    matches!(part.secret, SecretState::Open | SecretState::Protected)
}

/// What a person wants to know of a key that is not taken over.
fn why_not(part: &SecretPart) -> Option<String> {
    let name = format!("{} {}", part.algorithm, part.fingerprint);
    let purpose = part.purpose;
    if !purpose.signs && !purpose.encrypts {
        return None;
    }
    let why = match (part.validity, part.secret) {
        (Validity::Expired, _) => "it has expired",
        (Validity::Revoked, _) => "it is revoked",
        (_, SecretState::OnCard) => "its secret half is on a smart card",
        (_, SecretState::LeftOut) => "its secret half was left out of the file",
        (_, SecretState::Absent) => "only its public half is in the file",
        _ if !part.fits_smime => "readers of S/MIME do not know such keys, so there is a new one",
        _ => return None,
    };
    Some(format!("{name}: {why}"))
}

fn unlocked(
    file: &Path,
    read: &SecretCertificate,
    part: &SecretPart,
    key_files: &mut KeyFiles<'_>,
) -> Result<SecretKey, Failure> {
    let passphrase = match part.secret {
        SecretState::Protected => Some(key_files.passphrase(&file.display().to_string())?),
        _ => None,
    };
    read.unlock(&part.fingerprint, passphrase.as_ref()).map_err(|error| match error {
        SecretKeyError::WrongPassphrase => Failure::unknown(
            "wrong-passphrase",
            format!("{}: the passphrase does not open it, or it is damaged", file.display()),
        ),
        error => Failure::unknown("openpgp-key", format!("{} {}: {error}", part.algorithm, part.fingerprint)),
    })
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
struct Made {
    /// A personal CA that is new.
    authority: Option<(SecretKey, Certificate)>,
    /// That of the personal CA.
    key: Fingerprint,
    addresses: Vec<EmailAddress>,
    made: Vec<(KeyUse, (SecretKey, Certificate))>,
    /// Nothing where the OpenPGP key cannot sign here.
    links: Option<Vec<(Statement, KeptStatement)>>,
    report: Vec<AdoptedKey>,
    openpgp: Vec<u8>,
    public: Vec<u8>,
}

impl Made {
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
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

    fn addresses(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(ToString::to_string)
    }

    fn linked(&self) -> Vec<String> {
        if self.links.is_some() { self.addresses().collect() } else { Vec::new() }
    }
}
