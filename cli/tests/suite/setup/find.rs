//! Which server is found, and which is not taken.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{json, keyring, run, text, typed};
use crate::people::Place;
use crate::servers::{NameServer, Server, TlsNames, web_server};

const PACC: &str = r#"{"protocols":{"imap":{"host":"box.example.org"},"smtp":{"host":"pacc.example.org"}},"authentication":{"password":true}}"#;
const ALICE: [&str; 6] = ["setup", "alice@example.org", "--no-check", "--timer", "none", "--json"];

fn autoconfig(host: &str, socket: &str, before: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>{before}<clientConfig version=\"1.1\"><emailProvider id=\"example.org\">\
         <outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>465</port><socketType>{socket}</socketType>\
         <username>%EMAILLOCALPART%</username></outgoingServer></emailProvider></clientConfig>"
    )
}

/// The same document with a mailbox.
fn with_mailbox(document: &str, host: &str, port: &str, socket: &str, more: &str) -> String {
    let incoming = format!(
        "<incomingServer type=\"imap\"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>\
         <username>%EMAILLOCALPART%</username>{more}</incomingServer><outgoingServer"
    );
    document.replace("<outgoingServer", &incoming)
}

/// A domain with a name server and a web server; its documents are files.
struct Domain {
    place: Place,
    tls: TlsNames,
    _names: NameServer,
    _web: Server,
}

impl Domain {
    fn new() -> Option<Self> {
        Self::with("")
    }

    /// With a web server that does something of its own at some places.
    fn with(locations: &str) -> Option<Self> {
        let place = Place::new();
        let digest = <base64ct::Base64 as base64ct::Encoding>::encode_string(&Sha256::digest(PACC));
        let records = format!(
            "_ua-auto-config.example.org. IN TXT \"v=UAAC1; a=sha256; d={digest}\"\n\
             _submissions._tcp.example.org. IN SRV 0 1 465 srv.example.org.\n\
             _imaps._tcp.example.org. IN SRV 0 1 1993 srv-box.example.org.\n\
             _imap._tcp.example.org. IN SRV 0 1 143 clear-box.example.org.\n"
        );
        let unsigned = "_submissions._tcp.example.net. IN SRV 0 1 465 srv.example.net.\n";
        let broken = "_submissions._tcp.broken.org. IN SRV 0 1 465 ABCDEF.broken.org.\n";
        let zones = [("example.org", records.as_str()), ("example.net", unsigned), ("broken.org", broken)];
        let names = NameServer::start(&place.path("dns"), &zones)?;
        let tls = TlsNames::make(&place.path("tls"));
        for name in ["web/mail", "web/.well-known/autoconfig/mail"] {
            fs::create_dir_all(place.path(name)).unwrap();
        }
        let web = web_server(&place.path("nginx"), &place.path("web"), Some(&tls), locations)?;
        let domain = Self { place, tls, _names: names, _web: web };
        domain.policy(&["ua-auto-config.example.org", "autoconfig.example.org", "example.org"], "");
        Some(domain)
    }

    /// Which of the hosts exist.
    fn policy(&self, hosts: &[&str], more: &str) {
        let all = ["ua-auto-config", "autoconfig"].into_iter().flat_map(|label| {
            ["example.org", "example.net", "broken.org"].map(|domain| format!("{label}.{domain}"))
        });
        let others = ["example.org", "example.net", "broken.org", "autoconfig.thunderbird.net"];
        let all = all.chain(others.map(str::to_owned));
        let rows: String = all
            .map(|host| match hosts.contains(&host.as_str()) {
                true => format!("\"{host}\" = \"{}\"\n", self._web.address),
                false => format!("\"{host}\" = false\n"),
            })
            .collect();
        let policy = format!("{more}[sources.hosts]\n{rows}{}", self._names.policy());
        for person in ["alice", "dave"] {
            fs::create_dir_all(self.place.path(person)).unwrap();
            self.place.write(&format!("{person}/policy.toml"), &policy);
        }
    }

    fn serve(&self, path: &str, text: &str) {
        self.place.write(&format!("web/{path}"), text);
    }

    fn setup(&self, arguments: &[&str]) -> crate::people::Ran {
        run(&self.place, "alice", &self.tls.authority, arguments)
    }

    /// What was refused, and that nothing was written.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> serde_json::Value {
        let refused = self.setup(arguments).exits(3).json();
        assert!(!self.place.path("alice/config.toml").exists());
        refused
    }
}

#[test]
fn each_source_is_asked_in_its_turn_and_what_the_domain_proves_is_taken() {
    let Some(domain) = Domain::new() else { return };
    domain.serve(".well-known/user-agent-configuration.json", PACC);
    let first = autoconfig("first.example.org", "SSL", "");
    domain.serve("mail/config-v1.1.xml", &with_mailbox(&first, "first-box.%EMAILDOMAIN%", "993", "SSL", ""));
    domain.serve(
        ".well-known/autoconfig/mail/config-v1.1.xml",
        &autoconfig("second.%EMAILDOMAIN%", "STARTTLS", ""),
    );
    let all = ["ua-auto-config.example.org", "autoconfig.example.org", "example.org"];
    for (hosts, by, server, user, imap) in [
        (&all[..], "pacc", "smtps://pacc.example.org", "alice@example.org", Some("imaps://box.example.org")),
        (
            &all[1..],
            "autoconfig",
            "smtps://first.example.org",
            "alice",
            Some("imaps://first-box.example.org"),
        ),
        (&all[2..], "autoconfig", "smtp+starttls://second.example.org:465", "alice", None),
        (
            &[],
            "srv",
            "smtps://srv.example.org",
            "alice@example.org",
            Some("imaps://srv-box.example.org:1993"),
        ),
    ] {
        domain.policy(hosts, "");
        let done = json(&domain.setup(&ALICE).exits(0));
        assert_eq!((&done["found_by"], &done["check"]), (&by.into(), &"none".into()), "{done}");
        assert_eq!(done["imap"].as_str(), imap, "{done}");
        let written = text(&domain.place, "alice/config.toml");
        let mailbox = imap.map(|imap| format!("imap = \"{imap}\"\n")).unwrap_or_default();
        let expected = format!(
            "[account.home]\nfrom = [\"alice@example.org\"]\nsmtp = \"{server}\"\nuser = \"{user}\"\n\
             password = {{ keyring = true }}\n{mailbox}"
        );
        assert_eq!(written, expected);
        fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    }
    // Whoever changed the document could not change the digest.
    domain.serve(".well-known/user-agent-configuration.json", &PACC.replace("pacc.", "other."));
    domain.policy(&all[..1], "");
    let ran = domain.setup(&[&ALICE[..5], &["--yes"]].concat()).exits(0);
    assert!(ran.stderr.contains("bad-answer: the DNS of the domain has no digest of it"), "{}", ran.stderr);
    assert!(text(&domain.place, "alice/config.toml").contains("srv.example.org"));
}

#[test]
fn a_mailbox_that_is_not_proven_is_left_out_and_keeps_nobody_from_sending() {
    let Some(domain) = Domain::new() else { return };
    domain.policy(&["autoconfig.example.org"], "");
    let smtp = autoconfig("smtp.example.org", "SSL", "");
    let token = "<authentication>OAuth2</authentication>";
    for (host, port, socket, more, why) in [
        ("imap.evil.example", "993", "SSL", "", Some("it is no host of example.org")),
        ("imap.example.org.evil.example", "993", "SSL", "", Some("it is no host of example.org")),
        ("localhost", "993", "SSL", "", Some("it is no host of example.org")),
        ("imap.example.org", "993", "SSL", token, Some("another log-in")),
        ("imap.example.org", "143", "plain", "", None),
        ("imap.example.org", "143", "STARTTLS", "", None),
        ("imap.example.org", "0", "SSL", "", None),
        ("imap.example.org", "70000", "SSL", "", None),
        ("127.0.0.1", "993", "SSL", "", None),
        ("imap.example.org\n[[sync]]", "993", "SSL", "", None),
    ] {
        domain.serve("mail/config-v1.1.xml", &with_mailbox(&smtp, host, port, socket, more));
        for script in [&[][..], &["--yes"]] {
            let done = json(&domain.setup(&[&ALICE[..], script].concat()).exits(0));
            assert_eq!(
                (&done["imap"], &done["found_by"]),
                (&serde_json::Value::Null, &"autoconfig".into()),
                "{done}"
            );
            let note = done["notes"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|note| note.as_str())
                .find(|note| note.contains("mailbox"));
            assert!(
                why.map_or(note.is_none(), |why| note.is_some_and(|note| note.contains(why))),
                "{host}: {done}"
            );
            let written = text(&domain.place, "alice/config.toml");
            assert!(written.contains("smtps://smtp.example.org") && !written.contains("imap"), "{written}");
            fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
        }
    }
    // Of several the first that can be had is taken; another name than that for sending is none of the account.
    let several = with_mailbox(&smtp, "imap.example.org", "1993", "SSL", "");
    let several = with_mailbox(&several, "imap.example.org", "143", "plain", "");
    domain.serve("mail/config-v1.1.xml", &several);
    assert_eq!(json(&domain.setup(&ALICE).exits(0))["imap"], "imaps://imap.example.org:1993");
    fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    let other =
        with_mailbox(&smtp, "imap.example.org", "993", "SSL", "").replacen("%EMAILLOCALPART%", "other", 1);
    domain.serve("mail/config-v1.1.xml", &other);
    assert_eq!(json(&domain.setup(&ALICE).exits(0))["imap"], serde_json::Value::Null);
    fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    // Who says their name says it for both.
    let named = json(&domain.setup(&[&ALICE[..], &["--user", "al"]].concat()).exits(0));
    assert_eq!(named["imap"], "imaps://imap.example.org");
}

#[test]
fn a_person_is_asked_about_a_mailbox_of_somebody_else() {
    let Some(domain) = Domain::new() else { return };
    if crate::peers::command::find("script").is_none() {
        return crate::peers::command::missing("script");
    }
    keyring(&domain.place);
    domain.policy(&["autoconfig.example.org"], "");
    let smtp = autoconfig("smtp.example.org", "SSL", "");
    domain.serve("mail/config-v1.1.xml", &with_mailbox(&smtp, "imap.provider.example", "993", "SSL", ""));
    let arguments = "setup alice@example.org --no-check --timer none --policy require";
    let roots: &Path = &domain.tls.authority;
    let no = typed(&domain.place, "alice", roots, arguments, "no\ngeheim\n");
    assert!(no.contains("it is no host of example.org") && !no.contains("your mailbox is at"), "{no}");
    let written = text(&domain.place, "alice/config.toml");
    assert!(written.contains("smtps://smtp.example.org") && !written.contains("imap"), "{written}");
    fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    let yes = typed(&domain.place, "alice", roots, arguments, "yes\n");
    let hint = "two lines of config.toml: [[sync]] and imap = \"home\"";
    assert!(yes.contains("your mailbox is at imaps://imap.provider.example") && yes.contains(hint), "{yes}");
    let written = text(&domain.place, "alice/config.toml");
    assert!(
        written.contains("imap = \"imaps://imap.provider.example\"") && !written.contains("sync"),
        "{written}"
    );
}

#[test]
fn what_is_not_proven_is_refused_where_nobody_can_be_asked() {
    let Some(domain) = Domain::new() else { return };
    let own = ["autoconfig.example.org"];
    domain.policy(&own, "");
    domain.serve("mail/config-v1.1.xml", &autoconfig("smtp.evil.example", "SSL", ""));
    for more in [&[][..], &["--yes"]] {
        let refused = domain.refused(&[&ALICE[..], more].concat());
        assert_eq!(refused["error"], "server-unproven");
        assert!(refused["message"].as_str().unwrap().contains("smtps://smtp.evil.example"), "{refused}");
        assert!(
            refused["hint"].as_str().unwrap().contains("--server smtps://smtp.evil.example"),
            "{refused}"
        );
    }
    // An unsigned zone proves nothing; a broken one is not looked at.
    for (address, word) in [("dave@example.net", "server-unproven"), ("erin@broken.org", "no-server")] {
        let arguments = ["setup", address, "--no-check", "--timer", "none", "--json", "--no-passphrase"];
        let refused = run(&domain.place, "dave", &domain.tls.authority, &arguments).exits(3).json();
        assert_eq!(refused["error"], word, "{refused}");
        assert!(!domain.place.path("dave/config.toml").exists());
        assert!(!domain.place.path("dave/store.sqlite3").exists(), "what cannot go on leaves nothing behind");
    }
}

#[test]
fn somebody_elses_list_is_asked_only_where_the_person_says_so_and_proves_nothing() {
    let Some(domain) = Domain::new() else { return };
    fs::create_dir_all(domain.place.path("web/v1.1")).unwrap();
    domain.serve("v1.1/example.org", &autoconfig("listed.example.org", "SSL", ""));
    domain.policy(&["autoconfig.thunderbird.net"], "");
    let asked = || text(&domain.place, "nginx/access.log").contains("/v1.1/");
    let refused = domain.refused(&[&ALICE[..], &["--ispdb"]].concat());
    assert_eq!(refused["error"], "server-unproven");
    assert!(
        refused["message"].as_str().unwrap().contains("nothing proves that example.org says so"),
        "{refused}"
    );
    assert!(asked());
    fs::write(domain.place.path("nginx/access.log"), "").unwrap();
    assert_eq!(json(&domain.setup(&ALICE).exits(0))["found_by"], "srv");
    assert!(!asked());
}

#[test]
fn a_hostile_document_names_no_server() {
    let Some(domain) = Domain::new() else { return };
    let bomb = "<!DOCTYPE c [<!ENTITY a \"smtp\"><!ENTITY b \"&a;&a;&a;\">]>";
    let deep = "<a>".repeat(5_000);
    for (document, why) in [
        (autoconfig("smtp.example.org", "plain", ""), "only servers without TLS"),
        (autoconfig("&b;.example.org", "SSL", bomb), "a DTD"),
        (autoconfig("&b;.example.org", "SSL", ""), "an entity"),
        (format!("<clientConfig>{deep}"), "its depth"),
        (
            format!("{}{}", autoconfig("smtp.example.org", "SSL", ""), " ".repeat(70 << 10)),
            "more than 65536 bytes",
        ),
        (autoconfig("smtp.example.org\n evil", "SSL", ""), "no server for sending"),
    ] {
        // The zone has another server; here it is the document that is to be refused.
        domain.policy(&["autoconfig.example.org"], "");
        domain.serve("mail/config-v1.1.xml", &document);
        let ran = domain.setup(&ALICE[..5]).exits(0);
        let asked = ran.stderr.lines().find(|line| line.contains("autoconfig.example.org")).unwrap();
        assert!(asked.contains("bad-answer") && asked.contains(why), "{why}: {asked}");
        assert!(text(&domain.place, "alice/config.toml").contains("srv.example.org"), "{why}");
        fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    }
}

#[test]
fn a_redirection_leads_to_no_private_network_nor_out_of_tls_nor_in_circles() {
    const AT: &str = "/mail/config-v1.1.xml";
    for (target, why) in [
        ("http://autoconfig.example.org/other.xml", "redirects to an address without TLS"),
        ("https://127.0.0.1:$server_port/other.xml", "is in a private network"),
        ("https://localhost:$server_port/other.xml", "is in a private network"),
        ("https://[::ffff:127.0.0.1]:$server_port/other.xml", "is in a private network"),
        ("https://autoconfig.example.org/mail/config-v1.1.xml", "redirect"),
        ("file:///etc/passwd", ""),
    ] {
        let Some(domain) = Domain::with(&format!("location = {AT} {{ return 302 {target}; }}")) else {
            return;
        };
        domain.policy(&["autoconfig.example.org"], "");
        domain.serve("other.xml", &autoconfig("smtp.example.org", "SSL", ""));
        let ran = domain.setup(&ALICE[..5]).exits(0);
        let asked = ran.stderr.lines().find(|line| line.contains(AT)).unwrap();
        assert!(asked.contains(why) && !asked.contains("smtp.example.org"), "{target}: {asked}");
        let log = text(&domain.place, "nginx/access.log");
        assert!(!log.contains("other.xml") && log.matches(AT).count() <= 10, "{target}: {log}");
        // What the zone proves is taken all the same.
        assert!(text(&domain.place, "alice/config.toml").contains("srv.example.org"), "{target}");
    }
}

#[test]
fn what_strangers_write_steers_no_terminal() {
    let error = "location = /mail/config-v1.1.xml { return 302 \"https://\u{1b}[2Jevil.example.org/\"; }";
    let Some(domain) = Domain::with(error) else { return };
    domain.policy(&["autoconfig.example.org", "example.org"], "");
    let path = ".well-known/autoconfig/mail/config-v1.1.xml";
    let hostile = |user: &str| autoconfig("smtp.example.org", "SSL", "").replace("%EMAILLOCALPART%", user);
    for (user, is_taken) in
        [("a\u{9b}2J\"\n[account.evil]", false), ("\u{202e}a\u{200b}\"[account.evil]", true)]
    {
        domain.serve(path, &hostile(user));
        let ran = domain.setup(&ALICE[..5]).exits(0);
        let shown = format!("{}{}", ran.text(), ran.stderr);
        let is_bad =
            |one: char| one.is_control() && !"\n\t".contains(one) || "\u{202e}\u{200b}".contains(one);
        assert!(!shown.contains(is_bad), "{shown:?}");
        // Whatever it is, it is one value.
        let accounts = place_accounts(&domain.place);
        assert_eq!(
            accounts,
            [("home".to_owned(), if is_taken { user } else { "alice@example.org" }.to_owned())]
        );
        fs::remove_file(domain.place.path("alice/config.toml")).unwrap();
    }
}

/// The accounts of Alice's file with their user names.
fn place_accounts(place: &Place) -> Vec<(String, String)> {
    let document = toml_edit::Document::parse(text(place, "alice/config.toml")).unwrap();
    let accounts = document["account"].as_table().unwrap().iter();
    accounts.map(|(name, account)| (name.to_owned(), account["user"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_web_server_with_another_certificate_is_not_listened_to() {
    let Some(domain) = Domain::new() else { return };
    domain.serve(".well-known/user-agent-configuration.json", PACC);
    let other = TlsNames::make(&domain.place.path("other-tls"));
    let ran = run(&domain.place, "alice", &other.authority, &ALICE[..5]).exits(0);
    let asked = ran.stderr.lines().find(|line| line.contains("ua-auto-config")).unwrap();
    assert!(asked.contains("unreachable"), "{asked}");
    assert!(!text(&domain.place, "alice/config.toml").contains("pacc.example.org"));
}

#[test]
fn nothing_is_asked_where_that_is_forbidden() {
    let Some(domain) = Domain::new() else { return };
    let offline = domain.refused(&[&["--offline"], &ALICE[..]].concat());
    assert_eq!(offline["error"], "offline");
    domain.policy(&[], "[sources]\nnetwork = \"never\"\n");
    assert_eq!(domain.refused(&ALICE)["error"], "offline");
    // Whoever names the server asks nobody.
    let named = [&["--offline"], &ALICE[..], &["--server", "smtps://smtp.example.org"]].concat();
    assert_eq!(json(&domain.setup(&named).exits(0))["found_by"], "option");
}

#[test]
fn a_person_is_asked_about_a_host_of_somebody_else() {
    let Some(domain) = Domain::new() else { return };
    if crate::peers::command::find("script").is_none() {
        return crate::peers::command::missing("script");
    }
    keyring(&domain.place);
    domain.policy(&["autoconfig.example.org"], "");
    domain.serve("mail/config-v1.1.xml", &autoconfig("smtp.provider.example", "SSL", ""));
    let arguments = "setup alice@example.org --no-check --timer none --policy require";
    let roots: &Path = &domain.tls.authority;
    let no = typed(&domain.place, "alice", roots, arguments, "no\n");
    assert!(no.contains("it is no host of example.org") && no.contains("nothing was written"), "{no}");
    assert!(!domain.place.path("alice/config.toml").exists());
    let yes = typed(&domain.place, "alice", roots, arguments, "yes\ngeheim\n");
    assert!(text(&domain.place, "alice/config.toml").contains("smtps://smtp.provider.example"), "{yes}");
}

#[test]
fn a_person_is_asked_before_somebody_elses_list_is() {
    let Some(domain) = Domain::new() else { return };
    if crate::peers::command::find("script").is_none() {
        return crate::peers::command::missing("script");
    }
    keyring(&domain.place);
    fs::create_dir_all(domain.place.path("web/v1.1")).unwrap();
    domain.serve("v1.1/broken.org", &autoconfig("smtp.broken.org", "SSL", ""));
    domain.policy(&["autoconfig.thunderbird.net"], "");
    let asked = || text(&domain.place, "nginx/access.log").contains("/v1.1/");
    let arguments = "setup erin@broken.org --no-check --timer none --policy require --no-passphrase";
    // Who says no sees usual names tried, which would leave this machine.
    let yes = typed(&domain.place, "alice", &domain.tls.authority, arguments, "yes\nyes\ngeheim\n");
    assert!(yes.contains("It learns that you use broken.org") && asked(), "{yes}");
    assert!(text(&domain.place, "alice/config.toml").contains("smtps://smtp.broken.org"), "{yes}");
}
