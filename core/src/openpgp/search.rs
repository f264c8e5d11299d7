//! The search for paths from the roots to a binding, as sequoia-wot has it.
//!
//! With limited depths the most that all paths carry together is hard to find, so the procedure is
//! greedy and part of the answer's meaning: search backward from the target for the best path from
//! a root (the shorter first, then the one of the larger amount), take what it carries away from
//! each pair of certificates on it, and search again. Whatever is found is a flow, so it never says
//! more than a forger would have to spend. Nothing is ever given back to a pair, so there are webs
//! through which more would pass (`docs/decisions/openpgp-amounts.md`).

use std::collections::{BinaryHeap, HashMap};

use super::FULL;
use super::certificate::Depth;
use super::reliance::Root;
use super::scope::Scope;

/// A certificate of the graph, by its place in the order of fingerprints.
pub(super) type Node = usize;

/// An active certification.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) issuer: Node,
    /// The certified user identifier, by its place in the target.
    pub(super) user_id: usize,
    /// What it carries, at most [`FULL`].
    pub(super) amount: u8,
    pub(super) depth: Depth,
    pub(super) scope: Scope,
    /// The certification, by its place in the target.
    pub(super) certification: usize,
}

/// Who certified whom.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// For each certificate the certifications on it, in the order of their issuers.
    pub(super) incoming: Vec<Vec<Edge>>,
    /// For each certificate how far the user relies on it.
    pub(super) roots: Vec<Option<Root>>,
}

/// What is asked: whether a user identifier belongs to a certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) target: Node,
    /// The user identifier's place in the certificate, where it has it.
    pub(super) user_id: Option<usize>,
    /// Its text, for regular expressions.
    pub(super) text: &'a str,
    /// Whether the owner of the certificate signed it.
    pub(super) self_signed: bool,
}

/// A path from a root to the binding.
#[derive(Debug)]
pub(super) struct Found<'g> {
    pub(super) root: Node,
    /// Each with the certificate that it certifies.
    pub(super) edges: Vec<(&'g Edge, Node)>,
    /// Whether the last step is the target's own signature on its user identifier.
    pub(super) ends_in_self_signature: bool,
    pub(super) amount: u8,
}

impl Found<'_> {
    /// How many certificates and self-signatures it has.
    fn length(&self) -> usize {
        1 + self.edges.len() + usize::from(self.ends_in_self_signature && !self.edges.is_empty())
    }
}

impl Graph {
    /// Paths that together carry `wanted` points, or all there are, at most `most` of them.
    pub(super) fn paths(&self, question: Question<'_>, wanted: u32, most: usize) -> Vec<Found<'_>> {
        let mut used = Used::default();
        let mut paths: Vec<Found<'_>> = Vec::new();
        let mut carried = 0;
        while carried < wanted && paths.len() < most {
            let by_introducers = |used: &Used| self.best_path(question, false, used);
            let Some(found) = self.best_path(question, true, &used).or_else(|| by_introducers(&used)) else {
                break;
            };
            used.take(&found, question.target);
            carried += u32::from(found.amount);
            paths.push(found);
        }
        paths
    }

    /// The best path in what is left. `by_target`: the target introduces the user identifier
    /// itself, being an introducer by another of its user identifiers.
    fn best_path(&self, question: Question<'_>, by_target: bool, used: &Used) -> Option<Found<'_>> {
        if by_target && !question.self_signed {
            return None;
        }
        let reached = self.reach(question, by_target, used);
        let roots = self.roots.iter().enumerate().filter_map(|(node, root)| Some((node, root.as_ref()?)));
        let may_introduce = |node: Node, root: &Root| {
            let steps = reached.get(node).copied().flatten().map_or(0, |reached| reached.steps);
            root.admits(question.text, steps.saturating_sub(1))
        };
        roots
            .filter(|(node, root)| may_introduce(*node, root))
            .filter_map(|(node, _)| self.path_from(node, question, by_target, &reached, used))
            .max_by_key(|found| (found.amount, std::cmp::Reverse(found.length()), found.root))
    }

    /// From the target backward: for each certificate that can introduce the binding the best first
    /// step (Dijkstra's algorithm).
    fn reach(&self, question: Question<'_>, by_target: bool, used: &Used) -> Vec<Option<Reached<'_>>> {
        let mut reached: Vec<Option<Reached<'_>>> = vec![None; self.incoming.len()];
        let mut queue = BinaryHeap::new();
        let start = Reached { steps: usize::from(by_target), amount: FULL, next: None };
        if let Some(place) = reached.get_mut(question.target) {
            *place = Some(start);
            queue.push(start.priority(question.target));
        }
        while let Some((_, _, std::cmp::Reverse(signee))) = queue.pop() {
            // Nothing before a root that is relied upon fully makes its path better.
            if self.root(signee).is_some_and(|root| root.amount >= FULL && root.is_unlimited()) {
                continue;
            }
            let Some(current) = reached.get(signee).copied().flatten() else { continue };
            for edge in self.incoming.get(signee).into_iter().flatten() {
                let amount = used.left(edge, signee);
                if amount == 0 || !question.admits(edge, signee, &current, by_target) {
                    continue;
                }
                let step = Reached {
                    steps: current.steps + 1,
                    amount: amount.min(current.amount),
                    next: Some((edge, signee)),
                };
                let Some(place) = reached.get_mut(edge.issuer) else { continue };
                match place {
                    None => {
                        queue.push(step.priority(edge.issuer));
                        *place = Some(step);
                    }
                    Some(known) if step.is_better_than(known) => *known = step,
                    Some(_) => {}
                }
            }
        }
        reached
    }

    /// The path that starts at a root, if one does.
    fn path_from<'g>(
        &'g self,
        root: Node,
        question: Question<'_>,
        by_target: bool,
        reached: &[Option<Reached<'g>>],
        used: &Used,
    ) -> Option<Found<'g>> {
        let first = reached.get(root).copied().flatten()?;
        if first.next.is_none() {
            let amount = by_target.then(|| self.own_signature_of_a_root(root, used))?;
            return (amount > 0).then(|| Found {
                root,
                edges: Vec::new(),
                ends_in_self_signature: true,
                amount,
            });
        }
        let mut edges = Vec::new();
        let mut next = first.next;
        while let Some((edge, signee)) = next {
            edges.push((edge, signee));
            next = reached.get(signee).copied().flatten()?.next;
        }
        let last = edges.last().map(|(edge, _)| edge.user_id);
        let ends_in_self_signature = by_target && last != question.user_id;
        Some(Found { root, edges, ends_in_self_signature, amount: first.amount })
    }

    /// What the self-signature of a target that is a root itself carries.
    fn own_signature_of_a_root(&self, root: Node, used: &Used) -> u8 {
        let amount = self.root(root).map_or(0, |root| root.amount).min(FULL);
        used.left_of(amount, root, root)
    }

    fn root(&self, node: Node) -> Option<&Root> {
        self.roots.get(node)?.as_ref()
    }
}

impl Question<'_> {
    /// Whether a certification may stand before the steps that follow it.
    fn admits(&self, edge: &Edge, signee: Node, following: &Reached<'_>, by_target: bool) -> bool {
        let introduces_target = following.next.is_none() && !by_target;
        if introduces_target && signee == self.target && Some(edge.user_id) != self.user_id {
            return false;
        }
        // The certification of the binding itself is under no regular expression of its own.
        edge.scope.is_readable()
            && edge.depth.allows(following.steps)
            && (introduces_target || edge.scope.admits(self.text))
    }
}

/// The best way from a certificate to the binding that is known.
#[derive(Clone, Copy, Debug)]
struct Reached<'g> {
    steps: usize,
    amount: u8,
    next: Option<(&'g Edge, Node)>,
}

impl Reached<'_> {
    /// Shorter first, then the larger amount, then the lower fingerprint.
    const fn priority(&self, node: Node) -> (std::cmp::Reverse<usize>, u8, std::cmp::Reverse<Node>) {
        (std::cmp::Reverse(self.steps), self.amount, std::cmp::Reverse(node))
    }

    const fn is_better_than(&self, other: &Self) -> bool {
        self.steps < other.steps || self.steps == other.steps && self.amount > other.amount
    }
}

/// What earlier paths carry already.
#[derive(Debug, Default)]
struct Used {
    /// From one certificate to another, whatever the user identifiers.
    pairs: HashMap<(Node, Node), u32>,
    /// Everything that a root certified, once its own binding was found.
    roots: HashMap<Node, u32>,
}

impl Used {
    fn take(&mut self, found: &Found<'_>, target: Node) {
        let amount = u32::from(found.amount);
        if found.edges.is_empty() {
            *self.roots.entry(found.root).or_default() += amount;
            return;
        }
        for (edge, signee) in &found.edges {
            *self.pairs.entry((edge.issuer, *signee)).or_default() += amount;
        }
        if found.ends_in_self_signature {
            *self.pairs.entry((target, target)).or_default() += amount;
        }
    }

    fn left(&self, edge: &Edge, signee: Node) -> u8 {
        self.left_of(edge.amount, edge.issuer, signee)
    }

    fn left_of(&self, amount: u8, issuer: Node, signee: Node) -> u8 {
        if self.pairs.is_empty() && self.roots.is_empty() {
            return amount;
        }
        let pair = self.pairs.get(&(issuer, signee)).copied().unwrap_or(0);
        let root = self.roots.get(&issuer).copied().unwrap_or(0);
        let left = u32::from(amount).saturating_sub(pair).saturating_sub(root);
        u8::try_from(left).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn graph(nodes: usize, edges: &[(Node, Node)]) -> Graph {
        let incoming = (0..nodes).map(|target| {
            let certified = edges.iter().filter(|(_, certified)| *certified == target);
            let edge = |(issuer, _): &(Node, Node)| Edge {
                issuer: *issuer,
                user_id: 0,
                amount: FULL,
                depth: Depth::Unlimited,
                scope: Scope::Everything,
                certification: 0,
            };
            certified.map(edge).collect()
        });
        Graph {
            incoming: incoming.collect(),
            roots: (0..nodes).map(|node| (node == 0).then_some(Root::of(FULL))).collect(),
        }
    }

    const ALICE: &str = "Alice <alice@example.org>";

    fn amount(graph: &Graph, target: Node) -> u32 {
        let question = Question { target, user_id: Some(0), text: ALICE, self_signed: false };
        graph.paths(question, u32::MAX, 100).iter().map(|found| u32::from(found.amount)).sum()
    }

    #[test]
    fn a_path_that_was_taken_is_not_given_back() {
        let [root, a, b, c, d, e, f, target] = [0, 1, 2, 3, 4, 5, 6, 7];
        let edges = [(root, a), (a, d), (d, target), (a, c), (c, e), (e, target), (root, b), (b, f), (f, d)];
        assert_eq!(amount(&graph(8, &edges), target), 120);
    }

    #[test]
    fn paths_that_share_nothing_add_up() {
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)];
        assert_eq!(amount(&graph(4, &edges), 3), 240);
    }

    fn amount_by(root: Root, target: Node) -> u32 {
        let mut graph = graph(4, &[(0, 1), (1, 2), (2, 3)]);
        *graph.roots.first_mut().unwrap() = Some(root);
        amount(&graph, target)
    }

    #[test]
    fn no_more_introducers_stand_behind_a_root_than_its_depth() {
        let amounts = |depth| [1, 2, 3].map(|target| amount_by(Root { depth, ..Root::of(FULL) }, target));
        assert_eq!(amounts(None), [120; 3]);
        assert_eq!(amounts(Some(0)), [120, 0, 0]);
        assert_eq!(amounts(Some(1)), [120, 120, 0]);
    }

    #[test]
    fn a_root_speaks_for_its_domains_alone() {
        let by = |domains: &[&str]| {
            let domains = domains.iter().map(|&domain| domain.to_owned()).collect();
            amount_by(Root { domains, ..Root::of(FULL) }, 2)
        };
        assert_eq!([by(&[]), by(&["example.org"]), by(&["example.net"]), by(&["org"])], [120, 120, 0, 0]);
    }

    #[test]
    fn a_root_behind_a_limited_one_still_counts() {
        let mut graph = graph(3, &[(0, 1), (1, 2)]);
        *graph.roots.get_mut(1).unwrap() =
            Some(Root { domains: vec!["example.net".to_owned()], ..Root::of(FULL) });
        assert_eq!(amount(&graph, 2), 120);
    }

    #[test]
    fn a_ring_ends() {
        let edges = [(1, 2), (2, 3), (3, 1)];
        assert_eq!(amount(&graph(4, &edges), 1), 0);
    }
}
