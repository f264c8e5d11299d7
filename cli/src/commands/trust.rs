//! `cseal trust`: whom to believe, and why.

mod forget;
mod history;
mod list;
mod meet;
mod meeting;
mod pin;
mod policy;
mod rely;
mod show;
mod statement;
mod subject;
mod vouch;
mod witness;

use counterseal_core::openpgp::ImportError;
use counterseal_core::trust::{Profile, VERIFIED};

use crate::args::{self, PolicyCommand, Trust, TrustCommand};
use crate::failure::{Exit, Failure};

/// Runs the sub-command that was typed.
pub(crate) fn run(arguments: &Trust) -> Result<Exit, Failure> {
    match &arguments.command {
        TrustCommand::Show(arguments) => show::run(arguments),
        TrustCommand::Pin(arguments) => pin::pin(arguments),
        TrustCommand::Unpin(arguments) => pin::unpin(arguments),
        TrustCommand::List(arguments) => list::run(arguments),
        TrustCommand::Witness(arguments) => witness::run(arguments),
        TrustCommand::History(arguments) => history::run(arguments),
        TrustCommand::Forget(arguments) => forget::run(arguments),
        TrustCommand::Meet(arguments) if meeting::is_asked(arguments) => meeting::run(arguments),
        TrustCommand::Meet(arguments) => meet::run(arguments),
        TrustCommand::Rely(arguments) => rely::run(arguments),
        TrustCommand::Vouch(arguments) => vouch::run(arguments),
        TrustCommand::Statement(statement) => statement::run(statement),
        TrustCommand::Policy(policy) => match &policy.command {
            PolicyCommand::Check(arguments) => policy::check(arguments),
            PolicyCommand::Show(arguments) => policy::show(arguments),
            PolicyCommand::Set(arguments) => policy::set(arguments),
        },
    }
}

/// Why keyrings were not read.
pub(crate) fn import_failure(error: ImportError) -> Failure {
    match error {
        ImportError::NoKeyring => Failure::unknown("malformed", error.to_string()),
        ImportError::TooLarge | ImportError::TooManyCertificates => {
            Failure::unknown("limit", error.to_string())
        }
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

/// A name, and the amount behind the last `=` where a number stands there.
fn with_amount(typed: &str) -> Result<(&str, Option<u32>), Failure> {
    let Some((name, amount)) = typed.rsplit_once('=') else { return Ok((typed, None)) };
    match amount.parse() {
        Ok(amount @ 0..=VERIFIED) => Ok((name, Some(amount))),
        Ok(_) => Err(Failure::usage(format!("{typed}: an amount is 0 to {VERIFIED} points"))),
        Err(_) => Ok((typed, None)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_stands_behind_the_last_equals_sign() {
        assert_eq!(with_amount("root.pem").unwrap(), ("root.pem", None));
        assert_eq!(with_amount("a=b/root.pem=80").unwrap(), ("a=b/root.pem", Some(80)));
        assert_eq!(with_amount("a=b.pem").unwrap(), ("a=b.pem", None));
        assert!(with_amount("root.pem=121").is_err());
    }
}
