//! The box that a device keeps itself and offers to the others on the network: a folder of its own, so that what others
//! left there outlives the program that served them, and no larger than a relay would keep it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::folder::FolderTransport;
use super::super::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError, hexadecimal};
use super::Serve;
use crate::limits;

/// A box in a folder of this device. Clones are the same box.
#[derive(Clone)]
pub struct KeptBox {
    folder: PathBuf,
    target: ObjectBox,
    objects: u64,
    bytes: u64,
    held: Arc<Mutex<Held>>,
}

/// What is in it.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    objects: u64,
    bytes: u64,
}

impl KeptBox {
    /// The box in this folder, which must be there.
    ///
    /// # Errors
    /// [`TransportError::Io`] where it cannot be looked into.
    pub fn open(folder: &Path, target: &ObjectBox) -> Result<Self, TransportError> {
        Self::with_limits(folder, target, limits::ACCOUNT_OBJECTS, limits::ACCOUNT_BYTES)
    }

    /// The same, for so many objects of so many bytes together.
    ///
    /// # Errors
    /// As [`KeptBox::open`].
    pub fn with_limits(
        folder: &Path,
        target: &ObjectBox,
        objects: u64,
        bytes: u64,
    ) -> Result<Self, TransportError> {
        let held = Arc::new(Mutex::new(count(&folder.join(hexadecimal(target.id())))?));
        Ok(Self { folder: folder.to_owned(), target: target.clone(), objects, bytes, held })
    }

    /// A way to it.
    #[must_use]
    pub fn transport(&self) -> KeptTransport {
        KeptTransport { way: FolderTransport::new(&self.folder, &self.target), kept: self.clone() }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held().objects == 0
    }

    /// A thread that panicked left no half-made change: a count that is wrong is too large at most.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(directory: &Path) -> Result<Held, TransportError> {
    let failed = |error: std::io::Error| TransportError::Io(format!("{}: {error}", directory.display()));
    let mut held = Held::default();
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(held),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let found = entry.and_then(|entry| entry.metadata()).map_err(failed)?;
        held.objects = held.objects.saturating_add(1);
        held.bytes = held.bytes.saturating_add(found.len());
    }
    Ok(held)
}

impl Serve for KeptBox {
    fn open(&self) -> Box<dyn Transport> {
        Box::new(self.transport())
    }
}

/// A way to a [`KeptBox`].
pub struct KeptTransport {
    way: FolderTransport,
    kept: KeptBox,
}

impl Transport for KeptTransport {
    fn kind(&self) -> &'static str {
        "lan"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        self.way.list(cursor)
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        self.way.get(name)
    }

    /// One after the other, so that several do not fill the box together beyond its limit.
    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        let mut held = self.kept.held();
        let is_new = self.way.get(&ObjectName::of(object)).is_err();
        let length = object.len() as u64;
        let (objects, bytes) = (held.objects.saturating_add(1), held.bytes.saturating_add(length));
        if is_new && (objects > self.kept.objects || bytes > self.kept.bytes) {
            return Err(TransportError::Quota);
        }
        let name = self.way.put(object)?;
        if is_new {
            *held = Held { objects, bytes };
        }
        Ok(name)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        self.way.wait(cursor, limit)
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        let mut held = self.kept.held();
        let length = self.way.get(name).map(|object| object.len() as u64);
        self.way.remove(name)?;
        if let Ok(length) = length {
            *held =
                Held { objects: held.objects.saturating_sub(1), bytes: held.bytes.saturating_sub(length) };
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use counterseal_core::secret::SecretBytes;

    use super::*;
    use crate::transport::tests::keeps_the_contract;

    fn target() -> ObjectBox {
        ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test")
    }

    #[test]
    fn it_keeps_the_contract_of_transports() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptBox::open(folder.path(), &target()).unwrap();
        keeps_the_contract(&mut kept.transport(), &mut kept.transport());
    }

    #[test]
    fn it_is_no_larger_than_it_may_be_whoever_opens_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let open = |objects, bytes| KeptBox::with_limits(folder.path(), &target(), objects, bytes).unwrap();
        let mut way = open(2, 100).transport();
        let first = way.put(&[1; 60]).unwrap();
        assert_eq!(way.put(&[2; 60]), Err(TransportError::Quota));
        assert_eq!(way.put(&[1; 60]), Ok(first), "what is there already is taken");
        way.put(&[3; 10]).unwrap();
        assert_eq!(way.put(&[4; 1]), Err(TransportError::Quota));
        let mut again = open(2, 100).transport();
        assert_eq!(again.put(&[4; 1]), Err(TransportError::Quota));
        again.remove(&first).unwrap();
        again.remove(&first).unwrap();
        again.put(&[4; 80]).unwrap();
        assert_eq!(again.put(&[5; 80]), Err(TransportError::Quota));
    }
}
