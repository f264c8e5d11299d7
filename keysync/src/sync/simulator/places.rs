//! Places that do whatever harm they can.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dice::Dice;
use crate::sync::Ways;
use crate::transport::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};

/// What one box at one place has, in the order in which it came.
type Shelf = Vec<(ObjectName, Vec<u8>)>;

/// All boxes of all places.
#[derive(Default)]
pub(in crate::sync) struct Boxes {
    pub(super) shelves: BTreeMap<(String, [u8; 16]), Shelf>,
}

impl Boxes {
    /// How many objects there are.
    pub(in crate::sync) fn objects(&self) -> usize {
        self.shelves.values().map(Vec::len).sum()
    }

    /// Brings what is in each box into another order.
    pub(in crate::sync) fn shuffle(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        self.shelves.values_mut().for_each(|shelf| dice.shuffle(shelf));
    }
}

/// The places, as one device sees them on one occasion.
pub(in crate::sync) struct FakeWays {
    pub(super) boxes: Arc<Mutex<Boxes>>,
    pub(super) dice: Dice,
    /// Which device looks: a place that forks shows each its own view.
    pub(super) reader: usize,
    /// Whether the places behave.
    pub(super) is_fair: bool,
    /// What they did.
    pub(super) deeds: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// Places that behave.
pub(in crate::sync) fn fair_ways(boxes: &Arc<Mutex<Boxes>>) -> FakeWays {
    FakeWays { boxes: Arc::clone(boxes), dice: Dice::new(0), reader: 0, is_fair: true, deeds: Arc::default() }
}

impl Ways for FakeWays {
    fn places(&self) -> Vec<String> {
        vec!["folder".into(), "relay".into()]
    }

    fn open(&mut self, place: &str, object_box: &ObjectBox) -> Result<Box<dyn Transport>, TransportError> {
        if !self.is_fair && self.dice.once_in(5) {
            return Err(TransportError::Unreachable("no way today".into()));
        }
        Ok(Box::new(FakeTransport {
            key: (place.to_owned(), *object_box.id()),
            boxes: Arc::clone(&self.boxes),
            dice: self.dice.fork(),
            reader: self.reader,
            is_fair: self.is_fair,
            deeds: Arc::clone(&self.deeds),
        }))
    }
}

struct FakeTransport {
    key: (String, [u8; 16]),
    boxes: Arc<Mutex<Boxes>>,
    dice: Dice,
    reader: usize,
    is_fair: bool,
    deeds: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl FakeTransport {
    fn does(&mut self, deed: &'static str, chance: u64) -> bool {
        let does = !self.is_fair && self.dice.once_in(chance);
        if does {
            *self.deeds.lock().unwrap().entry(deed).or_default() += 1;
        }
        does
    }
}

impl Transport for FakeTransport {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let boxes = Arc::clone(&self.boxes);
        let boxes = boxes.lock().unwrap();
        let shelf = boxes.shelves.get(&self.key).map(Vec::as_slice).unwrap_or_default();
        if shelf.is_empty() {
            return Err(TransportError::Absent);
        }
        let from = cursor
            .0
            .first_chunk::<8>()
            .map_or(0, |bytes| usize::try_from(u64::from_be_bytes(*bytes)).unwrap());
        let mut names: Vec<ObjectName> = shelf.iter().skip(from).map(|(name, _)| *name).collect();
        // Withheld, and the cursor says that they were shown.
        names.retain(|name| {
            let is_for_others = usize::from(name.as_bytes()[0]) % 5 == self.reader % 5;
            !(is_for_others && self.does("withheld", 2) || self.does("withheld", 12))
        });
        if self.does("repeated", 4) {
            names.extend(names.clone());
        }
        if self.does("invented", 10) {
            names.push(ObjectName::of(b"nothing"));
        }
        if self.does("reordered", 2) {
            self.dice.shuffle(&mut names);
        }
        Ok(Listing { names, cursor: Cursor((shelf.len() as u64).to_be_bytes().to_vec()) })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let object = {
            let boxes = self.boxes.lock().unwrap();
            let shelf = boxes.shelves.get(&self.key).map(Vec::as_slice).unwrap_or_default();
            shelf.iter().find(|(other, _)| other == name).map(|(_, object)| object.clone())
        };
        let mut object = object.ok_or(TransportError::Absent)?;
        if self.does("bent", 15) {
            let place = self.dice.below(object.len() as u64) as usize;
            object[place] ^= 1 << self.dice.below(8);
        }
        if self.does("lost", 15) {
            return Err(TransportError::Absent);
        }
        Ok(object)
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        if self.does("full place", 25) {
            return Err(TransportError::Quota);
        }
        let name = ObjectName::of(object);
        let bent = self.does("planted", 20).then(|| {
            let mut bent = object.to_vec();
            bent[0] ^= 1;
            bent
        });
        let mut boxes = self.boxes.lock().unwrap();
        let shelf = boxes.shelves.entry(self.key.clone()).or_default();
        if !shelf.iter().any(|(other, _)| *other == name) {
            shelf.push((name, object.to_vec()));
        }
        // Under its own name, so that only its seal gives it away.
        shelf.extend(bent.map(|bent| (ObjectName::of(&bent), bent)));
        Ok(name)
    }

    fn wait(&mut self, _: &Cursor, _: Duration) -> Result<(), TransportError> {
        Ok(())
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        if let Some(shelf) = self.boxes.lock().unwrap().shelves.get_mut(&self.key) {
            shelf.retain(|(other, _)| other != name);
        }
        Ok(())
    }
}
