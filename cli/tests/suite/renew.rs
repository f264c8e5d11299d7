//! New keys follow old ones: old mail opens, new mail goes to the new key, and contacts follow.

use std::process::Command;

use serde_json::Value;

use crate::people::{MAIL, Place, Ran};

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {} {}", ran.text(), ran.stderr))
}

/// Renews keys of somebody. Small keys: making them is what these tests spend their time on.
fn renew(place: &Place, person: &str, more: &[&str]) -> Value {
    let address = format!("{person}@example.org");
    json(&place.run(person, &[&["keys", "renew", &address, "--json"], more].concat()).exits(0))
}

/// A mail of Bob's to Alice, signed.
fn signed_by_bob(place: &Place, name: &str) {
    place.write(
        "bob.eml",
        MAIL.replace("From: Alice <alice@", "From: Bob <bob@").replace("To: Bob <bob@", "To: Alice <alice@"),
    );
    place.run("bob", &["sign", "bob.eml", "-o", name, "--overwrite"]).exits(0);
}

/// The fingerprint of the key that opened a mail.
fn opened_by(place: &Place, person: &str, mail: &str) -> Value {
    place.run(person, &["decrypt", "--json", mail]).exits(0).json()["encrypted"]["opened_by"].clone()
}

fn key_of_use(renewed: &Value, key_use: &str) -> Value {
    let keys = renewed["keys"].as_array().unwrap();
    keys.iter().find(|key| key["use"] == key_use).unwrap()["fingerprint"].clone()
}

#[test]
fn under_a_personal_ca_nobody_has_to_compare_anything() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);
    let renewed = renew(&place, "bob", &["--algorithm", "p-256"]);
    assert_eq!((renewed["keys"].as_array().unwrap().len(), renewed["succession"].clone()), (2, false.into()));
    assert_eq!(renewed["retired"].as_array().unwrap().len(), 2);
    assert_eq!(renewed["compared_anew"], false);

    signed_by_bob(&place, "signed.eml");
    assert_eq!(
        place.run("alice", &["verify", "--json", "signed.eml"]).exits(0).json()["verdict"],
        "verified"
    );
    place.run("alice", &["keys", "import", "signed.eml"]).exits(0);
    place.run("alice", &["encrypt", "mail.eml", "-o", "new.eml"]).exits(0);
    assert_eq!(opened_by(&place, "bob", "new.eml"), key_of_use(&renewed, "encryption"));
    let old = opened_by(&place, "bob", "old.eml");
    assert!(renewed["retired"].as_array().unwrap().contains(&old), "{old} {renewed}");
    let list = json(&place.run("bob", &["keys", "list", "--json"]));
    let retired = list["keys"].as_array().unwrap().iter().filter(|key| !key["retired"].is_null()).count();
    assert_eq!(retired, 2);
}

#[test]
fn a_new_personal_ca_is_followed_by_who_compared_the_old_one() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);
    let renewed = renew(&place, "bob", &["--personal-ca", "--algorithm", "p-256"]);
    assert_eq!((renewed["keys"].as_array().unwrap().len(), renewed["succession"].clone()), (3, true.into()));
    let authority = key_of_use(&renewed, "personal-ca");

    signed_by_bob(&place, "signed.eml");
    let verified = place.run("alice", &["verify", "--json", "signed.eml"]).exits(0).json();
    assert_eq!(verified["verdict"], "verified");
    let taken = place.run("alice", &["keys", "import", "signed.eml"]).exits(0).text();
    assert!(taken.contains("changed keys") && taken.contains(authority.as_str().unwrap()), "{taken}");
    place.run("alice", &["encrypt", "mail.eml", "-o", "new.eml"]).exits(0);
    assert_eq!(opened_by(&place, "bob", "new.eml"), key_of_use(&renewed, "encryption"));
    opened_by(&place, "bob", "old.eml");
    // What the two would compare is the new one, on both sides.
    for (person, whom, side) in [("bob", "alice@example.org", "own"), ("alice", "bob@example.org", "theirs")]
    {
        let met = place.run(person, &["trust", "meet", whom, "--json"]).exits(0).text();
        assert_eq!(serde_json::from_str::<Value>(&met).unwrap()[side], authority, "{person}");
    }
    // The next renewal is the new CA's.
    let next = renew(&place, "bob", &["--signing"]);
    signed_by_bob(&place, "signed.eml");
    let verified = place.run("alice", &["verify", "--json", "signed.eml"]).exits(0).json();
    assert_eq!(verified["signers"][0]["fingerprint"], key_of_use(&next, "signing"));
}

#[test]
fn what_is_young_enough_or_not_named_stays() {
    let place = Place::new();
    let before = place.run("bob", &["keys", "list", "--json"]).text();
    let nothing = renew(&place, "bob", &["--if-older", "30"]);
    assert_eq!(
        (nothing["keys"].clone(), nothing["retired"].clone()),
        (Value::Array(vec![]), Value::Array(vec![]))
    );
    assert_eq!(renew(&place, "bob", &["--if-older", "30", "--personal-ca"])["keys"], Value::Array(vec![]));
    assert_eq!(place.run("bob", &["keys", "list", "--json"]).text(), before);
    let renewed = renew(&place, "bob", &["--signing", "--if-older", "0"]);
    assert_eq!(renewed["keys"].as_array().unwrap().len(), 1);
    assert_eq!(key_of_use(&renewed, "signing"), renewed["keys"][0]["fingerprint"]);
    place.run("bob", &["keys", "renew", "nobody@example.org"]).exits(3);
    let csr = place.run("bob", &["keys", "renew", "--csr", "bob.csr"]).exits(2);
    assert!(csr.stderr.contains("personal CA") && !place.path("bob.csr").exists());
}

/// Runs openssl in the folder.
fn openssl(place: &Place, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(place.path(""))
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Dave has one key for everything and a certificate that a CA of openssl's issued for it.
fn with_a_ca() -> Place {
    let place = Place::new();
    place.write("passphrase", "x\n");
    place.write("leaf.cnf", "subjectAltName=email:dave@example.org\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=emailProtection\n");
    openssl(
        &place,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 900 -subj /CN=Example-CA",
    );
    openssl(&place, "req -newkey rsa:2048 -nodes -keyout dave.key -out dave.csr -subj /CN=Dave");
    openssl(
        &place,
        "x509 -req -in dave.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 300 -extfile leaf.cnf -out dave.pem",
    );
    openssl(&place, "pkcs12 -export -inkey dave.key -in dave.pem -passout pass:x -out dave.p12");
    let import = [
        "keys",
        "import",
        "dave.p12",
        "--passphrase-file",
        "passphrase",
        "--store-passphrase-file",
        "passphrase",
    ];
    place.run("dave", &import).exits(0);
    place
}

const UNLOCK: [&str; 2] = ["--passphrase-file", "passphrase"];

#[test]
fn a_ca_answers_a_request_and_who_compared_the_old_key_follows() {
    let place = with_a_ca();
    let refused = place.run("dave", &["keys", "renew"]).exits(2);
    assert!(
        refused.stderr.contains("--csr") && refused.stderr.contains("--personal-ca"),
        "{}",
        refused.stderr
    );
    let key = json(&place.run("dave", &["keys", "list", "--json"]))["keys"][0]["fingerprint"].clone();
    place.run("alice", &["keys", "import", "dave.pem", "--pin", key.as_str().unwrap()]).exits(0);
    place.write("mail.eml", MAIL.replace("Bob <bob@", "Dave <dave@"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);

    let ask =
        [&["keys", "renew", "--csr", "next.csr", "--algorithm", "rsa-2048", "--json"][..], &UNLOCK].concat();
    let asked = json(&place.run("dave", &ask).exits(0));
    openssl(&place, "req -in next.csr -noout -verify");
    // Until the CA answers, everything stays as it is.
    place.write(
        "dave.eml",
        MAIL.replace("From: Alice <alice@", "From: Dave <dave@")
            .replace("To: Bob", "To: Alice")
            .replace("<bob@", "<alice@"),
    );
    place
        .run("dave", &[&["sign", "dave.eml", "-o", "signed.eml", "--overwrite"][..], &UNLOCK].concat())
        .exits(0);
    place.run("alice", &["verify", "signed.eml"]).exits(0);
    let foreign = [&["keys", "renew", "--answer", "carol.pem"][..], &UNLOCK].concat();
    place.run("dave", &foreign).exits(3);

    openssl(
        &place,
        "x509 -req -in next.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 300 -copy_extensions copy -out next.pem",
    );
    let answer = [&["keys", "renew", "--answer", "next.pem", "--json"][..], &UNLOCK].concat();
    let renewed = json(&place.run("dave", &answer).exits(0));
    assert_eq!(renewed["keys"][0]["fingerprint"], asked["fingerprint"]);
    assert_eq!((renewed["retired"][0].clone(), renewed["succession"].clone()), (key, true.into()));
    place
        .run("dave", &[&["sign", "dave.eml", "-o", "signed.eml", "--overwrite"][..], &UNLOCK].concat())
        .exits(0);
    let verified = place.run("alice", &["verify", "--json", "signed.eml"]).exits(0).json();
    assert_eq!(verified["signers"][0]["fingerprint"], asked["fingerprint"]);
    place.run("alice", &["keys", "import", "signed.eml"]).exits(0);
    place.run("alice", &["encrypt", "mail.eml", "-o", "new.eml"]).exits(0);
    let opened = |mail: &str| {
        let ran = place.run("dave", &[&["decrypt", "--json", mail][..], &UNLOCK].concat()).exits(0);
        ran.json()["encrypted"]["opened_by"].clone()
    };
    assert_eq!(opened("new.eml"), asked["fingerprint"]);
    assert_ne!(opened("old.eml"), asked["fingerprint"]);
}

#[test]
fn who_had_a_certificate_of_a_ca_can_be_their_own() {
    let place = with_a_ca();
    let key = json(&place.run("dave", &["keys", "list", "--json"]))["keys"][0]["fingerprint"].clone();
    place.run("alice", &["keys", "import", "dave.pem", "--pin", key.as_str().unwrap()]).exits(0);
    let renewal = ["keys", "renew", "--personal-ca", "--algorithm", "p-256", "--json"];
    let renewed = json(&place.run("dave", &[&renewal[..], &UNLOCK].concat()).exits(0));
    assert_eq!((renewed["succession"].clone(), renewed["retired"][0].clone()), (true.into(), key));
    place.write(
        "dave.eml",
        MAIL.replace("From: Alice <alice@", "From: Dave <dave@")
            .replace("To: Bob", "To: Alice")
            .replace("<bob@", "<alice@"),
    );
    place
        .run("dave", &[&["sign", "dave.eml", "-o", "signed.eml", "--overwrite"][..], &UNLOCK].concat())
        .exits(0);
    place.run("alice", &["verify", "signed.eml"]).exits(0);
}

/// The fingerprint of a key of somebody's for a use, and its SHA-256.
fn own_key(place: &Place, person: &str, key_use: &str) -> (String, String) {
    let list = json(&place.run(person, &["keys", "list", "--json"]));
    let keys = list["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["use"] == key_use && key["retired"].is_null()).unwrap();
    (key["fingerprint"].as_str().unwrap().to_owned(), key["sha256"].as_str().unwrap().to_owned())
}

#[test]
fn a_revoked_key_signs_nothing_any_more_and_its_list_is_one_for_everybody() {
    let place = Place::new();
    signed_by_bob(&place, "before.eml");
    let (signing, _) = own_key(&place, "bob", "signing");
    let revoke = ["keys", "revoke", &signing, "--reason", "compromised", "-o", "bob.crl", "--json"];
    assert_eq!(json(&place.run("bob", &revoke).exits(0))["revoked"], 1);
    place.run("bob", &["sign", "bob.eml", "-o", "no.eml"]).exits(3);
    openssl(&place, "crl -in bob.crl -noout -verify -CAfile bob.pem");
    let with_list = ["verify", "--json", "--crl", "bob.crl", "--anchor", "bob.pem", "before.eml"];
    let verdict = place.run("alice", &with_list).exits(1).json();
    assert!(verdict["reasons"].as_array().unwrap().contains(&"revoked".into()), "{verdict}");

    // The next key's mails bring the list, and the next revocation keeps the entry.
    renew(&place, "bob", &["--signing"]);
    signed_by_bob(&place, "after.eml");
    place.run("alice", &["verify", "--no-history", "before.eml"]).exits(0);
    place.run("alice", &["verify", "after.eml"]).exits(0);
    // From then on, who has the revoked key cannot hide the list by leaving it out.
    let verdict = place.run("alice", &["verify", "--json", "before.eml"]).exits(1).json();
    assert!(verdict["reasons"].as_array().unwrap().contains(&"revoked".into()), "{verdict}");
    let (encryption, _) = own_key(&place, "bob", "encryption");
    let revoke = ["keys", "revoke", &encryption, "--reason", "superseded", "--json"];
    assert_eq!(json(&place.run("bob", &revoke).exits(0))["revoked"], 2);
    place.run("alice", &["encrypt", "mail.eml", "-o", "revoked.eml"]).exits(0);
    signed_by_bob(&place, "later.eml");
    place.run("alice", &["verify", "later.eml"]).exits(0);
    let refused = place.run("alice", &["encrypt", "mail.eml", "-o", "no.eml"]).exits(1);
    assert!(refused.stderr.contains("revoked"), "{}", refused.stderr);
    // Who takes Bob in by hand, from a mail, learns of it as well.
    place.run("carol", &["keys", "import", "later.eml"]).exits(0);
    let verdict = place.run("carol", &["verify", "--json", "before.eml"]).exits(1).json();
    assert!(verdict["reasons"].as_array().unwrap().contains(&"revoked".into()), "{verdict}");
    place.run("dave", &["init", "dave@example.org", "--no-passphrase", "--algorithm", "p-256"]).exits(0);
    place.run("bob", &["keys", "revoke", &own_key(&place, "dave", "signing").0, "--reason", "lost"]).exits(3);
}

#[test]
fn who_revoked_even_the_personal_ca_begins_anew() {
    let place = Place::new();
    let (authority, _) = own_key(&place, "bob", "personal-ca");
    let told = place.run("bob", &["keys", "revoke", &authority, "--reason", "lost"]).exits(0).text();
    assert!(told.contains("tell them yourself"), "{told}");
    let renewed = renew(&place, "bob", &["--personal-ca", "--algorithm", "p-256"]);
    assert_eq!(
        (renewed["succession"].clone(), renewed["compared_anew"].clone()),
        (false.into(), true.into())
    );
    signed_by_bob(&place, "signed.eml");
    place.run("alice", &["verify", "signed.eml"]).exits(4);
}

#[test]
fn a_key_is_removed_only_by_its_whole_fingerprint_and_does_not_come_back() {
    let place = Place::new();
    place.write("passphrase", "x\n");
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);
    let (key, sha256) = own_key(&place, "bob", "encryption");
    let export = ["keys", "export", &key, "--secret", "--new-passphrase-file", "passphrase", "-o", "old.p12"];
    place.run("bob", &export).exits(0);
    let remove = |whole: &str| place.run("bob", &["keys", "remove", &key, "--json", "--fingerprint", whole]);
    assert_eq!(remove(&key).exits(1).json()["error"], "key-in-use");
    renew(&place, "bob", &["--encryption", "--algorithm", "p-256"]);
    place.run("bob", &["keys", "remove", &key]).exits(2);
    assert_eq!(remove(&key[..24]).exits(1).json()["error"], "other-fingerprint");
    place.run("bob", &["decrypt", "old.eml"]).exits(0);
    // By its fingerprint a retired key is still found, by the address it is not given to others.
    let export = |what: &str| place.run("bob", &["keys", "export", what]).exits(0).text();
    let shown = place.run("bob", &["keys", "show", &key]).exits(0).text();
    assert!(shown.contains(&key), "{shown}");
    assert!(!export("bob@example.org").contains(export(&key).lines().nth(5).unwrap()));
    let secret =
        ["keys", "export", &key, "--secret", "--new-passphrase-file", "passphrase", "-o", "retired.p12"];
    place.run("bob", &secret).exits(0);
    let passphrase = ["--new-passphrase-file", "passphrase"];
    place.run("bob", &[&["backup", "bob.backup"][..], &passphrase].concat()).exits(0);

    let removed = json(&remove(&sha256).exits(0));
    assert_eq!(removed["lost"]["opens_mail"], true);
    place.run("bob", &["decrypt", "old.eml"]).exits(3);
    assert!(!place.run("bob", &["keys", "list"]).exits(0).text().contains(&key));
    let import = ["keys", "import", "old.p12", "--passphrase-file", "passphrase", "--json"];
    assert_eq!(place.run("bob", &import).exits(1).json()["error"], "key-removed");
    place.run("alice", &["encrypt", "mail.eml", "-o", "new.eml"]).exits(0);

    // A backup of before brings it back only where that is asked for.
    let restore = |more: &[&str]| {
        let file = ["restore", "bob.backup", "--replace", "--json", "--passphrase-file", "passphrase"];
        json(&place.run("bob", &[&file[..], more].concat()).exits(0))
    };
    assert_eq!(restore(&[])["removed"], serde_json::json!([key]));
    place.run("bob", &["decrypt", "old.eml"]).exits(3);
    place.run("bob", &[&["backup", "removed.backup"][..], &passphrase].concat()).exits(0);
    assert!(restore(&["--with-removed-keys"]).get("removed").is_none());
    place.run("bob", &["decrypt", "old.eml"]).exits(0);
    // One of after, where the key is here, would end it: nothing happens.
    let after = ["restore", "removed.backup", "--replace", "--json", "--passphrase-file", "passphrase"];
    assert_eq!(place.run("bob", &after).exits(1).json()["error"], "key-removed");
    place.run("bob", &["decrypt", "old.eml"]).exits(0);
}

#[test]
fn the_twin_of_a_new_personal_ca_goes_along_in_the_place_of_the_old_one() {
    let place = Place::new();
    place.run("bob", &["keys", "export", "bob@example.org", "--for", "openpgp", "-o", "old.asc"]).exits(0);
    renew(&place, "bob", &["--personal-ca", "--algorithm", "p-256"]);
    place.run("bob", &["keys", "export", "bob@example.org", "--for", "openpgp", "-o", "new.asc"]).exits(0);
    signed_by_bob(&place, "signed.eml");
    let key_packet = |name: &str| {
        let text = String::from_utf8(place.read(name)).unwrap();
        let body = text.split("\n\n").nth(1).unwrap();
        let body: String = body.lines().take_while(|line| !line.starts_with(['=', '-'])).collect();
        let packets = base64(&body);
        // The key's packet as far as into its point; a certificate has other octets before that.
        packets[..40].to_vec()
    };
    let mail = String::from_utf8(place.read("signed.eml")).unwrap();
    let part = mail.rsplit("pkcs7-signature").next().unwrap().split_once("\r\n\r\n").unwrap().1;
    let signature: String =
        part.lines().take_while(|line| !line.is_empty() && !line.starts_with('-')).collect();
    let signature = base64(&signature);
    let has = |packet: &[u8]| signature.windows(packet.len()).any(|window| window == packet);
    assert!(has(&key_packet("new.asc")) && !has(&key_packet("old.asc")));
}

fn base64(text: &str) -> Vec<u8> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(text).unwrap()
}

#[test]
fn the_signing_key_names_the_next_encryption_key_where_the_one_before_cannot() {
    let place = Place::new();
    place.write("passphrase", "x\n");
    for (name, usage) in [("sign", "digitalSignature"), ("encrypt", "keyEncipherment")] {
        let new = format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 99 -subj /CN=Dave \
             -addext subjectAltName=email:dave@example.org -addext keyUsage=critical,{usage} \
             -addext basicConstraints=critical,CA:FALSE"
        );
        openssl(&place, &new);
        openssl(
            &place,
            &format!("pkcs12 -export -inkey {name}.key -in {name}.pem -passout pass:x -out {name}.p12"),
        );
        let import = ["keys", "import", &format!("{name}.p12"), "--passphrase-file", "passphrase"];
        let store = ["--store-passphrase-file", "passphrase"];
        place.run("dave", &[&import[..], &store].concat()).exits(0);
    }
    let renewal = ["keys", "renew", "--encryption", "--algorithm", "rsa-2048", "--json"];
    let renewed = json(&place.run("dave", &[&renewal[..], &UNLOCK].concat()).exits(0));
    let new = renewed["keys"][0]["fingerprint"].as_str().unwrap().to_owned();
    assert_eq!((renewed["keys"].as_array().unwrap().len(), &renewed["succession"]), (1, &false.into()));
    let statements = json(&place.run("dave", &["trust", "statement", "list", "--json"]).exits(0));
    let uses: Vec<&Value> = statements["statements"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| statement["type"] == "uses")
        .collect();
    assert_eq!(uses.len(), 1, "{statements}");
    assert!(uses[0].to_string().contains(&new), "{statements} {new}");
}

#[test]
fn what_ends_soon_is_said_once_a_day_and_in_the_list() {
    let place = Place::new();
    place.write("passphrase", "x\n");
    place.write("leaf.cnf", "subjectAltName=email:dave@example.org\nextendedKeyUsage=emailProtection\n");
    openssl(&place, "req -newkey rsa:2048 -nodes -keyout dave.key -out dave.csr -subj /CN=Dave");
    openssl(&place, "x509 -req -in dave.csr -key dave.key -days 20 -extfile leaf.cnf -out dave.pem");
    openssl(&place, "pkcs12 -export -inkey dave.key -in dave.pem -passout pass:x -out dave.p12");
    let import = [
        "keys",
        "import",
        "dave.p12",
        "--passphrase-file",
        "passphrase",
        "--store-passphrase-file",
        "passphrase",
    ];
    place.run("dave", &import).exits(0);
    place.run("alice", &["keys", "import", "dave.pem"]).exits(0);
    for person in ["dave", "alice"] {
        assert!(
            place.run(person, &["keys", "list", "dave@example.org"]).exits(0).text().contains("ends soon")
        );
    }
    place.write("dave.eml", MAIL.replace("From: Alice <alice@", "From: Dave <dave@"));
    let sign = |more: &[&str]| {
        let sign = ["sign", "dave.eml", "-o", "signed.eml", "--overwrite"];
        place.run("dave", &[&sign[..], &UNLOCK, more].concat()).exits(0).stderr
    };
    assert!(!sign(&["--json"]).contains("note:"));
    assert!(sign(&[]).contains("cseal keys renew dave@example.org"));
    assert!(!sign(&[]).contains("note:"));
    // Self-signed keys without a personal CA follow each other.
    let renewal = [&["keys", "renew", "--algorithm", "rsa-2048", "--json"][..], &UNLOCK].concat();
    let renewed = json(&place.run("dave", &renewal).exits(0));
    assert_eq!((renewed["succession"].clone(), renewed["keys"].as_array().unwrap().len()), (true.into(), 1));
}
