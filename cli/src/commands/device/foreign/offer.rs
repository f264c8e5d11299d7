//! A file for one download over the local network: one path that nobody guesses, on a port of its own, for a while.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::files::File;
use crate::failure::Failure;
use crate::randomness::random;
use crate::render::foreign as render;

/// Bytes of a request's head: what telephones send is a tenth of it.
const HEAD_BYTES: usize = 8 << 10;
/// How long one visitor may take for its request, and for taking the answer.
const VISIT: Duration = Duration::from_secs(20);
/// Visitors at the same time; others are turned away.
const VISITORS: usize = 16;
/// How often it is asked whether somebody came, or it is over.
const STEP: Duration = Duration::from_millis(20);
/// Documentation addresses (RFC 5737): the way there is the way out, and nothing is sent.
const OUTSIDE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// Offers a file until somebody has fetched it.
///
/// # Errors
/// `not-fetched` where nobody did in time; `no-network` where there is no address to offer it at.
pub(super) fn once(file: &File, listen: Option<IpAddr>, wait: Duration) -> Result<(), Failure> {
    let address = listen.map_or_else(own_address, Ok)?;
    let failed = |error: io::Error| Failure::io(format!("a port of {address}"), &error);
    let listener = TcpListener::bind((address, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let path: String = random::<16>().iter().map(|octet| format!("{octet:02x}")).collect();
    let path = format!("/{path}/{}", file.name);
    render::offer(&url(listener.local_addr().map_err(failed)?, &path), wait)?;
    if serve(&listener, file, &path, Instant::now() + wait) {
        return Ok(());
    }
    Err(Failure::no("not-fetched", format!("nobody fetched the file within {} seconds", wait.as_secs()))
        .hint("is the device on the same network? Or carry a file there: --output FILE"))
}

/// The address of this machine on the way out.
fn own_address() -> Result<IpAddr, Failure> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let address = socket.and_then(|socket| socket.connect(OUTSIDE).and_then(|()| socket.local_addr()));
    address.map(|address| address.ip()).map_err(|error| {
        Failure::unknown("no-network", "this machine has no address on a network")
            .because(error)
            .hint("name one with --listen ADDRESS, or carry a file there: --output FILE")
    })
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// Whether somebody fetched it before the end.
fn serve(listener: &TcpListener, file: &File, path: &str, end: Instant) -> bool {
    // Taken: somebody is being given the file now. Done: somebody has it.
    let (taken, done, visitors) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        while Instant::now() < end && !done.load(Ordering::SeqCst) {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(STEP);
                continue;
            };
            if visitors.load(Ordering::SeqCst) >= VISITORS {
                continue;
            }
            visitors.fetch_add(1, Ordering::SeqCst);
            scope.spawn(|| {
                if visit(stream, file, path, &taken, &done) {
                    done.store(true, Ordering::SeqCst);
                }
                visitors.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    done.load(Ordering::SeqCst)
}

/// Answers one request, and says whether it was given the file.
fn visit(mut stream: TcpStream, file: &File, path: &str, taken: &AtomicBool, done: &AtomicBool) -> bool {
    let end = Instant::now() + VISIT;
    let _ = stream.set_nonblocking(false);
    let Some(head) = head(&mut stream, end, done) else { return false };
    if !asks_for(&head, path) || taken.swap(true, Ordering::SeqCst) {
        // Nothing is said about what there is.
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return false;
    }
    let is_given = give(&mut stream, file, end).is_ok();
    if !is_given {
        taken.store(false, Ordering::SeqCst);
    }
    is_given
}

/// A request up to its empty line.
fn head(stream: &mut TcpStream, end: Instant, done: &AtomicBool) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let mut part = [0; 1024];
    // Whoever sends a byte now and then does not keep others waiting.
    stream.set_read_timeout(Some(Duration::from_millis(250))).ok()?;
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if Instant::now() >= end || head.len() >= HEAD_BYTES || done.load(Ordering::SeqCst) {
            return None;
        }
        match stream.read(&mut part) {
            Ok(0) => return None,
            Ok(length) => head.extend_from_slice(part.get(..length)?),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
    }
    Some(head)
}

/// Whether the request line is `GET PATH HTTP/1.x` (RFC 9112, section 3).
fn asks_for(head: &[u8], path: &str) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next(), parts.next(), parts.next());
    method == Some(b"GET")
        && target == Some(path.as_bytes())
        && version.is_some_and(|version| version.starts_with(b"HTTP/1."))
        && parts.next().is_none()
}

/// Sends the file. It is given once the other side has closed the connection, having read to its end.
fn give(stream: &mut TcpStream, file: &File, end: Instant) -> io::Result<()> {
    stream.set_write_timeout(Some(VISIT))?;
    let (name, content_type, length) = (file.name, file.content_type, file.bytes.len());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&file.bytes)?;
    stream.shutdown(Shutdown::Write)?;
    let mut rest = [0; 1024];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() >= end {
            return Err(ErrorKind::TimedOut.into());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PATH: &str = "/0123/keys.p12";
    const LOOPBACK: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

    fn file() -> File {
        File { name: "keys.p12", content_type: "application/x-pkcs12", bytes: vec![7; 100_000] }
    }

    fn ask(address: SocketAddr, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        // Whoever is turned away may be reset.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    #[test]
    fn one_download_ends_it_and_nothing_else_says_anything() {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let fetched =
            thread::spawn(move || serve(&listener, &file(), PATH, Instant::now() + Duration::from_secs(60)));
        let silent = TcpStream::connect(address).unwrap();
        let wrong: [&[u8]; 7] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /0123/ HTTP/1.1\r\n\r\n",
            b"GET /0123/keys.p12/ HTTP/1.1\r\n\r\n",
            b"HEAD /0123/keys.p12 HTTP/1.1\r\n\r\n",
            b"POST /0123/keys.p12 HTTP/1.1\r\n\r\n",
            b"GET /0123/keys.p12\r\n\r\n",
            b"GET  /0123/keys.p12 HTTP/1.1\r\n\r\n",
        ];
        for request in wrong {
            let answer = ask(address, request);
            assert_eq!(answer, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        assert!(ask(address, &[b'x'; 2 * HEAD_BYTES]).is_empty());
        // Whoever goes away in the middle has not fetched it.
        let mut torn = TcpStream::connect(address).unwrap();
        torn.write_all(b"GET /0123/keys.p12 HTTP/1.1\r\n\r\n").unwrap();
        torn.read_exact(&mut [0; 10]).unwrap();
        drop(torn);
        let answer = loop {
            let answer = ask(address, b"GET /0123/keys.p12 HTTP/1.1\r\nHost: x\r\n\r\n");
            if answer.starts_with(b"HTTP/1.1 200") {
                break answer;
            }
            thread::sleep(STEP);
        };
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("\r\nContent-Type: application/x-pkcs12\r\n") && text.contains("nosniff"));
        assert!(answer.ends_with(&[7; 100_000]));
        assert!(fetched.join().unwrap());
        assert!(TcpStream::connect(address).is_err(), "it is over");
        drop(silent);
    }

    #[test]
    fn it_ends_by_itself() {
        let listener = TcpListener::bind(LOOPBACK).unwrap();
        listener.set_nonblocking(true).unwrap();
        let began = Instant::now();
        assert!(!serve(&listener, &file(), PATH, began + Duration::from_millis(200)));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
