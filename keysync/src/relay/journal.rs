//! What a relay says while it runs: that it began, what failed, that it ended. Nothing of boxes, and nothing of visitors
//! unless the administrator asks.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use counterseal_core::time::Time;
use serde_json::{Map, Value};

/// Where the lines go, and how they look.
pub struct Journal {
    out: Mutex<Box<dyn Write + Send>>,
    is_json: bool,
    /// Whether each request is a line.
    pub requests: bool,
    /// Whether such a line has the address of who asked.
    pub addresses: bool,
}

impl Journal {
    /// Lines of text, or objects of JSON.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, is_json: bool) -> Self {
        Self { out: Mutex::new(out), is_json, requests: false, addresses: false }
    }

    /// A journal that nobody reads.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(Box::new(std::io::sink()), false)
    }

    /// Writes one line.
    pub fn say(&self, now: Time, event: &str, fields: &[(&str, Value)]) {
        let line = if self.is_json { json(now, event, fields) } else { text(event, fields) };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Who cannot be told cannot be told that either.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

fn json(now: Time, event: &str, fields: &[(&str, Value)]) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), now.to_rfc3339().into());
    object.insert("event".to_owned(), event.into());
    object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    format!("{}\n", Value::Object(object))
}

/// The journal of the system adds the time.
fn text(event: &str, fields: &[(&str, Value)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("relay: {event}{fields}\n")
}
