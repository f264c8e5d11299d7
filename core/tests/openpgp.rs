//! The OpenPGP web beside the programs and libraries whose meaning it has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)]

mod carried;
mod debian;
mod grafts;
mod hostile;
mod oracle;
mod programs;
mod random;

use counterseal_core::time::Time;

/// Midnight of a day that is written as `2021-10-06`.
fn day(text: &str) -> Time {
    let fields: Vec<i64> = text.split('-').map(|field| field.parse().unwrap()).collect();
    Time::from_civil(fields[0], fields[1] as u8, fields[2] as u8, 0, 0, 0).unwrap()
}

/// The same moment for Sequoia.
fn system_time(time: Time) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.unix_seconds().unsigned_abs())
}
