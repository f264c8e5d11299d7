//! `cseal trust policy`

use counterseal_core::policy::{AddressPattern, Encrypt, Mixed, SendRow, Sign};
use counterseal_core::trust::{Level, Rules, compare};

use crate::args;
use crate::clock;
use crate::commands::parse_address;
use crate::failure::{Exit, Failure};
use crate::policy::{contacts, keep_contacts};
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

/// Shows what holds for mail to somebody.
pub(super) fn show(arguments: &args::PolicyShow) -> Result<Exit, Failure> {
    let address = parse_address(&arguments.address)?;
    let at = clock::at(arguments.at.at.as_deref())?;
    let in_force = crate::policy::in_force()?;
    policy::rule(&address, in_force.for_address(&address, at), in_force.stale, arguments.report.json)?;
    Ok(Exit::Done)
}

/// Keeps what holds for mail to a contact.
pub(super) fn set(arguments: &args::PolicySet) -> Result<Exit, Failure> {
    let pattern = AddressPattern::parse(&arguments.address)
        .ok_or_else(|| Failure::usage(format!("{}: no address, and no *@DOMAIN", arguments.address)))?;
    let mut rows = contacts()?;
    let before = rows.len();
    rows.retain(|row| row.address != pattern);
    if arguments.remove && rows.len() == before {
        return Err(Failure::no("no-policy", format!("nothing was said for {pattern}")));
    }
    let row = row(pattern, arguments);
    if !arguments.remove {
        // In one file the first row that matches counts: a contact's before that of everybody there.
        let place = match row.address {
            AddressPattern::Address(_) => 0,
            _ => rows.len(),
        };
        rows.insert(place, row.clone());
    }
    keep_contacts(&rows)?;
    policy::kept(&row, arguments.remove, arguments.report.json)?;
    Ok(Exit::Done)
}

fn row(address: AddressPattern, arguments: &args::PolicySet) -> SendRow {
    let word = |typed: &Option<String>| typed.clone().unwrap_or_default();
    SendRow {
        address,
        encrypt: Encrypt::from_word(&word(&arguments.encrypt)),
        accept: Level::ALL.into_iter().find(|level| level.word() == word(&arguments.accept)),
        sign: Sign::from_word(&word(&arguments.sign)),
        mixed: Mixed::from_word(&word(&arguments.mixed)),
        after: None,
    }
}
