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
        let rules = arguments.profile.map_or_else(Rules::default, |typed| Rules::of(super::profile(typed)));
        policy::capabilities(&rules, years, json)?;
    }
    Ok(Exit::Done)
}
