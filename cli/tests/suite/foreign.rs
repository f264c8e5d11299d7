//! Devices that cannot run cseal get a file of all keys, once, and are listed.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::peers::command::{find, missing};
use crate::people::Place;

const PASSWORD: &str = "wabn-3kqz-9xtm-p4rd-hs2c";

fn renew(place: &Place) {
    let renew = ["keys", "renew", "bob@example.org", "--encryption", "--algorithm", "rsa-2048"];
    place.run("bob", &renew).exits(0);
}

/// Bob, with two generations of his key, and a mail to each.
fn bob() -> Place {
    let place = Place::new();
    place.write("password", format!("{PASSWORD}\n"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "old.eml"]).exits(0);
    let renew = ["keys", "renew", "bob@example.org", "--encryption", "--algorithm", "rsa-3072"];
    place.run("bob", &renew).exits(0);
    place
}

fn add(place: &Place, kind: &str, file: &str) {
    let name = ["device", "add", "--foreign", "phone", "--for", kind];
    place.run("bob", &[&name[..], &["--new-passphrase-file", "password", "-o", file]].concat()).exits(0);
}

/// Runs a program, and gives what it wrote.
fn run(place: &Place, command: &str) -> String {
    let ran = Command::new("sh").args(["-c", command]).current_dir(place.path(".")).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn listed(place: &Place) -> Value {
    let list: Value =
        serde_json::from_slice(&place.run("bob", &["device", "list", "--json"]).exits(0).stdout).unwrap();
    list["foreign"].clone()
}

#[test]
fn a_p12_file_holds_every_generation_for_other_programs() {
    let place = bob();
    if ["openssl", "pk12util", "certutil", "keytool"].iter().any(|program| find(program).is_none()) {
        return missing("openssl, the tools of NSS and keytool");
    }
    add(&place, "outlook", "keys.p12");
    let openssl = run(&place, "openssl pkcs12 -legacy -in keys.p12 -passin file:password -nodes");
    assert_eq!(openssl.matches("BEGIN PRIVATE KEY").count(), 2, "{openssl}");
    assert!(openssl.contains("personal CA"));
    run(&place, "mkdir nss && certutil -N -d sql:nss --empty-password");
    run(&place, "pk12util -i keys.p12 -d sql:nss -w password -K ''");
    assert_eq!(run(&place, "certutil -K -d sql:nss").matches("rsa").count(), 2);
    let keytool = run(&place, "keytool -list -keystore keys.p12 -storetype PKCS12 -storepass:file password");
    assert_eq!(keytool.matches("PrivateKeyEntry").count(), 2, "{keytool}");
    // It opens old mail where nothing else of Bob's is.
    let import = ["keys", "import", "keys.p12", "--passphrase-file", "password"];
    place.run("new", &[&import[..], &["--store-passphrase-file", "password"]].concat()).exits(0);
    place.run("new", &["decrypt", "old.eml", "--passphrase-file", "password"]).exits(0);
}

#[test]
fn android_gets_a_file_for_each_key_and_apple_a_profile_of_all() {
    let place = bob();
    add(&place, "android", "keys.p12");
    for file in ["keys.p12", "keys-2.p12"] {
        let key =
            run(&place, &format!("openssl pkcs12 -legacy -in {file} -passin file:password -nodes -nocerts"));
        assert_eq!(key.matches("BEGIN PRIVATE KEY").count(), 1);
    }
    add(&place, "apple", "keys.mobileconfig");
    place.write(
        "read.py",
        "import plistlib\n\
         profile = plistlib.load(open('keys.mobileconfig', 'rb'))\n\
         kinds = [one['PayloadType'] for one in profile['PayloadContent']]\n\
         assert kinds == ['com.apple.security.root'] + 2 * ['com.apple.security.pkcs12'], kinds\n\
         assert len({one['PayloadUUID'] for one in profile['PayloadContent']}) == 3\n\
         assert not any('Password' in one for one in profile['PayloadContent'])\n\
         for number, one in enumerate(profile['PayloadContent'][1:]):\n\
         \x20   open(f'{number}.p12', 'wb').write(one['PayloadContent'])\n",
    );
    run(&place, "python3 read.py");
    for file in ["0.p12", "1.p12"] {
        run(&place, &format!("openssl pkcs12 -legacy -in {file} -passin file:password -nodes"));
    }
    let text = fs::read_to_string(place.path("keys.mobileconfig")).unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains("PRIVATE KEY"));
}

#[test]
fn a_device_that_was_given_keys_is_listed_and_falls_behind() {
    let place = bob();
    add(&place, "outlook", "keys.p12");
    let phone = listed(&place)[0].clone();
    assert_eq!((phone["name"].as_str(), phone["kind"].as_str()), (Some("phone"), Some("outlook")));
    assert_eq!((phone["keys"].as_u64(), phone["of"].as_u64()), (Some(2), Some(2)));
    assert_eq!(phone["behind"], false);
    renew(&place);
    assert_eq!(listed(&place)[0]["behind"], true);
    let words = place.run("bob", &["device", "list"]).exits(0).text();
    assert!(words.contains("has 2 of 3 keys") && words.contains("behind"), "{words}");
    fs::remove_file(place.path("keys.p12")).unwrap();
    add(&place, "outlook", "keys.p12");
    let all = listed(&place);
    assert_eq!((all.as_array().unwrap().len(), all[0]["behind"].clone()), (1, false.into()));
    // The password is in no file of the store.
    for file in fs::read_dir(place.path("bob")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
    }
}

/// Bob gives a device a file, at a terminal where a new password is shown.
fn at_a_terminal(place: &Place, how: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_cseal");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command"]);
    command.arg(format!("'{program}' device add --foreign phone {how}")).arg("/dev/null");
    command.env("COUNTERSEAL_HOME", place.path("bob")).current_dir(place.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

#[test]
fn it_is_offered_once_over_the_network() {
    let place = bob();
    let mut offer = at_a_terminal(&place, "--for apple --listen 127.0.0.1").spawn().unwrap();
    let said = BufReader::new(offer.stdout.take().unwrap());
    let mut lines = said.lines().map(|line| line.unwrap());
    let is_password = |line: &String| line.len() == PASSWORD.len() && line.matches('-').count() == 4;
    let url = lines.by_ref().find(|line| line.contains("http://")).unwrap();
    let (address, path) = url.trim().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    };
    assert!(get("").unwrap().starts_with("HTTP/1.1 404"));
    assert!(get("keys.mobileconfig").unwrap().starts_with("HTTP/1.1 404"));
    let answer = get(path).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("application/x-apple-aspen-config"));
    assert!(answer.contains("com.apple.security.pkcs12"));
    assert!(
        lines.by_ref().any(|line| is_password(&line.trim().to_owned())),
        "the password is new, and shown below the picture"
    );
    // A program that nobody listens to any more would not end well.
    lines.for_each(drop);
    assert!(offer.wait().unwrap().success());
    assert_eq!(get(path), None);
    assert_eq!(listed(&place)[0]["keys"], 2);
}

#[test]
fn what_nobody_fetches_is_taken_back_and_not_listed() {
    let place = bob();
    let late = at_a_terminal(&place, "--listen 127.0.0.1 --wait 1").output().unwrap();
    let said = String::from_utf8_lossy(&late.stdout);
    assert!(late.status.code() == Some(1) && said.contains("nobody fetched"), "{said}");
    assert_eq!(listed(&place), Value::Array(Vec::new()));
    // A password that nobody could see is none.
    let refused = place.run("bob", &["device", "add", "--foreign", "phone", "-o", "keys.p12"]).exits(3);
    assert!(refused.stderr.contains("no terminal"), "{}", refused.stderr);
    assert!(!place.path("keys.p12").exists());
}

#[test]
fn a_password_of_ones_own_is_not_offered_to_everybody_on_the_network() {
    let place = bob();
    place.write("short", "1\n");
    for how in [&["--listen", "127.0.0.1"][..], &[]] {
        let head = ["device", "add", "--foreign", "phone", "--wait", "1", "--new-passphrase-file", "short"];
        let refused = place.run("bob", &[&head[..], how].concat()).exits(2);
        assert!(refused.stderr.contains("is not offered over the network"), "{}", refused.stderr);
        assert!(refused.stderr.contains("--output FILE"), "{}", refused.stderr);
    }
    assert_eq!(listed(&place), Value::Array(Vec::new()));
}
