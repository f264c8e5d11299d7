//! Time stamps against the authority of OpenSSL: our requests, its responses. Skipped, loudly, where
//! there is no `openssl`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use std::io::Cursor;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use counterseal_core::cms::time_stamp::{Proven, TimeStamp, TimeStampError, TimeStampRequest};
use counterseal_core::cms::{SignatureOutcome, read_signed};
use counterseal_core::message::{Context, ReadOptions, Readable, Reason, Verdict, verify};
use counterseal_core::ports::{MemorySpools, NoSecretKeys, Random};
use counterseal_core::time::Time;
use counterseal_core::trust::{self, Knowledge};
use counterseal_core::x509::path::{Allowance, Anchor, PathError, PathRequest, Purpose, validate_with};
use counterseal_core::x509::revocation::{RevocationEvidence, RevocationList};
use counterseal_core::x509::{Certificate, pem};
use tempfile::TempDir;

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

const CONFIGURATION: &str = "[ca]\ndefault_ca = ours\n[ours]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 9\n\
    [tsa]\ndefault_tsa = config\n[config]\nserial = serial\ndefault_policy = 1.2.3\ndigests = sha1, sha256\n\
    signer_digest = sha256\naccuracy = secs:2, millisecs:500\ness_cert_id_alg = sha256\n\
    [good]\nextendedKeyUsage = critical, timeStamping\nkeyUsage = digitalSignature\n\
    [more]\nextendedKeyUsage = critical, timeStamping, emailProtection\n\
    [uncritical]\nextendedKeyUsage = timeStamping\n[mail]\nextendedKeyUsage = critical, emailProtection\n\
    [encrypts]\nextendedKeyUsage = critical, timeStamping\nkeyUsage = keyAgreement\n\
    [alice]\nsubjectAltName = email:alice@example.org\n";

/// A CA, and an authority for time stamps under it.
struct Authority(TempDir);

impl Authority {
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: no openssl");
            return None;
        }
        let this = Self(tempfile::tempdir().unwrap());
        this.write("config", CONFIGURATION.as_bytes());
        this.write("serial", b"01\n");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        this.openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=Authority -days 30"));
        this.openssl(&format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=TSA"));
        this.openssl(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 9 -days 20 -extfile config \
             -extensions good -out tsa.pem",
        );
        Some(this)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    fn openssl(&self, arguments: &str) {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = Command::new("openssl").args(&arguments).current_dir(self.0.path()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    }

    fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_der(pem::blocks(&self.read(&format!("{name}.pem")))[0].1.expose()).unwrap()
    }

    fn anchors(&self) -> [Anchor; 1] {
        [Anchor::private(self.certificate("ca"))]
    }

    /// The response to a request of ours.
    fn stamp(&self, data: &[u8]) -> (TimeStampRequest, Vec<u8>) {
        let request = TimeStampRequest::new(data, &mut SystemRandom);
        self.write("request", request.as_der());
        self.openssl(
            "ts -reply -config config -section config -queryfile request -signer tsa.pem -inkey tsa.key \
             -out response",
        );
        (request, self.read("response"))
    }

    fn verify(&self, der: &[u8], data: &[u8], at: Time) -> Result<Proven, TimeStampError> {
        self.verify_with(der, data, at, &RevocationEvidence::default())
    }

    fn verify_with(
        &self,
        der: &[u8],
        data: &[u8],
        at: Time,
        revocation: &RevocationEvidence,
    ) -> Result<Proven, TimeStampError> {
        let time_stamp = TimeStamp::from_der(der, &[])?;
        time_stamp.verify(data, &self.anchors(), revocation, at, &Allowance::of_message())
    }

    /// A list that revokes the authority now, for a reason.
    fn revocation(&self, reason: &str, when: Time) -> RevocationEvidence {
        self.revocation_of("09", reason, when)
    }

    /// A list that revokes the certificate of a serial number, for a reason.
    fn revocation_of(&self, serial: &str, reason: &str, when: Time) -> RevocationEvidence {
        let digits: String = when.to_rfc3339()[2..].chars().filter(char::is_ascii_digit).collect();
        let entry = format!("R\t491231235959Z\t{digits}Z,{reason}\t{serial}\tunknown\t/CN=TSA\n");
        self.write("index", entry.as_bytes());
        self.openssl("ca -gencrl -config config -keyfile ca.key -cert ca.pem -out list.pem");
        let list = RevocationList::from_der(pem::blocks(&self.read("list.pem"))[0].1.expose()).unwrap();
        RevocationEvidence { lists: vec![list], ..RevocationEvidence::default() }
    }
}

fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix_seconds(i64::try_from(now.as_secs()).unwrap())
}

const DAY: i64 = 86_400;
const DATA: &[u8] = b"what existed";

#[test]
fn openssl_stamps_our_requests_and_we_believe_its_stamps() {
    let Some(authority) = Authority::new() else { return };
    let (before, (request, response)) = (now(), authority.stamp(DATA));
    let proven = authority.verify(&response, DATA, now()).unwrap();
    // Accuracy and all.
    assert!(before <= proven.by && proven.by <= now().plus_seconds(3));
    assert_eq!(proven.path.leaf(), Some(&authority.certificate("tsa")));
    assert!(request.is_answered_by(&TimeStamp::from_der(&response, &[]).unwrap()));
    assert!(
        !TimeStampRequest::new(DATA, &mut SystemRandom)
            .is_answered_by(&TimeStamp::from_der(&response, &[]).unwrap())
    );
    authority.openssl("ts -reply -in response -token_out -out token");
    authority.verify(&authority.read("token"), DATA, now()).unwrap();
}

#[test]
fn a_stamp_of_other_bytes_of_a_stranger_or_too_old_proves_nothing() {
    let Some(authority) = Authority::new() else { return };
    let (_, response) = authority.stamp(DATA);
    let refused = |result: Result<Proven, TimeStampError>| result.map(|proven| proven.by).unwrap_err();
    assert_eq!(refused(authority.verify(&response, b"what did not", now())), TimeStampError::OtherData);
    let stranger = Authority::new().unwrap();
    let by_stranger = refused(stranger.verify(&response, DATA, now()));
    assert!(matches!(by_stranger, TimeStampError::Path(_)), "{by_stranger:?}");
    let late = refused(authority.verify(&response, DATA, now().plus_seconds(25 * DAY)));
    assert!(matches!(late, TimeStampError::Path(PathError::Expired { .. })), "{late:?}");
    authority.openssl("ts -query -data ca.pem -sha1 -cert -out request");
    authority.openssl(
        "ts -reply -config config -section config -queryfile request -signer tsa.pem -inkey tsa.key -out weak",
    );
    let weak = refused(authority.verify(&authority.read("weak"), &authority.read("ca.pem"), now()));
    assert_eq!(weak, TimeStampError::WeakDigest);
}

#[test]
fn an_authority_must_be_one_for_time_stamps_alone() {
    let Some(authority) = Authority::new() else { return };
    authority.stamp(DATA);
    authority.openssl("ts -reply -in response -token_out -out token");
    authority.openssl("cms -verify -noverify -binary -inform DER -in token -out content");
    // OpenSSL stamps with no such certificate, but it signs with it whatever it is told.
    let verify = |extensions: &str| {
        authority.openssl(&format!(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 9 -days 20 -extfile config \
             -extensions {extensions} -out tsa.pem"
        ));
        authority.openssl(
            "cms -sign -binary -nodetach -econtent_type 1.2.840.113549.1.9.16.1.4 -in content -signer tsa.pem \
             -inkey tsa.key -outform DER -out forged",
        );
        authority.verify(&authority.read("forged"), DATA, now()).map(|_| ())
    };
    verify("good").unwrap();
    for extensions in ["more", "uncritical", "mail", "encrypts"] {
        let refused = verify(extensions);
        assert_eq!(refused, Err(TimeStampError::Usage), "{extensions}");
    }
}

#[test]
fn an_authority_that_was_revoked_later_is_believed_where_its_key_is_safe() {
    let Some(authority) = Authority::new() else { return };
    let (_, response) = authority.stamp(DATA);
    let later = now().plus_seconds(DAY);
    let verify = |reason: &str, when: Time| {
        let revocation = authority.revocation(reason, when);
        authority.verify_with(&response, DATA, later.plus_seconds(DAY), &revocation).map(|_| ())
    };
    verify("superseded", later).unwrap();
    verify("cessationOfOperation", later).unwrap();
    for (reason, when) in
        [("keyCompromise", later), ("unspecified", later), ("superseded", now().plus_seconds(-DAY))]
    {
        let refused = verify(reason, when);
        assert!(
            matches!(refused, Err(TimeStampError::Path(PathError::Revoked { .. }))),
            "{reason}: {refused:?}"
        );
    }
}

#[test]
fn a_changed_or_cut_stamp_is_refused() {
    let Some(authority) = Authority::new() else { return };
    let (_, response) = authority.stamp(DATA);
    for length in 0..response.len() {
        assert!(TimeStamp::from_der(&response[..length], &[]).is_err(), "{length}");
    }
    // What nobody signs (the status, the version, certificates) may change; the time may not.
    let by = authority.verify(&response, DATA, now()).unwrap().by;
    for octet in 0..response.len() {
        let mut changed = response.clone();
        changed[octet] ^= 1;
        if let Ok(proven) = authority.verify(&changed, DATA, now()) {
            assert_eq!(proven.by, by, "octet {octet}");
        }
    }
    assert_eq!(
        TimeStamp::from_der(&[0x30, 5, 0x30, 3, 2, 1, 2], &[]).unwrap_err(),
        TimeStampError::Refused(2)
    );
}

#[test]
fn a_stamped_signature_outlives_its_certificate() {
    let Some(authority) = Authority::new() else { return };
    authority.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout alice.key -out alice.csr -subj /CN=alice");
    authority
        .openssl("x509 -req -in alice.csr -CA ca.pem -CAkey ca.key -set_serial 10 -days 2 -out alice.pem");
    authority.openssl(
        "cms -sign -binary -nodetach -in ca.pem -signer alice.pem -inkey alice.key -outform DER -out signed",
    );
    let read = |object: &[u8]| {
        let mut content = Vec::new();
        let signed = read_signed(&mut Cursor::new(object), None, &[], &mut content).unwrap();
        assert_eq!(signed.signers[0].outcome, SignatureOutcome::Good);
        signed.signers[0].clone()
    };
    let object = authority.read("signed");
    let signer = read(&object);
    assert_eq!(signer.time_stamps, Vec::<Vec<u8>>::new());
    authority.stamp(&signer.signature);
    authority.openssl("ts -reply -in response -token_out -out token");
    let stamped = read(&with_time_stamp(&object, &authority.read("token")));
    assert_eq!(stamped.time_stamps, [authority.read("token")]);
    let ten_days_later = now().plus_seconds(10 * DAY);
    let proven = authority.verify(&stamped.time_stamps[0], &stamped.signature, ten_days_later).unwrap();
    let validate = |at| {
        let request = PathRequest::new(Purpose::SignMail, at);
        let evidence = RevocationEvidence::default();
        validate_with(stamped.certificate.as_ref().unwrap(), &[], &authority.anchors(), &evidence, &request)
    };
    assert!(matches!(validate(ten_days_later), Err(PathError::Expired { .. })));
    validate(proven.by).unwrap();
}

#[test]
fn a_mail_that_came_in_time_outlives_its_certificate_but_not_the_theft_of_its_key() {
    let Some(authority) = Authority::new() else { return };
    authority.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout alice.key -out alice.csr -subj /CN=alice");
    authority.openssl(
        "x509 -req -in alice.csr -CA ca.pem -CAkey ca.key -set_serial 10 -days 2 -extfile config \
         -extensions alice -out alice.pem",
    );
    authority.openssl(
        "cms -sign -text -in config -signer alice.pem -inkey alice.key -from alice@example.org \
         -to bob@example.org -subject plans -out signed.eml",
    );
    let came = now();
    let read = |at: Time, arrived: bool, revocation: RevocationEvidence| {
        let anchors = vec![trust::Anchor::own(authority.certificate("ca"), Some(120))];
        let mut knowledge = Knowledge { anchors, revocation, ..Knowledge::default() };
        if arrived {
            let name = read_mail(&authority, &knowledge, came).author_signature.unwrap().mail(false).message;
            knowledge.proof.arrivals.insert(name, came);
        }
        let status = read_mail(&authority, &knowledge, at).status;
        (status.verdict, status.reasons.contains(&Reason::TimeProven))
    };
    let (soon, late) = (came.plus_seconds(DAY + DAY / 2), came.plus_seconds(10 * DAY));
    let none = RevocationEvidence::default;
    assert_eq!(read(came, true, none()), (Verdict::Verified, false));
    assert_eq!(read(late, true, none()), (Verdict::Verified, true));
    assert_eq!(read(late, false, none()), (Verdict::Unverified, false));
    let revoked = |reason: &str| authority.revocation_of("0A", reason, came.plus_seconds(DAY));
    assert_eq!(read(soon, true, revoked("superseded")), (Verdict::Verified, true));
    assert_ne!(read(soon, false, revoked("superseded")).0, Verdict::Verified);
    for at in [soon, late] {
        let (verdict, is_proven) = read(at, true, revoked("keyCompromise"));
        assert!(verdict != Verdict::Verified && !is_proven, "{verdict:?}");
    }
}

fn read_mail(authority: &Authority, knowledge: &Knowledge, at: Time) -> Readable {
    let context = Context { keys: &NoSecretKeys, knowledge, at, spools: &MemorySpools };
    let mut mail = Cursor::new(authority.read("signed.eml"));
    let options = ReadOptions::default();
    verify(&mut mail, &context, &mut SystemRandom, &options, &mut std::io::sink()).unwrap()
}

/// A SignedData in DER with the token among the unsigned attributes of its one signer.
fn with_time_stamp(object: &[u8], token: &[u8]) -> Vec<u8> {
    let kind = [0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
    let attribute = element(0x30, &[&kind[..], &element(0x31, token)].concat());
    // ContentInfo, [0], SignedData, signerInfos, SignerInfo: each the last of its parent.
    appended(object, 5, &element(0xa1, &attribute))
}

fn appended(outer: &[u8], depth: usize, last: &[u8]) -> Vec<u8> {
    let content = &outer[header(outer)..];
    if depth == 1 {
        return element(outer[0], &[content, last].concat());
    }
    let mut start = 0;
    loop {
        let rest = &content[start..];
        let length = header(rest) + length(rest);
        if length == rest.len() {
            return element(outer[0], &[&content[..start], &appended(rest, depth - 1, last)].concat());
        }
        start += length;
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

fn header(element: &[u8]) -> usize {
    if element[1] < 0x80 { 2 } else { 2 + usize::from(element[1] & 0x7f) }
}

fn length(element: &[u8]) -> usize {
    match element[1] {
        short @ 0..=0x7f => usize::from(short),
        _ => element[2..header(element)].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)),
    }
}
