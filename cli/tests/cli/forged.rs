//! The attack suite: every file of `testdata/forged` gets the result that its table requires.
//!
//! The table (`expected.tsv`) and the files are written by `core/examples/forge`; what is required
//! follows from the standards and the security requirements, not from what this program does. Each
//! attack has a good twin among the rows, so that nothing passes by refusing everything.

mod bounds;
mod reading;
mod table;

use std::collections::BTreeMap;

use reading::{Reader, Reading};
use table::{Row, rows};

/// Times that a row is read whose outcome hangs on a random key. RFC 3218 has a broken key replaced
/// by a random one, and under CBC a random key gives a valid padding once in 256 times; all else is
/// decided at the first reading.
const ATTEMPTS: usize = 3;

#[test]
fn every_forged_file_gets_the_required_result() {
    let reader = Reader::new();
    let failures: Vec<String> = rows().iter().filter_map(|row| failure(&reader, row)).collect();
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

fn failure(reader: &Reader, row: &Row) -> Option<String> {
    let attempts = if row.hangs_on_a_random_key() { ATTEMPTS } else { 1 };
    let mut found = None;
    for _ in 0..attempts {
        found = row.objection(&reader.read(row));
        found.as_ref()?;
    }
    found.map(|objection| format!("{}: {objection} ({})", row.file, row.attack))
}

#[test]
fn every_attack_has_a_good_twin_in_the_table() {
    let rows = rows();
    for row in &rows {
        let twin = rows.iter().find(|twin| twin.file == row.twin);
        let is_good =
            twin.is_some_and(|twin| twin.twin == "-" && twin.exit.split('|').any(|exit| exit == "0"));
        assert!(row.twin == "-" || is_good, "{}: its twin {} is no good row", row.file, row.twin);
    }
    assert!(rows.len() > 300, "{} rows", rows.len());
}

/// Whoever sends broken keys and paddings must learn nothing from what comes back.
#[test]
fn oracles_are_answered_with_the_same_bytes() {
    let reader = Reader::new();
    let rows = rows();
    for group in ["rsa15/", "oaep/", "cbc-fail/"] {
        let mut answers: BTreeMap<Reading, Vec<String>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.file.starts_with(group)) {
            let mut answer = reader.read(row);
            for _ in 1..ATTEMPTS {
                if answer.exit != 0 || !row.hangs_on_a_random_key() {
                    break;
                }
                answer = reader.read(row);
            }
            answers.entry(answer).or_default().push(row.file.clone());
        }
        assert_eq!(answers.len(), 1, "{group}: {answers:#?}");
    }
}
