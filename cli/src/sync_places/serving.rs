//! What this device offers to others on the local network while `cseal device sync --watch` runs: the boxes of the
//! account, each in a folder beside the store, for as long as the account reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use counterseal_keysync::transport::address::Address;
use counterseal_keysync::transport::lan::{Class, KeptBox, LanListener, OwnName};
use counterseal_keysync::transport::{ObjectBox, TransportError};

use super::Places;
use crate::failure::Failure;
use crate::places;

/// The folder beside the store.
const FOLDER: &str = "lan";
/// After so long a device is found under another name, so that it is not followed from one network to the next.
const RENAMED: Duration = Duration::from_secs(30 * 60);

/// Listeners, one for each place on the local network, until this is dropped.
pub(crate) struct Serving {
    folder: PathBuf,
    boxes: BTreeMap<[u8; 16], KeptBox>,
    listeners: BTreeMap<Address, (LanListener, Instant)>,
}

/// A box that this device offers.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) kept: KeptBox,
    /// Under which name others find it.
    pub(super) name: Option<OwnName>,
}

/// What this device offers.
#[derive(Clone, Default)]
pub(crate) struct Served {
    /// By the place and the name of the box.
    offered: BTreeMap<(Address, [u8; 16]), Offered>,
    /// Whether a box is among them that is new, and has nothing to offer yet.
    is_new: bool,
}

impl Served {
    pub(super) fn find(&self, address: &Address, object_box: &ObjectBox) -> Option<&Offered> {
        self.offered.get(&(address.clone(), *object_box.id()))
    }

    /// The places that have to be filled.
    pub(crate) fn to_fill(&self) -> BTreeSet<String> {
        let places = self.offered.keys().filter(|_| self.is_new);
        places.map(|(address, _)| address.to_string()).collect()
    }
}

impl Serving {
    /// Nothing is offered yet.
    ///
    /// # Errors
    /// There is no place for a store.
    pub(crate) fn new() -> Result<Self, Failure> {
        let folder = places::data()?.join(FOLDER);
        Ok(Self { folder, boxes: BTreeMap::new(), listeners: BTreeMap::new() })
    }

    /// Offers these boxes at every place on the local network, and no others any more. Where an address is that of
    /// another device, nothing is offered: that one is gone to.
    ///
    /// # Errors
    /// [`TransportError`] where the boxes cannot be kept.
    pub(crate) fn offer(&mut self, places: &Places, targets: &[ObjectBox]) -> Result<Served, TransportError> {
        let lan: Vec<&Address> = places.addresses().iter().filter(|address| address.is_lan()).collect();
        if lan.is_empty() {
            return Ok(Served::default());
        }
        let is_new = self.keep(targets)?;
        self.listeners.retain(|address, (_, since)| *address != Address::Lan || since.elapsed() < RENAMED);
        let mut offered = BTreeMap::new();
        for address in lan {
            let names = self.listen(address, targets).unwrap_or_default();
            for (target, name) in targets.iter().zip(names) {
                if let Some(kept) = self.boxes.get(target.id()) {
                    offered.insert((address.clone(), *target.id()), Offered { kept: kept.clone(), name });
                }
            }
        }
        Ok(Served { offered, is_new })
    }

    /// Opens the boxes, and removes those that the account does not read any more; whether one of them is new.
    fn keep(&mut self, targets: &[ObjectBox]) -> Result<bool, TransportError> {
        make(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        let is_read = |id: &[u8; 16]| targets.iter().any(|target| target.id() == id);
        self.boxes.retain(|id, _| is_read(id));
        let mut is_new = false;
        for target in targets {
            if !self.boxes.contains_key(target.id()) {
                let kept = KeptBox::open(&self.folder, target)?;
                is_new |= kept.is_empty();
                self.boxes.insert(*target.id(), kept);
            }
        }
        for entry in fs::read_dir(&self.folder).map_err(|error| failed(&self.folder, &error))?.flatten() {
            let id = entry.file_name().to_str().and_then(read_id);
            if id.is_some_and(|id| !is_read(&id)) {
                // The next round tries again.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(is_new)
    }

    /// Listens at a place and offers these boxes; their names there, and nothing where it is not for us to listen.
    fn listen(&mut self, address: &Address, targets: &[ObjectBox]) -> Option<Vec<Option<OwnName>>> {
        let all: Vec<(&ObjectBox, KeptBox)> = targets
            .iter()
            .filter_map(|target| Some((target, self.boxes.get(target.id())?.clone())))
            .collect();
        if !self.listeners.contains_key(address) {
            let (first, kept) = all.first()?;
            let listener = match address {
                Address::LanAt(at) => LanListener::fixed(first, Class::Account, at, kept.clone()),
                _ => LanListener::announced(first, Class::Account, kept.clone()),
            };
            self.listeners.insert(address.clone(), (listener.ok()?, Instant::now()));
        }
        let (listener, _) = self.listeners.get(address)?;
        listener.keep_only(targets);
        for (target, kept) in all {
            // One that cannot be announced is tried again in the next round.
            let _ = listener.offer(target, kept);
        }
        Some(targets.iter().map(|target| listener.own_name(target)).collect())
    }
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn failed(folder: &Path, error: &std::io::Error) -> TransportError {
    TransportError::Io(format!("{}: {error}", folder.display()))
}

fn read_id(name: &str) -> Option<[u8; 16]> {
    let digits = name.as_bytes().as_chunks::<2>();
    let (pairs, []) = digits else { return None };
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::secret::SecretBytes;
    use counterseal_keysync::sync::Ways;
    use counterseal_keysync::transport::Cursor;

    use super::super::ConfiguredWays;
    use super::*;
    use crate::config::Config;

    fn a_box(byte: u8) -> ObjectBox {
        ObjectBox::derive(&SecretBytes::copy_of(&[byte; 32]), "account")
    }

    #[test]
    fn boxes_come_and_go_with_the_account_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = Config::parse(&format!("[[sync]]\nlan = \"127.0.0.1:{port}\"\n")).unwrap();
        let visitor = Places::of(config);
        let mut places = visitor.clone();
        let new = || Serving {
            folder: folder.path().join("lan"),
            boxes: BTreeMap::new(),
            listeners: BTreeMap::new(),
        };
        let mut serving = new();
        let place = places.addresses()[0].to_string();
        places.serve(serving.offer(&places, &[a_box(1), a_box(2)]).unwrap());
        let mut own = ConfiguredWays::new(places.clone(), false);
        let mut theirs = ConfiguredWays::new(visitor, false);
        let name = own.open(&place, &a_box(1)).unwrap().put(b"ours").unwrap();
        assert_eq!(theirs.open(&place, &a_box(1)).unwrap().get(&name).unwrap(), b"ours");
        let left = theirs.open(&place, &a_box(2)).unwrap().put(b"theirs").unwrap();
        fs::write(folder.path().join("lan/notes"), "mine").unwrap();
        let listing = own.open(&place, &a_box(2)).unwrap().list(&Cursor::default()).unwrap();
        assert_eq!(listing.names, [left]);

        drop(serving);
        let mut serving = new();
        let served = serving.offer(&places, &[a_box(2), a_box(3)]).unwrap();
        assert!(served.find(&places.addresses()[0], &a_box(1)).is_none());
        assert!(theirs.open(&place, &a_box(1)).unwrap().list(&Cursor::default()).is_err());
        assert_eq!(theirs.open(&place, &a_box(2)).unwrap().get(&left).unwrap(), b"theirs");
        let mut names: Vec<_> = fs::read_dir(folder.path().join("lan"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names.contains(&"notes".to_owned()));
    }

    #[test]
    fn who_cannot_listen_there_goes_there() {
        let folder = tempfile::tempdir().unwrap();
        // An address that nobody here has (RFC 5737).
        let config = Config::parse("[[sync]]\nlan = \"192.0.2.1:4040\"\n").unwrap();
        let places = Places::of(config);
        let mut serving =
            Serving { folder: folder.path().to_owned(), boxes: BTreeMap::new(), listeners: BTreeMap::new() };
        let served = serving.offer(&places, &[a_box(1)]).unwrap();
        assert!(served.find(&places.addresses()[0], &a_box(1)).is_none());
    }
}
