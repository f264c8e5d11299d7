//! Which key stands for a person.

use crate::fingerprint::Fingerprint;
use crate::limits;
use crate::x509::Certificate;

/// The key that stands for the holder of a certificate: that of the personal CA above it, where one is
/// at hand, else the certificate's own. Mail with any key under a personal CA is mail with its owner, so
/// history goes on when a key is renewed or a device is added.
///
/// A personal CA says itself that it is one, in a certificate that its own key signed: nobody else can
/// make the CA of many people one person's.
#[must_use]
pub fn family_key<'c>(
    certificate: &Certificate,
    at_hand: impl IntoIterator<Item = &'c Certificate>,
) -> Fingerprint {
    let named = at_hand.into_iter().filter(|authority| {
        authority.subject_der() == certificate.issuer_der() && authority.is_personal_authority()
    });
    let mut above = named.take(limits::FAMILY_CANDIDATES).filter(|authority| {
        certificate.is_signed_by(authority.public_key()).is_ok()
            && authority.is_signed_by(authority.public_key()).is_ok()
    });
    above.next().map_or_else(|| certificate.fingerprint(), Certificate::fingerprint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::Person;

    #[test]
    fn all_keys_of_a_person_stand_for_one() {
        let alice = Person::new("alice@example.org");
        let own = alice.authority.fingerprint();
        assert_eq!(family_key(&alice.signing, [&alice.authority]), own);
        assert_eq!(family_key(&alice.encryption, [&alice.signing, &alice.authority]), own);
    }

    #[test]
    fn decoys_of_the_same_name_do_not_hide_the_right_one() {
        let alice = Person::new("alice@example.org");
        let decoys: Vec<Certificate> = (0..20).map(|_| Person::new("alice@example.org").authority).collect();
        let at_hand = decoys.iter().chain([&alice.authority]);
        assert_eq!(family_key(&alice.signing, at_hand), alice.authority.fingerprint());
    }

    #[test]
    fn a_ca_that_is_not_at_hand_or_somebody_elses_does_not_count() {
        let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
        assert_eq!(family_key(&alice.signing, []), alice.signing.fingerprint());
        assert_eq!(family_key(&alice.signing, [&bob.authority]), alice.signing.fingerprint());
    }

    #[test]
    fn a_certificate_that_the_ca_did_not_make_of_itself_is_no_personal_ca() {
        let alice = Person::new("alice@example.org");
        let mut forged = alice.authority.as_der().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let forged = Certificate::from_der(&forged).unwrap();
        assert_eq!(family_key(&alice.signing, [&forged]), alice.signing.fingerprint());
    }
}
