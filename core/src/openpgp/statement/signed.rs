//! Whether a statement is signed, and by whom.

use std::io::Cursor;

use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation as _;
use sequoia_openpgp::cert::raw::RawPacket;
use sequoia_openpgp::packet::{Packet, Signature, Tag};
use sequoia_openpgp::parse::{Dearmor, PacketParserBuilder, PacketParserResult, Parse as _};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy as _};
use sequoia_openpgp::types::{RevocationStatus, SignatureType};

use super::clear_signed::ClearSigned;
use super::{Statement, StatementError, StatementKind};
use crate::address::EmailAddress;
use crate::cms::ContentType;
use crate::cms::signed::{SignatureOutcome, read_signed};
use crate::fingerprint::{Fingerprint, OpenPgpFingerprint};
use crate::limits;
use crate::openpgp::keyring::{Keyring, dearmored, fingerprint_of};
use crate::openpgp::link::address_of_user_id;
use crate::openpgp::reader::{policy, system_time, time};
use crate::openpgp::twin::TWIN_CREATED;
use crate::time::{DAY, Time};
use crate::x509::Certificate as SmimeCertificate;

/// A statement whose signature holds.
///
/// That the signer is who they say, and is somebody to rely on, is not said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    /// What it says.
    pub statement: Statement,
    /// Who signed it.
    pub signer: StatementSigner,
    /// When, by the signature.
    pub signed: Time,
    /// The first moment when the signature does not hold any more, as far as it says so.
    pub expires: Option<Time>,
    /// Of a statement in CMS: the signer's certificate first, and those that came with it, unchecked.
    pub certificates: Vec<SmimeCertificate>,
    /// Everything as it came, which is what a time stamp is about; empty where text and signature came apart.
    pub bytes: Vec<u8>,
}

/// Who signed a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementSigner {
    /// An OpenPGP certificate.
    OpenPgp(OpenPgpSigner),
    /// An S/MIME key.
    Key(Fingerprint),
}

/// The OpenPGP certificate that signed a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPgpSigner {
    /// Which.
    pub certificate: OpenPgpFingerprint,
    /// The user identifiers that its owner signed and did not revoke; foreign text.
    pub user_ids: Vec<String>,
}

impl OpenPgpSigner {
    /// The user identifiers with an address: who signs a link must own one with the subject's.
    pub fn user_ids_of(&self, address: &EmailAddress) -> impl Iterator<Item = &str> {
        let is_of = |user_id: &&String| address_of_user_id(user_id).is_some_and(|own| own.matches(address));
        self.user_ids.iter().filter(is_of).map(String::as_str)
    }
}

impl SignedStatement {
    /// Reads a statement, clear-signed or in a SignedData. OpenPGP signers are looked for in
    /// `keyrings`, others in the object and among `certificates`.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn read(
        bytes: &[u8],
        keyrings: &[&[u8]],
        certificates: &[SmimeCertificate],
    ) -> Result<Self, StatementError> {
        // The tag of a SEQUENCE: of no character that a clear-signed text could begin with.
        let signed = if bytes.first() == Some(&0x30) {
            Self::from_cms(bytes, certificates)?
        } else if bytes.len() > limits::SIGNED_STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_| StatementError::NotCanonical)?;
            Self::from_clear_signed(text, keyrings)?
        };
        Ok(Self { bytes: bytes.to_vec(), ..signed })
    }

    /// Whether it holds at a moment.
    #[must_use]
    pub fn holds_at(&self, at: Time) -> bool {
        self.statement.holds_at(at) && self.expires.is_none_or(|expires| at < expires)
    }

    /// Reads a clear-signed statement. `keyrings` are looked through for the signer.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn from_clear_signed(message: &str, keyrings: &[&[u8]]) -> Result<Self, StatementError> {
        let message = ClearSigned::split(message)?;
        let statement = Statement::parse(&message.text)?;
        let unended = message.text.strip_suffix('\n').unwrap_or(&message.text);
        let signature = only_signature(message.armor.as_bytes())?;
        if signature.typ() != SignatureType::Text {
            // Over which line ends a binary signature would be, nobody says.
            return Err(StatementError::BadSignature);
        }
        Self::by_openpgp(statement, unended, &signature, keyrings)
    }

    /// Reads a statement beside its detached OpenPGP signature, armored or binary.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn from_detached(text: &str, signature: &[u8], keyrings: &[&[u8]]) -> Result<Self, StatementError> {
        if signature.len() > limits::SIGNED_STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        }
        Self::by_openpgp(Statement::parse(text)?, text, &only_signature(signature)?, keyrings)
    }

    /// Reads a statement in a SignedData. Signers are looked for in it and among `certificates`.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn from_cms(object: &[u8], certificates: &[SmimeCertificate]) -> Result<Self, StatementError> {
        if object.len() > limits::SIGNED_STATEMENT_BYTES {
            return Err(StatementError::TooLarge);
        }
        let mut text = Vec::new();
        let signed = read_signed(&mut Cursor::new(object), None, certificates, &mut text)
            .map_err(|_| StatementError::Framing)?;
        let text = String::from_utf8(text).map_err(|_| StatementError::NotCanonical)?;
        let statement = Statement::parse(&text)?;
        let [signer] = signed.signers.as_slice() else { return Err(StatementError::Framing) };
        if signed.content_type != ContentType::Data || !signed.had_content {
            return Err(StatementError::Framing);
        }
        match signer.outcome {
            SignatureOutcome::Good => {}
            SignatureOutcome::CertificateMissing => return Err(StatementError::SignerUnknown),
            SignatureOutcome::Weak(_) | SignatureOutcome::Bad(_) => return Err(StatementError::BadSignature),
        }
        let own = signer.certificate.clone().ok_or(StatementError::SignerUnknown)?;
        let key = own.fingerprint();
        if let StatementKind::Succession { old, .. } = &statement.kind
            && !key.is_named_by(old)
        {
            return Err(StatementError::SignerUnsuitable);
        }
        let time = signer.signing_time.ok_or(StatementError::WrongTime)?;
        let others = signed.certificates.iter().filter(|other| **other != own);
        let certificates = std::iter::once(own.clone()).chain(others.cloned()).collect();
        let signer = StatementSigner::Key(key);
        let bytes = Vec::new();
        Self { signer, signed: time, statement, expires: None, certificates, bytes }.in_time()
    }

    fn by_openpgp(
        statement: Statement,
        text: &str,
        signature: &Signature,
        keyrings: &[&[u8]],
    ) -> Result<Self, StatementError> {
        if matches!(statement.kind, StatementKind::Succession { .. }) {
            // The old key would have to sign, and a twin never signs data.
            return Err(StatementError::WrongKind);
        }
        let created = signature.signature_creation_time().ok_or(StatementError::BadSignature)?;
        policy()
            .signature(signature, HashAlgoSecurity::CollisionResistance)
            .map_err(|_| StatementError::BadSignature)?;
        let certificate = certificate_of(signature, keyrings).ok_or(StatementError::SignerUnknown)?;
        let signer = verify(signature, text, &certificate)?;
        let expires = signature.signature_expiration_time().map(time);
        let signer = StatementSigner::OpenPgp(signer);
        let (certificates, bytes) = (Vec::new(), Vec::new());
        Self { statement, signer, signed: time(created), expires, certificates, bytes }.in_time()
    }

    /// Whoever gets hold of an old key must not sign for today, nor with it for the past.
    fn in_time(self) -> Result<Self, StatementError> {
        let distance = self.signed.unix_seconds().abs_diff(self.statement.issued.unix_seconds());
        if distance <= DAY.unsigned_abs() { Ok(self) } else { Err(StatementError::WrongTime) }
    }
}

/// The one signature packet of a detached signature. Nothing is unpacked to find it.
fn only_signature(bytes: &[u8]) -> Result<Signature, StatementError> {
    let is_armored = bytes.first().is_some_and(|first| first & 0x80 == 0);
    let packets = if is_armored { dearmored(bytes) } else { Some(bytes.to_vec()) };
    let packets = packets.ok_or(StatementError::Framing)?;
    let builder = PacketParserBuilder::from_bytes(&packets).map_err(|_| StatementError::Framing)?;
    let parser = builder
        .dearmor(Dearmor::Disabled)
        .max_recursion_depth(0)
        .build()
        .map_err(|_| StatementError::Framing)?;
    let PacketParserResult::Some(parser) = parser else { return Err(StatementError::Framing) };
    match parser.next() {
        Ok((Packet::Signature(signature), PacketParserResult::EOF(_))) => Ok(signature),
        _ => Err(StatementError::Framing),
    }
}

/// The certificate of which a key says that it made a signature.
fn certificate_of(signature: &Signature, keyrings: &[&[u8]]) -> Option<Cert> {
    let issuers = signature.get_issuers();
    let keyring = Keyring::split(keyrings).ok()?;
    let mut certificates = keyring.certificates.values().flatten();
    let found = certificates.find(|certificate| {
        certificate.as_bytes().len() <= limits::OPENPGP_CERTIFICATE_BYTES
            && certificate.keys().any(|key| issuers.iter().any(|issuer| issuer.aliases(key.key_handle())))
    })?;
    let says_something = |packet: &RawPacket<'_>| {
        matches!(packet.tag(), Tag::PublicKey | Tag::SecretKey | Tag::PublicSubkey | Tag::SecretSubkey)
            || matches!(packet.tag(), Tag::UserID | Tag::Signature)
    };
    let packets = found.packets().filter(says_something);
    Cert::from_bytes(&packets.flat_map(|packet| packet.as_bytes().to_vec()).collect::<Vec<u8>>()).ok()
}

/// Verifies a signature over a text with a key that could sign when it was made.
fn verify(signature: &Signature, text: &str, certificate: &Cert) -> Result<OpenPgpSigner, StatementError> {
    let created = signature.signature_creation_time().ok_or(StatementError::BadSignature)?;
    let policy = policy();
    let valid = certificate.with_policy(&policy, created).map_err(|_| StatementError::SignerUnsuitable)?;
    if valid.alive().is_err() || matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(StatementError::SignerUnsuitable);
    }
    let issuers = signature.get_issuers();
    let may_sign = valid.keys().alive().revoked(false).for_signing();
    let mut keys = may_sign
        .filter(|key| issuers.iter().any(|issuer| issuer.aliases(key.key().key_handle())))
        .filter(|key| key.key().creation_time() != system_time(TWIN_CREATED))
        .peekable();
    keys.peek().ok_or(StatementError::SignerUnsuitable)?;
    let message = signed_form(signature.typ(), text).ok_or(StatementError::BadSignature)?;
    if !keys.any(|key| signature.verify_message(key.key(), &message).is_ok()) {
        return Err(StatementError::BadSignature);
    }
    let user_ids = valid
        .userids()
        .filter(|user_id| !matches!(user_id.revocation_status(), RevocationStatus::Revoked(_)))
        .filter_map(|user_id| std::str::from_utf8(user_id.userid().value()).ok().map(str::to_owned));
    Ok(OpenPgpSigner {
        certificate: fingerprint_of(&certificate.fingerprint()).ok_or(StatementError::SignerUnsuitable)?,
        user_ids: user_ids.take(limits::OPENPGP_USER_IDS).collect(),
    })
}

/// The octets that a signature of a type is over (RFC 9580, section 5.2.1).
fn signed_form(kind: SignatureType, text: &str) -> Option<Vec<u8>> {
    match kind {
        SignatureType::Binary => Some(text.as_bytes().to_vec()),
        SignatureType::Text => Some(text.replace('\n', "\r\n").into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cms::signed::{SignedInput, SigningRequest, write_signed};
    use crate::openpgp::statement::Reason;
    use crate::testing::{NOW, Person};

    fn signed(person: &Person, text: &str, content_type: ContentType) -> Vec<u8> {
        let request = SigningRequest {
            keys: &person.keys,
            key: person.signing.fingerprint(),
            certificates: std::slice::from_ref(&person.signing),
            algorithm: None,
            signing_time: NOW,
            encryption_certificate: None,
            capabilities: None,
            content_type,
            carried_evidence: &[],
            revocation_lists: &[],
            further_attributes: &[],
        };
        let mut object = Vec::new();
        write_signed(SignedInput::Attached(&mut Cursor::new(text)), &request, &mut object).unwrap();
        object
    }

    fn succession(old: &Fingerprint, issued: Time) -> Statement {
        let kind = StatementKind::Succession { old: Statement::name_of(old), reason: Reason::Superseded };
        let subject = EmailAddress::parse("alice@example.org").unwrap();
        Statement::new(kind, subject, &Fingerprint::of_public_key(b"the new key"), issued)
    }

    #[test]
    fn a_statement_in_cms_is_by_the_key_that_signed() {
        let alice = Person::new("alice@example.org");
        let old = alice.signing.fingerprint();
        let statement = succession(&old, NOW);
        let object = signed(&alice, &statement.to_text(), ContentType::Data);
        let read = SignedStatement::from_cms(&object, &[]).unwrap();
        assert_eq!(read.statement, statement);
        assert_eq!(read.signer, StatementSigner::Key(old));
        assert!(read.holds_at(NOW) && !read.holds_at(NOW.plus_days(-1)));
    }

    #[test]
    fn only_the_old_key_names_its_successor() {
        let alice = Person::new("alice@example.org");
        let other = Fingerprint::of_public_key(b"another key");
        let object = signed(&alice, &succession(&other, NOW).to_text(), ContentType::Data);
        assert_eq!(SignedStatement::from_cms(&object, &[]), Err(StatementError::SignerUnsuitable));
    }

    #[test]
    fn what_is_no_statement_of_its_time_is_refused() {
        let alice = Person::new("alice@example.org");
        let statement = succession(&alice.signing.fingerprint(), NOW.plus_days(2)).to_text();
        let object = signed(&alice, &statement, ContentType::Data);
        assert_eq!(SignedStatement::from_cms(&object, &[]), Err(StatementError::WrongTime));
        let object = signed(&alice, "Hello\n", ContentType::Data);
        assert_eq!(SignedStatement::from_cms(&object, &[]), Err(StatementError::Line(1)));
        let statement = succession(&alice.signing.fingerprint(), NOW).to_text();
        let object = signed(&alice, &statement, ContentType::SignedData);
        assert_eq!(SignedStatement::from_cms(&object, &[]), Err(StatementError::Framing));
        let mut object = signed(&alice, &statement, ContentType::Data);
        let place = object.windows(10).position(|window| window == b"superseded").unwrap();
        object[place..place + 10].copy_from_slice(b"compromise");
        assert!(SignedStatement::from_cms(&object, &[]).is_err());
    }
}
