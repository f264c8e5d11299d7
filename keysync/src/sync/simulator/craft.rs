//! Cryptography that cannot be broken because it is not there: tables say who made what.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use crate::device::DeviceId;
use crate::log::KeyId;
use crate::sync::{Craft, CraftError, Heading, Parcel, SharedKey, Signed, SignedKind, Unpacked};

/// What was packed by whom, by the number that the package begins with.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) packages: BTreeMap<[u8; 32], Unpacked>,
    counter: u64,
}

/// The craft of one device.
pub(super) struct FakeCraft {
    pub(super) me: DeviceId,
    pub(super) ledger: Rc<RefCell<Ledger>>,
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    parts
        .iter()
        .fold(Sha256::new(), |digest, part| {
            digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
        })
        .finalize()
        .into()
}

const fn word(kind: SignedKind) -> &'static [u8] {
    match kind {
        SignedKind::Entry => b"entry",
        SignedKind::Note => b"note",
    }
}

/// Signs as this device: only whoever has the device may call it.
pub(super) fn sign_as(device: &DeviceId, kind: SignedKind, content: &[u8]) -> Vec<u8> {
    let tag = hash(&[b"signature", device.as_bytes(), word(kind), content]);
    [device.as_bytes(), &tag, content].concat()
}

impl FakeCraft {
    fn number(&self) -> [u8; 32] {
        let mut ledger = self.ledger.borrow_mut();
        ledger.counter += 1;
        hash(&[b"number", &ledger.counter.to_be_bytes()])
    }
}

impl Craft for FakeCraft {
    fn sign(&mut self, kind: SignedKind, content: &[u8], _: Time) -> Result<Vec<u8>, CraftError> {
        Ok(sign_as(&self.me, kind, content))
    }

    fn verify(&self, kind: SignedKind, object: &[u8]) -> Result<Signed, CraftError> {
        let (signer, rest) = object.split_first_chunk::<32>().ok_or(CraftError::Forged)?;
        let (tag, content) = rest.split_first_chunk::<32>().ok_or(CraftError::Forged)?;
        let good = hash(&[b"signature", signer, word(kind), content]) == *tag;
        let signed = Signed { content: content.to_vec(), signer: DeviceId::from_bytes(*signer) };
        good.then_some(signed).ok_or(CraftError::Forged)
    }

    fn seal(&self, secret: &SecretBytes, parcel: &Parcel) -> Result<Vec<u8>, CraftError> {
        let (kind, payload) = match parcel {
            Parcel::Entry(payload) => (0, payload),
            Parcel::Package(payload) => (1, payload),
            Parcel::Note(payload) => (2, payload),
        };
        let payload = [&[kind][..], payload].concat();
        Ok([&hash(&[b"seal", secret.expose(), &payload])[..], &payload].concat())
    }

    fn unseal(&self, secret: &SecretBytes, object: &[u8]) -> Result<Parcel, CraftError> {
        let (tag, payload) = object.split_first_chunk::<32>().ok_or(CraftError::Forged)?;
        if hash(&[b"seal", secret.expose(), payload]) != *tag {
            return Err(CraftError::Forged);
        }
        match payload.split_first() {
            Some((0, payload)) => Ok(Parcel::Entry(payload.to_vec())),
            Some((1, payload)) => Ok(Parcel::Package(payload.to_vec())),
            Some((2, payload)) => Ok(Parcel::Note(payload.to_vec())),
            _ => Err(CraftError::Forged),
        }
    }

    fn can_pack_for(&self, _: &DeviceId, certificates: &[Vec<u8>]) -> bool {
        !certificates.is_empty()
    }

    fn pack(
        &mut self,
        key: &SharedKey,
        heading: &Heading,
        _: &[&[Vec<u8>]],
        _: Time,
    ) -> Result<Vec<u8>, CraftError> {
        let number = self.number();
        let unpacked = Unpacked { author: self.me, heading: heading.clone(), key: key.clone() };
        self.ledger.borrow_mut().packages.insert(number, unpacked);
        Ok(number.to_vec())
    }

    fn unpack(&mut self, package: &[u8]) -> Result<Unpacked, CraftError> {
        let number: [u8; 32] = package.try_into().map_err(|_| CraftError::Forged)?;
        let unpacked = self.ledger.borrow().packages.get(&number).cloned().ok_or(CraftError::Forged)?;
        if unpacked.heading.recipients.contains(&self.me) { Ok(unpacked) } else { Err(CraftError::NotForUs) }
    }

    fn new_log_secret(&mut self) -> SecretBytes {
        SecretBytes::copy_of(&self.number())
    }

    fn issue(&mut self, authority: &SharedKey, request: &[u8], _: Time) -> Result<Vec<Vec<u8>>, CraftError> {
        Ok(vec![[authority.id.as_bytes(), request].concat()])
    }
}

/// The name by which mail calls a key.
pub(super) fn name_in_mail(key: &KeyId) -> [u8; 32] {
    hash(&[b"name", key.as_bytes()])
}
