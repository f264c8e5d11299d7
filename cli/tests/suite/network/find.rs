//! `cseal keys find` and `cseal keys publish`.

use serde_json::Value;

use super::{json, policy};
use crate::gnupg::Gnupg;
use crate::people::{Place, Ran};
use crate::servers::{NameServer, TlsNames, directory_server, program, web_server};

fn find(place: &Place, person: &str, arguments: &[&str]) -> Ran {
    place.run(person, &[&["keys", "find", "--json"], arguments].concat())
}

/// The score and the level of the first candidate.
#[track_caller]
fn best(found: &Value) -> (u64, &str) {
    let first = &found["candidates"][0];
    (first["score"].as_u64().unwrap(), first["level"].as_str().unwrap())
}

/// A name server with bob's records in a signed zone, dave's in one that is not, and broken ones.
fn name_server(place: &Place) -> Option<NameServer> {
    program("named")?;
    let init = ["init", "dave@example.net", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("dave", &init).exits(0);
    let publish = |person: &str| place.run(person, &["keys", "publish", "--smimea"]).exits(0).text();
    let (bob, dave) = (publish("bob"), publish("dave"));
    let erin = format!("{}._smimecert.broken.org. IN SMIMEA 3 0 0 ABCDEF\n", label("erin"));
    let stripped = erin.replace("broken.org", "stripped.org");
    let records = [
        ("example.org", bob.as_str()),
        ("example.net", &dave),
        ("broken.org", &erin),
        ("stripped.org", &stripped),
    ];
    NameServer::start(&place.path("dns"), &records)
}

/// The first label of the owner name of a local part (RFC 8162, section 3).
fn label(local_part: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(local_part).iter().take(28).map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn records_are_secure_insecure_or_bogus_and_worth_no_more_than_that() {
    let place = Place::new();
    let Some(server) = name_server(&place) else { return };
    policy(&place, "nobody", &server.policy());
    let ask = |address| find(&place, "nobody", &[address]);

    let secure = json(&ask("bob@example.org").exits(0));
    assert_eq!(
        (&secure["sources"][0]["result"], &secure["sources"][0]["dnssec"]),
        (&"found".into(), &"secure".into())
    );
    assert_eq!(best(&secure), (80, "checked"), "{secure}");
    let scores = secure["candidates"].as_array().unwrap().iter().map(|one| one["score"].as_u64().unwrap());
    assert!(scores.clone().count() == 2 && scores.max() == Some(80), "two records are one zone");

    let insecure = json(&ask("dave@example.net").exits(0));
    assert_eq!(insecure["sources"][0]["dnssec"], "insecure");
    assert_eq!(best(&insecure), (5, "opportunistic"));

    // Whoever takes the signatures away does not get the 5 points of a domain that has none.
    for address in ["erin@broken.org", "erin@stripped.org", "nobody@stripped.org"] {
        assert_eq!(json(&ask(address).exits(3))["sources"][0]["reason"], "dnssec-bogus", "{address}");
    }
    let bogus = json(&ask("erin@broken.org").exits(3));
    assert_eq!(
        (&bogus["sources"][0]["result"], &bogus["sources"][0]["reason"]),
        (&"failed".into(), &"dnssec-bogus".into())
    );
    assert_eq!(bogus["candidates"], serde_json::json!([]));

    let nothing = json(&ask("nobody@example.org").exits(1));
    assert_eq!(nothing["sources"][0]["result"], "nothing");
    assert!(!place.path("nobody/store.db").exists(), "a question makes no store");
}

#[test]
fn without_the_right_anchor_a_signed_answer_is_bogus() {
    let place = Place::new();
    let Some(server) = name_server(&place) else { return };
    policy(&place, "nobody", &format!("[sources.smimea]\nresolver = \"{}\"\n", server.server.address));
    let answer = json(&find(&place, "nobody", &["bob@example.org"]).exits(3));
    assert_eq!(answer["sources"][0]["reason"], "dnssec-bogus");
}

#[test]
fn what_was_looked_up_is_written_to_and_adds_nothing_to_itself() {
    let place = Place::new();
    let Some(server) = name_server(&place) else { return };
    policy(&place, "carol", &server.policy());
    let mail = "From: carol@example.org\r\nTo: bob@example.org\r\n\r\nHello.\r\n";
    place.write("to-bob.eml", mail);
    place.run("carol", &["encrypt", "to-bob.eml", "-o", "no.eml"]).exits(1);
    let found = json(&find(&place, "carol", &["bob@example.org"]).exits(0));
    assert_eq!(found["imported"], false);
    place.run("carol", &["encrypt", "to-bob.eml", "-o", "no.eml"]).exits(1);

    let found = json(&find(&place, "carol", &["bob@example.org", "--import"]).exits(0));
    assert_eq!((best(&found), &found["imported"]), ((80, "checked"), &true.into()));
    let shown = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]).exits(0));
    assert_eq!(shown["score"], 80, "{shown}");
    place.run("carol", &["encrypt", "to-bob.eml", "-o", "sealed.eml"]).exits(0);
    place.run("bob", &["decrypt", "sealed.eml", "-o", "open.eml"]).exits(0);
    assert!(String::from_utf8(place.read("open.eml")).unwrap().contains("Hello."));

    // The record's life of an hour is over: what is left is that the key was taken in.
    let later = ["trust", "show", "--json", "bob@example.org", "--at"];
    let tomorrow = jiff::Timestamp::now() + jiff::Span::new().hours(24);
    let shown = json(&place.run("carol", &[&later[..], &[&tomorrow.to_string()]].concat()).exits(0));
    assert_eq!(shown["score"], 10, "{shown}");
    let listed = json(&place.run("carol", &["keys", "list", "--json"]).exits(0));
    let mut contacts = listed["contacts"].as_array().unwrap().iter();
    assert!(contacts.any(|contact| contact["source"] == "lookup"), "{listed}");
}

#[test]
fn encrypt_looks_a_missing_key_up_where_the_policy_says_so() {
    let place = Place::new();
    let Some(server) = name_server(&place) else { return };
    place.write("to-bob.eml", "From: carol@example.org\r\nTo: bob@example.org\r\n\r\nHello.\r\n");
    let encrypt = |more: &[&str], name: &str| {
        place.run("carol", &[more, &["encrypt", "to-bob.eml", "-o", name]].concat())
    };
    policy(&place, "carol", &server.policy());
    encrypt(&[], "no.eml").exits(1);
    policy(&place, "carol", &format!("[sources]\nnetwork = \"always\"\n{}", server.policy()));
    encrypt(&["--offline"], "no.eml").exits(1);
    encrypt(&[], "sealed.eml").exits(0);
    place.run("bob", &["decrypt", "sealed.eml", "-o", "open.eml"]).exits(0);
    // It was taken in: the next mail asks nobody.
    drop(server);
    encrypt(&[], "again.eml").exits(0);
}

#[test]
fn a_server_cannot_slip_a_key_in_beside_the_one_that_was_compared() {
    let place = Place::new();
    if program("named").is_none() {
        return;
    }
    let init = ["init", "bob@example.org", "--no-passphrase", "--algorithm", "rsa-2048"];
    place.run("impostor", &init).exits(0);
    let records = place.run("impostor", &["keys", "publish", "--smimea"]).exits(0).text();
    let Some(server) = NameServer::start(&place.path("dns"), &[("example.org", &records)]) else { return };
    policy(&place, "alice", &server.policy());
    let listed = || place.run("alice", &["keys", "list", "bob@example.org"]).exits(0).text();
    let before = listed();
    let found = json(&find(&place, "alice", &["bob@example.org", "--import"]).exits(4));
    assert_eq!((best(&found), &found["imported"]), ((0, "conflict"), &false.into()));
    assert_eq!(listed(), before);
}

#[test]
fn an_address_that_names_its_key_finds_that_key_or_none() {
    let place = Place::new();
    let Some(server) = name_server(&place) else { return };
    policy(&place, "carol", &server.policy());
    let key = |person: &str| String::from_utf8(place.read(&format!("{person}.fingerprint"))).unwrap();
    let listed = json(&place.run("bob", &["keys", "list", "--json"]).exits(0));
    let own = listed["keys"].as_array().unwrap().iter().find(|key| key["use"] == "encryption").unwrap();
    let encryption = own["fingerprint"].as_str().unwrap().to_owned();

    let other =
        json(&find(&place, "carol", &[&format!("{}?bob@example.org", key("alice")), "--import"]).exits(4));
    assert_eq!(other["imported"], false);
    find(&place, "carol", &["?bob@example.org", "--import"]).exits(4);
    place.run("carol", &["keys", "show", "bob@example.org"]).exits(3);

    let named =
        json(&find(&place, "carol", &[&format!("{encryption}?bob@example.org"), "--import"]).exits(0));
    assert_eq!((best(&named).1, &named["imported"]), ("verified", &true.into()), "{named}");
    let shown = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]).exits(0));
    assert_eq!(
        (&shown["level"], &shown["pinned"]),
        (&"verified".into(), &true.into()),
        "it was compared: {shown}"
    );
}

#[test]
fn records_in_every_form_name_the_key() {
    let place = Place::new();
    if program("named").is_none() {
        return;
    }
    for form in [
        &["--generic"][..],
        &["--matching", "sha256"],
        &["--matching", "sha512", "--selector", "public-key", "--generic"],
    ] {
        let records = place.run("bob", &[&["keys", "publish", "--smimea"], form].concat()).exits(0).text();
        let Some(server) = NameServer::start(&place.path("dns"), &[("example.org", &records)]) else {
            return;
        };
        policy(&place, "alice", &server.policy());
        // Alice has compared bob's key, and has his certificates: a digest names them.
        let found = json(&find(&place, "alice", &["bob@example.org"]).exits(0));
        let (score, level) = best(&found);
        assert!(score >= 120 && level == "verified", "{form:?} {found}");
        assert_eq!(found["candidates"][0]["sources"], serde_json::json!(["smimea"]));
        std::fs::remove_dir_all(place.path("dns")).unwrap();
    }
}

/// `[sources.hosts]` that sends the web of example.org to a server.
fn hosts(names: &[&str], at: std::net::SocketAddr) -> String {
    let rows: String = ["openpgpkey.example.org", "example.org"]
        .iter()
        .map(|name| {
            if names.contains(name) {
                format!("\"{name}\" = \"{at}\"\n")
            } else {
                format!("\"{name}\" = false\n")
            }
        })
        .collect();
    format!("[sources.hosts]\n{rows}")
}

#[test]
fn a_web_key_directory_and_the_web_server_speak_for_the_key_together_as_one() {
    let place = Place::new();
    let published = place.run("bob", &["keys", "publish", "--wkd", "www"]).exits(0).text();
    assert!(published.contains("openpgpkey.example.org"), "{published}");
    let tls = TlsNames::make(&place.path("tls"));
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), Some(&tls), "") else { return };
    let roots = ("SSL_CERT_FILE", tls.authority.as_path());
    let ask = |person: &str, arguments: &[&str]| {
        place.run_with(roots, person, &[&["keys", "find", "--json", "bob@example.org"], arguments].concat())
    };
    let both = ["--source", "wkd", "--source", "http"];
    for names in [&["openpgpkey.example.org", "example.org"][..], &["example.org"]] {
        policy(&place, "carol", &hosts(names, server.address));
        let found = json(&ask("carol", &both).exits(0));
        assert_eq!(best(&found), (60, "checked"), "{names:?} {found}");
        assert_eq!(found["candidates"][0]["sources"], serde_json::json!(["wkd", "http"]));
        let asked = found["sources"][0]["asked"].as_str().unwrap();
        assert_eq!(asked.contains("//openpgpkey."), names.len() == 2, "{asked}");
    }
    let found = json(&ask("carol", &[&both[..], &["--import"]].concat()).exits(0));
    assert_eq!(found["imported"], true);
    let shown = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]).exits(0));
    assert_eq!(shown["score"], 60, "{shown}");
    // Nobody is there, and nobody else's certificate is taken for an answer.
    let none = place.run_with(
        roots,
        "carol",
        &["keys", "find", "--json", "dave@example.org", "--source", "wkd", "--source", "http"],
    );
    assert_eq!(json(&none.exits(1))["candidates"], serde_json::json!([]));
    // A root that signed nothing of this server.
    let strange = TlsNames::make(&place.path("strange"));
    let other = ("SSL_CERT_FILE", strange.authority.as_path());
    let refused =
        place.run_with(other, "carol", &["keys", "find", "--json", "bob@example.org", "--source", "http"]);
    assert_eq!(json(&refused.exits(3))["sources"][0]["reason"], "unreachable");
}

#[test]
fn what_a_friend_certified_comes_with_the_web_key_directory() {
    let place = Place::new();
    let Some(gpg) = Gnupg::at(&place) else { return };
    gpg.run(&["--quick-generate-key", "Friend <friend@friends.example>", "ed25519", "cert", "never"]);
    place.run("bob", &["keys", "export", "bob@example.org", "--for", "openpgp", "-o", "bob.asc"]).exits(0);
    gpg.run(&["--import", "bob.asc"]);
    gpg.run(&["--quick-sign-key", &gpg.fingerprint("bob@example.org")]);
    place.write("certified.pgp", gpg.run(&["--export", "bob@example.org"]));
    place.write("friend.pgp", gpg.run(&["--export", "friend@friends.example"]));
    let publish = ["keys", "publish", "--wkd", "www", "--openpgp", "certified.pgp"];
    place.run("bob", &publish).exits(0);
    place
        .run(
            "carol",
            &["trust", "rely", &gpg.fingerprint("friend@friends.example"), "--keyring", "friend.pgp"],
        )
        .exits(0);

    let tls = TlsNames::make(&place.path("tls"));
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), Some(&tls), "") else { return };
    policy(&place, "carol", &hosts(&["openpgpkey.example.org", "example.org"], server.address));
    let roots = ("SSL_CERT_FILE", tls.authority.as_path());
    let ask =
        ["keys", "find", "--json", "bob@example.org", "--source", "wkd", "--source", "http", "--import"];
    let found = json(&place.run_with(roots, "carol", &ask).exits(0));
    assert_eq!(best(&found), (140, "verified"), "the domain 60, the friend 80: {found}");
    let shown = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]).exits(0));
    assert_eq!(shown["score"], 140, "{shown}");
}

#[test]
fn redirections_stay_on_tls_and_answers_within_their_size() {
    let place = Place::new();
    place.run("bob", &["keys", "publish", "--wkd", "www"]).exits(0);
    std::fs::write(place.path("www/large"), vec![0; 2 << 20]).unwrap();
    let tls = TlsNames::make(&place.path("tls"));
    let locations = "location /plain { return 302 http://example.org/x; } location /loop { return 302 /loop; } \
        location /moved { return 302 /.well-known/counterseal/hu/$arg_h; } location /error { return 500; }";
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), Some(&tls), locations) else {
        return;
    };
    let ask = |template: &str| {
        let at = format!("{}\n[sources]\nhttp = \"{template}\"\n", hosts(&["example.org"], server.address));
        policy(&place, "carol", &at);
        let roots = ("SSL_CERT_FILE", tls.authority.as_path());
        let ran = place.run_with(roots, "carol", &["keys", "find", "--json", "bob@example.org"]);
        let found = json(&ran);
        (ran.code, found["sources"][0]["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask("https://{domain}/moved?h={hash}"), (0, String::new()));
    assert_eq!(ask("https://{domain}/plain"), (3, "bad-answer".to_owned()));
    assert_eq!(ask("https://{domain}/loop"), (3, "unreachable".to_owned()));
    assert_eq!(ask("https://{domain}/large"), (3, "bad-answer".to_owned()));
    assert_eq!(ask("https://{domain}/error"), (3, "unreachable".to_owned()));
    assert_eq!(ask("https://{domain}/nothing"), (1, String::new()));
}

#[test]
fn a_mail_address_cannot_send_us_into_our_own_network() {
    let place = Place::new();
    place.run("bob", &["keys", "publish", "--wkd", "www"]).exits(0);
    let tls = TlsNames::make(&place.path("tls"));
    let Some(server) = web_server(&place.path("nginx"), &place.path("www"), Some(&tls), "") else { return };
    let port = server.address.port();
    let ask = |more: &str| {
        let text = format!("[sources]\nhttp = \"https://{{domain}}:{port}/\"\n{more}");
        policy(&place, "carol", &text);
        let roots = ("SSL_CERT_FILE", tls.authority.as_path());
        json(&place.run_with(roots, "carol", &["keys", "find", "--json", "root@localhost"]))["sources"][0]
            .clone()
    };
    let refused = ask("");
    assert_eq!(refused["result"], "failed");
    assert!(refused["message"].as_str().unwrap().contains("private network"), "{refused}");
    // nginx answers, with a status that is no certificate.
    let allowed = ask("private_addresses = true\n");
    assert!(!allowed["message"].as_str().unwrap().contains("private network"), "{allowed}");
}

#[test]
fn a_directory_is_asked_over_tls_and_counts_as_a_key_server_where_those_count() {
    let place = Place::new();
    place.run(
        "bob",
        &["keys", "export", "bob@example.org", "-o", "bob.der", "--format", "pem", "--overwrite"],
    );
    let tls = TlsNames::make(&place.path("tls"));
    let pem = String::from_utf8(place.read("bob.pem")).unwrap();
    let mut certificates = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let entry: String = certificates
        .by_ref()
        .map(|block| block.split("-----END").next().unwrap().split_whitespace().collect::<String>())
        .map(|base64| format!("userCertificate;binary:: {base64}\n"))
        .collect();
    let entries = format!(
        "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
         dn: cn=Bob,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: Bob\nsn: B\nmail: bob@example.org\n{entry}"
    );
    let Some(server) = directory_server(&place.path("ldap"), "ldaps", Some(&tls), &entries) else { return };
    let roots = ("SSL_CERT_FILE", tls.authority.as_path());
    let url = format!("ldaps://localhost:{}/dc=example,dc=org", server.address.port());
    let ask = |more: &str, address: &str| {
        policy(&place, "carol", &format!("[sources]\nldap = \"{url}\"\n{more}"));
        place.run_with(roots, "carol", &["keys", "find", "--json", address])
    };
    let found = json(&ask("", "bob@example.org").exits(0));
    assert_eq!(best(&found).0, 0, "key servers do not count unless the policy says so: {found}");
    let counted = json(&ask("keyserver = true\n", "bob@example.org").exits(0));
    assert_eq!(best(&counted), (40, "checked"), "{counted}");
    for hostile in ["*@example.org", "\"x)(cn=*\"@example.org", "bob*@example.org"] {
        assert_eq!(json(&ask("", hostile).exits(1))["candidates"], serde_json::json!([]), "{hostile}");
    }
    let strange = TlsNames::make(&place.path("strange"));
    let other = ("SSL_CERT_FILE", strange.authority.as_path());
    place.run_with(other, "carol", &["keys", "find", "bob@example.org"]).exits(3);

    // Without the s, TLS begins before anything is asked, or nothing is.
    for (name, tls_there, code) in [("begun", Some(&tls), 0), ("never", None, 3)] {
        let Some(server) = directory_server(&place.path(name), "ldap", tls_there, &entries) else { return };
        let url = format!("ldap://localhost:{}/dc=example,dc=org", server.address.port());
        policy(&place, "carol", &format!("[sources]\nldap = \"{url}\"\n"));
        place.run_with(roots, "carol", &["keys", "find", "bob@example.org"]).exits(code);
    }
}

#[test]
fn a_finder_is_a_program_whose_word_is_worth_nothing_by_itself() {
    let place = Place::new();
    let pem = String::from_utf8(place.read("bob.pem")).unwrap();
    place.write(
        "answer.json",
        format!("{}\n", serde_json::json!({ "certificate": pem, "source": "a friend" })),
    );
    let script = "test \"$1\" = bob@example.org && cat answer.json";
    policy(
        &place,
        "carol",
        &format!("[sources]\nfinder = [\"sh\", \"-c\", {script:?}, \"sh\", \"{{address}}\"]\n"),
    );
    let found = json(&find(&place, "carol", &["bob@example.org", "--import"]).exits(0));
    assert_eq!(best(&found), (0, "unverified"), "{found}");
    // Whoever takes a key in by hand has decided something, which is worth 10 points.
    let shown = json(&place.run("carol", &["trust", "show", "--json", "bob@example.org"]).exits(0));
    assert_eq!(shown["score"], 10, "{shown}");
    // For others the program fails.
    find(&place, "carol", &["dave@example.org"]).exits(3);
}

#[test]
fn nothing_is_asked_unasked() {
    let place = Place::new();
    find(&place, "nobody", &["bob@example.org"]).exits(2);
    place.run("nobody", &["--offline", "keys", "find", "bob@example.org", "--source", "smimea"]).exits(3);
    policy(&place, "nobody", "[sources]\nnetwork = \"never\"\n");
    find(&place, "nobody", &["bob@example.org", "--source", "smimea"]).exits(3);
}

#[test]
fn what_is_published_holds_no_secret_and_the_openpgp_certificate_must_name_the_key() {
    let place = Place::new();
    place.run("bob", &["keys", "publish"]).exits(2);
    place
        .run("alice", &["keys", "export", "alice@example.org", "--for", "openpgp", "-o", "alice.asc"])
        .exits(0);
    let other = ["keys", "publish", "--wkd", "www", "--openpgp", "alice.asc"];
    place.run("bob", &other).exits(3);
    assert!(!place.path("www").exists());
    place.run("alice", &other).exits(0);
    let files = walk(&place.path("www"));
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let content = std::fs::read(&file).unwrap();
        assert!(!content.windows(7).any(|word| word == b"PRIVATE"), "{file:?}");
    }
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
