//! Names without a domain and who is behind them, as in `/etc/aliases`.

use std::collections::BTreeMap;
use std::fmt;

use crate::limits::ALIAS_BYTES;

/// A table of aliases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// By the name in lower case: a list of addresses and names, or what we do not do.
    rows: BTreeMap<String, String>,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AliasError {
    /// It is larger than [`ALIAS_BYTES`].
    TooLarge,
    /// A line has no name with a colon; counted from 1.
    Line(usize),
}

impl fmt::Display for AliasError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(formatter, "larger than {ALIAS_BYTES} bytes"),
            Self::Line(number) => {
                write!(formatter, "line {number}: no alias, which is NAME: ADDRESS, ADDRESS")
            }
        }
    }
}

impl std::error::Error for AliasError {}

impl Aliases {
    /// Reads a table: `name: value` lines, `#` comments, and lines that go on with white space. Of
    /// two rows of one name the first one counts.
    ///
    /// # Errors
    /// [`AliasError`]: half a table would send mail to others than it says.
    pub fn parse(text: &str) -> Result<Self, AliasError> {
        if text.len() > ALIAS_BYTES {
            return Err(AliasError::TooLarge);
        }
        let mut aliases = Self::default();
        let mut row: Option<(String, String)> = None;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                let (_, value) = row.as_mut().ok_or(AliasError::Line(number + 1))?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            aliases.add(row.take());
            let (name, value) = line.split_once(':').ok_or(AliasError::Line(number + 1))?;
            let name = name.trim().trim_matches('"');
            if name.is_empty() {
                return Err(AliasError::Line(number + 1));
            }
            row = Some((name.to_lowercase(), value.trim().to_owned()));
        }
        aliases.add(row);
        Ok(aliases)
    }

    fn add(&mut self, row: Option<(String, String)>) {
        if let Some((name, value)) = row {
            self.rows.entry(name).or_insert(value);
        }
    }

    /// What stands behind a name, as it was written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.rows.get(&name.to_lowercase()).map(String::as_str)
    }
}

/// Whether an alias is for a mail server that runs programs and writes files. We do neither.
pub(super) fn is_action(value: &str) -> bool {
    value.split(',').any(|target| {
        let target = target.trim().trim_start_matches('"');
        target.starts_with(['|', '/']) || target.starts_with(":include:")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let aliases = Aliases::parse(
            "# See man 5 aliases\nmailer-daemon: postmaster\nRoot: alice@example.org,\n  bob@example.org\n\
             # between\n\"carol\": x@example.org\nroot: other@example.org\nnobody: /dev/null\nlist: \"|/bin/list\"\n",
        )
        .unwrap();
        assert_eq!(aliases.get("ROOT"), Some("alice@example.org, bob@example.org"));
        assert_eq!(aliases.get("carol"), Some("x@example.org"));
        assert_eq!(aliases.get("bob"), None);
        assert!(is_action(aliases.get("nobody").unwrap()) && is_action(aliases.get("list").unwrap()));
        assert!(!is_action(aliases.get("root").unwrap()) && is_action("a, :include:/etc/list"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(Aliases::parse("  root: x\n"), Err(AliasError::Line(1)));
        assert_eq!(Aliases::parse("a: b\nroot\n"), Err(AliasError::Line(2)));
        assert_eq!(Aliases::parse(": x\n"), Err(AliasError::Line(1)));
        assert_eq!(Aliases::parse(&"#".repeat(ALIAS_BYTES + 1)), Err(AliasError::TooLarge));
    }
}
