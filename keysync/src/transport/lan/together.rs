//! The local network, as a device sees it that offers a box there itself: its own box and those of the others are one.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::super::{Cursor, Listing, ObjectName, Transport, TransportError};
use super::kept::KeptTransport;
use super::{KeptBox, LanTransport};
use crate::limits;

/// What a cursor of this kind begins with; others start anew.
const MARK: &[u8; 4] = b"KSB1";

/// A box of this device, and the same box at others. What others have is kept here too, for those who come later, and
/// that nobody else is there is no failure: they find us.
pub struct Together {
    own: KeptTransport,
    others: Option<LanTransport>,
    /// Whether somebody was there when it was last asked: looking for nobody takes a while.
    is_met: bool,
}

impl Together {
    /// The own box, and others where there is a way to them.
    #[must_use]
    pub fn new(own: &KeptBox, others: Option<LanTransport>) -> Self {
        Self { own: own.transport(), others, is_met: false }
    }

    /// What others have beyond a cursor; nothing where nobody is there.
    fn theirs(&mut self, cursor: &Cursor) -> Option<Listing> {
        let theirs = self.others.as_mut().and_then(|way| way.list(cursor).ok());
        self.is_met = theirs.is_some();
        theirs
    }

    /// Takes over what others have; whether all of it that there is room for is here now.
    fn take_over(&mut self, names: &[ObjectName]) -> Result<bool, TransportError> {
        let held: HashSet<ObjectName> = self.own.list(&Cursor::default())?.names.into_iter().collect();
        for name in names.iter().filter(|name| !held.contains(name)) {
            let Some(others) = self.met() else { return Ok(false) };
            match others.get(name).and_then(|object| self.own.put(&object)) {
                // A listing may name what is not there.
                Ok(_)
                | Err(TransportError::Absent | TransportError::Forged(_) | TransportError::TooLarge { .. }) =>
                    {}
                Err(TransportError::Quota) => break,
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The others, where somebody was there.
    fn met(&mut self) -> Option<&mut LanTransport> {
        self.others.as_mut().filter(|_| self.is_met)
    }
}

impl Transport for Together {
    fn kind(&self) -> &'static str {
        "lan"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let (own, others) = split(cursor);
        let theirs =
            self.theirs(&others).unwrap_or_else(|| Listing { names: Vec::new(), cursor: others.clone() });
        let is_taken_over = self.take_over(&theirs.names)?;
        let Listing { mut names, cursor: own } = self.own.list(&own)?;
        names.extend(theirs.names);
        let others = if is_taken_over { theirs.cursor } else { others };
        names.sort_unstable();
        names.dedup();
        if names.len() > limits::LISTED_OBJECTS {
            return Err(TransportError::Forged(format!("{} objects in one box", names.len())));
        }
        Ok(Listing { names, cursor: joined(&own, &others) })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let error = match self.own.get(name) {
            Ok(object) => return Ok(object),
            Err(error) => error,
        };
        self.met().map_or(Err(error), |others| others.get(name))
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        let name = self.own.put(object)?;
        // Who does not get it now fetches it here.
        let is_given = self.met().is_none_or(|others| others.put(object).is_ok());
        self.is_met &= is_given;
        Ok(name)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        let began = Instant::now();
        let (own, others) = split(cursor);
        loop {
            let left = limit.saturating_sub(began.elapsed());
            let turn = if self.others.is_some() { left.min(limits::KEPT_TURN) } else { left };
            self.own.wait(&own, turn)?;
            let is_changed = self.own.list(&own)?.cursor != own;
            let came = self.theirs(&others).is_some_and(|theirs| !theirs.names.is_empty());
            if is_changed || came || began.elapsed() >= limit {
                return Ok(());
            }
        }
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        self.own.remove(name)?;
        if let Some(others) = self.met() {
            match others.remove(name) {
                Ok(()) | Err(TransportError::Unreachable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn split(cursor: &Cursor) -> (Cursor, Cursor) {
    let parts = || {
        let (length, rest) = cursor.0.strip_prefix(MARK)?.split_first_chunk()?;
        let (own, others) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        Some((Cursor(own.to_vec()), Cursor(others.to_vec())))
    };
    parts().unwrap_or_default()
}

fn joined(own: &Cursor, others: &Cursor) -> Cursor {
    // Those of our own folder have 32 bytes at most.
    let length = u16::try_from(own.0.len()).unwrap_or_default();
    Cursor([MARK, length.to_be_bytes().as_slice(), &own.0, &others.0].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;
    use std::thread;

    use counterseal_core::secret::SecretBytes;

    use super::super::{Class, LanListener};
    use super::*;
    use crate::transport::ObjectBox;
    use crate::transport::tests::keeps_the_contract;

    fn target() -> ObjectBox {
        ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test")
    }

    /// A device with a box, that listens.
    fn device(folder: &Path) -> (KeptBox, LanListener) {
        let kept = KeptBox::open(folder, &target()).unwrap();
        let listener = LanListener::fixed(&target(), Class::Account, "127.0.0.1:0", kept.clone()).unwrap();
        (kept, listener)
    }

    fn to(listener: &LanListener) -> LanTransport {
        LanTransport::fixed(&target(), Class::Account, &listener.address().to_string())
    }

    #[test]
    fn it_keeps_the_contract_of_transports() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (here, there) = (device(folders[0].path()), device(folders[1].path()));
        let mut one = Together::new(&here.0, Some(to(&there.1)));
        let mut other = Together::new(&there.0, Some(to(&here.1)));
        keeps_the_contract(&mut one, &mut other);
        keeps_the_contract_alone();
    }

    fn keeps_the_contract_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, _listener) = device(folder.path());
        keeps_the_contract(&mut Together::new(&kept, None), &mut Together::new(&kept, None));
    }

    #[test]
    fn what_came_from_one_is_there_for_the_next_when_that_one_has_gone() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (here, there) = (device(folders[0].path()), device(folders[1].path()));
        let name = Together::new(&here.0, None).put(b"object").unwrap();
        let mut way = Together::new(&there.0, Some(to(&here.1)));
        assert_eq!(way.list(&Cursor::default()).unwrap().names, [name]);
        drop(here);
        assert_eq!(to(&there.1).get(&name).unwrap(), b"object");
        let listing = way.list(&Cursor::default()).unwrap();
        assert_eq!(listing.names, [name]);
        assert!(way.list(&listing.cursor).unwrap().names.is_empty());
    }

    #[test]
    fn waiting_ends_when_somebody_leaves_something_here() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, listener) = device(folder.path());
        let mut way = Together::new(&kept, None);
        let cursor = way.list(&Cursor::default()).unwrap().cursor;
        let mut visitor = to(&listener);
        let putting = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            visitor.put(b"left").unwrap()
        });
        let began = Instant::now();
        way.wait(&cursor, Duration::from_secs(60)).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(way.list(&cursor).unwrap().names, [putting.join().unwrap()]);
    }

    #[test]
    fn a_cursor_of_another_making_starts_anew() {
        for bytes in [&b""[..], b"KSB1", b"KSB1\0", b"KSB1\0\x05ab", &[0; 40]] {
            assert_eq!(split(&Cursor(bytes.to_vec())), Default::default());
        }
        let (own, others) = (Cursor(vec![1; 32]), Cursor(vec![2; 7]));
        assert_eq!(split(&joined(&own, &others)), (own, others));
    }
}
