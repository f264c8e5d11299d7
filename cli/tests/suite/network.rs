//! What is found on the network: with real servers of others, on this machine alone.

mod delivery;
mod find;
mod proxied;
mod revocation;

use std::path::PathBuf;

use crate::people::{Place, Ran};

/// The JSON object on standard output.
#[track_caller]
fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.text(), ran.stderr))
}

/// Writes somebody's policy.
fn policy(place: &Place, person: &str, text: &str) -> PathBuf {
    std::fs::create_dir_all(place.path(person)).unwrap();
    place.write(&format!("{person}/policy.toml"), text)
}
