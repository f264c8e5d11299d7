//! A SOCKS5 proxy (RFC 1928) without log-in. It looks names up, so nobody else learns of them.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::account::Host;

const VERSION: u8 = 5;
const NO_LOG_IN: u8 = 0;
const CONNECT: u8 = 1;
const IP_V4: u8 = 1;
const DOMAIN: u8 = 3;
const IP_V6: u8 = 4;
/// The answer about a host that the proxy cannot reach; of a name that it does not find, it says the same.
const HOST_UNREACHABLE: u8 = 4;
/// How long one address of the proxy may take to connect.
const CONNECTING: Duration = Duration::from_secs(30);

/// Why there is no connection. Nobody else was asked instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyError {
    /// There is no connection to the proxy.
    Unreachable(String),
    /// It took too long.
    Slow,
    /// It closed the connection.
    Lost,
    /// It does not do what it was asked for.
    Unwilling(&'static str),
    /// It says that it cannot connect: an answer of RFC 1928, section 6.
    Refused(u8),
}

impl ProxyError {
    /// Whether the proxy may not have found the name. It does not tell that from a host that is away.
    pub(crate) const fn may_mean_no_such_name(&self) -> bool {
        matches!(self, Self::Refused(HOST_UNREACHABLE))
    }

    /// Whether the proxy works, and what it was to connect to does not.
    pub(crate) const fn is_of_the_host(&self) -> bool {
        matches!(self, Self::Refused(3..=6))
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(what) => formatter.write_str(what),
            Self::Slow => formatter.write_str("the proxy took too long"),
            Self::Lost => formatter.write_str("the proxy closed the connection"),
            Self::Unwilling(why) => write!(formatter, "the proxy does not connect: {why}"),
            Self::Refused(answer) => write!(formatter, "the proxy does not connect: {}", words(*answer)),
        }
    }
}

impl std::error::Error for ProxyError {}

/// RFC 1928, section 6.
const fn words(answer: u8) -> &'static str {
    match answer {
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        HOST_UNREACHABLE => "the server is unreachable",
        5 => "the server refuses the connection",
        6 => "it took too long",
        _ => "it gives no reason",
    }
}

/// A connection to a host by way of a proxy. What is read and written then has no limit of time yet.
pub(crate) fn open(proxy: &Host, host: &Host, until: Instant) -> Result<TcpStream, ProxyError> {
    let stream = reach(proxy, until)?;
    ask(&mut Timed { stream: &stream, until }, host)?;
    let lost = |_| ProxyError::Lost;
    stream.set_read_timeout(None).map_err(lost)?;
    stream.set_write_timeout(None).map_err(lost)?;
    Ok(stream)
}

fn reach(proxy: &Host, until: Instant) -> Result<TcpStream, ProxyError> {
    let addresses = (proxy.name.as_str(), proxy.port)
        .to_socket_addrs()
        .map_err(|error| ProxyError::unreachable(proxy, &error))?;
    let mut last = ProxyError::Slow;
    for address in addresses {
        let Some(left) = left(until) else { break };
        match TcpStream::connect_timeout(&address, left.min(CONNECTING)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = ProxyError::unreachable(proxy, &error),
        }
    }
    Err(last)
}

impl ProxyError {
    /// No connection to a proxy, without Rust's `(os error 2)`.
    pub(crate) fn unreachable(proxy: &Host, why: &dyn fmt::Display) -> Self {
        let why = why.to_string();
        let why = why.split(" (os error").next().unwrap_or_default();
        Self::Unreachable(format!("the proxy {}:{} cannot be reached: {why}", proxy.name, proxy.port))
    }
}

/// Has the proxy at the other end of `stream` connect to the host.
pub(crate) fn ask(stream: &mut (impl Read + Write), host: &Host) -> Result<(), ProxyError> {
    stream.write_all(&[VERSION, 1, NO_LOG_IN]).map_err(|error| broken(&error))?;
    match read::<2>(stream)? {
        [VERSION, NO_LOG_IN] => {}
        [VERSION, _] => return Err(ProxyError::Unwilling("it wants a log-in")),
        _ => return Err(ProxyError::Unwilling("it is no SOCKS5 proxy")),
    }
    stream.write_all(&request(host)?).map_err(|error| broken(&error))?;
    let [version, answer, _, kind] = read::<4>(stream)?;
    if version != VERSION || answer != 0 {
        return Err(ProxyError::Refused(answer));
    }
    // Where the proxy comes from is read and not used.
    match kind {
        IP_V4 => drop(read::<6>(stream)?),
        IP_V6 => drop(read::<18>(stream)?),
        DOMAIN => {
            let [length] = read::<1>(stream)?;
            for _ in 0..u16::from(length) + 2 {
                read::<1>(stream)?;
            }
        }
        _ => return Err(ProxyError::Unwilling("it is no SOCKS5 proxy")),
    }
    Ok(())
}

/// RFC 1928, section 4.
fn request(host: &Host) -> Result<Vec<u8>, ProxyError> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.name.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IP_V4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IP_V6);
            request.extend(address.octets());
        }
        Err(_) => {
            let length = u8::try_from(host.name.len())
                .map_err(|_| ProxyError::Unwilling("the server's name is too long"))?;
            request.extend([DOMAIN, length]);
            request.extend(host.name.bytes());
        }
    }
    request.extend(host.port.to_be_bytes());
    Ok(request)
}

fn read<const LENGTH: usize>(stream: &mut impl Read) -> Result<[u8; LENGTH], ProxyError> {
    let mut bytes = [0; LENGTH];
    stream.read_exact(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn broken(error: &io::Error) -> ProxyError {
    match error.kind() {
        // The HTTP client's own streams call the end of time something else.
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Other => ProxyError::Slow,
        _ => ProxyError::Lost,
    }
}

/// A stream all of whose waiting ends at one moment.
struct Timed<'s> {
    stream: &'s TcpStream,
    until: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        left(self.until).map(Some).ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(bytes)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn left(until: Instant) -> Option<Duration> {
    until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A proxy that says what it says, whatever it hears.
    struct Deaf {
        says: Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Deaf {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.says.read(bytes)
        }
    }

    impl Write for Deaf {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn asked(name: &str, says: &[u8]) -> (Result<(), ProxyError>, Deaf) {
        let mut proxy = Deaf { says: Cursor::new(says.to_vec()), heard: Vec::new() };
        let asked = ask(&mut proxy, &Host { name: name.to_owned(), port: 443 });
        (asked, proxy)
    }

    #[test]
    fn a_proxy_gets_the_name_and_nothing_behind_its_answer_is_read() {
        let long = [&[5, 0, 5, 0, 0, 3, 2, b'x', b'y', 0, 1][..], b"TLS"].concat();
        let (result, proxy) = asked("example.org", &long);
        assert_eq!((result, proxy.says.position()), (Ok(()), 11));
        assert_eq!(proxy.heard, [&[5, 1, 0, 5, 1, 0, 3, 11][..], b"example.org", &[1, 187]].concat());
        let (result, proxy) = asked("2001:db8::1", &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!((result, proxy.heard[6], proxy.heard.len()), (Ok(()), 4, 25));
    }

    #[test]
    fn whatever_else_it_says_is_no_connection() {
        for (says, error) in [
            (&[][..], ProxyError::Lost),
            (&[5, 2], ProxyError::Unwilling("it wants a log-in")),
            (b"HTTP", ProxyError::Unwilling("it is no SOCKS5 proxy")),
            (&[5, 0, 5, 4, 0, 1], ProxyError::Refused(4)),
            (&[5, 0, 5, 0, 0, 9], ProxyError::Unwilling("it is no SOCKS5 proxy")),
            (&[5, 0, 5, 0, 0, 1, 0], ProxyError::Lost),
        ] {
            assert_eq!(asked("example.org", says).0, Err(error));
        }
        let name = "x".repeat(256);
        let error = asked(&name, &[5, 0]).0.unwrap_err();
        assert_eq!(error, ProxyError::Unwilling("the server's name is too long"));
    }
}
