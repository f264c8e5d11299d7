//! Time stamping authorities, against the one of OpenSSL behind a small server. Skipped, loudly, where
//! there is no `openssl`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::people::{Place, Ran};

const CONFIGURATION: &str = "[tsa]\ndefault_tsa = config\n[config]\nserial = serial\ndefault_policy = 1.2.3\n\
    digests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n\
    [good]\nextendedKeyUsage = critical, timeStamping\nkeyUsage = digitalSignature\n";

/// What the server does with a question.
#[derive(Clone, Copy)]
enum Behaviour {
    Honest,
    /// It stamps something else.
    OtherData,
    /// It answers the question that it was asked first, again and again.
    OldAnswer,
    TooMuch,
    Silence,
    Error,
}

/// An authority, with its CA, in a folder. Its clock is so many days late.
pub struct Authority {
    folder: PathBuf,
    days_ago: i64,
}

impl Authority {
    fn new(place: &Place, name: &str) -> Option<Self> {
        Self::of_days_ago(place, name, 0)
    }

    /// Where `days_ago` is not 0 there must be `faketime`.
    pub fn of_days_ago(place: &Place, name: &str, days_ago: i64) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: openssl is not installed");
            return None;
        }
        let this = Self { folder: place.path(name), days_ago };
        std::fs::create_dir(&this.folder).unwrap();
        std::fs::write(this.folder.join("config"), CONFIGURATION).unwrap();
        std::fs::write(this.folder.join("serial"), "01\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        this.openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN={name} -days 3660"));
        this.openssl(&format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=TSA"));
        this.openssl(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 9 -days 3650 -extfile config \
             -extensions good -out tsa.pem",
        );
        Some(this)
    }

    pub fn openssl(&self, arguments: &str) {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = if self.days_ago == 0 {
            Command::new("openssl")
        } else {
            let mut command = Command::new("faketime");
            command.args(["-f", &format!("-{}d", self.days_ago), "openssl"]);
            command
        };
        let output = command.args(&arguments).current_dir(&self.folder).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    }

    /// The answer to a question.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        std::fs::write(self.folder.join("query"), query).unwrap();
        self.openssl(
            "ts -reply -config config -section config -queryfile query -signer tsa.pem -inkey tsa.key -out reply",
        );
        std::fs::read(self.folder.join("reply")).unwrap()
    }

    pub fn certificate(&self) -> String {
        self.folder.join("ca.pem").display().to_string()
    }

    /// Serves so many requests on the loopback interface; answers with the URL.
    fn serve(&self, requests: usize, behaviour: Behaviour) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let this = Self { folder: self.folder.clone(), days_ago: self.days_ago };
        std::thread::spawn(move || {
            let mut first = None;
            for stream in listener.incoming().take(requests) {
                let mut stream = stream.unwrap();
                let query = body(&mut stream);
                let answer = match behaviour {
                    Behaviour::Honest => this.reply(&query),
                    Behaviour::OtherData => {
                        std::fs::write(this.folder.join("other"), b"something else").unwrap();
                        this.openssl("ts -query -data other -sha256 -cert -out other.tsq");
                        this.reply(&std::fs::read(this.folder.join("other.tsq")).unwrap())
                    }
                    Behaviour::OldAnswer => first.get_or_insert_with(|| this.reply(&query)).clone(),
                    Behaviour::TooMuch => vec![0x30; 2 << 20],
                    Behaviour::Silence => {
                        std::thread::sleep(Duration::from_secs(60));
                        return;
                    }
                    Behaviour::Error => {
                        let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
                        continue;
                    }
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer));
            }
        });
        url
    }
}

/// The body of a request.
fn body(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..read]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        assert!(head.contains("content-type: application/timestamp-query"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        if request.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return request.split_off(end + 4);
        }
    }
}

#[track_caller]
fn witnesses(ran: &Ran) -> Vec<serde_json::Value> {
    let object: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    object["witnesses"].as_array().unwrap().clone()
}

#[test]
fn an_authority_stamps_the_history_and_the_stamp_holds_until_the_log_is_changed() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let url = authority.serve(1, Behaviour::Honest);
    let add = ["trust", "witness", "add", &url, "--certificate", &authority.certificate(), "--json"];
    let added = witnesses(&place.run("alice", &add).exits(0));
    assert_eq!((added.len(), &added[0]["stamped"]), (1, &serde_json::Value::Null));
    let stamped = witnesses(&place.run("alice", &["trust", "witness", "stamp", "--json"]).exits(0));
    let length = stamped[0]["stamped"]["length"].as_u64().unwrap();
    assert!(length > 0, "{stamped:?}");
    // The log goes on; the stamp proves what was there.
    place.run("alice", &["trust", "unpin", "bob@example.org"]).exits(0);
    let list = ["trust", "witness", "list", "--json"];
    assert_eq!(witnesses(&place.run("alice", &list).exits(0))[0]["stamped"]["length"], length);
    let removed = place.run("alice", &["trust", "witness", "remove", &url]).exits(0).text();
    assert!(removed.starts_with("removed: ") && removed.contains(&url), "{removed}");
    // A friend's CA for mail makes no time stamps.
    place.run("alice", &["trust", "witness", "add", &url, "--certificate", "carol.pem"]).exits(3);
    assert!(witnesses(&place.run("alice", &list).exits(0)).is_empty());
}

#[test]
fn answers_that_prove_nothing_are_refused() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let Some(other) = Authority::new(&place, "other") else { return };
    let stamp = |behaviour: Behaviour, certificate: &str, requests: usize| {
        let url = authority.serve(requests, behaviour);
        place.run("alice", &["trust", "witness", "add", &url, "--certificate", certificate]).exits(0);
        let ran = place.run("alice", &["trust", "witness", "stamp"]);
        let again = place.run("alice", &["trust", "witness", "stamp"]);
        place.run("alice", &["trust", "witness", "remove", &url]).exits(0);
        (ran, again)
    };
    let own = authority.certificate();
    let refused = |ran: Ran, why: &str| {
        let ran = ran.exits(3);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    refused(stamp(Behaviour::OtherData, &own, 1).0, "another question");
    let (first, again) = stamp(Behaviour::OldAnswer, &own, 2);
    first.exits(0);
    refused(again, "another question");
    refused(stamp(Behaviour::TooMuch, &own, 1).0, "more than");
    refused(stamp(Behaviour::Error, &own, 1).0, "status 500");
    // The authority is another one than the person chose.
    refused(stamp(Behaviour::Honest, &other.certificate(), 1).0, "time stamp's certificate");
    place.run("alice", &["trust", "witness", "stamp"]).exits(3);
    assert!(place.run("alice", &["trust", "witness", "list"]).exits(0).text().contains("no witnesses"));
}

#[test]
fn the_certificates_of_a_contact_are_stamped_once_and_openssl_agrees() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let url = authority.serve(9, Behaviour::Honest);
    let add = ["trust", "witness", "add", &url, "--certificate", &authority.certificate()];
    place.run("alice", &add).exits(0);
    let stamp = ["trust", "witness", "stamp", "bob@example.org", "--json"];
    let stamped = witnesses(&place.run("alice", &stamp).exits(0));
    let first = stamped[0]["evidence"].as_array().unwrap().clone();
    assert!(!first.is_empty() && stamped[0]["stamped"].is_null(), "{stamped:?}");
    // What is stamped is the certificate itself, for any other program to check.
    let file = rusqlite::Connection::open(place.path("alice/store.sqlite3")).unwrap();
    for one in &first {
        let query = format!("SELECT der FROM certificate WHERE hex(digest) = upper({})", one["sha256"])
            .replace('"', "'");
        let der: Vec<u8> = file.query_row(&query, [], |row| row.get(0)).unwrap();
        let response = one["response"].as_str().unwrap().as_bytes();
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        place.write("tsa/one.der", der);
        place.write("tsa/one.tsr", response.chunks(2).map(octet).collect::<Vec<u8>>());
        authority.openssl("ts -verify -data one.der -in one.tsr -CAfile ca.pem");
    }
    // A second stamp would be a later one.
    let again = witnesses(&place.run("alice", &stamp).exits(0));
    assert_eq!(again[0]["evidence"].as_array().unwrap(), &first);
    let listed = place.run("alice", &["trust", "witness", "list"]).exits(0).text();
    assert_eq!(listed.matches("proven since").count(), first.len(), "{listed}");
    place.run("alice", &["trust", "witness", "stamp", "nobody@example.org"]).exits(3);
    place.run("alice", &["trust", "forget", "bob@example.org"]).exits(0);
    assert!(
        witnesses(&place.run("alice", &["trust", "witness", "list", "--json"]).exits(0))[0]["evidence"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let left = "SELECT count(*) FROM evidence WHERE kind = 'evidence-time-stamp'";
    assert_eq!(file.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn the_answers_about_a_contact_can_be_carried_by_hand() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let add = ["trust", "witness", "add", "--certificate", &authority.certificate()];
    place.run("alice", &add).exits(0);
    let stamp = ["trust", "witness", "stamp", "bob@example.org"];
    let ask = [&stamp[..], &["--query-out", "bob.tsq"]].concat();
    place.run("alice", &ask).exits(0);
    // Files that are there are not overwritten.
    assert_ne!(place.run("alice", &ask).code, 0);
    let mut questions = vec!["bob.tsq".to_owned()];
    questions
        .extend((2..).map(|number| format!("bob.tsq.{number}")).take_while(|name| place.path(name).exists()));
    assert!(questions.len() > 1);
    for (number, question) in questions.iter().enumerate() {
        place.write("bob.tsr", authority.reply(&place.read(question)));
        let answer = [&stamp[..], &["--response", "bob.tsr", "--json"]].concat();
        let stamped = witnesses(&place.run("alice", &answer).exits(0));
        assert_eq!(stamped[0]["evidence"].as_array().unwrap().len(), number + 1);
    }
    // The answer is not about Carol, nor about the history.
    place.run("alice", &["trust", "witness", "stamp", "carol@example.org", "--response", "bob.tsr"]).exits(3);
    place.run("alice", &["trust", "witness", "stamp", "--response", "bob.tsr"]).exits(3);
}

#[test]
fn an_authority_that_does_not_answer_is_not_waited_for_forever() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let url = authority.serve(1, Behaviour::Silence);
    place
        .run("alice", &["trust", "witness", "add", &url, "--certificate", &authority.certificate()])
        .exits(0);
    let begin = std::time::Instant::now();
    place.run("alice", &["trust", "witness", "stamp"]).exits(3);
    assert!(begin.elapsed() < Duration::from_secs(40));
}

#[test]
fn the_answer_can_be_carried_by_hand() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let add = ["trust", "witness", "add", "--certificate", &authority.certificate()];
    place.run("alice", &add).exits(0);
    // Nobody has a URL, so nobody is asked.
    place.run("alice", &["trust", "witness", "stamp"]).exits(3);
    place.run("alice", &["trust", "witness", "stamp", "--query-out", "head.tsq"]).exits(0);
    place.write("head.tsr", authority.reply(&place.read("head.tsq")));
    // The log may have gone on meanwhile.
    place.run("alice", &["trust", "unpin", "bob@example.org"]).exits(0);
    let response = ["trust", "witness", "stamp", "--response", "head.tsr", "--json"];
    let stamped = witnesses(&place.run("alice", &response).exits(0));
    assert!(stamped[0]["stamped"]["length"].as_u64().unwrap() > 0);
    // Bob's history is another one.
    place.run("bob", &["trust", "witness", "add", "--certificate", &authority.certificate()]).exits(0);
    place.run("bob", &response).exits(3);
    place.write("head.tsr", b"no time stamp");
    place.run("alice", &response).exits(3);
}

#[test]
fn offline_nobody_is_asked() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    let add = ["trust", "witness", "add", "http://127.0.0.1:9/", "--certificate", &authority.certificate()];
    place.run("alice", &add).exits(0);
    let ran = place.run("alice", &["trust", "witness", "stamp", "--offline"]).exits(3);
    assert!(ran.stderr.contains("nothing is asked of the network"), "{}", ran.stderr);
}

/// Tag, content, and what follows.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, header) = match der[1] {
        short @ ..0x80 => (usize::from(short), 2),
        long => {
            let octets = usize::from(long & 0x7f);
            (der[2..2 + octets].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), 2 + octets)
        }
    };
    (der[0], &der[header..header + length], &der[header + length..])
}

fn encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// The elements of a constructed one.
fn children(mut content: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !content.is_empty() {
        let rest = element(content).2;
        found.push(&content[..content.len() - rest.len()]);
        content = rest;
    }
    found
}

/// Replaces the last element on each of so many levels.
fn with_last(der: &[u8], levels: usize, change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (tag, content, _) = element(der);
    if levels == 0 {
        return encoded(tag, &change(content));
    }
    let mut parts: Vec<Vec<u8>> = children(content).into_iter().map(<[u8]>::to_vec).collect();
    let last = parts.pop().unwrap();
    parts.push(with_last(&last, levels - 1, change));
    encoded(tag, &parts.concat())
}

/// ContentInfo, content, SignedData, signerInfos: the SignerInfo is the last element of each.
const TO_SIGNER_INFO: usize = 4;

fn signature(object: &[u8]) -> Vec<u8> {
    let found = std::cell::RefCell::new(Vec::new());
    with_last(object, TO_SIGNER_INFO, &|signer| {
        *found.borrow_mut() = element(children(signer).last().unwrap()).1.to_vec();
        signer.to_vec()
    });
    found.into_inner()
}

/// signatureTimeStampToken (RFC 3161, appendix A) among the unsigned attributes.
fn stamped(object: &[u8], token: &[u8]) -> Vec<u8> {
    const IDENTIFIER: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 2, 14];
    let attribute = encoded(0x30, &[IDENTIFIER, &encoded(0x31, token)].concat());
    with_last(object, TO_SIGNER_INFO, &|signer| [signer, &encoded(0xa1, &attribute)].concat())
}

#[test]
fn a_stamped_signature_is_believed_after_its_certificate_has_ended_where_the_authority_is_known() {
    let place = Place::new();
    let Some(authority) = Authority::new(&place, "tsa") else { return };
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml"]).exits(0);
    let mail = String::from_utf8(place.read("signed.eml")).unwrap();
    let start = mail.rfind("smime.p7s\"\r\n\r\n").unwrap() + "smime.p7s\"\r\n\r\n".len();
    let end = start + mail[start..].find("\r\n--").unwrap();
    authority.openssl("version");
    let base64 = |arguments: &[&str], input: &[u8]| {
        std::fs::write(authority.folder.join("in"), input).unwrap();
        let mut command = Command::new("openssl");
        let command = command.arg("base64").args(arguments).args(["-in", "in", "-out", "out"]);
        assert!(command.current_dir(&authority.folder).status().unwrap().success());
        std::fs::read(authority.folder.join("out")).unwrap()
    };
    let object = base64(&["-d"], mail[start..end].replace("\r\n", "\n").trim_start().as_bytes());
    std::fs::write(authority.folder.join("signature"), signature(&object)).unwrap();
    authority.openssl("ts -query -data signature -sha256 -cert -out signature.tsq");
    authority.reply(&std::fs::read(authority.folder.join("signature.tsq")).unwrap());
    authority.openssl("ts -reply -in reply -token_out -out token");
    let stamped = stamped(&object, &std::fs::read(authority.folder.join("token")).unwrap());
    let text = String::from_utf8(base64(&[], &stamped)).unwrap().replace('\n', "\r\n");
    place.write("stamped.eml", format!("{}{}{}", &mail[..start], text.trim_end(), &mail[end..]));

    let verify = |at: &str| {
        let status =
            place.run("bob", &["verify", "--json", "--no-history", "--at", at, "stamped.eml"]).json();
        (status["verdict"].clone(), status["reasons"].as_array().unwrap().contains(&"time-proven".into()))
    };
    let today = jiff::Timestamp::now().to_string();
    assert_eq!(verify(&today), ("verified".into(), false));
    // Who vouches for the time must be somebody whom Bob chose.
    assert_eq!(verify("2030-06-01"), ("checked".into(), false));
    place.run("bob", &["trust", "witness", "add", "--certificate", &authority.certificate()]).exits(0);
    assert_eq!(verify("2030-06-01"), ("verified".into(), true));
    // Another signature is not the one that was stamped.
    place.run("alice", &["sign", "mail.eml", "-o", "signed.eml", "--overwrite"]).exits(0);
    let ran = place.run("bob", &["verify", "--json", "--no-history", "--at", "2030-06-01", "signed.eml"]);
    assert_eq!(ran.json()["verdict"], "checked");
}
