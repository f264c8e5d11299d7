//! Waiting until something may have come to any place.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_keysync::sync::{Meeting, Ways};

use crate::lookup;
use crate::sync_places::{ConfiguredWays, Places};

/// A round takes place after so long, whatever the places say.
const LONGEST: Duration = Duration::from_secs(120);
/// And not before so long, whatever they say.
const SHORTEST: Duration = Duration::from_secs(2);

/// The places that somebody waits at.
pub(super) struct Watch {
    waiting: BTreeSet<String>,
    sender: Sender<String>,
    receiver: Receiver<String>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { waiting: BTreeSet::new(), sender, receiver }
    }

    /// Returns when something may have come to one of the places, or after a while.
    pub(super) fn wait(&mut self, places: &Places, meeting: Option<Meeting>) {
        let begin = Instant::now();
        if let Some(meeting) = meeting {
            let ways = ConfiguredWays::new(places.clone(), lookup::is_forbidden());
            for place in ways.places() {
                self.wait_at(place, places, &meeting);
            }
        }
        if let Ok(place) = self.receiver.recv_timeout(LONGEST) {
            self.waiting.remove(&place);
        }
        while let Ok(place) = self.receiver.try_recv() {
            self.waiting.remove(&place);
        }
        thread::sleep(SHORTEST.saturating_sub(begin.elapsed()));
    }

    /// A thread for each place, and none where one waits there already.
    fn wait_at(&mut self, place: String, places: &Places, meeting: &Meeting) {
        if !self.waiting.insert(place.clone()) {
            return;
        }
        let cursor = meeting.cursors.get(&place).cloned().unwrap_or_default();
        let (sender, object_box) = (self.sender.clone(), meeting.object_box.clone());
        let mut ways = ConfiguredWays::new(places.clone(), lookup::is_forbidden());
        thread::spawn(move || {
            let waited =
                ways.open(&place, &object_box).and_then(|mut transport| transport.wait(&cursor, LONGEST));
            if waited.is_err() {
                // A place that is not there comes back no sooner for being asked at once.
                thread::sleep(LONGEST);
            }
            // Nobody listens any more when the program ends.
            let _ = sender.send(place);
        });
    }
}
