//! One whole path whose signatures hold: everything else that RFC 5280, section 6.1, and RFC 8550
//! ask for, revocation excepted.

use super::anchor::{Anchor, AnchorKind};
use super::budget::Budget;
use super::error::{BudgetKind, PathError, Which};
use super::facts::{Facts, FactsError};
use super::policies::valid_policies;
use super::profile::broken_rule;
use super::{PathRequest, Purpose, Weakness, WeaknessKind};
use crate::algorithm::KeyAlgorithm;
use crate::limits;
use crate::x509::Certificate;
use crate::x509::name_constraints::Refusal;
use crate::x509::usage::UsageError;

/// A path with all that its certificates say: the leaf first, the anchor last.
pub(super) struct Path<'a> {
    pub(super) certificates: &'a [&'a Certificate],
    pub(super) anchor: &'a Anchor,
}

/// What a path that holds yields.
pub(super) struct Checked {
    pub(super) policies: Vec<String>,
    pub(super) weaknesses: Vec<Weakness>,
}

/// Checks in the order of [`PathError::rank`], so that the error is the gravest of this path.
pub(super) fn check(
    path: &Path<'_>,
    request: &PathRequest,
    budget: &mut Budget,
) -> Result<Checked, PathError> {
    let facts = path.facts()?;
    path.check_extensions(&facts)?;
    path.check_authorities()?;
    path.check_path_lengths(&facts)?;
    path.check_usage(request.purpose)?;
    path.check_name_constraints(&facts, budget)?;
    let below_anchor: Vec<&Facts<'_>> = facts.iter().rev().skip(1).collect();
    let policies = match below_anchor.as_slice() {
        [] => Vec::new(),
        _ => valid_policies(&below_anchor, &request.policies).ok_or(PathError::Policy)?,
    };
    path.check_dates(request)?;
    Ok(Checked { policies, weaknesses: path.weaknesses() })
}

pub(super) fn which(depth: usize, certificate: &Certificate) -> Which {
    Which { depth, subject: certificate.subject() }
}

impl Path<'_> {
    fn facts(&self) -> Result<Vec<Facts<'_>>, PathError> {
        self.each().map(|(which, certificate)| read_facts(certificate, which)).collect()
    }

    fn each(&self) -> impl DoubleEndedIterator<Item = (Which, &Certificate)> {
        let places: Vec<_> = self.certificates.iter().enumerate().collect();
        places.into_iter().map(|(depth, certificate)| (which(depth, certificate), *certificate))
    }

    fn check_extensions(&self, facts: &[Facts<'_>]) -> Result<(), PathError> {
        for ((which, certificate), facts) in self.each().zip(facts) {
            if let Some(extension) = certificate.unknown_critical_extensions().first() {
                return Err(PathError::UnknownCriticalExtension { which, extension: extension.clone() });
            }
            if let Some(rule) = broken_rule(certificate, facts) {
                return Err(PathError::Profile { which, rule });
            }
        }
        Ok(())
    }

    /// RFC 5280, section 6.1.4 (k) and (n): every certificate but the leaf is a CA's.
    fn check_authorities(&self) -> Result<(), PathError> {
        for (which, certificate) in self.each().skip(1) {
            let is_anchor = which.depth + 1 == self.certificates.len();
            // An anchor of version 1 can say nothing about itself; whoever chose it did.
            if is_anchor && certificate.version() < 3 {
                continue;
            }
            if certificate.version() < 3 || !certificate.is_certificate_authority() {
                return Err(PathError::NotAuthority { which });
            }
            if let Some(usage) = certificate.key_usage().filter(|usage| !usage.key_cert_sign()) {
                return Err(PathError::KeyUsage { which, found: usage.names() });
            }
        }
        Ok(())
    }

    /// RFC 5280, section 6.1.4 (l) and (m): self-issued certificates do not count.
    fn check_path_lengths(&self, facts: &[Facts<'_>]) -> Result<(), PathError> {
        let mut below = 0_u32;
        for ((which, certificate), facts) in self.each().zip(facts).skip(1) {
            if let Some(limit) = certificate.path_length().filter(|&limit| below > limit) {
                return Err(PathError::PathLength { which, limit, found: below });
            }
            if !facts.is_self_issued() {
                below += 1;
            }
        }
        Ok(())
    }

    /// RFC 8550, section 4.4, for the leaf; and no CA may give what it was not given itself, which
    /// RFC 5280 leaves open and every program asks for.
    fn check_usage(&self, purpose: Purpose) -> Result<(), PathError> {
        let Some((leaf, certificate)) = self.each().next() else { return Ok(()) };
        let usage = match purpose {
            Purpose::SignMail => certificate.may_sign_mail(),
            Purpose::EncryptMail => certificate.may_receive_encrypted_mail(),
            Purpose::IssueRevocationLists => match certificate.key_usage() {
                Some(usage) if !usage.crl_sign() => Err(UsageError::KeyUsage(usage.names())),
                _ => Ok(()),
            },
            Purpose::Other(_) | Purpose::Any => Ok(()),
        };
        usage.map_err(|error| match error {
            UsageError::KeyUsage(found) => PathError::KeyUsage { which: leaf.clone(), found },
            UsageError::ExtendedKeyUsage(found) => PathError::ExtendedKeyUsage { which: leaf.clone(), found },
            UsageError::KeyAlgorithm(found) => PathError::KeyAlgorithm { which: leaf.clone(), found },
        })?;
        let wanted = match purpose {
            Purpose::SignMail | Purpose::EncryptMail => "1.3.6.1.5.5.7.3.4",
            Purpose::Other(purpose) => purpose,
            Purpose::IssueRevocationLists | Purpose::Any => return Ok(()),
        };
        for (which, certificate) in self.each() {
            let usage = certificate.extended_key_usage();
            let must_name = which.depth == 0 && matches!(self.anchor.kind(), AnchorKind::Public { .. });
            let allows = match usage {
                None => !must_name,
                Some(usage) => usage.allows(wanted) || usage.allows_any() && !must_name,
            };
            if !allows {
                let found = usage.map(|usage| usage.purposes().to_vec()).unwrap_or_default();
                return Err(PathError::ExtendedKeyUsage { which, found });
            }
        }
        Ok(())
    }

    /// RFC 5280, section 6.1.3 (b) and (c): every CA's constraints hold for all that lies below it,
    /// self-issued certificates in the middle excepted.
    fn check_name_constraints(&self, facts: &[Facts<'_>], budget: &mut Budget) -> Result<(), PathError> {
        let places: Vec<_> = self.each().zip(facts).collect();
        for (place, ((by, _), constraining)) in places.iter().enumerate() {
            let Some(constraints) = &constraining.name_constraints else { continue };
            for ((which, _), facts) in places.iter().take(place) {
                if facts.is_self_issued() && which.depth > 0 {
                    continue;
                }
                constraints.check(&facts.names, &mut budget.comparisons).map_err(
                    |refusal| match refusal {
                        Refusal::Budget => PathError::Budget(BudgetKind::NameComparisons),
                        Refusal::Name(form, fault) => {
                            PathError::NameConstraint { which: which.clone(), by: by.clone(), form, fault }
                        }
                    },
                )?;
            }
        }
        Ok(())
    }

    /// RFC 5280, section 6.1.3 (a)(2), for the anchor too; and the date after which a root list
    /// does not trust it.
    fn check_dates(&self, request: &PathRequest) -> Result<(), PathError> {
        let at = request.at;
        if let (AnchorKind::Public { distrust_after: Some(after) }, Some(leaf)) =
            (self.anchor.kind(), self.certificates.first())
            && leaf.not_before() > after
        {
            return Err(PathError::AnchorDistrusted { after, issued: leaf.not_before() });
        }
        for (which, certificate) in self.each() {
            let not_before = certificate.not_before();
            if at.plus_seconds(limits::CLOCK_SKEW_SECONDS) < not_before {
                return Err(PathError::NotYetValid { which, at, not_before });
            }
        }
        for (which, certificate) in self.each() {
            let not_after = certificate.not_after();
            if not_after < at {
                return Err(PathError::Expired { which, at, not_after });
            }
        }
        Ok(())
    }

    fn weaknesses(&self) -> Vec<Weakness> {
        let mut weaknesses = Vec::new();
        for (which, certificate) in self.each() {
            let is_anchor = which.depth + 1 == self.certificates.len();
            let mut add = |kind| weaknesses.push(Weakness { which: which.clone(), kind });
            let key = certificate.public_key().algorithm();
            match key {
                KeyAlgorithm::Dsa => add(WeaknessKind::Key(key)),
                KeyAlgorithm::Rsa { bits } if bits < limits::RSA_STRONG_BITS => add(WeaknessKind::Key(key)),
                _ => {}
            }
            let exponent = certificate.public_key().rsa_exponent();
            if let Some(exponent) = exponent.filter(|&exponent| exponent < 65_537) {
                add(WeaknessKind::SmallExponent(exponent));
            }
            // Nobody relies on an anchor's signature over itself.
            let signature = certificate.signature_algorithm().filter(|_| !is_anchor);
            if let Some(signature) = signature.filter(|signature| signature.is_weak()) {
                add(WeaknessKind::Signature(signature));
            }
        }
        weaknesses
    }
}

fn read_facts(certificate: &Certificate, which: Which) -> Result<Facts<'_>, PathError> {
    Facts::read(certificate).map_err(|error| match error {
        FactsError::Malformed(what) => PathError::Malformed { which, what },
        FactsError::TooManyNames => PathError::Budget(BudgetKind::Names),
        FactsError::TooManyPolicies => PathError::Budget(BudgetKind::Policies),
    })
}
