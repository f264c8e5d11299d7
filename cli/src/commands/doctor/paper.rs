//! The paper that would bring an account back, where there is one.

use counterseal_core::time::Time;

use super::finding::Finding;
use crate::commands::device::account::Membership;
use crate::commands::device::recover::drill;
use crate::failure::Failure;
use crate::store::Store;

/// Days after which a drill is long ago.
const DAYS: i64 = 31;

/// When the paper was last tried.
pub(super) fn of(store: &Store, now: Time) -> Result<Vec<Finding>, Failure> {
    if Membership::of(store)?.is_none() {
        return Ok(Vec::new());
    }
    let finding = match drill::last(store)? {
        Some(last) if last.plus_days(DAYS) >= now => return Ok(Vec::new()),
        Some(last) => {
            Finding::note("drill", format!("the recovery sheet was last tried on {}", last.to_date()))
        }
        None => Finding::note(
            "drill",
            "nobody has tried yet whether the recovery sheet opens everything".to_owned(),
        ),
    };
    Ok(vec![finding.hint("try it: cseal device recover drill")])
}
