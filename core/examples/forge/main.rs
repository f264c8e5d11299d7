//! Builds the attack suite: mails and objects as attackers forge them, each with the result that
//! is required of whoever reads it, and with a good twin that must be accepted.
//!
//! `cargo run --release --example forge -- testdata/forged` writes the same files in every run.
//! What is required follows from the standards and from the project's security requirements,
//! never from what the programs do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asn1;
mod certificates;
mod chains;
mod decryption;
mod edges;
mod identities;
mod keys;
mod mail;
mod people;
mod primitives;
mod revocation;
mod sealed;
mod signatures;
mod signed;
mod structures;
mod suite;

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).expect("usage: forge FOLDER");
    let cast = people::Cast::new();
    let mut suite = suite::Suite::default();
    for (name, text) in cast.files() {
        suite.file(&format!("people/{name}"), text);
    }
    decryption::forge(&cast, &mut suite);
    structures::forge(&cast, &mut suite);
    signatures::forge(&cast, &mut suite);
    chains::forge(&cast, &mut suite);
    revocation::forge(&cast, &mut suite);
    identities::forge(&cast, &mut suite);
    edges::forge(&cast, &mut suite);
    suite.write(&folder).expect("the folder can be written");
}
