//! The saved state as DER, and the fields of it.

use counterseal_core::secret::SecretBytes;
use der::Sequence;
use der::asn1::OctetStringRef;

pub(super) type Bytes<'a> = &'a OctetStringRef;

#[derive(Sequence)]
pub(super) struct Saved<'a> {
    pub(super) version: u8,
    pub(super) meeting: bool,
    pub(super) intent: u8,
    pub(super) side: u8,
    pub(super) method: u8,
    pub(super) state: u8,
    pub(super) since: i64,
    pub(super) deadline: i64,
    pub(super) profile: SavedProfile<'a>,
    /// The scanned code.
    pub(super) scanned: Bytes<'a>,
    /// The codes that are shown, one for each offer; then the one whose box the session is in.
    pub(super) codes: Vec<Bytes<'a>>,
    pub(super) offers: Vec<SavedOffer<'a>>,
    pub(super) hellos: Vec<SavedHello<'a>>,
    pub(super) session: Vec<SavedSession<'a>>,
    pub(super) gate: SavedGate<'a>,
    pub(super) parts: Vec<SavedPart<'a>>,
    pub(super) part_count: u8,
    pub(super) file: Vec<SavedFile<'a>>,
    pub(super) outbox: Vec<SavedObject<'a>>,
    pub(super) seen: Vec<Bytes<'a>>,
    pub(super) counters: SavedCounters<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedProfile<'a> {
    pub(super) name: Bytes<'a>,
    pub(super) role: u8,
    pub(super) account: Bytes<'a>,
    pub(super) request: Bytes<'a>,
    pub(super) relay: Bytes<'a>,
    pub(super) lan_only: bool,
    pub(super) trust_scan: bool,
    pub(super) policy_lan_only: bool,
    pub(super) policy_approvals: u8,
    pub(super) policy_hold: i64,
}

#[derive(Sequence)]
pub(super) struct SavedOffer<'a> {
    pub(super) key: Bytes<'a>,
    pub(super) nonce: Bytes<'a>,
    pub(super) object: Bytes<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedHello<'a> {
    pub(super) place: Bytes<'a>,
    pub(super) offer: Bytes<'a>,
    pub(super) root: Bytes<'a>,
    pub(super) commitment: Bytes<'a>,
    pub(super) certificate: Bytes<'a>,
    pub(super) object: Bytes<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedSession<'a> {
    pub(super) place: Bytes<'a>,
    pub(super) offer: Bytes<'a>,
    pub(super) hello: Bytes<'a>,
    pub(super) key: Bytes<'a>,
    pub(super) check: Bytes<'a>,
    pub(super) peer: SavedPeer<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedPeer<'a> {
    pub(super) certificates: Vec<Bytes<'a>>,
    pub(super) name: Bytes<'a>,
    pub(super) role: u8,
    pub(super) account: Bytes<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedGate<'a> {
    pub(super) proof: u8,
    pub(super) ready: Vec<Bytes<'a>>,
    pub(super) question: u8,
    pub(super) told_ready: bool,
    pub(super) granted: bool,
}

#[derive(Sequence)]
pub(super) struct SavedPart<'a> {
    pub(super) index: u8,
    pub(super) content: Bytes<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedFile<'a> {
    pub(super) kind: u8,
    pub(super) first: Bytes<'a>,
    pub(super) second: Bytes<'a>,
    pub(super) third: Bytes<'a>,
    pub(super) peer: Vec<SavedPeer<'a>>,
}

#[derive(Sequence)]
pub(super) struct SavedObject<'a> {
    pub(super) place: Bytes<'a>,
    pub(super) object: Bytes<'a>,
}

#[derive(Sequence)]
pub(super) struct SavedCounters<'a> {
    pub(super) strays: u8,
    pub(super) tries: u8,
    pub(super) renewals: u8,
    pub(super) asked_twice: bool,
    pub(super) suspicion: Bytes<'a>,
}

pub(super) fn bytes(bytes: &[u8]) -> Option<Bytes<'_>> {
    OctetStringRef::new(bytes).ok()
}

pub(super) fn fixed<const LENGTH: usize>(field: Bytes<'_>) -> Option<[u8; LENGTH]> {
    field.as_bytes().try_into().ok()
}

pub(super) fn text(field: Bytes<'_>) -> Option<&str> {
    std::str::from_utf8(field.as_bytes()).ok()
}

pub(super) fn secret(field: Bytes<'_>) -> SecretBytes {
    SecretBytes::copy_of(field.as_bytes())
}

/// A value where the field is not empty.
pub(super) fn optional<'a, T>(
    field: Bytes<'a>,
    read: impl FnOnce(Bytes<'a>) -> Option<T>,
) -> Option<Option<T>> {
    if field.as_bytes().is_empty() { Some(None) } else { read(field).map(Some) }
}
