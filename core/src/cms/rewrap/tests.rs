#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Read};

use super::*;
use crate::cms::content_type::ContentType;
use crate::cms::seal::KeyTransport;
use crate::cms::test_keys::{KEYS, Ring, SystemRandom, other};
use crate::der::{Tag, encode, encode_all};
use crate::ports::MemorySpools;
use crate::secret::SecretBytes;
use crate::x509::{KeyKind, SecretKey, tlv};

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nA small message.\r\n";

fn recipient(key: &SecretKey) -> Recipient {
    let transport = KeyTransport::usual_for(key.algorithm()).unwrap();
    Recipient::PublicKey { key: key.public_key().clone(), transport }
}

fn sealed(recipients: &[Recipient], cipher: ContentEncryption, length: Option<u64>) -> Vec<u8> {
    let mut message = Vec::new();
    let content_type = ContentType::SignedData;
    seal(&mut &*CONTENT, length, &content_type, recipients, cipher, &mut SystemRandom, &mut message).unwrap();
    message
}

fn rewrapped(
    message: &[u8],
    ring: &Ring,
    recipients: &[Recipient],
    reseal: Option<ContentEncryption>,
) -> Result<(Rewrapped, Vec<u8>), RewrapError> {
    let mut output = Vec::new();
    let options = OpenOptions::default();
    let request = RewrapRequest { recipients, reseal, open: &options };
    let mut input = Cursor::new(message);
    let done = rewrap(&mut input, ring, &mut SystemRandom, &request, &MemorySpools, &mut output)?;
    Ok((done, output))
}

fn opened(message: &[u8], ring: &Ring) -> Result<(Opened, Vec<u8>), OpenError> {
    let mut content = Vec::new();
    let options = OpenOptions::default();
    let opened = open(&mut Cursor::new(message), ring, &mut SystemRandom, &options, &mut content)?;
    Ok((opened, content))
}

/// Everything behind the RecipientInfos, and the version.
fn rest(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let frame = Frame::read(&mut Cursor::new(message)).unwrap();
    let mut rest = Vec::new();
    let mut input = Cursor::new(message);
    input.set_position(frame.content_offset());
    input.read_to_end(&mut rest).unwrap();
    (frame.version_octets().to_vec(), rest)
}

#[test]
fn new_readers_open_it_old_ones_do_not_and_the_content_keeps_its_bytes() {
    for cipher in [ContentEncryption::Aes128Cbc, ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Ccm] {
        for length in [Some(CONTENT.len() as u64), None] {
            if length.is_none() && cipher == ContentEncryption::Aes256Ccm {
                continue;
            }
            let old = &KEYS[0];
            let message = sealed(&[recipient(old), recipient(&KEYS[2])], cipher, length);
            for new in KEYS.iter().skip(1) {
                let ring = Ring::of(std::slice::from_ref(old));
                let (done, output) = rewrapped(&message, &ring, &[recipient(new)], None).unwrap();
                let Rewrapped::Replaced(change) = done else { panic!("{done:?}") };
                assert_eq!(change.opened.opened_by, Some(old.fingerprint()));
                assert_eq!(ring.operations.get(), 1);
                let (found, content) = opened(&output, &Ring::of(std::slice::from_ref(new))).unwrap();
                assert_eq!(content, CONTENT);
                assert_eq!((found.content_type, found.recipients.len()), (ContentType::SignedData, 1));
                assert!(matches!(opened(&output, &ring), Err(OpenError::NotForUs { .. })));
                assert_eq!(rest(&output).1, rest(&message).1, "{cipher:?} {length:?}");
            }
        }
    }
}

#[test]
fn the_version_follows_from_the_readers() {
    let ring = Ring::of(&KEYS[..2]);
    let [rsa, p256, kem] = [&KEYS[0], &KEYS[1], &KEYS[5]].map(recipient);
    let message = sealed(std::slice::from_ref(&p256), ContentEncryption::Aes256Cbc, None);
    for (recipients, expected) in [
        (vec![rsa.clone(), p256.clone()], 2),
        (vec![kem.clone()], 3),
        (vec![Recipient::Passphrase(SecretBytes::copy_of(b"long enough"))], 3),
    ] {
        let (_, output) = rewrapped(&message, &ring, &recipients, None).unwrap();
        assert_eq!(rest(&output).0, [2, 1, expected]);
    }
    let message = sealed(&[p256], ContentEncryption::Aes256Gcm, None);
    let (_, output) = rewrapped(&message, &ring, &[kem], None).unwrap();
    assert_eq!(rest(&output).0, [2, 1, 0]);
}

/// EnvelopedData with originatorInfo and unprotectedAttrs, and lengths in more octets than needed.
fn with_everything(message: &[u8], version: u8) -> Vec<u8> {
    let elements = |bytes: &[u8]| {
        let mut elements = tlv::Elements::new(bytes);
        let mut found = Vec::new();
        while !elements.is_empty() {
            found.push(elements.any().unwrap().whole.to_vec());
        }
        found
    };
    let long = |element: &[u8]| {
        let content = &tlv::Elements::new(element).any().unwrap().content.to_vec();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[element[0], 0x84][..], &length, content].concat()
    };
    let outer = elements(tlv::only(message, tlv::tag::SEQUENCE).unwrap());
    let envelope = tlv::only(tlv::only(&outer[1], 0xa0).unwrap(), tlv::tag::SEQUENCE).unwrap();
    let parts = elements(envelope);
    let attribute = tlv::sequence(&[&[6, 3, 0x2a, 3, 4], &tlv::encode(tlv::tag::SET, &[5, 0])]);
    let envelope = encode_all(
        Tag::SEQUENCE,
        &[
            &[2, 1, version][..],
            &encode(Tag::context(0), true, &tlv::encode(0xa0, &[])),
            &parts[1],
            &parts[2],
            &encode(Tag::context(1), true, &attribute),
        ],
    );
    let explicit = long(&encode(Tag::context(0), true, &long(&envelope)));
    long(&encode_all(Tag::SEQUENCE, &[&outer[0][..], &explicit]))
}

#[test]
fn what_stands_around_the_readers_stays_where_it_is() {
    let ring = Ring::of(&KEYS[..1]);
    let message = sealed(&[recipient(&KEYS[0])], ContentEncryption::Aes256Cbc, Some(CONTENT.len() as u64));
    for (version, expected) in [(2, 2), (3, 3), (4, 4)] {
        let message = with_everything(&message, version);
        let (_, output) = rewrapped(&message, &ring, &[recipient(&KEYS[1])], None).unwrap();
        assert_eq!(rest(&output), (vec![2, 1, expected], rest(&message).1));
        assert!(output.windows(4).any(|octets| octets == [0xa0, 2, 0xa0, 0]), "originatorInfo");
        assert_eq!(opened(&output, &Ring::of(&KEYS[1..2])).unwrap().1, CONTENT);
    }
}

#[test]
fn content_without_integrity_is_sealed_anew_on_request_and_only_then() {
    let ring = Ring::of(&KEYS[..2]);
    let gcm = Some(ContentEncryption::Aes256Gcm);
    let recipients = [recipient(&KEYS[0])];
    for cipher in [ContentEncryption::Aes128Cbc, ContentEncryption::Aes128Gcm] {
        let message = sealed(&[recipient(&KEYS[1])], cipher, None);
        let (done, output) = rewrapped(&message, &ring, &recipients, gcm).unwrap();
        let (found, content) = opened(&output, &Ring::of(&KEYS[..1])).unwrap();
        assert_eq!((content.as_slice(), found.content_type), (CONTENT, ContentType::SignedData));
        let digest = match (&done, cipher.is_authenticated()) {
            (Rewrapped::Replaced(change), true) | (Rewrapped::Resealed(change), false) => &change.digest,
            _ => panic!("{cipher:?}: {done:?}"),
        };
        let expected = if cipher.is_authenticated() { cipher } else { ContentEncryption::Aes256Gcm };
        assert_eq!(found.cipher, expected);
        let options = OpenOptions::default();
        assert_eq!(
            *digest,
            content_digest(&mut Cursor::new(&output), &ring, &mut SystemRandom, &options).unwrap()
        );
    }
}

#[test]
fn readers_that_are_the_wanted_ones_already_cost_no_secret_operation() {
    let ring = Ring::of(&KEYS[..1]);
    let recipients = [recipient(&KEYS[0]), recipient(&KEYS[1])];
    let message = sealed(&recipients, ContentEncryption::Aes256Cbc, None);
    let (done, output) = rewrapped(&message, &ring, &recipients, None).unwrap();
    assert!(matches!(done, Rewrapped::Already) && output.is_empty());
    assert_eq!(ring.operations.get(), 0);
    for fewer_or_others in [&recipients[..1], &[recipient(&KEYS[2])], &[]] {
        let done = rewrapped(&message, &ring, fewer_or_others, None);
        assert!(!matches!(done, Ok((Rewrapped::Already, _))), "{done:?}");
    }
    let done = rewrapped(&message, &ring, &recipients, Some(ContentEncryption::Aes256Gcm)).unwrap().0;
    assert!(matches!(done, Rewrapped::Resealed(_)));
}

#[test]
fn what_does_not_open_is_not_given_on() {
    let ring = Ring::of(&KEYS[..1]);
    let wanted = [recipient(&KEYS[1])];
    let foreign = sealed(&[recipient(&other(KeyKind::P256))], ContentEncryption::Aes256Gcm, None);
    let error = rewrapped(&foreign, &ring, &wanted, None).unwrap_err();
    assert!(matches!(error, RewrapError::Open(OpenError::NotForUs { .. })), "{error:?}");
    let mut damaged = sealed(&[recipient(&KEYS[0])], ContentEncryption::Aes256Gcm, None);
    let length = damaged.len();
    damaged[length - 20] ^= 1;
    let error = rewrapped(&damaged, &ring, &wanted, None).unwrap_err();
    assert!(matches!(error, RewrapError::Open(_)), "{error:?}");
    let message = sealed(&[recipient(&KEYS[0])], ContentEncryption::Aes256Gcm, None);
    for end in 0..message.len() {
        assert!(rewrapped(&message[..end], &ring, &wanted, None).is_err(), "{end}");
    }
    assert!(matches!(rewrapped(&message, &ring, &[], None), Err(RewrapError::Seal(SealError::NoRecipients))));
}

#[test]
fn a_named_key_costs_one_operation_however_many_keys_there_are() {
    let mut keys: Vec<SecretKey> = (0..200).map(|_| other(KeyKind::P256)).collect();
    keys.push(KEYS[0].clone());
    let ring = Ring::of(&keys);
    let message = sealed(&[recipient(&KEYS[3]), recipient(&KEYS[0])], ContentEncryption::Aes256Gcm, None);
    opened(&message, &ring).unwrap();
    assert_eq!(ring.operations.get(), 1);
}
