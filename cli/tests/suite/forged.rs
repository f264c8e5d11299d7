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

#[test]
fn every_forged_file_gets_the_required_result() {
    let reader = Reader::new();
    let failures: Vec<String> = rows().iter().filter_map(|row| failure(&reader, row)).collect();
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

fn failure(reader: &Reader, row: &Row) -> Option<String> {
    let objection = row.objection(&reader.read(row))?;
    Some(format!("{}: {objection} ({})", row.file, row.attack))
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

/// Whoever sends broken keys and paddings must learn nothing from what comes back. (Once in 256 files
/// the key that stands in for a broken one leaves a good padding under CBC; these are none of them.)
#[test]
fn oracles_are_answered_with_the_same_bytes() {
    let reader = Reader::new();
    let rows = rows();
    for group in ["rsa15/", "oaep/", "cbc-fail/"] {
        let mut answers: BTreeMap<Reading, Vec<String>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.file.starts_with(group)) {
            answers.entry(reader.read(row)).or_default().push(row.file.clone());
        }
        assert_eq!(answers.len(), 1, "{group}: {answers:#?}");
    }
}
