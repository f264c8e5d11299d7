//! `cseal keys import ~/.gnupg`: what gpgsm keeps.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

use crate::gnupg::Gnupg;
use crate::peers::command::{find, missing};
use crate::people::Place;

/// Writes the SubjectPublicKeyInfo of a P-256 key that gpg wrote for ssh: the point comes last.
const SSH_TO_DER: &str = "import base64, sys\n\
    point = base64.b64decode(open('zed.ssh').read().split()[1])[-65:]\n\
    head = bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d030107034200')\n\
    open('zed.spki', 'wb').write(head + point)\n";

fn run(place: &Place, command: &str) {
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().unwrap());
    let done = program.args(words).current_dir(place.path("")).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A home with Bob's key under a passphrase, an open one of Dora, one of Zed on an elliptic curve, and Carol's
/// certificate.
fn home(place: &Place) -> Option<Gnupg<'_>> {
    if find("gpgsm").is_none() {
        missing("gpgsm");
        return None;
    }
    let gnupg = Gnupg::at(place)?;
    place.write("x", "correct horse\n");
    let bob = ["keys", "export", "bob@example.org", "--secret", "--for", "gpgsm", "-o", "bob.p12"];
    place.run("bob", &[&bob[..], &["--new-passphrase-file", "x"]].concat()).exits(0);
    gnupg.gpgsm("correct horse", &["--import", "bob.p12"]);
    place.write("dora.cnf", "subjectAltName=email:dora@example.org\n");
    run(
        place,
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout dora.key -out dora.pem -subj /CN=Dora \
         -addext subjectAltName=email:dora@example.org -addext basicConstraints=critical,CA:FALSE",
    );
    // gpgsm 2.2.40 misreads two salts in 256, and OpenSSL writes two into a file: such a file is made anew.
    let is_taken = (0..4).any(|_| {
        run(
            place,
            "openssl pkcs12 -export -inkey dora.key -in dora.pem -passout pass: -keypbe PBE-SHA1-3DES \
         -certpbe PBE-SHA1-3DES -macalg sha1 -out dora.p12",
        );
        gnupg.try_gpgsm("", &["--import", "dora.p12"]).status.success()
    });
    assert!(is_taken, "gpgsm takes no key of Dora");
    place.write(
        "zed.parameters",
        "Key-Type: ECDSA\nKey-Curve: nistp256\nName-Email: zed@example.org\n%no-protection\n%commit\n",
    );
    gnupg.run(&["--gen-key", "zed.parameters"]);
    place.write("zed.ssh", gnupg.run(&["--export-ssh-key", "zed@example.org"]));
    place.write("convert.py", SSH_TO_DER);
    run(place, "python3 convert.py");
    place.write("zed.cnf", "subjectAltName=email:zed@example.org\n");
    run(
        place,
        "openssl x509 -new -force_pubkey zed.spki -subj /CN=Zed -CA dora.pem -CAkey dora.key -days 30 \
         -extfile zed.cnf -out zed.pem",
    );
    gnupg.gpgsm("", &["--import", "zed.pem"]);
    gnupg.gpgsm("", &["--import", "carol.pem"]);
    gnupg.end();
    Some(gnupg)
}

/// Every file of a folder with when it was changed and what is in it.
fn state(folder: &Path) -> BTreeMap<String, (SystemTime, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, changed) = (entry.path(), entry.metadata().unwrap().modified().unwrap());
        if path.is_dir() {
            all.extend(state(&path));
        }
        all.insert(path.display().to_string(), (changed, fs::read(&path).unwrap_or_default()));
    }
    all
}

fn import(place: &Place, person: &str, more: &[&str]) -> Vec<Value> {
    fs::create_dir_all(place.path("tmp")).unwrap();
    let command = ["keys", "import", "gnupg", "--json", "--store-passphrase-file", "x"];
    let ran = place.run_with(("TMPDIR", &place.path("tmp")), person, &[&command[..], more].concat()).exits(0);
    assert_eq!(fs::read_dir(place.path("tmp")).unwrap().count(), 0, "something is left behind");
    assert!(!agents_of(&place.path("tmp")), "an agent still runs");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["files"].as_array().unwrap().clone()
}

/// Whether a program runs that was told of this folder.
fn agents_of(folder: &Path) -> bool {
    let folder = folder.display().to_string();
    let mut processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.any(|process| {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&folder)
    })
}

fn of<'r>(reports: &'r [Value], end: &str) -> &'r Value {
    let mut found = reports.iter().filter(|one| one["file"].as_str().unwrap().ends_with(end));
    found.next().unwrap_or_else(|| panic!("{end}: {reports:?}"))
}

#[test]
fn a_home_of_gnupg_hands_out_its_keys_and_stays_as_it_is() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    let Some(_gnupg) = home(&place) else { return };
    let before = state(&place.path("gnupg"));

    let all = import(&place, "new", &["--passphrase-file", "x"]);
    let own: Vec<&str> =
        all[0]["keys"].as_array().unwrap().iter().map(|key| key["address"].as_str().unwrap()).collect();
    assert_eq!(own.len(), 2, "{all:?}");
    assert!(own.contains(&"bob@example.org") && own.contains(&"dora@example.org"), "{all:?}");
    assert_eq!(of(&all, "carol@example.org")["contacts"][0]["new"], true);
    let why = of(&all, "zed@example.org")["not_taken"][0].as_str().unwrap();
    assert!(why.contains("RSA keys only"), "{why}");
    assert!(!all.iter().any(|one| one["contacts"][0]["address"] == "zed@example.org"), "{all:?}");
    assert_eq!(state(&place.path("gnupg")), before);

    place.run("new", &["decrypt", "out.eml", "--passphrase-file", "x"]).exits(0);
    let again = import(&place, "new", &["--passphrase-file", "x"]);
    assert!(again[0]["keys"].as_array().unwrap().iter().all(|key| key["new"] == false), "{again:?}");
}

#[test]
fn a_wrong_passphrase_keeps_one_key_of_gnupg_out_and_no_other() {
    let place = Place::new();
    let Some(_gnupg) = home(&place) else { return };
    place.write("wrong", "wrong\n");
    for passphrase in [&["--passphrase-file", "wrong"][..], &[]] {
        let person = if passphrase.is_empty() { "second" } else { "first" };
        let all = import(&place, person, passphrase);
        assert_eq!(all[0]["keys"].as_array().unwrap().len(), 1, "{all:?}");
        assert_eq!(all[0]["keys"][0]["address"], "dora@example.org");
        let why = of(&all, "bob@example.org")["not_taken"][0].as_str().unwrap();
        let expected = match passphrase {
            [] => "there is no terminal to ask on",
            _ => "the passphrase does not open it",
        };
        assert!(why.contains(expected), "{why}");
        // A key that is in the home is none of a contact; Bob's other certificate came without its key.
        let contacts = all.iter().filter(|one| one["contacts"][0]["address"] == "bob@example.org");
        assert_eq!(contacts.count(), 1, "{all:?}");
    }
}

#[test]
fn programs_that_the_settings_of_a_home_name_are_not_run() {
    let place = Place::new();
    let Some(_gnupg) = home(&place) else { return };
    let program = place.write("program", format!("#!/bin/sh\ntouch {}\n", place.path("run").display()));
    run(&place, "chmod +x program");
    place.write("gnupg/gpgsm.conf", format!("agent-program {}\n", program.display()));
    let settings = format!("pinentry-program {0}\nscdaemon-program {0}\n", program.display());
    place.write("gnupg/gpg-agent.conf", settings);
    let all = import(&place, "new", &["--passphrase-file", "x"]);
    assert_eq!(all[0]["keys"].as_array().unwrap().len(), 2, "{all:?}");
    assert!(!place.path("run").exists());
}

#[test]
fn a_home_without_gpgsm_says_what_is_missing_and_one_without_keys_says_so() {
    let place = Place::new();
    fs::create_dir_all(place.path("empty/private-keys-v1.d")).unwrap();
    fs::create_dir(place.path("programs")).unwrap();
    symlink(find("setsid").unwrap(), place.path("programs/setsid")).unwrap();
    place.write("x", "x\n");
    let import = ["keys", "import", "empty", "--store-passphrase-file", "x"];
    let ran = place.run_with(("PATH", &place.path("programs")), "new", &import).exits(3);
    assert!(ran.stderr.contains("gpgsm, which keeps S/MIME keys for GnuPG, is not installed"), "{ran:?}");
    if find("gpgsm").is_none() {
        return missing("gpgsm");
    }
    let ran = place.run("new", &import).exits(1);
    assert!(ran.text().contains("gpgsm has no certificate in it"), "{ran:?}");
}
