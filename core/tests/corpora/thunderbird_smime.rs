//! Thunderbird's S/MIME mails, each with the result that its own test expects (`expected.json`).

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::path::Path;

use counterseal_core::cms::{ContentType, OpenOptions, content_type, open};
use counterseal_core::keys::Keyring;
use counterseal_core::mail::{Wrapping, cms_part};
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::{SecretKey, pkcs12};
use serde_json::Value;

use super::signatures::words;

/// What is found in a mail, layer by layer.
#[derive(Default)]
struct Layers {
    encrypted: bool,
    /// Words of the outermost signature.
    signature: Option<&'static str>,
    /// The innermost content.
    text: Vec<u8>,
}

#[test]
fn every_mail_has_the_expected_result() {
    let Some(folder) = super::folder("thunderbird-smime") else { return };
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    let keys = keys(&folder.join("data"));
    let mut counts = BTreeMap::new();
    for case in &expected {
        let name = case["filename"].as_str().unwrap();
        let Ok(mail) = std::fs::read(folder.join("data").join(name)) else {
            assert!(name.starts_with("../"), "{name} is missing");
            *counts.entry("not in the folder").or_insert(0) += 1;
            continue;
        };
        let layers = read_layers(mail, &keys);
        check(case, name, &layers);
        *counts.entry("checked").or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([("checked", 58), ("not in the folder", 10)]));
}

fn check(case: &Value, name: &str, layers: &Layers) {
    let expects = |field: &str| case[field].as_bool().unwrap_or(false);
    if let Some(word) = different(name) {
        assert_eq!(layers.signature, Some(word), "{name}");
    } else if expects("sig") {
        assert!(layers.signature.is_some(), "{name}");
        assert_eq!(layers.signature == Some("good"), expects("sig_good"), "{name}: {:?}", layers.signature);
    } else {
        assert_eq!(layers.signature, None, "{name}");
    }
    if expects("enc") {
        assert!(layers.encrypted, "{name}");
    }
    if let Some(text) = case["check_text"].as_str() {
        assert!(String::from_utf8_lossy(&layers.text).contains(text), "{name}");
    }
}

/// Mails for which the program shows less than the signature says, because of where it stands or
/// when it was made. Both are for the verdict over the whole mail, not for the mathematics here.
fn different(name: &str) -> Option<&'static str> {
    let digest = if name.contains("SHA1.") { "weak-sha1" } else { "good" };
    // The mail's date lies six hours after the signing time.
    let other_date = name == "alice.future.dsig.SHA256.multipart.eml";
    // Signed around something encrypted: Thunderbird shows no signature of the outer layer. Where
    // it is a multipart/signed, the content has a line more than was signed; OpenSSL says so too.
    let signed_outside = name.starts_with("alice.env.") && !name.contains("dave") && name != "alice.env.eml";
    if signed_outside && name.contains("multipart") {
        return Some("content-changed");
    }
    // A signature around a multipart/signed, or as one: Thunderbird shows that of neither.
    let nested = name.contains("dave") && name.contains("multipart");
    (other_date || signed_outside || nested).then_some(digest)
}

fn keys(folder: &Path) -> Keyring {
    let mut keys = Keyring::new();
    for name in ["Bob.p12", "Dave.p12", "Eve.p12", "Fran.p12", "Alice-ec.p12", "Fran-ec.p12"] {
        let file = std::fs::read(folder.join(name)).unwrap();
        let contents = pkcs12::read(&file, &SecretBytes::copy_of(b"nss")).unwrap();
        for entry in &contents.keys {
            keys.add_key(SecretKey::from_pkcs8_der(entry.private_key_info.expose()).unwrap());
        }
        for entry in &contents.certificates {
            keys.add_certificate(super::signatures::certificate(&entry.certificate));
        }
    }
    keys
}

fn read_layers(mut mail: Vec<u8>, keys: &Keyring) -> Layers {
    let mut layers = Layers::default();
    loop {
        let mut source = Cursor::new(&mail);
        let inner = match cms_part(&mut source).unwrap().wrapping {
            Wrapping::Signed(parts) => {
                let mut content = Vec::new();
                parts.open(&mut source).unwrap().read_to_end(&mut content).unwrap();
                signature(&mut layers, &parts.signature, Some(&content));
                content
            }
            Wrapping::Cms(body) => {
                let mut object = Vec::new();
                body.open(&mut source).unwrap().read_to_end(&mut object).unwrap();
                match content_type(&mut Cursor::new(&object)).unwrap() {
                    ContentType::SignedData => signature(&mut layers, &object, None),
                    _ => {
                        layers.encrypted = true;
                        opened(&object, keys)
                    }
                }
            }
            _ => {
                layers.text = mail;
                return layers;
            }
        };
        mail = inner;
    }
}

/// Notes the first signature that is met, and gives the content inside.
fn signature(layers: &mut Layers, object: &[u8], detached: Option<&[u8]>) -> Vec<u8> {
    let (signed, content) = super::signatures::read(object, detached, &[]);
    layers.signature.get_or_insert(words(&signed)[0]);
    content
}

fn opened(object: &[u8], keys: &Keyring) -> Vec<u8> {
    let mut content = Vec::new();
    open(&mut Cursor::new(object), keys, &mut SystemRandom, &OpenOptions::default(), &mut content).unwrap();
    content
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}
