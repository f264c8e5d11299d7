//! A store that notes what it is asked.

use std::sync::{Arc, Mutex};

use counterseal_core::time::Time;

use crate::relay::store::{
    Answer, BoxNumber, BoxState, Claim, Creating, Kept, NewBox, Permission, Putting, Store, Totals,
};
use crate::transport::ObjectName;

pub struct Counting<S> {
    pub store: S,
    pub asked: Arc<Mutex<Vec<&'static str>>>,
}

impl<S> Counting<S> {
    fn note(&self, question: &'static str) -> &S {
        self.asked.lock().unwrap().push(question);
        &self.store
    }
}

impl<S: Store> Store for Counting<S> {
    fn kind(&self) -> &'static str {
        self.store.kind()
    }

    fn find(&self, claim: Claim, now: Time) -> Answer<'_, Option<BoxState>> {
        self.note("find").find(claim, now)
    }

    fn create(&self, new: NewBox, permission: Permission, now: Time) -> Answer<'_, Creating> {
        self.note("create").create(new, permission, now)
    }

    fn note_read(&self, number: BoxNumber, expires: i64) {
        self.note("note_read").note_read(number, expires);
    }

    fn put(&self, number: BoxNumber, name: ObjectName, body: Vec<u8>, now: Time) -> Answer<'_, Putting> {
        self.note("put").put(number, name, body, now)
    }

    fn list(&self, number: BoxNumber, after: u64, most: u64) -> Answer<'_, Vec<Kept>> {
        self.note("list").list(number, after, most)
    }

    fn length(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<u64>> {
        self.note("length").length(number, name)
    }

    fn get(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, Option<Vec<u8>>> {
        self.note("get").get(number, name)
    }

    fn remove(&self, number: BoxNumber, name: ObjectName) -> Answer<'_, ()> {
        self.note("remove").remove(number, name)
    }

    fn remove_box(&self, number: BoxNumber) -> Answer<'_, ()> {
        self.note("remove_box").remove_box(number)
    }

    fn sweep(&self, now: Time) -> Answer<'_, u64> {
        self.store.sweep(now)
    }

    fn totals(&self) -> Totals {
        self.store.totals()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.store.check()
    }

    fn close(&self) -> Answer<'_, ()> {
        self.store.close()
    }
}
