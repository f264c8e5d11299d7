//! Each part of a pairing as a field of the saved state, and back.

use counterseal_core::x509::Certificate;

use super::shape::{
    Bytes, SavedFile, SavedHello, SavedOffer, SavedPeer, SavedProfile, SavedSession, bytes, fixed, optional,
    secret, text,
};
use crate::channel::{self, EphemeralKey};
use crate::code::{Intent, PairingCode};
use crate::pairing::Profile;
use crate::pairing::file::Files;
use crate::pairing::gate::{ReleasePolicy, Side};
use crate::pairing::handshake::{Known, OpenOffer, SentHello};
use crate::pairing::identity::{Peer, role_number, role_of};
use crate::pairing::session::{Bound, BoxId, Session};

pub(super) fn profile_to_saved(profile: &Profile) -> Option<SavedProfile<'_>> {
    Some(SavedProfile {
        name: bytes(profile.name.as_bytes())?,
        role: role_number(profile.role),
        account: bytes(profile.account.as_ref().map_or(&[], |hash| hash.as_slice()))?,
        request: bytes(&profile.request)?,
        relay: bytes(profile.relay.as_deref().unwrap_or_default().as_bytes())?,
        lan_only: profile.lan_only,
        trust_scan: profile.trust_scan,
        policy_lan_only: profile.policy.lan_only,
        policy_approvals: profile.policy.approvals,
        policy_hold: profile.policy.hold_seconds,
    })
}

pub(super) fn profile_from(saved: &SavedProfile<'_>) -> Option<Profile> {
    Some(Profile {
        name: text(saved.name)?.to_owned(),
        role: role_of(saved.role)?,
        account: optional(saved.account, fixed)?,
        request: saved.request.as_bytes().to_vec(),
        relay: optional(saved.relay, |relay| text(relay).map(str::to_owned))?,
        lan_only: saved.lan_only,
        trust_scan: saved.trust_scan,
        policy: ReleasePolicy {
            lan_only: saved.policy_lan_only,
            approvals: saved.policy_approvals,
            hold_seconds: saved.policy_hold,
        },
    })
}

pub(super) fn offer_to_saved(offer: &OpenOffer) -> Option<SavedOffer<'_>> {
    Some(SavedOffer {
        key: bytes(offer.key.secret().expose())?,
        nonce: bytes(&offer.nonce)?,
        object: bytes(&offer.object)?,
    })
}

pub(super) fn offer_from(saved: &SavedOffer<'_>, code: &PairingCode) -> Option<OpenOffer> {
    let object = saved.object.as_bytes().to_vec();
    Some(OpenOffer {
        bound: Bound { place: *code.object_box().id(), offer: channel::hash(&object), hello: None },
        key: EphemeralKey::restore(&secret(saved.key)).ok()?,
        nonce: fixed(saved.nonce)?,
        known: Known::Code(code.secret.clone()),
        waiting: None,
        object,
    })
}

pub(super) fn hello_to_saved(hello: &SentHello) -> Option<SavedHello<'_>> {
    Some(SavedHello {
        place: bytes(&hello.bound.place)?,
        offer: bytes(&hello.bound.offer)?,
        root: bytes(hello.root.expose())?,
        commitment: bytes(&hello.commitment)?,
        certificate: bytes(&hello.certificate)?,
        object: bytes(&hello.object)?,
    })
}

pub(super) fn hello_from(saved: &SavedHello<'_>, intent: Intent) -> Option<SentHello> {
    let object = saved.object.as_bytes().to_vec();
    let hello = Some(channel::hash(&object));
    Some(SentHello {
        bound: Bound { place: fixed(saved.place)?, offer: fixed(saved.offer)?, hello },
        root: secret(saved.root),
        commitment: fixed(saved.commitment)?,
        intent,
        certificate: fixed(saved.certificate)?,
        object,
    })
}

pub(super) fn session_to_saved(session: &Session) -> Option<SavedSession<'_>> {
    Some(SavedSession {
        place: bytes(&session.bound.place)?,
        offer: bytes(&session.bound.offer)?,
        hello: bytes(session.bound.hello.as_ref()?)?,
        key: bytes(session.key.expose())?,
        check: bytes(session.check.expose())?,
        peer: peer_to_saved(&session.peer)?,
    })
}

pub(super) fn session_from(saved: &SavedSession<'_>, side: Side) -> Option<Session> {
    let place: BoxId = fixed(saved.place)?;
    Some(Session {
        bound: Bound { place, offer: fixed(saved.offer)?, hello: Some(fixed(saved.hello)?) },
        key: secret(saved.key),
        check: secret(saved.check),
        peer: peer_from(&saved.peer)?,
        side,
    })
}

fn peer_to_saved(peer: &Peer) -> Option<SavedPeer<'_>> {
    Some(SavedPeer {
        certificates: peer.certificates().iter().map(|one| bytes(one.as_der())).collect::<Option<_>>()?,
        name: bytes(peer.name().as_bytes())?,
        role: role_number(peer.role()),
        account: bytes(peer.account().map_or(&[], |hash| hash.as_slice()))?,
    })
}

fn peer_from(saved: &SavedPeer<'_>) -> Option<Peer> {
    let parse = |der: &Bytes<'_>| Certificate::from_der(der.as_bytes()).ok();
    let certificates = saved.certificates.iter().map(parse).collect::<Option<_>>()?;
    let account = optional(saved.account, fixed)?;
    Some(Peer::known(certificates, text(saved.name)?.to_owned(), role_of(saved.role)?, account))
}

pub(super) fn file_to_saved(file: &Files) -> Option<SavedFile<'_>> {
    let (kind, [first, second, third], peer): (_, [&[u8]; 3], _) = match file {
        Files::Offered { offer, key } => (0, [offer, key.secret().expose(), &[]], None),
        Files::Answered { offer, key, answer } => (1, [offer, key.secret().expose(), answer], None),
        Files::Opened { id, peer, payload } => (2, [id, payload.expose(), &[]], Some(peer)),
        Files::Taken { offer, public_key, peer, request } => (3, [offer, public_key, request], Some(peer)),
    };
    Some(SavedFile {
        kind,
        first: bytes(first)?,
        second: bytes(second)?,
        third: bytes(third)?,
        peer: peer.into_iter().map(peer_to_saved).collect::<Option<_>>()?,
    })
}

pub(super) fn file_from(saved: &SavedFile<'_>) -> Option<Files> {
    let peer = || saved.peer.first().and_then(peer_from);
    let key = || EphemeralKey::restore(&secret(saved.second)).ok();
    let bytes = |field: Bytes<'_>| field.as_bytes().to_vec();
    Some(match saved.kind {
        0 => Files::Offered { offer: bytes(saved.first), key: key()? },
        1 => Files::Answered { offer: bytes(saved.first), key: key()?, answer: bytes(saved.third) },
        2 => Files::Opened { id: fixed(saved.first)?, peer: peer()?, payload: secret(saved.second) },
        3 => Files::Taken {
            offer: bytes(saved.first),
            public_key: bytes(saved.second),
            peer: peer()?,
            request: bytes(saved.third),
        },
        _ => return None,
    })
}
