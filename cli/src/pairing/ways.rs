//! The ways to a box: those that the person named, and what the other side's code says of them.

use counterseal_core::policy::Network;
use counterseal_keysync::code::{PairingCode, is_relay};
use counterseal_keysync::pairing::Side;
use counterseal_keysync::relay::protocol::Class as RelayClass;
use counterseal_keysync::transport::address::Address;
use counterseal_keysync::transport::folder::FolderTransport;
use counterseal_keysync::transport::lan::{Class, LanListener, LanTransport};
use counterseal_keysync::transport::memory::MemoryBox;
use counterseal_keysync::transport::relay::RelayAddress;
use counterseal_keysync::transport::{ObjectBox, Transport, TransportError};

use crate::args;
use crate::failure::Failure;
use crate::lookup;
use crate::sync_places;
use crate::terminal::{SafeText, shell_word};

/// What a relay's address begins with that a code can name.
const HTTPS: &str = "https://";

/// Folders, a relay, and the local network last.
#[derive(Clone)]
pub(crate) struct Ways {
    addresses: Vec<Address>,
    /// Whether an option names one of them.
    is_named: bool,
    /// Whether nothing but the local network is wanted: by the person, by the account, or by the other side.
    lan_only: bool,
    /// Whether the network is forbidden.
    offline: bool,
}

/// A relay that a code names and that was not named here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RelayOfCode {
    /// It is a way from now on.
    Taken(String),
    /// It is not asked, for this reason.
    NotAsked(String, &'static str),
}

/// A way to one box.
pub(super) struct Way {
    pub(super) transport: Box<dyn Transport>,
    /// What is listened with, for as long as the way is used.
    listener: Option<LanListener>,
}

impl Way {
    /// Whether the box is in our own memory.
    pub(super) const fn is_ours(&self) -> bool {
        self.listener.is_some()
    }

    /// Whether whoever was met by it is on the local network.
    pub(super) fn is_local(&self) -> bool {
        self.listener.as_ref().map_or_else(|| self.transport.is_local(), LanListener::is_local)
    }
}

impl Ways {
    /// By the options of a command; the local network where none is named.
    ///
    /// # Errors
    /// A folder is none, or a relay's address; or `--offline` forbids what is named, or all that there is.
    pub(crate) fn from_options(options: &args::Ways) -> Result<Self, Failure> {
        Self::of(options, lookup::is_forbidden())
    }

    fn of(options: &args::Ways, offline: bool) -> Result<Self, Failure> {
        let needs_network = options.relay.is_some() || options.lan_only || options.lan_address.is_some();
        if offline && (needs_network || options.folder.is_empty()) {
            return Err(Failure::unknown("offline", "nothing is asked of the network: --offline")
                .hint("name a folder that both see: --folder DIR; or carry a file: --file FILE"));
        }
        let mut addresses = folders(options)?;
        let parse = |text: String| Address::parse(&text).map_err(|error| Failure::usage(error.to_string()));
        if let Some(url) = &options.relay {
            addresses.push(parse(format!("relay:{url}"))?);
        }
        if let Some(at) = &options.lan_address {
            addresses.push(parse(format!("lan:{at}"))?);
        }
        let is_named = !addresses.is_empty() || options.lan_only;
        if addresses.is_empty() {
            addresses.push(Address::Lan);
        }
        Ok(Self { addresses, is_named, lan_only: options.lan_only, offline })
    }

    /// No way at all: two files go between the two sides.
    pub(crate) const fn none() -> Self {
        Self { addresses: Vec::new(), is_named: false, lan_only: false, offline: false }
    }

    /// The relay where this person's devices meet is a way, too, where no option names one.
    pub(crate) fn or_relay_of(mut self, places: &[Address]) -> Self {
        if !self.is_named {
            let relay = places.iter().find(|place| matches!(place, Address::Relay(_)));
            self.add_relay(relay.cloned());
        }
        self
    }

    /// Nothing but the local network from now on; `why` and `hint` are what a person reads who named another way.
    ///
    /// # Errors
    /// Another way was named here.
    pub(crate) fn keep_to_lan(&mut self, why: &str, hint: &str) -> Result<(), Failure> {
        if self.addresses.iter().any(|address| !address.is_lan()) {
            return Err(Failure::usage(why).hint(hint));
        }
        self.lan_only = true;
        Ok(())
    }

    /// The relay, as a code of ours says it to the other side; one without TLS is on this machine alone.
    pub(crate) fn relay_in_code(&self) -> Option<String> {
        self.addresses.iter().find_map(in_code).map(str::to_owned)
    }

    /// Does as the code of the other side says: the local network alone, or a relay beside what was named here, if the
    /// network may be asked for what a stranger names; what became of the relay, if it is new.
    ///
    /// # Errors
    /// The other side wants the local network alone, and another way was named here.
    pub(super) fn follow(
        &mut self,
        code: &PairingCode,
        network: Network,
    ) -> Result<Option<RelayOfCode>, Failure> {
        if code.lan_only {
            self.keep_to_lan(
                "the code is for the local network alone",
                "leave out --folder and --relay here, or --lan-only on the other side",
            )?;
        }
        let Some(relay) = code.relay.clone().filter(|_| self.lacks_relay()) else { return Ok(None) };
        if self.offline || network == Network::Never {
            let who = if self.offline { "--offline" } else { "network = \"never\" in the policy" };
            return Ok(Some(RelayOfCode::NotAsked(relay, who)));
        }
        self.add_relay(Some(Address::Relay(format!("{HTTPS}{relay}"))));
        Ok(Some(RelayOfCode::Taken(relay)))
    }

    fn lacks_relay(&self) -> bool {
        !self.lan_only && !self.addresses.iter().any(|address| matches!(address, Address::Relay(_)))
    }

    /// Adds a relay where there is none.
    fn add_relay(&mut self, relay: Option<Address>) {
        if let Some(relay) = relay.filter(|_| self.lacks_relay()) {
            self.addresses.insert(0, relay);
        }
    }

    /// Whether nothing but the local network is used.
    pub(crate) const fn is_lan_only(&self) -> bool {
        self.lan_only
    }

    /// The options with which the other side finds us, for its command line; what a code says by itself is left out where
    /// `is_code`. A folder may be called otherwise there.
    pub(super) fn there(&self, is_code: bool) -> String {
        let options = self.addresses.iter().filter_map(|address| match address {
            Address::Folder(_) => Some(" --folder DIR".to_owned()),
            Address::Relay(_) if is_code && in_code(address).is_some() => None,
            Address::Relay(url) => Some(format!(" --relay {}", shell_word(&SafeText(url).to_string()))),
            Address::Imap(_) | Address::Lan | Address::LanAt(_) => None,
        });
        options.collect()
    }

    /// Every way to one box. Whoever displays listens on the local network, and whoever scans looks for that.
    ///
    /// # Errors
    /// A way cannot be prepared.
    pub(super) fn open(&self, object_box: &ObjectBox, side: Side) -> Result<Vec<Way>, Failure> {
        let (mut ways, mut failed) = (Vec::new(), None);
        for address in &self.addresses {
            match open(address, object_box, side) {
                Ok(way) => ways.push(way),
                Err(error) => failed = failed.or(Some((address, error))),
            }
        }
        match failed {
            // One way that works is enough.
            Some((address, error)) if ways.is_empty() => Err(not_opened(address, &error)),
            _ => Ok(ways),
        }
    }
}

/// The folders that options name.
fn folders(options: &args::Ways) -> Result<Vec<Address>, Failure> {
    for folder in &options.folder {
        let kind =
            std::fs::metadata(folder).map_err(|error| Failure::io(folder.display().to_string(), &error))?;
        if !kind.is_dir() {
            return Err(Failure::usage(format!("{}: not a folder", folder.display())));
        }
    }
    Ok(options.folder.iter().cloned().map(Address::Folder).collect())
}

/// The address of a relay as a code can have it.
fn in_code(address: &Address) -> Option<&str> {
    match address {
        Address::Relay(url) => url.strip_prefix(HTTPS).filter(|relay| is_relay(relay)),
        _ => None,
    }
}

fn not_opened(address: &Address, error: &TransportError) -> Failure {
    let place = if address.is_lan() { "the local network".to_owned() } else { address.to_string() };
    Failure::unknown("not-reached", format!("{place}: {error}"))
        .hint("name a folder that both see: --folder DIR; or a relay: --relay URL")
}

fn open(address: &Address, object_box: &ObjectBox, side: Side) -> Result<Way, TransportError> {
    let transport: Box<dyn Transport> = match (address, side) {
        (Address::Folder(folder), _) => Box::new(FolderTransport::for_pairing(folder, object_box)),
        (Address::Relay(url), _) => {
            let address = RelayAddress::parse(url)?;
            Box::new(sync_places::relay(address, object_box, RelayClass::Pairing)?)
        }
        // No option names a mailbox.
        (Address::Imap(_), _) => return Err(TransportError::Absent),
        (Address::Lan | Address::LanAt(_), Side::Displays) => return listen(address, object_box),
        (Address::LanAt(at), Side::Scans) => Box::new(LanTransport::fixed(object_box, Class::Pairing, at)),
        (Address::Lan, Side::Scans) => Box::new(LanTransport::find(object_box, Class::Pairing)?),
    };
    Ok(Way { transport, listener: None })
}

fn listen(address: &Address, object_box: &ObjectBox) -> Result<Way, TransportError> {
    let memory = MemoryBox::for_pairing();
    let transport = Box::new(memory.transport());
    let listener = match address {
        Address::LanAt(at) => LanListener::fixed(object_box, Class::Pairing, at, memory)?,
        _ => LanListener::announced(object_box, Class::Pairing, memory)?,
    };
    Ok(Way { transport, listener: Some(listener) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::secret::SecretBytes;
    use counterseal_core::time::Time;
    use counterseal_keysync::code::Intent;

    use super::*;

    const HERE: &str = "https://relay.example.org";
    const THERE: &str = "relay.example.net:8443/keys";

    fn named(relay: Option<&str>, lan_only: bool) -> Ways {
        let options = args::Ways { relay: relay.map(str::to_owned), lan_only, ..args::Ways::default() };
        Ways::from_options(&options).unwrap()
    }

    fn code(relay: Option<&str>, lan_only: bool) -> PairingCode {
        PairingCode {
            intent: Intent::NewShows,
            lan_only,
            offer: [1; 16],
            secret: SecretBytes::new(vec![2; 16]),
            expires: Time::from_unix_seconds(1_800_000_000),
            relay: relay.map(str::to_owned),
        }
    }

    fn relay(url: &str) -> Address {
        Address::Relay(url.to_owned())
    }

    fn follow(ways: &mut Ways, code: &PairingCode) -> Option<RelayOfCode> {
        ways.follow(code, Network::Ask).unwrap()
    }

    #[test]
    fn the_relay_of_a_code_is_a_way_unless_another_one_was_named() {
        let mut ways = named(None, false);
        assert_eq!(follow(&mut ways, &code(Some(THERE), false)), Some(RelayOfCode::Taken(THERE.to_owned())));
        assert_eq!(ways.addresses, [relay("https://relay.example.net:8443/keys"), Address::Lan]);
        let mut ways = named(Some(HERE), false);
        assert_eq!(follow(&mut ways, &code(Some(THERE), false)), None);
        assert_eq!(ways.addresses, [relay(HERE)]);
        let mut ways = named(None, true);
        assert_eq!(follow(&mut ways, &code(Some(THERE), false)), None);
        assert_eq!(ways.addresses, [Address::Lan], "the local network alone was asked for");
    }

    #[test]
    fn a_code_for_the_local_network_alone_takes_nothing_else() {
        let mut ways = named(None, false);
        assert_eq!(follow(&mut ways, &code(Some(THERE), true)), None);
        assert_eq!(ways.addresses, [Address::Lan]);
        assert!(ways.is_lan_only());
        assert_eq!(
            named(Some(HERE), false).follow(&code(None, true), Network::Ask).unwrap_err().word,
            "usage"
        );
    }

    #[test]
    fn what_a_code_says_is_not_said_beside_it() {
        let ways = named(Some(HERE), false);
        assert_eq!(ways.relay_in_code().as_deref(), Some("relay.example.org"));
        assert_eq!(ways.there(true), "");
        assert_eq!(ways.there(false), " --relay https://relay.example.org");
        for not_in_code in ["http://127.0.0.1:8790", "https://Relay.example.org", "https://[::1]"] {
            let ways = named(Some(not_in_code), false);
            assert_eq!(ways.relay_in_code(), None, "{not_in_code}");
            assert!(ways.there(true).contains(not_in_code.trim_end_matches(']')), "{}", ways.there(true));
        }
    }

    #[test]
    fn the_relay_where_devices_meet_is_a_way_where_none_is_named() {
        let places = [Address::Lan, relay(HERE), relay("https://other.example.org")];
        assert_eq!(named(None, false).or_relay_of(&places).addresses, [relay(HERE), Address::Lan]);
        assert_eq!(named(None, true).or_relay_of(&places).addresses, [Address::Lan]);
        assert_eq!(named(Some("https://own.example.org"), false).or_relay_of(&places).addresses.len(), 1);
        assert_eq!(named(None, false).or_relay_of(&[]).addresses, [Address::Lan]);
        let folder = args::Ways { folder: vec!["/".into()], ..args::Ways::default() };
        let ways = Ways::of(&folder, false).unwrap().or_relay_of(&places);
        assert_eq!(ways.addresses, [Address::Folder("/".into())]);
        assert_eq!(ways.relay_in_code(), None);
        let at = args::Ways { lan_address: Some("127.0.0.1:4040".to_owned()), ..args::Ways::default() };
        let ways = Ways::of(&at, false).unwrap().or_relay_of(&places);
        assert_eq!(ways.addresses, [Address::LanAt("127.0.0.1:4040".to_owned())]);
    }

    #[test]
    fn without_the_network_a_folder_is_left() {
        let folder = args::Ways { folder: vec!["/".into()], ..args::Ways::default() };
        let mut ways = Ways::of(&folder, true).unwrap();
        let not_asked = RelayOfCode::NotAsked(THERE.to_owned(), "--offline");
        assert_eq!(follow(&mut ways, &code(Some(THERE), false)), Some(not_asked));
        assert_eq!(ways.addresses, [Address::Folder("/".into())]);
        for options in [
            args::Ways::default(),
            args::Ways { lan_only: true, ..args::Ways::default() },
            args::Ways { lan_address: Some("127.0.0.1:4040".to_owned()), ..folder.clone() },
            args::Ways { relay: Some(HERE.to_owned()), ..folder },
        ] {
            assert_eq!(Ways::of(&options, true).err().map(|failure| failure.word), Some("offline"));
        }
    }

    #[test]
    fn a_policy_without_the_network_asks_no_relay_that_a_code_names() {
        let mut ways = named(None, false);
        let became = ways.follow(&code(Some(THERE), false), Network::Never).unwrap();
        assert!(matches!(became, Some(RelayOfCode::NotAsked(relay, _)) if relay == THERE));
        assert_eq!(ways.addresses, [Address::Lan]);
    }

    #[test]
    fn an_account_for_the_local_network_alone_meets_nowhere_else() {
        let mut ways = named(None, false);
        ways.keep_to_lan("your account", "").unwrap();
        let ways = ways.or_relay_of(&[relay(HERE)]);
        assert_eq!((&ways.addresses[..], ways.is_lan_only()), (&[Address::Lan][..], true));
        assert_eq!(ways.relay_in_code(), None);
        assert_eq!(named(Some(HERE), false).keep_to_lan("your account", "").unwrap_err().word, "usage");
    }
}
