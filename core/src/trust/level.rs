//! The words for a score (`docs/trust.md`).

use super::rules::Thresholds;

/// How far a key may be believed to be somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// There is no usable key.
    None,
    /// The key is revoked, or its certificate must not be used.
    Invalid,
    /// At odds with a pin, or with another key that is as well supported.
    Conflict,
    /// A key without any evidence.
    Unverified,
    /// 1 to 39 points.
    Opportunistic,
    /// 40 to 119 points.
    Checked,
    /// 120 points and more, and 60 ahead of every other key.
    Verified,
    /// 240 points and more, which rest on two things at least.
    Strong,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Invalid,
        Self::Conflict,
        Self::Unverified,
        Self::Opportunistic,
        Self::Checked,
        Self::Verified,
        Self::Strong,
    ];

    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::Unverified => "unverified",
            Self::Opportunistic => "opportunistic",
            Self::Checked => "checked",
            Self::Verified => "verified",
            Self::Strong => "strong",
        }
    }

    /// The level of a score that nothing contradicts. `margin` is how far it is ahead of every other
    /// key of the address; `domains` how many things a forger must subvert.
    #[must_use]
    pub fn of_score(score: u32, margin: u32, domains: usize, thresholds: &Thresholds) -> Self {
        let is_ahead = margin >= thresholds.margin;
        if score == 0 {
            Self::Unverified
        } else if score < thresholds.checked {
            Self::Opportunistic
        } else if score < thresholds.verified || !is_ahead {
            Self::Checked
        } else if score < thresholds.strong || domains < 2 {
            Self::Verified
        } else {
            Self::Strong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(score: u32, margin: u32, domains: usize) -> Level {
        Level::of_score(score, margin, domains, &Thresholds::default())
    }

    #[test]
    fn the_thresholds_of_the_design_hold() {
        let scores = [0, 1, 39, 40, 119, 120, 239, 240, 1200];
        let levels = scores.map(|score| level(score, score, 2).word());
        assert_eq!(
            levels,
            [
                "unverified",
                "opportunistic",
                "opportunistic",
                "checked",
                "checked",
                "verified",
                "verified",
                "strong",
                "strong"
            ]
        );
    }

    #[test]
    fn verified_needs_its_margin() {
        assert_eq!(level(120, 59, 2), Level::Checked);
        assert_eq!(level(120, 60, 2), Level::Verified);
    }

    #[test]
    fn one_thing_alone_is_never_strong() {
        assert_eq!(level(300, 300, 1), Level::Verified);
    }
}
