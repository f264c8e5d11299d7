//! What an introducer may introduce: the regular expressions of a certification.

use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::regex::RegexSet;

use crate::limits;

/// The user identifiers that an introducer may certify (RFC 9580, section 5.2.3.22).
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// All.
    Everything,
    /// None: the expressions cannot be read, or are beyond our limits.
    Nothing,
    /// What one of them matches.
    Only(RegexSet),
}

impl Scope {
    /// Of the regular expressions of one certification.
    pub(super) fn of(expressions: &[Vec<u8>]) -> Self {
        if expressions.is_empty() {
            return Self::Everything;
        }
        let too_long = expressions.iter().any(|bytes| bytes.len() > limits::OPENPGP_REGULAR_EXPRESSION_BYTES);
        if too_long || expressions.len() > limits::OPENPGP_REGULAR_EXPRESSIONS {
            return Self::Nothing;
        }
        RegexSet::from_bytes(expressions.iter().map(Vec::as_slice)).map_or(Self::Nothing, Self::Only)
    }

    /// Whether there are expressions that can be read at all.
    pub(super) const fn is_readable(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Whether a user identifier may be certified.
    pub(super) fn admits(&self, user_id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Only(set) => set.matches_userid(&UserID::from(user_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_admits_what_it_matches() {
        let scope = Scope::of(&[b"<[^>]+[@.]example\\.org>$".to_vec()]);
        assert!(scope.admits("Alice <alice@example.org>"));
        assert!(!scope.admits("Alice <alice@example.net>"));
        assert!(Scope::of(&[]).admits("anybody"));
    }

    #[test]
    fn expressions_beyond_the_limits_admit_nobody() {
        let long = vec![b'a'; limits::OPENPGP_REGULAR_EXPRESSION_BYTES + 1];
        let many = vec![b"a".to_vec(); limits::OPENPGP_REGULAR_EXPRESSIONS + 1];
        for expressions in [vec![long], many] {
            let scope = Scope::of(&expressions);
            assert!(!scope.admits("aaa") && !scope.is_readable());
        }
    }
}
