//! The packets of a certificate, sorted: who signed what.

use std::collections::BTreeSet;

use sequoia_openpgp::KeyHandle;
use sequoia_openpgp::cert::raw::{RawCert, RawPacket};
use sequoia_openpgp::packet::{Packet, Signature, Tag, UserID};
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::types::SignatureType;
use sha2::{Digest as _, Sha256};

use super::issuers::PrimaryKey;
use super::reader::CertificateRefused;
use crate::limits;

/// A certificate's packets without what says nothing about identity: subkeys, pictures, trust.
#[derive(Default)]
pub(super) struct Parts {
    direct: Vec<Signature>,
    pub(super) user_ids: Vec<UserIdParts>,
    seen: BTreeSet<[u8; 32]>,
    own: BTreeSet<[u8; 32]>,
    by_others: usize,
}

/// A user identifier and the signatures on it.
pub(super) struct UserIdParts {
    pub(super) user_id: UserID,
    pub(super) text: String,
    own: Vec<Signature>,
    pub(super) certifications: Vec<Foreign>,
    pub(super) revocations: Vec<Foreign>,
}

/// A signature that somebody else made.
pub(super) struct Foreign {
    pub(super) signature: Signature,
    pub(super) issuers: Vec<KeyHandle>,
    pub(super) digest: [u8; 32],
    /// The octets of the packet's body up to the end of its hashed subpackets, in version 4.
    pub(super) head: Option<Vec<u8>>,
}

/// See [`Foreign::head`].
fn head_of(body: &[u8]) -> Option<Vec<u8>> {
    let (fixed, rest) = body.split_first_chunk::<6>()?;
    let [4, _, _, _, high, low] = *fixed else { return None };
    let hashed = rest.get(..usize::from(u16::from_be_bytes([high, low])))?;
    Some([&fixed[..], hashed].concat())
}

/// What the signatures that follow a packet belong to.
#[derive(Clone, Copy)]
enum Place {
    PrimaryKey,
    UserId(usize),
    Elsewhere,
}

impl Parts {
    pub(super) fn of(packets: &[RawCert<'_>]) -> Result<Self, CertificateRefused> {
        if packets.iter().map(|part| part.as_bytes().len()).sum::<usize>() > limits::OPENPGP_CERTIFICATE_BYTES
        {
            return Err(CertificateRefused::TooLarge);
        }
        let mut parts = Self::default();
        for part in packets {
            let handle = KeyHandle::from(part.fingerprint());
            let mut place = Place::PrimaryKey;
            for packet in part.packets().skip(1) {
                place = match packet.tag() {
                    Tag::Signature => {
                        parts.signature(&packet, place, &handle)?;
                        place
                    }
                    Tag::UserID => parts.user_id(packet.body())?,
                    // GnuPG keeps notes of its own between the others.
                    Tag::Trust | Tag::Marker => place,
                    _ => Place::Elsewhere,
                };
            }
        }
        Ok(parts)
    }

    fn user_id(&mut self, body: &[u8]) -> Result<Place, CertificateRefused> {
        let text = std::str::from_utf8(body).ok().filter(|_| body.len() <= limits::OPENPGP_USER_ID_BYTES);
        let Some(text) = text else { return Ok(Place::Elsewhere) };
        if let Some(known) = self.user_ids.iter().position(|known| known.text == text) {
            return Ok(Place::UserId(known));
        }
        if self.user_ids.len() >= limits::OPENPGP_USER_IDS {
            return Err(CertificateRefused::TooManyUserIds);
        }
        self.user_ids.push(UserIdParts {
            user_id: UserID::from(text),
            text: text.to_owned(),
            own: Vec::new(),
            certifications: Vec::new(),
            revocations: Vec::new(),
        });
        Ok(Place::UserId(self.user_ids.len() - 1))
    }

    fn signature(
        &mut self,
        packet: &RawPacket<'_>,
        place: Place,
        owner: &KeyHandle,
    ) -> Result<(), CertificateRefused> {
        let body = packet.body();
        let digest: [u8; 32] = Sha256::digest(body).into();
        let is_elsewhere = matches!(place, Place::Elsewhere);
        if is_elsewhere || body.len() > limits::OPENPGP_PACKET_BYTES || !self.seen.insert(digest) {
            return Ok(());
        }
        let Ok(signature) = Signature::from_bytes(body) else { return Ok(()) };
        let issuers = signature.get_issuers();
        if issuers.iter().any(|issuer| issuer.aliases(owner)) {
            self.own.insert(digest);
            if self.own.len() > limits::OPENPGP_SELF_SIGNATURES {
                return Err(CertificateRefused::TooManySelfSignatures);
            }
            self.own_signature(signature, place);
        } else if self.by_others < limits::OPENPGP_CERTIFICATIONS {
            self.by_others += 1;
            self.foreign_signature(Foreign { signature, issuers, digest, head: head_of(body) }, place);
        }
        Ok(())
    }

    fn own_signature(&mut self, signature: Signature, place: Place) {
        match place {
            Place::PrimaryKey => self.direct.push(signature),
            Place::UserId(place) => {
                self.user_ids.get_mut(place).into_iter().for_each(|parts| parts.own.push(signature.clone()));
            }
            Place::Elsewhere => {}
        }
    }

    fn foreign_signature(&mut self, foreign: Foreign, place: Place) {
        let Place::UserId(place) = place else { return };
        let Some(parts) = self.user_ids.get_mut(place) else { return };
        match foreign.signature.typ() {
            SignatureType::GenericCertification
            | SignatureType::PersonaCertification
            | SignatureType::CasualCertification
            | SignatureType::PositiveCertification => parts.certifications.push(foreign),
            SignatureType::CertificationRevocation => parts.revocations.push(foreign),
            _ => {}
        }
    }

    /// A digest of everything that the owner says: user identifiers and signatures.
    pub(super) fn own_digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for parts in &self.user_ids {
            digest.update((parts.text.len() as u64).to_be_bytes());
            digest.update(&parts.text);
        }
        self.own.iter().for_each(|signature| digest.update(signature));
        digest.finalize().into()
    }

    /// Everything that the owner signed.
    pub(super) fn own_signatures(&self) -> impl Iterator<Item = &Signature> {
        self.direct.iter().chain(self.user_ids.iter().flat_map(|parts| &parts.own))
    }

    /// The certificate with the owner's signatures alone; they are moved out.
    pub(super) fn own_packets(
        &mut self,
        key: &PrimaryKey,
    ) -> impl Iterator<Item = Packet> + Send + Sync + use<> {
        let mut packets = vec![Packet::PublicKey(key.clone())];
        packets.extend(std::mem::take(&mut self.direct).into_iter().map(Packet::Signature));
        for parts in &mut self.user_ids {
            packets.push(Packet::UserID(parts.user_id.clone()));
            packets.extend(std::mem::take(&mut parts.own).into_iter().map(Packet::Signature));
        }
        packets.into_iter()
    }
}
