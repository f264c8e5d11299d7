//! `cseal trust`: whom to believe, and why.

mod policy;
mod show;

use counterseal_core::trust::Profile;

use crate::args::{self, PolicyCommand, Trust, TrustCommand};
use crate::failure::{Exit, Failure};

/// Runs the sub-command that was typed.
pub(crate) fn run(arguments: &Trust) -> Result<Exit, Failure> {
    match &arguments.command {
        TrustCommand::Show(arguments) => show::run(arguments),
        TrustCommand::Policy(policy) => match &policy.command {
            PolicyCommand::Check(arguments) => policy::check(arguments),
        },
    }
}

/// The library's profile.
const fn profile(profile: args::Profile) -> Profile {
    match profile {
        args::Profile::Blended => Profile::Blended,
        args::Profile::Hardened => Profile::Hardened,
        args::Profile::Either => Profile::Either,
        args::Profile::CaOnly => Profile::CaOnly,
        args::Profile::WotOnly => Profile::WotOnly,
        args::Profile::PinOnly => Profile::PinOnly,
    }
}
