//! What a renewal writes, all at once: new keys, the old one's word for them, and which ones retire.

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::message::WriteError;
use counterseal_core::openpgp::{
    Reason, SignedStatement, Statement, StatementKind, TwinKey, twin_certificate,
};
use counterseal_core::ports::SecretKeys;
use counterseal_core::time::Time;
use counterseal_core::trust::VERIFIED;
use counterseal_core::x509::{Certificate, SecretKey};

use super::own::{self, InUse};
use crate::commands::issuing;
use crate::commands::statements::{self, KeptStatement};
use crate::commands::successions;
use crate::failure::Failure;
use crate::render::renew::{Renewed, RenewedKey};
use crate::store::{EvidenceKind, KeyUse, NewTrust, Store, StoreError, TrustKind, Writer};

/// The new keys, and what becomes of the old ones.
pub(super) struct Renewal {
    address: EmailAddress,
    now: Time,
    made: Vec<(KeyUse, (SecretKey, Certificate))>,
    /// Certificates of keys that are here already.
    answered: Vec<(KeyUse, Certificate)>,
    /// Certificates above those.
    above: Vec<Certificate>,
    retired: Vec<Fingerprint>,
    /// Keys that stand for the owner from now on.
    standing: Vec<(EmailAddress, Fingerprint)>,
    /// Signed by old keys: SHA-256 of the text, and the statement.
    successions: Vec<([u8; 32], Vec<u8>)>,
    /// Of a key that signs, that another one is encrypted to: SHA-256 of the text, and the statement.
    uses: Vec<([u8; 32], Vec<u8>)>,
    /// The twin that goes along from now on, and the names of those that did.
    twin: Option<(Vec<u8>, Vec<Vec<u8>>)>,
}

impl Renewal {
    /// Of nothing yet.
    pub(super) fn of(address: &EmailAddress, now: Time) -> Self {
        Self {
            address: address.clone(),
            now,
            made: Vec::new(),
            answered: Vec::new(),
            above: Vec::new(),
            retired: Vec::new(),
            standing: Vec::new(),
            successions: Vec::new(),
            uses: Vec::new(),
            twin: None,
        }
    }

    /// The same, unless nothing is made.
    pub(super) fn if_any(self) -> Option<Self> {
        (!self.made.is_empty()).then_some(self)
    }

    /// A new key with its certificate.
    pub(super) fn makes(&mut self, key_use: KeyUse, made: (SecretKey, Certificate)) {
        self.made.push((key_use, made));
    }

    /// A CA's certificate for a key that waited for it, and those above it.
    pub(super) fn is_answered(&mut self, key_use: KeyUse, certificate: &Certificate, above: &[Certificate]) {
        self.answered.push((key_use, certificate.clone()));
        self.above.extend(above.iter().filter(|other| *other != certificate).cloned());
    }

    /// The keys of a use are for old mail from now on.
    pub(super) fn retires(&mut self, in_use: &[InUse], key_use: KeyUse) {
        let of_use = in_use.iter().filter(|own| own.key.key_use == key_use);
        self.retired.extend(of_use.map(|own| own.key.fingerprint));
    }

    /// A key that no other certificate of ours speaks for.
    pub(super) fn stands_for_its_owner(&mut self, key: Fingerprint, addresses: &[EmailAddress]) {
        self.standing.extend(addresses.iter().map(|address| (address.clone(), key)));
    }

    /// Has the old key say that the new one follows. One that ended, or that cannot sign, says nothing
    /// that others would believe.
    pub(super) fn follows(
        &mut self,
        keys: &dyn SecretKeys,
        old: Option<&InUse>,
        new: &Fingerprint,
        addresses: &[EmailAddress],
    ) -> Result<(), Failure> {
        let Some(old) = old.filter(|old| old.certificate.is_valid_at(self.now)) else { return Ok(()) };
        for address in addresses {
            let about = (address, &old.certificate);
            let bytes = successions::sign(keys, about, new, Reason::Superseded, self.now)?;
            let signed = SignedStatement::read(&bytes, &[], &[]).map_err(|error| {
                Failure::unknown("cannot-sign", format!("the succession is not good: {error}"))
            })?;
            self.successions.push((signed.statement.digest(), bytes));
        }
        Ok(())
    }

    /// Has the key that signs say that a new key is encrypted to, where the one before could not say that it
    /// follows: the new key that signs, else the one in use.
    pub(super) fn names_encryption_key(
        &mut self,
        keys: &dyn SecretKeys,
        in_use: &[InUse],
        new: &Fingerprint,
        addresses: &[EmailAddress],
    ) -> Result<(), Failure> {
        let mut made = self.made.iter().map(|(_, made)| made);
        let made = made.rfind(|(_, certificate)| certificate.may_sign_mail().is_ok());
        let made = made.map(|(key, certificate)| (Keyring::from(key.clone()), certificate.clone()));
        let standing = own::standing(in_use).filter(|own| own.certificate.is_valid_at(self.now));
        let (keys, signer): (&dyn SecretKeys, &Certificate) = match (&made, standing) {
            (Some((keys, certificate)), _) => (keys, certificate),
            (None, Some(own)) => (keys, &own.certificate),
            (None, None) => return Ok(()),
        };
        for address in addresses {
            let statement = Statement::new(StatementKind::Uses, address.clone(), new, self.now);
            let bytes = statement.sign(keys, std::slice::from_ref(signer)).map_err(WriteError::Sign)?;
            self.uses.push((statement.digest(), bytes));
        }
        Ok(())
    }

    /// Where the twin of the old key goes along with our mail, that of the new one does in its place.
    pub(super) fn carries_twin(
        &mut self,
        store: &Store,
        old: &InUse,
        new: &SecretKey,
        addresses: &[EmailAddress],
    ) -> Result<(), Failure> {
        let Some(before) = TwinKey::of(old.certificate.public_key()) else { return Ok(()) };
        let twins = statements::twins(store)?.into_iter().filter(|kept| is_twin(&kept.content, &before));
        let names: Vec<Vec<u8>> = twins.map(|kept| kept.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let keys = Keyring::from(new.clone());
        let packets =
            twin_certificate(&keys, new.public_key(), "", addresses, self.now).map_err(|error| {
                Failure::unknown("cannot-export", format!("no OpenPGP twin of the new key was made: {error}"))
            })?;
        self.twin = Some((packets, names));
        Ok(())
    }

    /// Writes all of it.
    pub(super) fn keep(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        for (key_use, made) in &self.made {
            issuing::add(writer, *key_use, made)?;
        }
        for certificate in self.answered.iter().map(|(_, own)| own).chain(&self.above) {
            writer.add_certificate(certificate.as_der(), &certificate.fingerprint())?;
        }
        for key in &self.retired {
            writer.retire(key)?;
        }
        for (address, key) in &self.standing {
            writer.add_trust(&NewTrust {
                kind: TrustKind::Own,
                address,
                key,
                points: VERIFIED.into(),
                source: "renew",
                capabilities: None,
                announced: None,
            })?;
        }
        if let Some((packets, before)) = &self.twin {
            for name in before {
                writer.remove_evidence(EvidenceKind::Carried, name)?;
            }
            statements::carry_twin(packets, writer)?;
        }
        for (digest, bytes) in self.successions.iter().chain(&self.uses) {
            statements::carry(digest, bytes, writer)?;
            KeptStatement { bytes: bytes.clone(), keyring: Vec::new() }.keep(writer)?;
        }
        Ok(())
    }

    /// The same for whoever reads it.
    /// Whether a key is one of those that others follow.
    pub(super) fn is_retired(&self, key: &Fingerprint) -> bool {
        self.retired.contains(key)
    }

    pub(super) fn report(&self) -> Renewed {
        let made = self.made.iter().map(|(key_use, (_, certificate))| (*key_use, certificate));
        let answered = self.answered.iter().map(|(key_use, certificate)| (*key_use, certificate));
        Renewed {
            version: 1,
            address: self.address.to_string(),
            keys: made.chain(answered).map(|(key_use, own)| RenewedKey::of(key_use, own)).collect(),
            retired: self.retired.iter().map(ToString::to_string).collect(),
            succession: !self.successions.is_empty(),
            compared_anew: !self.standing.is_empty(),
        }
    }
}

/// Octets of the header of a packet at most (RFC 9580, section 4.2.1).
const PACKET_HEADER: usize = 6;

/// Whether packets begin with the key of a twin.
fn is_twin(packets: &[u8], twin: &TwinKey) -> bool {
    let body = twin.packet_body();
    let beginning = packets.get(..packets.len().min(body.len() + PACKET_HEADER)).unwrap_or_default();
    beginning.windows(body.len()).any(|window| window == body)
}
