//! What must hold at the end of a schedule.

use std::collections::BTreeSet;

use super::account::Account;
use crate::device::DeviceId;
use crate::log::{Evaluation, KeyId, Log, Purpose, Void};

pub(super) fn check(account: &mut Account) {
    let mut found = Vec::new();
    let told: Vec<Option<Evaluation>> =
        (0..account.machines.len()).map(|number| evaluation(account, number)).collect();
    let is_live = |number: &usize| {
        let id = account.machines[*number].id;
        account.stolen != Some(*number) && told[*number].as_ref().is_some_and(|told| told.live(&id).is_some())
    };
    let live: Vec<usize> = (0..account.machines.len()).filter(is_live).collect();
    converged(account, &told, &live, &mut found);
    nobody_misses_a_key(account, &told, &live, &mut found);
    what_is_announced_is_held(account, &told, &live, &mut found);
    nothing_comes_back(account, &told, &live, &mut found);
    nobody_got_in(account, &told, &live, &mut found);
    the_root_put_it_right(account, &told, &live, &mut found);
    nothing_happens_twice(account, &live, &mut found);
    account.violations.extend(found);
}

fn evaluation(account: &Account, number: usize) -> Option<Evaluation> {
    let kept =
        account.machines[number].store.disk.entries.iter().map(|(id, (entry, _))| (*id, entry.clone()));
    Log::from_kept(account.account, kept).evaluate().ok()
}

/// I1: devices that are in the account agree on what the log means.
fn converged(account: &Account, told: &[Option<Evaluation>], live: &[usize], found: &mut Vec<String>) {
    let digests: BTreeSet<_> =
        live.iter().filter_map(|number| told[*number].as_ref()).map(Evaluation::digest).collect();
    if digests.len() > 1 {
        let sizes: Vec<usize> =
            live.iter().map(|number| account.machines[*number].store.disk.entries.len()).collect();
        found.push(format!("I1: devices disagree, with {sizes:?} entries"));
    }
}

/// I2: no device that is in misses a key that another one has which could pack it.
fn nobody_misses_a_key(
    account: &Account,
    told: &[Option<Evaluation>],
    live: &[usize],
    found: &mut Vec<String>,
) {
    let holds = |number: usize, key: &KeyId| account.machines[number].store.disk.keys.contains_key(key);
    for number in live {
        let Some(told) = &told[*number] else { continue };
        let can_pack = |other: &usize, purpose: Purpose| {
            told.live(&account.machines[*other].id).is_some_and(|device| {
                if purpose == Purpose::PersonalAuthority {
                    device.role.administers()
                } else {
                    device.role.signs()
                }
            })
        };
        for key in told.keys_of(&account.machines[*number].id) {
            let (id, purpose) = (key.announced.key, key.announced.purpose);
            // A log secret that is used no more is of no use to who did not have it.
            let matters = purpose != Purpose::LogSecret || !key.retired;
            let elsewhere = live.iter().any(|other| can_pack(other, purpose) && holds(*other, &id));
            if matters && elsewhere && !holds(*number, &id) {
                found.push(format!("I2: machine {number} misses a key for {}", purpose.word()));
            }
        }
    }
}

/// I4: what is announced is held by somebody; and where its author is in, by its author.
fn what_is_announced_is_held(
    account: &Account,
    told: &[Option<Evaluation>],
    live: &[usize],
    found: &mut Vec<String>,
) {
    let Some(told) = live.first().and_then(|number| told[*number].as_ref()) else { return };
    for key in &told.keys {
        let id = key.announced.key;
        let somebody = account.machines.iter().any(|machine| machine.store.disk.keys.contains_key(&id));
        let author = account.machines.iter().find(|machine| Some(machine.id) == key.author);
        let by_author = author.is_none_or(|machine| machine.store.disk.keys.contains_key(&id));
        if !somebody || !by_author {
            found.push(format!(
                "I4: a key for {} was announced that its author has not",
                key.announced.purpose.word()
            ));
        }
    }
}

/// I6: no key is advertised that an honest admin retired, or that a device has which is out.
fn nothing_comes_back(
    account: &Account,
    told: &[Option<Evaluation>],
    live: &[usize],
    found: &mut Vec<String>,
) {
    for number in live {
        let Some(told) = &told[*number] else { continue };
        let Some(current) = told.current(Purpose::Decryption).map(|key| key.announced.key) else { continue };
        let stands = |entry| !matches!(told.void.get(entry), Some(Void::CutOff(_)));
        let retired = account
            .put_out
            .iter()
            .filter(|(entry, _)| stands(*entry))
            .any(|(_, (_, retired))| retired.contains(&current));
        if retired {
            found.push("I6: a key is advertised that was retired".into());
        }
        let out: BTreeSet<DeviceId> =
            told.devices.iter().filter(|(_, device)| device.revoked.is_some()).map(|(id, _)| *id).collect();
        let ledger = account.ledger.borrow();
        let mut packages = ledger.packages.values().filter(|package| package.key.id == current);
        let open_to_them =
            packages.any(|package| package.heading.recipients.iter().any(|device| out.contains(device)));
        let held_by_them = account
            .machines
            .iter()
            .any(|machine| out.contains(&machine.id) && machine.store.disk.keys.contains_key(&current));
        if open_to_them || held_by_them {
            found.push("I6: a key is advertised that a device has which is out".into());
        }
        let secret = told.current(Purpose::LogSecret).map(|key| key.announced.key);
        let admins = live.iter().any(|other| {
            told.live(&account.machines[*other].id).is_some_and(|device| device.role.administers())
        });
        let known = |id: &KeyId| {
            account
                .machines
                .iter()
                .any(|machine| out.contains(&machine.id) && machine.store.disk.keys.contains_key(id))
        };
        if admins && secret.is_none_or(|secret| known(&secret)) {
            found.push("I6: the log is sealed by a secret that a device has which is out".into());
        }
    }
}

/// I8: nobody is in whom no admin let in. I9: who was put out is out.
fn nobody_got_in(account: &Account, told: &[Option<Evaluation>], live: &[usize], found: &mut Vec<String>) {
    for told in live.iter().filter_map(|number| told[*number].as_ref()) {
        if account.strangers.iter().any(|stranger| told.live(stranger).is_some()) {
            found.push("I8: a stranger is in".into());
        }
        for (entry, (out, _)) in &account.put_out {
            match told.void.get(entry) {
                // The root did not believe what this entry came after.
                Some(Void::CutOff(_)) => {}
                Some(void) => {
                    found.push(format!("I9: a revocation by an honest admin does not count: {void:?}"))
                }
                None if told.live(out).is_some() => found.push("I9: a device that was put out is in".into()),
                None => {}
            }
        }
    }
}

/// I10: after the root spoke, what the thief forged counts for nothing.
fn the_root_put_it_right(
    account: &Account,
    told: &[Option<Evaluation>],
    live: &[usize],
    found: &mut Vec<String>,
) {
    if !account.has_recovered {
        return;
    }
    for told in live.iter().filter_map(|number| told[*number].as_ref()) {
        let forged = account.forged.iter().filter(|id| told.revocations.contains(id));
        if forged.count() > 0 {
            found.push("I10: a forged revocation counts after the root cut it off".into());
        }
    }
}

/// I5: what was taken in is taken in once: another round finds nothing new.
fn nothing_happens_twice(account: &mut Account, live: &[usize], found: &mut Vec<String>) {
    for number in live {
        let before = account.machines[*number].store.disk.clone();
        let Some(report) = account.sync(*number, true) else { continue };
        let after = &account.machines[*number].store.disk;
        let same = before.entries.keys().eq(after.entries.keys()) && before.keys.keys().eq(after.keys.keys());
        if !same || report.entries > 0 || !report.imported.is_empty() {
            found.push(format!("I5: machine {number} took something in again: {report:?}"));
        }
    }
}
