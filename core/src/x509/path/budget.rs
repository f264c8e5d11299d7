//! What building one path may cost, revocation included.

use super::error::{BudgetKind, PathError};
use crate::limits;
use crate::x509::name_constraints::ComparisonBudget;

#[derive(Debug)]
pub(super) struct Budget {
    signatures: usize,
    steps: usize,
    pub(super) comparisons: ComparisonBudget,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            signatures: limits::PATH_SIGNATURES,
            steps: limits::PATH_STEPS,
            comparisons: ComparisonBudget::new(),
        }
    }

    /// Before a signature is checked.
    pub(super) fn spend_signature(&mut self) -> Result<(), PathError> {
        spend(&mut self.signatures, BudgetKind::Signatures)
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
