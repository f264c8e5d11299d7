//! Sending for a whole machine: for root, for services, and for everybody without settings of their own
//! (`docs/decisions/system-mode.md`).

mod acting;
mod certificates;
mod place;
mod scope;
pub(crate) mod spools;
pub(crate) mod users;

pub(crate) use acting::Acting;
pub(crate) use certificates::{Shelf, file_name};
pub(crate) use place::{check_directory, check_file};
pub(crate) use scope::{Scope, own_settings};

/// The administrator's settings.
pub(crate) const SETTINGS: &str = "/etc/counterseal";
/// The certificates that mail is encrypted to. There are no secret keys in it: everybody reads it.
pub(crate) const CERTIFICATES: &str = "/var/lib/counterseal";
/// The spools, one for each user, by the numbers of the users.
pub(crate) const SPOOLS: &str = "/var/spool/counterseal";

/// The mode of what root writes and everybody reads.
pub(crate) const SHARED_MODE: u32 = 0o755;
/// The mode of the folder of the spools: everybody makes one in it, nobody sees or removes those of others.
pub(crate) const SPOOLS_MODE: u32 = 0o1733;
/// The mode of a spool.
pub(crate) const SPOOL_MODE: u32 = 0o700;
