//! `cseal archive`: whole archives, whatever happens while they are worked on.

mod generations;
mod places;
mod stopped;
mod troubles;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::people::{Place, Ran};

/// A line before a mail in an mbox.
const SEPARATOR: &str = "From alice@example.org Fri Jul  8 12:08:34 2011\n";

/// A mail with line feeds, as they are kept, sealed by openssl for a certificate.
fn sealed(place: &Place, certificate: &str, number: usize, text: &str) -> String {
    let entity = format!("Content-Type: text/plain\r\n\r\nThis is mail {number}.\r\n{text}");
    place.write("entity", &entity);
    openssl(
        place,
        &[
            "cms",
            "-encrypt",
            "-binary",
            "-aes-256-cbc",
            "-in",
            "entity",
            "-outform",
            "DER",
            "-out",
            "sealed.der",
            certificate,
        ],
    );
    mail(number, &place.read("sealed.der"))
}

/// Runs openssl in the folder; it must succeed.
#[track_caller]
fn openssl(place: &Place, arguments: &[&str]) {
    let ran = Command::new("openssl").args(arguments).current_dir(place.path("")).output().unwrap();
    assert!(ran.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A mail around an encrypted object.
fn mail(number: usize, object: &[u8]) -> String {
    let mut lines = String::new();
    for line in base64_of(object).as_bytes().chunks(64) {
        lines.push_str(std::str::from_utf8(line).unwrap());
        lines.push('\n');
    }
    format!(
        "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: number {number}\n\
         Message-ID: <{number}@example.org>\nX-Status: RO\nMIME-Version: 1.0\n\
         Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\
         Content-Transfer-Encoding: base64\n\n{lines}"
    )
}

fn base64_of(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32, place: u32| char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().chain([0, 0].iter()).take(3).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        text.extend((0..4).map(|place| if place as usize > group.len() { '=' } else { digit(bits, place) }));
    }
    text
}

fn mbox(mails: &[String]) -> String {
    mails.iter().map(|mail| format!("{SEPARATOR}{mail}\n")).collect()
}

/// A Maildir with these mails, half of them read.
fn maildir(place: &Place, name: &str, mails: &[String]) -> PathBuf {
    let root = place.path(name);
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (number, mail) in mails.iter().enumerate() {
        fs::write(root.join(maildir_name(number)), mail).unwrap();
    }
    root
}

fn maildir_name(number: usize) -> String {
    if number.is_multiple_of(2) {
        format!("cur/17{number}.M1P2.host:2,S")
    } else {
        format!("new/17{number}.M1P2.host")
    }
}

/// The last line of `--json`.
#[track_caller]
fn summary(ran: &Ran) -> serde_json::Value {
    let text = ran.text();
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn outcomes(ran: &Ran) -> Vec<(String, u64)> {
    let summary = summary(ran);
    let outcomes = summary["outcomes"].as_object().unwrap();
    outcomes.iter().map(|(word, count)| (word.clone(), count.as_u64().unwrap())).collect()
}

fn counted(words: &[(&str, u64)]) -> Vec<(String, u64)> {
    words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
}

/// Everything below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Bob's store, started and left to itself.
fn start(place: &Place, arguments: &[&str]) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_cseal"))
        .args(arguments)
        .current_dir(place.path(""))
        .env("COUNTERSEAL_HOME", place.path("bob"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
