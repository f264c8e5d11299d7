//! Certificates of the owner that end, and a clock that is behind.

use std::collections::BTreeMap;

use counterseal_core::time::{DAY, Time};
use counterseal_core::x509::Certificate;

use super::finding::Finding;
use crate::failure::Failure;
use crate::store::{KeyUse, Store};

/// Days before the end of a certificate that are soon.
const SOON_DAYS: i64 = 30;

/// For each address and use, the certificate that ends last.
pub(super) fn of(store: &Store, now: Time) -> Result<Vec<Finding>, Failure> {
    let mut ends: BTreeMap<(String, &'static str), Time> = BTreeMap::new();
    for key in store.secret_keys()?.iter().filter(|key| key.retired.is_none()) {
        for der in store.certificates_of(key.fingerprint.sha256())? {
            let Ok(certificate) = Certificate::from_der(&der) else { continue };
            for address in certificate.addresses() {
                let end =
                    ends.entry((address.to_string(), words(key.key_use))).or_insert(certificate.not_after());
                *end = (*end).max(certificate.not_after());
            }
        }
    }
    let findings = ends.into_iter().filter_map(|((address, what), end)| ending(&address, what, end, now));
    Ok(findings.collect())
}

fn ending(address: &str, what: &str, end: Time, now: Time) -> Option<Finding> {
    let day = end.to_date();
    let finding = if end < now {
        Finding::warning("ended", format!("{address}: your {what} ended on {day}"))
    } else if end < now.plus_days(SOON_DAYS) {
        Finding::warning("ends-soon", format!("{address}: your {what} ends on {day}"))
    } else {
        return None;
    };
    Some(finding.hint(format!("make a new one: cseal keys renew {address}")))
}

const fn words(key_use: KeyUse) -> &'static str {
    match key_use {
        KeyUse::PersonalCa => "personal CA",
        KeyUse::Encryption => "encryption certificate",
        KeyUse::Signing => "signing certificate",
    }
}

/// Whether the clock is behind something that this store wrote.
pub(super) fn clock(store: &Store, now: Time) -> Result<Vec<Finding>, Failure> {
    let keys = store.secret_keys()?.into_iter().map(|key| key.created);
    let entries = store.log()?.entries.into_iter().map(|entry| entry.at);
    let newest = keys.chain(entries).chain(store.last_backup()?.map(|last| last.made)).max();
    // A day is more than any time zone, and less than what makes a certificate look valid.
    let Some(newest) = newest.filter(|newest| newest.unix_seconds() > now.unix_seconds() + DAY) else {
        return Ok(Vec::new());
    };
    let message =
        format!("the clock says {}, and the key store was changed on {}", now.to_date(), newest.to_date());
    Ok(vec![
        Finding::warning("clock-behind", message).hint("set the clock: what has ended looks valid by it"),
    ])
}
