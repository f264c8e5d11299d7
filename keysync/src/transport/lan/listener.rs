//! The device that has the boxes: listens while it is needed, and works for those who hold one of them too.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::memory::MemoryBox;
use super::super::{Cursor, ObjectBox, Transport, TransportError};
use super::Class;
use super::discovery::Announcement;
use super::locality::Locality;
use super::name::Instance;
use super::session::{Keys, Session, random};
use super::strangers::Strangers;
use super::wire::{Answer, Request};
use crate::limits;

/// What a listener offers: a way to the box for each device that comes.
pub trait Serve: Send + Sync + 'static {
    /// A way of its own; devices are served beside each other.
    fn open(&self) -> Box<dyn Transport>;
}

impl Serve for MemoryBox {
    fn open(&self) -> Box<dyn Transport> {
        Box::new(self.transport())
    }
}

/// Listens until it is dropped.
pub struct LanListener {
    address: SocketAddr,
    announces: bool,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    class: Class,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    offered: Vec<Offered>,
    next: u64,
    connections: BTreeMap<u64, TcpStream>,
    strangers: Strangers,
    served: Locality,
}

/// One box at the port of the listener.
struct Offered {
    target: ObjectBox,
    keys: Keys,
    serve: Arc<dyn Serve>,
    /// Under which name, where it can be found.
    announced: Option<(Instance, Announcement)>,
}

impl LanListener {
    /// Listens on a free port of every interface, and lets holders of the box find it by multicast DNS.
    ///
    /// # Errors
    /// [`TransportError::Io`] where the system has no network.
    pub fn announced(target: &ObjectBox, class: Class, serve: impl Serve) -> Result<Self, TransportError> {
        // One socket for both versions of IP, where there are both.
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))
            .map_err(|error| failed(&error))?;
        let started = Self::start(class, listener, true)?;
        started.offer(target, serve)?;
        Ok(started)
    }

    /// Listens at `HOST:PORT` and tells nobody.
    ///
    /// # Errors
    /// [`TransportError::Io`] where the system cannot listen there.
    pub fn fixed(
        target: &ObjectBox,
        class: Class,
        address: &str,
        serve: impl Serve,
    ) -> Result<Self, TransportError> {
        let listener = TcpListener::bind(address).map_err(|error| failed(&error))?;
        let started = Self::start(class, listener, false)?;
        started.offer(target, serve)?;
        Ok(started)
    }

    fn start(class: Class, listener: TcpListener, announces: bool) -> Result<Self, TransportError> {
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        listener.set_nonblocking(true).map_err(|error| failed(&error))?;
        let shared = Arc::new(Shared { class, state: Mutex::default() });
        let accepting = {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("lan".into())
                .spawn(move || accept(&listener, &shared))
                .map_err(|error| failed(&error))?
        };
        Ok(Self { address, announces, shared, accepting: Some(accepting) })
    }

    /// Offers one more box at the same port. One that is offered already is offered as it was.
    ///
    /// # Errors
    /// [`TransportError::Io`] where it cannot be announced.
    pub fn offer(&self, target: &ObjectBox, serve: impl Serve) -> Result<(), TransportError> {
        if self.shared.state().offered.iter().any(|offered| offered.target.id() == target.id()) {
            return Ok(());
        }
        let announced = if self.announces {
            let instance = Instance::new(target, random()?);
            Some((instance, Announcement::start(&instance, self.address.port())?))
        } else {
            None
        };
        let (keys, serve): (_, Arc<dyn Serve>) = (Keys::of(target), Arc::new(serve));
        self.shared.state().offered.push(Offered { target: target.clone(), keys, serve, announced });
        Ok(())
    }

    /// Offers no other boxes than these any more. Who works on one goes on until its connection ends.
    pub fn keep_only(&self, targets: &[ObjectBox]) {
        let is_kept = |offered: &mut Offered| targets.iter().any(|target| target.id() == offered.target.id());
        let gone: Vec<Offered> =
            self.shared.state().offered.extract_if(.., |offered| !is_kept(offered)).collect();
        // Taking a name back takes a moment, in which nobody waits for the others.
        drop(gone);
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The name under which it offers a box, by which a device passes itself over.
    #[must_use]
    pub fn own_name(&self, target: &ObjectBox) -> Option<OwnName> {
        let state = self.shared.state();
        let offered = state.offered.iter().find(|offered| offered.target.id() == target.id())?;
        offered.announced.as_ref().map(|(instance, _)| OwnName(*instance))
    }

    /// Whether everybody who was served is on the local network, by their addresses; and somebody was.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.shared.state().served.is_local()
    }
}

/// A listener's name, as others find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnName(pub(super) Instance);

/// Nobody is served any more when this has ended.
impl Drop for LanListener {
    fn drop(&mut self) {
        self.keep_only(&[]);
        let mut state = self.shared.state();
        state.stopped = true;
        for connection in state.connections.values() {
            // It may have ended already.
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    /// A thread that panicked left no half-made change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in, unless there are too many, or its address failed too often.
    fn admit(&self, stream: &TcpStream, from: IpAddr) -> Option<u64> {
        let mut state = self.state();
        if state.stopped
            || state.strangers.refuse(from, Instant::now())
            || state.connections.len() >= limits::LAN_CONNECTIONS
        {
            return None;
        }
        let number = state.next;
        state.next = state.next.saturating_add(1);
        state.connections.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    fn serve(&self, stream: TcpStream, from: IpAddr) {
        let (keys, ways): (Vec<Keys>, Vec<Arc<dyn Serve>>) = {
            let state = self.state();
            state.offered.iter().map(|offered| (offered.keys.clone(), Arc::clone(&offered.serve))).unzip()
        };
        match Session::answer_for(stream, &keys, self.class.frame_bytes()) {
            Ok((number, mut session)) => {
                let Some(mut way) = ways.get(number).map(|serve| serve.open()) else { return };
                self.state().served.count(from);
                // However it ends, the other side sees it.
                let _ = session.serve(|request| answer(way.as_mut(), request));
            }
            Err(_) => self.state().strangers.failed(from, Instant::now()),
        }
    }
}

/// Strays end nothing: each costs one thread for the time of a handshake.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.state().stopped {
        let mut events = [PollFd::new(listener, PollFlags::IN)];
        // A signal, or nobody: look whether to stop.
        let _ = poll(&mut events, Some(&STOP_WITHIN));
        let Ok((stream, from)) = listener.accept() else { continue };
        let from = from.ip().to_canonical();
        let Some(number) = shared.admit(&stream, from) else { continue };
        let served = Arc::clone(shared);
        let begun = thread::Builder::new().name("lan".into()).spawn(move || {
            served.serve(stream, from);
            served.state().connections.remove(&number);
        });
        if begun.is_err() {
            shared.state().connections.remove(&number);
        }
    }
}

const STOP_WITHIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Does on the box what another device asks for.
fn answer(way: &mut dyn Transport, request: Request) -> Answer {
    match request {
        Request::List(cursor) => way.list(&cursor).map_or_else(Answer::refusal, Answer::Listed),
        Request::Get(name) => way.get(&name).map_or_else(Answer::refusal, Answer::Object),
        Request::Put(object) => way.put(&object).map_or_else(Answer::refusal, |_| Answer::Done),
        Request::Remove(name) => way.remove(&name).map_or_else(Answer::refusal, |()| Answer::Done),
        Request::Wait(time, cursor) => waited(way, time.min(limits::LAN_TURN), &cursor),
    }
}

fn waited(way: &mut dyn Transport, time: Duration, cursor: &Cursor) -> Answer {
    match way.wait(cursor, time).and_then(|()| way.list(cursor)) {
        Ok(listing) if listing.names.is_empty() => Answer::NothingCame,
        Ok(_) => Answer::Came,
        Err(error) => Answer::refusal(error),
    }
}

fn failed(error: &io::Error) -> TransportError {
    TransportError::Io(format!("cannot listen: {error}"))
}
