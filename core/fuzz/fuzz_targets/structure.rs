//! A valid SignedData is bent by its structure; whatever we still call good, OpenSSL calls good too, with the same content.
//!
//! Certificates are not inside: bending those is the business of `certificate_path`. The input is a list of bends, three octets each. OpenSSL is asked only where we accept, so that most runs are fast.
//! Two deviations are agreed. Signed attributes in BER are verified as DER (RFC 5652, section 5.4), which OpenSSL does not do.
//! And digestAlgorithms, which nothing signs, is a hint (section 5.1): a digest that it does not announce is made in a second
//! pass. So OpenSSL may accept either what came, or its DER with our digestAlgorithms. In all else we are stricter or equal.
#![no_main]

use std::fs;
use std::io::Cursor;
use std::process::Command;

use counterseal_core::cms::{SignatureOutcome, read_signed};
use counterseal_core::der::to_der;
use counterseal_fuzz::{Content, Element, LengthForm, SIGNED, certificates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if data.len() < 3 {
        return;
    }
    let mut object = Element::parse(SIGNED).expect("a file of our own");
    for bend in data.chunks_exact(3).take(8) {
        apply(&mut object, bend[0], bend[1], bend[2]);
    }
    let bent = object.encoded();
    let mut content = Vec::new();
    let Ok(signed) = read_signed(&mut Cursor::new(&bent), None, certificates(), &mut content) else { return };
    let good = |outcome| outcome == SignatureOutcome::Good;
    if !signed.signers.is_empty() && signed.signers.iter().all(|signer| good(signer.outcome)) {
        let accepted = [Some(bent.clone()), in_der(&bent)]
            .into_iter()
            .flatten()
            .any(|object| openssl(&object).as_deref() == Some(content.as_slice()));
        if !accepted {
            let kept = std::env::temp_dir().join("counterseal-structure.p7m");
            let _ = fs::write(&kept, &bent);
            panic!("we accept what OpenSSL does not; the object is in {}", kept.display());
        }
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

/// The object in DER, the attributes of its signers in their order too, with the digestAlgorithms that it had.
fn in_der(object: &[u8]) -> Option<Vec<u8>> {
    let mut object = Element::parse(&to_der(object).ok()?)?;
    let mut unbent = Element::parse(SIGNED)?;
    let announced =
        unbent.children_mut().get_mut(1)?.children_mut().first_mut()?.children_mut().get(1)?.clone();
    let signed = object.children_mut().get_mut(1)?.children_mut().first_mut()?;
    *signed.children_mut().get_mut(1)? = announced;
    for info in signed.children_mut().last_mut()?.children_mut() {
        if let Some(attributes) = info.children_mut().get_mut(3) {
            attributes.children_mut().sort_by_key(Element::encoded);
        }
    }
    Some(object.encoded())
}

/// The content, where `openssl cms -verify` accepts it. Chains are not its business here.
fn openssl(signed: &[u8]) -> Option<Vec<u8>> {
    let directory = std::env::temp_dir().join(format!("counterseal-structure-{}", std::process::id()));
    fs::create_dir_all(&directory).ok()?;
    let [input, output] = ["in", "out"].map(|name| directory.join(name));
    fs::write(&input, signed).ok()?;
    let run = Command::new("openssl")
        .args(["cms", "-verify", "-binary", "-noverify", "-inform", "DER"])
        .args(["-certfile", concat!(env!("CARGO_MANIFEST_DIR"), "/keys/p256.pem"), "-in"])
        .arg(&input)
        .arg("-out")
        .arg(&output)
        .output()
        .expect("openssl runs");
    let content = run.status.success().then(|| fs::read(&output).ok()).flatten();
    let _ = fs::remove_dir_all(&directory);
    content
}
