//! The boxes of a pairing: what is put into them, and what comes out of them.

use std::thread;
use std::time::{Duration, Instant};

use counterseal_keysync::limits::PAIRING_LISTED_OBJECTS;
use counterseal_keysync::pairing::{BoxId, Input, Purpose};
use counterseal_keysync::transport::{Cursor, ObjectName, TransportError};

use super::Crank;
use super::ways::Way;
use crate::failure::Failure;

/// How long one look at the boxes waits for something new.
const LOOK: Duration = Duration::from_millis(200);
/// Seconds after which an object is put again that no way took.
const RETRIES: [u64; 3] = [1, 2, 4];
/// How long whoever listens on the local network stays after the last word, for the other side to fetch it.
const LAST_WORD: Duration = Duration::from_secs(5);

/// One way to one box.
pub(super) struct OpenBox {
    pub(super) place: BoxId,
    pub(super) way: Way,
    cursor: Cursor,
    /// What was put last.
    last: Option<ObjectName>,
    /// Whether all that was listed last could be fetched.
    is_complete: bool,
}

impl OpenBox {
    /// A box that nobody looked into yet.
    pub(super) fn new(place: BoxId, way: Way) -> Self {
        Self { place, way, cursor: Cursor::default(), last: None, is_complete: true }
    }
}

impl<P: Purpose> Crank<'_, P> {
    /// Puts an object by every way; one that works is enough. Where none is reached now, one may be in a moment.
    pub(super) fn put(&mut self, place: BoxId, object: &[u8]) -> Result<(), Failure> {
        self.own.insert(ObjectName::of(object));
        for seconds in RETRIES {
            match self.try_to_put(place, object) {
                Err((_, TransportError::Unreachable(_))) => thread::sleep(Duration::from_secs(seconds)),
                tried => return tried.map_err(|(kind, error)| not_sent(kind, &error)),
            }
        }
        self.try_to_put(place, object).map_err(|(kind, error)| not_sent(kind, &error))
    }

    fn try_to_put(&mut self, place: BoxId, object: &[u8]) -> Result<(), (&'static str, TransportError)> {
        let mut last = None;
        let mut is_put = false;
        for open in self.open.iter_mut().filter(|open| open.place == place) {
            match open.way.transport.put(object) {
                Ok(name) => {
                    open.last = Some(name);
                    is_put = true;
                }
                Err(error) => last = Some((open.way.transport.kind(), error)),
            }
        }
        match last {
            Some(failed) if !is_put => Err(failed),
            _ => Ok(()),
        }
    }

    /// Looks into every box; waits a little where nothing is new.
    pub(super) fn look(&mut self) {
        let mut came = false;
        for index in 0..self.open.len() {
            came |= self.look_into(index);
            if self.pairing.state().is_final() {
                return;
            }
        }
        if !came {
            let waited = match self.open.as_mut_slice() {
                [only] if only.is_complete => only.way.transport.wait(&only.cursor, LOOK).is_ok(),
                _ => false,
            };
            if !waited {
                thread::sleep(LOOK);
            }
        }
        self.input(Input::Tick);
    }

    /// Takes in what is new by one way, each object before the next is fetched; whether there was any.
    fn look_into(&mut self, index: usize) -> bool {
        let Some(open) = self.open.get_mut(index) else { return false };
        // A way that does not work now may work later, and another one works perhaps.
        let Ok(listing) = open.way.transport.list(&open.cursor) else { return false };
        let place = open.place;
        if listing.names.len() > PAIRING_LISTED_OBJECTS {
            self.input(Input::Crowded);
            return true;
        }
        let (mut came, mut is_complete) = (false, true);
        for name in listing.names {
            let Some(open) = self.open.get_mut(index) else { break };
            if self.pairing.state().is_final() {
                return came;
            }
            if self.fetched.contains(&name) || self.own.contains(&name) {
                continue;
            }
            let input = match open.way.transport.get(&name) {
                Ok(bytes) => {
                    self.fetched.insert(name);
                    came = true;
                    Input::Object { place, bytes }
                }
                Err(error) => {
                    is_complete &= error == TransportError::Absent;
                    Input::Tick
                }
            };
            self.input(input);
        }
        if let Some(open) = self.open.get_mut(index) {
            open.is_complete = is_complete;
            if is_complete {
                open.cursor = listing.cursor;
            }
        }
        came
    }

    /// What was fetched from a box served its purpose, and is removed; what we put is the other side's to remove. Where
    /// the box is in our own memory, the last word waits there for a moment.
    pub(super) fn close(&mut self, place: BoxId) {
        let is_end = self.pairing.state().is_final();
        for open in self.open.iter_mut().filter(|open| open.place == place) {
            self.fetched.iter().for_each(|name| drop(open.way.transport.remove(name)));
            let until = Instant::now() + LAST_WORD;
            while is_end && open.way.is_ours() && Instant::now() < until {
                let left = open.way.transport.list(&Cursor::default()).map(|listing| listing.names);
                match (left, open.last) {
                    (Ok(names), Some(last)) if names.contains(&last) => thread::sleep(LOOK),
                    _ => break,
                }
            }
        }
        self.open.retain(|open| open.place != place);
    }
}

fn not_sent(kind: &str, error: &TransportError) -> Failure {
    Failure::unknown("not-reached", format!("the other side is not reached by {kind}: {error}"))
}
