//! What is not, to the last byte, what a store wrote is refused.
#![allow(clippy::unwrap_used)]

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::Fingerprint;
use counterseal_core::trust::log::{Event, EventKind};

use counterseal_core::limits::{TRUST_FILE_LINE_BYTES, TRUST_FILE_ROWS};
use counterseal_core::time::Time;
use sha2::{Digest, Sha256};

use super::*;
use crate::render::json::hexadecimal;
use crate::store::{EvidenceKind, NewTrust, Protection, Store, TrustKind};

const NOW: Time = Time::from_unix_seconds(1_795_262_400);

/// A store that knows Bob, and what it writes.
fn written() -> (tempfile::TempDir, Store, String) {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::create(home.path(), &Protection::None, NOW).unwrap();
    let address = EmailAddress::parse("bob@example.org").unwrap();
    let key = Fingerprint::of_public_key(b"bob");
    store
        .write(NOW, |writer| {
            for kind in [TrustKind::Contact, TrustKind::Pin] {
                let (points, source) = (10, "import");
                let capabilities = Some(&b"\x30\x00"[..]);
                let announced = Some(NOW);
                let new =
                    NewTrust { kind, address: &address, key: &key, points, source, capabilities, announced };
                writer.add_trust(&new)?;
            }
            writer.keep_evidence(EvidenceKind::Introducer, &[7; 20], &[120, 0])?;
            writer.record(&address, key.sha256(), Event::Plain(EventKind::Seen))?;
            writer.record(&address, key.sha256(), Event::Received { message: [1; 32], answers: false })
        })
        .unwrap();
    let text = write(&store, &store.records().unwrap(), NOW).unwrap();
    (home, store, text)
}

/// The same with other lines, and a good signature.
fn signed_anew(store: &Store, change: impl FnOnce(&mut Vec<String>)) -> String {
    let text = write(store, &store.records().unwrap(), NOW).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    lines.pop();
    change(&mut lines);
    let signature = store.sign_records(&Sha256::digest(lines.concat()).into()).unwrap();
    let (key, signature) = (hexadecimal(&signature.key), hexadecimal(&signature.signature));
    let rows = lines.len() as u64;
    lines.push(write::line(&Row::End { rows, key, signature }));
    lines.concat()
}

#[track_caller]
fn refused(text: &str) -> Fault {
    read(text.as_bytes(), NOW).unwrap_err()
}

fn replaced(line: usize, from: &str, to: &str) -> Fault {
    let (_home, store, _) = written();
    let text = signed_anew(&store, |lines| {
        assert!(lines[line].contains(from), "{}", lines[line]);
        lines[line] = lines[line].replace(from, to);
    });
    refused(&text)
}

#[test]
fn what_a_store_writes_is_read_back_whole() {
    let (_home, store, text) = written();
    assert!(text.as_bytes().starts_with(BEGINNING));
    let file = read(text.as_bytes(), NOW).unwrap();
    assert_eq!(file.records, store.records().unwrap());
    assert_eq!((file.records.trust.len(), file.records.entries.len(), file.made), (2, 2, NOW));
}

#[test]
fn every_bit_is_signed() {
    let (_home, _store, text) = written();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        assert!(read(&bytes, NOW).is_err(), "octet {place}");
    }
    for end in 0..text.len() {
        assert!(read(&text.as_bytes()[..end], NOW).is_err(), "{end} octets");
    }
    assert!(read(format!("{text}\n").as_bytes(), NOW).is_err());
}

#[test]
fn another_version_or_format_is_refused_whoever_signed_it() {
    assert_eq!(replaced(0, "\"version\":1", "\"version\":2"), Fault::Version(2));
    assert_eq!(replaced(0, "counterseal trust", "something else"), Fault::Format);
    assert_eq!(replaced(0, "\"version\":1", "\"version\":\"1\""), Fault::Line(1));
}

#[test]
fn rows_that_are_none_are_refused() {
    assert_eq!(replaced(1, "\"points\":10", "\"points\":\"10\""), Fault::Line(2));
    assert_eq!(replaced(1, "\"points\":10", "\"points\":10,\"more\":1"), Fault::Line(2));
    assert_eq!(replaced(1, "\"points\":10", "\"points\":121"), Fault::Value(2));
    assert_eq!(replaced(1, "\"points\":10", "\"points\":-1"), Fault::Value(2));
    assert_eq!(replaced(1, "bob@example.org", "Bob@EXAMPLE.org"), Fault::Value(2));
    assert_eq!(replaced(1, "bob@example.org", "nobody"), Fault::Value(2));
    assert_eq!(replaced(1, "\"import\"", "\"\\u001b[31m\""), Fault::Value(2));
    assert_eq!(replaced(3, "\"content\":\"", "\"content\":\"*"), Fault::Value(4));
    assert_eq!(replaced(4, "\"seen\"", "\"unseen\""), Fault::Value(5));
}

#[test]
fn dates_to_come_are_refused() {
    let later = NOW.plus_days(2).unix_seconds().to_string();
    let today = NOW.unix_seconds().to_string();
    for line in 0..6 {
        assert_eq!(replaced(line, &today, &later), Fault::Value(line + 1));
        assert_eq!(replaced(line, &today, "-1"), Fault::Value(line + 1));
    }
}

#[test]
fn a_row_stands_once_and_the_history_is_a_chain() {
    let (_home, store, _) = written();
    for line in 1..4 {
        let text = signed_anew(&store, |lines| lines.push(lines[line].clone()));
        assert_eq!(refused(&text), Fault::Twice(7));
    }
    assert_eq!(refused(&signed_anew(&store, |lines| lines.swap(4, 5))), Fault::History);
    assert_eq!(refused(&signed_anew(&store, |lines| drop(lines.remove(4)))), Fault::History);
    assert_eq!(replaced(5, "\"own\":\"01", "\"own\":\"02"), Fault::History);
    let again = signed_anew(&store, |lines| lines.push(lines[0].clone()));
    assert_eq!(refused(&again), Fault::Line(7));
}

#[test]
fn limits_hold_at_the_limit_and_not_beyond() {
    let (_home, store, _) = written();
    let padded = |length: usize| {
        signed_anew(&store, |lines| {
            let padding = " ".repeat(length - lines[1].len());
            lines[1] = lines[1].replacen('{', &format!("{{{padding}"), 1);
            assert_eq!(lines[1].len(), length);
        })
    };
    assert!(read(padded(TRUST_FILE_LINE_BYTES).as_bytes(), NOW).is_ok());
    assert_eq!(refused(&padded(TRUST_FILE_LINE_BYTES + 1)), Fault::TooLong(2));
    assert_eq!(refused(&"\n".repeat(TRUST_FILE_ROWS + 1)), Fault::TooManyLines);
    assert_eq!(refused(&"\n".repeat(TRUST_FILE_ROWS)), Fault::Line(1));
}

#[test]
fn evidence_of_a_later_version_is_named_and_left() {
    let (_home, store, _) = written();
    let text = signed_anew(&store, |lines| {
        lines[3] = lines[3].replace("\"introducer\"", "\"oracle\"");
    });
    let file = read(text.as_bytes(), NOW).unwrap();
    assert_eq!(file.unknown, ["oracle"]);
    assert!(file.records.evidence.is_empty());
    // What is about the owner or the store itself is none of others.
    let text = signed_anew(&store, |lines| {
        lines[3] = lines[3].replace("\"introducer\"", "\"removed-key\"");
    });
    assert_eq!(read(text.as_bytes(), NOW).unwrap().unknown, ["removed-key"]);
}
