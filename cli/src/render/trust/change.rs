//! What becomes of what a person said before of somebody on whom they rely.

use serde::Serialize;

/// How an entry compares with the one that stood there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub(crate) enum Change {
    /// Nothing was said before.
    New,
    /// The same was said before.
    Same,
    /// Something else was said before.
    Changed {
        /// What.
        before: String,
    },
    /// Something else was offered, and what the person said before stays.
    Kept {
        /// What was offered.
        offered: String,
    },
}

impl Change {
    /// Of an entry by its limits, in words: those of before and those that were offered, where there are any.
    pub(super) fn of(now: &str, before: Option<String>, offered: Option<String>) -> Self {
        match (before, offered) {
            (None, _) => Self::New,
            (Some(before), _) if before != now => Self::Changed { before },
            (_, Some(offered)) if offered != now => Self::Kept { offered },
            _ => Self::Same,
        }
    }

    /// The line below the entry.
    pub(super) fn words(&self) -> String {
        match self {
            Self::New => "    new\n".to_owned(),
            Self::Same => "    as before\n".to_owned(),
            Self::Changed { before } => format!("    changed; before: {before}\n"),
            Self::Kept { offered } => {
                format!("    kept as you set it; GnuPG says: {offered}\n    (for that, --remove it first)\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_what_changes_and_what_was_only_offered_are_told_apart() {
        let of = |before: Option<&str>, offered: Option<&str>| {
            Change::of("60 points", before.map(str::to_owned), offered.map(str::to_owned))
        };
        assert_eq!(of(None, Some("60 points")), Change::New);
        assert_eq!(of(Some("60 points"), None), Change::Same);
        assert_eq!(of(Some("60 points"), Some("60 points")), Change::Same);
        assert_eq!(of(Some("9 points"), None), Change::Changed { before: "9 points".to_owned() });
        let kept = of(Some("60 points"), Some("120 points"));
        assert_eq!(kept, Change::Kept { offered: "120 points".to_owned() });
        assert!(kept.words().contains("GnuPG says: 120 points"));
    }
}
