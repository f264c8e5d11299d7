//! The ways to a box: those that the person named, and what the other side's code says of them.

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
use crate::sync_places;
use crate::terminal::{SafeText, shell_word};

/// What a relay's address begins with that a code can name.
const HTTPS: &str = "https://";

/// Folders, a relay, and the local network last.
#[derive(Clone)]
pub(crate) struct Ways {
    addresses: Vec<Address>,
    /// Whether the person wants nothing but the local network.
    lan_only: bool,
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
    /// A folder is none, or a relay's address.
    pub(crate) fn from_options(options: &args::Ways) -> Result<Self, Failure> {
        for folder in &options.folder {
            let kind = std::fs::metadata(folder)
                .map_err(|error| Failure::io(folder.display().to_string(), &error))?;
            if !kind.is_dir() {
                return Err(Failure::usage(format!("{}: not a folder", folder.display())));
            }
        }
        let mut addresses: Vec<Address> = options.folder.iter().cloned().map(Address::Folder).collect();
        let parse = |text: String| Address::parse(&text).map_err(|error| Failure::usage(error.to_string()));
        if let Some(url) = &options.relay {
            addresses.push(parse(format!("relay:{url}"))?);
        }
        match &options.lan_address {
            Some(at) => addresses.push(parse(format!("lan:{at}"))?),
            None if options.lan_only || addresses.is_empty() => addresses.push(Address::Lan),
            None => {}
        }
        Ok(Self { addresses, lan_only: options.lan_only })
    }

    /// No way at all: two files go between the two sides.
    pub(crate) const fn none() -> Self {
        Self { addresses: Vec::new(), lan_only: false }
    }

    /// The relay where this person's devices meet is a way, too, unless another one was named.
    pub(crate) fn or_relay_of(mut self, places: &[Address]) -> Self {
        let relay = places.iter().find(|place| matches!(place, Address::Relay(_)));
        self.add_relay(relay.cloned());
        self
    }

    /// The relay, as a code of ours says it to the other side; one without TLS is on this machine alone.
    pub(crate) fn relay_in_code(&self) -> Option<String> {
        self.addresses.iter().find_map(in_code).map(str::to_owned)
    }

    /// Does as the code of the other side says: the local network alone, or a relay beside what was named here; which
    /// one, if it is new.
    ///
    /// # Errors
    /// The other side wants the local network alone, and another way was named here.
    pub(crate) fn follow(&mut self, code: &PairingCode) -> Result<Option<String>, Failure> {
        if code.lan_only {
            if self.addresses.iter().any(|address| !address.is_lan()) {
                return Err(Failure::usage("the code is for the local network alone")
                    .hint("leave out --folder and --relay here, or --lan-only on the other side"));
            }
            self.lan_only = true;
        }
        let relay = code.relay.as_ref().map(|relay| Address::Relay(format!("{HTTPS}{relay}")));
        Ok(self.add_relay(relay).then(|| code.relay.clone()).flatten())
    }

    /// Adds a relay where there is none; whether it did.
    fn add_relay(&mut self, relay: Option<Address>) -> bool {
        let has_one = self.addresses.iter().any(|address| matches!(address, Address::Relay(_)));
        let Some(relay) = relay.filter(|_| !has_one && !self.lan_only) else { return false };
        self.addresses.insert(0, relay);
        true
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

    #[test]
    fn the_relay_of_a_code_is_a_way_unless_another_one_was_named() {
        let mut ways = named(None, false);
        assert_eq!(ways.follow(&code(Some(THERE), false)).unwrap().as_deref(), Some(THERE));
        assert_eq!(ways.addresses, [relay("https://relay.example.net:8443/keys"), Address::Lan]);
        let mut ways = named(Some(HERE), false);
        assert_eq!(ways.follow(&code(Some(THERE), false)).unwrap(), None);
        assert_eq!(ways.addresses, [relay(HERE)]);
        let mut ways = named(None, true);
        assert_eq!(ways.follow(&code(Some(THERE), false)).unwrap(), None);
        assert_eq!(ways.addresses, [Address::Lan], "the local network alone was asked for");
    }

    #[test]
    fn a_code_for_the_local_network_alone_takes_nothing_else() {
        let mut ways = named(None, false);
        assert_eq!(ways.follow(&code(Some(THERE), true)).unwrap(), None);
        assert_eq!(ways.addresses, [Address::Lan]);
        assert!(ways.is_lan_only());
        assert_eq!(named(Some(HERE), false).follow(&code(None, true)).unwrap_err().word, "usage");
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
    }
}
