//! A box in memory: what a listener on the local network offers, and what stands between machines in tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Cursor, Listing, ObjectName, Transport, TransportError};
use crate::limits;

/// What arrives in place of an object that was put: nothing, it twice, others.
type Meddler = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>> + Send>;

/// A box that lives as long as somebody holds it. Clones are the same box.
#[derive(Clone)]
pub struct MemoryBox {
    shared: Arc<Shared>,
    object_bytes: usize,
    objects: u64,
}

struct Shared {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    /// Name and bytes, by the order in which they came.
    objects: BTreeMap<u64, (ObjectName, Vec<u8>)>,
    next: u64,
    cut: bool,
    full: bool,
    meddler: Option<Meddler>,
}

impl MemoryBox {
    /// A box for objects of an account.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(limits::LISTED_OBJECTS as u64, limits::OBJECT_BYTES)
    }

    /// A box for one pairing: few objects, none large.
    #[must_use]
    pub fn for_pairing() -> Self {
        Self::with_limits(limits::PAIRING_OBJECTS, limits::PAIRING_OBJECT_BYTES)
    }

    /// A box for this many objects of this many bytes each.
    #[must_use]
    pub fn with_limits(objects: u64, object_bytes: usize) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), came: Condvar::new() });
        Self { shared, object_bytes, objects }
    }

    /// A way to it.
    #[must_use]
    pub fn transport(&self) -> MemoryTransport {
        MemoryTransport { target: self.clone() }
    }

    /// Every object that is there, in the order in which they came.
    #[must_use]
    pub fn objects(&self) -> Vec<Vec<u8>> {
        self.state().objects.values().map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Lets somebody between: what `meddler` makes of each object that is put is there instead. An empty answer
    /// loses it, two repeat it, another one replaces it; whoever put it is told that all went well.
    pub fn let_between(&self, meddler: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) {
        self.state().meddler = Some(Box::new(meddler));
    }

    /// Cuts every way to the box, or joins them again.
    pub fn cut(&self, cut: bool) {
        self.state().cut = cut;
        self.shared.came.notify_all();
    }

    /// Lets the box be full, or have room again.
    pub fn fill(&self, full: bool) {
        self.state().full = full;
    }

    /// Files `bytes` under a name that is perhaps not theirs.
    pub fn forge(&self, name: ObjectName, bytes: Vec<u8>) {
        self.state().append(name, bytes);
        self.shared.came.notify_all();
    }

    /// A thread that panicked left no half-made change: every change is one insertion or removal.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self) -> Result<MutexGuard<'_, State>, TransportError> {
        let state = self.state();
        if state.cut { Err(TransportError::Unreachable("the way is cut".into())) } else { Ok(state) }
    }
}

impl Default for MemoryBox {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn append(&mut self, name: ObjectName, bytes: Vec<u8>) {
        self.objects.insert(self.next, (name, bytes));
        self.next = self.next.saturating_add(1);
    }

    fn holds(&self, name: &ObjectName) -> bool {
        self.objects.values().any(|(found, _)| found == name)
    }
}

/// A way to a [`MemoryBox`].
#[derive(Clone)]
pub struct MemoryTransport {
    target: MemoryBox,
}

impl Transport for MemoryTransport {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let state = self.target.reached()?;
        let names = state.objects.range(place(cursor)..).map(|(_, (name, _))| *name).collect();
        Ok(Listing { names, cursor: Cursor(state.next.to_be_bytes().to_vec()) })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let state = self.target.reached()?;
        let (_, bytes) =
            state.objects.values().find(|(found, _)| found == name).ok_or(TransportError::Absent)?;
        name.check(bytes)?;
        Ok(bytes.clone())
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        super::fits(object.len() as u64, self.target.object_bytes)?;
        let name = ObjectName::of(object);
        let mut state = self.target.reached()?;
        let held = state.holds(&name);
        let arrives = match &mut state.meddler {
            Some(meddler) => meddler(object),
            None if held => Vec::new(),
            None => vec![object.to_vec()],
        };
        if !arrives.is_empty() && (state.full || state.objects.len() as u64 >= self.target.objects) {
            return Err(TransportError::Quota);
        }
        for bytes in arrives {
            state.append(ObjectName::of(&bytes), bytes);
        }
        self.target.shared.came.notify_all();
        Ok(name)
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        let until = Instant::now().checked_add(limit);
        let mut state = self.target.reached()?;
        while state.next <= place(cursor) {
            let left = until.map_or(limit, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            state =
                self.target.shared.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            if state.cut {
                return Err(TransportError::Unreachable("the way was cut".into()));
            }
        }
        Ok(())
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        self.target.reached()?.objects.retain(|_, (found, _)| found != name);
        Ok(())
    }
}

/// A cursor of another making starts anew.
fn place(cursor: &Cursor) -> u64 {
    <[u8; 8]>::try_from(cursor.0.as_slice()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;

    use super::*;
    use crate::transport::tests::keeps_the_contract;

    #[test]
    fn it_keeps_the_contract_of_transports() {
        let target = MemoryBox::new();
        keeps_the_contract(&mut target.transport(), &mut target.transport());
    }

    #[test]
    fn who_stands_between_loses_repeats_and_replaces_unnoticed() {
        let target = MemoryBox::new();
        let mut way = target.transport();
        target.let_between(|_| Vec::new());
        way.put(b"lost").unwrap();
        target.let_between(|object| vec![object.to_vec(), object.to_vec()]);
        way.put(b"twice").unwrap();
        target.let_between(|object| vec![[object, b"!"].concat()]);
        let name = way.put(b"other").unwrap();
        assert_eq!(target.objects(), [b"twice".to_vec(), b"twice".to_vec(), b"other!".to_vec()]);
        assert_eq!(way.get(&name), Err(TransportError::Absent));
        let listed = way.list(&Cursor::default()).unwrap().names;
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[0], listed[1]);
    }

    #[test]
    fn what_has_not_its_name_is_forged() {
        let target = MemoryBox::new();
        target.forge(ObjectName::of(b"right"), b"wrong".to_vec());
        assert!(matches!(target.transport().get(&ObjectName::of(b"right")), Err(TransportError::Forged(_))));
    }

    #[test]
    fn a_cut_way_a_full_box_and_a_large_object_are_told_apart() {
        let target = MemoryBox::with_limits(1, 4);
        let mut way = target.transport();
        assert_eq!(way.put(b"large"), Err(TransportError::TooLarge { bytes: 5, limit: 4 }));
        way.put(b"one").unwrap();
        assert_eq!(way.put(b"two"), Err(TransportError::Quota));
        way.put(b"one").unwrap();
        target.cut(true);
        assert!(matches!(way.put(b"one"), Err(TransportError::Unreachable(_))));
        assert!(matches!(way.list(&Cursor::default()), Err(TransportError::Unreachable(_))));
        target.cut(false);
        assert_eq!(way.list(&Cursor::default()).unwrap().names.len(), 1);
    }

    #[test]
    fn waiting_ends_when_something_comes() {
        let target = MemoryBox::new();
        let mut way = target.transport();
        let cursor = way.list(&Cursor::default()).unwrap().cursor;
        let mut other = target.transport();
        let putting = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            other.put(b"late").unwrap();
        });
        let began = Instant::now();
        way.wait(&cursor, Duration::from_secs(60)).unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!(way.list(&cursor).unwrap().names, [ObjectName::of(b"late")]);
        putting.join().unwrap();
    }
}
