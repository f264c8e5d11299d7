//! A word, once a day at most, that a certificate of our own ends soon.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;

use crate::clock;
use crate::failure::Failure;
use crate::files::write_file;
use crate::places;
use crate::render::renew as render;
use crate::store::{KeyUse, Store};
use crate::terminal;

/// Days before its end that a certificate announces it.
pub(crate) const DAYS: i64 = 30;
/// The file that says on which day it was said last.
const SAID: &str = "expiry-said";

/// Says it where it is time. Nothing here can keep a mail from being read or written.
pub(super) fn note(store: &Store, is_silent: bool) {
    if is_silent {
        return;
    }
    let now = clock::now();
    let Ok(ending) = ending(store, now) else { return };
    if ending.is_empty() || !is_new_day(now) {
        return;
    }
    for (key_use, certificate) in &ending {
        terminal::say(&render::ends_soon(*key_use, certificate, now));
    }
}

/// The certificates that end soon, of keys in use that have no later one and no successor.
fn ending(store: &Store, now: Time) -> Result<Vec<(KeyUse, Certificate)>, Failure> {
    let mut latest: Vec<(KeyUse, Certificate)> = Vec::new();
    for key in store.secret_keys()?.into_iter().filter(|key| key.retired.is_none()) {
        for der in store.certificates_of(key.fingerprint.sha256())? {
            let Ok(own) = Certificate::from_der(&der) else { continue };
            let is_same = |other: &Certificate| {
                other.subject_der() == own.subject_der()
                    || !own.addresses().is_empty() && other.addresses() == own.addresses()
            };
            match latest.iter_mut().find(|(key_use, other)| *key_use == key.key_use && is_same(other)) {
                Some((_, other)) if other.not_after() < own.not_after() => *other = own,
                Some(_) => {}
                None => latest.push((key.key_use, own)),
            }
        }
    }
    latest.retain(|(_, certificate)| certificate.not_after() <= now.plus_days(DAYS));
    Ok(latest)
}

/// Whether nothing was said today, and it is noted that something is now.
fn is_new_day(now: Time) -> bool {
    let Some(file) = said() else { return true };
    let today = now.to_date();
    if fs::read(&file).is_ok_and(|said| said == today.as_bytes()) {
        return false;
    }
    // Where it cannot be noted, it is said again.
    let _ = write_file(&file, today.as_bytes(), true);
    true
}

fn said() -> Option<PathBuf> {
    let directory = places::cache().ok()?;
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).ok()?;
    Some(directory.join(SAID))
}
