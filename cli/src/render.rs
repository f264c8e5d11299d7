//! Every sentence that a person reads, and the JSON that machines read.

pub(crate) mod agent;
pub(crate) mod archive;
pub(crate) mod backup;
pub(crate) mod device;
pub(crate) mod device_sync;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod failure;
pub(crate) mod find;
pub(crate) mod foreign;
pub(crate) mod install;
pub(crate) mod json;
pub(crate) mod keys;
pub(crate) mod pairing;
pub(crate) mod protection;
pub(crate) mod publish;
pub(crate) mod queue;
mod read;
mod reasons;
pub(crate) mod recipients;
pub(crate) mod recover;
pub(crate) mod renew;
pub(crate) mod setup;
pub(crate) mod status;
mod store;
pub(crate) mod take_over;
pub(crate) mod trust;
pub(crate) mod verdict_field;
pub(crate) mod write;
pub(crate) mod written;

/// A number with what is counted.
fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod words;
