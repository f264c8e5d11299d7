//! The process that holds the store.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::ports::KeyError;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::SecretKey;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use super::limits::{Clock, Limits, Rates};
use super::protocol::{self, Operation, Request, Response, State};
use super::socket::{self, Bound};
use crate::store::{Store, StoreError};

/// Connections at once; who comes then has to do without an agent.
const CONNECTIONS: usize = 64;
/// How long a connection may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether the time is over.
const TICK: Duration = Duration::from_secs(5);

/// What the history has waiting is taken into it.
pub(crate) type Seal = fn(&mut Store) -> Result<(), StoreError>;

/// Serves until it is told to lock, or the time is over. The store must be unlocked.
///
/// # Errors
/// Whatever the system says of the socket.
pub(crate) fn serve(store: Store, bound: &Bound, limits: Limits, seal: Seal) -> io::Result<()> {
    let now = Instant::now();
    let id = *store.id();
    let holder = Holder {
        store,
        seal,
        opened: BTreeMap::new(),
        rates: Rates::default(),
        clock: Clock::start(limits, now),
        operations: 0,
    };
    let served = Arc::new(Served { holder: Mutex::new(Some(holder)), id, connections: AtomicUsize::new(0) });
    bound.listener.set_nonblocking(true)?;
    loop {
        let left = served.left();
        if left.is_zero() {
            served.forget();
            return Ok(());
        }
        let tick = left.min(TICK);
        let wait = Timespec {
            tv_sec: i64::try_from(tick.as_secs()).unwrap_or(1),
            tv_nsec: tick.subsec_nanos().into(),
        };
        let mut waiting = [PollFd::new(&bound.listener, PollFlags::IN)];
        match poll(&mut waiting, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let Ok((stream, _)) = bound.listener.accept() else { continue };
        if socket::is_own(&stream) {
            connection(&served, stream);
        }
    }
}

/// What all connections share.
struct Served {
    /// Nothing once it was forgotten.
    holder: Mutex<Option<Holder>>,
    id: [u8; 16],
    connections: AtomicUsize,
}

impl Served {
    fn left(&self) -> Duration {
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        holder.as_ref().map_or(Duration::ZERO, |holder| holder.clock.left(Instant::now()))
    }

    fn forget(&self) {
        drop(self.holder.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn answer(&self, message: &[u8]) -> Response {
        let Some((store, request)) = Request::decode(message) else { return Response::NotForMe };
        if store != self.id {
            return Response::NotForMe;
        }
        if request == Request::Lock {
            self.forget();
            return Response::Done;
        }
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        match holder.as_mut() {
            Some(holder) => holder.answer(&request),
            None => Response::Refused(KeyError::Locked),
        }
    }
}

/// Answers one connection on a thread of its own: who says nothing keeps nobody else waiting.
fn connection(served: &Arc<Served>, stream: UnixStream) {
    if served.connections.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
        served.connections.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let served = Arc::clone(served);
    thread::spawn(move || {
        // Whoever goes away in the middle takes nothing along.
        let _ = converse(&served, stream);
        served.connections.fetch_sub(1, Ordering::SeqCst);
    });
}

fn converse(served: &Served, mut stream: UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    while let Some(message) = protocol::receive(&mut stream)? {
        let response = served.answer(&message);
        protocol::send(&mut stream, &response.encode())?;
    }
    Ok(())
}

/// The store, and the keys of it that were used.
struct Holder {
    store: Store,
    seal: Seal,
    opened: BTreeMap<[u8; 32], SecretKey>,
    rates: Rates,
    clock: Clock,
    operations: u64,
}

impl Holder {
    fn answer(&mut self, request: &Request) -> Response {
        let now = Instant::now();
        match request {
            Request::State => Response::State(State {
                process: std::process::id(),
                seconds: self.clock.left(now).as_secs(),
                operations: self.operations,
            }),
            Request::Lock => Response::Done,
            Request::Seal => match (self.seal)(&mut self.store) {
                Ok(()) => Response::Done,
                Err(_) => Response::Refused(KeyError::Failed),
            },
            Request::Use { key, operation } => {
                if !self.rates.allow(*key, now) {
                    return Response::TooOften;
                }
                self.clock.touch(now);
                self.operations = self.operations.saturating_add(1);
                match self.operate(key, operation) {
                    Ok(values) => Response::Result(values),
                    Err(error) => Response::Refused(error),
                }
            }
        }
    }

    fn operate(&mut self, key: &[u8; 32], operation: &Operation) -> Result<Vec<protocol::Octets>, KeyError> {
        let key = self.open(key)?;
        let octets = |secret: &SecretBytes| Zeroizing::new(secret.expose().to_vec());
        match operation {
            Operation::DecryptRsaPkcs1 { ciphertext, length } => {
                let length = usize::try_from(*length).map_err(|_| KeyError::Unsuitable)?;
                let transported = key.decrypt_rsa_pkcs1(ciphertext, length)?;
                Ok(vec![octets(&transported.secret), octets(&transported.rejection)])
            }
            Operation::DecryptRsaOaep { parameters, ciphertext } => {
                key.decrypt_rsa_oaep(&parameters.parameters(), ciphertext).map(|secret| vec![octets(&secret)])
            }
            Operation::Agree { peer } => key.agree(peer).map(|secret| vec![octets(&secret)]),
            Operation::Decapsulate { ciphertext } => {
                key.decapsulate(ciphertext).map(|secret| vec![octets(&secret)])
            }
            Operation::Sign { algorithm, message } => {
                key.sign(*algorithm, message).map(|signature| vec![Zeroizing::new(signature)])
            }
        }
    }

    fn open(&mut self, key: &[u8; 32]) -> Result<SecretKey, KeyError> {
        if let Some(opened) = self.opened.get(key) {
            return Ok(opened.clone());
        }
        // The table is looked at each time: keys may have been made since.
        let stored = self.store.secret_keys().map_err(|_| KeyError::Failed)?;
        let stored =
            stored.iter().find(|stored| stored.fingerprint.sha256() == key).ok_or(KeyError::Absent)?;
        let pkcs8 = self.store.open_secret_key(stored).map_err(|_| KeyError::Locked)?;
        let opened = SecretKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| KeyError::Failed)?;
        self.opened.insert(*key, opened.clone());
        Ok(opened)
    }
}
