//! The ways to a box that the person named.

use std::path::PathBuf;

use counterseal_keysync::pairing::Side;
use counterseal_keysync::relay::protocol::Class as RelayClass;
use counterseal_keysync::transport::folder::FolderTransport;
use counterseal_keysync::transport::lan::{Class, LanListener, LanTransport};
use counterseal_keysync::transport::memory::MemoryBox;
use counterseal_keysync::transport::relay::{self, RelayAddress, RelayTransport};
use counterseal_keysync::transport::{ObjectBox, Transport, TransportError};

use crate::args;
use crate::clock;
use crate::failure::Failure;

/// Folders, a relay, the local network.
#[derive(Clone)]
pub(crate) struct Ways {
    folders: Vec<PathBuf>,
    relay: Option<RelayAddress>,
    lan: Option<Lan>,
}

/// How devices on the local network find each other.
#[derive(Clone, Debug)]
enum Lan {
    /// By multicast DNS.
    Found,
    /// At `HOST:PORT`.
    Fixed(String),
}

/// A way to one box.
pub(super) struct Way {
    pub(super) transport: Box<dyn Transport>,
    /// Whether what comes by it comes from the local network.
    pub(super) is_lan: bool,
    /// What is listened with, for as long as the way is used.
    listener: Option<LanListener>,
}

impl Way {
    /// Whether the box is in our own memory.
    pub(super) const fn is_ours(&self) -> bool {
        self.listener.is_some()
    }

    fn of(transport: impl Transport + 'static) -> Self {
        Self { transport: Box::new(transport), is_lan: false, listener: None }
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
        let relay = options.relay.as_deref().map(RelayAddress::parse).transpose();
        let relay = relay.map_err(|error| Failure::usage(error.to_string()))?;
        let lan = match &options.lan_address {
            Some(address) => Some(Lan::Fixed(address.clone())),
            None if options.lan_only || (options.folder.is_empty() && relay.is_none()) => Some(Lan::Found),
            None => None,
        };
        Ok(Self { folders: options.folder.clone(), relay, lan })
    }

    /// No way at all: two files go between the two sides.
    pub(crate) const fn none() -> Self {
        Self { folders: Vec::new(), relay: None, lan: None }
    }

    /// Every way to one box. Whoever displays listens on the local network, and whoever scans looks for that.
    ///
    /// # Errors
    /// A way cannot be prepared.
    pub(super) fn open(&self, object_box: &ObjectBox, side: Side) -> Result<Vec<Way>, Failure> {
        let folders = self.folders.iter();
        let mut ways: Vec<Way> =
            folders.map(|folder| Way::of(FolderTransport::new(folder, object_box))).collect();
        if let Some(address) = &self.relay {
            let agent = relay::agent(&roots());
            let now = || clock::now();
            ways.push(Way::of(RelayTransport::new(
                agent,
                address.clone(),
                object_box.clone(),
                RelayClass::Pairing,
                std::sync::Arc::new(now),
            )));
        }
        if let Some(lan) = &self.lan {
            match local(lan, object_box, side) {
                Ok(way) => ways.push(way),
                // Another way works perhaps.
                Err(_) if !ways.is_empty() => {}
                Err(error) => {
                    return Err(Failure::unknown("not-reached", format!("the local network: {error}"))
                        .hint("name a folder that both see: --folder DIR; or a relay: --relay URL"));
                }
            }
        }
        Ok(ways)
    }
}

fn local(lan: &Lan, object_box: &ObjectBox, side: Side) -> Result<Way, TransportError> {
    match side {
        Side::Displays => {
            let memory = MemoryBox::for_pairing();
            let transport = Box::new(memory.transport());
            let listener = match lan {
                Lan::Found => LanListener::announced(object_box, Class::Pairing, memory)?,
                Lan::Fixed(address) => LanListener::fixed(object_box, Class::Pairing, address, memory)?,
            };
            Ok(Way { transport, is_lan: true, listener: Some(listener) })
        }
        Side::Scans => {
            let transport = match lan {
                Lan::Found => LanTransport::find(object_box, Class::Pairing)?,
                Lan::Fixed(address) => LanTransport::fixed(object_box, Class::Pairing, address),
            };
            Ok(Way { transport: Box::new(transport), is_lan: true, listener: None })
        }
    }
}

/// The TLS roots of the system.
fn roots() -> Vec<Vec<u8>> {
    rustls_native_certs::load_native_certs().certs.into_iter().map(|root| root.to_vec()).collect()
}
