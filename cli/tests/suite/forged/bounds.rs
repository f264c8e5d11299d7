//! Inputs that are too large to be kept: made here, refused within time and memory.

use std::path::Path;
use std::time::{Duration, Instant};

use super::reading::{Reader, Reading};

/// Address space of a run in KiB. The program and what it is linked with take most of it.
const ADDRESS_SPACE: u32 = 64 << 10;
/// How long any refusal may take on a machine that has other things to do as well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads `mail` within the bounds.
fn bounded(verb: &str, mail: &[u8]) -> Reading {
    let reader = Reader::new();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("in.eml");
    std::fs::write(&file, mail).unwrap();
    let script = format!("ulimit -v {ADDRESS_SPACE}; exec \"$@\"");
    let shell = ["-c", &script, "sh", env!("CARGO_BIN_EXE_cseal")];
    let begin = Instant::now();
    let reading = reader.run(reader.command_of(Path::new("/bin/sh"), &shell, verb), &file);
    assert!(begin.elapsed() < PATIENCE, "took {:?}", begin.elapsed());
    assert!(!reading.has_control_octets());
    reading
}

fn refused(verb: &str, mail: &[u8], words: &[&str]) {
    let reading = bounded(verb, mail);
    let result = reading.result();
    assert!(words.iter().any(|word| result == format!("error:{word}")), "{result}");
    assert_eq!((reading.exit, reading.written), (3, None));
}

fn sealed(object: &[u8]) -> Vec<u8> {
    use base64ct::Encoding as _;
    let text = base64ct::Base64::encode_string(object);
    let mut mail = b"From: alice@example.org\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; \
        smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    for line in text.as_bytes().chunks(76) {
        mail.extend_from_slice(line);
        mail.extend_from_slice(b"\r\n");
    }
    mail
}

/// The beginning of a ContentInfo with EnvelopedData, of unknown length: up to the version.
const BEGINNING: &[u8] = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80\x02\x01\x00";

#[test]
fn a_million_constructions_inside_each_other_are_refused() {
    let mut object = BEGINNING.to_vec();
    object.push(0x31);
    object.push(0x80);
    object.extend([0x30, 0x80].repeat(1_000_000));
    object.extend([0_u8; 2].repeat(1_000_000));
    refused("decrypt", &sealed(&object), &["malformed", "limit"]);
}

#[test]
fn a_million_strings_inside_each_other_are_refused() {
    let mut object =
        b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00\
        \x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80"
            .to_vec();
    object.extend([0x24, 0x80].repeat(1_000_000));
    let mail = String::from_utf8(sealed(&object)).unwrap().replace("enveloped-data", "signed-data");
    let reading = bounded("verify", mail.as_bytes());
    assert_eq!((reading.exit, reading.result().as_str()), (1, "invalid"), "{reading:?}");
}

#[test]
fn recipients_above_the_limit_are_refused() {
    let mut object = BEGINNING.to_vec();
    object.extend(b"\x31\x80");
    // A KeyTransRecipientInfo of somebody else, the key of no octets.
    let recipient = b"\x30\x19\x02\x01\x00\x30\x05\x30\x00\x02\x01\x01\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x04\x00";
    let recipient = [&[0x30, recipient.len() as u8 - 2], recipient.get(2..).unwrap()].concat();
    object.extend(recipient.repeat(20_001));
    refused("decrypt", &sealed(&object), &["limit"]);
}

#[test]
fn five_thousand_levels_of_multipart_are_refused() {
    let mut mail = String::from("From: alice@example.org\r\nMIME-Version: 1.0\r\n");
    for level in 0..5000 {
        mail.push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n"));
    }
    mail.push_str("\r\nx\r\n");
    refused("verify", mail.as_bytes(), &["malformed", "limit"]);
}

#[test]
fn header_sections_above_the_limit_are_refused() {
    let field = |length: usize| format!("X-Long: {}\r\n", "x".repeat(length));
    let mail = |fields: String| format!("From: alice@example.org\r\n{fields}\r\nx\r\n");
    let bytes = mail(field(900).repeat(120));
    refused("verify", bytes.as_bytes(), &["malformed", "limit"]);
    let lines = mail(field(1).repeat(1001));
    refused("verify", lines.as_bytes(), &["malformed", "limit"]);
    let within = bounded("verify", mail(field(1).repeat(900)).as_bytes());
    assert_eq!(within.result(), "unsigned");
}
