//! Revocation lists and OCSP responses, fetched and kept.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::policy;
use crate::people::{Place, Ran};
use crate::servers::{Server, ocsp_responder, program, succeed, web_server};

/// A CA of OpenSSL, and frank, who has a certificate of it.
pub struct Authority<'p> {
    place: &'p Place,
}

impl<'p> Authority<'p> {
    /// The certificate names these addresses for its revocation: an extension of openssl's configuration.
    pub fn new(place: &'p Place, addresses: &str) -> Self {
        let own = Self { place };
        place.write("ca.index", "");
        place.write(
            "ca.conf",
            "[ca]\ndefault_ca=own\n[own]\ndatabase=ca.index\ncertificate=ca.pem\nprivate_key=ca.key\n\
             default_md=sha256\n",
        );
        const EC: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"];
        let request = |arguments: &[&str]| {
            own.openssl(&[&["req", "-x509", "-days", "300"], &EC[..], arguments].concat());
        };
        request(&[
            "/CN=Own CA",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        for person in ["frank", "grace"] {
            let (key, certificate) = (format!("{person}.key"), format!("{person}.pem"));
            let (subject, name) =
                (format!("/CN={person}"), format!("subjectAltName=email:{person}@example.org"));
            let extensions = [
                &*subject,
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-addext",
                &name,
                "-addext",
                addresses,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                "extendedKeyUsage=emailProtection",
                "-addext",
                "keyUsage=digitalSignature,keyAgreement",
                "-keyout",
                &key,
                "-out",
                &certificate,
            ];
            request(&extensions);
        }
        place.write("body", "Content-Type: text/plain\r\n\r\nHello.\r\n");
        own.openssl(&[
            "cms",
            "-sign",
            "-in",
            "body",
            "-signer",
            "frank.pem",
            "-inkey",
            "frank.key",
            "-from",
            "frank@example.org",
            "-to",
            "bob@example.org",
            "-subject",
            "x",
            "-out",
            "signed.eml",
        ]);
        own
    }

    fn openssl(&self, arguments: &[&str]) {
        succeed(Command::new("openssl").current_dir(self.place.path("")).args(arguments));
    }

    fn revoke(&self) {
        self.openssl(&["ca", "-config", "ca.conf", "-revoke", "frank.pem", "-crl_reason", "superseded"]);
    }

    /// A list that was issued so many days ago, and the next of which is due after so many more.
    pub fn list(&self, days_ago: i64, for_days: i64) {
        let day = |days: i64| {
            let moment = jiff::Timestamp::now() + jiff::Span::new().hours(days * 24);
            moment.strftime("%Y%m%d%H%M%SZ").to_string()
        };
        let (from, until) = (day(-days_ago), day(for_days - days_ago));
        let dates = ["-crl_lastupdate", &from, "-crl_nextupdate", &until];
        self.openssl(&[&["ca", "-config", "ca.conf", "-gencrl", "-out", "list.pem"], &dates[..]].concat());
        self.openssl(&["crl", "-in", "list.pem", "-outform", "DER", "-out", "www/ca.crl"]);
    }
}

/// A web server for the directory `www`.
fn server(place: &Place) -> Option<Server> {
    fs::create_dir_all(place.path("www")).unwrap();
    program("nginx")?;
    web_server(&place.path("nginx"), &place.path("www"), None, "")
}

fn of_lists(server: &Server) -> String {
    format!("crlDistributionPoints=URI:http://{}/ca.crl", server.address)
}

const ALWAYS: &str = "[sources]\nnetwork = \"always\"\nprivate_addresses = true\n";

/// With `revocation` and the rest in front of `[sources]`.
pub fn rules(place: &Place, top: &str) {
    policy(place, "reader", &format!("{top}\n{ALWAYS}"));
}

fn verify(place: &Place, more: &[&str]) -> Ran {
    place.run("reader", &[&["verify", "signed.eml", "--anchor", "ca.pem", "-o", "/dev/null"], more].concat())
}

/// A list that is overdue leaves no mark, but the chain counts.
pub fn checked(place: &Place, more: &[&str]) -> Ran {
    verify(place, &[more, &["--accept", "checked"]].concat())
}

#[test]
fn a_list_is_fetched_kept_and_believed_without_a_network() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    rules(&place, "revocation = \"require\"");
    authority.list(0, 1);
    // Nobody may ask, and nothing is there.
    let refused = verify(&place, &["--offline"]).exits(1);
    assert!(!place.path("reader/cache").exists(), "{}", refused.stderr);
    verify(&place, &[]).exits(0);
    drop(server);
    verify(&place, &[]).exits(0);
    verify(&place, &["--offline"]).exits(0);
}

#[test]
fn what_is_revoked_stays_so_whatever_is_served_later() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    rules(&place, "max_age_days = 0");
    authority.list(5, 10);
    let old = place.read("www/ca.crl");
    authority.revoke();
    authority.list(0, 1);
    let said = verify(&place, &[]).exits(1).stderr;
    assert!(said.contains("revoked"), "{said}");
    // An older list that was good once, and one that somebody else signed.
    place.write("www/ca.crl", old);
    verify(&place, &[]).exits(1);
    let other = Place::new();
    fs::create_dir_all(other.path("www")).unwrap();
    let forger = Authority::new(&other, "crlDistributionPoints=URI:http://localhost/");
    forger.list(0, 1);
    place.write("www/ca.crl", other.read("www/ca.crl"));
    verify(&place, &[]).exits(1);
}

#[test]
fn the_last_good_list_is_enough_for_a_while_where_nobody_can_be_asked() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    rules(&place, "revocation = \"require\"");
    authority.list(20, 10);
    checked(&place, &[]).exits(0);
    drop(server);
    checked(&place, &[]).exits(0);
    checked(&place, &["--offline"]).exits(0);
    rules(&place, "revocation = \"require\"\ngrace_offline_days = 15");
    let late = checked(&place, &["--offline"]).exits(1).stderr;
    assert!(late.contains("out of date"), "{late}");
}

#[test]
fn a_list_that_is_older_than_the_grace_is_not_enough() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    rules(&place, "revocation = \"require\"");
    authority.list(40, 10);
    checked(&place, &[]).exits(1);
    rules(&place, "revocation = \"best-effort\"");
    checked(&place, &[]).exits(0);
}

#[test]
fn a_reader_is_looked_at_before_a_mail_is_encrypted() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    rules(&place, "");
    authority.list(0, 1);
    place.write("out.eml", "From: alice@example.org\r\nTo: frank@example.org\r\n\r\nHello.\r\n");
    let encrypt = |name: &str| {
        let reader = ["--certificate", "frank.pem", "--anchor", "ca.pem", "--no-sign"];
        place.run("reader", &[&["encrypt", "out.eml", "-o", name], &reader[..]].concat())
    };
    encrypt("sealed.eml").exits(0);
    let list = cached(&place);
    authority.revoke();
    authority.list(0, 1);
    // The list of today is young enough; after a week another is asked for.
    encrypt("again.eml").exits(0);
    let week = std::time::SystemTime::now() - Duration::from_secs(8 * 86_400);
    fs::File::options().write(true).open(&list).unwrap().set_modified(week).unwrap();
    encrypt("refused.eml").exits(1);
}

/// The only file of the reader's cache.
fn cached(place: &Place) -> PathBuf {
    let files: Vec<PathBuf> =
        fs::read_dir(place.path("reader/cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    files[0].clone()
}

#[test]
fn nobody_is_asked_for_a_certificate_that_reaches_no_anchor_nor_unless_the_policy_says_so() {
    let place = Place::new();
    let Some(server) = server(&place) else { return };
    let authority = Authority::new(&place, &of_lists(&server));
    authority.list(0, 1);
    let asked = || fs::read_to_string(place.path("nginx/access.log")).unwrap_or_default();
    rules(&place, "");
    place.run("reader", &["verify", "signed.eml", "--anchor", "bob.pem"]).exits(1);
    policy(&place, "reader", "[sources]\nnetwork = \"ask\"\nprivate_addresses = true\n");
    verify(&place, &[]).exits(0);
    rules(&place, "revocation = \"off\"");
    verify(&place, &[]).exits(0);
    policy(&place, "reader", "[sources]\nnetwork = \"always\"\n");
    verify(&place, &[]).exits(0);
    assert_eq!(asked(), "", "and none in our own network");
    rules(&place, "");
    verify(&place, &[]).exits(0);
    assert!(asked().contains("GET /ca.crl"), "{}", asked());
}

#[test]
fn a_responder_is_asked_where_there_is_no_list() {
    let place = Place::new();
    // The responder knows its port before its CA is there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let authority = Authority::new(&place, &format!("authorityInfoAccess=OCSP;URI:http://{address}/"));
    rules(&place, "revocation = \"require\"\nmax_age_days = 0");
    verify(&place, &[]).exits(1);
    authority.openssl(&["ca", "-config", "ca.conf", "-valid", "frank.pem"]);
    let responder = ocsp_responder(&place.path(""), address);
    verify(&place, &[]).exits(0);
    drop(responder);
    authority.revoke();
    let responder = ocsp_responder(&place.path(""), address);
    let said = verify(&place, &[]).exits(1).stderr;
    assert!(said.contains("revoked"), "{said}");
    drop(responder);
    verify(&place, &["--offline"]).exits(1);
}

#[test]
fn a_server_that_does_not_answer_keeps_nobody_from_reading() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    Authority::new(&place, &format!("crlDistributionPoints=URI:http://{address}/ca.crl"));
    rules(&place, "");
    let started = Instant::now();
    let said = verify(&place, &[]).exits(0).stderr;
    assert!(said.contains("revocation"), "it is said that it was not checked: {said}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}
