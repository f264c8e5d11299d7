//! Name constraints: which names a CA may certify (RFC 5280, section 4.2.1.10; RFC 9598,
//! section 6).
//!
//! What excludes beats what permits. A name that cannot be compared with a constraint of its form
//! makes the path invalid, because a reader after us may see in it the name that is excluded.

mod general_name;
mod subtree;

use crate::limits;
use crate::x509::tlv::{Elements, only, tag};

pub(crate) use general_name::GeneralName;
pub use general_name::NameForm;
use subtree::Subtree;

/// The NameConstraints of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameConstraintFault {
    /// The name lies outside all subtrees that are permitted for its form.
    NotPermitted,
    /// The name lies in a subtree that is excluded.
    Excluded,
    /// The name cannot be compared: it is malformed, or we know no rule for its form.
    Incomparable,
}

/// Comparisons that are left; names times constraints is a quadratic amount of work.
#[derive(Debug)]
pub(crate) struct ComparisonBudget(usize);

impl ComparisonBudget {
    pub(crate) fn new() -> Self {
        Self(limits::NAME_CONSTRAINT_COMPARISONS)
    }

    fn spend(&mut self, comparisons: usize) -> Result<(), Refusal> {
        self.0 = self.0.checked_sub(comparisons).ok_or(Refusal::Budget)?;
        Ok(())
    }
}

/// Why a certificate fails name constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Name(NameForm, NameConstraintFault),
    Budget,
}

impl NameConstraints {
    /// From the DER of the extension; nothing where it is malformed, empty, or uses the
    /// `minimum` and `maximum` that RFC 5280 forbids.
    pub(crate) fn from_der(extension: &[u8]) -> Option<Self> {
        let mut parts = Elements::new(only(extension, tag::SEQUENCE)?);
        let permitted = parts.optional(tag::constructed(0))?;
        let excluded = parts.optional(tag::constructed(1))?;
        if !parts.is_empty() || permitted.is_none() && excluded.is_none() {
            return None;
        }
        let subtrees = |list: Option<crate::x509::tlv::Element<'_>>| match list {
            Some(list) => subtrees(list.content),
            None => Some(Vec::new()),
        };
        Some(Self { permitted: subtrees(permitted)?, excluded: subtrees(excluded)? })
    }

    /// Whether all that is permitted are mailboxes, each named whole.
    pub(crate) fn permits_only_mailboxes(&self) -> bool {
        !self.permitted.is_empty() && self.permitted.iter().all(Subtree::is_mailbox)
    }

    /// Checks all names of a certificate further down the path.
    pub(crate) fn check(&self, names: &[GeneralName], budget: &mut ComparisonBudget) -> Result<(), Refusal> {
        budget.spend(names.len().saturating_mul(self.permitted.len() + self.excluded.len()))?;
        names
            .iter()
            .try_for_each(|name| self.check_name(name).map_err(|fault| Refusal::Name(name.form(), fault)))
    }

    fn check_name(&self, name: &GeneralName) -> Result<(), NameConstraintFault> {
        // RFC 9598, section 6: there is no constraint of the form SmtpUTF8Mailbox, and whoever
        // constrains otherNames may have meant one.
        let all = || self.permitted.iter().chain(&self.excluded);
        let is_mailbox = matches!(name, GeneralName::SmtpUtf8Mailbox(_));
        if is_mailbox && all().any(|subtree| subtree.form() == NameForm::Other(0)) {
            return Err(NameConstraintFault::Incomparable);
        }
        let of_its_form = |subtree: &&Subtree| subtree.form() == name.form();
        for subtree in self.excluded.iter().filter(of_its_form) {
            if subtree.touches(name).map_err(|_| NameConstraintFault::Incomparable)? {
                return Err(NameConstraintFault::Excluded);
            }
        }
        let mut permitted = self.permitted.iter().filter(of_its_form).peekable();
        if permitted.peek().is_none() {
            return Ok(());
        }
        for subtree in permitted {
            if subtree.contains(name).map_err(|_| NameConstraintFault::Incomparable)? {
                return Ok(());
            }
        }
        Err(NameConstraintFault::NotPermitted)
    }
}

/// GeneralSubtrees: bases with `minimum` absent, which is 0, and without `maximum`.
fn subtrees(content: &[u8]) -> Option<Vec<Subtree>> {
    let mut rest = Elements::new(content);
    let mut subtrees = Vec::new();
    while !rest.is_empty() {
        let mut parts = Elements::new(rest.expect(tag::SEQUENCE)?.content);
        let base = GeneralName::read(&parts.any()?)?;
        subtrees.push(Subtree::read(&base).filter(|_| parts.is_empty())?);
    }
    (!subtrees.is_empty()).then_some(subtrees)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::x509::tlv::encode;

    fn constraints(permitted: &[&str], excluded: &[&str]) -> NameConstraints {
        let list = |number, names: &[&str]| {
            let subtrees: Vec<u8> = names
                .iter()
                .flat_map(|name| encode(tag::SEQUENCE, &encode(tag::primitive(1), name.as_bytes())))
                .collect();
            if names.is_empty() { Vec::new() } else { encode(tag::constructed(number), &subtrees) }
        };
        let der = encode(tag::SEQUENCE, &[list(0, permitted), list(1, excluded)].concat());
        NameConstraints::from_der(&der).unwrap()
    }

    fn check(constraints: &NameConstraints, name: &str) -> Result<(), NameConstraintFault> {
        constraints.check_name(&GeneralName::Rfc822(name.as_bytes().to_vec()))
    }

    #[test]
    fn what_is_excluded_is_excluded_even_where_it_is_permitted() {
        let both = constraints(&["example.org"], &["alice@example.org"]);
        assert_eq!(check(&both, "alice@example.org"), Err(NameConstraintFault::Excluded));
        assert_eq!(check(&both, "bob@example.org"), Ok(()));
        assert_eq!(check(&both, "bob@example.net"), Err(NameConstraintFault::NotPermitted));
    }

    #[test]
    fn constraints_of_one_form_leave_the_others_alone() {
        let mail = constraints(&["example.org"], &[]);
        assert_eq!(mail.check_name(&GeneralName::Dns(b"example.com".to_vec())), Ok(()));
    }

    #[test]
    fn a_dot_at_the_end_does_not_escape_an_exclusion() {
        let excluded = constraints(&[], &["example.org"]);
        assert_eq!(check(&excluded, "alice@example.org."), Err(NameConstraintFault::Incomparable));
        assert_eq!(check(&excluded, "alice@EXAMPLE.ORG"), Err(NameConstraintFault::Excluded));
        assert_eq!(check(&excluded, "alice@example.net"), Ok(()));
    }

    #[test]
    fn a_form_that_we_cannot_compare_is_refused_where_it_is_constrained() {
        let other = encode(tag::primitive(8), &[0x2a]);
        let der = encode(tag::SEQUENCE, &encode(tag::constructed(1), &encode(tag::SEQUENCE, &other)));
        let constraints = NameConstraints::from_der(&der).unwrap();
        let fault = constraints.check_name(&GeneralName::Other(8));
        assert_eq!(fault, Err(NameConstraintFault::Incomparable));
        assert_eq!(constraints.check_name(&GeneralName::Other(3)), Ok(()));
    }

    #[test]
    fn the_budget_of_comparisons_holds() {
        let names = vec![GeneralName::Rfc822(b"alice@example.org".to_vec()); 500];
        let constraints = constraints(&["example.org"; 100], &[]);
        let mut budget = ComparisonBudget::new();
        for _ in 0..5 {
            assert_eq!(constraints.check(&names, &mut budget), Ok(()));
        }
        assert_eq!(constraints.check(&names, &mut budget), Err(Refusal::Budget));
    }

    #[test]
    fn malformed_extensions_are_refused() {
        for der in [&b""[..], b"\x30\x00", b"\x30\x02\xa0\x00", b"\x30\x03\x82\x01a"] {
            assert_eq!(NameConstraints::from_der(der), None);
        }
        // A minimum of 1.
        let base = encode(tag::primitive(1), b"example.org");
        let subtree = encode(tag::SEQUENCE, &[base, encode(tag::primitive(0), &[1])].concat());
        let der = encode(tag::SEQUENCE, &encode(tag::constructed(0), &subtree));
        assert_eq!(NameConstraints::from_der(&der), None);
    }
}
