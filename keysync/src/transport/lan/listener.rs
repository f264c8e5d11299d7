//! The device that has the box: listens while it is needed, and works for those who hold the box too.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::memory::MemoryBox;
use super::super::{Cursor, ObjectBox, Transport, TransportError};
use super::Class;
use super::discovery::Announcement;
use super::name::Instance;
use super::session::{Keys, Session, Side, random};
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
    announcement: Option<Announcement>,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    keys: Keys,
    class: Class,
    serve: Box<dyn Serve>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    next: u64,
    connections: BTreeMap<u64, TcpStream>,
    /// How often devices from an address did not prove that they hold the box.
    failures: BTreeMap<IpAddr, u32>,
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
        let mut started = Self::start(target, class, listener, serve)?;
        let instance = Instance::new(target, random()?);
        started.announcement = Some(Announcement::start(&instance, started.address.port())?);
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
        Self::start(target, class, TcpListener::bind(address).map_err(|error| failed(&error))?, serve)
    }

    fn start(
        target: &ObjectBox,
        class: Class,
        listener: TcpListener,
        serve: impl Serve,
    ) -> Result<Self, TransportError> {
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        listener.set_nonblocking(true).map_err(|error| failed(&error))?;
        let keys = Keys::of(target);
        let shared = Arc::new(Shared { keys, class, serve: Box::new(serve), state: Mutex::default() });
        let accepting = {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("lan".into())
                .spawn(move || accept(&listener, &shared))
                .map_err(|error| failed(&error))?
        };
        Ok(Self { address, announcement: None, shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Nobody is served any more when this has ended.
impl Drop for LanListener {
    fn drop(&mut self) {
        self.announcement = None;
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
        let failures = state.failures.get(&from).copied().unwrap_or_default();
        let crowded = state.failures.len() >= limits::LAN_STRANGERS && failures == 0;
        if state.stopped
            || crowded
            || failures >= limits::LAN_FAILURES
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
        match Session::begin(stream, &self.keys, Side::Answers, self.class.frame_bytes()) {
            Ok(mut session) => {
                let mut way = self.serve.open();
                // However it ends, the other side sees it.
                let _ = session.serve(|request| answer(way.as_mut(), request));
            }
            Err(_) => {
                let mut state = self.state();
                let failures = state.failures.entry(from).or_default();
                *failures = failures.saturating_add(1);
            }
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
