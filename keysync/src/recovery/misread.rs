//! Which word is wrong, where each is in the list and together they do not fit.

use zeroize::Zeroizing;

use super::{Seed, bits, typed};

/// Positions at which one other word makes the words of a seed right. The checksum of a seed has eight bits: 191 of
/// 2047 wrong words at each position pass it, so `is_right` has the last word, who knows the account's root.
///
/// Nothing comes back where the words cannot be read, and where more than one of them is wrong.
#[must_use]
pub fn misread(text: &str, is_right: impl Fn(&Seed) -> bool) -> Vec<usize> {
    let Ok(numbers) = typed::read(text, Seed::WORDS) else { return Vec::new() };
    let any = |_: u16| 0..WORDS_OF_THE_LIST;
    suspects(&numbers, any, |bytes| Seed::from_sealed(bytes).is_some_and(|seed| is_right(&seed)))
}

/// Words of the list.
pub(super) const WORDS_OF_THE_LIST: u16 = 2048;

/// Positions, from 1, at which one of the other words makes the bytes fit, or a swap with the next word does.
pub(super) fn suspects<Others: Iterator<Item = u16>>(
    numbers: &[u16],
    others: impl Fn(u16) -> Others,
    fits: impl Fn(&[u8]) -> bool,
) -> Vec<usize> {
    let with = |changes: &[(usize, u16)]| {
        let mut changed = Zeroizing::new(numbers.to_vec());
        for (index, number) in changes {
            if let Some(place) = changed.get_mut(*index) {
                *place = *number;
            }
        }
        fits(&bits::to_bytes(&changed))
    };
    let replaced = numbers.iter().enumerate().filter(|(index, number)| {
        others(**number).any(|other| other != **number && with(&[(*index, other)]))
    });
    let swapped = numbers
        .iter()
        .zip(numbers.iter().skip(1))
        .enumerate()
        .filter(|(index, (one, next))| one != next && with(&[(*index, **next), (*index + 1, **one)]));
    let mut positions: Vec<usize> = replaced.map(|(index, _)| index + 1).collect();
    positions.extend(swapped.flat_map(|(index, _)| [index + 1, index + 2]));
    positions.sort_unstable();
    positions.dedup();
    positions
}
