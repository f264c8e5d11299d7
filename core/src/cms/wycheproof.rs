//! The symmetric files of Project Wycheproof, through the ciphers that contents and keys are
//! encrypted with. The asymmetric ones are in `tests/corpora/wycheproof.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::content_cipher::{Beforehand, ContentCipher};
use super::key_derivation::hkdf;
use super::key_wrap::Wrap;
use crate::algorithm::DigestAlgorithm;
use crate::secret::SecretBytes;
use crate::x509::tlv::{self, tag};

/// What came out: the right bytes, or nothing. Other bytes fail at once.
type Judge = fn(&Value, &Value) -> Option<Vec<u8>>;

/// Valid and accepted, valid and refused on purpose, invalid and refused, acceptable and accepted,
/// acceptable and refused.
type Counts = [usize; 5];

#[test]
fn cbc() {
    check("aes_cbc_pkcs5_test.json", open_cbc, "msg", [72, 0, 144, 0, 0]);
}

/// Nonces of other lengths than the 12 bytes of RFC 5084 are refused, valid or not.
#[test]
fn gcm() {
    check("aes_gcm_test.json", open_gcm, "msg", [GCM_VALID, GCM_OTHER_NONCES, 87, 0, 0]);
}

/// Acceptable are keys of one block, which RFC 3394 does not define: refused.
#[test]
fn key_wrap() {
    check("aes_wrap_test.json", unwrap_key, "msg", [36, 0, 126, 0, 3]);
}

#[test]
fn key_derivation() {
    check("hkdf_sha256_test.json", derive_key, "okm", [83, 0, 3, 0, 0]);
}

const GCM_VALID: usize = 116;
const GCM_OTHER_NONCES: usize = 113;

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let root = std::env::var_os("COUNTERSEAL_CORPORA").map_or(beside, PathBuf::from);
    Some(root.join("wycheproof")).filter(|folder| folder.is_dir())
}

fn check(file: &str, judge: Judge, result: &str, expected: Counts) {
    let Some(folder) = folder() else {
        println!("SKIPPED: no corpus wycheproof");
        return;
    };
    let document: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap();
    let mut counts = [0; 5];
    for group in document["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            let answer = judge(group, case);
            let right = answer.as_ref().is_none_or(|answer| *answer == bytes(&case[result]));
            let position = match (case["result"].as_str().unwrap(), answer.is_some()) {
                ("valid", true) => 0,
                ("valid", false) => 1,
                ("invalid", false) => 2,
                ("acceptable", true) => 3,
                ("acceptable", false) => 4,
                _ => panic!("{file}: invalid, but accepted: {case}"),
            };
            assert!(right, "{file}: wrong bytes: {case}");
            counts[position] += 1;
        }
    }
    assert_eq!(counts, expected, "{file}");
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn secret(value: &Value) -> SecretBytes {
    SecretBytes::new(bytes(value))
}

fn open(identifier: &[u8], case: &Value, associated: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
    let cipher = ContentCipher::parse(identifier).ok()?;
    let ciphertext = bytes(&case["ct"]);
    let beforehand = Beforehand { associated, length: ciphertext.len() as u64 };
    let mut plaintext = Vec::new();
    let unverified =
        cipher.decrypt(&secret(&case["key"]), beforehand, &mut ciphertext.as_slice(), &mut plaintext).ok()?;
    unverified.verify(associated, tag).ok().map(|()| plaintext)
}

/// DER of the AlgorithmIdentifier of an AES mode: the last arc is 2, 22 and 42 for CBC, and so on
/// from 6 for GCM.
fn identifier(group: &Value, mode: u8, parameters: &[u8]) -> Vec<u8> {
    let last = match group["keySize"].as_u64().unwrap() {
        128 => mode,
        192 => mode + 20,
        256 => mode + 40,
        other => panic!("unexpected key size {other}"),
    };
    let oid = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, last];
    tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, &oid), parameters])
}

fn open_cbc(group: &Value, case: &Value) -> Option<Vec<u8>> {
    let parameters = tlv::encode(tag::OCTET_STRING, &bytes(&case["iv"]));
    open(&identifier(group, 2, &parameters), case, &[], &[])
}

fn open_gcm(group: &Value, case: &Value) -> Option<Vec<u8>> {
    let nonce = tlv::encode(tag::OCTET_STRING, &bytes(&case["iv"]));
    let parameters = tlv::sequence(&[&nonce, &tlv::integer(&[16])]);
    open(&identifier(group, 6, &parameters), case, &bytes(&case["aad"]), &bytes(&case["tag"]))
}

fn unwrap_key(_: &Value, case: &Value) -> Option<Vec<u8>> {
    let key = secret(&case["key"]);
    let unwrapped = Wrap::for_key_length(key.len())?.unwrap(&key, &bytes(&case["ct"]))?;
    Some(unwrapped.expose().to_vec())
}

fn derive_key(_: &Value, case: &Value) -> Option<Vec<u8>> {
    let length = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
    let (key, salt, info) = (bytes(&case["ikm"]), bytes(&case["salt"]), bytes(&case["info"]));
    Some(hkdf(DigestAlgorithm::Sha256, &key, &salt, &info, length)?.expose().to_vec())
}
