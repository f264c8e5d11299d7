//! Octets to and from a server, with an end to all waiting.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use super::reply::{LINE_BYTES, Lines, Reply};
use super::trouble::Trouble;
use super::{Patience, tls};
use crate::account::{Account, Host};
use crate::socks::{self, ProxyError};

/// How long one address of a server may take to connect.
const CONNECT: Duration = Duration::from_secs(30);
const PIECE: usize = 16 << 10;

type TlsStream = StreamOwned<ClientConnection, TcpStream>;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
    Local(UnixStream),
}

/// A connection, and what was read from it and not yet looked at.
pub(super) struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
    patience: Patience,
}

impl Connection {
    /// Connects to the host of an account, through its proxy where it has one.
    pub(super) fn open(account: &Account, host: &Host, patience: Patience) -> Result<Self, Trouble> {
        let stream = match account.way.proxy() {
            None => connect(host, patience)?,
            Some(proxy) => socks::open(proxy, host, deadline(patience.answer, patience.until))?,
        };
        // Else the last piece of a message waits for an acknowledgement, 40 ms long.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream: Stream::Plain(stream), buffer: Vec::new(), patience })
    }

    /// Connects to a socket of this machine.
    pub(super) fn local(path: &Path, patience: Patience) -> Result<Self, Trouble> {
        let stream = UnixStream::connect(path)
            .map_err(|error| Trouble::Unreachable(format!("{}: {error}", path.display())))?;
        Ok(Self { stream: Stream::Local(stream), buffer: Vec::new(), patience })
    }

    /// Goes on in TLS. What was read before is thrown away: whoever is in between may have written it.
    pub(super) fn into_tls(self, account: &Account, host: &Host) -> Result<Self, Trouble> {
        let Stream::Plain(stream) = self.stream else {
            return Err(Trouble::Garbage("it begins TLS twice"));
        };
        let until = deadline(self.patience.answer, self.patience.until);
        let stream = tls::handshake(stream, account, host, until)?;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), buffer: Vec::new(), patience: self.patience })
    }

    /// The next answer.
    pub(super) fn reply(&mut self, when: &'static str) -> Result<Reply, Trouble> {
        self.reply_until(when, deadline(self.patience.answer, self.patience.until))
    }

    /// The answer to a whole message. Only it tells whether the message was taken, so the caller's hurry does not count.
    pub(super) fn reply_to_message(&mut self, when: &'static str) -> Result<Reply, Trouble> {
        self.reply_until(when, Instant::now() + self.patience.answer * 2)
    }

    fn reply_until(&mut self, when: &'static str, until: Instant) -> Result<Reply, Trouble> {
        let mut lines = Lines::default();
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if let Some(reply) = lines.take(line).map_err(Trouble::Garbage)? {
                    return Ok(reply);
                }
            }
            if self.buffer.len() > LINE_BYTES {
                return Err(Trouble::Garbage("a line of an answer does not end"));
            }
            self.fill(when, until)?;
        }
    }

    fn fill(&mut self, when: &'static str, until: Instant) -> Result<(), Trouble> {
        let mut piece = [0; PIECE];
        loop {
            self.set_timeout(until, when)?;
            match self.read(&mut piece) {
                Ok(0) => return Err(Trouble::Lost(when)),
                Ok(count) => {
                    self.buffer.extend_from_slice(piece.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(trouble(&error, when)),
            }
        }
    }

    /// Writes a command, with its line end.
    pub(super) fn command(&mut self, line: &[u8], when: &'static str) -> Result<(), Trouble> {
        self.write(line, when, deadline(self.patience.answer, self.patience.until))
    }

    /// Writes a piece of a message.
    pub(super) fn message_piece(&mut self, piece: &[u8], when: &'static str) -> Result<(), Trouble> {
        self.write(piece, when, Instant::now() + self.patience.piece)
    }

    fn write(&mut self, mut bytes: &[u8], when: &'static str, until: Instant) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            self.set_timeout(until, when)?;
            let written = match &mut self.stream {
                Stream::Plain(stream) => stream.write(bytes),
                Stream::Tls(stream) => write_tls(stream, bytes),
                Stream::Local(stream) => stream.write(bytes),
            };
            match written {
                Ok(0) => return Err(Trouble::Lost(when)),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(trouble(&error, when)),
            }
        }
        self.flush(when, until)
    }

    /// Until what TLS still holds back is with the system.
    fn flush(&mut self, when: &'static str, until: Instant) -> Result<(), Trouble> {
        loop {
            self.set_timeout(until, when)?;
            match &mut self.stream {
                Stream::Tls(stream) if stream.conn.wants_write() => match send_tls(stream) {
                    Err(error) if error.kind() != ErrorKind::Interrupted => {
                        return Err(trouble(&error, when));
                    }
                    _ => {}
                },
                _ => return Ok(()),
            }
        }
    }

    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(piece),
            Stream::Tls(stream) => read_tls(stream, piece),
            Stream::Local(stream) => stream.read(piece),
        }
    }

    fn set_timeout(&self, until: Instant, when: &'static str) -> Result<(), Trouble> {
        let left = left(until).ok_or(Trouble::Slow(when))?;
        let set = match &self.stream {
            Stream::Plain(stream) => limit(stream, left),
            Stream::Tls(stream) => limit(&stream.sock, left),
            Stream::Local(stream) => {
                stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)))
            }
        };
        set.map_err(|error| trouble(&error, when))
    }
}

/// One step of reading: [`ErrorKind::Interrupted`] where it was one, and no text has come of it yet. rustls would go on
/// until a record is whole, and whoever sends one octet of it now and then would hold us for ever.
fn read_tls(stream: &mut TlsStream, piece: &mut [u8]) -> io::Result<usize> {
    match stream.conn.reader().read(piece) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        done => return done,
    }
    if stream.conn.wants_write() {
        return send_tls(stream).and(Err(ErrorKind::Interrupted.into()));
    }
    stream.conn.read_tls(&mut stream.sock)?;
    match stream.conn.process_new_packets() {
        Ok(_) => Err(ErrorKind::Interrupted.into()),
        Err(error) => {
            // Tells the server why, if it still listens.
            let _ = stream.conn.write_tls(&mut stream.sock);
            Err(io::Error::new(ErrorKind::InvalidData, error))
        }
    }
}

/// One step of writing, as [`read_tls`].
fn write_tls(stream: &mut TlsStream, bytes: &[u8]) -> io::Result<usize> {
    if stream.conn.wants_write() {
        return send_tls(stream).and(Err(ErrorKind::Interrupted.into()));
    }
    stream.conn.writer().write(bytes)
}

fn send_tls(stream: &mut TlsStream) -> io::Result<()> {
    match stream.conn.write_tls(&mut stream.sock)? {
        0 => Err(ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Until when one answer may take.
fn deadline(answer: Duration, until: Option<Instant>) -> Instant {
    let own = Instant::now() + answer;
    until.map_or(own, |until| until.min(own))
}

/// What is left of a time; nothing where it is over.
pub(super) fn left(until: Instant) -> Option<Duration> {
    until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// Ends all waiting of a socket.
pub(super) fn limit(stream: &TcpStream, left: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))
}

/// What an error of a connection means.
pub(super) fn trouble(error: &io::Error, when: &'static str) -> Trouble {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Trouble::Slow(when),
        // Closed without TLS's own good-bye is closed all the same: an answer ends with its last line, not there.
        _ => Trouble::Lost(when),
    }
}

impl From<ProxyError> for Trouble {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::Slow => Self::Slow("at the proxy"),
            ProxyError::Lost => Self::Lost("at the proxy"),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

fn connect(host: &Host, patience: Patience) -> Result<TcpStream, Trouble> {
    let unreachable = |what: &dyn std::fmt::Display| {
        Trouble::Unreachable(format!("{}:{} cannot be reached: {what}", host.name, host.port))
    };
    let addresses =
        (host.name.as_str(), host.port).to_socket_addrs().map_err(|error| unreachable(&plain(&error)))?;
    let mut last = None;
    // All together have the time of one answer, for whoever forges the DNS may name thousands; and each leaves as much to
    // those behind it as it takes, for the first may be of a network that leads nowhere.
    let until = deadline(patience.answer, patience.until);
    // Whatever the system says that localhost is, nothing goes to another machine in clear, or past the proxy.
    for address in addresses.filter(|address| !host.is_loopback() || address.ip().is_loopback()) {
        let Some(left) = left(until) else { break };
        match TcpStream::connect_timeout(&address, CONNECT.min(left / 2)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| unreachable(&"it took too long"), |error| unreachable(&plain(&error))))
}

/// The system's words without Rust's `(os error 2)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
