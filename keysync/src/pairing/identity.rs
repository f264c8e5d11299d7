//! Who the two sides are: certificates, and signatures that bind them to one run.

use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::ports::KeyError;
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::issue::signature_by;

use super::messages::{Identity, Introduction, Octets, array, is_name, octets, to_der};
use crate::channel::hash;
use crate::device::{DeviceKeys, Role};
use crate::limits;

/// Who we are: the key that signs for this side, and its certificates.
pub trait Signer {
    /// DER, the certificate of the signing key first; then its others (a device), or those above it (a person).
    fn certificates(&self) -> Vec<Vec<u8>>;

    /// Signs with the key of the first certificate, with the digest that goes with it
    /// ([`signature_by`](counterseal_core::x509::issue::signature_by)).
    ///
    /// # Errors
    /// [`KeyError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

impl Signer for DeviceKeys {
    fn certificates(&self) -> Vec<Vec<u8>> {
        self.certificates().to_list()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.signer().sign_bytes(message)
    }
}

/// The other side, as its signature proves it. Whether it is the one that is meant, a gate says.
#[derive(Clone, Debug)]
pub struct Peer {
    certificates: Vec<Certificate>,
    name: String,
    role: Option<Role>,
    account: Option<[u8; 32]>,
}

impl Peer {
    /// Its certificates, the signing one first. They are parsed, and the first one's key signed; nobody else vouches.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The key that signed.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.certificates.first().map(Certificate::fingerprint)
    }

    /// What it calls itself; foreign text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a new device would like to be.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    /// The account that an old device belongs to: SHA-256 of its root key.
    #[must_use]
    pub const fn account(&self) -> Option<&[u8; 32]> {
        self.account.as_ref()
    }

    /// A peer that was recognised before, from a state that was kept.
    pub(super) const fn known(
        certificates: Vec<Certificate>,
        name: String,
        role: Option<Role>,
        account: Option<[u8; 32]>,
    ) -> Self {
        Self { certificates, name, role, account }
    }

    /// Hash of the first certificate: what a session is bound to.
    pub(super) fn certificate_hash(&self) -> [u8; 32] {
        self.certificates.first().map_or([0; 32], |certificate| hash(certificate.as_der()))
    }
}

/// What is signed: which message, and the parts that it is bound to.
pub(super) struct Statement<'a> {
    pub(super) message: &'static str,
    pub(super) intent: u8,
    pub(super) parts: &'a [&'a [u8]],
}

impl Statement<'_> {
    fn bytes(&self, identity: &Identity, nonce: &[u8]) -> Vec<u8> {
        let mut bytes = format!("counterseal-keysync/1 {}\0", self.message).into_bytes();
        let (intent, identity) = ([self.intent], hash(&to_der(identity)));
        let first: [&[u8]; 1] = [&intent];
        let last: [&[u8]; 2] = [&identity, nonce];
        for part in first.iter().chain(self.parts).chain(&last) {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Introduces us: identity, nonce, and a signature over both and what the statement names.
pub(super) fn introduce(
    identity: Identity,
    nonce: &[u8; 32],
    statement: &Statement<'_>,
    signer: &dyn Signer,
) -> Result<Introduction, KeyError> {
    let signature = signer.sign(&statement.bytes(&identity, nonce))?;
    Ok(Introduction { identity, nonce: octets(nonce), signature: octets(&signature) })
}

/// The other side, if its signature holds.
pub(super) fn recognise(introduction: &Introduction, statement: &Statement<'_>) -> Option<(Peer, [u8; 32])> {
    let identity = &introduction.identity;
    let count = identity.certificates.len();
    let fits = |der: &[u8]| der.len() <= limits::IDENTITY_CERTIFICATE_BYTES;
    if count > limits::IDENTITY_CERTIFICATES
        || !identity.certificates.iter().all(|der| fits(der.as_bytes()))
        || !is_name(&identity.name)
        || introduction.nonce.as_bytes().len() != 32
    {
        return None;
    }
    let parse = |der: &Octets| Certificate::from_der(der.as_bytes()).ok();
    let certificates: Vec<Certificate> = identity.certificates.iter().map(parse).collect::<Option<_>>()?;
    let key = certificates.first()?.public_key();
    let nonce = array(&introduction.nonce);
    let signed = statement.bytes(identity, &nonce);
    key.verify(signature_by(key.algorithm())?, &signed, introduction.signature.as_bytes()).ok()?;
    let account = match &identity.account {
        None => None,
        Some(account) => Some(*<&[u8; 32]>::try_from(account.as_bytes()).ok()?),
    };
    let role = role_of(identity.role)?;
    Some((Peer { certificates, name: identity.name.clone(), role, account }, nonce))
}

/// Number of a wanted role; 0 is none.
pub(super) const fn role_number(role: Option<Role>) -> u8 {
    match role {
        None => 0,
        Some(Role::Reader) => 1,
        Some(Role::Writer) => 2,
        Some(Role::Admin) => 3,
        Some(Role::Courier) => 4,
        Some(Role::Kiosk { .. }) => 5,
    }
}

/// The role of a number. Since when a kiosk reads, the old device says.
#[allow(clippy::option_option)]
pub(super) const fn role_of(number: u8) -> Option<Option<Role>> {
    Some(match number {
        0 => None,
        1 => Some(Role::Reader),
        2 => Some(Role::Writer),
        3 => Some(Role::Admin),
        4 => Some(Role::Courier),
        5 => Some(Role::Kiosk { since: Time::from_unix_seconds(0) }),
        _ => return None,
    })
}
