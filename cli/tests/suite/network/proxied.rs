//! Through a SOCKS proxy: every question goes there, and none past it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::revocation::{Authority, checked, rules};
use super::{json, policy};
use crate::people::{Place, Ran};
use crate::servers::{NameServer, TlsNames, directory_server, program, web_server};
use crate::socks::{FORBIDDEN, Socks, nobody, settings};

/// An address that only the proxy knows.
const RESOLVER: &str = "192.0.2.53:53";

/// Somebody behind a proxy, with a proxy of HTTP in the environment that is not there.
struct Behind {
    place: Place,
    tls: TlsNames,
}

impl Behind {
    fn new() -> Self {
        let place = Place::new();
        let tls = TlsNames::make(&place.path("tls"));
        Self { place, tls }
    }

    fn settings(&self, person: &str, text: &str) {
        fs::create_dir_all(self.place.path(person)).unwrap();
        self.place.write(&format!("{person}/config.toml"), text);
    }

    /// Runs cseal, and says to which ports of the network it spoke; nothing of them where that cannot be seen.
    fn run(&self, person: &str, arguments: &[&str]) -> (Ran, Option<BTreeSet<u16>>) {
        let log = self.place.path("calls");
        let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        let traced = traced.is_ok_and(|status| status.success());
        let mut command = Command::new(if traced { "strace" } else { "env" });
        if traced {
            command.args(["-f", "-e", "trace=connect,sendto,sendmsg,sendmmsg,bind", "-o"]).arg(&log);
        } else {
            eprintln!(
                "SKIPPED: strace is not installed, or may not trace; connections past the proxy are not seen"
            );
        }
        let elsewhere = format!("http://127.0.0.1:{}", nobody());
        let output = command
            .arg(env!("CARGO_BIN_EXE_cseal"))
            .args(arguments)
            .current_dir(self.place.path(""))
            .env("COUNTERSEAL_HOME", self.place.path(person))
            .env("SSL_CERT_FILE", &self.tls.authority)
            .envs(["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, elsewhere.as_str())))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        (ran, traced.then(|| ports(&fs::read_to_string(log).unwrap())))
    }

    /// The same, held to speaking with the proxy alone.
    #[track_caller]
    fn through(&self, port: u16, person: &str, arguments: &[&str]) -> Ran {
        let (ran, ports) = self.run(person, arguments);
        assert!(ports.is_none_or(|ports| ports == BTreeSet::from([port])), "{}\n{}", ran.text(), ran.stderr);
        ran
    }

    /// The same, held to speaking with nobody.
    #[track_caller]
    fn silent(&self, person: &str, arguments: &[&str]) -> Ran {
        let (ran, ports) = self.run(person, arguments);
        assert_eq!(ports.unwrap_or_default(), BTreeSet::new(), "{}\n{}", ran.text(), ran.stderr);
        ran
    }
}

/// The ports of all addresses in a log of strace; those of name servers too.
fn ports(log: &str) -> BTreeSet<u16> {
    let after = log.split("port=htons(").skip(1);
    after.map(|rest| rest.split(')').next().unwrap().parse().unwrap()).collect()
}

const FIND: [&str; 4] = ["keys", "find", "--json", "bob@example.org"];

#[test]
fn web_servers_are_asked_by_a_name_that_only_the_proxy_knows() {
    let behind = Behind::new();
    behind.place.run("bob", &["keys", "publish", "--wkd", "www"]).exits(0);
    let place = &behind.place;
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), Some(&behind.tls), "") else {
        return;
    };
    for known in [&["openpgpkey.example.org:443", "example.org:443"][..], &["example.org:443"]] {
        let known: Vec<(&str, SocketAddr)> = known.iter().map(|name| (*name, server.address)).collect();
        let proxy = Socks::knowing(&known);
        behind.settings("carol", &proxy.settings());
        let ask = [&FIND[..], &["--source", "wkd", "--source", "http"]].concat();
        let found = json(&behind.through(proxy.port, "carol", &ask).exits(0));
        assert_eq!(found["candidates"][0]["sources"], serde_json::json!(["wkd", "http"]), "{found}");
        let asked = proxy.asked();
        assert_eq!(asked[0], "openpgpkey.example.org:443");
        assert!(asked.contains(&"example.org:443".to_owned()), "{asked:?}");
    }
    // A proxy that may not is no sign that there is no such host: nobody is asked instead.
    let proxy = Socks::start(|_| Err(FORBIDDEN));
    behind.settings("carol", &proxy.settings());
    let found =
        json(&behind.through(proxy.port, "carol", &[&FIND[..], &["--source", "wkd"]].concat()).exits(3));
    assert_eq!((&found["sources"][0]["reason"], proxy.asked().len()), (&Value::from("proxy"), 1));
}

#[test]
fn the_dns_is_asked_over_tcp_and_only_by_a_resolver_that_is_named() {
    let behind = Behind::new();
    if program("named").is_none() {
        return;
    }
    let records = behind.place.run("bob", &["keys", "publish", "--smimea"]).exits(0).text();
    let zones = [("example.org", records.as_str())];
    let Some(names) = NameServer::start(&behind.place.path("dns"), &zones) else { return };
    let proxy = Socks::knowing(&[(RESOLVER, names.server.address)]);
    behind.settings("carol", &proxy.settings());
    let source = names.policy().replace(&names.server.address.to_string(), RESOLVER);
    policy(&behind.place, "carol", &source);
    let found = json(&behind.through(proxy.port, "carol", &FIND).exits(0));
    assert_eq!(found["sources"][0]["dnssec"], "secure", "{found}");
    assert!(proxy.asked().iter().all(|asked| asked == RESOLVER));

    policy(&behind.place, "carol", "[sources.smimea]\n");
    let refused = json(&behind.silent("carol", &FIND).exits(3));
    assert_eq!(refused["sources"][0]["reason"], "not-configured", "{refused}");
    // The way of doctor's questions is the same.
    let doctor = behind.silent("carol", &["doctor", "--domain", "example.org"]);
    assert!(doctor.text().contains("names no resolver"), "{}", doctor.text());
}

#[test]
fn a_directory_is_asked_through_the_proxy_with_both_kinds_of_tls() {
    let behind = Behind::new();
    let place = &behind.place;
    let pem = String::from_utf8(place.read("bob.pem")).unwrap();
    let block = pem.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap();
    let base64: String = block.split("-----END").next().unwrap().split_whitespace().collect();
    let entries = format!(
        "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
         dn: cn=Bob,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: Bob\nsn: B\nmail: bob@example.org\n\
         userCertificate;binary:: {base64}\n"
    );
    for (scheme, asked) in [("ldaps", "example.org:636"), ("ldap", "example.org:389")] {
        let directory = place.path(scheme);
        let Some(server) = directory_server(&directory, scheme, Some(&behind.tls), &entries) else { return };
        let proxy = Socks::knowing(&[(asked, server.address)]);
        behind.settings("carol", &proxy.settings());
        let url = format!("{scheme}://example.org/dc=example,dc=org");
        policy(place, "carol", &format!("[sources]\nldap = \"{url}\"\n"));
        let found = json(&behind.through(proxy.port, "carol", &FIND).exits(0));
        assert_eq!(found["candidates"][0]["sources"], serde_json::json!(["ldap"]), "{found}");
        assert_eq!(proxy.asked(), [asked]);
    }
}

#[test]
fn revocation_lists_are_fetched_through_the_proxy_or_not_at_all() {
    let behind = Behind::new();
    let place = &behind.place;
    fs::create_dir_all(place.path("www")).unwrap();
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), None, "") else { return };
    let authority = Authority::new(place, "crlDistributionPoints=URI:http://lists.example.org/ca.crl");
    authority.list(0, 1);
    rules(place, "revocation = \"require\"");
    let verify = ["verify", "signed.eml", "--anchor", "ca.pem", "-o", "/dev/null", "--accept", "checked"];
    let down = nobody();
    behind.settings("reader", &settings(down));
    behind.through(down, "reader", &verify).exits(1);
    let proxy = Socks::knowing(&[("lists.example.org:80", server.address)]);
    behind.settings("reader", &proxy.settings());
    behind.through(proxy.port, "reader", &verify).exits(0);
    assert_eq!(proxy.asked(), ["lists.example.org:80"]);
    checked(place, &["--offline"]).exits(0);
}

/// `[sources]` with everything.
fn all() -> String {
    format!(
        "[sources]\nwkd = true\nhttp = \"https://{{domain}}/x\"\nldap = \"ldaps://example.org\"\n[sources.smimea]\n\
         resolver = \"{RESOLVER}\"\n"
    )
}

#[test]
fn where_the_proxy_is_down_nothing_is_asked() {
    let behind = Behind::new();
    policy(&behind.place, "carol", &all());
    let down = nobody();
    behind.settings("carol", &settings(down));
    let asked = json(&behind.through(down, "carol", &FIND).exits(3));
    let sources = asked["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 4);
    for source in sources {
        assert_eq!(source["reason"], "proxy", "{source}");
        assert!(source["message"].as_str().unwrap().contains("cannot be reached"), "{source}");
    }
}

#[test]
fn where_the_settings_cannot_be_read_nothing_is_asked() {
    let behind = Behind::new();
    policy(&behind.place, "carol", &all());
    behind.settings("carol", "[network]\nproxy = \"socks5:127.0.0.1\"\n");
    let asked = json(&behind.silent("carol", &FIND).exits(3));
    for source in asked["sources"].as_array().unwrap() {
        assert_eq!(source["reason"], "config", "{source}");
        assert!(source["message"].as_str().unwrap().contains("line 2"), "{source}");
    }
}

#[test]
fn a_mail_address_cannot_send_the_proxy_into_its_own_network() {
    let behind = Behind::new();
    let proxy = Socks::knowing(&[]);
    behind.settings("carol", &proxy.settings());
    policy(&behind.place, "carol", "[sources]\nhttp = \"https://{domain}/x\"\n");
    let is_refused = |answer: &Ran| {
        let message = json(answer)["sources"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("private network"), "{message}");
    };
    is_refused(&behind.silent("carol", &["keys", "find", "--json", "root@localhost"]).exits(3));
    // Nor can the server of its domain.
    let (place, locations) = (&behind.place, "location /x { return 302 https://127.0.0.1/; }");
    let Some(server) = web_server(&place.path("nginx"), &place.path(""), Some(&behind.tls), locations) else {
        return;
    };
    let proxy = Socks::knowing(&[("example.org:443", server.address)]);
    behind.settings("carol", &proxy.settings());
    is_refused(&behind.through(proxy.port, "carol", &FIND).exits(3));
    assert_eq!(proxy.asked(), ["example.org:443"]);
}

#[test]
fn a_server_is_looked_for_through_the_proxy() {
    let behind = Behind::new();
    let proxy = Socks::knowing(&[]);
    behind.settings("alice", &proxy.settings());
    let ran = behind.through(proxy.port, "alice", &["setup", "alice@example.org", "--yes", "--no-check"]);
    assert!(ran.exits(3).stderr.contains("names no resolver"));
    let asked = proxy.asked();
    assert!(asked.contains(&"autoconfig.example.org:443".to_owned()), "{asked:?}");
}
