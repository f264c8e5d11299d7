//! `cseal device list`

use super::account::Membership;
use crate::args;
use crate::commands::store;
use crate::failure::{Exit, Failure};
use crate::render::device as render;

/// Lists the devices of the account that this one belongs to.
pub(super) fn run(arguments: &args::DeviceList) -> Result<Exit, Failure> {
    let store = store::open()?;
    let own = Membership::of(&store)?;
    let own = own.as_ref().map(|own| &own.device);
    let foreign = super::foreign::readers(&store)?;
    let installed = super::install::recorded();
    render::list(own, &foreign, &installed, arguments.report.json)?;
    Ok(Exit::Done)
}
