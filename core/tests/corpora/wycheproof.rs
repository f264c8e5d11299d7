//! Project Wycheproof through our own code: every file with how many of its cases must come out
//! how. What Wycheproof calls acceptable is decided here once, and counted.
//!
//! The symmetric files are run inside the library (`src/cms/wycheproof.rs`), since nothing public
//! takes a bare key.

use std::collections::BTreeMap;
use std::path::Path;

use counterseal_core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use counterseal_core::ports::OaepParameters;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{PublicKey, SecretKey};
use serde_json::Value;

use super::folder;

/// Files that another test runs.
const ELSEWHERE: [&str; 4] =
    ["aes_cbc_pkcs5_test.json", "aes_gcm_test.json", "aes_wrap_test.json", "hkdf_sha256_test.json"];

/// What our code says of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Accepted,
    Refused,
}

/// How many cases of each of Wycheproof's results got which answer.
#[derive(Debug, PartialEq, Eq, Default)]
struct Tally {
    valid: usize,
    valid_refused: Vec<u64>,
    invalid: usize,
    invalid_accepted: Vec<u64>,
    acceptable_accepted: usize,
    acceptable_refused: usize,
}

type Judge = fn(&Value, &Value) -> Answer;

/// File, judge, and numbers of cases: valid and accepted, invalid and refused, acceptable and
/// accepted, acceptable and refused.
const FILES: [(&str, Judge, [usize; 4]); 16] = [
    // Keys with explicit, missing or wrong parameters are refused, compressed points are taken.
    ("ecdh_secp256r1_test.json", ecdh_key, [330, 52, 1, 229]),
    ("ecdh_secp384r1_test.json", ecdh_key, [771, 46, 1, 229]),
    ("ecdh_secp256r1_ecpoint_test.json", ecdh_point, [330, 24, 1, 0]),
    ("ecdsa_secp256r1_sha256_test.json", ecdsa, [174, 310, 0, 0]),
    ("ed25519_test.json", ed25519, [88, 63, 0, 0]),
    ("mldsa_65_verify_test.json", ml_dsa, [77, 131, 0, 0]),
    ("mlkem_768_test.json", ml_kem, [153, 40, 0, 0]),
    ("rsa_oaep_2048_sha1_mgf1sha1_test.json", oaep, [17, 19, 0, 0]),
    ("rsa_oaep_2048_sha256_mgf1sha256_test.json", oaep, [18, 19, 0, 0]),
    ("rsa_oaep_3072_sha256_mgf1sha256_test.json", oaep, [18, 19, 0, 0]),
    ("rsa_pkcs1_2048_test.json", rsa_decryption, [42, 25, 0, 0]),
    ("rsa_pkcs1_3072_test.json", rsa_decryption, [41, 26, 0, 0]),
    ("rsa_pss_2048_sha256_mgf1_32_test.json", rsa_pss, [63, 45, 0, 0]),
    // The acceptable one is a DigestInfo without NULL.
    ("rsa_signature_2048_sha256_test.json", rsa_signature, [9, 249, 1, 0]),
    ("rsa_signature_3072_sha256_test.json", rsa_signature, [8, 250, 1, 0]),
    // All-zero secrets are refused (RFC 8418, section 2).
    ("x25519_test.json", x25519, [264, 0, 223, 31]),
];

/// How many valid cases are refused on purpose; docs/deviations.md says why. Here: signatures with
/// a context that is not empty.
const REFUSED_ON_PURPOSE: [(&str, usize); 1] = [("mldsa_65_verify_test.json", 2)];

#[test]
fn every_case_of_wycheproof_gets_its_answer() {
    let Some(folder) = folder("wycheproof") else { return };
    for (file, judge, [valid, invalid, acceptable_accepted, acceptable_refused]) in FILES {
        let tally = tally(&folder.join(file), judge);
        let on_purpose =
            REFUSED_ON_PURPOSE.iter().find(|(name, _)| *name == file).map_or(0, |(_, count)| *count);
        assert_eq!(
            tally.valid_refused.len(),
            on_purpose,
            "{file}: valid, but refused: {:?}",
            tally.valid_refused
        );
        assert!(
            tally.invalid_accepted.is_empty(),
            "{file}: invalid, but accepted: {:?}",
            tally.invalid_accepted
        );
        let counts = [tally.valid, tally.invalid, tally.acceptable_accepted, tally.acceptable_refused];
        assert_eq!(counts, [valid, invalid, acceptable_accepted, acceptable_refused], "{file}");
    }
}

#[test]
fn no_file_of_wycheproof_is_forgotten() {
    let Some(folder) = folder("wycheproof") else { return };
    let mut forgotten = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = FILES.iter().any(|(file, ..)| *file == name) || ELSEWHERE.contains(&name.as_str());
        if name.ends_with(".json") && !known {
            forgotten.push(name);
        }
    }
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

fn tally(file: &Path, judge: Judge) -> Tally {
    let text = std::fs::read_to_string(file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut tally = Tally::default();
    let mut seen = BTreeMap::new();
    for group in document["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            let number = case["tcId"].as_u64().unwrap();
            assert!(seen.insert(number, ()).is_none(), "case {number} twice");
            match (case["result"].as_str().unwrap(), judge(group, case)) {
                ("valid", Answer::Accepted) => tally.valid += 1,
                ("valid", Answer::Refused) => tally.valid_refused.push(number),
                ("invalid", Answer::Refused) => tally.invalid += 1,
                ("invalid", Answer::Accepted) => tally.invalid_accepted.push(number),
                ("acceptable", Answer::Accepted) => tally.acceptable_accepted += 1,
                ("acceptable", Answer::Refused) => tally.acceptable_refused += 1,
                (other, _) => panic!("unknown result {other}"),
            }
        }
    }
    tally
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn answer(accepted: bool) -> Answer {
    if accepted { Answer::Accepted } else { Answer::Refused }
}

/// What came out is right, or nothing came out. Anything else is neither, and fails.
fn same_or_refused<E>(result: Result<SecretBytes, E>, expected: &[u8]) -> Answer {
    match result {
        Ok(secret) if secret.expose() == expected => Answer::Accepted,
        Ok(_) => panic!("another secret came out"),
        Err(_) => Answer::Refused,
    }
}

fn verify(group: &Value, case: &Value, algorithm: SignatureAlgorithm) -> Answer {
    let Ok(key) = PublicKey::from_der(&bytes(&group["publicKeyDer"])) else { return Answer::Refused };
    answer(key.verify(algorithm, &bytes(&case["msg"]), &bytes(&case["sig"])).is_ok())
}

fn digest(name: &Value) -> DigestAlgorithm {
    match name.as_str().unwrap() {
        "SHA-1" => DigestAlgorithm::Sha1,
        "SHA-256" => DigestAlgorithm::Sha256,
        other => panic!("unexpected digest {other}"),
    }
}

fn rsa_signature(group: &Value, case: &Value) -> Answer {
    verify(group, case, SignatureAlgorithm::RsaPkcs1(digest(&group["sha"])))
}

fn rsa_pss(group: &Value, case: &Value) -> Answer {
    let salt_length = u32::try_from(group["sLen"].as_u64().unwrap()).unwrap();
    let algorithm = SignatureAlgorithm::RsaPss {
        digest: digest(&group["sha"]),
        mask_digest: digest(&group["mgfSha"]),
        salt_length,
    };
    verify(group, case, algorithm)
}

fn ecdsa(group: &Value, case: &Value) -> Answer {
    verify(group, case, SignatureAlgorithm::Ecdsa(digest(&group["sha"])))
}

fn ed25519(group: &Value, case: &Value) -> Answer {
    verify(group, case, SignatureAlgorithm::Ed25519)
}

fn ml_dsa(group: &Value, case: &Value) -> Answer {
    if !group["publicKeyDer"].is_string() {
        return Answer::Refused;
    }
    verify(group, case, SignatureAlgorithm::MlDsa)
}

/// The secret seed and the public key must belong together, too.
fn ml_kem(_: &Value, case: &Value) -> Answer {
    let identifier = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 2];
    let seed = tlv(0x80, &bytes(&case["seed"]));
    let pkcs8 = tlv(0x30, &[&[2, 1, 0], &tlv(0x30, &identifier)[..], &tlv(4, &seed)].concat());
    let Ok(key) = SecretKey::from_pkcs8_der(&pkcs8) else { return Answer::Refused };
    assert_eq!(key.public_key().raw(), Some(bytes(&case["ek"]).as_slice()));
    same_or_refused(key.decapsulate(&bytes(&case["c"])), &bytes(&case["K"]))
}

fn oaep(group: &Value, case: &Value) -> Answer {
    let key = SecretKey::from_pkcs8_der(&bytes(&group["privateKeyPkcs8"])).unwrap();
    let parameters = OaepParameters {
        digest: digest(&group["sha"]),
        mask_digest: digest(&group["mgfSha"]),
        label: bytes(&case["label"]),
    };
    same_or_refused(key.decrypt_rsa_oaep(&parameters, &bytes(&case["ct"])), &bytes(&case["msg"]))
}

/// With implicit rejection nothing is refused: a bad ciphertext gives the other secret, whatever
/// length is asked for; and a good one does, too, where another length is asked for.
fn rsa_decryption(group: &Value, case: &Value) -> Answer {
    let key = SecretKey::from_pkcs8_der(&bytes(&group["privateKeyPkcs8"])).unwrap();
    let (message, ciphertext) = (bytes(&case["msg"]), bytes(&case["ct"]));
    let valid = case["result"] == "valid";
    for length in [8, 16, 24, 32, message.len(), message.len() + 1] {
        let opened = key.decrypt_rsa_pkcs1(&ciphertext, length).unwrap();
        let expected =
            if valid && length == message.len() { message.as_slice() } else { opened.rejection.expose() };
        let right =
            opened.secret.expose() == expected && (length == 0 || opened.rejection.expose() != message);
        assert!(right, "case {}, length {length}", case["tcId"]);
    }
    answer(valid)
}

fn ecdh_key(group: &Value, case: &Value) -> Answer {
    let Ok(peer) = PublicKey::from_der(&bytes(&case["public"])) else { return Answer::Refused };
    let Some(point) = peer.raw() else { return Answer::Refused };
    agree(&elliptic_key(group, case), point, case)
}

fn ecdh_point(group: &Value, case: &Value) -> Answer {
    agree(&elliptic_key(group, case), &bytes(&case["public"]), case)
}

/// The secret key as SEC 1 with its curve inside.
fn elliptic_key(group: &Value, case: &Value) -> SecretKey {
    let curve: &[u8] = match group["curve"].as_str().unwrap() {
        "secp256r1" => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        "secp384r1" => &[6, 5, 0x2b, 0x81, 4, 0, 34],
        other => panic!("unexpected curve {other}"),
    };
    let scalar = tlv(4, &bytes(&case["private"]));
    let sec1 = tlv(0x30, &[&[2, 1, 1], &scalar[..], &tlv(0xa0, curve)].concat());
    SecretKey::from_any(&sec1, None).unwrap()
}

fn x25519(_: &Value, case: &Value) -> Answer {
    let identifier = [6, 3, 0x2b, 0x65, 0x6e];
    let seed = tlv(4, &tlv(4, &bytes(&case["private"])));
    let pkcs8 = tlv(0x30, &[&[2, 1, 0], &tlv(0x30, &identifier)[..], &seed].concat());
    agree(&SecretKey::from_pkcs8_der(&pkcs8).unwrap(), &bytes(&case["public"]), case)
}

fn agree(key: &SecretKey, peer: &[u8], case: &Value) -> Answer {
    same_or_refused(key.agree(peer), &bytes(&case["shared"]))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    value.extend_from_slice(content);
    value
}
