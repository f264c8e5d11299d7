//! A SOCKS5 proxy (RFC 1928) without log-in. It looks the server's name up, so nobody else learns of it.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

use super::connection::{left, limit, trouble};
use super::trouble::Trouble;
use crate::account::Host;

const VERSION: u8 = 5;
const NO_LOG_IN: u8 = 0;
const CONNECT: u8 = 1;
const IP_V4: u8 = 1;
const DOMAIN: u8 = 3;
const IP_V6: u8 = 4;
const WHEN: &str = "at the proxy";

/// Has the proxy at the other end of `stream` connect to the host.
pub(super) fn connect(mut stream: TcpStream, host: &Host, until: Instant) -> Result<TcpStream, Trouble> {
    exchange(&mut stream, &[VERSION, 1, NO_LOG_IN], until)?;
    match read::<2>(&mut stream, until)? {
        [VERSION, NO_LOG_IN] => {}
        [VERSION, _] => return Err(unwilling("it wants a log-in")),
        _ => return Err(unwilling("it is no SOCKS5 proxy")),
    }
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
            let length =
                u8::try_from(host.name.len()).map_err(|_| unwilling("the server's name is too long"))?;
            request.extend([DOMAIN, length]);
            request.extend(host.name.bytes());
        }
    }
    request.extend(host.port.to_be_bytes());
    exchange(&mut stream, &request, until)?;
    let [version, answer, _, kind] = read::<4>(&mut stream, until)?;
    if version != VERSION || answer != 0 {
        return Err(unwilling(words(answer)));
    }
    // Where the proxy comes from is read and not used.
    match kind {
        IP_V4 => drop(read::<6>(&mut stream, until)?),
        IP_V6 => drop(read::<18>(&mut stream, until)?),
        DOMAIN => {
            let [length] = read::<1>(&mut stream, until)?;
            for _ in 0..u16::from(length) + 2 {
                read::<1>(&mut stream, until)?;
            }
        }
        _ => return Err(unwilling("it is no SOCKS5 proxy")),
    }
    Ok(stream)
}

fn exchange(stream: &mut TcpStream, bytes: &[u8], until: Instant) -> Result<(), Trouble> {
    let left = left(until).ok_or(Trouble::Slow(WHEN))?;
    limit(stream, left).and_then(|()| stream.write_all(bytes)).map_err(|error| trouble(&error, WHEN))
}

fn read<const LENGTH: usize>(stream: &mut TcpStream, until: Instant) -> Result<[u8; LENGTH], Trouble> {
    let left = left(until).ok_or(Trouble::Slow(WHEN))?;
    let mut bytes = [0; LENGTH];
    limit(stream, left)
        .and_then(|()| stream.read_exact(&mut bytes))
        .map_err(|error| trouble(&error, WHEN))?;
    Ok(bytes)
}

fn unwilling(why: &str) -> Trouble {
    Trouble::Unreachable(format!("the proxy does not connect: {why}"))
}

/// RFC 1928, section 6.
const fn words(answer: u8) -> &'static str {
    match answer {
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        4 => "the server is unreachable",
        5 => "the server refuses the connection",
        6 => "it took too long",
        _ => "it gives no reason",
    }
}
