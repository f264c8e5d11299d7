//! Words as people type them: in any case, with the first four letters, with numbers before them or without.

use bip39::Language;
use zeroize::Zeroizing;

use crate::limits;

/// Letters of a word that tell it from all others of the list.
const PREFIX: usize = 4;

/// Why a text is not the words that it should be. Positions count from 1; what was typed is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWords {
    /// More text than any sheet has.
    TooLong,
    /// There are no words.
    Empty,
    /// The word at a position is in no list.
    Unknown {
        /// Where.
        position: usize,
    },
    /// No word was typed for a position.
    Missing {
        /// Where, the first of them.
        position: usize,
        /// Words that there should be.
        expected: usize,
    },
    /// There are more words than there should be.
    TooMany {
        /// Words that there should be.
        expected: usize,
    },
    /// Two words were typed for one position.
    Twice {
        /// Where.
        position: usize,
    },
}

/// Whether this is a word of the list, or begins one and has four letters.
#[must_use]
pub fn is_word(typed: &str) -> bool {
    number(typed).is_some()
}

/// The word of a number.
pub(super) fn word(number: u16) -> Option<&'static str> {
    Language::English.word_list().get(usize::from(number)).copied()
}

/// Words of the list that one slip of the pen makes of this one: a letter more, less, another, or two swapped.
pub(super) fn similar(number: u16) -> impl Iterator<Item = u16> {
    let of = word(number).unwrap_or_default();
    (0..)
        .zip(Language::English.word_list())
        .filter(move |(_, other)| one_slip(of, other))
        .map(|(other, _)| other)
}

/// The highest position of a word: without numbers, how many there are.
pub(super) fn positions(text: &str) -> Result<usize, NotWords> {
    let mut highest = 0;
    each(text, |position, _| {
        highest = highest.max(position);
        Ok(())
    })?;
    if highest == 0 { Err(NotWords::Empty) } else { Ok(highest) }
}

/// The numbers of exactly `expected` words.
pub(super) fn read(text: &str, expected: usize) -> Result<Zeroizing<Vec<u16>>, NotWords> {
    let mut numbers = Zeroizing::new(vec![None; expected]);
    each(text, |position, typed| {
        let place = position.checked_sub(1).and_then(|index| numbers.get_mut(index));
        let place = place.ok_or(NotWords::TooMany { expected })?;
        let number = number(typed).ok_or(NotWords::Unknown { position })?;
        match place.replace(number) {
            None => Ok(()),
            Some(_) => Err(NotWords::Twice { position }),
        }
    })?;
    if let Some(index) = numbers.iter().position(Option::is_none) {
        let is_empty = numbers.iter().all(Option::is_none);
        let missing = NotWords::Missing { position: index + 1, expected };
        return Err(if is_empty { NotWords::Empty } else { missing });
    }
    Ok(Zeroizing::new(numbers.iter().flatten().copied().collect()))
}

/// Calls `take` for each word with its position. A number before a word says its position, and those behind it go on
/// from there, so that columns may be typed line by line.
fn each(text: &str, mut take: impl FnMut(usize, &str) -> Result<(), NotWords>) -> Result<(), NotWords> {
    if text.len() > limits::RECOVERY_TEXT_BYTES {
        return Err(NotWords::TooLong);
    }
    let mut next = 1_usize;
    let tokens = text.split(|character: char| !character.is_alphanumeric());
    for token in tokens.filter(|token| !token.is_empty()) {
        let letters = token.trim_start_matches(|character: char| character.is_ascii_digit());
        let digits = token.strip_suffix(letters).unwrap_or_default();
        if !digits.is_empty() {
            next = digits.parse().unwrap_or(usize::MAX);
        }
        if !letters.is_empty() {
            take(next, letters)?;
            next = next.saturating_add(1);
        }
    }
    Ok(())
}

/// The number of a word, whole or by its first four letters.
fn number(typed: &str) -> Option<u16> {
    let lower = Zeroizing::new(typed.to_ascii_lowercase());
    if let Some(number) = Language::English.find_word(&lower) {
        return Some(number);
    }
    if lower.len() < PREFIX {
        return None;
    }
    let mut begun = Language::English.words_by_prefix_iter(&lower);
    match (begun.next(), begun.next()) {
        (Some(only), None) => Language::English.find_word(only),
        _ => None,
    }
}

/// Whether one slip makes one of the other: their distance after Damerau and Levenshtein is 1.
fn one_slip(one: &str, other: &str) -> bool {
    let same = one.bytes().zip(other.bytes()).take_while(|(left, right)| left == right).count();
    let tails = (one.as_bytes().get(same..), other.as_bytes().get(same..));
    match (tails.0.unwrap_or_default(), tails.1.unwrap_or_default()) {
        ([], []) => false,
        ([], [_, rest @ ..]) | ([_, rest @ ..], []) => rest.is_empty(),
        (left @ [a, after_left @ ..], right @ [b, after_right @ ..]) => {
            let swapped = matches!(
                (after_left, after_right),
                ([c, end_left @ ..], [d, end_right @ ..]) if a == d && b == c && end_left == end_right
            );
            swapped || after_left == after_right || after_left == right || left == after_right
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_a_letter_more_or_less_another_or_two_swapped() {
        for other in ["bra", "car", "ba", "bars", "ar", "bear"] {
            assert!(one_slip("bar", other) && one_slip(other, "bar"), "{other}");
        }
        for other in ["bar", "rab", "b", "bears", "cab", "abr2"] {
            assert!(!one_slip("bar", other) && !one_slip(other, "bar"), "{other}");
        }
    }
}
