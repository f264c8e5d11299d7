//! Certificate policies along a path: RFC 5280, section 6.1, with the graph of RFC 9618 in the
//! place of the tree, whose size an issuer can make exponential.

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;
use der::Decode as _;
use x509_cert::ext::pkix::{CertificatePolicies, InhibitAnyPolicy, PolicyConstraints, PolicyMappings};

use super::facts::{Facts, FactsError, value};
use crate::limits;
use crate::x509::Certificate;
use crate::x509::certificate::extension;

const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// The inputs of RFC 5280, section 6.1.1 (c), (e), (f) and (g).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyRequest {
    /// Acceptable policies as dotted object identifiers; an empty list accepts any.
    pub acceptable: Vec<String>,
    /// Some policy must hold.
    pub explicit: bool,
    /// Policies of one domain are not translated to those of another.
    pub inhibit_mapping: bool,
    /// anyPolicy is not accepted in certificates.
    pub inhibit_any: bool,
}

/// The extensions of one certificate that speak of policies.
#[derive(Debug, Default)]
pub(super) struct PolicyFacts {
    /// Nothing where the extension is absent.
    policies: Option<BTreeSet<ObjectIdentifier>>,
    /// Of the issuer's domain, and what they are in the subject's.
    mappings: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>,
    require_explicit: Option<usize>,
    inhibit_mapping: Option<usize>,
    inhibit_any: Option<usize>,
}

impl PolicyFacts {
    pub(super) fn maps_any_policy(&self) -> bool {
        self.mappings.iter().any(|(from, to)| *from == ANY_POLICY || to.contains(&ANY_POLICY))
    }
}

/// The policies that hold along a path, or nothing where the path fails for want of one.
///
/// The certificates are in the order of validation: the one that the anchor issued first, the leaf
/// last.
pub(super) fn valid_policies(path: &[&Facts<'_>], request: &PolicyRequest) -> Option<Vec<String>> {
    let mut state = State::new(path.len(), request);
    for (index, facts) in path.iter().enumerate() {
        let is_leaf = index + 1 == path.len();
        state.enter(facts, is_leaf);
        if state.explicit == 0 && state.graph.is_none() {
            return None;
        }
        if !is_leaf {
            state.prepare_next(facts);
        }
    }
    state.wrap_up(path.last()?, request)
}

/// A node of the graph below the first level.
#[derive(Debug, Default)]
struct Node {
    /// valid_policy of its parents, one level up.
    parents: BTreeSet<ObjectIdentifier>,
    /// expected_policy_set.
    expected: BTreeSet<ObjectIdentifier>,
}

type Level = BTreeMap<ObjectIdentifier, Node>;

/// The variables of RFC 5280, section 6.1.2.
struct State {
    /// valid_policy_graph; the levels from the anchor down, by valid_policy.
    graph: Option<Vec<Level>>,
    explicit: usize,
    mapping: usize,
    any: usize,
}

impl State {
    fn new(length: usize, request: &PolicyRequest) -> Self {
        let counter = |now: bool| if now { 0 } else { length + 1 };
        let root = Node { parents: BTreeSet::new(), expected: BTreeSet::from([ANY_POLICY]) };
        Self {
            graph: Some(vec![Level::from([(ANY_POLICY, root)])]),
            explicit: counter(request.explicit),
            mapping: counter(request.inhibit_mapping),
            any: counter(request.inhibit_any),
        }
    }

    /// RFC 5280, section 6.1.3 (d) and (e), as RFC 9618 has it.
    fn enter(&mut self, facts: &Facts<'_>, is_leaf: bool) {
        let (Some(graph), Some(policies)) = (self.graph.as_mut(), facts.policies.policies.as_ref()) else {
            self.graph = None;
            return;
        };
        let empty = Level::new();
        let above = graph.last().unwrap_or(&empty);
        let mut level = Level::new();
        for &policy in policies.iter().filter(|&&policy| policy != ANY_POLICY) {
            let mut parents = parents_expecting(above, policy);
            if parents.is_empty() && above.contains_key(&ANY_POLICY) {
                parents.insert(ANY_POLICY);
            }
            if !parents.is_empty() {
                level.insert(policy, Node { parents, expected: BTreeSet::from([policy]) });
            }
        }
        let any_counts = self.any > 0 || !is_leaf && facts.is_self_issued();
        if policies.contains(&ANY_POLICY) && any_counts {
            let expected: BTreeSet<ObjectIdentifier> =
                above.values().flat_map(|node| node.expected.iter().copied()).collect();
            for policy in expected {
                level.entry(policy).or_insert_with(|| Node {
                    parents: parents_expecting(above, policy),
                    expected: BTreeSet::from([policy]),
                });
            }
        }
        graph.push(level);
        self.prune();
    }

    /// RFC 5280, section 6.1.4 (b) and (h) to (j).
    fn prepare_next(&mut self, facts: &Facts<'_>) {
        let policies = &facts.policies;
        if !policies.mappings.is_empty() {
            self.map(&policies.mappings);
        }
        if !facts.is_self_issued() {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *counter = counter.saturating_sub(1);
            }
        }
        let least = |counter: &mut usize, limit: Option<usize>| {
            *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        };
        least(&mut self.explicit, policies.require_explicit);
        least(&mut self.mapping, policies.inhibit_mapping);
        least(&mut self.any, policies.inhibit_any);
    }

    fn map(&mut self, mappings: &BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>) {
        let allowed = self.mapping > 0;
        let Some(level) = self.graph.as_mut().and_then(|graph| graph.last_mut()) else { return };
        for (from, to) in mappings {
            if !allowed {
                level.remove(from);
            } else if let Some(node) = level.get_mut(from) {
                node.expected.clone_from(to);
            } else if level.contains_key(&ANY_POLICY) {
                let parents = BTreeSet::from([ANY_POLICY]);
                level.insert(*from, Node { parents, expected: to.clone() });
            }
        }
        self.prune();
    }

    /// Removes nodes without children, from the bottom up; an empty level empties the graph.
    fn prune(&mut self) {
        let Some(graph) = self.graph.as_mut() else { return };
        for index in (1..graph.len()).rev() {
            let Some((above, below)) = graph.split_at_mut_checked(index) else { return };
            let used: BTreeSet<ObjectIdentifier> = below
                .first()
                .into_iter()
                .flat_map(|level| level.values().flat_map(|node| node.parents.iter().copied()))
                .collect();
            if let Some(level) = above.last_mut() {
                level.retain(|policy, _| used.contains(policy));
            }
        }
        if graph.iter().any(BTreeMap::is_empty) {
            self.graph = None;
        }
    }

    /// RFC 5280, section 6.1.5 (a), (b) and (g).
    fn wrap_up(mut self, leaf: &Facts<'_>, request: &PolicyRequest) -> Option<Vec<String>> {
        self.explicit = self.explicit.saturating_sub(1);
        if leaf.policies.require_explicit == Some(0) {
            self.explicit = 0;
        }
        let held = self.graph.as_deref().map(authority_policies).unwrap_or_default();
        let is_acceptable =
            |policy: &String| request.acceptable.is_empty() || request.acceptable.contains(policy);
        let any = ANY_POLICY.to_string();
        let mut policies: Vec<String> = held.iter().map(ToString::to_string).filter(is_acceptable).collect();
        if held.contains(&ANY_POLICY) && !request.acceptable.is_empty() {
            policies.extend(request.acceptable.iter().filter(|policy| **policy != any).cloned());
        }
        policies.sort();
        policies.dedup();
        (self.explicit > 0 || !policies.is_empty()).then_some(policies)
    }
}

fn parents_expecting(above: &Level, policy: ObjectIdentifier) -> BTreeSet<ObjectIdentifier> {
    above.iter().filter(|(_, node)| node.expected.contains(&policy)).map(|(name, _)| *name).collect()
}

/// The policies of the anchor's domain: nodes right below anyPolicy, and anyPolicy itself where it
/// reaches the leaf. After pruning, every node has a descendant there.
fn authority_policies(graph: &[Level]) -> BTreeSet<ObjectIdentifier> {
    let below_any = graph
        .iter()
        .flat_map(BTreeMap::iter)
        .filter(|(policy, node)| **policy != ANY_POLICY && node.parents.contains(&ANY_POLICY));
    let mut policies: BTreeSet<ObjectIdentifier> = below_any.map(|(policy, _)| *policy).collect();
    if graph.last().is_some_and(|leaf| leaf.contains_key(&ANY_POLICY)) {
        policies.insert(ANY_POLICY);
    }
    policies
}

/// Reads the extensions of RFC 5280, sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14.
pub(super) fn read_policies(certificate: &Certificate) -> Result<PolicyFacts, FactsError> {
    let mut facts = PolicyFacts::default();
    if let Some(der) = value(certificate, extension::CERTIFICATE_POLICIES) {
        let policies = policies(der).ok_or(FactsError::Malformed("certificatePolicies"))?;
        facts.policies = Some(within_limit(policies.len()).map(|()| policies)?);
    }
    if let Some(der) = value(certificate, extension::POLICY_MAPPINGS) {
        facts.mappings = mappings(der).ok_or(FactsError::Malformed("policyMappings"))?;
        within_limit(facts.mappings.values().map(BTreeSet::len).sum())?;
    }
    if let Some(der) = value(certificate, extension::POLICY_CONSTRAINTS) {
        let constraints = PolicyConstraints::from_der(der).ok().filter(says_something);
        let constraints = constraints.ok_or(FactsError::Malformed("policyConstraints"))?;
        facts.require_explicit = constraints.require_explicit_policy.map(count);
        facts.inhibit_mapping = constraints.inhibit_policy_mapping.map(count);
    }
    if let Some(der) = value(certificate, extension::INHIBIT_ANY_POLICY) {
        let limit = InhibitAnyPolicy::from_der(der);
        facts.inhibit_any = Some(count(limit.map_err(|_| FactsError::Malformed("inhibitAnyPolicy"))?.0));
    }
    Ok(facts)
}

fn within_limit(number: usize) -> Result<(), FactsError> {
    if number > limits::CERTIFICATE_POLICIES { Err(FactsError::TooManyPolicies) } else { Ok(()) }
}

/// A policy stands only once; its qualifiers are for people (RFC 5280, section 4.2.1.4).
fn policies(der: &[u8]) -> Option<BTreeSet<ObjectIdentifier>> {
    let CertificatePolicies(all) = CertificatePolicies::from_der(der).ok()?;
    let policies: BTreeSet<_> = all.iter().map(|policy| policy.policy_identifier).collect();
    (!all.is_empty() && policies.len() == all.len()).then_some(policies)
}

fn mappings(der: &[u8]) -> Option<BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>> {
    let mut mappings: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for mapping in PolicyMappings::from_der(der).ok()?.0 {
        mappings.entry(mapping.issuer_domain_policy).or_default().insert(mapping.subject_domain_policy);
    }
    (!mappings.is_empty()).then_some(mappings)
}

fn says_something(constraints: &PolicyConstraints) -> bool {
    constraints.require_explicit_policy.is_some() || constraints.inhibit_policy_mapping.is_some()
}

/// SkipCerts; no path is as long as the largest number.
fn count(certificates: u32) -> usize {
    usize::try_from(certificates).unwrap_or(usize::MAX)
}
