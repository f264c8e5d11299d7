//! What is written into `config.toml` and `policy.toml`: at their ends, whole or not at all, and nothing of what stood there
//! is touched.

use counterseal_core::limits::POLICY_BYTES;
use counterseal_core::policy::{AddressPattern, Encrypt, PolicyFile};
use counterseal_core::time::Time;

use super::account::NewAccount;
use crate::config::{self, end};
use crate::failure::Failure;
use crate::files::read_settings;
use crate::{clock, policy};

/// Adds accounts at the end of `config.toml`.
///
/// # Errors
/// `config`, where the file would not be one afterwards; then it is as it was.
pub(super) fn add_accounts(accounts: &[NewAccount]) -> Result<(), Failure> {
    let blocks: Vec<String> = accounts.iter().map(NewAccount::to_toml).collect();
    config::append(&blocks.join("\n"))
}

/// What `policy.toml` says of everybody, if it says anything. A row that is silent about encryption leaves it as it is built
/// in, and one that is added behind it would never count.
pub(super) fn for_everybody() -> Result<Option<Encrypt>, Failure> {
    let Some(text) = read_settings(&policy::path()?, POLICY_BYTES, "policy")? else { return Ok(None) };
    let file = parsed(&text)?;
    let is_in_force = |after: Option<Time>| after.is_none_or(|after| after <= clock::now());
    let mut rows = file.send.iter().filter(|row| is_in_force(row.after));
    let row = rows.find(|row| row.address == AddressPattern::Everybody);
    Ok(row.map(|row| row.encrypt.unwrap_or(Encrypt::Require)))
}

/// Adds a row for everybody at the end of `policy.toml`: the first that matches counts, so rows before it hold on.
pub(super) fn add_policy(encrypt: Encrypt) -> Result<(), Failure> {
    let path = policy::path()?;
    let before = read_settings(&path, POLICY_BYTES, "policy")?.unwrap_or_default();
    let after = end::with_end(&before, &policy_row(encrypt));
    parsed(&after)?;
    end::write(&path, &after)
}

/// The row.
pub(super) fn policy_row(encrypt: Encrypt) -> String {
    let word = match encrypt {
        Encrypt::Never => "never",
        Encrypt::IfPossible => "if-possible",
        Encrypt::Require => "require",
    };
    format!("[[send]]\naddress = \"*\"\nencrypt = \"{word}\"\n")
}

fn parsed(text: &str) -> Result<PolicyFile, Failure> {
    let path = policy::path()?;
    PolicyFile::parse(text)
        .map_err(|error| Failure::unknown("policy", format!("{}: {error}", path.display())))
}
