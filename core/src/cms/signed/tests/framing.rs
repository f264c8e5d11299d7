//! The object around content and signers: limits, pieces, truncations, flipped bits.

use super::*;

#[test]
fn digests_that_are_not_announced_are_made_in_a_second_pass() {
    let mut forged = good();
    forged.digest_algorithms.clear();
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.digest_algorithms = vec![digest_der(DigestAlgorithm::Sha512)];
    assert_eq!(forged.outcome(), Outcome::Good);
    forged.content = None;
    let object = forged.build();
    assert_eq!(only_outcome(&read_detached(&object, CONTENT).unwrap()), Outcome::Good);
    assert_eq!(only_outcome(&read_detached(&object, b"other").unwrap()), Outcome::Bad(Fault::ContentChanged));
}

#[test]
fn a_second_pass_starts_where_the_object_does() {
    let mut forged = good();
    forged.digest_algorithms.clear();
    let mut source = Cursor::new([b"before".to_vec(), forged.build()].concat());
    source.set_position(6);
    let mut content = Vec::new();
    let signed = read_signed(&mut source, None, &[], &mut content).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(content, CONTENT);
}

#[test]
fn an_object_without_signers_has_none() {
    let mut forged = good();
    forged.copies = 0;
    let signed = read(&forged.build()).unwrap();
    assert!(signed.signers.is_empty());
    assert!(signed.had_content);
}

#[test]
fn signers_are_limited() {
    let mut forged = good();
    forged.copies = limits::SIGNERS;
    let signed = read(&forged.build()).unwrap();
    assert!(signed.signers.iter().all(|signer| signer.outcome == Outcome::Good));
    forged.copies += 1;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::Limit("signers")));
}

#[test]
fn a_content_inside_and_beside_is_refused() {
    let object = good().build();
    assert_eq!(read_detached(&object, CONTENT).err(), Some(SignedError::ContentTwice));
}

#[test]
fn a_missing_content_is_refused() {
    let mut forged = good();
    forged.content = None;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::ContentMissing));
    assert_eq!(only_outcome(&read_detached(&forged.build(), CONTENT).unwrap()), Outcome::Good);
}

#[test]
fn another_object_is_named() {
    let mut forged = good();
    forged.outer_type = ContentType::EnvelopedData;
    assert_eq!(read(&forged.build()).err(), Some(SignedError::OtherContent(ContentType::EnvelopedData)));
}

#[test]
fn what_follows_the_object_is_refused() {
    let mut object = good().build();
    object.push(b'\n');
    assert!(matches!(read(&object), Err(SignedError::Malformed(_))));
}

#[test]
fn every_truncation_is_an_error() {
    let object = good().build();
    for length in 0..object.len() {
        let cut = object.get(..length).unwrap();
        assert!(matches!(read(cut), Err(SignedError::Malformed(_))), "{length} bytes");
    }
}

#[test]
fn no_single_flipped_bit_is_good() {
    // Certificate, content, attributes, signature and all headers: everything but the unsigned
    // framing that says nothing, which may survive only with the content and the signer intact.
    let object = good().build();
    let framing = framing_bits(&object);
    for index in 0..object.len() {
        for bit in 0..8 {
            let mut flipped = object.clone();
            *flipped.get_mut(index).unwrap() ^= 1 << bit;
            let mut content = Vec::new();
            let Ok(signed) = read_signed(&mut Cursor::new(&flipped), None, &[], &mut content) else {
                continue;
            };
            let is_good = signed.signers.iter().any(|signer| signer.outcome == Outcome::Good);
            if framing.contains(&index) {
                assert!(!is_good || content == CONTENT, "octet {index}, bit {bit}");
            } else {
                assert!(!is_good, "octet {index}, bit {bit}");
            }
        }
    }
}

/// Octets that no signature covers and that change nothing: the two CMSVersions, and what
/// digestAlgorithms announces.
fn framing_bits(object: &[u8]) -> Vec<usize> {
    let find = |part: &[u8]| object.windows(part.len()).position(|window| window == part).unwrap();
    let announced = encode(SET, &[&digest_der(DigestAlgorithm::Sha256)]);
    let announced_at = find(&announced);
    let signer_version =
        find(&[&encode(INTEGER, &[&[1]])[..], &issuer_and_serial_number(&ALICE.certificate)].concat());
    let mut framing = vec![announced_at - 1, signer_version + 2];
    framing.extend(announced_at + 2..announced_at + announced.len());
    framing
}

#[test]
fn a_content_in_pieces_is_the_same_content() {
    let mut forged = good();
    let whole = encode(context(0), &[&encode(OCTET_STRING, &[CONTENT])]);
    forged.content = Some(CONTENT.to_vec());
    let object = forged.build();
    let (first, second) = CONTENT.split_at(7);
    let pieces =
        [encode(OCTET_STRING, &[first]), vec![0x24, 0x80], encode(OCTET_STRING, &[second]), vec![0, 0]]
            .concat();
    let chunked = [vec![0xa0, 0x80, 0x24, 0x80], pieces, vec![0, 0, 0, 0]].concat();
    // Around it, indefinite lengths too, as OpenSSL streams it.
    let ber = indefinite_around(&object, &whole, &chunked);
    let mut content = Vec::new();
    let signed = read_signed(&mut Cursor::new(&ber), None, &[], &mut content).unwrap();
    assert_eq!(only_outcome(&signed), Outcome::Good);
    assert_eq!(content, CONTENT);
}

/// The object with indefinite lengths around everything that contains `part`, which is replaced.
pub(crate) fn indefinite_around(object: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    if object == part {
        return by.to_vec();
    }
    let element = crate::cms::elements::element(object).unwrap();
    let is_inside = element.content.windows(part.len()).any(|window| window == part);
    if element.tag & 0x20 == 0 || !is_inside {
        return object.to_vec();
    }
    let mut around = vec![element.tag, 0x80];
    for inner in crate::cms::elements::elements(element.content).unwrap() {
        around.extend(indefinite_around(inner.whole, part, by));
    }
    around.extend([0, 0]);
    around
}
