//! What building one path may cost, revocation included.

use std::cell::Cell;

use super::error::{BudgetKind, PathError};
use crate::limits;
use crate::x509::name_constraints::ComparisonBudget;

/// Signature checks that are left for all paths of one message: each of its signers, and each
/// signed part of it, may bring a chain of its own.
#[derive(Debug)]
pub struct Allowance(Cell<usize>);

impl Allowance {
    /// [`limits::MESSAGE_SIGNATURES`] checks.
    #[must_use]
    pub const fn of_message() -> Self {
        Self(Cell::new(limits::MESSAGE_SIGNATURES))
    }

    /// Whether nothing is left, so that a search need not begin.
    pub(super) const fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    /// Before a signature is checked that is on no path: whether that is still allowed.
    pub(crate) fn spend(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

#[derive(Debug)]
pub(super) struct Budget {
    signatures: usize,
    steps: usize,
    pub(super) comparisons: ComparisonBudget,
}

impl Budget {
    /// For one path out of what is left for the message.
    pub(super) fn new(allowance: &Allowance) -> Self {
        Self {
            signatures: allowance.0.get().min(limits::PATH_SIGNATURES),
            steps: limits::PATH_STEPS,
            comparisons: ComparisonBudget::new(),
        }
    }

    /// Before a signature is checked.
    pub(super) fn spend_signature(&mut self, allowance: &Allowance) -> Result<(), PathError> {
        spend(&mut self.signatures, BudgetKind::Signatures)?;
        allowance.0.set(allowance.0.get().saturating_sub(1));
        Ok(())
    }

    /// Before one more certificate is tried as an issuer: meshes of cross certificates have
    /// exponentially many paths.
    pub(super) fn spend_step(&mut self) -> Result<(), PathError> {
        spend(&mut self.steps, BudgetKind::Steps)
    }
}

fn spend(left: &mut usize, kind: BudgetKind) -> Result<(), PathError> {
    *left = left.checked_sub(1).ok_or(PathError::Budget(kind))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_paths_of_a_message_share_its_allowance() {
        let allowance = Allowance::of_message();
        for _ in 0..limits::MESSAGE_SIGNATURES / limits::PATH_SIGNATURES {
            let mut budget = Budget::new(&allowance);
            for _ in 0..limits::PATH_SIGNATURES {
                assert!(!allowance.is_spent());
                assert_eq!(budget.spend_signature(&allowance), Ok(()));
            }
            let refused = Err(PathError::Budget(BudgetKind::Signatures));
            assert_eq!(budget.spend_signature(&allowance), refused);
        }
        assert!(allowance.is_spent());
        let refused = Err(PathError::Budget(BudgetKind::Signatures));
        assert_eq!(Budget::new(&allowance).spend_signature(&allowance), refused);
    }
}
