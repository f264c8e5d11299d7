//! OCSP against the responder of OpenSSL: our requests, its responses. Skipped, loudly, where there
//! is no `openssl`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::ports::Random;
use counterseal_core::time::Time;
use counterseal_core::x509::path::{Anchor, PathError, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{
    OcspRequest, OcspResponse, RevocationEvidence, RevocationReason, RevocationStatus, UnknownBecause,
};
use counterseal_core::x509::{Certificate, pem};
use tempfile::TempDir;

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A CA of OpenSSL with a responder, and three people: one in order, one revoked, one never heard of.
struct Authority(TempDir);

const DATABASE: &str = "V\t491231235959Z\t\t0A\tunknown\t/CN=alice\n\
                        R\t491231235959Z\t260501120000Z,keyCompromise\t0B\tunknown\t/CN=bob\n";
const PEOPLE: [(&str, u8); 3] = [("alice", 10), ("bob", 11), ("carol", 12)];

impl Authority {
    /// Nothing where there is no `openssl`.
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: no openssl");
            return None;
        }
        let this = Self(tempfile::tempdir().unwrap());
        std::fs::write(this.path("index.txt"), DATABASE).unwrap();
        std::fs::write(
            this.path("responder.cnf"),
            "extendedKeyUsage=OCSPSigning\nkeyUsage=digitalSignature\n",
        )
        .unwrap();
        std::fs::write(this.path("person.cnf"), "extendedKeyUsage=emailProtection\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        this.openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=Authority -days 30"));
        for (name, number) in PEOPLE.into_iter().chain([("responder", 9)]) {
            this.openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
            let extensions = if name == "responder" { "responder.cnf" } else { "person.cnf" };
            this.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -set_serial {number} -days 30 \
                 -extfile {extensions} -out {name}.pem"
            ));
        }
        Some(this)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let arguments = arguments.split_whitespace();
        let output =
            Command::new("openssl").args(arguments.clone()).current_dir(self.0.path()).output().unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn certificate(&self, name: &str) -> Certificate {
        let text = std::fs::read(self.path(&format!("{name}.pem"))).unwrap();
        Certificate::from_der(pem::blocks(&text)[0].1.expose()).unwrap()
    }

    /// What the responder answers to a request of ours about one of the people.
    fn ask(&self, name: &str, digest: DigestAlgorithm, options: &str) -> (OcspRequest, OcspResponse) {
        let (subject, issuer) = (self.certificate(name), self.certificate("ca"));
        let request = OcspRequest::new(&subject, &issuer, digest, Some(&mut SystemRandom));
        std::fs::write(self.path("request.der"), request.as_der()).unwrap();
        self.openssl(&format!(
            "ocsp -index index.txt -CA ca.pem -reqin request.der -respout response.der -ndays 1 {options}"
        ));
        let response = OcspResponse::from_der(&std::fs::read(self.path("response.der")).unwrap()).unwrap();
        (request, response)
    }

    fn status(&self, name: &str, response: OcspResponse, at: Time) -> Result<RevocationStatus, PathError> {
        let evidence = RevocationEvidence { responses: vec![response], ..RevocationEvidence::default() };
        let anchors = [Anchor::private(self.certificate("ca"))];
        let request = PathRequest::new(Purpose::SignMail, at);
        let path = validate_with(&self.certificate(name), &[], &anchors, &evidence, &request)?;
        Ok(path.revocation()[0].clone())
    }
}

fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix_seconds(i64::try_from(now.as_secs()).unwrap())
}

const DELEGATE: &str = "-rsigner responder.pem -rkey responder.key";

#[test]
fn openssl_answers_our_requests_and_we_understand_what_it_says() {
    let Some(authority) = Authority::new() else { return };
    for options in [
        DELEGATE.to_owned(),
        format!("{DELEGATE} -resp_key_id"),
        "-rsigner ca.pem -rkey ca.key".to_owned(),
        format!("{DELEGATE} -rmd sha512"),
    ] {
        for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
            let status = |name| {
                let (request, response) = authority.ask(name, digest, &options);
                assert!(request.may_be_answered_by(&response) && response.nonce().is_some());
                authority.status(name, response, now())
            };
            assert!(matches!(status("alice"), Ok(RevocationStatus::Good { .. })), "{options}");
            let bob = status("bob");
            assert!(
                matches!(bob, Err(PathError::Revoked { reason: RevocationReason::KeyCompromise, .. })),
                "{options}: {bob:?}"
            );
            let unknown = RevocationStatus::Unknown(UnknownBecause::NotKnownToResponder);
            assert_eq!(status("carol"), Ok(unknown), "{options}");
        }
    }
}

#[test]
fn a_response_of_the_wrong_signer_to_another_request_or_from_yesterday_is_told_apart() {
    let Some(authority) = Authority::new() else { return };
    let wrong = "-rsigner alice.pem -rkey alice.key";
    let (_, response) = authority.ask("alice", DigestAlgorithm::Sha1, wrong);
    let unsigned = RevocationStatus::Unknown(UnknownBecause::NotSigned);
    assert_eq!(authority.status("alice", response, now()), Ok(unsigned));
    let (_, of_alice) = authority.ask("alice", DigestAlgorithm::Sha1, DELEGATE);
    let (request, _) = authority.ask("bob", DigestAlgorithm::Sha1, DELEGATE);
    assert!(!request.may_be_answered_by(&of_alice));
    let nothing = RevocationStatus::Unknown(UnknownBecause::NoList);
    assert_eq!(authority.status("bob", of_alice.clone(), now()), Ok(nothing));
    let two_days_later = now().plus_seconds(2 * 86_400);
    let status = authority.status("alice", of_alice, two_days_later);
    assert!(matches!(status, Ok(RevocationStatus::Stale { .. })), "{status:?}");
}
