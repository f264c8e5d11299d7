//! TLS with the CA of an organisation, HTTP/2, and a certificate that is replaced.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::time::Time;
use counterseal_keysync::relay::protocol::Class;
use counterseal_keysync::transport::relay::{RelayAddress, RelayTransport, agent};
use counterseal_keysync::transport::{Cursor, Transport, TransportError};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::process::{Relay, object_box};
use crate::peers::command;
use crate::servers::TlsNames;

#[test]
fn a_device_and_a_relay_speak_tls_with_a_ca_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let names = TlsNames::make(folder.path());
    let [certificate, key] = [&names.certificate, &names.key].map(|path| path.to_str().unwrap());
    let relay = Relay::start(
        folder.path(),
        &["--store", "relay.db", "--tls-certificate", certificate, "--tls-key", key],
    );
    let root = CertificateDer::from_pem_file(&names.authority).unwrap().to_vec();
    let device = |roots: &[Vec<u8>]| {
        let address = format!("https://localhost:{}", relay.address.port());
        let clock = Arc::new(|| Time::from_unix_seconds(0));
        let address = RelayAddress::parse(&address).unwrap();
        RelayTransport::new(agent(roots), address, object_box("alice"), Class::Account, clock)
    };
    let (mut one, mut other) = (device(std::slice::from_ref(&root)), device(std::slice::from_ref(&root)));
    let name = one.put(b"key").unwrap();
    assert_eq!(other.list(&Cursor::default()).unwrap().names, [name]);
    assert_eq!(other.get(&name).unwrap(), b"key");
    assert!(matches!(device(&[]).put(b"key"), Err(TransportError::Unreachable(_))), "an unknown CA");
    http_2(&relay, &names);
    a_certificate_is_replaced(&relay, folder.path(), &names);
}

fn curl(relay: &Relay, names: &TlsNames, arguments: &[&str]) -> Option<String> {
    let said = Command::new("curl")
        .args(["-sS", "--cacert", names.authority.to_str().unwrap()])
        .args(arguments)
        .arg(format!("https://localhost:{}/healthz", relay.address.port()))
        .output()
        .unwrap();
    said.status.success().then(|| String::from_utf8(said.stdout).unwrap())
}

fn http_2(relay: &Relay, names: &TlsNames) {
    if command::find("curl").is_none() {
        return command::missing("curl");
    }
    for (version, expected) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let said = curl(relay, names, &[version, "-w", "%{http_version}"]).unwrap();
        assert_eq!(said, format!("{{\"status\":\"ok\"}}{expected}"));
    }
    assert_eq!(curl(relay, names, &["--tls-max", "1.1"]), None);
}

/// SIGHUP reads the files again; what cannot be read leaves the old one.
fn a_certificate_is_replaced(relay: &Relay, folder: &std::path::Path, names: &TlsNames) {
    let says = |event: &str, count: usize| {
        let begun = Instant::now();
        while relay.journal().matches(event).count() < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", relay.journal());
            thread::sleep(Duration::from_millis(20));
        }
    };
    let elsewhere = folder.join("renewed");
    fs::create_dir(&elsewhere).unwrap();
    let renewed = TlsNames::make(&elsewhere);
    fs::copy(&renewed.certificate, &names.certificate).unwrap();
    relay.signal(Signal::HUP);
    says("certificate-kept", 1);
    assert!(curl(relay, names, &[]).is_some(), "the key is not that of the certificate: the old ones stay");
    fs::copy(&renewed.key, &names.key).unwrap();
    relay.signal(Signal::HUP);
    says("certificate-read", 1);
    assert!(curl(relay, names, &[]).is_none());
    assert!(curl(relay, &renewed, &[]).is_some());
}
