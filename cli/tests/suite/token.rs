//! Keys on a token: with SoftHSM2 as a token that behaves, and with a library of our own that does not.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::people::{Place, Ran};

const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "123456";

/// Alice, whose store has no passphrase, and a token.
struct Card {
    place: Place,
}

impl Card {
    /// A token with nothing on it; nothing where the programs are missing.
    fn new() -> Option<Self> {
        for needed in [LIBRARY, "/usr/bin/softhsm2-util", "/usr/bin/pkcs11-tool"] {
            if !Path::new(needed).exists() {
                eprintln!("SKIPPED: {needed} is missing");
                let required = std::env::var("COUNTERSEAL_REQUIRE_PEERS");
                assert_ne!(
                    required.as_deref(),
                    Ok("1"),
                    "{needed} is missing and COUNTERSEAL_REQUIRE_PEERS=1"
                );
                return None;
            }
        }
        let card = Self { place: Place::new() };
        std::fs::create_dir(card.place.path("tokens")).unwrap();
        let folder = card.place.path("tokens");
        let settings = format!("directories.tokendir = {}\nobjectstore.backend = file\n", folder.display());
        card.place.write("softhsm.conf", settings);
        card.configure(&format!("[[token]]\nlibrary = \"{LIBRARY}\"\n"));
        card.place.write("pin", format!("{PIN}\n"));
        card.run(
            "softhsm2-util",
            &["--init-token", "--free", "--label", "card", "--so-pin", "87654321", "--pin", PIN],
        );
        Some(card)
    }

    fn configure(&self, text: &str) {
        self.place.write("alice/config.toml", text);
    }

    /// Another program, in the folder.
    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let ran = Command::new(program)
            .args(arguments)
            .current_dir(self.place.path(""))
            .env("SOFTHSM2_CONF", self.place.path("softhsm.conf"))
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{program} {arguments:?}: {}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    /// cseal with Alice's store, where her token is there.
    fn cseal(&self, arguments: &[&str]) -> Ran {
        self.place.run_with(("SOFTHSM2_CONF", &self.place.path("softhsm.conf")), "alice", arguments)
    }

    /// The same, where no token is there.
    fn without_token(&self, arguments: &[&str]) -> Ran {
        std::fs::create_dir_all(self.place.path("nothing")).unwrap();
        let settings = format!("directories.tokendir = {}\n", self.place.path("nothing").display());
        let empty = self.place.write("empty.conf", settings);
        self.place.run_with(("SOFTHSM2_CONF", &empty), "alice", arguments)
    }

    /// Makes a key of that kind with a certificate for Alice, `NAME.pem`, and brings the key to the token.
    /// `usage` is what the certificate allows.
    fn key(&self, name: &str, id: &str, kind: &[&str], usage: &str) {
        let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
        let usage = format!("keyUsage=critical,{usage}");
        let new = ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=Alice"];
        let names = ["-addext", "subjectAltName=email:alice@example.org", "-addext", &usage];
        let leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &key, "-out", &pem];
        self.run("openssl", &[&new[..], &names, &leaf, kind].concat());
        let (key_der, pem_der) = (format!("{name}.key.der"), format!("{name}.der"));
        let is_rsa = kind.contains(&"rsa:2048");
        let reader = if is_rsa { "rsa" } else { "ec" };
        self.run("openssl", &[reader, "-in", &key, "-outform", "der", "-out", &key_der]);
        self.run("openssl", &["x509", "-in", &pem, "-outform", "der", "-out", &pem_der]);
        let derives: &[&str] = if is_rsa { &[] } else { &["--usage-derive"] };
        let on_token = ["--write-object", &key_der, "--type", "privkey", "--id", id, "--usage-sign"];
        self.pkcs11_tool(&[&on_token[..], derives, if is_rsa { &["--usage-decrypt"] } else { &[] }].concat());
    }

    /// Brings a certificate to the token.
    fn certificate(&self, name: &str, id: &str) {
        self.pkcs11_tool(&["--write-object", &format!("{name}.der"), "--type", "cert", "--id", id]);
    }

    fn pkcs11_tool(&self, arguments: &[&str]) {
        let open = ["--module", LIBRARY, "--token-label", "card", "--login", "--pin", PIN];
        self.run("pkcs11-tool", &[&open[..], arguments].concat());
    }

    fn import(&self) {
        let imported = self.cseal(&["keys", "import", "--token", "card", "--pin-file", "pin"]);
        imported.exits(0);
    }

    /// Alice's RSA key on the token, taken in.
    fn with_rsa() -> Option<Self> {
        let card = Self::new()?;
        card.key("rsa", "01", &["-newkey", "rsa:2048"], "digitalSignature,keyEncipherment");
        card.certificate("rsa", "01");
        card.import();
        Some(card)
    }

    /// Encrypts the mail for a certificate, by another program.
    fn seal(&self, name: &str, options: &[&str]) {
        let pem = format!("{name}.pem");
        let seal = ["cms", "-encrypt", "-aes256", "-in", "mail.eml", "-out", "sealed.eml", "-recip", &pem];
        self.run("openssl", &[&seal[..], options].concat());
    }
}

/// What is opened holds the text of the mail.
#[track_caller]
fn holds_the_mail(ran: Ran) {
    let ran = ran.exits(0);
    assert!(ran.text().contains("let us meet."), "{}", ran.text());
}

#[test]
fn a_token_opens_what_was_sealed_to_its_rsa_key_in_every_way() {
    let Some(card) = Card::with_rsa() else { return };
    let oaep = ["-keyopt", "rsa_padding_mode:oaep"];
    let sha256 = ["-keyopt", "rsa_oaep_md:sha256"];
    let mixed = ["-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha1"];
    for options in [vec![], oaep.to_vec(), [&oaep[..], &sha256].concat(), [&oaep[..], &mixed].concat()] {
        card.seal("rsa", &options);
        holds_the_mail(card.cseal(&["decrypt", "sealed.eml", "--pin-file", "pin"]));
    }
}

#[test]
fn a_token_opens_what_was_sealed_to_its_ec_keys() {
    let Some(card) = Card::new() else { return };
    for (id, curve) in [("02", "P-256"), ("03", "P-384"), ("04", "P-521")] {
        let kind = ["-newkey", "ec", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")];
        card.key(curve, id, &kind, "digitalSignature,keyAgreement");
        card.certificate(curve, id);
    }
    card.import();
    for curve in ["P-256", "P-384", "P-521"] {
        for options in [&[][..], &["-keyopt", "ecdh_kdf_md:sha256"]] {
            card.seal(curve, options);
            holds_the_mail(card.cseal(&["decrypt", "sealed.eml", "--pin-file", "pin"]));
        }
    }
}

#[test]
fn a_token_signs_in_every_way_and_another_program_agrees() {
    for (kind, ways) in [
        (&["-newkey", "rsa:2048"][..], &[&[][..], &["--signature", "pss"], &["--digest", "sha512"]][..]),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], &[&[], &["--digest", "sha512"]]),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], &[&[]]),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"], &[&[]]),
    ] {
        let Some(card) = Card::new() else { return };
        card.key("new", "01", kind, "digitalSignature");
        card.certificate("new", "01");
        card.import();
        for way in ways {
            let sign = ["sign", "mail.eml", "-o", "signed.eml", "--overwrite", "--pin-file", "pin"];
            card.cseal(&[&sign[..], way].concat()).exits(0);
            let verify =
                ["cms", "-verify", "-in", "signed.eml", "-noverify", "-signer", "by.pem", "-out", "out"];
            card.run("openssl", &verify);
            let by = |name: &str| card.run("openssl", &["x509", "-in", name, "-noout", "-fingerprint"]);
            assert_eq!(by("by.pem"), by("new.pem"));
            card.cseal(&["verify", "signed.eml"]).exits(0);
        }
    }
}

#[test]
fn a_mail_is_sealed_with_the_signature_of_a_token_and_an_archive_is_opened_by_one() {
    let Some(card) = Card::with_rsa() else { return };
    let encrypt = ["encrypt", "mail.eml", "-o", "out.eml", "--pin-file", "pin"];
    card.cseal(&encrypt).exits(0);
    let read = card.place.run("bob", &["decrypt", "out.eml", "--json"]);
    // Bob has never seen the certificate of the token: signed it is.
    assert!(read.text().contains("let us meet."), "{}", read.stderr);
    assert!(card.cseal(&["decrypt", "out.eml", "--pin-file", "pin"]).text().contains("let us meet."));

    std::fs::create_dir(card.place.path("archive")).unwrap();
    for name in ["one", "two"] {
        card.seal("rsa", &[]);
        std::fs::rename(card.place.path("sealed.eml"), card.place.path(&format!("archive/{name}.eml")))
            .unwrap();
    }
    let open = ["archive", "decrypt", "archive", "-o", "opened", "--pin-file", "pin"];
    card.cseal(&open).exits(0);
    for name in ["one", "two"] {
        let mail = String::from_utf8(card.place.read(&format!("opened/{name}.eml"))).unwrap();
        assert!(mail.contains("let us meet."), "{mail}");
    }
    let absent = card.without_token(&["archive", "decrypt", "archive", "-o", "not", "--pin-file", "pin"]);
    assert!(absent.text().contains("the token card is not there"), "{}", absent.exits(1).text());
}

#[test]
fn keys_are_made_on_a_token_and_certified_by_the_personal_ca() {
    let Some(card) = Card::new() else { return };
    for (key_use, kind) in
        [("encryption", "rsa-2048"), ("encryption", "p-384"), ("signing", "rsa-2048"), ("signing", "p-521")]
    {
        let generate = ["keys", "generate", "alice@example.org", "--use", key_use, "--algorithm", kind];
        let made = card.cseal(&[&generate[..], &["--token", "card", "--pin-file", "pin"]].concat()).exits(0);
        let fingerprint = made.text().split_whitespace().next().unwrap().to_owned();
        if key_use == "encryption" {
            card.cseal(&["keys", "export", &fingerprint, "-o", "made.pem", "--overwrite"]).exits(0);
            card.seal("made", &[]);
            holds_the_mail(card.cseal(&["decrypt", "sealed.eml", "--pin-file", "pin"]));
        } else {
            let sign = ["sign", "mail.eml", "-o", "signed.eml", "--overwrite", "--pin-file", "pin"];
            card.cseal(&sign).exits(0);
            // Whoever compared the personal CA needs not compare again.
            let verified = card.place.run("bob", &["verify", "signed.eml"]).exits(0);
            assert!(verified.stderr.contains("VERIFIED"), "{}", verified.stderr);
            assert!(card.cseal(&["sign", "mail.eml", "--json"]).exits(3).json()["error"] == "pin-needed");
        }
    }
    // Other programs find the certificates beside the keys.
    let open = ["--module", LIBRARY, "--token-label", "card", "-O", "--type", "cert"];
    assert_eq!(card.run("pkcs11-tool", &open).matches("Certificate Object").count(), 4);
    let quantum = ["keys", "generate", "alice@example.org", "--algorithm", "ml-kem-768", "--token", "card"];
    card.cseal(&quantum).exits(2);
}

#[test]
fn keys_on_a_token_are_listed_and_said_to_be_absent() {
    let Some(card) = Card::with_rsa() else { return };
    let listed = card.cseal(&["keys", "list"]).exits(0).text();
    assert!(listed.lines().any(|line| line.ends_with(", on token card")), "{listed}");
    let absent = card.without_token(&["keys", "list"]).exits(0).text();
    assert!(absent.lines().any(|line| line.ends_with(", on token card (not there)")), "{absent}");
    let json: serde_json::Value =
        serde_json::from_str(&card.cseal(&["keys", "list", "--json"]).exits(0).text()).unwrap();
    let tokens: Vec<_> = json["keys"].as_array().unwrap().iter().filter_map(|key| key.get("token")).collect();
    assert_eq!((tokens.len(), &tokens[0]["label"], &tokens[0]["present"]), (1, &"card".into(), &true.into()));

    let doctor = card.without_token(&["doctor"]).exits(1).text();
    assert!(doctor.contains("keys of yours are on the token card, which is not there"), "{doctor}");
    assert!(card.cseal(&["doctor"]).text().contains("the token card, serial number "));

    card.seal("rsa", &[]);
    let decrypted = card.without_token(&["decrypt", "sealed.eml", "--pin-file", "pin", "--json"]);
    assert_eq!(decrypted.exits(3).json()["error"], "no-token");
    // Nobody takes it out of the token, and taking it in a second time changes nothing.
    card.place.write("new", "correct horse\n");
    let fingerprint = tokens_fingerprint(&json);
    let export = ["keys", "export", &fingerprint, "--secret", "-o", "x.p12", "--new-passphrase-file", "new"];
    assert!(card.cseal(&export).exits(1).stderr.contains("does not leave it"));
    assert!(
        card.cseal(&["keys", "import", "--token", "card", "--pin-file", "pin"])
            .text()
            .contains("known already")
    );
}

fn tokens_fingerprint(list: &serde_json::Value) -> String {
    let mut keys = list["keys"].as_array().unwrap().iter();
    let key = keys.find(|key| key.get("token").is_some()).unwrap();
    key["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn where_a_key_is_survives_a_backup_and_a_change_is_noticed() {
    let Some(card) = Card::with_rsa() else { return };
    card.place.write("passphrase", "correct horse\n");
    let backup = ["backup", "alice.backup", "--new-passphrase-file", "passphrase"];
    card.cseal(&backup).exits(0);
    card.place.run("dora", &["restore", "alice.backup", "--passphrase-file", "passphrase"]).exits(0);
    assert!(card.place.run("dora", &["keys", "list"]).text().contains("on token card (not there)"));

    let store = card.place.path("alice/store.sqlite3");
    let changed = Command::new("python3")
        .args(["-c", "import sqlite3, sys\nstore = sqlite3.connect(sys.argv[1])\n\
             store.execute(\"UPDATE evidence SET content = CAST(replace(CAST(content AS TEXT), 'card', 'fake') AS BLOB) WHERE kind = 'token-key'\")\n\
             store.commit()"])
        .arg(store)
        .status()
        .unwrap();
    assert!(changed.success());
    assert_eq!(card.cseal(&["keys", "list", "--json"]).exits(4).json()["error"], "store-tampered");
}

#[test]
fn a_wrong_pin_is_said_and_given_once() {
    let Some(card) = Card::with_rsa() else { return };
    card.place.write("wrong", "000000\n");
    card.seal("rsa", &[]);
    let wrong = card.cseal(&["decrypt", "sealed.eml", "--pin-file", "wrong", "--json"]);
    assert_eq!(wrong.exits(3).json()["error"], "wrong-pin");
    let wrong = card.cseal(&["sign", "mail.eml", "-o", "out.eml", "--pin-file", "wrong", "--json"]);
    assert_eq!(wrong.exits(3).json()["error"], "wrong-pin");
    let nobody = card.cseal(&["decrypt", "sealed.eml", "--json"]);
    assert_eq!(nobody.exits(3).json()["error"], "pin-needed");
    card.place.write("empty", "\n");
    card.cseal(&["decrypt", "sealed.eml", "--pin-file", "empty"]).exits(2);
    holds_the_mail(card.cseal(&["decrypt", "sealed.eml", "--pin-file", "pin"]));
}

#[test]
fn a_mail_for_another_key_speaks_to_no_token() {
    let Some(card) = Card::with_rsa() else { return };
    // Alice's own key of the store: no PIN is needed, and a library that cannot be loaded keeps nothing out.
    card.place.run("bob", &["encrypt", "--no-sign", "mail.eml", "-o", "for-alice.eml"]);
    card.seal("alice", &[]);
    card.configure("[[token]]\nlibrary = \"/usr/lib/missing.so\"\n");
    holds_the_mail(card.cseal(&["decrypt", "sealed.eml"]));
    card.seal("rsa", &[]);
    let named = card.cseal(&["decrypt", "sealed.eml", "--json", "--pin-file", "pin"]);
    assert_eq!(named.exits(3).json()["error"], "token-library");
}

#[test]
fn certificates_come_from_files_too_and_only_for_keys_that_are_there() {
    let Some(card) = Card::new() else { return };
    card.key("rsa", "01", &["-newkey", "rsa:2048"], "digitalSignature,keyEncipherment");
    let import = |files: &[&str]| {
        card.cseal(&[&["keys", "import", "--token", "card", "--pin-file", "pin"][..], files].concat())
    };
    assert!(import(&[]).exits(3).stderr.contains("no key on the token card has a certificate"));
    assert!(import(&["bob.pem"]).exits(3).stderr.contains("its key is not on the token"));
    assert!(import(&["rsa.pem", "bob.pem"]).exits(0).text().contains("your key alice@example.org"));
    card.seal("rsa", &[]);
    holds_the_mail(card.cseal(&["decrypt", "sealed.eml", "--pin-file", "pin"]));
    let other = card.cseal(&["keys", "import", "--token", "other", "--pin-file", "pin", "--json"]);
    assert_eq!(other.exits(3).json()["error"], "no-token");
}

/// RFC 3218: whoever sends a mail to a token learns nothing of the padding of its key. The mails differ from a good
/// one in the encrypted key alone: another key with a good padding, and paddings that are wrong.
#[test]
fn bad_paddings_and_good_ones_with_another_key_get_the_same_answer() {
    let Some(card) = Card::with_rsa() else { return };
    let pem = "rsa.pem";
    let seal =
        ["cms", "-encrypt", "-aes-256-gcm", "-in", "mail.eml", "-outform", "DER", "-out", "sealed.der"];
    card.run("openssl", &[&seal[..], &["-recip", pem]].concat());
    let sealed = card.place.read("sealed.der");
    let place = sealed.windows(4).position(|octets| octets == [4, 0x82, 1, 0]).unwrap() + 4;
    let mut padded = vec![7; 256];
    (padded[0], padded[1], padded[256 - 33]) = (0, 2, 0);
    let mut variants = vec![padded.clone()];
    for (position, octet) in [(0, 1), (1, 1), (5, 0), (256 - 33, 1), (256 - 17, 0)] {
        let mut changed = padded.clone();
        changed[position] = octet;
        variants.push(changed);
    }
    // The last one is a good padding of a shorter key.
    variants[5][256 - 33] = 1;
    let mut answers = Vec::new();
    for padded in variants {
        let mut mail = sealed.clone();
        mail[place..place + 256].copy_from_slice(&encrypted(&card, &padded));
        card.place.write("changed.der", &mail);
        for _ in 0..2 {
            let ran = card.cseal(&["decrypt", "--cms", "changed.der", "-o", "-", "--pin-file", "pin"]);
            answers.push((ran.code, ran.stdout, ran.stderr));
        }
    }
    assert_eq!(answers[0].0, 3, "{answers:?}");
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    card.place.write("good.der", &sealed);
    holds_the_mail(card.cseal(&["decrypt", "--cms", "good.der", "-o", "-", "--pin-file", "pin"]));
}

/// The bare RSA operation with the public key.
fn encrypted(card: &Card, number: &[u8]) -> Vec<u8> {
    let raw = ["pkeyutl", "-encrypt", "-certin", "-inkey", "rsa.pem", "-pkeyopt", "rsa_padding_mode:none"];
    let mut child = Command::new("openssl")
        .args(raw)
        .current_dir(card.place.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(number).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// Alice, with a library that misbehaves.
struct Fake {
    place: Place,
    library: PathBuf,
}

impl Fake {
    fn new() -> Self {
        let place = Place::new();
        let source = place.write("library.c", include_str!("token/library.c"));
        let library = place.path("library.so");
        let compiler = std::env::var_os("CC").unwrap_or(OsString::from("cc"));
        let compiled = Command::new(compiler)
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status()
            .expect("a C compiler, as the build needs one");
        assert!(compiled.success());
        place.write("pin", "123456\n");
        let fake = Self { place, library };
        fake.configure(&fake.library.display().to_string());
        fake
    }

    fn configure(&self, library: &str) {
        let file = self.place.write("alice/config.toml", format!("[[token]]\nlibrary = \"{library}\"\n"));
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn import(&self, mode: &str) -> Ran {
        // The tries are counted by the library itself.
        let tries = self.place.path("tries");
        let _ = std::fs::remove_file(&tries);
        let program = format!("FAKE_TRIES={} exec {} \"$@\"", tries.display(), env!("CARGO_BIN_EXE_cseal"));
        let ran = Command::new("setsid")
            .args(["--wait", "sh", "-c", &program, "cseal"])
            .args(["keys", "import", "--token", "fake", "--pin-file", "pin", "--json"])
            .current_dir(self.place.path(""))
            .env("COUNTERSEAL_HOME", self.place.path("alice"))
            .env("FAKE_TOKEN", mode)
            .output()
            .unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        Ran { code: ran.status.code().unwrap(), stdout: ran.stdout, stderr }
    }

    fn tries(&self) -> usize {
        std::fs::read_to_string(self.place.path("tries")).map_or(0, |tries| tries.lines().count())
    }
}

#[test]
fn a_library_that_crashes_ends_or_hangs_is_an_error_in_words() {
    let fake = Fake::new();
    for (mode, words) in [("crash", "crashed (signal 11)"), ("exit", "no answer"), ("hang", "no answer in")] {
        let began = Instant::now();
        let error = fake.import(mode).exits(3).json();
        assert_eq!(error["error"], "token-library", "{mode}");
        assert!(error["message"].as_str().unwrap().contains(words), "{mode}: {error}");
        assert!(began.elapsed() < Duration::from_secs(30), "{mode}");
    }
}

#[test]
fn a_library_that_hangs_does_not_outlive_the_command() {
    let fake = Fake::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cseal"))
        .args(["doctor", "--json"])
        .current_dir(fake.place.path(""))
        .env("COUNTERSEAL_HOME", fake.place.path("alice"))
        .env("FAKE_TOKEN", "hang")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", command.id());
    let in_time = |done: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(8));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let child = || std::fs::read_to_string(&children).unwrap_or_default().trim().to_owned();
    in_time(&|| !child().is_empty());
    let status = format!("/proc/{}/status", child());
    // It has begun to hang when it runs our program, and its library.
    let maps = format!("/proc/{}/maps", child());
    in_time(&|| std::fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("library.so")));
    command.kill().unwrap();
    command.wait().unwrap();
    // Whoever inherits it may leave what is left of it.
    in_time(&|| std::fs::read_to_string(&status).map_or(true, |status| status.contains("State:\tZ")));
}

#[test]
fn what_a_library_prints_goes_nowhere_and_what_it_calls_a_token_is_made_safe() {
    let fake = Fake::new();
    let noise = ("FAKE_TOKEN", Path::new("noise"));
    let doctor = fake.place.run_with(noise, "alice", &["doctor"]);
    assert!(doctor.text().contains("the token fa[2Jke, serial number 0001"), "{}", doctor.text());
    assert!(!doctor.text().contains("no message") && !doctor.stderr.contains("no message"));
}

#[test]
fn a_pin_is_tried_once_and_neither_at_the_last_try_nor_on_a_locked_token() {
    let fake = Fake::new();
    for (mode, word, tries) in
        [("", "wrong-pin", 1), ("last", "pin-last-try", 0), ("locked", "token-locked", 0)]
    {
        assert_eq!(fake.import(mode).exits(3).json()["error"], word);
        assert_eq!(fake.tries(), tries, "{mode}");
    }
}

#[test]
fn whoever_types_a_pin_is_warned_of_the_last_try() {
    let fake = Fake::new();
    let tries = fake.place.path("tries");
    let import = format!("{} keys import --token fake", env!("CARGO_BIN_EXE_cseal"));
    let mut terminal = Command::new("timeout")
        .args(["60", "script", "-qec", &import, "/dev/null"])
        .current_dir(fake.place.path(""))
        .env("COUNTERSEAL_HOME", fake.place.path("alice"))
        .env("FAKE_TOKEN", "last")
        .env("FAKE_TRIES", &tries)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let mut shown = Vec::new();
    while !shown.ends_with(b"locks it): ") {
        let mut octet = [0];
        assert_eq!(screen.read(&mut octet).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.push(octet[0]);
    }
    // What is typed before the question is there to be answered is thrown away.
    std::thread::sleep(Duration::from_millis(200));
    keys.write_all(b"000000\r").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("PIN of the token fake (LAST TRY: a wrong one locks it)"), "{shown}");
    assert!(shown.contains("ONE try is left") && !shown.contains("000000"), "{shown}");
    assert_eq!(fake.tries(), 1);
    terminal.wait().unwrap();
}

#[test]
fn only_a_library_that_nobody_else_can_write_is_loaded() {
    let fake = Fake::new();
    let refused = |library: &str, word: &str, words: &str| {
        fake.configure(library);
        let error = fake.import("").exits(3).json();
        assert_eq!(error["error"], word, "{error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        assert_eq!(fake.tries(), 0);
    };
    let text = fake.place.write("text.so", "this is no library\n").display().to_string();
    refused(&text, "token-library", "cannot be used");
    refused("library.so", "config", "line 2: \"library\" must be an absolute path");
    refused("/nonexistent/library.so", "token-library", "cannot be used");
    let library = fake.library.display().to_string();
    std::fs::set_permissions(&library, std::fs::Permissions::from_mode(0o777)).unwrap();
    refused(&library, "token-library", "others can write it");
    let settings = fake.place.path("alice/config.toml");
    std::fs::set_permissions(&library, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = fake.import("").exits(3).json();
    assert!(
        error["message"].as_str().unwrap().contains("others can write it, and it names libraries"),
        "{error}"
    );
    std::fs::remove_file(&settings).unwrap();
    assert_eq!(fake.import("").exits(3).json()["error"], "no-token-library");
}

#[test]
fn the_process_that_loads_libraries_is_of_no_use_to_a_person() {
    let place = Place::new();
    let ran = place.pipe("alice", &["token-helper"], b"\0\0\0\x01\x01").exits(3);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("token-helper"), "{}", ran.stderr);
}
