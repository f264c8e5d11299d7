//! A mail server that takes down what it is told, and misbehaves where a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it does in place of the usual.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Usual,
    Say(&'static str),
    /// Says nothing, for so long that nobody waits for it.
    Hang,
    Drop,
}

/// How it does TLS.
#[derive(Clone)]
pub enum Tls {
    No,
    Implicit(Arc<ServerConfig>),
    Start(Arc<ServerConfig>),
}

/// A message that came whole, with its envelope as it was said.
#[derive(Clone, Debug)]
pub struct Received {
    pub mail: String,
    pub recipients: Vec<String>,
    /// As on the wire, with doubled dots and without the final one.
    pub data: Vec<u8>,
}

type Script = Arc<dyn Fn(&str) -> Deed + Send + Sync>;

/// What is asked for its deed: `connect`, each command, and `.` for the end of a message.
#[derive(Clone)]
pub struct Manner {
    pub tls: Tls,
    pub offers: &'static [&'static str],
    pub script: Script,
    pub is_lmtp: bool,
}

impl Manner {
    pub fn usual() -> Self {
        let offers = &["PIPELINING", "8BITMIME"];
        Self { tls: Tls::No, offers, script: Arc::new(|_| Deed::Usual), is_lmtp: false }
    }

    pub fn script(script: impl Fn(&str) -> Deed + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), ..Self::usual() }
    }
}

#[derive(Clone, Default)]
pub struct Notes {
    received: Arc<Mutex<Vec<Received>>>,
    said: Arc<Mutex<Vec<String>>>,
}

/// The server. It ends with the test's process.
pub struct Sink {
    pub port: u16,
    notes: Notes,
}

impl Sink {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let notes = Notes::default();
        let sink = Self { port, notes: notes.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, notes) = (manner.clone(), notes.clone());
                thread::spawn(move || serve(stream, &manner, &notes));
            }
        });
        sink
    }

    /// At a socket of this machine.
    pub fn at(path: &Path, manner: Manner) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let notes = Notes::default();
        let sink = Self { port: 0, notes: notes.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = Talk { stream, manner: &manner, notes: &notes }.go();
            }
        });
        sink
    }

    pub fn received(&self) -> Vec<Received> {
        self.notes.received.lock().unwrap().clone()
    }

    /// Every line that was said to it but those of messages.
    pub fn said(&self) -> Vec<String> {
        self.notes.said.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, manner: &Manner, notes: &Notes) {
    let _ = stream.set_nodelay(true);
    let _ = match &manner.tls {
        Tls::Implicit(config) => {
            let connection = ServerConnection::new(config.clone()).unwrap();
            Talk { stream: StreamOwned::new(connection, stream), manner, notes }.go()
        }
        Tls::Start(config) => {
            // What follows the answer to STARTTLS in clear is the work of somebody in between.
            match (Talk { stream: &stream, manner, notes }.go()) {
                Some(true) => {
                    let connection = ServerConnection::new(config.clone()).unwrap();
                    let inner = Manner { tls: Tls::No, ..manner.clone() };
                    let stream = StreamOwned::new(connection, &stream);
                    Talk { stream, manner: &inner, notes }.commands()
                }
                other => other,
            }
        }
        Tls::No => Talk { stream, manner, notes }.go(),
    };
}

struct Talk<'a, S> {
    stream: S,
    manner: &'a Manner,
    notes: &'a Notes,
}

impl<S: Read + Write> Talk<'_, S> {
    fn go(mut self) -> Option<bool> {
        self.answer("connect", "220 sink.example.org ESMTP")?;
        self.commands()
    }

    /// Whether it ended because TLS is to begin.
    fn commands(mut self) -> Option<bool> {
        let mut mail = String::new();
        let mut recipients: Vec<String> = Vec::new();
        loop {
            let line = self.line()?;
            self.notes.said.lock().unwrap().push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "LHLO" => {
                    let start = matches!(self.manner.tls, Tls::Start(_)).then_some("STARTTLS");
                    let offers: Vec<&str> = self.manner.offers.iter().copied().chain(start).collect();
                    let mut text = String::from("250-sink.example.org");
                    for offer in offers {
                        text.push_str(&format!("\r\n250-{offer}"));
                    }
                    self.answer(&line, &format!("{text}\r\n250 ENHANCEDSTATUSCODES"))?;
                }
                "STARTTLS" => {
                    self.answer(&line, "220 go on")?;
                    return Some(true);
                }
                "AUTH" => {
                    self.log_in(&line)?;
                }
                "MAIL" => {
                    mail = line.clone();
                    recipients.clear();
                    self.answer(&line, "250 2.1.0 ok")?;
                }
                "RCPT" => {
                    if self.answer(&line, "250 2.1.5 ok")? {
                        recipients.push(line.clone());
                    }
                }
                "DATA" => {
                    if self.answer(&line, "354 go on")? {
                        let data = self.message()?;
                        let count = if self.manner.is_lmtp { recipients.len() } else { 1 };
                        let deeds: Vec<Deed> = (0..count).map(|_| (self.manner.script)(".")).collect();
                        if deeds.iter().any(|deed| !matches!(deed, Deed::Say(_))) {
                            let received =
                                Received { mail: mail.clone(), recipients: recipients.clone(), data };
                            self.notes.received.lock().unwrap().push(received);
                        }
                        for deed in deeds {
                            self.perform(deed, "250 2.0.0 queued as 4711")?;
                        }
                    }
                }
                "RSET" | "NOOP" => {
                    self.answer(&line, "250 ok")?;
                }
                "QUIT" => return None,
                _ => {
                    self.answer(&line, "500 what?")?;
                }
            }
        }
    }

    /// Whoever gives the words of the tests is let in.
    fn log_in(&mut self, line: &str) -> Option<()> {
        let mechanism = line.split(' ').nth(1).unwrap_or_default().to_owned();
        if mechanism == "LOGIN" {
            self.write("334 VXNlcm5hbWU6")?;
            let user = self.line()?;
            self.write("334 UGFzc3dvcmQ6")?;
            let password = self.line()?;
            self.notes.said.lock().unwrap().extend([user, password]);
        }
        self.answer(line, "235 2.7.0 welcome")?;
        Some(())
    }

    /// Says what is usual, or what the script wants. Whether it was a yes.
    fn answer(&mut self, about: &str, usual: &str) -> Option<bool> {
        self.perform((self.manner.script)(about), usual)
    }

    fn perform(&mut self, deed: Deed, usual: &str) -> Option<bool> {
        match deed {
            Deed::Usual => {
                self.write(usual)?;
                Some(true)
            }
            Deed::Say(text) => {
                self.write(text)?;
                Some(text.starts_with('2') || text.starts_with('3'))
            }
            Deed::Hang => {
                thread::sleep(Duration::from_secs(60));
                None
            }
            Deed::Drop => None,
        }
    }

    fn write(&mut self, text: &str) -> Option<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).ok()?;
        self.stream.flush().ok()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            self.stream.read_exact(&mut byte).ok()?;
            line.push(byte[0]);
        }
        Some(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    fn message(&mut self) -> Option<Vec<u8>> {
        let mut input = BufReader::with_capacity(1, &mut self.stream);
        let mut data = Vec::new();
        loop {
            let start = data.len();
            if input.read_until(b'\n', &mut data).ok()? == 0 {
                return None;
            }
            if &data[start..] == b".\r\n" {
                data.truncate(start);
                return Some(data);
            }
        }
    }
}

/// TLS with a certificate and its key, both PEM.
pub fn tls(certificate: &Path, key: &Path) -> Arc<ServerConfig> {
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    Arc::new(config)
}
