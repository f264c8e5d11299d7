//! The evidence graph, its maximal flow and its minimal cut.
//!
//! Nodes have capacities, edges have none. What flows from the source to a claim is its score: by
//! the theorem of Ford and Fulkerson it equals the capacity of the cheapest set of nodes that
//! separates the two, which is what a forger must subvert. The flow is found by the algorithm of
//! Dinic over nodes that are split in two.
//!
//! Work has a budget. Any flow that is found before it ends is a lower bound of the score, so a
//! graph that is made to be slow is under-reported and never over-reported.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::points::{SATURATED, UNLIMITED};
use crate::limits;

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(usize);

/// A directed graph with capacities on its nodes; `N` names them.
#[derive(Clone, Debug)]
pub(super) struct Graph<N> {
    nodes: Vec<(N, u32)>,
    index: BTreeMap<N, NodeId>,
    edges: BTreeSet<(NodeId, NodeId)>,
}

/// What flows, and where it is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Points that arrive, at most [`SATURATED`].
    pub(super) value: u32,
    /// The cheapest set of nodes that separates source and sink: of several, the one nearest to the
    /// source. Empty where the flow is saturated or the search ended early.
    pub(super) cut: Vec<NodeId>,
    /// How much flows through each node, by its number.
    pub(super) through: Vec<u32>,
    /// Whether the budget ended the search: then `value` is a lower bound.
    pub(super) is_incomplete: bool,
}

impl<N: Ord + Clone> Graph<N> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), index: BTreeMap::new(), edges: BTreeSet::new() }
    }

    /// The node of this name. One that is there already keeps the larger of both capacities, so
    /// that more evidence never makes a graph narrower.
    pub(super) fn node(&mut self, name: N, capacity: u32) -> NodeId {
        if let Some(found) = self.index.get(&name) {
            if let Some(node) = self.nodes.get_mut(found.0) {
                node.1 = node.1.max(capacity);
            }
            return *found;
        }
        let id = NodeId(self.nodes.len());
        self.index.insert(name.clone(), id);
        self.nodes.push((name, capacity));
        id
    }

    /// Lets what comes out of `from` go into `to`.
    pub(super) fn connect(&mut self, from: NodeId, to: NodeId) {
        if from != to {
            self.edges.insert((from, to));
        }
    }

    pub(super) fn find(&self, name: &N) -> Option<NodeId> {
        self.index.get(name).copied()
    }

    pub(super) fn name(&self, id: NodeId) -> Option<&N> {
        self.nodes.get(id.0).map(|(name, _)| name)
    }

    pub(super) fn capacity(&self, id: NodeId) -> u32 {
        self.nodes.get(id.0).map_or(0, |(_, capacity)| *capacity)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &N, u32)> {
        self.nodes.iter().enumerate().map(|(number, (name, capacity))| (NodeId(number), name, *capacity))
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.edges.iter().copied()
    }

    /// The maximal flow from one node to another; the capacities of these two do not count.
    #[cfg(test)]
    pub(super) fn flow(&self, source: NodeId, sink: NodeId) -> Flow {
        self.flow_with(source, sink, |_, capacity| capacity)
    }

    /// The same, with other capacities than the nodes have.
    pub(super) fn flow_with(
        &self,
        source: NodeId,
        sink: NodeId,
        capacity: impl Fn(NodeId, u32) -> u32,
    ) -> Flow {
        let mut network = Network::of(self, |id, own| match id {
            _ if id == source || id == sink => UNLIMITED,
            _ => capacity(id, own),
        });
        let (value, is_incomplete) = network.push_all(source.outside(), sink.inside());
        let is_cut_known = value < SATURATED && !is_incomplete;
        Flow {
            value,
            cut: if is_cut_known { network.cut(self.nodes.len()) } else { Vec::new() },
            through: (0..self.nodes.len()).map(|number| network.through(NodeId(number))).collect(),
            is_incomplete,
        }
    }
}

impl NodeId {
    /// Of the two halves of a split node the one that edges enter.
    const fn inside(self) -> usize {
        2 * self.0
    }

    /// And the one that they leave.
    const fn outside(self) -> usize {
        2 * self.0 + 1
    }

    pub(super) const fn number(self) -> usize {
        self.0
    }
}

/// An arc of the residual network; its reverse is the one with the lowest bit of the number flipped.
#[derive(Clone, Copy)]
struct Arc {
    to: usize,
    left: u64,
}

/// The residual network of the split graph.
struct Network {
    arcs: Vec<Arc>,
    /// Numbers of the arcs that leave each half node.
    leaving: Vec<Vec<usize>>,
    /// Distance from the source in the last search.
    level: Vec<Option<u32>>,
    steps: usize,
}

/// More than can ever flow.
const INFINITE: u64 = u64::MAX / 4;

impl Network {
    fn of<N>(graph: &Graph<N>, capacity_of: impl Fn(NodeId, u32) -> u32) -> Self {
        let halves = 2 * graph.nodes.len();
        let mut network =
            Self { arcs: Vec::new(), leaving: vec![Vec::new(); halves], level: vec![None; halves], steps: 0 };
        // The arc of a node within itself is number 2 * node: `through` and `cut` rely on it.
        for (number, (_, capacity)) in graph.nodes.iter().enumerate() {
            let id = NodeId(number);
            let capacity = match capacity_of(id, *capacity) {
                UNLIMITED => INFINITE,
                limited => u64::from(limited),
            };
            network.add(id.inside(), id.outside(), capacity);
        }
        for (from, to) in &graph.edges {
            network.add(from.outside(), to.inside(), INFINITE);
        }
        network
    }

    fn add(&mut self, from: usize, to: usize, capacity: u64) {
        for (start, arc) in [(from, Arc { to, left: capacity }), (to, Arc { to: from, left: 0 })] {
            if let Some(leaving) = self.leaving.get_mut(start) {
                leaving.push(self.arcs.len());
            }
            self.arcs.push(arc);
        }
    }

    fn arc(&self, number: usize) -> Arc {
        self.arcs.get(number).copied().unwrap_or(Arc { to: 0, left: 0 })
    }

    fn level_of(&self, half: usize) -> Option<u32> {
        self.level.get(half).copied().flatten()
    }

    /// Pushes until nothing more goes through; answers with the flow and whether the budget ended it.
    fn push_all(&mut self, source: usize, sink: usize) -> (u32, bool) {
        let mut total = 0_u64;
        while total < u64::from(SATURATED) && self.search(source, sink) {
            let mut next = vec![0_usize; self.leaving.len()];
            while let Some(pushed) = self.push_one(source, sink, &mut next) {
                total = total.saturating_add(pushed);
                if total >= u64::from(SATURATED) {
                    break;
                }
            }
            if self.steps >= limits::FLOW_STEPS {
                return (saturated(total), true);
            }
        }
        (saturated(total), self.steps >= limits::FLOW_STEPS)
    }

    /// Breadth first: the distance of everything that can be reached. Answers whether the sink can.
    fn search(&mut self, source: usize, sink: usize) -> bool {
        self.level.fill(None);
        if let Some(level) = self.level.get_mut(source) {
            *level = Some(0);
        }
        let mut queue = std::collections::VecDeque::from([source]);
        while let Some(half) = queue.pop_front() {
            let distance = self.level_of(half).unwrap_or(0);
            for number in self.leaving.get(half).into_iter().flatten() {
                self.steps += 1;
                let Some(arc) = self.arcs.get(*number).filter(|arc| arc.left > 0) else { continue };
                if let Some(level @ None) = self.level.get_mut(arc.to) {
                    *level = Some(distance + 1);
                    queue.push_back(arc.to);
                }
            }
        }
        self.level_of(sink).is_some()
    }

    /// Depth first along rising distances: one path, and what goes through it. `next` remembers for
    /// each half node which of its arcs are worth trying yet.
    fn push_one(&mut self, source: usize, sink: usize, next: &mut [usize]) -> Option<u64> {
        let mut path: Vec<usize> = Vec::new();
        let mut here = source;
        while here != sink {
            if self.steps >= limits::FLOW_STEPS {
                return None;
            }
            self.steps += 1;
            let position = next.get(here).copied().unwrap_or(0);
            match self.leaving.get(here).and_then(|leaving| leaving.get(position)).copied() {
                Some(number) if self.leads_on(here, number) => {
                    path.push(number);
                    here = self.arc(number).to;
                }
                Some(_) => advance(next, here),
                None => {
                    // A dead end: back, and not here again.
                    let last = path.pop()?;
                    here = self.arc(last ^ 1).to;
                    advance(next, here);
                }
            }
        }
        let pushed = path.iter().map(|number| self.arc(*number).left).min()?;
        for number in path {
            self.change(number, |left| left.saturating_sub(pushed));
            self.change(number ^ 1, |left| left.saturating_add(pushed));
        }
        Some(pushed)
    }

    fn leads_on(&self, here: usize, number: usize) -> bool {
        let arc = self.arc(number);
        arc.left > 0
            && matches!((self.level_of(here), self.level_of(arc.to)), (Some(own), Some(other)) if other == own + 1)
    }

    fn change(&mut self, number: usize, change: impl Fn(u64) -> u64) {
        if let Some(arc) = self.arcs.get_mut(number) {
            arc.left = change(arc.left);
        }
    }

    /// The nodes whose inner half is reached from the source and whose outer half is not. The last
    /// search of a complete flow has marked what is reached.
    fn cut(&self, nodes: usize) -> Vec<NodeId> {
        (0..nodes)
            .map(NodeId)
            .filter(|id| self.level_of(id.inside()).is_some() && self.level_of(id.outside()).is_none())
            .collect()
    }

    fn through(&self, id: NodeId) -> u32 {
        // The arc within node n is the n-th pair; what its reverse has left is what flows.
        saturated(self.arc(2 * id.0 + 1).left)
    }
}

fn advance(next: &mut [usize], half: usize) {
    if let Some(position) = next.get_mut(half) {
        *position += 1;
    }
}

fn saturated(flow: u64) -> u32 {
    u32::try_from(flow).map_or(SATURATED, |flow| flow.min(SATURATED))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A graph from source `S` to sink `T`: nodes with capacities, and edges.
    fn graph(nodes: &[(&'static str, u32)], edges: &[(&'static str, &'static str)]) -> Graph<&'static str> {
        let mut graph = Graph::new();
        graph.node("S", UNLIMITED);
        graph.node("T", UNLIMITED);
        for (name, capacity) in nodes {
            graph.node(*name, *capacity);
        }
        for (from, to) in edges {
            let (from, to) = (graph.find(from).unwrap(), graph.find(to).unwrap());
            graph.connect(from, to);
        }
        graph
    }

    fn flow(graph: &Graph<&'static str>) -> (u32, Vec<&'static str>) {
        let flow = graph.flow(graph.find(&"S").unwrap(), graph.find(&"T").unwrap());
        assert!(!flow.is_incomplete);
        (flow.value, flow.cut.iter().map(|id| *graph.name(*id).unwrap()).collect())
    }

    #[test]
    fn a_chain_takes_its_minimum() {
        let chain =
            graph(&[("a", 80), ("b", 40), ("c", 60)], &[("S", "a"), ("a", "b"), ("b", "c"), ("c", "T")]);
        assert_eq!(flow(&chain), (40, vec!["b"]));
    }

    #[test]
    fn parallel_evidence_adds() {
        let parallel = graph(&[("a", 80), ("b", 40)], &[("S", "a"), ("S", "b"), ("a", "T"), ("b", "T")]);
        assert_eq!(flow(&parallel), (120, vec!["a", "b"]));
    }

    #[test]
    fn a_shared_cause_counts_once() {
        let edges = [("S", "a"), ("S", "b"), ("a", "shared"), ("b", "shared"), ("shared", "T")];
        let shared = graph(&[("a", 80), ("b", 80), ("shared", 40)], &edges);
        assert_eq!(flow(&shared), (40, vec!["shared"]));
    }

    #[test]
    fn flow_that_must_be_taken_back_is() {
        // The shortest path a, d takes both ways; the maximum needs it undone.
        let edges = [("S", "a"), ("S", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "T"), ("d", "T")];
        let crossed = graph(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], &edges);
        assert_eq!(flow(&crossed).0, 20);
    }

    #[test]
    fn circles_carry_nothing() {
        let circle =
            graph(&[("a", 50), ("b", 50)], &[("S", "a"), ("a", "b"), ("b", "a"), ("b", "T"), ("a", "S")]);
        assert_eq!(flow(&circle), (50, vec!["a"]));
    }

    #[test]
    fn what_is_not_connected_is_worth_nothing() {
        assert_eq!(flow(&graph(&[("a", 50)], &[("a", "T")])), (0, vec![]));
    }

    #[test]
    fn an_unlimited_path_saturates_and_has_no_cut() {
        assert_eq!(flow(&graph(&[("a", UNLIMITED)], &[("S", "a"), ("a", "T")])), (SATURATED, vec![]));
    }

    #[test]
    fn the_example_of_sequoia_holds() {
        // Its readme: root 90, then 40 by way of bob and 60 by way of carol, makes 90.
        let edges = [("S", "alice"), ("alice", "bob"), ("alice", "carol"), ("bob", "T"), ("carol", "T")];
        assert_eq!(flow(&graph(&[("alice", 90), ("bob", 40), ("carol", 60)], &edges)).0, 90);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::with_cases(300)
        })]

        /// Against trying every set of nodes; and a node of the cut, once subverted, takes its whole
        /// capacity with it.
        #[test]
        fn the_flow_is_the_cheapest_cut(
            capacities in proptest::collection::vec(0..100_u32, 8),
            edges in proptest::collection::btree_set((0..10_usize, 0..10_usize), 0..40),
        ) {
            let mut graph = Graph::new();
            let source = graph.node(0, UNLIMITED);
            let sink = graph.node(1, UNLIMITED);
            let middle: Vec<NodeId> =
                capacities.iter().zip(2..).map(|(capacity, name)| graph.node(name, *capacity)).collect();
            let all: Vec<NodeId> = [source, sink].into_iter().chain(middle.iter().copied()).collect();
            // An edge from source to sink would be a path that nothing can cut.
            for (from, to) in edges.into_iter().filter(|edge| *edge != (0, 1)) {
                graph.connect(all[from], all[to]);
            }
            let flow = graph.flow(source, sink);
            let without = |subverted: u32| {
                graph.flow_with(source, sink, |id, own| match middle.iter().position(|node| *node == id) {
                    Some(bit) if subverted >> bit & 1 == 1 => 0,
                    _ => own,
                })
            };
            let cheapest = (0..1_u32 << middle.len())
                .filter(|subverted| without(*subverted).value == 0)
                .map(|subverted| {
                    let bits = capacities.iter().enumerate();
                    bits.filter(|(bit, _)| subverted >> bit & 1 == 1).map(|(_, capacity)| capacity).sum::<u32>()
                })
                .min();
            proptest::prop_assert_eq!(Some(flow.value), cheapest);
            proptest::prop_assert_eq!(flow.value, flow.cut.iter().map(|id| graph.capacity(*id)).sum::<u32>());
            for id in &flow.cut {
                let bit = middle.iter().position(|node| node == id).unwrap();
                proptest::prop_assert_eq!(without(1 << bit).value, flow.value - graph.capacity(*id));
            }
        }
    }

    #[test]
    fn a_graph_of_ten_thousand_nodes_in_circles_is_answered() {
        let mut graph = Graph::new();
        let (source, sink) = (graph.node(0, UNLIMITED), graph.node(1, UNLIMITED));
        let nodes: Vec<NodeId> = (2..10_002).map(|name| graph.node(name, 1)).collect();
        for (number, from) in nodes.iter().enumerate() {
            graph.connect(source, *from);
            graph.connect(*from, sink);
            for step in [1, 7, 101, 5003] {
                graph.connect(*from, nodes[(number + step) % nodes.len()]);
            }
        }
        assert_eq!(graph.flow(source, sink).value, SATURATED);
    }
}
