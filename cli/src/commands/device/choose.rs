//! Which device a person means.

use counterseal_keysync::device::DeviceId;
use counterseal_keysync::log::Evaluation;

use crate::failure::Failure;

/// Digits of an id that are enough to mean one.
const LEAST_DIGITS: usize = 6;

/// The device of that name, or whose id begins so, among those that belong to the account.
///
/// # Errors
/// `unknown-device`, and a usage error where several are meant.
pub(super) fn device(told: &Evaluation, typed: &str) -> Result<DeviceId, Failure> {
    let is_meant = |id: &DeviceId, name: &str| {
        let typed = typed.to_ascii_lowercase();
        name == typed
            || name.eq_ignore_ascii_case(&typed)
            || (typed.len() >= LEAST_DIGITS && id.to_string().starts_with(&typed))
    };
    let meant: Vec<_> = told.live_devices().filter(|(id, device)| is_meant(id, &device.name)).collect();
    match meant.as_slice() {
        [(id, _)] => Ok(**id),
        [] if told.devices.iter().any(|(id, device)| is_meant(id, &device.name)) => {
            Err(Failure::no("unknown-device", format!("{typed} is out already")))
        }
        [] => Err(Failure::no("unknown-device", format!("no device is called {typed}"))
            .hint("see their names with `cseal device list`")),
        several => {
            let ids = several.iter().map(|(id, device)| format!("{}  {id}", device.name)).collect();
            Err(Failure::usage(format!("{typed} may be several devices"))
                .details(ids)
                .hint("name one by its id"))
        }
    }
}
