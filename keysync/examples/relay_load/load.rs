//! The load: boxes that follow from their numbers, connections that ask at fixed times, and what came of it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use counterseal_core::time::Time;
use counterseal_keysync::relay::Limits;
use counterseal_keysync::relay::protocol::{CapabilityHash, Class, etag, hex};
use counterseal_keysync::relay::store::sqlite::SqliteStore;
use counterseal_keysync::relay::store::{NewBox, Permission, Store};
use counterseal_keysync::transport::ObjectName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

/// Boxes that are made at once.
const GROUP: u64 = 256;
/// Bytes of most objects: a beacon, an entry of the log.
const SMALL: usize = 1024;
/// Bytes of each tenth: a key package for seven devices.
const LARGE: usize = 24_000;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the box with this number has of a kind.
fn secret(kind: &str, number: u64) -> [u8; 32] {
    Sha256::digest(format!("load {kind} {number}")).into()
}

fn box_id(number: u64) -> [u8; 16] {
    secret("id", number).first_chunk::<16>().copied().unwrap_or_default()
}

fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Time::from_unix_seconds(i64::try_from(seconds).unwrap_or(0))
}

/// Makes boxes in a file: how many seconds that took.
pub fn fill(path: &Path, boxes: u64) -> Result<f64, String> {
    let begun = Instant::now();
    let store = SqliteStore::open(path, Limits::default()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        for first in (0..boxes).step_by(GROUP as usize) {
            let group = (first..boxes.min(first + GROUP)).map(|number| {
                let hash = |kind| CapabilityHash::of(&secret(kind, number));
                let hashes = [hash("read"), hash("write"), hash("admin")];
                let new = NewBox { id: box_id(number), hashes, class: Class::Account, epoch: number };
                store.create(new, Permission::Free, now())
            });
            futures::future::try_join_all(group).await.map_err(|error| error.to_string())?;
        }
        store.close().await.map_err(|error| error.to_string())
    })?;
    Ok(begun.elapsed().as_secs_f64())
}

/// What is asked of a relay.
pub struct Load {
    pub address: SocketAddr,
    /// Boxes that [`fill`] made.
    pub boxes: u64,
    /// A second.
    pub polls: u64,
    /// A second.
    pub puts: u64,
    pub seconds: u64,
    pub connections: u64,
    /// The number of the first request of each kind: what another load put already is put no second time.
    pub first: u64,
}

/// What came of it.
#[derive(Default)]
pub struct Report {
    pub polls: Answers,
    pub puts: Answers,
    seconds: f64,
}

/// Answers of one kind.
#[derive(Default)]
pub struct Answers {
    /// Those that were right: 200 and 304, or 200 and 201.
    pub good: u64,
    /// Others, and those that did not come.
    pub bad: u64,
    /// Microseconds from when they were due.
    micros: Vec<u32>,
}

impl Answers {
    fn add(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        self.micros.extend(other.micros);
    }

    fn to_json(&self, seconds: f64) -> String {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let at = |part: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let index = ((sorted.len().saturating_sub(1)) as f64 * part) as usize;
            f64::from(sorted.get(index).copied().unwrap_or(0)) / 1000.0
        };
        #[allow(clippy::cast_precision_loss)]
        let rate = (self.good + self.bad) as f64 / seconds;
        format!(
            "{{\"good\":{},\"bad\":{},\"per_second\":{rate:.1},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"p999_ms\":{:.2},\"max_ms\":{:.2}}}",
            self.good,
            self.bad,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        )
    }
}

impl Report {
    pub fn to_json(&self) -> String {
        let Self { polls, puts, seconds } = self;
        format!(
            "{{\"seconds\":{seconds:.1},\"polls\":{},\"puts\":{}}}",
            polls.to_json(*seconds),
            puts.to_json(*seconds)
        )
    }
}

/// One request of a kind, by its number.
#[derive(Clone, Copy)]
enum Kind {
    Poll,
    Put,
}

impl Load {
    /// Asks for so many seconds.
    pub fn run(&self) -> Result<Report, String> {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let begun = Instant::now();
            let kinds =
                [(Kind::Poll, self.polls, self.connections), (Kind::Put, self.puts, self.connections)];
            let mut tasks = Vec::new();
            for (kind, rate, connections) in kinds {
                for connection in 0..connections.min(rate) {
                    let devices = Devices {
                        kind,
                        address: self.address,
                        boxes: self.boxes,
                        turn: connection,
                        turns: connections.min(rate),
                        rate,
                        begun,
                        requests: rate * self.seconds,
                        first: self.first,
                    };
                    tasks.push((kind, tokio::spawn(devices.run())));
                }
            }
            let mut report = Report::default();
            for (kind, task) in tasks {
                let answers = task.await.map_err(|error| error.to_string())?;
                match kind {
                    Kind::Poll => report.polls.add(answers),
                    Kind::Put => report.puts.add(answers),
                }
            }
            report.seconds = begun.elapsed().as_secs_f64();
            Ok(report)
        })
    }
}

/// Devices that take turns on one connection: requests `turn`, `turn + turns` and so on of all of a kind.
struct Devices {
    kind: Kind,
    address: SocketAddr,
    boxes: u64,
    turn: u64,
    turns: u64,
    rate: u64,
    begun: Instant,
    requests: u64,
    first: u64,
}

impl Devices {
    async fn run(self) -> Answers {
        let mut answers = Answers::default();
        let mut connection = None;
        let mut number = self.turn;
        while number < self.requests {
            #[allow(clippy::cast_precision_loss)]
            let due = self.begun + Duration::from_secs_f64(number as f64 / self.rate as f64);
            sleep_until(due.into()).await;
            let status =
                timeout(PATIENCE, self.ask(&mut connection, self.first + number)).await.ok().flatten();
            let micros = due.elapsed().as_micros();
            match status {
                Some(200 | 201 | 304) => answers.good += 1,
                _ => {
                    answers.bad += 1;
                    connection = None;
                }
            }
            answers.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
            number += self.turns;
        }
        answers
    }

    /// The status of the answer; nothing where there was none.
    async fn ask(&self, connection: &mut Option<TcpStream>, number: u64) -> Option<u16> {
        let stream = match connection {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await.ok()?;
                stream.set_nodelay(true).ok()?;
                connection.insert(stream)
            }
        };
        stream.write_all(&self.request(number)).await.ok()?;
        read_status(stream).await
    }

    fn request(&self, number: u64) -> Vec<u8> {
        // Another box each time, and not one beside the last.
        let target =
            u64::from_be_bytes(*secret("which", number).first_chunk().unwrap_or(&[0; 8])) % self.boxes;
        let id = hex(&box_id(target));
        let mut head = String::new();
        match self.kind {
            Kind::Poll => {
                let cap = hex(&secret("read", target));
                let known = etag(target, 0);
                let _ = write!(
                    head,
                    "GET /v1/box/{id}/head HTTP/1.1\r\nHost: relay\r\nX-Cap: {cap}\r\nIf-None-Match: {known}\r\n\r\n"
                );
                head.into_bytes()
            }
            Kind::Put => {
                let cap = hex(&secret("write", target));
                let size = if number % 10 == 9 { LARGE } else { SMALL };
                let body: Vec<u8> = secret("body", number).into_iter().cycle().take(size).collect();
                let name = ObjectName::of(&body);
                let _ = write!(
                    head,
                    "PUT /v1/box/{id}/o/{name} HTTP/1.1\r\nHost: relay\r\nX-Cap: {cap}\r\nContent-Length: {size}\r\n\r\n"
                );
                [head.into_bytes(), body].concat()
            }
        }
    }
}

/// Reads one answer to its end, and gives its status.
async fn read_status(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = Vec::with_capacity(1024);
    let end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let mut missing = (end + length.unwrap_or(0)).saturating_sub(bytes.len());
    while missing > 0 {
        bytes.clear();
        let read = stream.read_buf(&mut bytes).await.ok()?;
        if read == 0 {
            return None;
        }
        missing = missing.saturating_sub(read);
    }
    Some(status)
}
