#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::cms::content_cipher::{Beforehand, ContentCipher};
use crate::cms::content_type::ContentType;
use crate::cms::seal::{KeyTransport, Recipient, seal};
use crate::cms::test_keys::{KEYS, Ring, SystemRandom, other};
use crate::der::{encode, encode_all};
use crate::x509::{KeyKind, SecretKey};

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nA small message.\r\n";

fn recipient(key: &SecretKey) -> Recipient {
    let transport = KeyTransport::usual_for(key.algorithm()).unwrap();
    Recipient::PublicKey { key: key.public_key().clone(), transport }
}

fn sealed(recipients: &[Recipient], cipher: ContentEncryption, length: Option<u64>) -> Vec<u8> {
    let mut message = Vec::new();
    seal(&mut &*CONTENT, length, &ContentType::Data, recipients, cipher, &mut SystemRandom, &mut message)
        .unwrap();
    message
}

fn sealed_for(key: &SecretKey, cipher: ContentEncryption) -> Vec<u8> {
    sealed(&[recipient(key)], cipher, Some(CONTENT.len() as u64))
}

fn try_open(message: &[u8], ring: &Ring, options: &OpenOptions) -> Result<(Opened, Vec<u8>), OpenError> {
    let mut content = Vec::new();
    let opened = open(&mut Cursor::new(message), ring, &mut SystemRandom, options, &mut content)?;
    Ok((opened, content))
}

fn plain(message: &[u8], ring: &Ring) -> Result<(Opened, Vec<u8>), OpenError> {
    try_open(message, ring, &OpenOptions::default())
}

/// A shared key makes the fastest recipient, for tests with thousands of messages.
fn shared() -> (Recipient, OpenOptions) {
    let key = SecretBytes::new(vec![0x11; 16]);
    let recipient = Recipient::KeyEncryptionKey { identifier: b"shared".to_vec(), key: key.clone() };
    let options =
        OpenOptions { key_encryption_keys: vec![(b"shared".to_vec(), key)], ..OpenOptions::default() };
    (recipient, options)
}

/// A message built by hand around the ciphertext; `tail` follows the EncryptedContentInfo.
fn built(
    kind: &ContentType,
    recipient_infos: &[Vec<u8>],
    cipher: &[u8],
    content: &[u8],
    tail: &[u8],
) -> Vec<u8> {
    let object_identifier =
        |kind: &ContentType| encode(Tag::OBJECT_IDENTIFIER, false, &kind.object_identifier());
    let encrypted = encode_all(Tag::SEQUENCE, &[&object_identifier(&ContentType::Data)[..], cipher, content]);
    let recipients = encode_all(Tag::SET, recipient_infos);
    let envelope = encode_all(Tag::SEQUENCE, &[&[2, 1, 2][..], &recipients, &encrypted, tail]);
    let explicit = encode(Tag::context(0), true, &envelope);
    encode_all(Tag::SEQUENCE, &[object_identifier(kind), explicit])
}

/// Cipher, ciphertext, tag and RecipientInfo of a message to the key of [`shared`].
fn parts(cipher: ContentEncryption) -> (ContentCipher, Vec<u8>, Vec<u8>, Vec<u8>) {
    let cipher = ContentCipher::generate(cipher, false, &mut SystemRandom).unwrap();
    let key = cipher.generate_key(&mut SystemRandom);
    let mut ciphertext = Vec::new();
    let beforehand = Beforehand { associated: b"", length: CONTENT.len() as u64 };
    let (_, tag) = cipher.encrypt(&key, beforehand, &mut &*CONTENT, &mut ciphertext).unwrap();
    let shared = SecretBytes::new(vec![0x11; 16]);
    let recipient = crate::cms::recipients::write_key_encryption_key(b"shared", &shared, &key).unwrap();
    (cipher, ciphertext, tag.unwrap_or_default(), recipient)
}

#[test]
fn a_message_is_an_error_wherever_it_is_cut_off() {
    let (recipient, options) = shared();
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes128Ccm, ContentEncryption::Aes128Cbc] {
        for length in [Some(CONTENT.len() as u64), None] {
            if length.is_none() && cipher == ContentEncryption::Aes128Ccm {
                continue;
            }
            let message = sealed(std::slice::from_ref(&recipient), cipher, length);
            assert_eq!(try_open(&message, &Ring::of(&[]), &options).unwrap().1, CONTENT);
            for end in 0..message.len() {
                let outcome = try_open(&message[..end], &Ring::of(&[]), &options);
                assert!(matches!(outcome, Err(OpenError::Malformed(_))), "{cipher:?} {end}: {outcome:?}");
            }
        }
    }
}

#[test]
fn what_follows_the_message_is_an_error() {
    let (recipient, options) = shared();
    for length in [Some(CONTENT.len() as u64), None] {
        let mut message = sealed(std::slice::from_ref(&recipient), ContentEncryption::Aes256Gcm, length);
        message.push(b'\n');
        assert!(matches!(try_open(&message, &Ring::of(&[]), &options), Err(OpenError::Malformed(_))));
    }
}

#[test]
fn no_changed_bit_of_an_authenticated_message_changes_what_is_read() {
    let (recipient, options) = shared();
    for cipher in
        [ContentEncryption::Aes256Gcm, ContentEncryption::ChaCha20Poly1305, ContentEncryption::Aes128Ccm]
    {
        let message = sealed(std::slice::from_ref(&recipient), cipher, Some(CONTENT.len() as u64));
        // From the nonce on everything is authenticated, the headers of the encoding apart.
        let nonce = message.len() - CONTENT.len() - 40;
        for bit in 0..message.len() * 8 {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            match try_open(&changed, &Ring::of(&[]), &options) {
                Ok((opened, content)) => {
                    assert_eq!((opened.cipher, &content[..]), (cipher, CONTENT), "{bit}");
                    assert!(bit / 8 < nonce, "{bit}");
                }
                Err(OpenError::Io(error)) => panic!("{error}"),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn every_failure_of_a_key_or_content_is_the_same_error() {
    let rsa = &KEYS[0];
    let ring = Ring::of(std::slice::from_ref(rsa));
    for cipher in [ContentEncryption::Aes256Cbc, ContentEncryption::Aes256Gcm] {
        let message = sealed_for(rsa, cipher);
        let good = plain(&message, &ring).unwrap();
        let place = message.windows(4).position(|window| window == [4, 0x82, 1, 0]).unwrap() + 4;
        let mut failures = 0;
        for changed_at in [place, place + 1, place + 128, place + 255, message.len() - 1, message.len() - 9] {
            let mut changed = message.clone();
            changed[changed_at] ^= 1;
            match plain(&changed, &ring) {
                Err(OpenError::Failed { recipients }) => {
                    assert_eq!(recipients, good.0.recipients);
                    failures += 1;
                }
                // Of the keys that stand in for a wrong one 1 in 256 leaves a padding that looks
                // right (RFC 3218, section 2.3.2); telling would help an attacker.
                Ok((_, content)) => assert!(content != CONTENT && !cipher.is_authenticated()),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(failures >= 3);
    }
}

/// A random key for each try would leave a good padding once in 256 tries, and a right one always.
#[test]
fn a_badly_padded_key_gives_the_same_answer_however_often_it_is_asked() {
    let rsa = &KEYS[0];
    let ring = Ring::of(std::slice::from_ref(rsa));
    let (cipher, ciphertext, _, _) = parts(ContentEncryption::Aes256Cbc);
    let name = crate::ports::KeyName::KeyIdentifier(rsa.public_key().key_identifier().to_vec());
    let key = SecretBytes::new(vec![2; 32]);
    let write = || {
        let public_key = rsa.public_key();
        crate::cms::recipients::write_key_transport(&name, public_key, None, &key, &mut SystemRandom).unwrap()
    };
    let ask = |recipient: &[u8], ciphertext: &[u8]| {
        let content = encode(Tag::context(0), false, ciphertext);
        let recipients = [recipient.to_vec()];
        let message = built(&ContentType::EnvelopedData, &recipients, &cipher.to_der(), &content, b"");
        plain(&message, &ring).ok().map(|(_, content)| content)
    };
    // Bleichenbacher's question: of all last octets but one before the last block, some leave a
    // good padding under the key that stands in for the right one.
    let all = |recipient: &[u8]| {
        let place = ciphertext.len() - 17;
        let mut ciphertext = ciphertext.clone();
        let mut answers = Vec::new();
        for octet in 0..=u8::MAX {
            ciphertext[place] = octet;
            answers.push(ask(recipient, &ciphertext));
        }
        answers
    };
    let bad = |recipient: Vec<u8>| {
        let mut changed = recipient;
        *changed.last_mut().unwrap() ^= 1;
        changed
    };
    let good = write();
    let first = bad(good.clone());
    let answers = all(&first);
    assert!(answers.iter().any(Option::is_some) && answers.iter().any(Option::is_none));
    for _ in 0..4 {
        assert_eq!(all(&first), answers);
    }
    // The good twin answers in the same way, and other questions get other answers.
    let good_answers = all(&good);
    assert!(good_answers.iter().any(Option::is_some) && good_answers.iter().any(Option::is_none));
    assert_eq!(all(&good), good_answers);
    assert_ne!(all(&bad(write())), answers);
}

#[test]
fn a_second_copy_of_the_key_does_not_tell_whether_the_first_was_padded_well() {
    // CVE-2019-1563: the first box is the attacker's question, the second always opens.
    let rsa = &KEYS[0];
    let ring = Ring::of(std::slice::from_ref(rsa));
    let (cipher, ciphertext, _, _) = parts(ContentEncryption::Aes256Cbc);
    let name = crate::ports::KeyName::KeyIdentifier(rsa.public_key().key_identifier().to_vec());
    let write = |key: &SecretBytes| {
        let public_key = rsa.public_key();
        crate::cms::recipients::write_key_transport(&name, public_key, None, key, &mut SystemRandom).unwrap()
    };
    let question = write(&SecretBytes::new(vec![1; 32]));
    let mut badly_padded = question.clone();
    *badly_padded.last_mut().unwrap() ^= 1;
    let good = write(&SecretBytes::new(vec![2; 32]));
    let content = encode(Tag::context(0), false, &ciphertext);
    for first in [question, badly_padded] {
        let before = ring.operations.get();
        let message =
            built(&ContentType::EnvelopedData, &[first, good.clone()], &cipher.to_der(), &content, b"");
        let outcome = plain(&message, &ring);
        assert!(outcome.is_err() || outcome.is_ok_and(|(_, content)| content != CONTENT));
        assert_eq!(ring.operations.get(), before + 1);
    }
}

#[test]
fn a_message_for_others_says_for_whom_and_costs_nothing() {
    let stranger = other(KeyKind::Rsa2048);
    let message = sealed(&[recipient(&stranger)], ContentEncryption::Aes256Cbc, None);
    let ring = Ring::of(&KEYS[..]);
    match plain(&message, &ring) {
        Err(OpenError::NotForUs { recipients }) => {
            let identifier = stranger.public_key().key_identifier().to_vec();
            assert_eq!(recipients[0].name, Some(crate::ports::KeyName::KeyIdentifier(identifier)));
            assert_eq!((recipients[0].ours, recipients[0].locked), (None, false));
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(ring.operations.get(), 0);
}

#[test]
fn a_locked_key_is_named() {
    for key in KEYS.iter() {
        let message = sealed_for(key, ContentEncryption::Aes256Gcm);
        match plain(&message, &Ring::locked(std::slice::from_ref(key))) {
            Err(OpenError::Locked { recipients, keys }) => {
                assert_eq!(keys, [key.fingerprint()]);
                assert_eq!((recipients[0].ours, recipients[0].locked), (Some(key.fingerprint()), true));
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn keys_that_are_not_named_are_tried_only_where_a_failure_is_noticed() {
    let ring = Ring::unnamed(&KEYS);
    for key in KEYS.iter() {
        let message = sealed_for(key, ContentEncryption::Aes128Gcm);
        let (opened, content) = plain(&message, &ring).unwrap();
        assert_eq!((opened.opened_by, &content[..]), (Some(key.fingerprint()), CONTENT));
        assert!(opened.warnings.contains(&Warning::KeyNotNamed));

        let message = sealed_for(key, ContentEncryption::Aes128Cbc);
        let is_rsa = key.fingerprint() == KEYS[0].fingerprint();
        assert_eq!(plain(&message, &ring).is_err(), is_rsa);
        let try_keys = OpenOptions { try_keys: true, ..OpenOptions::default() };
        assert_eq!(try_open(&message, &ring, &try_keys).unwrap().1, CONTENT);
    }
    // A stranger's message is not taken for ours.
    for kind in [KeyKind::Rsa2048, KeyKind::P256, KeyKind::MlKem768] {
        for cipher in [ContentEncryption::Aes128Gcm, ContentEncryption::Aes128Cbc] {
            let message = sealed_for(&other(kind), cipher);
            let try_keys = OpenOptions { try_keys: true, ..OpenOptions::default() };
            let outcome = try_open(&message, &ring, &try_keys);
            assert!(matches!(outcome, Err(OpenError::NotForUs { .. })), "{outcome:?}");
        }
    }
}

#[test]
fn keys_are_tried_a_few_times_only() {
    let strangers: Vec<Recipient> = (0..30).map(|_| recipient(&other(KeyKind::P256))).collect();
    let message = sealed(&strangers, ContentEncryption::Aes128Gcm, None);
    let ring = Ring::unnamed(&KEYS);
    assert!(matches!(plain(&message, &ring), Err(OpenError::NotForUs { .. })));
    assert_eq!(ring.operations.get(), crate::limits::KEY_OPERATIONS_TRIED);

    let ours: Vec<Recipient> = (0..30).map(|_| recipient(&KEYS[1])).collect();
    let mut message = sealed(&ours, ContentEncryption::Aes128Gcm, Some(CONTENT.len() as u64));
    // Damage every wrapped key: each is the last thing in its RecipientInfo, behind 04 18.
    for at in 0..message.len() {
        if message[at..].starts_with(&[4, 0x18]) {
            message[at + 5] ^= 1;
        }
    }
    let ring = Ring::of(&KEYS);
    assert!(matches!(plain(&message, &ring), Err(OpenError::Failed { .. })));
    assert_eq!(ring.operations.get(), crate::limits::KEY_OPERATIONS_MATCHED);
}

#[test]
fn a_passphrase_recipient_costs_nothing_unless_a_passphrase_was_given() {
    let passphrase = SecretBytes::copy_of(b"never asked for");
    let recipients = [Recipient::Passphrase(passphrase), recipient(&KEYS[1])];
    let message = sealed(&recipients, ContentEncryption::Aes256Gcm, None);
    let outcome = plain(&message, &Ring::of(&[]));
    assert!(matches!(outcome, Err(OpenError::NotForUs { .. })));
    assert_eq!(plain(&message, &Ring::of(&KEYS)).unwrap().1, CONTENT);
}

#[test]
fn as_many_recipients_as_the_limit_are_read_and_one_more_is_not() {
    let (cipher, ciphertext, tag, recipient) = parts(ContentEncryption::Aes128Gcm);
    let (_, options) = shared();
    let content = encode(Tag::context(0), false, &ciphertext);
    let tail = encode(Tag::OCTET_STRING, false, &tag);
    let kind = ContentType::AuthEnvelopedData;
    let mut recipients = vec![recipient; crate::limits::RECIPIENTS];
    let message = built(&kind, &recipients, &cipher.to_der(), &content, &tail);
    assert_eq!(try_open(&message, &Ring::of(&[]), &options).unwrap().0.recipients.len(), recipients.len());
    recipients.push(recipients[0].clone());
    let message = built(&kind, &recipients, &cipher.to_der(), &content, &tail);
    let outcome = try_open(&message, &Ring::of(&[]), &options);
    assert!(matches!(outcome, Err(OpenError::Limit { what: "recipients" })));
}

#[test]
fn a_recipient_that_cannot_be_read_keeps_nobody_from_theirs() {
    let (cipher, ciphertext, tag, recipient) = parts(ContentEncryption::Aes128Gcm);
    let (_, options) = shared();
    let content = encode(Tag::context(0), false, &ciphertext);
    let tail = encode(Tag::OCTET_STRING, false, &tag);
    for broken in
        [&b"\x30\x00"[..], b"\xa1\x00", b"\xa2\x00", b"\xa3\x00", b"\xa4\x00", b"\xa9\x00", b"\x04\x00"]
    {
        let recipients = [broken.to_vec(), recipient.clone()];
        let kind = ContentType::AuthEnvelopedData;
        let message = built(&kind, &recipients, &cipher.to_der(), &content, &tail);
        assert_eq!(try_open(&message, &Ring::of(&[]), &options).unwrap().1, CONTENT);
    }
}

#[test]
fn gcm_inside_enveloped_data_is_read_with_a_warning() {
    let (_, options) = shared();
    for cipher in
        [ContentEncryption::Aes256Gcm, ContentEncryption::Aes128Ccm, ContentEncryption::ChaCha20Poly1305]
    {
        let (cipher, mut ciphertext, tag, recipient) = parts(cipher);
        ciphertext.extend(&tag);
        let mut message = built(
            &ContentType::EnvelopedData,
            &[recipient],
            &cipher.to_der(),
            &encode(Tag::context(0), false, &ciphertext),
            b"",
        );
        let (opened, content) = try_open(&message, &Ring::of(&[]), &options).unwrap();
        assert_eq!(content, CONTENT);
        assert!(opened.integrity && opened.warnings.contains(&Warning::AuthenticatedCipherInEnvelopedData));
        *message.last_mut().unwrap() ^= 1;
        assert!(matches!(try_open(&message, &Ring::of(&[]), &options), Err(OpenError::Failed { .. })));
    }
}

#[test]
fn a_cipher_without_authentication_inside_auth_enveloped_data_is_refused() {
    let (_, options) = shared();
    let (cipher, ciphertext, _, recipient) = parts(ContentEncryption::Aes256Cbc);
    let message = built(
        &ContentType::AuthEnvelopedData,
        &[recipient],
        &cipher.to_der(),
        &encode(Tag::context(0), false, &ciphertext),
        &encode(Tag::OCTET_STRING, false, &[0; 16]),
    );
    let outcome = try_open(&message, &Ring::of(&[]), &options);
    assert!(matches!(outcome, Err(OpenError::Unsound(Fault::NotAuthenticated))));
}

#[test]
fn a_tag_of_another_length_than_announced_is_refused() {
    let (_, options) = shared();
    let (cipher, ciphertext, tag, recipient) = parts(ContentEncryption::Aes256Gcm);
    let content = encode(Tag::context(0), false, &ciphertext);
    for length in [0, 1, 4, 12, 15] {
        let message = built(
            &ContentType::AuthEnvelopedData,
            std::slice::from_ref(&recipient),
            &cipher.to_der(),
            &content,
            &encode(Tag::OCTET_STRING, false, &tag[..length]),
        );
        let outcome = try_open(&message, &Ring::of(&[]), &options);
        assert!(matches!(outcome, Err(OpenError::Unsound(Fault::TagLength))), "{length}");
    }
}

#[test]
fn a_content_in_nested_pieces_is_read() {
    let (_, options) = shared();
    let (cipher, ciphertext, tag, recipient) = parts(ContentEncryption::Aes256Gcm);
    let (first, rest) = ciphertext.split_at(5);
    let (second, third) = rest.split_at(20);
    let octets = |bytes: &[u8]| encode(Tag::OCTET_STRING, false, bytes);
    let nested = [&b"\x24\x80"[..], &octets(second), &octets(b""), b"\0\0"].concat();
    let definite = encode(Tag::context(0), true, &[octets(first), nested.clone(), octets(third)].concat());
    let indefinite = [&b"\xa0\x80"[..], &octets(first), &nested, &octets(third), b"\0\0"].concat();
    for content in [definite, indefinite] {
        let message = built(
            &ContentType::AuthEnvelopedData,
            std::slice::from_ref(&recipient),
            &cipher.to_der(),
            &content,
            &octets(&tag),
        );
        assert_eq!(try_open(&message, &Ring::of(&[]), &options).unwrap().1, CONTENT);
    }
}

#[test]
fn attributes_that_nobody_authenticates_are_passed_over_and_others_are_authenticated() {
    let (_, options) = shared();
    let (cipher, ciphertext, tag, recipient) = parts(ContentEncryption::Aes256Gcm);
    let attribute = encode_all(Tag::SEQUENCE, &[&b"\x06\x01\x2a"[..], b"\x31\x02\x05\x00"]);
    let content = encode(Tag::context(0), false, &ciphertext);
    let tag = encode(Tag::OCTET_STRING, false, &tag);
    let message = |tail: &[&[u8]]| {
        let kind = ContentType::AuthEnvelopedData;
        built(&kind, std::slice::from_ref(&recipient), &cipher.to_der(), &content, &tail.concat())
    };
    let unauthenticated = message(&[&tag, &encode(Tag::context(2), true, &attribute)]);
    assert_eq!(try_open(&unauthenticated, &Ring::of(&[]), &options).unwrap().1, CONTENT);
    let authenticated = message(&[&encode(Tag::context(1), true, &attribute), &tag]);
    let outcome = try_open(&authenticated, &Ring::of(&[]), &options);
    assert!(matches!(outcome, Err(OpenError::Failed { .. })));
    let moved = message(&[&tag, &encode(Tag::context(1), true, &attribute)]);
    assert!(matches!(try_open(&moved, &Ring::of(&[]), &options), Err(OpenError::Malformed(_))));
}

#[test]
fn a_broken_cipher_is_opened_only_where_the_person_says_so() {
    let (_, options) = shared();
    let key = SecretBytes::new(vec![5; 16]);
    let shared = SecretBytes::new(vec![0x11; 16]);
    let recipient = crate::cms::recipients::write_key_encryption_key(b"shared", &shared, &key).unwrap();
    // openssl enc -rc2-cbc -provider legacy -K 0505… -iv 0001020304050607
    let identifier = b"\x30\x19\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x02\x30\x0d\x02\x01\x3a\x04\x08\0\x01\x02\x03\x04\x05\x06\x07";
    let content = encode(Tag::context(0), false, RC2_128_SEALED);
    let message = built(&ContentType::EnvelopedData, &[recipient], identifier, &content, b"");
    let outcome = try_open(&message, &Ring::of(&[]), &options);
    assert!(matches!(
        outcome,
        Err(OpenError::WeakCipher { cipher: ContentEncryption::Rc2Cbc { effective_bits: 128 } })
    ));
    let options = OpenOptions { accept_weak_cipher: true, ..options };
    let (opened, content) = try_open(&message, &Ring::of(&[]), &options).unwrap();
    assert_eq!(content, b"an old archive");
    assert_eq!(opened.warnings, [Warning::BrokenCipher, Warning::NoIntegrity]);
}

const RC2_128_SEALED: &[u8] =
    &[0xea, 0x5b, 0xf3, 0x94, 0x6a, 0x9e, 0x20, 0x1e, 0x86, 0x45, 0xb3, 0x60, 0x61, 0xc0, 0x1c, 0xda];

#[test]
fn other_objects_are_named() {
    let message = encode_all(
        Tag::SEQUENCE,
        &[
            encode(Tag::OBJECT_IDENTIFIER, false, &ContentType::SignedData.object_identifier()),
            encode(Tag::context(0), true, b"\x30\x00"),
        ],
    );
    let outcome = plain(&message, &Ring::of(&[]));
    assert!(matches!(outcome, Err(OpenError::NotEnveloped { found: ContentType::SignedData })));
}

#[test]
fn a_message_that_starts_within_a_file_is_opened_from_there() {
    let (recipient, options) = shared();
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::ChaCha20Poly1305] {
        let message = sealed(std::slice::from_ref(&recipient), cipher, None);
        let mut input = Cursor::new([&b"before"[..], &message].concat());
        input.set_position(6);
        let mut content = Vec::new();
        open(&mut input, &Ring::of(&[]), &mut SystemRandom, &options, &mut content).unwrap();
        assert_eq!(content, CONTENT);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bytes_that_are_no_message_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(plain(&bytes, &Ring::of(&[])).is_err());
    }

    #[test]
    fn a_message_with_changed_bytes_never_says_something_else(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_indefinite in any::<bool>(),
    ) {
        let (recipient, options) = shared();
        let length = (!is_indefinite).then_some(CONTENT.len() as u64);
        let mut message = sealed(&[recipient], ContentEncryption::Aes256Gcm, length);
        for (index, value) in changes {
            let place = index.index(message.len());
            message[place] = value;
        }
        if let Ok((_, content)) = try_open(&message, &Ring::of(&[]), &options) {
            prop_assert_eq!(content, CONTENT);
        }
    }
}
