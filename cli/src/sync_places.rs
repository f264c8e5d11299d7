//! Where a person's devices meet: `[[sync]]` in `config.toml`, and the ways there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::sync::Ways;
use counterseal_keysync::transport::folder::FolderTransport;
use counterseal_keysync::transport::relay::{RelayAddress, RelayTransport};
use counterseal_keysync::transport::{ObjectBox, Transport, TransportError};
use toml_edit::{Item, TableLike};

use crate::clock;
use crate::lookup::{Reach, Web};

/// How long a request to a relay takes at most; a relay may let one wait for half a minute before it answers.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// One `[[sync]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SyncPlace {
    /// A folder that several machines see.
    Folder(PathBuf),
    /// A relay, by its URL.
    Relay(String),
}

impl SyncPlace {
    /// Reads one `[[sync]]`.
    ///
    /// # Errors
    /// What is wrong, by `at` with its line.
    pub(crate) fn read(table: &dyn TableLike, at: impl Fn(&Item, &str) -> String) -> Result<Self, String> {
        let mut found = None;
        for (key, item) in table.iter() {
            let value = item.as_str().ok_or_else(|| at(item, &format!("{key:?} must be a text")))?;
            let place = match key {
                "folder" if !value.starts_with('/') => {
                    return Err(at(item, "\"folder\" must be an absolute path"));
                }
                "folder" => Self::Folder(PathBuf::from(value)),
                "relay" => match RelayAddress::parse(value) {
                    Ok(_) => Self::Relay(value.to_owned()),
                    Err(error) => return Err(at(item, &error.to_string())),
                },
                _ => return Err(at(item, &format!("unknown key {key:?}"))),
            };
            if found.replace(place).is_some() {
                return Err(at(item, "each [[sync]] is one place: folder or relay"));
            }
        }
        found.ok_or_else(|| "[[sync]] needs a \"folder\" or a \"relay\"".to_owned())
    }

    /// The name by which the store remembers how far the place was read.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Folder(path) => format!("folder:{}", path.display()),
            Self::Relay(url) => format!("relay:{url}"),
        }
    }

    /// Whether it is reached over the network.
    pub(crate) const fn is_remote(&self) -> bool {
        matches!(self, Self::Relay(_))
    }
}

/// The ways to places that are configured.
pub(crate) struct ConfiguredWays {
    places: Vec<SyncPlace>,
    offline: bool,
}

impl ConfiguredWays {
    /// Ways to these places; over the network only where `offline` does not forbid it.
    pub(crate) const fn new(places: Vec<SyncPlace>, offline: bool) -> Self {
        Self { places, offline }
    }
}

impl Ways for ConfiguredWays {
    fn places(&self) -> Vec<String> {
        let reachable = self.places.iter().filter(|place| !self.offline || !place.is_remote());
        reachable.map(SyncPlace::name).collect()
    }

    fn open(&mut self, place: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        match self.places.iter().find(|other| other.name() == place).ok_or(TransportError::Absent)? {
            SyncPlace::Folder(path) => Ok(Box::new(FolderTransport::new(path, object_box))),
            SyncPlace::Relay(url) => {
                let address = RelayAddress::parse(url)?;
                let object_box = object_box.clone();
                Ok(Box::new(RelayTransport::new(
                    agent()?,
                    address,
                    object_box,
                    Class::Account,
                    Arc::new(clock::now),
                )))
            }
        }
    }
}

/// A client for relays, which may be in the person's own network, or on this machine without TLS. Through the proxy of
/// `config.toml`, as all look-ups go.
fn agent() -> Result<ureq::Agent, TransportError> {
    let reach = Reach { hosts: Vec::new(), private_addresses: true, plain: true, redirections: 0 };
    let web = Web::new(reach, TIME_LIMIT).map_err(|trouble| TransportError::Unreachable(trouble.message))?;
    Ok(web.into_agent())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::config::Config;

    use super::*;

    #[test]
    fn places_are_read_in_their_order() {
        let text = "[[sync]]\nfolder = \"/media/stick\"\n[[sync]]\nrelay = \"https://relay.example.org\"\n";
        let places = [
            SyncPlace::Folder("/media/stick".into()),
            SyncPlace::Relay("https://relay.example.org".to_owned()),
        ];
        assert_eq!(Config::parse(text).map(|config| config.sync), Ok(places.to_vec()));
    }

    #[test]
    fn what_is_no_place_is_an_error_with_its_line() {
        for (text, what) in [
            ("[[sync]]\n", "[[sync]] needs"),
            ("[sync]\nfolder = \"/a\"\n", "line 1: places are written as [[sync]]"),
            ("[[sync]]\nfolder = \"a\"\n", "line 2: \"folder\" must be an absolute path"),
            ("[[sync]]\nrelay = \"http://relay.example.org\"\n", "line 2:"),
            (
                "[[sync]]\nfolder = \"/a\"\nrelay = \"https://b.example.org\"\n",
                "line 3: each [[sync]] is one place",
            ),
            ("[[sync]]\nplace = \"/a\"\n", "line 2: unknown key"),
        ] {
            let said = Config::parse(text).unwrap_err();
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn offline_leaves_what_needs_no_network() {
        let places =
            vec![SyncPlace::Relay("https://relay.example.org".to_owned()), SyncPlace::Folder("/a".into())];
        assert_eq!(ConfiguredWays::new(places, true).places(), ["folder:/a"]);
    }
}
