//! Devices on the same network: one listens while it is needed, others find it and work on its box.
//!
//! The listener is found by multicast DNS under a name that only holders of the box recognise ([`name`]), and works
//! for those who prove that they hold it ([`session`]). Whoever else comes is told nothing, and ends nothing.

mod discovery;
mod kept;
mod listener;
mod locality;
mod name;
mod session;
mod strangers;
mod stream;
mod together;
mod wire;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

pub use kept::KeptBox;
pub use listener::{LanListener, OwnName, Serve};
pub use together::Together;
pub use wire::{read_answer_bytes, read_request_bytes};

use super::{Cursor, Listing, ObjectBox, ObjectName, Transport, TransportError};
use crate::limits;
use discovery::Finder;
use locality::Locality;
use name::Instance;
use session::{Keys, Session};
use wire::{Answer, Request};

/// What a box is for, which says how large its objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The few messages of one pairing.
    Pairing,
    /// The objects of an account.
    Account,
}

impl Class {
    const fn object_bytes(self) -> usize {
        match self {
            Self::Pairing => limits::PAIRING_OBJECT_BYTES,
            Self::Account => limits::OBJECT_BYTES,
        }
    }

    /// An object, or a listing, and what stands around it.
    const fn frame_bytes(self) -> usize {
        self.object_bytes() + limits::LAN_FRAME_OVERHEAD
    }
}

/// The way to a box that other devices on this network offer.
pub struct LanTransport {
    keys: Keys,
    class: Class,
    place: Place,
    own: Option<OwnName>,
    peers: BTreeMap<Instance, Session>,
    failures: BTreeMap<Instance, u32>,
    reached: Locality,
}

/// Where the others are.
enum Place {
    /// Wherever they say.
    Found(Finder),
    /// At `HOST:PORT`, for networks that carry no multicast.
    Fixed(String),
}

impl LanTransport {
    /// Looks for the box by multicast DNS, from now on.
    ///
    /// # Errors
    /// [`TransportError::Io`] where the system has no network to ask on.
    pub fn find(target: &ObjectBox, class: Class) -> Result<Self, TransportError> {
        Ok(Self::at(target, class, Place::Found(Finder::start(target)?)))
    }

    /// The box that is offered at `HOST:PORT`.
    #[must_use]
    pub fn fixed(target: &ObjectBox, class: Class, address: &str) -> Self {
        Self::at(target, class, Place::Fixed(address.to_owned()))
    }

    fn at(target: &ObjectBox, class: Class, place: Place) -> Self {
        let keys = Keys::of(target);
        let (peers, failures) = (BTreeMap::new(), BTreeMap::new());
        Self { keys, class, place, own: None, peers, failures, reached: Locality::default() }
    }

    /// Passes over the listener of this device itself.
    #[must_use]
    pub const fn past(mut self, own: Option<OwnName>) -> Self {
        self.own = own;
        self
    }

    /// Connects to every device that is known and not connected, and waits for the first where there is none.
    fn connect(&mut self) -> Result<(), TransportError> {
        let mut last = TransportError::Unreachable("no device of this box was found on this network".into());
        let patience = if self.peers.is_empty() { limits::LAN_SEARCH } else { Duration::ZERO };
        for (instance, addresses) in self.places(patience)? {
            let is_ours = self.own == Some(OwnName(instance));
            if is_ours || self.peers.contains_key(&instance) || self.peers.len() >= limits::LAN_PEERS {
                continue;
            }
            let failures = self.failures.entry(instance).or_default();
            if *failures >= limits::LAN_PEER_FAILURES {
                continue;
            }
            match connect_any(&addresses, &self.keys, self.class) {
                Ok((session, address)) => {
                    self.reached.count(address.ip());
                    self.peers.insert(instance, session);
                }
                Err(error) => {
                    // A fixed address is the person's own word.
                    *failures += u32::from(matches!(self.place, Place::Found(_)));
                    last = error;
                }
            }
        }
        if self.peers.is_empty() { Err(last) } else { Ok(()) }
    }

    fn places(&mut self, patience: Duration) -> Result<Vec<(Instance, Vec<SocketAddr>)>, TransportError> {
        match &mut self.place {
            Place::Found(finder) => Ok(finder.found(patience, self.own)),
            Place::Fixed(address) => {
                let addresses = address
                    .to_socket_addrs()
                    .map_err(|error| TransportError::Unreachable(format!("{address}: {error}")))?;
                Ok(vec![(Instance::FIXED, addresses.take(limits::LAN_ADDRESSES).collect())])
            }
        }
    }

    /// Asks every device; one that does not answer as it must is left, and once more connected to.
    fn ask_all(
        &mut self,
        mut request: impl FnMut(&Instance) -> Request,
        patience: Duration,
    ) -> Result<Vec<(Instance, Answer)>, TransportError> {
        let mut last = TransportError::Unreachable("the device does not answer any more".into());
        for _ in 0..2 {
            self.connect()?;
            let mut answers = Vec::new();
            let mut gone = Vec::new();
            for (instance, session) in &mut self.peers {
                match session.ask(&request(instance), patience) {
                    Ok(answer) => answers.push((*instance, answer)),
                    Err(error) => {
                        gone.push(*instance);
                        if matches!(error, TransportError::TooLarge { .. }) {
                            last = error;
                        }
                    }
                }
            }
            for instance in gone {
                self.peers.remove(&instance);
            }
            if !answers.is_empty() {
                return Ok(answers);
            }
        }
        Err(last)
    }
}

impl Transport for LanTransport {
    fn kind(&self) -> &'static str {
        "lan"
    }

    fn is_local(&self) -> bool {
        self.reached.is_local()
    }

    fn list(&mut self, cursor: &Cursor) -> Result<Listing, TransportError> {
        let mut cursors = wire::read_cursors(cursor);
        let request = |instance: &Instance| Request::List(cursors.get(instance).cloned().unwrap_or_default());
        let answers = self.ask_all(request, limits::LAN_ANSWER)?;
        let mut names = Vec::new();
        let mut refusal = None;
        for (instance, answer) in answers {
            match answer.listing() {
                Ok(listing) => {
                    names.extend(listing.names);
                    cursors.insert(instance, listing.cursor);
                }
                Err(error) => refusal = Some(error),
            }
        }
        match refusal {
            Some(error) if names.is_empty() => return Err(error),
            _ => {}
        }
        names.sort_unstable();
        names.dedup();
        if names.len() > limits::LISTED_OBJECTS {
            return Err(TransportError::Forged(format!("{} objects in one box", names.len())));
        }
        Ok(Listing { names, cursor: wire::write_cursors(&cursors) })
    }

    fn get(&mut self, name: &ObjectName) -> Result<Vec<u8>, TransportError> {
        let mut refusal = TransportError::Absent;
        for (_, answer) in self.ask_all(|_| Request::Get(*name), limits::LAN_ANSWER)? {
            match answer.object(name) {
                Ok(object) => return Ok(object),
                Err(TransportError::Absent) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn put(&mut self, object: &[u8]) -> Result<ObjectName, TransportError> {
        super::fits(object.len() as u64, self.class.object_bytes())?;
        let mut refusal = TransportError::Absent;
        let mut taken = false;
        for (_, answer) in self.ask_all(|_| Request::Put(object.to_vec()), limits::LAN_ANSWER)? {
            match answer.done() {
                Ok(()) => taken = true,
                Err(error) => refusal = error,
            }
        }
        if taken { Ok(ObjectName::of(object)) } else { Err(refusal) }
    }

    fn wait(&mut self, cursor: &Cursor, limit: Duration) -> Result<(), TransportError> {
        let began = Instant::now();
        let cursors = wire::read_cursors(cursor);
        loop {
            let left = limit.saturating_sub(began.elapsed());
            // With several devices each is asked in turn; a new one is noticed between two turns.
            let turn = left.min(limits::LAN_TURN);
            let request =
                |instance: &Instance| Request::Wait(turn, cursors.get(instance).cloned().unwrap_or_default());
            let answers = match self.ask_all(request, turn + limits::LAN_ANSWER) {
                Ok(answers) => answers,
                Err(error) if began.elapsed() >= limit => return Err(error),
                // Where somebody listens later, nobody is asked without a pause until then.
                Err(_) => {
                    std::thread::sleep(limit.saturating_sub(began.elapsed()).min(limits::LAN_PAUSE));
                    continue;
                }
            };
            let came = answers.iter().any(|(_, answer)| matches!(answer, Answer::Came));
            if came || began.elapsed() >= limit {
                return Ok(());
            }
        }
    }

    fn remove(&mut self, name: &ObjectName) -> Result<(), TransportError> {
        for (_, answer) in self.ask_all(|_| Request::Remove(*name), limits::LAN_ANSWER)? {
            answer.done()?;
        }
        Ok(())
    }
}

fn connect_any(
    addresses: &[SocketAddr],
    keys: &Keys,
    class: Class,
) -> Result<(Session, SocketAddr), TransportError> {
    let mut last = TransportError::Unreachable("the device told no address".into());
    for address in addresses {
        let connected = TcpStream::connect_timeout(address, limits::LAN_CONNECT)
            .map_err(|error| TransportError::Unreachable(format!("{address}: {error}")));
        match connected.and_then(|stream| Session::ask_for(stream, keys, class.frame_bytes())) {
            Ok(session) => return Ok((session, *address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
