//! OpenPGP evidence that travels in a signed message: the unsigned attribute
//! `id-aa-openpgpEvidence` (`docs/formats/statement.md`).
//!
//! Nobody has to sign it, because each item proves itself; a gateway may add some. In the set of
//! certificates such things would break other programs.

use crate::cms::elements::{
    self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context, encode, encode_set,
};
use crate::limits;

/// 2.25.141656435858741282469383383261167732817.1, whose second arc is wider than the types of
/// `const_oid`.
const IDENTIFIER: [u8; 21] = [
    0x69, 0x81, 0xd5, 0x92, 0x84, 0xe0, 0xf1, 0xcf, 0x82, 0xa7, 0xef, 0xb9, 0xaf, 0xd4, 0xd2, 0xbb, 0x91,
    0xbf, 0x90, 0x51, 0x01,
];

/// The unsigned attributes of a signature that carries evidence; nothing where there is none. What
/// is beyond [`limits::CARRIED_EVIDENCE`] and [`limits::CARRIED_EVIDENCE_BYTES`] stays behind.
pub(super) fn write(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = 0;
    let fitting = items.iter().take(limits::CARRIED_EVIDENCE).take_while(|item| {
        bytes += item.len();
        bytes <= limits::CARRIED_EVIDENCE_BYTES
    });
    let values: Vec<Vec<u8>> = fitting.map(|item| encode(OCTET_STRING, &[item])).collect();
    if values.is_empty() {
        return Vec::new();
    }
    let attribute = encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[&IDENTIFIER]), &encode_set(SET, values)]);
    encode(context(1), &[&attribute])
}

/// The items in the unsigned attributes of a signature. More than the limits allow is nothing, and
/// so is what is malformed: whoever sends that has no evidence to offer.
pub(super) fn read(unsigned_attributes: &[u8]) -> Vec<Vec<u8>> {
    items(unsigned_attributes).unwrap_or_default()
}

fn items(unsigned_attributes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut items = Vec::new();
    let mut bytes = 0;
    for attribute in elements::elements(elements::content_of(unsigned_attributes, SET).ok()?).ok()? {
        let parts = elements::elements(attribute.expect(SEQUENCE).ok()?).ok()?;
        let [kind, values] = parts.as_slice() else { return None };
        if kind.expect(OBJECT_IDENTIFIER).ok()? != IDENTIFIER {
            continue;
        }
        for value in elements::elements(values.expect(SET).ok()?).ok()? {
            let item = value.expect(OCTET_STRING).ok()?;
            bytes += item.len();
            if items.len() >= limits::CARRIED_EVIDENCE || bytes > limits::CARRIED_EVIDENCE_BYTES {
                return None;
            }
            items.push(item.to_vec());
        }
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(items: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut attributes = write(items);
        if let Some(tag) = attributes.first_mut() {
            *tag = SET;
        }
        read(&attributes)
    }

    #[test]
    fn what_is_written_is_read() {
        let items = vec![b"a certificate".to_vec(), b"a statement".to_vec()];
        let mut read = round(&items);
        // A set has an order of its own.
        read.sort();
        assert_eq!(read, items);
        assert!(write(&[]).is_empty());
    }

    #[test]
    fn what_does_not_fit_stays_behind() {
        let large = vec![vec![0; limits::CARRIED_EVIDENCE_BYTES], vec![1]];
        assert_eq!(round(&large).len(), 1);
        assert_eq!(round(&vec![vec![7]; limits::CARRIED_EVIDENCE + 1]).len(), limits::CARRIED_EVIDENCE);
    }

    #[test]
    fn more_than_that_is_nothing() {
        let values = vec![encode(OCTET_STRING, &[&[7]]); limits::CARRIED_EVIDENCE + 1];
        let attribute =
            encode(SEQUENCE, &[&encode(OBJECT_IDENTIFIER, &[&IDENTIFIER]), &encode_set(SET, values)]);
        assert!(read(&encode(SET, &[&attribute])).is_empty());
        assert!(read(&[SET, 3, SEQUENCE, 1]).is_empty());
    }
}
