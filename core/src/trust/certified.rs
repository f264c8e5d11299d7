//! What OpenPGP says of S/MIME keys: certifications of a key's twin, and of certificates whose owner
//! names the key.

use super::claim::Claim;
use super::evidence::{Binding, Evidence, Introducer, IntroducerName, KeyRevocation, Kind, Vouching};
use super::knowledge::OpenPgpKnowledge;
use crate::fingerprint::OpenPgpFingerprint;
use crate::limits;
use crate::openpgp::{Authentication, Certificate, Network, Path, TwinKey};
use crate::time::Time;
use crate::x509::PublicKey;

/// The web of OpenPGP at a moment.
pub(super) struct Certified<'k> {
    known: &'k OpenPgpKnowledge,
    network: Network<'k>,
    at: Time,
}

/// A certificate that speaks for the key, where one of its user identifiers is the address's owner.
struct Bound<'c> {
    certificate: &'c Certificate,
    user_id: &'c str,
    binding: Binding,
}

impl<'k> Certified<'k> {
    pub(super) fn at(known: &'k OpenPgpKnowledge, at: Time) -> Self {
        Self { known, network: known.web.network(&known.reliances, at), at }
    }

    /// Everything that certifications say of a key and an address.
    pub(super) fn evidence(&self, claim: &Claim, key: &PublicKey) -> Vec<Evidence> {
        let kinds = self.bound(claim, key).into_iter().flat_map(|bound| {
            let found = self.network.authenticate(
                bound.user_id,
                &bound.certificate.fingerprint,
                limits::OPENPGP_POINTS,
            );
            self.kinds(&found, bound.binding)
        });
        kinds.map(|kind| Evidence::new(claim.clone(), kind)).collect()
    }

    /// Whether the twin says that the key is compromised: then it is dead as an S/MIME key too.
    pub(super) fn revocation(&self, claim: &Claim, key: &PublicKey) -> Option<KeyRevocation> {
        let is_dead = self.twin(key).is_some_and(|twin| twin.revocation.hard);
        is_dead.then_some(KeyRevocation { key: *claim.key(), since: None })
    }

    fn twin(&self, key: &PublicKey) -> Option<&'k Certificate> {
        let twin = TwinKey::of(key)?;
        self.known.web.certificate(&twin.fingerprint()).filter(|found| twin.is_primary_key_of(found))
    }

    fn bound(&self, claim: &Claim, key: &PublicKey) -> Vec<Bound<'k>> {
        let mut bound = Vec::new();
        if let Some(certificate) = self.twin(key).filter(|twin| twin.is_usable_at(self.at)) {
            let own = certificate.user_ids.iter().filter(|user_id| {
                user_id.address().is_some_and(|address| address.to_lookup_form() == *claim.address())
            });
            bound.extend(own.map(|user_id| Bound {
                certificate,
                user_id: &user_id.text,
                binding: Binding::Twin,
            }));
        }
        for certificate in self.known.web.certificates() {
            if !certificate.is_usable_at(self.at) {
                continue;
            }
            let own = certificate.user_ids_linked_to(claim.key(), claim.address(), self.at);
            let binding = Binding::Linked(certificate.fingerprint);
            bound.extend(own.map(|user_id| Bound { certificate, user_id: &user_id.text, binding }));
        }
        bound.truncate(limits::OPENPGP_BINDINGS);
        bound
    }

    fn kinds(&self, found: &Authentication, binding: Binding) -> Vec<Kind> {
        found.paths.iter().map(|path| self.kind(path, binding, found.amount)).collect()
    }

    fn kind(&self, path: &Path, binding: Binding, carried: u32) -> Kind {
        let is_user = self.known.own.contains(&path.root);
        // Without a step in between, the user's own signature is all there is.
        if is_user && path.steps.len() <= 1 {
            return Kind::CertifiedByUser { root: path.root, binding };
        }
        let root_amount = self.known.reliances.root(&path.root).unwrap_or(path.amount);
        let mut introducers = vec![introducer(path.root, root_amount, is_user)];
        let (last, before) = match path.steps.split_last() {
            Some((last, before)) => (last.amount, before),
            None => (path.amount, &[][..]),
        };
        introducers.extend(before.iter().map(|step| introducer(step.target, step.amount, false)));
        Kind::Vouched(Vouching { introducers, amount: last.into(), binding, carried: Some(carried) })
    }
}

fn introducer(certificate: OpenPgpFingerprint, amount: u8, is_user: bool) -> Introducer {
    Introducer { name: IntroducerName::OpenPgp(certificate), amount: amount.into(), is_user }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::openpgp::{Certification, Depth, Reliances, Revocation, Span, Spans, UserId, Web};
    use crate::testing::{NOW, Person};
    use crate::trust::points::Profile;
    use crate::trust::{Knowledge, Level, Purpose, Rules, decide};
    use crate::x509::path::Allowance;

    fn always() -> Spans {
        Spans::new(vec![Span { from: Time::from_unix_seconds(0), until: None }])
    }

    fn fingerprint(number: u8) -> OpenPgpFingerprint {
        OpenPgpFingerprint::Version4([number; 20])
    }

    fn certificate(fingerprint: OpenPgpFingerprint, primary_key: Vec<u8>, user_id: &str) -> Certificate {
        let user_id = UserId {
            text: user_id.to_owned(),
            self_signed: always(),
            revoked: Spans::default(),
            links: Vec::new(),
        };
        Certificate {
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

    fn certification(issuer: u8, depth: u8) -> Certification {
        Certification {
            issuer: fingerprint(issuer),
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
    fn twin(person: &Person, issuers: &[u8]) -> Certificate {
        let key = TwinKey::of(person.authority.public_key()).unwrap();
        let user_id = format!("Alice <{}>", person.address);
        let mut twin = certificate(key.fingerprint(), key.packet_body().to_vec(), &user_id);
        twin.certifications = issuers.iter().map(|issuer| certification(*issuer, 0)).collect();
        twin
    }

    fn knowing(certificates: Vec<Certificate>, reliances: Reliances, own: &[u8]) -> Knowledge {
        let mut web = Web::new();
        for number in 1..=3 {
            let mut other = certificate(fingerprint(number), vec![number], "Somebody <somebody@example.net>");
            // The first relies on the others as introducers.
            if number > 1 {
                other.certifications = vec![certification(1, 1)];
            }
            web.insert(other);
        }
        certificates.into_iter().for_each(|certificate| web.insert(certificate));
        let own = own.iter().map(|number| fingerprint(*number)).collect();
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
            numbers.iter().fold(Reliances::new(), |all, number| all.with_root(fingerprint(*number), 120))
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
        let reliances = Reliances::new().with_root(fingerprint(1), 120);
        let own = knowing(vec![twin(&alice, &[2, 3])], reliances.clone(), &[1]);
        assert_eq!(decided(&alice, &own), (120, Level::Verified));
        // Where the first is somebody else, all rests on them.
        let other = knowing(vec![twin(&alice, &[2, 3])], reliances, &[]);
        assert_eq!(decided(&alice, &other), (80, Level::Checked));
    }

    #[test]
    fn the_users_own_signature_verifies() {
        let alice = Person::new("alice@example.org");
        let reliances = Reliances::new().with_root(fingerprint(1), 120);
        let knowledge = knowing(vec![twin(&alice, &[1])], reliances, &[1]);
        assert_eq!(decided(&alice, &knowledge), (120, Level::Verified));
    }

    #[test]
    fn a_twin_of_another_key_or_for_another_address_says_nothing() {
        let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
        let reliances = || Reliances::new().with_root(fingerprint(2), 120);
        let mut other_address = twin(&alice, &[2]);
        other_address.user_ids[0].text = "Bob <bob@example.org>".to_owned();
        for wrong in [twin(&bob, &[2]), other_address] {
            assert_eq!(decided(&alice, &knowing(vec![wrong], reliances(), &[])), (0, Level::Unverified));
        }
        // A certificate with the twin's fingerprint but another key: a fingerprint is a SHA-1.
        let mut lookalike = twin(&alice, &[2]);
        lookalike.primary_key = vec![4; 50];
        assert_eq!(decided(&alice, &knowing(vec![lookalike], reliances(), &[])), (0, Level::Unverified));
    }

    #[test]
    fn a_twin_that_is_revoked_as_compromised_ends_its_key() {
        let alice = Person::new("alice@example.org");
        let mut dead = twin(&alice, &[2, 3]);
        dead.revocation.hard = true;
        let reliances = Reliances::new().with_root(fingerprint(2), 120).with_root(fingerprint(3), 120);
        assert_eq!(decided(&alice, &knowing(vec![dead], reliances, &[])).0, 0);
    }
}
