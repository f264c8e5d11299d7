//! Which entries about membership are judged where there are more than can be.
//!
//! A device that was put out can go on writing for ever, and what it writes is void only once it was judged. So each
//! author has an equal share: who wrote little loses nothing to who wrote without end, and of the latter's entries those
//! are kept first that somebody else built on, as everybody did on what it wrote before it was stolen.

use std::collections::BTreeMap;

use crate::limits;
use crate::log::entry::Author;
use crate::log::graph::Graph;

/// Parts these entries, in the order of the graph, into those that are judged and those that are too many. A function of
/// the set alone: devices with the same entries choose the same.
pub(super) fn choose(graph: &Graph<'_>, places: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    if places.len() <= limits::LOG_MEMBERSHIP_ENTRIES {
        return (places, Vec::new());
    }
    let mut of_authors: BTreeMap<Author, Vec<usize>> = BTreeMap::new();
    let (mut chosen, mut excess) = (Vec::new(), Vec::new());
    for place in &places {
        match graph.nodes().get(*place).map(|node| node.entry.author) {
            // The root shares with nobody: it ends floods.
            Some(Author::Root(_)) => chosen.push(*place),
            Some(author) => of_authors.entry(author).or_default().push(*place),
            None => {}
        }
    }
    let room = limits::LOG_MEMBERSHIP_ENTRIES.saturating_sub(chosen.len());
    let share = share(of_authors.values().map(Vec::len).collect(), room);
    for (author, mut own) in of_authors {
        if own.len() > share {
            let built_on = graph.behind(|node| node.entry.author != author);
            // Stable: within each half the order of the graph stays.
            own.sort_by_key(|place| !built_on.get(*place).copied().unwrap_or_default());
            excess.extend(own.split_off(share));
        }
        chosen.extend(own);
    }
    chosen.sort_unstable();
    excess.sort_unstable();
    (chosen, excess)
}

/// The largest number that each author can have so that all together have room.
fn share(mut counts: Vec<usize>, mut room: usize) -> usize {
    counts.sort_unstable();
    for (index, count) in counts.iter().enumerate() {
        let equal = room / (counts.len() - index);
        if *count > equal {
            return equal;
        }
        room -= count;
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_little_keeps_all_and_the_others_have_equal_shares() {
        let all = limits::LOG_MEMBERSHIP_ENTRIES;
        for (counts, expected) in [
            (vec![3, 20, 5_000], all - 23),
            (vec![5_000, 5_000], all / 2),
            (vec![5_000, 4, 5_000], (all - 4) / 2),
            (vec![1; 3 * all], 0),
        ] {
            assert_eq!(share(counts, all), expected);
        }
    }
}
