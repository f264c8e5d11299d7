//! `config.toml` (`docs/formats/config.md`): how the programs work for a person, and nothing about whom to
//! believe. An unknown key is an error with its line.

use std::path::PathBuf;
use std::time::Duration;

use toml_edit::{Document, Item, TableLike};

use crate::agent::Limits;
use crate::args::duration;
use crate::failure::Failure;
use crate::files::read_settings;
use crate::places;
use crate::token::{Configured, check_settings};

const FILE: &str = "config.toml";
const CONFIG_BYTES: usize = 256 << 10;

/// How the programs work for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Whether an agent begins where a passphrase was typed.
    pub(crate) starts_agent: bool,
    /// When an agent ends.
    pub(crate) agent: Limits,
    /// The libraries by which tokens are reached.
    pub(crate) tokens: Vec<Configured>,
}

impl Default for Config {
    fn default() -> Self {
        let agent = Limits { idle: Duration::from_secs(600), longest: Duration::from_secs(8 * 3600) };
        Self { starts_agent: true, agent, tokens: Vec::new() }
    }
}

impl Config {
    /// Where it is.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        Ok(places::configuration()?.join(FILE))
    }

    /// By the file, where there is one.
    ///
    /// # Errors
    /// `config` for what is wrong with it.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = Self::path()?;
        let wrong = |what: String| Failure::unknown("config", format!("{}: {what}", path.display()));
        match read_settings(&path, CONFIG_BYTES, "config")? {
            Some(text) => {
                let config = Self::parse(&text).map_err(wrong)?;
                if !config.tokens.is_empty() {
                    check_settings(&path).map_err(|why| wrong(format!("{why}, and it names libraries")))?;
                }
                Ok(config)
            }
            None => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document = Document::parse(text).map_err(|error| error.message().to_owned())?;
        let mut config = Self::default();
        for (section, item) in document.as_table() {
            let wrong = |what: String| at(text, item, &what);
            match (section, item.as_table_like(), item.as_array_of_tables()) {
                ("agent", Some(table), _) => {
                    for (key, item) in table.iter() {
                        config.agent_key(key, item).map_err(|what| at(text, item, &what))?;
                    }
                }
                ("token", _, Some(tables)) => {
                    for table in tables {
                        config.tokens.push(token(text, table)?);
                    }
                }
                ("token", ..) => return Err(wrong("tokens are written as [[token]]".to_owned())),
                _ => return Err(wrong(format!("unknown key {section:?}"))),
            }
        }
        Ok(config)
    }

    fn agent_key(&mut self, key: &str, item: &Item) -> Result<(), String> {
        let value = item.as_str().ok_or_else(|| format!("{key:?} must be a text"))?;
        match (key, value) {
            ("start", "on-need") => self.starts_agent = true,
            ("start", "never") => self.starts_agent = false,
            ("start", _) => return Err("\"start\" must be on-need or never".to_owned()),
            ("idle", value) => self.agent.idle = duration(value)?,
            ("longest", value) => self.agent.longest = duration(value)?,
            _ => return Err(format!("unknown key {key:?}")),
        }
        Ok(())
    }
}

/// One `[[token]]`. Whether its library may be loaded is looked at where it is.
fn token(text: &str, table: &dyn TableLike) -> Result<Configured, String> {
    let mut token = Configured::default();
    for (key, item) in table.iter() {
        let value = item.as_str().ok_or_else(|| at(text, item, &format!("{key:?} must be a text")))?;
        match key {
            "library" if !value.starts_with('/') => {
                return Err(at(text, item, "\"library\" must be an absolute path"));
            }
            "library" => token.library = PathBuf::from(value),
            "label" => token.label = Some(value.to_owned()),
            "serial" => token.serial = Some(value.to_owned()),
            _ => return Err(at(text, item, &format!("unknown key {key:?}"))),
        }
    }
    if token.library.as_os_str().is_empty() {
        return Err("[[token]] needs a \"library\"".to_owned());
    }
    Ok(token)
}

fn at(text: &str, item: &Item, what: &str) -> String {
    let before = item.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {what}", before.matches('\n').count() + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_holds_and_the_rest_is_built_in() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let said = Config::parse("[agent]\nstart = \"never\"\nidle = \"1h\"\n").unwrap();
        assert!(!said.starts_agent);
        assert_eq!((said.agent.idle.as_secs(), said.agent.longest.as_secs()), (3600, 28_800));
    }

    #[test]
    fn several_tokens_may_be_named() {
        let text = "[[token]]\nlibrary = \"/a.so\"\n[[token]]\nlibrary = \"/b.so\"\nserial = \"1f\"\n";
        let tokens = Config::parse(text).unwrap().tokens;
        assert_eq!(tokens[0].library.to_str(), Some("/a.so"));
        assert_eq!((tokens[0].serial.as_deref(), tokens[1].serial.as_deref()), (None, Some("1f")));
    }

    #[test]
    fn what_has_no_meaning_is_an_error_with_its_line() {
        for (text, what) in [
            ("[agent]\nidle = \"long\"\n", "line 2: a time is"),
            ("\n[agents]\n", "line 2: unknown key \"agents\""),
            ("[agent]\n\nstop = \"never\"\n", "line 3: unknown key \"stop\""),
            ("[agent]\nstart = true\n", "line 2: \"start\" must be a text"),
            ("[token]\nlibrary = \"/x.so\"\n", "line 1: tokens are written as [[token]]"),
            ("[[token]]\nlibrary = \"x.so\"\n", "line 2: \"library\" must be an absolute path"),
            ("[[token]]\nlibrary = \"/x.so\"\npin = \"1\"\n", "line 3: unknown key \"pin\""),
            ("[[token]]\nlabel = \"alice\"\n", "[[token]] needs a \"library\""),
            ("agent = 1\n", "line 1: unknown key \"agent\""),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.starts_with(what), "{text}: {error}");
        }
    }
}
