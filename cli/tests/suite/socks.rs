//! A SOCKS5 proxy that knows names which no DNS knows, and keeps what it was asked for.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// No host of this name (RFC 1928, section 6).
pub const NO_HOST: u8 = 4;
/// Its rules forbid it.
pub const FORBIDDEN: u8 = 2;

/// A running proxy.
pub struct Socks {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    /// `leads` says where `HOST:PORT` is, or what is answered instead.
    pub fn start(leads: impl Fn(&str) -> Result<SocketAddr, u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (leads, kept) = (Arc::new(leads), asked.clone());
        thread::spawn(move || {
            for client in listener.incoming().map(Result::unwrap) {
                let (leads, kept) = (leads.clone(), kept.clone());
                thread::spawn(move || serve(client, &*leads, &kept));
            }
        });
        Self { port, asked }
    }

    /// One that knows these and no others.
    pub fn knowing(hosts: &[(&str, SocketAddr)]) -> Self {
        let hosts: Vec<(String, SocketAddr)> =
            hosts.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect();
        Self::start(move |asked| {
            hosts.iter().find(|(name, _)| name == asked).map(|(_, address)| *address).ok_or(NO_HOST)
        })
    }

    /// What it was asked for since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// `[network]` of config.toml.
    pub fn settings(&self) -> String {
        settings(self.port)
    }
}

/// `[network]` with a proxy of this machine.
pub fn settings(port: u16) -> String {
    format!("[network]\nproxy = \"socks5://127.0.0.1:{port}\"\n")
}

/// A port where nobody listens.
pub fn nobody() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn serve(mut client: TcpStream, leads: &dyn Fn(&str) -> Result<SocketAddr, u8>, asked: &Mutex<Vec<String>>) {
    let mut hello = [0; 3];
    client.read_exact(&mut hello).unwrap();
    assert_eq!(hello, [5, 1, 0]);
    client.write_all(&[5, 0]).unwrap();
    let mut head = [0; 4];
    client.read_exact(&mut head).unwrap();
    assert_eq!(head[..3], [5, 1, 0]);
    let name = match head[3] {
        1 => IpAddr::from(octets::<4>(&mut client)).to_string(),
        3 => {
            let [length] = octets(&mut client);
            let mut name = vec![0; usize::from(length)];
            client.read_exact(&mut name).unwrap();
            String::from_utf8(name).unwrap()
        }
        _ => format!("[{}]", IpAddr::from(octets::<16>(&mut client))),
    };
    let host = format!("{name}:{}", u16::from_be_bytes(octets(&mut client)));
    asked.lock().unwrap().push(host.clone());
    let answer = leads(&host);
    let word = answer.err().unwrap_or_default();
    client.write_all(&[5, word, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    let Ok(address) = answer else { return };
    let server = TcpStream::connect(address).unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut client, &mut &server);
    let _ = server.shutdown(std::net::Shutdown::Both);
}

fn octets<const LENGTH: usize>(client: &mut TcpStream) -> [u8; LENGTH] {
    let mut octets = [0; LENGTH];
    client.read_exact(&mut octets).unwrap();
    octets
}
