//! The libraries for tokens that are configured, the tokens that are there, and the keys whose tokens are not.

use std::path::Path;

use super::finding::Finding;
use crate::config::Config;
use crate::failure::Failure;
use crate::store::Store;
use crate::token::{PinSource, Present, Tokens};

/// Nobody is asked for a PIN for this.
pub(super) fn of(directory: &Path) -> Result<Vec<Finding>, Failure> {
    let tokens = Tokens::new(Config::read()?.tokens, PinSource::default());
    let (present, errors) = tokens.present();
    let mut findings: Vec<Finding> = errors.into_iter().map(warning).collect();
    findings.extend(present.iter().map(note));
    // Whatever is wrong with the store is said where the store is looked at.
    let places = Store::open(directory).and_then(|store| store.token_keys()).unwrap_or_default();
    let mut places: Vec<_> = places.into_values().collect();
    places.sort_by(|one, other| one.serial.cmp(&other.serial));
    places.dedup_by(|one, other| one.serial == other.serial);
    places.retain(|place| !present.iter().any(|token| token.serial() == place.serial));
    findings.extend(places.iter().map(|place| {
        let message = format!("keys of yours are on the token {}, which is not there", place.label);
        Finding::warning("no-token", message).hint("insert it before you use them")
    }));
    Ok(findings)
}

fn note(token: &Present) -> Finding {
    Finding::note("token", format!("the token {}, serial number {}", token.label(), token.serial()))
}

fn warning(failure: Failure) -> Finding {
    let finding = Finding::warning(failure.word, failure.message);
    match failure.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}
