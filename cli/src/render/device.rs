//! Devices, in words and as JSON.

use counterseal_keysync::device::DeviceCertificates;
use serde::Serialize;

use super::json::line;
use crate::failure::Failure;
use crate::terminal::{self, SafeText};

#[derive(Serialize)]
struct ListObject {
    version: u32,
    devices: Vec<DeviceObject>,
}

#[derive(Serialize)]
struct DeviceObject {
    id: String,
    name: String,
    this: bool,
}

/// The devices of the account.
pub(crate) fn list(own: Option<&DeviceCertificates>, json: bool) -> Result<(), Failure> {
    let text = if json {
        let devices = own.map(|own| DeviceObject { id: own.id().to_string(), name: own.name(), this: true });
        line(&ListObject { version: 1, devices: devices.into_iter().collect() })
    } else {
        match own {
            Some(own) => format!("{}  this device\n", SafeText(&own.name())),
            None => "Your keys are on this machine alone: it has no other devices.\n".to_owned(),
        }
    };
    terminal::print(&text).map_err(|error| Failure::io("standard output", &error))
}
