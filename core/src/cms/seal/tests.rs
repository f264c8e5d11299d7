#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use super::*;
use crate::cms::open::{OpenOptions, Opened, open};
use crate::cms::test_keys::{KEYS, Ring, SystemRandom};
use crate::x509::SecretKey;

const WRITTEN: [ContentEncryption; 10] = [
    ContentEncryption::Aes128Cbc,
    ContentEncryption::Aes192Cbc,
    ContentEncryption::Aes256Cbc,
    ContentEncryption::Aes128Gcm,
    ContentEncryption::Aes192Gcm,
    ContentEncryption::Aes256Gcm,
    ContentEncryption::Aes128Ccm,
    ContentEncryption::Aes192Ccm,
    ContentEncryption::Aes256Ccm,
    ContentEncryption::ChaCha20Poly1305,
];

fn usual(key: &SecretKey) -> Recipient {
    let transport = KeyTransport::usual_for(key.algorithm()).unwrap();
    Recipient::PublicKey { key: key.public_key().clone(), transport }
}

fn sealed(
    content: &[u8],
    length: Option<u64>,
    recipients: &[Recipient],
    options: impl Into<SealOptions>,
) -> Result<Vec<u8>, SealError> {
    let mut output = Vec::new();
    seal(&mut &*content, length, &ContentType::Data, recipients, options, &mut SystemRandom, &mut output)?;
    Ok(output)
}

fn opened(message: &[u8], ring: &Ring, options: &OpenOptions) -> (Opened, Vec<u8>) {
    let mut content = Vec::new();
    let opened = open(&mut Cursor::new(message), ring, &mut SystemRandom, options, &mut content).unwrap();
    (opened, content)
}

#[test]
fn what_is_sealed_opens_for_every_kind_of_key_with_every_cipher_in_both_forms() {
    let content = b"To be read by the one it is meant for.\r\n".repeat(30);
    for key in KEYS.iter() {
        let ring = Ring::of(std::slice::from_ref(key));
        for cipher in WRITTEN {
            for derive_key in [false, true] {
                for length in [Some(content.len() as u64), None] {
                    let options = SealOptions { cipher, derive_key };
                    let message = match sealed(&content, length, &[usual(key)], options) {
                        Err(SealError::LengthNeeded) if length.is_none() => continue,
                        message => message.unwrap(),
                    };
                    let (opened, found) = opened(&message, &ring, &OpenOptions::default());
                    assert_eq!(found, content);
                    assert_eq!(opened.cipher, cipher);
                    assert_eq!(opened.integrity, cipher.is_authenticated());
                    assert_eq!(opened.opened_by, Some(key.fingerprint()));
                    assert_eq!(opened.recipients.len(), 1);
                }
            }
        }
    }
}

#[test]
fn oaep_opens_with_every_digest_mask_and_label() {
    let key = &KEYS[0];
    let ring = Ring::of(&KEYS[..1]);
    let digests = [
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ];
    for digest in digests {
        for mask_digest in digests {
            for label in [Vec::new(), b"label".to_vec()] {
                let transport = KeyTransport::Oaep(OaepParameters { digest, mask_digest, label });
                let recipient = Recipient::PublicKey { key: key.public_key().clone(), transport };
                let message = sealed(b"x", Some(1), &[recipient], ContentEncryption::Aes256Gcm).unwrap();
                assert_eq!(opened(&message, &ring, &OpenOptions::default()).1, b"x");
            }
        }
    }
}

#[test]
fn passphrases_and_shared_keys_open_what_was_sealed_with_them() {
    let passphrase = SecretBytes::copy_of("Ein Paßwort".as_bytes());
    for length in [16, 24, 32] {
        let shared = SecretBytes::new(vec![length; usize::from(length)]);
        let recipients = [
            Recipient::Passphrase(passphrase.clone()),
            Recipient::KeyEncryptionKey { identifier: b"backup".to_vec(), key: shared.clone() },
        ];
        let message = sealed(b"x", Some(1), &recipients, ContentEncryption::Aes256Cbc).unwrap();
        let ring = Ring::of(&[]);
        let by_passphrase = OpenOptions { passphrase: Some(passphrase.clone()), ..OpenOptions::default() };
        assert_eq!(opened(&message, &ring, &by_passphrase).1, b"x");
        let by_key =
            OpenOptions { key_encryption_keys: vec![(b"backup".to_vec(), shared)], ..OpenOptions::default() };
        let (opened, content) = opened(&message, &ring, &by_key);
        assert_eq!((opened.opened_by, content), (None, b"x".to_vec()));
    }
}

#[test]
fn each_of_many_recipients_opens_and_the_order_of_entry_does_not_show() {
    let recipients: Vec<Recipient> = KEYS.iter().map(usual).collect();
    let mut reversed = recipients.clone();
    reversed.reverse();
    for recipients in [recipients, reversed] {
        let message = sealed(b"for all", Some(7), &recipients, ContentEncryption::Aes256Gcm).unwrap();
        for key in KEYS.iter() {
            let ring = Ring::of(std::slice::from_ref(key));
            let (opened, content) = opened(&message, &ring, &OpenOptions::default());
            assert_eq!((opened.opened_by, content), (Some(key.fingerprint()), b"for all".to_vec()));
            assert_eq!(ring.operations.get(), 1);
        }
        assert_eq!(crate::der::to_der(&message).unwrap(), message);
        let start = message.windows(2).position(|pair| pair == [0x31, 0x82]).unwrap();
        let size = usize::from(message[start + 2]) << 8 | usize::from(message[start + 3]);
        let set = &message[start + 4..start + 4 + size];
        let mut elements = tlv::Elements::new(set);
        let mut encoded = Vec::new();
        while let Some(element) = elements.any() {
            encoded.push(element.whole);
        }
        assert_eq!(encoded.len(), KEYS.len());
        assert!(encoded.is_sorted());
    }
}

#[test]
fn a_content_that_is_no_data_is_bound_to_its_type() {
    let mut message = Vec::new();
    let recipients = [usual(&KEYS[1])];
    let cipher = ContentEncryption::Aes128Gcm;
    seal(
        &mut &b"signed"[..],
        Some(6),
        &ContentType::SignedData,
        &recipients,
        cipher,
        &mut SystemRandom,
        &mut message,
    )
    .unwrap();
    let (opened, content) = opened(&message, &Ring::of(&KEYS[1..2]), &OpenOptions::default());
    assert_eq!((opened.content_type, content), (ContentType::SignedData, b"signed".to_vec()));
    // Both the type of the content and the attribute that names it are changed to id-data: the
    // attribute is authenticated.
    let signed = ContentType::SignedData.object_identifier();
    let mut changed = message.clone();
    let places: Vec<usize> = (0..message.len()).filter(|at| message[*at..].starts_with(&signed)).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        changed[place + 8] = 1;
        let outcome = open(
            &mut Cursor::new(&changed),
            &Ring::of(&KEYS[1..2]),
            &mut SystemRandom,
            &OpenOptions::default(),
            &mut Vec::new(),
        );
        assert!(matches!(outcome, Err(crate::cms::open::OpenError::Failed { .. })));
    }
}

#[test]
fn a_length_that_is_not_true_is_an_error() {
    for cipher in WRITTEN {
        for length in [0, 4, 6, 16, u64::MAX] {
            let outcome = sealed(b"12345", Some(length), &[usual(&KEYS[1])], cipher);
            assert!(matches!(outcome, Err(SealError::Length | SealError::Output(_))), "{cipher:?} {length}");
        }
    }
}

#[test]
fn nothing_is_sealed_for_nobody_or_with_what_only_old_mail_has() {
    let cipher = ContentEncryption::Aes256Gcm;
    assert!(matches!(sealed(b"", Some(0), &[], cipher), Err(SealError::NoRecipients)));
    for cipher in [
        ContentEncryption::TripleDesCbc,
        ContentEncryption::DesCbc,
        ContentEncryption::Rc4,
        ContentEncryption::Rc2Cbc { effective_bits: 128 },
    ] {
        let outcome = sealed(b"", Some(0), &[usual(&KEYS[1])], cipher);
        assert!(matches!(outcome, Err(SealError::Cipher(_))));
    }
}

#[test]
fn a_key_that_cannot_be_used_so_is_named() {
    let wrong = Recipient::PublicKey { key: KEYS[1].public_key().clone(), transport: KeyTransport::Pkcs1 };
    let outcome = sealed(b"", Some(0), &[usual(&KEYS[0]), wrong], ContentEncryption::Aes256Cbc);
    assert!(matches!(outcome, Err(SealError::Recipient { index: 1, error: KeyError::Unsuitable })));
}

/// The crate `cms`, whose types were written from the standard by others, reads what we write, and
/// writes the same.
#[test]
fn what_is_sealed_is_what_the_types_of_another_library_say() {
    use ::cms::authenveloped_data::AuthEnvelopedData;
    use ::cms::content_info::ContentInfo;
    use ::cms::enveloped_data::EnvelopedData;
    use der::Encode as _;
    let recipients = KEYS.iter().map(usual).chain([
        Recipient::Passphrase(SecretBytes::new(b"passphrase".to_vec())),
        Recipient::KeyEncryptionKey { identifier: b"shared".to_vec(), key: SecretBytes::new(vec![1; 32]) },
    ]);
    for recipient in recipients {
        for cipher in [ContentEncryption::Aes256Cbc, ContentEncryption::Aes256Gcm] {
            let recipients = std::slice::from_ref(&recipient);
            let message = sealed(b"content", Some(7), recipients, cipher).unwrap();
            let object: ContentInfo = der::Decode::from_der(&message).unwrap();
            assert_eq!(object.to_der().unwrap(), message);
            let content = object.content.to_der().unwrap();
            let again = if cipher.is_authenticated() {
                object.content.decode_as::<AuthEnvelopedData>().unwrap().to_der()
            } else {
                object.content.decode_as::<EnvelopedData>().unwrap().to_der()
            };
            assert_eq!(again.unwrap(), content);
        }
    }
}
