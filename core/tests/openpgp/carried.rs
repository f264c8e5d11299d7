//! A signed message that carries OpenPGP evidence is read by others as if it carried none.

use std::io::Cursor;
use std::process::Command;

use counterseal_core::cms::ContentType;
use counterseal_core::cms::signed::{SignedInput, SigningRequest, read_signed, write_signed};
use counterseal_core::keys::Keyring;
use counterseal_core::time::Time;
use counterseal_core::x509::{Certificate, SecretKey};

#[test]
fn openssl_verifies_a_message_that_carries_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let arguments = arguments.split(' ');
        let output = Command::new("openssl").current_dir(folder.path()).args(arguments).output();
        output.map(|output| output.status.success())
    };
    let made = openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out alice.der -outform DER \
         -subj /CN=alice -addext keyUsage=digitalSignature -addext extendedKeyUsage=emailProtection",
    );
    if made.is_err() {
        eprintln!("SKIPPED: openssl is not installed");
        return;
    }
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let certificate = Certificate::from_der(&file("alice.der")).unwrap();
    let mut keys = Keyring::new();
    keys.add_key(SecretKey::from_any(&file("key.pem"), None).unwrap());
    let evidence = [b"an OpenPGP certificate".to_vec(), vec![0x99; 40_000]];
    let request = SigningRequest {
        keys: &keys,
        key: certificate.fingerprint(),
        certificates: std::slice::from_ref(&certificate),
        algorithm: None,
        signing_time: Time::from_unix_seconds(1_790_000_000),
        encryption_certificate: None,
        capabilities: None,
        content_type: ContentType::Data,
        carried_evidence: &evidence,
        revocation_lists: &[],
        further_attributes: &[],
    };
    let mut object = Vec::new();
    write_signed(SignedInput::Attached(&mut Cursor::new(b"Hello\r\n")), &request, &mut object).unwrap();
    std::fs::write(folder.path().join("signed"), &object).unwrap();
    assert!(openssl("cms -verify -binary -noverify -inform DER -in signed -out content").unwrap());
    assert_eq!(file("content"), b"Hello\r\n");

    let mut content = Vec::new();
    let signed = read_signed(&mut Cursor::new(&object), None, &[], &mut content).unwrap();
    let mut carried = signed.signers[0].carried_evidence.clone();
    carried.sort();
    assert_eq!(carried, evidence);
}
