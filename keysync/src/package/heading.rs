//! What is signed beside the key: in which account, for whom, and what its author knew.

use counterseal_core::cms::FurtherAttribute;
use counterseal_core::der::tlv::{self, Elements, tag};

use crate::device::{DeviceId, SignedObject};
use crate::identifiers::{ACCOUNT, LOG_HEADS, RECIPIENTS};
use crate::limits;
use crate::log::{AccountId, EntryId};
use crate::sync::Heading;

/// The signed attributes.
pub(super) fn write(heading: &Heading) -> Vec<FurtherAttribute> {
    let attribute = |kind: [u8; 21], value: Vec<u8>| FurtherAttribute { kind: kind.to_vec(), value };
    vec![
        attribute(ACCOUNT, tlv::encode(tag::OCTET_STRING, heading.account.as_bytes())),
        attribute(RECIPIENTS, list(heading.recipients.iter().map(DeviceId::as_bytes))),
        attribute(LOG_HEADS, list(heading.heads.iter().map(EntryId::as_bytes))),
    ]
}

/// The same from a signature that holds; nothing where one is missing or malformed.
pub(super) fn read(object: &SignedObject) -> Option<Heading> {
    let recipients = hashes(object.attribute(&RECIPIENTS)?, limits::RECIPIENTS)?;
    let heads = hashes(object.attribute(&LOG_HEADS)?, limits::NOTE_HEADS)?;
    let ascends = |hashes: &[[u8; 32]]| hashes.is_sorted_by(|first, second| first < second);
    if !ascends(&recipients) || !ascends(&heads) {
        return None;
    }
    Some(Heading {
        account: AccountId::from_bytes(hash(object.attribute(&ACCOUNT)?)?),
        recipients: recipients.into_iter().map(DeviceId::from_bytes).collect(),
        heads: heads.into_iter().map(EntryId::from_bytes).collect(),
    })
}

fn list<'a>(hashes: impl Iterator<Item = &'a [u8; 32]>) -> Vec<u8> {
    let hashes: Vec<u8> = hashes.flat_map(|hash| tlv::encode(tag::OCTET_STRING, hash)).collect();
    tlv::encode(tag::SEQUENCE, &hashes)
}

fn hash(value: &[u8]) -> Option<[u8; 32]> {
    tlv::only(value, tag::OCTET_STRING)?.try_into().ok()
}

fn hashes(value: &[u8], limit: usize) -> Option<Vec<[u8; 32]>> {
    let mut elements = Elements::new(tlv::only(value, tag::SEQUENCE)?);
    let mut hashes = Vec::new();
    while !elements.is_empty() {
        if hashes.len() == limit {
            return None;
        }
        hashes.push(elements.expect(tag::OCTET_STRING)?.content.try_into().ok()?);
    }
    Some(hashes)
}
