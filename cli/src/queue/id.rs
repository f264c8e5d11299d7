//! The name of a mail in the queue.

use std::fmt;

use crate::randomness::random;

const TIME_DIGITS: usize = 10;
const RANDOM_DIGITS: usize = 16;

/// The second of its commit and random digits, so that names sort by age and are never used twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(String);

impl Id {
    /// A new one.
    pub(super) fn new(committed: i64) -> Self {
        // A clock that is beyond all reason makes a name that sorts wrongly, and nothing else.
        let seconds = u64::try_from(committed).unwrap_or(0) & 0xff_ffff_ffff;
        Self(format!("{seconds:010x}-{:016x}", u64::from_be_bytes(random())))
    }

    /// Reads what a person typed, or a file's name. Nothing else can become part of a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (time, random) = text.split_once('-')?;
        let is_hexadecimal = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let fits = time.len() == TIME_DIGITS && random.len() == RANDOM_DIGITS;
        (fits && is_hexadecimal(time) && is_hexadecimal(random)).then(|| Self(text.to_owned()))
    }

    /// As text, and as a file's name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_sorts_by_age() {
        let (older, newer) = (Id::new(1_795_300_000), Id::new(1_795_300_001));
        assert_eq!(Id::parse(older.as_str()).unwrap(), older);
        assert!(older < newer);
        assert!(Id::parse(Id::new(-5).as_str()).is_some() && Id::parse(Id::new(i64::MAX).as_str()).is_some());
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in
            ["", "-", "..", "../etc/passwd", "006b01e2a0-0123456789abcde", "006B01E2A0-0123456789abcdef"]
        {
            assert_eq!(Id::parse(text), None, "{text}");
        }
        assert_eq!(Id::parse("006b01e2a0-0123456789abcdef.log"), None);
    }
}
