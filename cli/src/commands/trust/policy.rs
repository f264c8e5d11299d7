//! `cseal trust policy check`

use counterseal_core::trust::{Rules, compare};

use crate::args;
use crate::failure::{Exit, Failure};
use crate::render::trust::policy;

/// Shows what attackers and honest people reach.
pub(super) fn check(arguments: &args::PolicyCheck) -> Result<Exit, Failure> {
    let (years, json) = (arguments.years, arguments.report.json);
    if arguments.compare {
        policy::comparison(&compare(years), years, json)?;
    } else {
        let rules = match arguments.profile {
            Some(typed) => Rules::of(super::profile(typed)),
            None => crate::policy::in_force()?.rules,
        };
        policy::capabilities(&rules, years, json)?;
    }
    Ok(Exit::Done)
}
