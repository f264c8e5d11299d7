//! A valid SignedData is bent by its structure; whatever we still call good, OpenSSL calls good too, with the same content.
//!
//! The input is a list of bends, three octets each. OpenSSL is asked only where we accept, so that most runs are fast.
//! There is no agreed deviation: we are stricter or equal.
#![no_main]

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::process::Command;

use counterseal_core::cms::{SignatureOutcome, read_signed};
use counterseal_fuzz::{Content, Element, LengthForm, SIGNED};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut object = Element::parse(SIGNED).expect("a file of our own");
    for bend in data.chunks_exact(3).take(8) {
        apply(&mut object, bend[0], bend[1], bend[2]);
    }
    let mut bent = Vec::new();
    object.write(&mut bent);
    let mut content = Vec::new();
    let Ok(signed) = read_signed(&mut Cursor::new(&bent), None, &[], &mut content) else { return };
    let good = |outcome| outcome == SignatureOutcome::Good;
    if !signed.signers.is_empty() && signed.signers.iter().all(|signer| good(signer.outcome)) {
        assert_eq!(openssl(&bent).as_deref(), Some(content.as_slice()), "we accept what OpenSSL does not");
    }
});

fn apply(object: &mut Element, operation: u8, which: u8, how: u8) {
    let number = usize::from(which) % object.count();
    let Some(element) = object.element(number) else { return };
    match operation % 9 {
        0 => element.identifier ^= how,
        1 => element.length = LengthForm::Padded,
        2 if element.identifier & 0x20 != 0 => element.length = LengthForm::Indefinite,
        3 => element.length = LengthForm::Off(how as i8),
        operation => match &mut element.content {
            Content::Primitive(bytes) => bend_bytes(bytes, operation, how),
            Content::Constructed(children) => bend_children(children, operation, how),
        },
    }
}

fn bend_bytes(bytes: &mut Vec<u8>, operation: u8, how: u8) {
    match operation {
        4 => bytes.push(how),
        5 => drop(bytes.pop()),
        6 => bytes.insert(0, how),
        _ => {
            if let Some(byte) = bytes.get_mut(usize::from(how >> 3)) {
                *byte ^= 1 << (how & 7);
            }
        }
    }
}

fn bend_children(children: &mut Vec<Element>, operation: u8, how: u8) {
    if children.is_empty() {
        return;
    }
    let place = usize::from(how) % children.len();
    match operation {
        4 => children.insert(place, children[place].clone()),
        5 => drop(children.remove(place)),
        6 => children.rotate_left(place),
        7 => children.swap(place, 0),
        _ => children.push(children[place].clone()),
    }
}

/// The content, where `openssl cms -verify` accepts it. Chains are not its business here.
fn openssl(signed: &[u8]) -> Option<Vec<u8>> {
    let directory = PathBuf::from(std::env::temp_dir()).join(format!("counterseal-structure-{}", std::process::id()));
    fs::create_dir_all(&directory).ok()?;
    let [input, output] = ["in", "out"].map(|name| directory.join(name));
    fs::write(&input, signed).ok()?;
    let run = Command::new("openssl")
        .args(["cms", "-verify", "-binary", "-noverify", "-inform", "DER", "-in"])
        .arg(&input)
        .arg("-out")
        .arg(&output)
        .output()
        .expect("openssl runs");
    let content = run.status.success().then(|| fs::read(&output).ok()).flatten();
    let _ = fs::remove_dir_all(&directory);
    content
}
