//! The mailbox of an account: reached, verified and logged in to as its server of mail is.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterseal_keysync::transport::imap::{self, Connect, Credential, ImapTransport, Mailbox};
use counterseal_keysync::transport::{ObjectBox, TransportError};

use crate::account::{Account, Host, MailboxServer, SecretSource, Way};
use crate::lookup;
use crate::smtp::{Trouble, credentials, tls};
use crate::socks;

/// How long a proxy may take to connect.
const CONNECTING: Duration = Duration::from_secs(60);

/// How long a person waits for a mailbox that is only logged in to.
const TRYING: Duration = Duration::from_secs(30);

/// The box in the mailbox of an account.
pub(super) fn open(account: &Account, object_box: &ObjectBox) -> Result<ImapTransport, TransportError> {
    ImapTransport::new(mailbox(account)?, object_box)
}

/// Logs in to the mailbox of an account and out again. What is in it stays as it is.
///
/// # Errors
/// [`TransportError`]: why it does not let us in.
pub(crate) fn log_in(account: &Account) -> Result<(), TransportError> {
    imap::try_log_in(&mailbox(account)?, TRYING)
}

/// The mailbox. The password is fetched anew, as it is for mail: it may be a token that ends.
fn mailbox(account: &Account) -> Result<Mailbox, TransportError> {
    let (Some(server), Some(user)) = (&account.imap, &account.user) else {
        return Err(TransportError::Absent);
    };
    let ours = |trouble: Trouble| TransportError::Refused(trouble.to_string());
    let (host, tls) = match server {
        MailboxServer::Imaps(host) => {
            (host, Some(tls::configuration(pin(account, host), host).map_err(ours)?))
        }
        MailboxServer::Loopback(host) => (host, None),
    };
    let secret = credentials::fetch(account, user).map_err(ours)?;
    let credential = match account.secret {
        Some(SecretSource::OAuth(_)) => Credential::Token(secret),
        _ => Credential::Password(secret),
    };
    Ok(Mailbox {
        host: host.name.clone(),
        connect: connect(account, host)?,
        user: user.clone(),
        credential,
        tls: tls.map(Arc::new),
    })
}

/// A pin is of a key that one machine has.
fn pin(account: &Account, host: &Host) -> Option<[u8; 32]> {
    let is_same = account.server.host().is_some_and(|server| server.name == host.name);
    account.tls_pin.filter(|_| is_same)
}

/// Through the proxy of the account, or of all look-ups; but to this machine: what goes there without TLS is nobody
/// else's to carry.
fn connect(account: &Account, host: &Host) -> Result<Connect, TransportError> {
    let proxy = match &account.way {
        _ if host.is_loopback() => None,
        Way::Direct => None,
        Way::Proxy(proxy) => Some(proxy.clone()),
        Way::Unsaid => {
            lookup::proxy().map_err(|trouble| TransportError::Unreachable(trouble.message))?.cloned()
        }
    };
    let Some(proxy) = proxy else { return Ok(imap::direct(&host.name, host.port)) };
    let host = host.clone();
    Ok(Box::new(move || -> io::Result<TcpStream> {
        socks::open(&proxy, &host, Instant::now() + CONNECTING).map_err(io::Error::other)
    }))
}
