//! `cseal keys list` and `cseal keys show`. Neither needs a passphrase.

use counterseal_core::address::EmailAddress;
use counterseal_core::x509::Certificate;

use super::{is_named, is_or_is_under, lacks_personal_ca, stands_for};
use crate::args;
use crate::commands::store;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::render::keys::{self, CertificateObject, ContactKey, KeyList, OnToken, OwnKey};
use crate::store::{KeyUse, Store, StoredKey, TrustKind, TrustRow};
use crate::token::{PinSource, TokenPlace, Tokens};

/// Lists everything, or what belongs to some addresses.
pub(super) fn list(arguments: &args::List) -> Result<Exit, Failure> {
    let store = store::open()?;
    let mut all = load(&store)?;
    if !arguments.addresses.is_empty() {
        let mut wanted = Vec::new();
        for address in &arguments.addresses {
            wanted.push(crate::commands::parse_address(address)?.lookup_key());
        }
        all.keys.retain(|key| key.addresses.iter().any(|address| wanted.contains(&lookup_key(address))));
        all.contacts.retain(|key| wanted.contains(&lookup_key(&key.address)));
    }
    keys::list(&all, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Shows the keys of a fingerprint or an address with all that is known of them.
pub(super) fn show(arguments: &args::Show) -> Result<Exit, Failure> {
    let store = store::open()?;
    let stored = store.secret_keys()?;
    let mut all = load(&store)?;
    all.keys.retain(|key| {
        let found = stored.iter().find(|stored| stored.fingerprint.to_hex() == key.sha256);
        found.is_some_and(|stored| is_named(&arguments.key, &stored.fingerprint, &key.addresses))
    });
    let certificates = parsed(&store)?;
    all.contacts.retain(|key| {
        let found = certificates.iter().find(|certificate| certificate.fingerprint().to_hex() == key.sha256);
        found.is_some_and(|found| {
            is_named(&arguments.key, &found.fingerprint(), std::slice::from_ref(&key.address))
        })
    });
    if all.keys.is_empty() && all.contacts.is_empty() {
        return Err(super::unknown_key(&arguments.key));
    }
    keys::show(&all, arguments.report.json)?;
    Ok(Exit::Done)
}

fn lookup_key(address: &str) -> String {
    EmailAddress::parse(address).map_or_else(|_| address.to_owned(), |address| address.lookup_key())
}

fn parsed(store: &Store) -> Result<Vec<Certificate>, Failure> {
    Ok(store.certificates()?.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
}

fn load(store: &Store) -> Result<KeyList, Failure> {
    let certificates = parsed(store)?;
    let rows = store.trust_rows()?;
    let stored = store.secret_keys()?;
    let mut keys: Vec<OwnKey> = stored.iter().map(|key| own_key(key, &certificates, &rows)).collect();
    let places = store.token_keys()?;
    let serials = if places.is_empty() { Vec::new() } else { present_tokens() };
    for (key, stored) in keys.iter_mut().zip(&stored) {
        let place = places.get(stored.fingerprint.sha256());
        key.token = place.map(|place| on_token(place, &serials));
    }
    // What stands for the person comes first: it is what they read out to others.
    keys.sort_by_key(|key| key.key_use != KeyUse::PersonalCa.word());
    let own = |row: &TrustRow| stored.iter().any(|key| key.fingerprint.sha256() == &row.key);
    let mut contacts: Vec<ContactKey> = Vec::new();
    for row in rows.iter().filter(|row| row.kind != TrustKind::Own && !own(row)) {
        if row.kind == TrustKind::Contact && rows.iter().any(|other| is_pin_of(other, row)) {
            continue;
        }
        contacts.extend(contact_key(row, &certificates, &rows));
    }
    Ok(KeyList { version: 1, keys, contacts })
}

/// The serial numbers of the tokens that are there. A library that cannot be used shows none: `doctor` says why.
fn present_tokens() -> Vec<String> {
    let configured = Config::read().map(|config| config.tokens).unwrap_or_default();
    let (present, _) = Tokens::new(configured, PinSource::default()).present();
    present.iter().map(|token| token.serial().to_owned()).collect()
}

fn on_token(place: &TokenPlace, serials: &[String]) -> OnToken {
    OnToken {
        label: place.label.clone(),
        serial_number: place.serial.clone(),
        present: serials.contains(&place.serial),
    }
}

/// Whether the personal CA above a contact's certificate was compared.
fn is_under_pin(
    row: &TrustRow,
    certificate: &Certificate,
    certificates: &[Certificate],
    rows: &[TrustRow],
) -> bool {
    let pins = rows.iter().filter(|pin| pin.kind == TrustKind::Pin && pin.address == row.address);
    pins.flat_map(|pin| certificates.iter().filter(move |other| other.fingerprint().sha256() == &pin.key))
        .any(|authority| is_or_is_under(certificate, authority))
}

fn is_pin_of(pin: &TrustRow, row: &TrustRow) -> bool {
    pin.kind == TrustKind::Pin && pin.address == row.address && pin.key == row.key
}

fn own_key(key: &StoredKey, certificates: &[Certificate], rows: &[TrustRow]) -> OwnKey {
    let of_key: Vec<&Certificate> =
        certificates.iter().filter(|certificate| certificate.fingerprint() == key.fingerprint).collect();
    let mut addresses: Vec<String> =
        of_key.iter().flat_map(|certificate| certificate.addresses()).map(ToString::to_string).collect();
    // A personal CA's certificate names nobody; the row that makes it the owner's does.
    if key.key_use == KeyUse::PersonalCa {
        let own = rows.iter().filter(|row| &row.key == key.fingerprint.sha256());
        addresses.extend(own.map(|row| row.address.clone()));
    }
    addresses.dedup();
    OwnKey {
        fingerprint: key.fingerprint.to_string(),
        sha256: key.fingerprint.to_hex(),
        key_use: key.key_use.word(),
        algorithm: of_key.first().map(|first| first.public_key().algorithm().name()).unwrap_or_default(),
        addresses,
        created: keys::time(key.created),
        retired: key.retired.map(keys::time),
        certificates: of_key.into_iter().map(CertificateObject::of).collect(),
        token: None,
    }
}

fn contact_key(row: &TrustRow, certificates: &[Certificate], rows: &[TrustRow]) -> Option<ContactKey> {
    let of_key: Vec<&Certificate> =
        certificates.iter().filter(|certificate| certificate.fingerprint().sha256() == &row.key).collect();
    let first = of_key.first()?;
    Some(ContactKey {
        address: row.address.clone(),
        fingerprint: first.fingerprint().to_string(),
        sha256: first.fingerprint().to_hex(),
        authority: first.is_certificate_authority(),
        compare: (!lacks_personal_ca(first, certificates))
            .then(|| stands_for(first, certificates).to_string()),
        algorithm: first.public_key().algorithm().name(),
        points: row.points,
        pinned: row.kind == TrustKind::Pin || is_under_pin(row, first, certificates, rows),
        source: row.source.clone(),
        since: keys::time(row.created),
        certificates: of_key.into_iter().map(CertificateObject::of).collect(),
    })
}
