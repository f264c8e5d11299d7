//! A mailbox, and how one gets into it.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

use async_imap::error::Error;
use async_imap::{Authenticator, Client};
use counterseal_core::secret::SecretBytes;

use super::super::TransportError;
use super::stream::Connection;
use super::{FOLDER, Open, namespace, plain, told};
use crate::limits;

/// A new connection to the mail server. It takes no longer than a connection may take.
pub type Connect = Box<dyn Fn() -> io::Result<TcpStream> + Send>;

/// A mailbox, and how to log in to it.
pub struct Mailbox {
    /// The server's name, for its certificate too.
    pub host: String,
    /// How the server is reached: [`direct`], or through a proxy.
    pub connect: Connect,
    /// Who logs in.
    pub user: String,
    /// By what.
    pub credential: Credential,
    /// How TLS is spoken, from the first byte. Without it nobody is talked to but this machine.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// By what somebody logs in.
pub enum Credential {
    /// LOGIN (RFC 3501, section 6.2.3).
    Password(SecretBytes),
    /// An access token of OAuth 2.0: OAUTHBEARER (RFC 7628), or XOAUTH2 where the server has only that.
    Token(SecretBytes),
}

/// Connects to one address of the host after the other.
#[must_use]
pub fn direct(host: &str, port: u16) -> Connect {
    let host = host.to_owned();
    Box::new(move || {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (host.as_str(), port).to_socket_addrs()?.take(limits::IMAP_ADDRESSES) {
            match TcpStream::connect_timeout(&address, limits::IMAP_CONNECT) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    })
}

/// Connects, logs in, and asks where the person's own folders are.
pub(super) async fn log_in(mailbox: &Mailbox) -> Result<Open, TransportError> {
    let connection = Connection::open(mailbox).await?;
    let mut client = Client::new(connection);
    client
        .read_response()
        .await
        .map_err(|error| told(&error.into()))?
        .ok_or_else(|| TransportError::Unreachable("the mail server says nothing".into()))?;
    let logged_in = match &mailbox.credential {
        Credential::Password(password) => client.login(&mailbox.user, text(password)?).await,
        Credential::Token(token) => {
            let capabilities =
                plain::ask(client.get_mut(), "CAPABILITY").await.map_err(|error| told(&error.into()))?;
            let bearer =
                plain::words(&capabilities).any(|word| word.eq_ignore_ascii_case("AUTH=OAUTHBEARER"));
            let answers = Bearer { user: &mailbox.user, token: text(token)?, bearer, asked: false };
            client.authenticate(if bearer { "OAUTHBEARER" } else { "XOAUTH2" }, answers).await
        }
    };
    let mut session = logged_in.map_err(|(error, _)| match error {
        Error::No(_) | Error::Bad(_) => TransportError::Refused("the mail server refuses the login".into()),
        error => told(&error),
    })?;
    let capabilities = session.capabilities().await.map_err(|error| told(&error))?;
    let (idle, expunges) = (capabilities.has_str("IDLE"), capabilities.has_str("UIDPLUS"));
    let prefix = if capabilities.has_str("NAMESPACE") {
        let answer = plain::ask(session.get_mut(), "NAMESPACE").await.map_err(|error| told(&error.into()))?;
        namespace::personal_prefix(&answer).unwrap_or_default()
    } else {
        String::new()
    };
    Ok(Open { session, folder: format!("{prefix}{FOLDER}"), idle, expunges })
}

fn text(secret: &SecretBytes) -> Result<&str, TransportError> {
    std::str::from_utf8(secret.expose())
        .map_err(|_| TransportError::Refused("the password is not UTF-8".into()))
}

/// What is said with a token. A refusal comes as a challenge, which is to be answered before it is final.
struct Bearer<'m> {
    user: &'m str,
    token: &'m str,
    bearer: bool,
    asked: bool,
}

impl Authenticator for Bearer<'_> {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        let Self { user, token, bearer, .. } = *self;
        match (std::mem::replace(&mut self.asked, true), bearer) {
            (false, true) => format!("n,a={},\u{1}auth=Bearer {token}\u{1}\u{1}", sasl_name(user)),
            (false, false) => format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"),
            (true, true) => "\u{1}".to_owned(),
            (true, false) => String::new(),
        }
    }
}

/// A name in the header of GS2 (RFC 5801, section 4).
fn sasl_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}
