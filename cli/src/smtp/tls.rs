//! TLS to a mail server: by the roots of the system, or by a pinned key. Each way that it fails is one sentence, and no
//! way goes on without it.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use counterseal_core::x509::Certificate;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    RootCertStore, SignatureScheme, StreamOwned,
};
use sha2::{Digest, Sha256};

use super::connection::{left, limit};
use super::trouble::Trouble;
use crate::account::{Account, Host};
use crate::lookup::tls::{provider, roots};

const WHEN: &str = "while TLS began";

/// Does the handshake, and nothing else before it is done.
pub(super) fn handshake(
    mut stream: TcpStream,
    account: &Account,
    host: &Host,
    until: Instant,
) -> Result<StreamOwned<ClientConnection, TcpStream>, Trouble> {
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| Trouble::Tls(format!("{}: no certificate can be for such a name", host.name)))?;
    let config = configuration(account.tls_pin, host)?;
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(|error| sentence(&error, host))?;
    while connection.is_handshaking() || connection.wants_write() {
        let left = left(until).ok_or(Trouble::Slow(WHEN))?;
        limit(&stream, left).map_err(|error| failed(&error))?;
        step(&mut connection, &mut stream)
            .map_err(|error| failed(&error))?
            .map_err(|error| sentence(&error, host))?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// One write or one read, so that a server that sends an octet now and then does not hold us for ever.
fn step(connection: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<Result<(), Error>> {
    if connection.wants_write() {
        return connection.write_tls(stream).map(|_| Ok(()));
    }
    if connection.read_tls(stream)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let processed = connection.process_new_packets();
    if processed.is_err() {
        // Tells the server why, if it still listens.
        let _ = connection.write_tls(stream);
    }
    Ok(processed.map(drop))
}

/// How TLS is spoken with a host: by its pinned key, or by the roots of the system. Why a certificate is refused is a
/// sentence in [`Error::General`].
pub(crate) fn configuration(pin: Option<[u8; 32]>, host: &Host) -> Result<ClientConfig, Trouble> {
    let provider = provider();
    let verifier = Verifier {
        trust: match pin {
            Some(pin) => Trust::Pin(pin),
            None => Trust::Roots(by_roots(&provider)?),
        },
        provider: provider.clone(),
        host: host.name.clone(),
    };
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Trouble::Tls(error.to_string()))?;
    Ok(versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn by_roots(provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Trouble> {
    let mut store = RootCertStore::empty();
    let found = roots()
        .map_err(|_| Trouble::Tls("the system has no TLS roots (install ca-certificates)".to_owned()))?;
    store.add_parsable_certificates(found);
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| Trouble::Tls(error.to_string()))
}

#[derive(Debug)]
enum Trust {
    Roots(Arc<WebPkiServerVerifier>),
    Pin([u8; 32]),
}

/// Decides as its trust does, and words why not.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    host: String,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Pin(pin) => self.is_pinned(end_entity, pin),
            Trust::Roots(roots) => roots
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map_err(|error| Error::General(self.words(&error, end_entity))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Verifier {
    /// The pin decides alone: neither name nor dates nor issuer count, and the handshake proves that the server has the key.
    fn is_pinned(
        &self,
        certificate: &CertificateDer<'_>,
        pin: &[u8; 32],
    ) -> Result<ServerCertVerified, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        if Sha256::digest(key.as_ref()).as_slice() == pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "{} has another key than the one that tls_pin names: it was exchanged, or somebody is in between",
            self.host
        )))
    }

    fn words(&self, error: &Error, certificate: &CertificateDer<'_>) -> String {
        let host = &self.host;
        let certificate = Certificate::from_der(certificate).ok();
        let Error::InvalidCertificate(why) = error else {
            return format!("the certificate of {host} was refused: {error}");
        };
        let is_own = certificate.as_ref().is_some_and(|found| found.subject_der() == found.issuer_der());
        match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                let day = certificate.map(|found| found.not_after().to_rfc3339()).unwrap_or_default();
                format!("the certificate of {host} expired on {}", day.split('T').next().unwrap_or_default())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of {host} is not valid yet: is the clock of this machine right?")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the certificate is for another host than {host}")
            }
            CertificateError::Revoked => format!("the certificate of {host} was revoked"),
            // A root that serves as a server's certificate is refused as CaUsedAsEndEntity before its issuer is looked at.
            _ if is_own => format!("{host} has a self-signed certificate, which tls_pin can name"),
            CertificateError::UnknownIssuer => {
                format!("the certificate of {host} is from a CA that this system does not know")
            }
            why => format!("the certificate of {host} was refused: {why:?}"),
        }
    }
}

/// What ended a handshake.
fn failed(error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Trouble::Slow(WHEN),
        _ => Trouble::Lost(WHEN),
    }
}

fn sentence(error: &Error, host: &Host) -> Trouble {
    let name = &host.name;
    Trouble::Tls(match error {
        Error::General(words) => words.clone(),
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => format!(
            "what answers at {name}:{} does not speak TLS: a wrong port, or a network that wants a log-in first",
            host.port
        ),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity) => {
            format!("{name} speaks only TLS that is too old (older than 1.2, or with broken ciphers)")
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            format!("{name} and we have no TLS cipher in common: its software is probably too old")
        }
        error => format!("TLS with {name} failed: {error}"),
    })
}
