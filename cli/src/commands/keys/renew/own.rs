//! Which keys of ours an address has now.

use counterseal_core::address::EmailAddress;
use counterseal_core::x509::Certificate;

use crate::commands::{parse_address, store};
use crate::failure::Failure;
use crate::store::{KeyUse, Store, StoredKey};

/// A key that is not retired, with its newest certificate.
pub(super) struct InUse {
    pub(super) key: StoredKey,
    pub(super) certificate: Certificate,
}

/// The address that was typed, else the owner's.
pub(super) fn address(store: &Store, typed: Option<&str>) -> Result<EmailAddress, Failure> {
    if let Some(typed) = typed {
        return parse_address(typed);
    }
    store::owner(store)?.ok_or_else(|| {
        Failure::unknown("no-key", "the store has no keys of its own")
            .hint("make them with `cseal init ADDRESS`")
    })
}

/// The keys of an address that are in use, the newest first.
pub(super) fn in_use(store: &Store, address: &EmailAddress) -> Result<Vec<InUse>, Failure> {
    let own = store::own_keys(store, address)?;
    let mut found = Vec::new();
    for key in store.secret_keys()?.into_iter().filter(|key| key.retired.is_none()) {
        let certificates = store.certificates_of(key.fingerprint.sha256())?;
        let certificates = certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
        let newest = certificates.max_by_key(Certificate::not_before);
        // A personal CA's certificate names nobody; the row that makes it the owner's does.
        let is_theirs = |certificate: &Certificate| {
            own.contains(key.fingerprint.sha256())
                || certificate.addresses().iter().any(|named| named.matches(address))
        };
        if let Some(certificate) = newest.filter(is_theirs) {
            found.push(InUse { key, certificate });
        }
    }
    Ok(found)
}

/// The personal CA among them.
pub(super) fn authority(in_use: &[InUse]) -> Option<&InUse> {
    newest(in_use, KeyUse::PersonalCa)
}

/// The newest key for a use.
pub(super) fn newest(in_use: &[InUse], key_use: KeyUse) -> Option<&InUse> {
    in_use.iter().find(|own| own.key.key_use == key_use)
}

/// What stands for the person: the personal CA, else the key that signs.
pub(super) fn standing(in_use: &[InUse]) -> Option<&InUse> {
    let signing = || in_use.iter().find(|own| own.certificate.may_sign_mail().is_ok());
    authority(in_use).or_else(signing)
}

/// The addresses that a new certificate names: those of the one before.
pub(super) fn addresses(in_use: &[InUse], key_use: KeyUse, address: &EmailAddress) -> Vec<EmailAddress> {
    let named = match key_use {
        // Its certificate limits it to those that its leaves name.
        KeyUse::PersonalCa => in_use.iter().flat_map(|own| own.certificate.addresses()).collect::<Vec<_>>(),
        KeyUse::Encryption | KeyUse::Signing => {
            newest(in_use, key_use).into_iter().flat_map(|own| own.certificate.addresses()).collect()
        }
    };
    let mut addresses = vec![address.clone()];
    for named in named {
        if !addresses.iter().any(|known| known.matches(named)) {
            addresses.push(named.clone());
        }
    }
    addresses
}

/// The name in the newest certificate, so that the next one looks the same.
pub(super) fn name(in_use: &[InUse], address: &EmailAddress) -> String {
    let subject = in_use.first().map(|own| own.certificate.subject()).unwrap_or_default();
    let common_name = subject.split(',').find_map(|part| part.strip_prefix("CN="));
    match common_name {
        // Escapes of RFC 4514 would be escaped once more, so such a name is not copied.
        Some(name) if !name.contains(['\\', '=']) => name.to_owned(),
        _ => address.to_string(),
    }
}

/// Nobody here has this address.
pub(super) fn nobody(address: &EmailAddress) -> Failure {
    Failure::unknown("no-key", format!("{address}: you have no key in use for this address"))
        .hint(format!("make one with `cseal init {address}`"))
}
