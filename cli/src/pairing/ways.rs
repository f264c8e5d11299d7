//! The ways to a box that the person named.

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

/// Folders, a relay, and the local network last.
#[derive(Clone)]
pub(crate) struct Ways {
    addresses: Vec<Address>,
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
        Ok(Self { addresses })
    }

    /// No way at all: two files go between the two sides.
    pub(crate) const fn none() -> Self {
        Self { addresses: Vec::new() }
    }

    /// The options with which the other side finds us, for its command line. A folder may be called otherwise there.
    pub(super) fn there(&self) -> String {
        let options = self.addresses.iter().filter_map(|address| match address {
            Address::Folder(_) => Some(" --folder DIR".to_owned()),
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
        let mut ways = Vec::new();
        for address in &self.addresses {
            match open(address, object_box, side) {
                Ok(way) => ways.push(way),
                // Another way works perhaps.
                Err(_) if !ways.is_empty() => {}
                Err(error) => {
                    let place =
                        if address.is_lan() { "the local network".to_owned() } else { address.to_string() };
                    return Err(Failure::unknown("not-reached", format!("{place}: {error}"))
                        .hint("name a folder that both see: --folder DIR; or a relay: --relay URL"));
                }
            }
        }
        Ok(ways)
    }
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
