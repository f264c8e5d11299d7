//! What OpenPGP certifications say of S/MIME keys.

use std::collections::{BTreeMap, BTreeSet};

use super::Purpose;
use super::claim::Claim;
use super::evidence::{
    Binding, Dossier, Evidence, Introducer, IntroducerName, KeyRevocation, Kind, Vouching,
};
use crate::address::EmailAddress;
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::openpgp::{
    Authentication, Certificate as OpenPgpCertificate, LinkPurpose, Network, Path, Reliances, TwinKey, Web,
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
    /// The user's own certificates among the roots: what they certify needs nobody to be relied on.
    pub own: &'w [OpenPgpFingerprint],
    /// Certificates whose owners name an S/MIME key of theirs in a statement.
    pub links: &'w [(OpenPgpFingerprint, Fingerprint)],
    /// The S/MIME keys by which introducers are known whose certificates these are.
    pub aliases: &'w BTreeMap<OpenPgpFingerprint, Fingerprint>,
    /// What the keys are wanted for; where nothing is said, what their certificates are for.
    pub purpose: Option<Purpose>,
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
                self.add_links(dossier, &claim, address, self.purpose_of(certificate));
            }
        }
    }

    /// What a link to a key must be for. A personal CA stands for its owner, whatever for.
    fn purpose_of(&self, certificate: &Certificate) -> LinkPurpose {
        let receives = || certificate.may_receive_encrypted_mail().is_ok();
        match self.purpose {
            _ if certificate.is_certificate_authority() => LinkPurpose::Both,
            Some(Purpose::Sign) => LinkPurpose::Sign,
            Some(Purpose::Encrypt) => LinkPurpose::Encrypt,
            None if receives() => LinkPurpose::Encrypt,
            None => LinkPurpose::Sign,
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

    fn add_links(&self, dossier: &mut Dossier, claim: &Claim, address: &EmailAddress, purpose: LinkPurpose) {
        for linked in self.web.certificates().filter(|certificate| certificate.has_links()) {
            let binding = Binding::Linked(linked.fingerprint);
            for user_id in linked.user_ids_linked_to(claim.key(), address, purpose, self.network.at()) {
                self.add_paths(dossier, claim, linked, &user_id.text, binding);
            }
        }
        let by_statement = self.links.iter().filter(|(_, key)| key == claim.key());
        for linked in by_statement.filter_map(|(certificate, _)| self.web.certificate(certificate)) {
            for user_id in linked.user_ids_of(address, self.network.at()) {
                self.add_paths(dossier, claim, linked, &user_id.text, Binding::Linked(linked.fingerprint));
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
        let kinds = found.paths.iter().filter_map(|path| self.kind(path, &found, binding));
        dossier.evidence.extend(kinds.map(|kind| Evidence::new(claim.clone(), kind)));
    }

    /// A path with who stands on it. One without any step says only that the user relies on the
    /// owner, and not that anybody certified the key.
    fn kind(&self, path: &Path, found: &Authentication, binding: Binding) -> Option<Kind> {
        let last = path.steps.last()?;
        if path.steps.len() == 1 && self.own.contains(&path.root) {
            return Some(Kind::CertifiedByUser { root: path.root, binding });
        }
        let relied_on = self.reliances.root(&path.root).map_or(0, |root| u32::from(root.amount));
        let amounts = std::iter::once(relied_on).chain(path.steps.iter().map(|step| u32::from(step.amount)));
        let introducers = path.steps.iter().zip(amounts);
        Some(Kind::Vouched(Vouching {
            introducers: introducers.map(|(step, amount)| self.introducer(step.issuer, amount)).collect(),
            amount: last.amount.into(),
            binding,
            carried: Some(found.amount),
        }))
    }

    fn introducer(&self, certificate: OpenPgpFingerprint, amount: u32) -> Introducer {
        let is_user = self.own.contains(&certificate);
        let name = self.aliases.get(&certificate).copied();
        let name = name.map_or(IntroducerName::OpenPgp(certificate), IntroducerName::Key);
        Introducer { name, amount, is_user }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::evaluate::evaluate;
    use super::super::points::Profile;
    use super::super::rules::Rules;
    use super::*;
    use crate::openpgp::{Certification, Depth, Revocation, Span, Spans, UserId};
    use crate::testing::{NOW, Person};
    use crate::time::Time;
    use crate::trust::{Knowledge, Level, OpenPgpKnowledge, Purpose, decide};
    use crate::x509::path::Allowance;

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
            own_digest: [0; 32],
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
        let trust = WebOfTrust {
            web: &web,
            reliances: &reliances,
            network: &network,
            own: &[],
            links: &[],
            aliases: &BTreeMap::new(),
            purpose: None,
        };
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

    fn introduces(issuer: u8, depth: u8) -> Certification {
        Certification {
            issuer: friend(issuer),
            user_id: 0,
            amount: 120,
            depth: Depth::Limited(depth),
            regular_expressions: Vec::new(),
            created: NOW.plus_days(-10),
            expires: None,
            revoked: None,
            digest: [issuer; 32],
        }
    }

    /// The twin of a person's key, certified by these.
    fn twin(person: &Person, issuers: &[u8]) -> OpenPgpCertificate {
        let key = TwinKey::of(person.authority.public_key()).unwrap();
        let user_id = format!("Alice <{}>", person.address);
        let mut twin = certificate(key.fingerprint(), key.packet_body().to_vec(), &user_id);
        twin.certifications = issuers.iter().map(|issuer| introduces(*issuer, 0)).collect();
        twin
    }

    fn knowing(certificates: Vec<OpenPgpCertificate>, reliances: Reliances, own: &[u8]) -> Knowledge {
        let mut web = Web::new();
        for number in 1..=3 {
            let mut other = certificate(friend(number), vec![number], "Somebody <somebody@example.net>");
            // The first relies on the others as introducers.
            if number > 1 {
                other.certifications = vec![introduces(1, 1)];
            }
            web.insert(other);
        }
        certificates.into_iter().for_each(|certificate| web.insert(certificate));
        let own = own.iter().map(|number| friend(*number)).collect();
        let openpgp = OpenPgpKnowledge { web, reliances, own };
        Knowledge { openpgp: Some(openpgp.into()), ..Knowledge::default() }
    }

    /// Score and level of the key with which a person signs mail.
    fn decided(person: &Person, knowledge: &Knowledge) -> (u32, Level) {
        let offered = [person.authority.clone()];
        let allowance = Allowance::of_message();
        let decision =
            decide(&person.signing, &person.address, &offered, knowledge, Purpose::Sign, NOW, &allowance);
        (decision.score, decision.level)
    }

    #[test]
    fn one_introducer_checks_a_key_by_its_twin_and_two_verify_it() {
        let alice = Person::new("alice@example.org");
        let roots = |numbers: &[u8]| {
            numbers.iter().fold(Reliances::new(), |all, number| all.with_root(friend(*number), 120))
        };
        let one = knowing(vec![twin(&alice, &[2])], roots(&[2]), &[]);
        assert_eq!(decided(&alice, &one), (80, Level::Checked));
        let two = knowing(vec![twin(&alice, &[2, 3])], roots(&[2, 3]), &[]);
        assert_eq!(decided(&alice, &two), (120, Level::Verified), "the personal CA carries 120");
        let either = Knowledge { rules: Rules::of(Profile::WotOnly), ..one };
        assert_eq!(decided(&alice, &either), (120, Level::Verified));
    }

    #[test]
    fn introducers_behind_the_users_own_certificate_count_each() {
        let alice = Person::new("alice@example.org");
        let reliances = Reliances::new().with_root(friend(1), 120);
        let own = knowing(vec![twin(&alice, &[2, 3])], reliances.clone(), &[1]);
        assert_eq!(decided(&alice, &own), (120, Level::Verified));
        // Where the first is somebody else, all rests on them.
        let other = knowing(vec![twin(&alice, &[2, 3])], reliances, &[]);
        assert_eq!(decided(&alice, &other), (80, Level::Checked));
    }

    #[test]
    fn the_users_own_signature_verifies() {
        let alice = Person::new("alice@example.org");
        let reliances = Reliances::new().with_root(friend(1), 120);
        let knowledge = knowing(vec![twin(&alice, &[1])], reliances, &[1]);
        assert_eq!(decided(&alice, &knowledge), (120, Level::Verified));
    }

    #[test]
    fn a_twin_that_is_revoked_as_compromised_ends_its_key() {
        let alice = Person::new("alice@example.org");
        let mut dead = twin(&alice, &[2, 3]);
        dead.revocation.hard = true;
        let reliances = Reliances::new().with_root(friend(2), 120).with_root(friend(3), 120);
        assert_eq!(decided(&alice, &knowing(vec![dead], reliances, &[])).0, 0);
    }
}
