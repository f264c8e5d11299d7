#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aes_gcm::aead::{Aead as _, Payload};
use proptest::prelude::*;

use super::*;
use crate::ports::Random;

/// Bytes that look random and are the same every time.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(73).wrapping_add(41);
            *byte = self.0;
        }
    }
}

const ALL: [ContentEncryption; 11] = [
    ContentEncryption::Aes128Cbc,
    ContentEncryption::Aes192Cbc,
    ContentEncryption::Aes256Cbc,
    ContentEncryption::TripleDesCbc,
    ContentEncryption::Aes128Gcm,
    ContentEncryption::Aes192Gcm,
    ContentEncryption::Aes256Gcm,
    ContentEncryption::Aes128Ccm,
    ContentEncryption::Aes192Ccm,
    ContentEncryption::Aes256Ccm,
    ContentEncryption::ChaCha20Poly1305,
];

fn seal(
    cipher: &ContentCipher,
    key: &SecretBytes,
    content: &[u8],
    associated: &[u8],
) -> (Vec<u8>, Option<Vec<u8>>) {
    let beforehand = Beforehand { associated, length: content.len() as u64 };
    let mut sealed = Vec::new();
    let (length, tag) = cipher.encrypt(key, beforehand, &mut &*content, &mut sealed).unwrap();
    assert_eq!(length, content.len() as u64);
    assert_eq!(cipher.ciphertext_length(length), Some(sealed.len() as u64));
    (sealed, tag)
}

fn open(
    cipher: &ContentCipher,
    key: &SecretBytes,
    sealed: &[u8],
    associated: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ContentError> {
    let beforehand = Beforehand { associated, length: sealed.len() as u64 };
    let mut content = Vec::new();
    cipher.decrypt(key, beforehand, &mut &*sealed, &mut content)?.verify(associated, tag)?;
    Ok(content)
}

#[test]
fn what_is_sealed_opens_with_every_cipher_and_around_every_boundary() {
    for algorithm in ALL {
        for derive in [false, true] {
            let mut random = Counting(7);
            let cipher = ContentCipher::generate(algorithm, derive, &mut random).unwrap();
            let cipher = ContentCipher::parse(&cipher.to_der()).unwrap();
            let key = cipher.generate_key(&mut random);
            let short = SHORT_PIECE_BYTES;
            for length in [
                0,
                1,
                7,
                8,
                15,
                16,
                17,
                4095,
                short - 1,
                short,
                short + 1,
                PIECE_BYTES - 1,
                PIECE_BYTES,
                PIECE_BYTES + 1,
                3 * PIECE_BYTES,
            ] {
                let mut content = vec![0; length];
                random.fill(&mut content);
                let (sealed, tag) = seal(&cipher, &key, &content, b"attributes");
                let tag = tag.unwrap_or_default();
                assert_eq!(open(&cipher, &key, &sealed, b"attributes", &tag).unwrap(), content);
                if algorithm.is_authenticated() {
                    assert!(open(&cipher, &key, &sealed, b"Attributes", &tag).is_err());
                    assert!(open(&cipher, &key, &sealed, b"attributes", &tag[..12]).is_err());
                    assert!(open(&cipher, &key, &sealed, b"attributes", &[]).is_err());
                }
            }
        }
    }
}

#[test]
fn a_derived_key_is_not_the_key_itself() {
    let cipher = ContentCipher::generate(ContentEncryption::Aes256Gcm, true, &mut Counting(1)).unwrap();
    let stripped = ContentCipher::parse(cipher.inner_identifier()).unwrap();
    let key = cipher.generate_key(&mut Counting(2));
    let (sealed, tag) = seal(&cipher, &key, b"the derivation cannot be stripped", b"");
    assert!(open(&stripped, &key, &sealed, b"", &tag.unwrap()).is_err());
}

#[test]
fn keys_are_derived_as_in_the_examples_of_rfc_9709() {
    let examples = [
        ("301b0609608648016503040106300e040c5c79058ba2f43447639d29e2", "2124ffb29fac4e0fbbc7d5d87492bff3"),
        (
            "301d06096086480165030401020410651f722ffd512c52fe072e507d72b377",
            "9cd102c52f1e19ece8729b35bfeceb50",
        ),
    ];
    let key = SecretBytes::new(hex("c702e7d0a9e064b09ba55245fb733cf3"));
    for (inner, derived) in examples {
        let identifier = crate::x509::tlv::sequence(&[&hex("060b2a864886f70d010910031f"), &hex(inner)]);
        let cipher = ContentCipher::parse(&identifier).unwrap();
        assert_eq!(cipher.content_key(&key).unwrap().expose(), hex(derived));
    }
}

#[test]
fn a_key_of_another_length_is_refused_after_the_whole_content_was_read() {
    for algorithm in ALL {
        let cipher = ContentCipher::generate(algorithm, false, &mut Counting(1)).unwrap();
        let key = SecretBytes::new(vec![1; cipher.key_length() + 1]);
        let content = [5; 64];
        let mut input = &content[..];
        let outcome = cipher.decrypt(&key, Beforehand::default(), &mut input, &mut Vec::new());
        assert!(matches!(outcome, Err(ContentError::Failed)));
        assert!(input.is_empty());
    }
}

#[test]
fn padding_is_checked_in_every_byte_and_every_failure_looks_the_same() {
    let cipher = ContentCipher::generate(ContentEncryption::Aes128Cbc, false, &mut Counting(1)).unwrap();
    let key = cipher.generate_key(&mut Counting(2));
    // 16 bytes of content and a whole block of padding: changing the first block of the
    // ciphertext changes the padding.
    let (sealed, _) = seal(&cipher, &key, &[0; 16], b"");
    for position in 0..16 {
        let mut changed = sealed.clone();
        changed[position] ^= 0x40;
        assert!(matches!(open(&cipher, &key, &changed, b"", b""), Err(ContentError::Failed)), "{position}");
    }
    for length in [0, 15, 17, 31] {
        assert!(matches!(open(&cipher, &key, &sealed[..length], b"", b""), Err(ContentError::Failed)));
    }
}

#[test]
fn parameters_that_the_standards_forbid_are_refused() {
    let gcm = |nonce: &[u8], tag: Option<&[u8]>| {
        let nonce = tlv_octets(nonce);
        let tag = tag.map(|tag| crate::x509::tlv::encode(2, tag)).unwrap_or_default();
        let parameters = crate::x509::tlv::sequence(&[&nonce, &tag]);
        crate::x509::tlv::sequence(&[&hex("060960864801650304012e"), &parameters])
    };
    assert_eq!(ContentCipher::parse(&gcm(&[0; 12], None)).unwrap().tag_length(), 12);
    assert_eq!(ContentCipher::parse(&gcm(&[0; 12], Some(&[14]))).unwrap().tag_length(), 14);
    for length in [0, 1, 4, 8, 11, 17, 255] {
        let outcome = ContentCipher::parse(&gcm(&[0; 12], Some(&[length])));
        assert_eq!(outcome, Err(ParametersError::TagLength), "{length}");
    }
    assert_eq!(ContentCipher::parse(&gcm(&[0; 12], Some(&[0, 16]))), Err(ParametersError::TagLength));
    for length in [0, 8, 11, 13, 16, 17, 65_536] {
        let outcome = ContentCipher::parse(&gcm(&vec![0; length], Some(&[16])));
        assert_eq!(outcome, Err(ParametersError::NonceLength), "{length}");
    }
    // Parameters that are missing, of another type, or followed by more.
    let oid = hex("060960864801650304012e");
    for parameters in [&b""[..], b"\x05\x00", b"\x30\x00", b"\x04\x0cABCDEFGHIJKL"] {
        let identifier = crate::x509::tlv::sequence(&[&oid, parameters]);
        assert_eq!(ContentCipher::parse(&identifier), Err(ParametersError::Parameters));
    }
    let nested = crate::x509::tlv::sequence(&[&hex("060b2a864886f70d010910031f"), &gcm(&[0; 12], None)]);
    assert!(ContentCipher::parse(&nested).is_ok());
    let twice = crate::x509::tlv::sequence(&[&hex("060b2a864886f70d010910031f"), &nested]);
    assert!(ContentCipher::parse(&twice).is_err());
}

#[test]
fn a_content_longer_than_was_said_is_refused_by_ccm() {
    let cipher = ContentCipher::generate(ContentEncryption::Aes128Ccm, false, &mut Counting(1)).unwrap();
    let key = cipher.generate_key(&mut Counting(2));
    let beforehand = Beforehand { associated: b"", length: 3 };
    let outcome = cipher.encrypt(&key, beforehand, &mut &b"four"[..], &mut Vec::new());
    assert!(matches!(outcome, Err(ContentError::TooLong)));
}

#[test]
fn ccm_is_that_of_the_third_example_of_sp_800_38c() {
    let associated = hex("000102030405060708090a0b0c0d0e0f10111213");
    let content = hex("202122232425262728292a2b2c2d2e2f3031323334353637");
    let mut piece = content.clone();
    let key = hex("404142434445464748494a4b4c4d4e4f");
    let nonce = hex("101112131415161718191a1b");
    let mut ccm = Ccm::new(&key, &nonce, 8, content.len() as u64, &associated).unwrap();
    ccm.encrypt(&mut piece).unwrap();
    assert_eq!(piece, hex("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5"));
    assert_eq!(ccm.tag()[..8], hex("484392fbc1b09951"));
}

#[test]
fn rc2_opens_what_openssl_sealed() {
    // openssl enc -rc2-40-cbc -provider legacy -K 0102030405 -iv 0001020304050607
    let parameters = crate::x509::tlv::sequence(&[&hex("020200a0"), &hex("04080001020304050607")]);
    let identifier = crate::x509::tlv::sequence(&[&hex("06082a864886f70d0302"), &parameters]);
    let cipher = ContentCipher::parse(&identifier).unwrap();
    let key = SecretBytes::new(hex("0102030405"));
    let content = open(&cipher, &key, &hex(RC2_40_SEALED), b"", b"").unwrap();
    assert_eq!(content, b"an old archive");
}

const RC2_40_SEALED: &str = "fe56631eef563ab4c95fda69defc25cb";

proptest! {
    #[test]
    fn gcm_in_pieces_is_gcm_in_one(
        key in proptest::array::uniform32(any::<u8>()),
        nonce in proptest::array::uniform12(any::<u8>()),
        content in proptest::collection::vec(any::<u8>(), 0..600),
        associated in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let oracle = <aes_gcm::Aes256Gcm as aes_gcm::KeyInit>::new(&key.into());
        let payload = Payload { msg: &content, aad: &associated };
        let expected = oracle.encrypt(&nonce.into(), payload).unwrap();

        let mut gcm = Gcm::new(&key, &nonce).unwrap();
        let mut sealed = content.clone();
        for piece in sealed.chunks_mut(64) {
            gcm.encrypt(piece).unwrap();
        }
        sealed.extend(gcm.tag(&associated));
        prop_assert_eq!(sealed, expected);
    }

    #[test]
    fn chacha20_poly1305_in_pieces_is_that_in_one(
        key in proptest::array::uniform32(any::<u8>()),
        nonce in proptest::array::uniform12(any::<u8>()),
        content in proptest::collection::vec(any::<u8>(), 0..600),
        associated in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        use chacha20poly1305::KeyInit as _;
        let oracle = chacha20poly1305::ChaCha20Poly1305::new(&key.into());
        let payload = Payload { msg: &content, aad: &associated };
        let expected = oracle.encrypt(&nonce.into(), payload).unwrap();

        let mut cipher = ChaCha20Poly1305::new(&key, &nonce, &associated).unwrap();
        let mut sealed = content.clone();
        for piece in sealed.chunks_mut(64) {
            cipher.encrypt(piece).unwrap();
        }
        sealed.extend(cipher.tag());
        prop_assert_eq!(sealed, expected);
    }
}

fn tlv_octets(content: &[u8]) -> Vec<u8> {
    crate::x509::tlv::encode(4, content)
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
