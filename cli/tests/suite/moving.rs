//! Keys come from where other programs keep them: folders of whatever there is.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::people::{MAIL, Place};

/// Runs a program in a folder below the place.
fn run(place: &Place, folder: &str, command: &str) {
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().unwrap());
    let done = program.args(words).current_dir(place.path(folder)).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

fn reports(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let ran = place.run("new", &[&["keys", "import", "--json"], arguments].concat()).exits(0);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["files"].as_array().unwrap().clone()
}

#[test]
fn a_folder_of_which_nothing_comes_in_is_a_no() {
    let place = Place::new();
    fs::create_dir(place.path("keys")).unwrap();
    place.write("x", "x\n");
    place.write("wrong", "wrong\n");
    let export = ["keys", "export", "bob@example.org", "--secret", "--new-passphrase-file", "x"];
    place.run("bob", &[&export[..], &["-o", "keys/bob.p12"]].concat()).exits(0);
    let import = ["keys", "import", "keys", "--passphrase-file"];
    let refused = place.run("alice", &[&import[..], &["wrong"]].concat()).exits(1);
    assert!(refused.text().contains("passphrase"), "{}", refused.text());
    place.run("alice", &[&import[..], &["x"]].concat()).exits(0);
}

#[test]
fn a_folder_of_keys_and_certificates_apart_is_taken_in_and_says_what_it_refused() {
    let place = Place::new();
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    for folder in ["smime", "smime/keys", "smime/certificates"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("x", "x\n");
    place.write("other", "another\n");
    // As mutt has it: keys and certificates in folders of their own, and an index.
    let export = |format: &str, passphrase: &str, to: &str| {
        let key = ["keys", "export", "bob@example.org", "--secret", "--format", format];
        place.run("bob", &[&key[..], &["--new-passphrase-file", passphrase, "-o", to]].concat()).exits(0);
    };
    export("pkcs8", "x", "smime/keys/1.0");
    export("p12", "other", "smime/other.p12");
    fs::copy(place.path("bob.pem"), place.path("smime/certificates/1.0")).unwrap();
    fs::copy(place.path("carol.pem"), place.path("smime/certificates/2.0")).unwrap();
    place.write("smime/certificates/.index", "bob@example.org 1.0 bob\n");
    place.write("smime/hello.txt", "nothing of ours");
    run(&place, "smime", "openssl req -x509 -newkey rsa:2048 -nodes -keyout x.key -out x.pem -subj /CN=x");
    run(
        &place,
        "smime",
        "openssl pkcs12 -export -inkey x.key -in x.pem -passout pass:x -keypbe aes-256-cbc -macalg md5 -out odd.p12",
    );
    fs::remove_file(place.path("smime/x.key")).unwrap();

    let import = ["smime", "--passphrase-file", "x", "--store-passphrase-file", "x"];
    let all = reports(&place, &import);
    assert_eq!(all[0]["file"], "smime");
    assert_eq!(all[0]["keys"].as_array().unwrap().len(), 2, "{all:?}");
    let of = |name: &str| all.iter().find(|one| one["file"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(of("2.0")["contacts"][0]["address"], "carol@example.org");
    let why = |name: &str| of(name)["not_taken"][0].as_str().unwrap().to_owned();
    assert!(why("other.p12").contains("the passphrase does not open it"), "{all:?}");
    assert!(!why("odd.p12").contains("passphrase"), "{all:?}");
    let last = all.last().unwrap()["not_taken"][0].as_str().unwrap();
    assert_eq!(last, "2 files hold no key and no certificate");

    place.run("new", &["decrypt", "out.eml", "--passphrase-file", "x"]).exits(0);
    place.write("bob.eml", MAIL.replace("From: Alice <alice@", "From: Bob <bob@"));
    place.run("new", &["sign", "bob.eml", "--passphrase-file", "x"]).exits(0);
    let again = reports(&place, &import);
    assert!(again[0]["keys"].as_array().unwrap().iter().all(|key| key["new"] == false), "{again:?}");
    place.run("new", &["keys", "import", "smime", "--pin", "MBJH-UVS2-Z2Q4-OF7C-MGP6"]).exits(2);
}

#[test]
fn a_profile_of_thunderbird_hands_out_its_keys_and_contacts() {
    let place = Place::new();
    if ["certutil", "pk12util"].iter().any(|program| crate::peers::command::find(program).is_none()) {
        return crate::peers::command::missing("NSS certutil and pk12util");
    }
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.write("x", "x\n");
    let export = ["keys", "export", "bob@example.org", "--secret", "--for", "thunderbird", "-o", "bob.p12"];
    place.run("bob", &[&export[..], &["--new-passphrase-file", "x"]].concat()).exits(0);
    fs::create_dir(place.path("profile")).unwrap();
    run(&place, "", "certutil -N -d sql:profile -f x");
    run(&place, "", "pk12util -i bob.p12 -d sql:profile -w x -k x");
    run(&place, "", "certutil -A -d sql:profile -n carol -t ,, -i carol.pem -f x");

    let import = ["profile", "--passphrase-file", "x", "--store-passphrase-file", "x"];
    let all = reports(&place, &import);
    assert!(!all[0]["keys"].as_array().unwrap().is_empty(), "{all:?}");
    assert!(all.iter().any(|one| one["contacts"][0]["address"] == "carol@example.org"), "{all:?}");
    place.run("new", &["decrypt", "out.eml", "--passphrase-file", "x"]).exits(0);
    place.write("wrong", "wrong\n");
    let import = ["profile", "--passphrase-file", "wrong", "--store-passphrase-file", "x"];
    let refused = reports(&place, &import);
    assert!(refused.iter().any(|one| one["not_taken"][0].as_str().is_some()), "{refused:?}");
}

#[test]
fn a_library_that_a_profile_names_is_not_loaded() {
    let place = Place::new();
    if ["certutil", "pk12util"].iter().any(|program| crate::peers::command::find(program).is_none()) {
        return crate::peers::command::missing("NSS certutil and pk12util");
    }
    place.write("x", "x\n");
    fs::create_dir(place.path("profile")).unwrap();
    run(&place, "", "certutil -N -d sql:profile --empty-password");
    run(&place, "", "certutil -A -d sql:profile -n carol -t ,, -i carol.pem");
    let loaded = place.path("loaded");
    let source = "#include <stdio.h>\n__attribute__((constructor)) void load(void) { fclose(fopen(LOADED, \"w\")); }\n";
    let source = format!("#define LOADED \"{}\"\n{source}", loaded.display());
    place.write("library.c", source);
    run(&place, "", "cc -shared -fPIC -o library.so library.c");
    let settings = fs::read_to_string(place.path("profile/pkcs11.txt")).unwrap();
    let library = place.path("library.so").display().to_string();
    place.write("profile/pkcs11.txt", format!("{settings}\nlibrary={library}\nname=other\n"));
    run(&place, "", "certutil -L -d sql:profile");
    assert!(loaded.exists(), "the tools of NSS load it");
    fs::remove_file(&loaded).unwrap();

    let all = reports(&place, &["profile", "--store-passphrase-file", "x"]);
    assert!(all.iter().any(|one| one["contacts"][0]["address"] == "carol@example.org"), "{all:?}");
    assert!(!loaded.exists());
}

#[test]
fn a_configuration_profile_for_apple_holds_the_personal_ca_and_the_keys() {
    let place = Place::new();
    place.write("x", "x\n");
    let export = ["keys", "export", "bob@example.org", "--secret", "--format", "mobileconfig"];
    place
        .run("bob", &[&export[..], &["--new-passphrase-file", "x", "-o", "bob.mobileconfig"]].concat())
        .exits(0);
    // Python reads property lists as Apple's programs do.
    place.write(
        "read.py",
        "import plistlib\n\
         profile = plistlib.load(open('bob.mobileconfig', 'rb'))\n\
         root, keys = profile['PayloadContent']\n\
         assert root['PayloadType'] == 'com.apple.security.root', root\n\
         assert keys['PayloadType'] == 'com.apple.security.pkcs12', keys\n\
         assert len({one['PayloadUUID'] for one in (profile, root, keys)}) == 3\n\
         assert 'Password' not in keys\n\
         open('root.der', 'wb').write(root['PayloadContent'])\n\
         open('keys.p12', 'wb').write(keys['PayloadContent'])\n",
    );
    run(&place, "", "python3 read.py");
    run(&place, "", "openssl x509 -in root.der -inform DER -noout");
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    place.run("bob", &["decrypt", "out.eml"]).exits(0);
    place
        .run("new", &["keys", "import", "keys.p12", "--passphrase-file", "x", "--store-passphrase-file", "x"])
        .exits(0);
    place.run("new", &["decrypt", "out.eml", "--passphrase-file", "x"]).exits(0);
}
