//! How domains want to be delivered to: what `cseal doctor` finds.

use std::fs;

use super::{json, policy};
use crate::people::{Place, Ran};
use crate::servers::{NameServer, Server, TlsNames, web_server};
use crate::socks::Socks;

const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n";

struct Domain {
    place: Place,
    tls: TlsNames,
    names: NameServer,
    web: Server,
}

impl Domain {
    fn new() -> Option<Self> {
        let place = Place::new();
        let digest = "aa".repeat(32);
        let sts = |domain: &str| format!("_mta-sts.{domain}. IN TXT \"v=STSv1; id=1;\"\n");
        let example = format!(
            "example.org. IN MX 10 mx.example.org.\nexample.org. IN MX 20 mx2.example.org.\n\
             _25._tcp.mx.example.org. IN TLSA 3 1 1 {digest}\n_25._tcp.mx2.example.org. IN TLSA 0 0 1 {digest}\n{}",
            sts("example.org")
        );
        let unsigned = format!(
            "example.net. IN MX 10 mx.example.net.\n_25._tcp.mx.example.net. IN TLSA 3 1 1 {digest}\n"
        );
        let broken = "broken.org. IN MX 10 ABCDEF.broken.org.\n";
        let zones = [("example.org", example.as_str()), ("example.net", &unsigned), ("broken.org", broken)];
        let names = NameServer::start(&place.path("dns"), &zones)?;
        let tls = TlsNames::make(&place.path("tls"));
        fs::create_dir_all(place.path("web/.well-known")).unwrap();

        let web = web_server(&place.path("nginx"), &place.path("web"), Some(&tls), "")?;
        let domain = Self { place, tls, names, web };
        domain.policy("");
        Some(domain)
    }

    fn policy(&self, more: &str) {
        let text = format!(
            "{more}[sources.hosts]\n\"mta-sts.example.org\" = \"{}\"\n{}",
            self.web.address,
            self.names.policy()
        );
        policy(&self.place, "alice", &text);
    }

    fn doctor(&self, arguments: &[&str]) -> Ran {
        let roots = ("SSL_CERT_FILE", self.tls.authority.as_path());
        self.place.run_with(roots, "alice", &[&["doctor", "--json"], arguments].concat())
    }

    /// The words of what was found, and the sentences.
    #[track_caller]
    fn found(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let said = json(&self.doctor(arguments));
        let checks = said["checks"].as_array().unwrap();
        let Some(check) = checks.iter().find(|check| check["check"] == "delivery") else { return Vec::new() };
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let findings = check["findings"].as_array().unwrap().iter();
        findings.map(|finding| (text(&finding["word"]), text(&finding["message"]))).collect()
    }
}

#[test]
fn policies_and_proven_keys_are_found() {
    let Some(domain) = Domain::new() else { return };
    let serve = |text: &str| domain.place.write("web/.well-known/mta-sts.txt", text);
    serve(&POLICY.replace("mx: mx.", "mx: *."));
    let found = domain.found(&["--domain", "Example.org."]);
    let words: Vec<&str> = found.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["mta-sts", "dane"], "{found:?}");
    assert!(found[0].1.contains("enforced (for 7 days)"), "{found:?}");
    // Usage 0 has no meaning in SMTP.
    assert!(found[1].1.contains("DANE for mx.example.org, not for mx2.example.org:"), "{found:?}");

    serve(POLICY);
    assert!(domain.found(&["--domain", "example.org"])[0].1.contains("does not allow mx2.example.org:"));
    serve(&POLICY.replace("enforce", "testing"));
    assert_eq!(domain.found(&["--domain", "example.org"])[0].0, "mta-sts-testing");
    serve(&POLICY.replace("enforce", "none"));
    assert_eq!(domain.found(&["--domain", "example.org"])[0].0, "no-mta-sts");
}

#[test]
fn through_a_proxy_the_same_is_found_by_names_that_only_it_knows() {
    let Some(domain) = Domain::new() else { return };
    domain.place.write("web/.well-known/mta-sts.txt", POLICY);
    let straight = domain.found(&["--domain", "example.org"]);
    let resolver = "192.0.2.53:53";
    let known = [(resolver, domain.names.server.address), ("mta-sts.example.org:443", domain.web.address)];
    let proxy = Socks::knowing(&known);
    domain.place.write("alice/config.toml", proxy.settings());
    let source = domain.names.policy().replace(&domain.names.server.address.to_string(), resolver);
    policy(&domain.place, "alice", &source);
    assert_eq!(domain.found(&["--domain", "example.org"]), straight);
    assert_eq!(straight.len(), 2, "{straight:?}");
    let asked = proxy.asked();
    assert!(known.iter().all(|(name, _)| asked.iter().any(|asked| asked == name)), "{asked:?}");
}

#[test]
fn what_is_not_proven_or_not_readable_counts_for_nothing() {
    let Some(domain) = Domain::new() else { return };
    let words =
        |arguments: &[&str]| domain.found(arguments).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    // TLSA records in a zone that does not sign.
    assert_eq!(words(&["--domain", "example.net"]), ["no-mta-sts", "no-dane"]);
    let broken = domain.doctor(&["--domain", "broken.org"]);
    assert_eq!(broken.code, 1, "a warning");
    assert_eq!(words(&["--domain", "broken.org"])[0], "dnssec-bogus");
    // A record announces a policy, and there is none, or none that could be read.
    assert_eq!(words(&["--domain", "example.org"])[0], "bad-answer");
    for text in
        [POLICY.replace("STSv1", "STSv2"), format!("{POLICY}{}", " ".repeat(70 << 10)), "<html>".to_owned()]
    {
        domain.place.write("web/.well-known/mta-sts.txt", text);
        assert_eq!(words(&["--domain", "example.org"])[0], "bad-answer");
    }
    // A redirection is not followed, even to a good policy (RFC 8461, section 3.3).
    domain.place.write("web/policy.txt", POLICY);
    let location = "location /.well-known/ { return 302 /policy.txt; }";
    let web =
        web_server(&domain.place.path("nginx2"), &domain.place.path("web"), Some(&domain.tls), location);
    let redirecting = Domain { web: web.unwrap(), ..domain };
    redirecting.policy("");
    let found = redirecting.found(&["--domain", "example.org"]);
    assert!(found[0].0 == "unreachable" && found[0].1.contains("status 302"), "{found:?}");
    let domain = redirecting;
    domain.place.write("web/.well-known/mta-sts.txt", POLICY);
    let other = TlsNames::make(&domain.place.path("other"));
    let arguments = ["doctor", "--json", "--domain", "example.org"];
    let ran = domain.place.run_with(("SSL_CERT_FILE", other.authority.as_path()), "alice", &arguments);
    assert!(ran.text().contains("unreachable") && !ran.text().contains("is enforced"), "{}", ran.text());
}

#[test]
fn domains_of_contacts_are_asked_only_where_the_policy_lets_cseal_ask() {
    let Some(domain) = Domain::new() else { return };
    domain.place.write("web/.well-known/mta-sts.txt", POLICY);
    assert!(domain.found(&[]).is_empty());
    domain.policy("[sources]\nnetwork = \"always\"\n");
    let found = domain.found(&[]);
    assert!(
        found.iter().any(|(word, message)| word == "mta-sts" && message.starts_with("example.org:")),
        "{found:?}"
    );
    domain.policy("[sources]\nnetwork = \"never\"\n");
    assert!(domain.found(&[]).is_empty());
    assert_eq!(domain.doctor(&["--domain", "example.org"]).exits(3).json()["error"], "offline");
    assert_eq!(domain.doctor(&["--domain", "a b"]).exits(3).json()["error"], "offline");
    domain.policy("");
    assert_eq!(domain.doctor(&["--domain", "a b"]).exits(2).json()["error"], "usage");
    let offline = domain.place.run("alice", &["--offline", "doctor", "--json", "--domain", "example.org"]);
    assert_eq!(offline.exits(3).json()["error"], "offline");
}
