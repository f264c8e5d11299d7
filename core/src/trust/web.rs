//! What OpenPGP certifications say of S/MIME keys.

use std::collections::BTreeSet;

use super::claim::Claim;
use super::evidence::{
    Binding, Dossier, Evidence, Introducer, IntroducerName, KeyRevocation, Kind, Vouching,
};
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::openpgp::{
    Authentication, Certificate as OpenPgpCertificate, Network, Path, Reliances, TwinKey, Web,
};
use crate::x509::Certificate;

/// OpenPGP certificates, on whom the user relies, and the network that follows for a moment.
#[derive(Clone, Copy, Debug)]
pub struct WebOfTrust<'w> {
    /// All certificates.
    pub web: &'w Web,
    /// On whom the user relies.
    pub reliances: &'w Reliances,
    /// Of these two, for the moment that is asked about.
    pub network: &'w Network<'w>,
}

impl WebOfTrust<'_> {
    /// Adds what the web says of the keys of some certificates: as keys of the address, through
    /// their twins and through the OpenPGP certificates that name them. A personal CA is among
    /// them: it is what people vouch for.
    pub fn add_to(&self, dossier: &mut Dossier, address: &EmailAddress, certificates: &[Certificate]) {
        let mut seen: BTreeSet<Fingerprint> = BTreeSet::new();
        for certificate in certificates {
            let key = certificate.fingerprint();
            if seen.insert(key) {
                let claim = Claim::new(address, key);
                self.add_twin(dossier, &claim, certificate);
                self.add_links(dossier, &claim, address);
            }
        }
    }

    fn add_twin(&self, dossier: &mut Dossier, claim: &Claim, certificate: &Certificate) {
        let Some(key) = TwinKey::of(certificate.public_key()) else { return };
        let twin = self.web.certificate(&key.fingerprint()).filter(|twin| key.is_primary_key_of(twin));
        let Some(twin) = twin else { return };
        // The twin is the key itself: whoever revokes the one as compromised says so of the other.
        if twin.revocation.hard {
            dossier.revocations.push(KeyRevocation { key: *claim.key(), since: None });
        }
        let named = twin.user_ids.iter().filter(|user_id| {
            user_id.address().is_some_and(|address| address.to_lookup_form() == *claim.address())
        });
        for user_id in named {
            self.add_paths(dossier, claim, twin, &user_id.text, Binding::Twin);
        }
    }

    fn add_links(&self, dossier: &mut Dossier, claim: &Claim, address: &EmailAddress) {
        for linked in self.web.certificates().filter(|certificate| certificate.has_links()) {
            let binding = Binding::Linked(linked.fingerprint);
            for user_id in linked.user_ids_linked_to(claim.key(), address, self.network.at()) {
                self.add_paths(dossier, claim, linked, &user_id.text, binding);
            }
        }
    }

    fn add_paths(
        &self,
        dossier: &mut Dossier,
        claim: &Claim,
        certificate: &OpenPgpCertificate,
        user_id: &str,
        binding: Binding,
    ) {
        if !certificate.is_usable_at(self.network.at()) {
            return;
        }
        let found = self.network.authenticate(user_id, &certificate.fingerprint, u32::MAX);
        let vouchings = found.paths.iter().filter_map(|path| self.vouching(path, &found, binding));
        dossier
            .evidence
            .extend(vouchings.map(|vouching| Evidence::new(claim.clone(), Kind::Vouched(vouching))));
    }

    /// A path with who stands on it. One without any step says only that the user relies on the
    /// owner, and not that anybody certified the key.
    fn vouching(&self, path: &Path, found: &Authentication, binding: Binding) -> Option<Vouching> {
        let last = path.steps.last()?;
        let relied_on = self.reliances.root(&path.root).map_or(0, u32::from);
        let amounts = std::iter::once(relied_on).chain(path.steps.iter().map(|step| u32::from(step.amount)));
        let introducers = path.steps.iter().zip(amounts);
        Some(Vouching {
            introducers: introducers.map(|(step, amount)| introducer(step.issuer, amount)).collect(),
            amount: last.amount.into(),
            binding,
            carried: Some(found.amount),
        })
    }
}

const fn introducer(certificate: OpenPgpFingerprint, amount: u32) -> Introducer {
    Introducer { name: IntroducerName::OpenPgp(certificate), amount, is_user: false }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::evaluate::evaluate;
    use super::super::points::Profile;
    use super::super::rules::Rules;
    use super::*;
    use crate::openpgp::{Certification, Depth, Revocation, Span, Spans, UserId};
    use crate::testing::{NOW, Person};
    use crate::time::Time;

    fn always() -> Spans {
        Spans::new(vec![Span { from: Time::from_unix_seconds(0), until: None }])
    }

    fn certificate(fingerprint: OpenPgpFingerprint, primary_key: Vec<u8>, text: &str) -> OpenPgpCertificate {
        let user_id = UserId {
            text: text.to_owned(),
            self_signed: always(),
            revoked: Spans::default(),
            links: Vec::new(),
        };
        OpenPgpCertificate {
            fingerprint,
            primary_key,
            valid: always(),
            live: always(),
            revocation: Revocation::default(),
            user_ids: vec![user_id],
            links: Vec::new(),
            certifications: Vec::new(),
            unknown_issuers: Vec::new(),
        }
    }

    fn friend(number: u8) -> OpenPgpFingerprint {
        OpenPgpFingerprint::Version4([number; 20])
    }

    fn certification(issuer: OpenPgpFingerprint, amount: u8) -> Certification {
        Certification {
            issuer,
            user_id: 0,
            amount,
            depth: Depth::Limited(0),
            regular_expressions: Vec::new(),
            created: Time::from_unix_seconds(1_600_000_000),
            expires: None,
            revoked: None,
            digest: [issuer.as_bytes()[0]; 32],
        }
    }

    /// The twin of a person's personal CA, certified by two friends.
    fn twin_of(person: &Person) -> OpenPgpCertificate {
        let key = TwinKey::of(person.authority.public_key()).unwrap();
        let text = format!("Somebody <{}>", person.address);
        let mut twin = certificate(key.fingerprint(), key.packet_body().to_vec(), &text);
        twin.certifications = vec![certification(friend(1), 120), certification(friend(2), 40)];
        twin
    }

    fn scores(person: &Person, twin: OpenPgpCertificate, asked: &EmailAddress) -> Vec<u32> {
        let mut web = Web::new();
        web.insert(twin);
        for number in [1, 2] {
            web.insert(certificate(friend(number), Vec::new(), "Friend <friend@example.org>"));
        }
        let reliances = Reliances::new().with_root(friend(1), 120).with_root(friend(2), 120);
        let network = web.network(&reliances, NOW);
        let trust = WebOfTrust { web: &web, reliances: &reliances, network: &network };
        let mut dossier = Dossier::default();
        trust.add_to(&mut dossier, asked, std::slice::from_ref(&person.authority));
        let claim = Claim::new(asked, person.authority.fingerprint());
        let score = |profile| evaluate(&claim, &dossier, &Rules::of(profile), NOW).score;
        [Profile::WotOnly, Profile::Blended, Profile::CaOnly].map(score).to_vec()
    }

    fn alice() -> Person {
        Person::new("alice@example.org")
    }

    #[test]
    fn certifications_of_a_twin_speak_for_the_key() {
        let alice = alice();
        assert_eq!(scores(&alice, twin_of(&alice), &alice.address), [160, 120, 0]);
    }

    #[test]
    fn they_say_nothing_of_another_address_or_another_key() {
        let alice = alice();
        let other = EmailAddress::parse("mallory@example.org").unwrap();
        assert_eq!(scores(&alice, twin_of(&alice), &other), [0, 0, 0]);
        let mut forged = twin_of(&alice);
        // A fingerprint is a SHA-1: the octets of the key decide.
        forged.primary_key.push(0);
        assert_eq!(scores(&alice, forged, &alice.address), [0, 0, 0]);
    }

    #[test]
    fn a_twin_that_is_revoked_says_nothing_any_more() {
        let alice = alice();
        let mut revoked = twin_of(&alice);
        revoked.revocation.soft = always();
        assert_eq!(scores(&alice, revoked, &alice.address), [0, 0, 0]);
    }
}
