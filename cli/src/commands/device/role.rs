//! `cseal device role`

use counterseal_keysync::device::Role;

use super::account::{self, Membership};
use super::choose;
use crate::args::{self, RoleName};
use crate::clock;
use crate::commands::store::{self, Unlock};
use crate::failure::{Exit, Failure};
use crate::render::devices as render;

/// Writes what a device is for into the log; its keys follow with the next sync.
pub(super) fn run(arguments: &args::DeviceRole) -> Result<Exit, Failure> {
    let now = clock::now();
    let mut store = store::open()?;
    let membership = Membership::expect(&store)?;
    let (told, _) = account::told(&mut store, &membership.account, now)?;
    let device = choose::device(&told, &arguments.device)?;
    let role = match arguments.role {
        RoleName::Reader => Role::Reader,
        RoleName::Writer => Role::Writer,
        RoleName::Admin => Role::Admin,
        RoleName::Courier => Role::Courier,
        RoleName::Kiosk => Role::Kiosk { since: now },
    };
    let admins = told.live_devices().filter(|(id, other)| **id != device && other.role.administers());
    if !role.administers() && admins.count() == 0 {
        return Err(Failure::no("last-admin", "nobody could say any more which devices are yours")
            .hint("make another device an admin first"));
    }
    store::unlock(&store, &Unlock::from_options(&arguments.passphrase))?;
    account::with_sync(&mut store, &membership, now, |sync| sync.change_role(device, role, now))?;
    render::role(told.devices.get(&device), &device, role, arguments.report.json)?;
    Ok(Exit::Done)
}
