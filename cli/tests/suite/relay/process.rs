//! A running relay, and requests as bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::relay::protocol::{Class, Creation, hex};
use counterseal_keysync::transport::{ObjectBox, ObjectName};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long an answer may take: longer than any request waits.
const PATIENCE: Duration = Duration::from_secs(70);

/// A relay; killed with its test.
pub struct Relay {
    pub address: SocketAddr,
    child: Child,
    /// Its journal, line by line.
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Relay {
    /// Starts a relay on a free port of this machine.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::try_to_start(folder, arguments)
            .unwrap_or_else(|said| panic!("the relay does not start: {said}"))
    }

    /// The same, or what it said.
    pub fn try_to_start(folder: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cseal"));
        command.args(["relay", "--json", "--listen", "127.0.0.1:0"]).args(arguments);
        command.env("COUNTERSEAL_HOME", folder).current_dir(folder);
        Self::begin(command)
    }

    /// Begins a relay by this command, or answers with what it said.
    pub fn begin(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut journal = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        journal.read_line(&mut first).unwrap();
        let started: Value = serde_json::from_str(&first).unwrap_or_default();
        let Some(address) = started["listen"].as_str().and_then(|listen| listen.parse().ok()) else {
            let _ = journal.read_to_string(&mut first);
            let _ = child.wait();
            return Err(first);
        };
        let said = Arc::new(Mutex::new(vec![first]));
        let of_thread = Arc::clone(&said);
        let reader = thread::spawn(move || {
            for line in journal.lines().map_while(Result::ok) {
                of_thread.lock().unwrap().push(line);
            }
        });
        Ok(Self { address, child, said, reader: Some(reader) })
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it, and answers with its exit status and its journal.
    pub fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, self.journal())
    }

    pub fn journal(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(self.address, method, path, headers, body)
    }

    pub fn create(&self, object_box: &ObjectBox, class: Class) -> Answer {
        let creation = serde_json::to_vec(&Creation::of(object_box, class)).unwrap();
        self.ask("PUT", &path(object_box, ""), &[], &creation)
    }

    pub fn put(&self, object_box: &ObjectBox, object: &[u8]) -> Answer {
        let write = cap(object_box.write_capability());
        self.ask("PUT", &object_path(object_box, object), &[("X-Cap", &write)], object)
    }

    pub fn get(&self, object_box: &ObjectBox, object: &[u8]) -> Answer {
        let read = cap(object_box.read_capability());
        self.ask("GET", &object_path(object_box, object), &[("X-Cap", &read)], b"")
    }

    pub fn read(&self, object_box: &ObjectBox, rest: &str, etag: &str) -> Answer {
        let read = cap(object_box.read_capability());
        self.ask("GET", &path(object_box, rest), &[("X-Cap", &read), ("If-None-Match", etag)], b"")
    }

    pub fn remove(&self, object_box: &ObjectBox, rest: &str) -> Answer {
        let admin = cap(object_box.admin_capability());
        self.ask("DELETE", &path(object_box, rest), &[("X-Cap", &admin)], b"")
    }

    /// Names of all objects of a box.
    pub fn names(&self, object_box: &ObjectBox) -> Vec<String> {
        let page = self.read(object_box, "/o?after=0", "").json();
        let objects = page["objects"].as_array().unwrap_or_else(|| panic!("{page}"));
        objects.iter().map(|listed| listed["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// An answer: its head without the date, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub fn etag(&self) -> String {
        let line = self.head.lines().find_map(|line| line.strip_prefix("etag: "));
        line.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

/// One request on a connection of its own.
pub fn ask(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "PUT" {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let answered = exchange(to, &[request.as_bytes(), body].concat());
    read_answer(&answered)
        .unwrap_or_else(|| panic!("{method} {path}: {}", String::from_utf8_lossy(&answered)))
}

/// Sends bytes, and reads what comes until the other side closes.
pub fn exchange(to: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A relay that refuses by the head does not read the body.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

pub fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let head = head.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n");
    Some(Answer { status, head, body: bytes[end + 4..].to_vec() })
}

pub fn object_box(name: &str) -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(name.as_bytes()), "suite")
}

pub fn path(object_box: &ObjectBox, rest: &str) -> String {
    format!("/v1/box/{}{rest}", hex(object_box.id()))
}

pub fn object_path(object_box: &ObjectBox, object: &[u8]) -> String {
    path(object_box, &format!("/o/{}", ObjectName::of(object)))
}

pub fn cap(capability: &SecretBytes) -> String {
    hex(capability.expose())
}
