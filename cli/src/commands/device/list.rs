//! `cseal device list`

use counterseal_keysync::device::DeviceCertificates;

use crate::args;
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::render::device as render;
use crate::store::StoreError;

/// Lists the devices of the account that this one belongs to.
pub(super) fn run(arguments: &args::DeviceList) -> Result<Exit, Failure> {
    let store = store::open()?;
    let own = store.device_setting(super::CERTIFICATES)?;
    let own = own.map(|der| DeviceCertificates::from_der(&der)).transpose();
    let own = own.map_err(|error| Failure::from(StoreError::Tampered("device_setting")).because(error))?;
    let foreign = super::foreign::readers(&store)?;
    let installed = super::install::recorded();
    render::list(own.as_ref(), &foreign, &installed, arguments.report.json)?;
    Ok(Exit::Done)
}
