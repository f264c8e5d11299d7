//! Sets of small numbers.

/// A set of numbers below a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// The empty set, of numbers below `bound`.
    pub(super) fn none(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    /// All numbers below `bound`.
    pub(super) fn all(bound: usize) -> Self {
        let mut all = Self::none(bound);
        (0..bound).for_each(|number| all.add(number));
        all
    }

    pub(super) fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.word(number / 64) & (1 << (number % 64)) != 0
    }

    /// The numbers from 64 times `place`, a bit for each.
    pub(super) fn word(&self, place: usize) -> u64 {
        self.0.get(place).copied().unwrap_or_default()
    }

    /// Sets the numbers from 64 times `place`.
    pub(super) fn set_word(&mut self, place: usize, word: u64) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = word;
        }
    }

    /// Adds what is in `these` and in none of `without`.
    pub(super) fn add_all_without(&mut self, these: &Self, without: &[&Self]) {
        for (place, word) in self.0.iter_mut().enumerate() {
            let excluded = without.iter().fold(0, |excluded, other| excluded | other.word(place));
            *word |= these.word(place) & !excluded;
        }
    }

    /// The greatest number that is in all three.
    pub(super) fn last_of(one: &Self, two: &Self, three: &Self) -> Option<usize> {
        let places = (0..one.0.len()).rev();
        places
            .map(|place| (place, one.word(place) & two.word(place) & three.word(place)))
            .find_map(|(place, word)| (word != 0).then(|| place * 64 + 63 - word.leading_zeros() as usize))
    }

    /// The numbers in it, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(place * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_and_found() {
        let mut bits = Bits::none(200);
        for number in [0, 63, 64, 199] {
            bits.add(number);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert!(bits.has(64) && !bits.has(65));
        assert_eq!(Bits::last_of(&bits, &Bits::all(200), &Bits::all(100)), Some(64));
        let mut rest = Bits::none(200);
        rest.add_all_without(&Bits::all(200), &[&bits]);
        assert_eq!(rest.iter().count(), 196);
    }
}
