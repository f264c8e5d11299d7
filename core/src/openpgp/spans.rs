//! When something holds: a list of times that do not overlap.

use crate::time::Time;

/// A time from its first moment up to the moment when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Its first moment.
    pub from: Time,
    /// The first moment behind it; it never ends where there is none.
    pub until: Option<Time>,
}

impl Span {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// Spans in order of time. What an OpenPGP certificate says of itself changes only where one of
/// its signatures begins or ends; between these moments it stays the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// From spans in any order; what touches or overlaps becomes one.
    #[must_use]
    pub fn new(mut spans: Vec<Span>) -> Self {
        spans.retain(|span| span.until.is_none_or(|until| span.from < until));
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if last.until.is_none_or(|until| span.from <= until) => {
                    last.until = last.until.and_then(|end| span.until.map(|until| end.max(until)));
                }
                _ => merged.push(span),
            }
        }
        Self(merged)
    }

    /// From a value for each of some moments, which holds until the next.
    #[must_use]
    pub fn from_steps(moments: &[Time], holds: &[bool]) -> Self {
        let ends = moments.iter().skip(1).copied().map(Some).chain([None]);
        let steps = moments.iter().zip(ends).zip(holds);
        let spans = steps.filter(|(_, holds)| **holds).map(|((from, until), _)| Span { from: *from, until });
        Self::new(spans.collect())
    }

    /// Whether a moment lies in one of them.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        let begun = self.0.partition_point(|span| span.from <= at);
        begun.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|span| span.contains(at))
    }

    /// Each of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(seconds)
    }

    fn span(from: i64, until: Option<i64>) -> Span {
        Span { from: at(from), until: until.map(at) }
    }

    #[test]
    fn a_span_ends_before_its_end() {
        let spans = Spans::new(vec![span(10, Some(20)), span(30, None)]);
        for (moment, inside) in [(9, false), (10, true), (19, true), (20, false), (30, true), (99, true)] {
            assert_eq!(spans.contains(at(moment)), inside, "{moment}");
        }
        assert!(!Spans::default().contains(at(0)));
    }

    #[test]
    fn what_touches_or_overlaps_becomes_one() {
        let spans =
            Spans::new(vec![span(20, Some(30)), span(10, Some(20)), span(25, None), span(5, Some(5))]);
        assert_eq!(spans.as_slice(), [span(10, None)]);
    }

    #[test]
    fn steps_hold_until_the_next_moment() {
        let moments = [at(1), at(2), at(3), at(4)];
        let spans = Spans::from_steps(&moments, &[true, false, true, true]);
        assert_eq!(spans.as_slice(), [span(1, Some(2)), span(3, None)]);
    }
}
