//! Entries as a graph: in an order that every device finds, with answers about what was known to whom.

use std::collections::{BTreeMap, HashMap};

use super::entry::{Entry, EntryId};

/// How many entries one pass over the graph asks about.
pub(super) const BLOCK: usize = 64;

/// The entries whose ancestors are all there, parents before children: by the length of the longest way to the
/// founding entry, then by id.
pub(super) struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// Parents of all nodes, one after the other.
    parents: Vec<u32>,
}

/// One entry in the graph.
pub(super) struct Node<'a> {
    pub(super) id: EntryId,
    pub(super) entry: &'a Entry,
    /// Length of the longest way to the founding entry: what its lamport has to be.
    pub(super) depth: u64,
    /// Where its parents end in the list of all; they begin where those of the node before end.
    end: usize,
}

impl<'a> Graph<'a> {
    /// The part of the entries that hangs together with the founding entry. What waits for a parent is left out.
    pub(super) fn of(entries: &'a BTreeMap<EntryId, Entry>, founding: &EntryId) -> Self {
        let depths = depths(entries, founding);
        let mut ordered: Vec<(u64, EntryId)> = depths.iter().map(|(id, depth)| (*depth, **id)).collect();
        ordered.sort_unstable();
        let places: HashMap<EntryId, u32> =
            ordered.iter().zip(0_u32..).map(|((_, id), place)| (*id, place)).collect();
        let (mut nodes, mut parents) = (Vec::with_capacity(ordered.len()), Vec::new());
        for (depth, id) in ordered {
            let Some(entry) = entries.get(&id) else { continue };
            parents.extend(entry.parents.iter().filter_map(|parent| places.get(parent)));
            nodes.push(Node { id, entry, depth, end: parents.len() });
        }
        Self { nodes, parents }
    }

    /// The nodes, in order.
    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// Each node with its parents, in order.
    fn with_parents(&self) -> impl DoubleEndedIterator<Item = (usize, &[u32])> {
        let ends = self.nodes.iter().map(|node| node.end);
        let starts = std::iter::once(0).chain(ends.clone().collect::<Vec<_>>()).collect::<Vec<_>>();
        ends.enumerate().collect::<Vec<_>>().into_iter().map(move |(node, end)| {
            let start = starts.get(node).copied().unwrap_or_default();
            (node, self.parents.get(start..end).unwrap_or_default())
        })
    }

    /// For each node which of the nodes in the block are its ancestors, a bit for each.
    pub(super) fn ancestors_in(&self, block: &[usize]) -> Vec<u64> {
        let own = self.bits_of(block);
        let mut found = vec![0_u64; self.nodes.len()];
        for (node, parents) in self.with_parents() {
            let bits = parents.iter().fold(0, |bits, parent| {
                let parent = *parent as usize;
                bits | at(&found, parent) | at(&own, parent)
            });
            if let Some(slot) = found.get_mut(node) {
                *slot = bits;
            }
        }
        found
    }

    /// For each node which of the nodes in the block are its descendants, a bit for each.
    pub(super) fn descendants_in(&self, block: &[usize]) -> Vec<u64> {
        let own = self.bits_of(block);
        let mut found = vec![0_u64; self.nodes.len()];
        for (node, parents) in self.with_parents().rev() {
            let bits = at(&found, node) | at(&own, node);
            for parent in parents {
                if let Some(slot) = found.get_mut(*parent as usize) {
                    *slot |= bits;
                }
            }
        }
        found
    }

    /// For each node whether it is an ancestor of one of these.
    pub(super) fn behind(&self, is_one: impl Fn(&Node<'a>) -> bool) -> Vec<bool> {
        let ones: Vec<bool> = self.nodes.iter().map(is_one).collect();
        self.behind_marked(&ones)
    }

    /// The nodes among these that are no ancestor of another of them.
    pub(super) fn heads(&self, among: &[bool]) -> Vec<usize> {
        let behind = self.behind_marked(among).into_iter();
        let places = behind.zip(among).enumerate().filter(|(_, (behind, among))| **among && !behind);
        places.map(|(place, _)| place).collect()
    }

    fn behind_marked(&self, marked: &[bool]) -> Vec<bool> {
        let is_marked = |node: usize| marked.get(node).copied().unwrap_or_default();
        let mut behind = vec![false; self.nodes.len()];
        for (node, parents) in self.with_parents().rev() {
            if is_marked(node) || behind.get(node).copied().unwrap_or_default() {
                for parent in parents {
                    if let Some(slot) = behind.get_mut(*parent as usize) {
                        *slot = true;
                    }
                }
            }
        }
        behind
    }

    fn bits_of(&self, block: &[usize]) -> Vec<u64> {
        let mut own = vec![0_u64; self.nodes.len()];
        for (bit, node) in block.iter().take(BLOCK).enumerate() {
            if let Some(slot) = own.get_mut(*node) {
                *slot |= 1 << bit;
            }
        }
        own
    }
}

fn at(bits: &[u64], node: usize) -> u64 {
    bits.get(node).copied().unwrap_or_default()
}

/// The length of the longest way to the founding entry, for every entry all of whose ancestors are there.
fn depths<'a>(entries: &'a BTreeMap<EntryId, Entry>, founding: &EntryId) -> HashMap<&'a EntryId, u64> {
    let mut children: HashMap<&EntryId, Vec<&EntryId>> = HashMap::new();
    let mut missing: HashMap<&EntryId, usize> = HashMap::new();
    for (id, entry) in entries {
        missing.insert(id, entry.parents.len());
        for parent in &entry.parents {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut depths: HashMap<&EntryId, u64> = HashMap::new();
    let mut ready: Vec<(&EntryId, u64)> = Vec::new();
    ready.extend(
        entries.get_key_value(founding).filter(|(_, entry)| entry.parents.is_empty()).map(|(id, _)| (id, 0)),
    );
    let mut longest: HashMap<&EntryId, u64> = HashMap::new();
    while let Some((id, depth)) = ready.pop() {
        depths.insert(id, depth);
        for child in children.get(id).into_iter().flatten() {
            let depth_so_far = longest.entry(child).or_default();
            *depth_so_far = (*depth_so_far).max(depth + 1);
            let left = missing.entry(child).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push((child, *depth_so_far));
            }
        }
    }
    depths
}
