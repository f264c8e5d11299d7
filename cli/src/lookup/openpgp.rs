//! OpenPGP certificates that the network brings.

use counterseal_core::address::EmailAddress;
use counterseal_core::openpgp::{Certificate, Web};

/// What keyrings that came for an address add to a web: certificates that name the address and were not
/// here, and revocations. Whoever serves a certificate that is here already could leave out what others
/// said of it, so nothing takes its place.
pub(crate) fn news(before: &Web, keyrings: &[&[u8]], address: &EmailAddress) -> Vec<Certificate> {
    let mut web = before.clone();
    let Ok(imported) = web.import(keyrings) else { return Vec::new() };
    let read = imported.read.iter().filter_map(|fingerprint| web.certificate(fingerprint));
    let adds = |certificate: &&Certificate| {
        let is_new = before.certificate(&certificate.fingerprint).is_none();
        let names = certificate
            .user_ids
            .iter()
            .any(|user_id| user_id.address().is_some_and(|own| own.matches(address)));
        is_new && names || !is_new && certificate.revocation.hard
    };
    read.filter(adds).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::keys::Keyring;
    use counterseal_core::openpgp::twin_certificate;
    use counterseal_core::time::Time;
    use counterseal_core::x509::{KeyKind, SecretKey};

    use super::*;
    use crate::randomness::SystemRandom;

    const NOW: Time = Time::from_unix_seconds(1_795_262_400);

    #[test]
    fn a_keyring_brings_what_is_new_for_the_address_and_replaces_nothing() {
        let [bob, carol] =
            ["bob@example.org", "carol@example.org"].map(|address| EmailAddress::parse(address).unwrap());
        let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
        let keys = Keyring::from(key.clone());
        let twin = twin_certificate(&keys, key.public_key(), "", std::slice::from_ref(&bob), NOW).unwrap();
        let brought = news(&Web::new(), &[&twin], &bob);
        assert_eq!(brought.len(), 1);
        assert!(news(&Web::new(), &[&twin], &carol).is_empty());
        let mut web = Web::new();
        brought.into_iter().for_each(|certificate| web.insert(certificate));
        assert!(news(&web, &[&twin], &bob).is_empty());
        assert!(news(&Web::new(), &[b"no keyring"], &bob).is_empty());
    }
}
