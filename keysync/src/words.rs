//! Words that people carry: read aloud, typed, compared. All are of the English list of BIP-39, in which four letters
//! name a word.

use std::fmt;

use bip39::Language;
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;

use crate::limits;

/// Bits of one word.
const WORD_BITS: usize = 11;
/// Letters that name a word.
const TELLING_LETTERS: usize = 4;
/// Words behind a nameplate: 33 bits, of which an attacker guesses once for each run.
const SPOKEN_WORDS: usize = 3;
/// Words of the fingerprint of an offer file: 88 bits.
pub const FINGERPRINT_WORDS: usize = 8;
/// Words that open an answer file: 66 bits, stretched.
pub const ANSWER_WORDS: usize = 6;

/// Some words of the list, in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(Vec<u16>);

/// Why typed words are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// This is no word of the list.
    Unknown {
        /// What was typed.
        typed: String,
        /// Words that were perhaps meant.
        suggestions: Vec<&'static str>,
    },
    /// Another number of words is asked for.
    Count {
        /// What is asked for.
        expected: usize,
        /// What was typed.
        found: usize,
    },
    /// They do not begin with a number from 1 to 9999.
    Nameplate,
    /// Longer than [`limits::TYPED_CHARACTERS`].
    TooLong,
}

impl fmt::Display for WordsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { typed, suggestions } if suggestions.is_empty() => {
                write!(formatter, "{typed:?} is no word of the list")
            }
            Self::Unknown { typed, suggestions } => {
                write!(formatter, "{typed:?} is no word of the list; perhaps {}", suggestions.join(" or "))
            }
            Self::Count { expected, found } => write!(formatter, "{expected} words are needed, not {found}"),
            Self::Nameplate => formatter.write_str("the words begin with a number from 1 to 9999"),
            Self::TooLong => formatter.write_str("that is too long"),
        }
    }
}

impl std::error::Error for WordsError {}

impl Words {
    /// The first `count` words of `bytes`, eleven bits each; fewer, where the bytes end.
    #[must_use]
    pub fn of(bytes: &[u8], count: usize) -> Self {
        let bit = |index: usize| bytes.get(index / 8).map(|byte| u16::from(byte >> (7 - index % 8) & 1));
        let word = |index: usize| {
            (index * WORD_BITS..(index + 1) * WORD_BITS).try_fold(0, |word, at| Some(word << 1 | bit(at)?))
        };
        Self((0..count).map_while(word).collect())
    }

    /// Words drawn at random.
    #[must_use]
    pub fn random(count: usize, random: &mut dyn Random) -> Self {
        let mut bytes = zeroize::Zeroizing::new(vec![0; (count * WORD_BITS).div_ceil(8)]);
        random.fill(&mut bytes);
        Self::of(&bytes, count)
    }

    /// What a person typed: words in any case, with spaces, hyphens or commas between them. Four letters or more that
    /// name a word stand for it.
    ///
    /// # Errors
    /// [`WordsError`].
    pub fn parse(typed: &str, expected: usize) -> Result<Self, WordsError> {
        let words: Vec<u16> = tokens(typed)?.iter().map(|token| find(token)).collect::<Result<_, _>>()?;
        if words.len() != expected {
            return Err(WordsError::Count { expected, found: words.len() });
        }
        Ok(Self(words))
    }

    /// The words one by one.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        let list = Language::English.word_list();
        self.0.iter().filter_map(|index| list.get(usize::from(*index)).copied())
    }

    /// As what a key is derived from: lower case, with `separator` between them.
    #[must_use]
    pub fn to_secret(&self, separator: char) -> SecretBytes {
        let mut text = Vec::with_capacity(self.0.len() * 9);
        for word in self.iter() {
            if !text.is_empty() {
                text.extend_from_slice(separator.encode_utf8(&mut [0; 4]).as_bytes());
            }
            text.extend_from_slice(word.as_bytes());
        }
        SecretBytes::new(text)
    }

    /// For a screen: with spaces between them.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.iter().collect::<Vec<_>>().join(" ")
    }
}

/// They may be a secret.
impl fmt::Debug for Words {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Words(..)")
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// A number that finds the other side, and three words that nobody else knows: `7-acid-barn-cobra`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokenCode {
    nameplate: u16,
    words: Words,
}

impl SpokenCode {
    /// The largest nameplate.
    const LAST_NAMEPLATE: u16 = 9999;

    /// Drawn at random.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let nameplate = u64::from_be_bytes(bytes) % u64::from(Self::LAST_NAMEPLATE) + 1;
        // It is below 10^4.
        let nameplate = u16::try_from(nameplate).unwrap_or(1);
        Self { nameplate, words: Words::random(SPOKEN_WORDS, random) }
    }

    /// What a person typed.
    ///
    /// # Errors
    /// [`WordsError`].
    pub fn parse(typed: &str) -> Result<Self, WordsError> {
        let trimmed = typed.trim_start();
        let digits = trimmed.chars().take_while(char::is_ascii_digit).count();
        let (nameplate, rest) = trimmed.split_at_checked(digits).ok_or(WordsError::Nameplate)?;
        let nameplate = nameplate.parse().map_err(|_| WordsError::Nameplate)?;
        if nameplate == 0 || nameplate > Self::LAST_NAMEPLATE {
            return Err(WordsError::Nameplate);
        }
        Ok(Self { nameplate, words: Words::parse(rest, SPOKEN_WORDS)? })
    }

    /// What finds the box. It is no secret.
    #[must_use]
    pub const fn nameplate(&self) -> u16 {
        self.nameplate
    }

    /// What both sides must know.
    #[must_use]
    pub fn password(&self) -> SecretBytes {
        self.words.to_secret('-')
    }

    /// For a screen.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}-{}", self.nameplate, self.words.iter().collect::<Vec<_>>().join("-"))
    }
}

/// Words that begin so, in the order of the list; none for nothing typed.
#[must_use]
pub fn complete(typed: &str) -> Vec<&'static str> {
    let typed = typed.to_ascii_lowercase();
    if typed.is_empty() {
        return Vec::new();
    }
    Language::English.words_by_prefix_iter(&typed).collect()
}

fn tokens(typed: &str) -> Result<Vec<String>, WordsError> {
    if typed.chars().count() > limits::TYPED_CHARACTERS {
        return Err(WordsError::TooLong);
    }
    let separates = |character: char| character.is_whitespace() || matches!(character, '-' | ',' | '.' | '_');
    Ok(typed.split(separates).filter(|token| !token.is_empty()).map(str::to_lowercase).collect())
}

/// The word that was typed: exactly, or by its first four letters with the rest missing or mistyped in one place.
fn find(typed: &str) -> Result<u16, WordsError> {
    let language = Language::English;
    if let Some(index) = language.find_word(typed) {
        return Ok(index);
    }
    let head: String = typed.chars().take(TELLING_LETTERS).collect();
    let mut named = language.words_by_prefix_iter(&head);
    if let (TELLING_LETTERS.., Some(word), None) = (head.len(), named.next(), named.next())
        && (word.starts_with(typed) || distance(typed, word) <= 1)
        && let Some(index) = language.find_word(word)
    {
        return Ok(index);
    }
    let near = |word: &&&str| distance(typed, word) <= 1;
    let suggestions = language.word_list().iter().filter(near).take(3).copied().collect();
    Err(WordsError::Unknown { typed: typed.to_owned(), suggestions })
}

/// Letters to be changed, put in or left out, to make one word of the other (Levenshtein); words of the list have at
/// most eight, so that anything longer is just far.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 16 {
        return one.len();
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.bytes().enumerate() {
        let mut left = line + 1;
        let mut next = vec![left];
        for (pair, against) in row.windows(2).zip(other.bytes()) {
            let &[diagonal, above] = pair else { continue };
            left = (left + 1).min(above + 1).min(diagonal + usize::from(letter != against));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::SystemRandom;

    #[test]
    fn bits_become_words_from_the_first_one_on() {
        // 0, 1, 2047 as eleven bits each, and seven bits that make no word.
        let bytes = [0, 0, 0b0000_0111, 0b1111_1111, 0b1000_0000];
        assert_eq!(Words::of(&bytes, 3).to_text(), "abandon ability zoo");
        assert_eq!(Words::of(&bytes, 8).iter().count(), 3);
    }

    #[test]
    fn a_spoken_code_survives_paper_and_sloppy_typing() {
        let code = SpokenCode::parse("7-acid-barrel-coach").unwrap();
        for typed in ["7 ACID barrel coach", " 7-acid-barr-coac ", "7 acid, barrel,  coachx-"] {
            assert_eq!(SpokenCode::parse(typed).unwrap(), code, "{typed}");
        }
        assert!(SpokenCode::parse("7 acid barrel coahc").is_err(), "which word is meant stays open");
        assert_eq!(code.to_text(), "7-acid-barrel-coach");
        assert_eq!(code.password().expose(), b"acid-barrel-coach");
        for _ in 0..200 {
            let random = SpokenCode::random(&mut SystemRandom);
            assert_eq!(SpokenCode::parse(&random.to_text()).unwrap(), random);
        }
    }

    #[test]
    fn every_word_is_found_by_its_first_four_letters_and_with_one_typing_error_behind_them() {
        for (index, word) in Language::English.word_list().iter().enumerate() {
            let head: String = word.chars().take(TELLING_LETTERS).collect();
            assert_eq!(usize::from(find(&head).unwrap()), index, "{word}");
            if word.len() > TELLING_LETTERS {
                assert_eq!(usize::from(find(&format!("{word}x")).unwrap()), index, "{word}x");
            }
        }
    }

    #[test]
    fn what_is_no_word_is_refused_with_what_was_perhaps_meant() {
        let unknown = Words::parse("zzzz", 1).unwrap_err();
        assert_eq!(unknown, WordsError::Unknown { typed: "zzzz".into(), suggestions: Vec::new() });
        let Err(WordsError::Unknown { suggestions, .. }) = Words::parse("xoo", 1) else { unreachable!() };
        assert_eq!(suggestions, ["zoo"]);
        assert_eq!(Words::parse("acid", 2).unwrap_err(), WordsError::Count { expected: 2, found: 1 });
        for typed in
            ["", "acid barrel coach", "0-acid-barrel-coach", "10000-acid-barrel-coach", "99999999999 acid"]
        {
            assert_eq!(SpokenCode::parse(typed).unwrap_err(), WordsError::Nameplate, "{typed}");
        }
        assert_eq!(Words::parse(&"a ".repeat(300), 1).unwrap_err(), WordsError::TooLong);
    }

    #[test]
    fn words_complete_by_what_they_begin_with() {
        assert_eq!(complete("ACTR"), ["actress"]);
        assert_eq!(complete("act"), ["act", "action", "actor", "actress", "actual"]);
        assert!(complete("").is_empty() && complete("é").is_empty());
    }

    #[test]
    fn words_do_not_print() {
        assert_eq!(format!("{:?}", Words::random(3, &mut SystemRandom)), "Words(..)");
    }
}
