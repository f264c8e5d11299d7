//! A signature that carries evidence is read by others as if it carried none.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use counterseal_core::cms::ContentType;
use counterseal_core::cms::signed::{SignedInput, SigningRequest, write_signed};
use counterseal_core::keys::Keyring;
use counterseal_core::openpgp::{Basis, Statement, StatementKind, twin_certificate};
use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};

use super::bouncy_castle::BouncyCastle;
use super::command::Outcome;
use super::gpgsm::Gpgsm;
use super::nss::Nss;
use super::openssl::OpenSsl;
use super::people::People;

const CONTENT: &[u8] = b"Hello Bob\r\n";

/// An object that Alice signed, with her twin and a statement along, and as many octets as there may be.
fn signed(people: &People) -> Vec<u8> {
    let read = |name: &str| fs::read(people.file(name)).unwrap();
    let certificate = Certificate::from_der(&read("alice-rsa.der")).unwrap();
    let key = SecretKey::from_any(&read("alice-rsa.key.pem"), None).unwrap();
    let mut keys = Keyring::new();
    keys.add_key(key.clone());
    let now = Time::from_unix_seconds(jiff::Timestamp::now().as_second());
    let address = certificate.addresses()[0].clone();
    let kind = StatementKind::Endorsement { basis: Basis::InPerson, amount: 120 };
    let statement = Statement::new(kind, address.clone(), &certificate.fingerprint(), now);
    let certificates = [certificate.clone()];
    let carried = [
        twin_certificate(&keys, key.public_key(), "Alice", &[address], now).unwrap(),
        statement.sign(&keys, &certificates).unwrap(),
        vec![0x99; 50_000],
    ];
    let request = SigningRequest {
        keys: &keys,
        key: certificate.fingerprint(),
        certificates: &certificates,
        algorithm: None,
        signing_time: now,
        encryption_certificate: None,
        capabilities: None,
        content_type: ContentType::Data,
        carried_evidence: &carried,
        revocation_lists: &[],
        further_attributes: &[],
    };
    let mut object = Vec::new();
    write_signed(SignedInput::Attached(&mut Cursor::new(CONTENT)), &request, &mut object).unwrap();
    object
}

#[test]
fn a_signature_that_carries_evidence_is_verified_by_everybody() {
    let Some(people) = People::all() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signed.p7m");
    fs::write(&file, signed(people)).unwrap();
    let check = |name: &str, verify: &dyn Fn(&Path, &Path) -> Outcome| {
        let content = folder.path().join(format!("{name}.txt"));
        verify(&file, &content).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(fs::read(content).unwrap(), CONTENT, "{name}");
    };
    if let Some(openssl) = OpenSsl::of_debian() {
        check("openssl", &|signed, content| openssl.verify(signed, None, content));
    }
    if let Some(gpgsm) = Gpgsm::of_debian() {
        check("gpgsm", &|signed, content| gpgsm.verify(signed, None, content));
    }
    if let Some(nss) = Nss::of_debian() {
        check("nss", &|signed, content| nss.verify(signed, None, content));
    }
    if let Some(bouncy_castle) = BouncyCastle::of_debian() {
        check("bouncy-castle", &|signed, content| bouncy_castle.verify(signed, content));
    }
}
