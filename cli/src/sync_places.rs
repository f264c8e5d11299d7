//! Where a person's devices meet: `[[sync]]` in `config.toml`, and the ways there.

pub(crate) mod mailbox;
mod serving;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::sync::Ways;
use counterseal_keysync::transport::address::{Address, AddressError};
use counterseal_keysync::transport::folder::FolderTransport;
use counterseal_keysync::transport::lan::{self, LanTransport, Together};
use counterseal_keysync::transport::relay::{RelayAddress, RelayTransport};
use counterseal_keysync::transport::{ObjectBox, Transport, TransportError};
use toml_edit::{Item, TableLike, Value};

pub(crate) use self::serving::{Served, Serving};
use crate::account::Account;
use crate::clock;
use crate::config::Config;
use crate::lookup::{Reach, Web};

/// How long a request to a relay takes at most; a relay may let one wait for half a minute before it answers.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Reads one `[[sync]]`; `accounts` are those of the file.
///
/// # Errors
/// What is wrong, by `at` with its line.
pub(crate) fn read(
    table: &dyn TableLike,
    accounts: &[Account],
    at: impl Fn(&Item, &str) -> String,
) -> Result<Address, String> {
    let mut found = None;
    for (key, item) in table.iter() {
        let place = place(key, item).map_err(|what| at(item, &what))?;
        if let Address::Imap(name) = &place {
            let account = accounts.iter().find(|account| account.name == *name);
            if account.is_none_or(|account| account.imap.is_none()) {
                return Err(at(item, &format!("no [account.{name}] has an \"imap\"")));
            }
        }
        if found.replace(place).is_some() {
            return Err(at(item, "each [[sync]] is one place: folder, relay, imap or lan"));
        }
    }
    found.ok_or_else(|| "[[sync]] needs a \"folder\", \"relay\", \"imap\" or \"lan\"".to_owned())
}

fn place(key: &str, item: &Item) -> Result<Address, String> {
    let is_kind = matches!(key, "folder" | "relay" | "imap" | "lan");
    let parsed = match (is_kind, item.as_str(), item.as_bool()) {
        (true, Some(text), _) if key != "lan" || !text.is_empty() => Address::parse(&format!("{key}:{text}")),
        (true, _, Some(true)) if key == "lan" => Ok(Address::Lan),
        (true, ..) if key == "lan" => return Err("\"lan\" must be true, or HOST:PORT".to_owned()),
        (true, ..) => return Err(format!("{key:?} must be a text")),
        (false, ..) => return Err(format!("unknown key {key:?}")),
    };
    parsed.map_err(|error: AddressError| format!("{key:?}: {error}"))
}

/// A place as it stands in the file.
pub(crate) fn to_toml(place: &Address) -> String {
    let (key, value): (_, Value) = match place {
        Address::Folder(path) => ("folder", path.display().to_string().into()),
        Address::Relay(url) => ("relay", url.as_str().into()),
        Address::Imap(name) => ("imap", name.as_str().into()),
        Address::Lan => ("lan", true.into()),
        Address::LanAt(at) => ("lan", at.as_str().into()),
    };
    format!("[[sync]]\n{key} = {value}\n")
}

/// The places of one `config.toml`, with what it takes to get there.
#[derive(Clone)]
pub(crate) struct Places {
    addresses: Vec<Address>,
    accounts: Vec<Account>,
    served: Served,
    /// By their URLs: each remembers what it was asked to create, from one round to the next.
    relays: BTreeMap<String, RelayAddress>,
}

impl Places {
    /// Those that are configured.
    pub(crate) fn of(config: Config) -> Self {
        let relays = config.sync.iter().filter_map(|place| match place {
            Address::Relay(url) => RelayAddress::parse(url).ok().map(|relay| (url.clone(), relay)),
            _ => None,
        });
        Self {
            relays: relays.collect(),
            addresses: config.sync,
            accounts: config.accounts,
            served: Served::default(),
        }
    }

    /// Puts the boxes in their places that this device offers to others itself.
    pub(crate) fn serve(&mut self, served: Served) {
        self.served = served;
    }

    /// In the order of the file.
    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// To other devices on this network; where this one offers the box, to that as well.
    fn lan(&self, address: &Address, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        let offered = self.served.find(address, object_box);
        let others = match address {
            // Who listens at the one address that there is, is all there is.
            Address::LanAt(_) if offered.is_some() => None,
            Address::LanAt(at) => Some(LanTransport::fixed(object_box, lan::Class::Account, at)),
            _ => {
                let own = offered.and_then(|offered| offered.name);
                Some(LanTransport::find(object_box, lan::Class::Account)?.past(own))
            }
        };
        match (offered, others) {
            (Some(offered), others) => Ok(Box::new(Together::new(&offered.kept, others))),
            (None, Some(others)) => Ok(Box::new(others)),
            (None, None) => Err(TransportError::Absent),
        }
    }

    fn account(&self, name: &str) -> Result<&Account, TransportError> {
        self.accounts.iter().find(|account| account.name == name).ok_or(TransportError::Absent)
    }
}

/// The ways to places that are configured.
pub(crate) struct ConfiguredWays {
    places: Places,
    offline: bool,
}

impl ConfiguredWays {
    /// Ways to these places; over the network only where `offline` does not forbid it.
    pub(crate) const fn new(places: Places, offline: bool) -> Self {
        Self { places, offline }
    }
}

impl Ways for ConfiguredWays {
    fn places(&self) -> Vec<String> {
        self.places.addresses.iter().map(ToString::to_string).collect()
    }

    fn open(&mut self, place: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        let found = self.places.addresses.iter().find(|other| other.to_string() == place);
        let address = found.ok_or(TransportError::Absent)?;
        if self.offline && address.is_remote() {
            return Err(TransportError::Unreachable("offline, nothing is asked over the network".to_owned()));
        }
        Ok(match address {
            Address::Folder(path) => Box::new(FolderTransport::new(path, object_box)),
            Address::Relay(url) => {
                let address = self.places.relays.get(url).cloned().ok_or(TransportError::Absent)?;
                Box::new(relay(address, object_box, Class::Account)?)
            }
            Address::Imap(name) => Box::new(mailbox::open(self.places.account(name)?, object_box)?),
            address @ (Address::Lan | Address::LanAt(_)) => self.places.lan(address, object_box)?,
        })
    }
}

/// A box at a relay.
///
/// # Errors
/// [`TransportError`] where the proxy is not known.
pub(crate) fn relay(
    address: RelayAddress,
    object_box: &ObjectBox,
    class: Class,
) -> Result<RelayTransport, TransportError> {
    Ok(RelayTransport::new(agent()?, address, object_box.clone(), class, Arc::new(clock::now)))
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

    use counterseal_core::secret::SecretBytes;

    use crate::config::Config;

    use super::*;

    #[test]
    fn places_are_read_in_their_order() {
        let text = "[[sync]]\nfolder = \"/media/stick\"\n[[sync]]\nrelay = \"https://relay.example.org/\"\n\
                    [[sync]]\nimap = \"work\"\n[[sync]]\nlan = true\n[[sync]]\nlan = \"192.0.2.1:4040\"\n\
                    [account.work]\nsmtp = \"smtps://smtp.example.org\"\nimap = \"imaps://imap.example.org\"\n\
                    user = \"alice\"\npassword = { keyring = true }\n";
        let places = Places::of(Config::parse(text).unwrap());
        // The store knows places by these names for good.
        let names = [
            "folder:/media/stick",
            "relay:https://relay.example.org/",
            "imap:work",
            "lan:",
            "lan:192.0.2.1:4040",
        ];
        assert_eq!(ConfiguredWays::new(places.clone(), false).places(), names);

        // Offline they stay places: what is posted meanwhile waits for them.
        let mut offline = ConfiguredWays::new(places, true);
        assert_eq!(offline.places(), names);
        let object_box = ObjectBox::derive(&SecretBytes::new(vec![7; 32]), "test");
        let refused = names.map(|name| offline.open(name, &object_box).err());
        assert!(refused[0].is_none());
        assert!(refused[1..].iter().all(|error| matches!(error, Some(TransportError::Unreachable(_)))));
    }

    #[test]
    fn a_place_is_read_as_it_was_written_whatever_stands_in_it() {
        for text in
            ["folder:/a \"b\"\n[account.x]", "relay:https://relay.example.org", "lan:", "lan:[::1]:4040"]
        {
            let place = Address::parse(text).unwrap();
            assert_eq!(Config::parse(&to_toml(&place)).unwrap().sync, [place]);
        }
    }

    #[test]
    fn what_is_no_place_is_an_error_with_its_line() {
        for (text, what) in [
            ("[[sync]]\n", "[[sync]] needs"),
            ("[sync]\nfolder = \"/a\"\n", "line 1: places are written as [[sync]]"),
            ("[[sync]]\nfolder = \"a\"\n", "line 2: \"folder\": a folder is an absolute path"),
            (
                "[[sync]]\nrelay = \"http://relay.example.org\"\n",
                "line 2: \"relay\": http://relay.example.org:",
            ),
            (
                "[[sync]]\nfolder = \"/a\"\nrelay = \"https://b.example.org\"\n",
                "line 3: each [[sync]] is one place",
            ),
            ("[[sync]]\nplace = \"/a\"\n", "line 2: unknown key"),
            ("[[sync]]\nfolder = true\n", "line 2: \"folder\" must be a text"),
            ("[[sync]]\nlan = false\n", "line 2: \"lan\" must be true, or HOST:PORT"),
            ("[[sync]]\nlan = \"\"\n", "line 2: \"lan\" must be true, or HOST:PORT"),
            ("[[sync]]\nlan = \"here\"\n", "line 2: \"lan\": a device on the local network is at"),
            ("[[sync]]\nimap = \"work\"\n", "line 2: no [account.work] has an \"imap\""),
            (
                "[account.work]\nsmtp = \"smtps://a.example\"\n[[sync]]\nimap = \"work\"\n",
                "line 4: no [account.work] has an \"imap\"",
            ),
            (
                "[account.w]\nsmtp = \"smtps://a.example\"\nimap = \"imaps://a.example\"\n",
                "[account.w] has \"imap\" and no \"user\"",
            ),
        ] {
            let said = Config::parse(text).unwrap_err();
            assert!(said.contains(what), "{said}");
        }
    }
}
