//! The signature of a mail's author, as history and whoever collects certificates need it.

use super::Context;
use super::layers::{Layer, SignedLayer, Unwrapped};
use super::status::{Reason, Status};
use crate::address::EmailAddress;
use crate::cms::{SignatureOutcome, Signed, Signer};
use crate::fingerprint::{Fingerprint, sha256};
use crate::limits;
use crate::mail;
use crate::time::Time;
use crate::trust::{Level, SignedMail, family_key};
use crate::x509::Certificate;

/// A signature that holds, covers the whole mail, and whose certificate names the author.
#[derive(Clone, Debug)]
pub struct AuthorSignature {
    /// The author.
    pub address: EmailAddress,
    /// The key that stands for the author: the personal CA's where the signer's certificate is under one.
    pub key: Fingerprint,
    /// The signer's certificate, those that its chain needs, and others under the same personal CA.
    pub certificates: Vec<Certificate>,
    /// DER of revocation lists that came along, unchecked (RFC 5652, section 10.2.1).
    pub revocation_lists: Vec<Vec<u8>>,
    /// DER of the SMIMECapabilities that were signed.
    pub capabilities: Option<Vec<u8>>,
    /// SHA-256 of each Message-ID that the signed header section says it answers.
    pub answered: Vec<[u8; 32]>,
    /// What was decided about the key.
    pub level: Level,
    /// Whether the key, or a certificate of the chain, is revoked.
    pub is_revoked: bool,
    signing_time: Option<Time>,
    message: [u8; 32],
}

impl AuthorSignature {
    /// What [`crate::trust::harvest`] is asked with. Whether the mail answers one of ours is for
    /// whoever knows what was sent.
    #[must_use]
    pub const fn mail(&self, answers: bool) -> SignedMail {
        SignedMail {
            holds: true,
            is_by_author: true,
            is_whole: true,
            level: self.level,
            signing_time: self.signing_time,
            message: self.message,
            answers,
        }
    }
}

/// The name under which history knows a Message-ID.
#[must_use]
pub fn message_name(identifier: &str) -> [u8; 32] {
    sha256(identifier.as_bytes())
}

/// The author's signature, where there is one and nothing about the mail makes its author doubtful.
pub(super) fn of(
    unwrapped: &Unwrapped,
    status: &Status,
    is_protected: bool,
    context: &Context<'_>,
) -> Option<AuthorSignature> {
    let author = status.address.as_ref()?;
    if status.reasons.contains(&Reason::FromDiffers) {
        return None;
    }
    let (signed, signer, certificate) = signers(unwrapped)
        .find(|(_, _, certificate)| certificate.addresses().iter().any(|own| own.matches(author)))?;
    // Whatever the worst signature of the mail is, this one must have been judged to be the author's.
    let own = status.signers.iter().find(|own| own.fingerprint == Some(certificate.fingerprint()))?;
    let is_revoked = own.reasons.contains(&Reason::Revoked);
    // A mail may leave out the personal CA that is known already.
    let known = context.knowledge.certificates.iter().filter(|authority| {
        authority.subject_der() == certificate.issuer_der() && authority.is_personal_authority()
    });
    let at_hand: Vec<Certificate> = signed.certificates.iter().chain(known).cloned().collect();
    let key = family_key(certificate, &at_hand);
    Some(AuthorSignature {
        address: author.clone(),
        key,
        certificates: harvested(certificate, &key, &at_hand, author),
        revocation_lists: signed.revocation_lists.clone(),
        capabilities: signer.capabilities.clone(),
        answered: if is_protected { answered(unwrapped) } else { Vec::new() },
        level: own.level,
        is_revoked,
        signing_time: signer.signing_time,
        message: message(signer),
    })
}

/// Every signer whose signature holds and covers all of the mail.
fn signers(unwrapped: &Unwrapped) -> impl Iterator<Item = (&Signed, &Signer, &Certificate)> {
    let layers = unwrapped.layers.iter().filter_map(|layer| match layer {
        Layer::Signed(SignedLayer { signed: Some(signed), foreign_text: false, undone: None }) => {
            Some(signed)
        }
        Layer::Signed(_) | Layer::Encrypted(_) | Layer::Compressed => None,
    });
    layers.flat_map(|signed| {
        let good = signed.signers.iter().filter(|signer| signer.outcome == SignatureOutcome::Good);
        good.filter_map(move |signer| Some((signed, signer, signer.certificate.as_ref()?)))
    })
}

/// The same for the same mail: of what was signed, in its canonical form, and not of the signature, of
/// which some algorithms allow others to make a second one that holds as well.
pub(super) fn message(signer: &Signer) -> [u8; 32] {
    let algorithm = signer.digest.map(|digest| digest.name()).unwrap_or_default();
    let digest = signer.message_digest.as_deref().unwrap_or_default();
    sha256(&[algorithm.as_bytes(), b" ", digest].concat())
}

fn answered(unwrapped: &Unwrapped) -> Vec<[u8; 32]> {
    let headers = &unwrapped.innermost.headers;
    let fields = ["In-Reply-To", "References"].iter();
    let mut names: Vec<[u8; 32]> = fields
        .flat_map(|field| mail::message_identifiers(headers, field))
        .map(|identifier| message_name(&identifier))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What is taken in of the certificates that came along. Nobody signed that they do, so whoever relayed
/// the mail may have put some there: only those count that lead up from the signer's own, and those
/// that its personal CA issued to the author.
fn harvested(
    own: &Certificate,
    key: &Fingerprint,
    offered: &[Certificate],
    author: &EmailAddress,
) -> Vec<Certificate> {
    let mut taken = vec![own.clone()];
    while let Some(below) = taken.last().filter(|_| taken.len() < limits::PATH_DEPTH) {
        let named = offered
            .iter()
            .filter(|above| above.is_certificate_authority() && above.subject_der() == below.issuer_der());
        let mut above = named
            .take(limits::SIGNER_CANDIDATES)
            .filter(|above| !taken.contains(above) && below.is_signed_by(above.public_key()).is_ok());
        let Some(above) = above.next().cloned() else { break };
        taken.push(above);
    }
    let Some(authority) = taken.iter().find(|other| other.fingerprint() == *key && *other != own) else {
        return taken;
    };
    let is_authors = |other: &&Certificate| other.addresses().iter().any(|address| address.matches(author));
    let siblings = offered
        .iter()
        .filter(|other| !other.is_certificate_authority() && !taken.contains(other))
        .filter(|other| other.issuer_der() == authority.subject_der())
        .filter(is_authors)
        .take(limits::HARVESTED_CERTIFICATES)
        .filter(|other| other.is_signed_by(authority.public_key()).is_ok());
    let siblings: Vec<Certificate> = siblings.cloned().collect();
    taken.extend(siblings);
    taken
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::message::{self, ReadOptions, SignRequest, SignatureForm, Signer};
    use crate::ports::{MemorySpools, NoSecretKeys};
    use crate::testing::{NOW, Person, SystemRandom};
    use crate::trust::Knowledge;

    const MAIL: &str = "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: Lunch\r\n\
        Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <2@example.org>\r\n\
        In-Reply-To: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nAt noon.\r\n";

    fn signed(signer: &Signer<'_>) -> Vec<u8> {
        let request = SignRequest { signer, form: SignatureForm::Detached, at: NOW };
        message::sign(MAIL.as_bytes(), &request, &mut SystemRandom).unwrap().into_bytes()
    }

    fn read(mail: &[u8]) -> Option<AuthorSignature> {
        let knowledge = Knowledge::default();
        let context = Context { keys: &NoSecretKeys, knowledge: &knowledge, at: NOW, spools: &MemorySpools };
        let options = ReadOptions::default();
        let mut output = Vec::new();
        let readable =
            message::verify(&mut Cursor::new(mail), &context, &mut SystemRandom, &options, &mut output);
        readable.unwrap().author_signature
    }

    #[test]
    fn a_signed_mail_brings_its_authors_keys_and_says_what_it_answers() {
        let alice = Person::new("alice@example.org");
        let signature = read(&signed(&alice.signer())).unwrap();
        assert_eq!(signature.key, alice.authority.fingerprint());
        assert_eq!(signature.certificates.len(), 3);
        assert_eq!(signature.answered, [message_name("1@example.org")]);
    }

    #[test]
    fn certificates_that_somebody_put_beside_the_authors_are_not_taken_in() {
        let (alice, eve) = (Person::new("alice@example.org"), Person::new("alice@example.org"));
        let mut signer = alice.signer();
        signer.certificates.extend([eve.encryption.clone(), eve.authority.clone()]);
        let signature = read(&signed(&signer)).unwrap();
        assert_eq!(signature.certificates.len(), 3);
        assert!(!signature.certificates.contains(&eve.encryption));
    }

    #[test]
    fn the_same_mail_under_another_header_is_the_same_mail() {
        let mail = signed(&Person::new("alice@example.org").signer());
        let forwarded = [b"Received: from a relay\r\n", mail.as_slice()].concat();
        let bare = String::from_utf8_lossy(&mail).replace("\r\n", "\n");
        let message = |mail: &[u8]| read(mail).map(|signature| signature.mail(false).message);
        assert!(message(&mail).is_some());
        assert_eq!(message(&mail), message(&forwarded));
        assert_eq!(message(&mail), message(bare.as_bytes()));
    }

    #[test]
    fn a_mail_that_was_altered_or_is_by_somebody_else_has_no_signature_of_its_author() {
        let mail = String::from_utf8(signed(&Person::new("alice@example.org").signer())).unwrap();
        assert!(read(mail.replace("At noon", "At nine").as_bytes()).is_none());
        assert!(read(mail.replace("From: alice@", "From: mallory@").as_bytes()).is_none());
    }
}
