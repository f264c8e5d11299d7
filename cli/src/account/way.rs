//! `proxy = "…"`: through what connections go.

use super::Host;

/// The port of SOCKS (RFC 1928, section 3).
const PORT: u16 = 1080;

/// Through what connections go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing is said: as `[network]` says, else straight.
    #[default]
    Unsaid,
    /// Straight to the server, whatever `[network]` says.
    Direct,
    /// Through a SOCKS5 proxy.
    Proxy(Host),
}

impl Way {
    /// Reads it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Direct);
        }
        let host = text.strip_prefix("socks5://").ok_or("\"proxy\" is socks5://HOST:PORT, or none")?;
        Host::parse(host, Some(PORT)).map(Self::Proxy)
    }

    /// The proxy, where there is one.
    pub(crate) const fn proxy(&self) -> Option<&Host> {
        match self {
            Self::Proxy(host) => Some(host),
            Self::Unsaid | Self::Direct => None,
        }
    }
}
