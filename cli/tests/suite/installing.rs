//! Keys go into other programs, where `config.toml` says so, and open mail there.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::gnupg::Gnupg;
use crate::peers::command::{find, missing};
use crate::people::{Place, Ran};

const PASSPHRASE: &str = "geheim";
const PLAIN: &str = "Content-Type: text/plain\n\nmeet at noon\n";

/// Names a place to put Bob's keys into.
fn configure(place: &Place, program: &str, folder: &Path, passphrase: bool) {
    place.write("passphrase", format!("{PASSPHRASE}\n"));
    let mut text = format!("[[install]]\nprogram = \"{program}\"\nplace = \"{}\"\n", folder.display());
    if passphrase {
        text += &format!("passphrase_file = \"{}\"\n", place.path("passphrase").display());
    }
    let before = fs::read_to_string(place.path("bob/config.toml")).unwrap_or_default();
    place.write("bob/config.toml", before + &text);
}

fn report(ran: &Ran) -> Value {
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["programs"][0].clone()
}

/// Puts Bob's keys in, and says how many are there and how many are new.
#[track_caller]
fn install(place: &Place, exits: i32) -> (u64, u64, u64) {
    let program = report(&place.run("bob", &["device", "install", "--json"]).exits(exits));
    let number = |name: &str| program[name].as_u64().unwrap();
    (number("keys"), number("of"), number("added"))
}

/// A file from Alice to the present key of Bob.
fn sealed(place: &Place, name: &str) -> PathBuf {
    place.write("plain", PLAIN);
    place.run("bob", &["keys", "export", "bob@example.org", "-o", "bob.now.pem"]).exits(0);
    let to = ["encrypt", "--cms", "--certificate", "bob.now.pem", "--no-sign"];
    let algorithms = ["--cipher", "aes-256-cbc", "--key-transport", "pkcs1"];
    place.run("carol", &[&to[..], &algorithms, &["plain", "-o", name]].concat()).exits(0);
    fs::remove_file(place.path("bob.now.pem")).unwrap();
    place.path(name)
}

/// A new generation of Bob's encryption key.
fn renew(place: &Place) {
    let renew = ["keys", "renew", "bob@example.org", "--encryption", "--algorithm", "rsa-3072"];
    place.run("bob", &renew).exits(0);
}

fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(tree(&path)),
            false => files.push((path.clone(), fs::read(&path).unwrap_or_default())),
        }
    }
    files.sort();
    files
}

#[test]
fn gpgsm_opens_mail_of_every_generation() {
    let place = Place::new();
    let Some(gnupg) = Gnupg::at(&place) else { return };
    configure(&place, "gpgsm", &place.path("gnupg"), true);
    let open = |file: &Path| {
        let opened = gnupg.try_gpgsm(PASSPHRASE, &["--decrypt", &file.display().to_string()]);
        assert_eq!(opened.stdout, PLAIN.as_bytes(), "{}", String::from_utf8_lossy(&opened.stderr));
    };
    let first = sealed(&place, "first.p7m");
    assert_eq!(install(&place, 0), (1, 1, 1));
    open(&first);
    let keys = || tree(&place.path("gnupg/private-keys-v1.d"));
    let before = keys();
    assert_eq!(install(&place, 0), (1, 1, 0));
    assert_eq!(keys(), before, "running twice changes nothing");
    renew(&place);
    let second = sealed(&place, "second.p7m");
    assert_eq!(install(&place, 0), (2, 2, 1));
    open(&first);
    open(&second);
    let list = String::from_utf8(gnupg.try_gpgsm(PASSPHRASE, &["--list-keys"]).stdout).unwrap();
    assert!(list.contains("personal CA"), "{list}");
    // An EC key stays out, and that is said.
    let renew = ["keys", "renew", "bob@example.org", "--encryption", "--algorithm", "p-256"];
    place.run("bob", &renew).exits(0);
    let said = place.run("bob", &["device", "install", "gpgsm"]).exits(0).stderr;
    assert!(said.contains("2 of 3 keys; 1 of a kind that it does not take"), "{said}");
}

#[test]
fn a_profile_of_thunderbird_opens_mail_of_every_generation() {
    let place = Place::new();
    if ["certutil", "pk12util", "cmsutil"].iter().any(|program| find(program).is_none()) {
        return missing("the tools of NSS");
    }
    for primary in [false, true] {
        let profile = place.path(if primary { "with-password" } else { "profile" });
        fs::create_dir(&profile).unwrap();
        let database = format!("sql:{}", profile.display());
        place.write("passphrase", format!("{PASSPHRASE}\n"));
        let mut make = Command::new("certutil");
        make.args(["-N", "-d", &database]);
        match primary {
            true => make.arg("-f").arg(place.path("passphrase")),
            false => make.arg("--empty-password"),
        };
        assert!(make.status().unwrap().success());
        let _ = fs::remove_file(place.path("bob/config.toml"));
        configure(&place, "thunderbird", &profile, primary);
        let open = |file: &Path| {
            let mut cmsutil = Command::new("cmsutil");
            cmsutil.args(["-D", "-d", &database, "-p", if primary { PASSPHRASE } else { "" }, "-i"]);
            let opened = cmsutil.arg(file).output().unwrap();
            assert_eq!(opened.stdout, PLAIN.as_bytes(), "{}", String::from_utf8_lossy(&opened.stderr));
        };
        let already = u64::from(primary);
        let first = sealed(&place, &format!("first{already}.p7m"));
        assert_eq!(install(&place, 0), (1 + already, 1 + already, 1 + already));
        open(&first);
        let before = tree(&profile);
        assert_eq!(install(&place, 0), (1 + already, 1 + already, 0));
        assert_eq!(tree(&profile), before, "running twice changes nothing");
        renew(&place);
        let second = sealed(&place, &format!("second{already}.p7m"));
        assert_eq!(install(&place, 0), (2 + already, 2 + already, 1));
        open(&first);
        open(&second);
        let listed = Command::new("certutil").args(["-L", "-d", &database]).output().unwrap().stdout;
        let listed = String::from_utf8(listed).unwrap();
        assert!(listed.lines().any(|line| line.contains("CA") && line.contains(",C,")), "{listed}");
    }
}

#[test]
fn a_profile_with_a_password_that_nobody_gave_is_left_alone() {
    let place = Place::new();
    if ["certutil", "pk12util"].iter().any(|program| find(program).is_none()) {
        return missing("the tools of NSS");
    }
    let profile = place.path("profile");
    fs::create_dir(&profile).unwrap();
    place.write("passphrase", "another\n");
    let mut make = Command::new("certutil");
    make.args(["-N", "-d", &format!("sql:{}", profile.display()), "-f"]).arg(place.path("passphrase"));
    assert!(make.status().unwrap().success());
    configure(&place, "thunderbird", &profile, false);
    let program = report(&place.run("bob", &["device", "install", "--json"]).exits(1));
    assert_eq!(
        (program["keys"].as_u64(), program["problem"]["error"].as_str()),
        (Some(0), Some("wrong-passphrase"))
    );
}

#[test]
fn a_thunderbird_that_runs_is_not_disturbed() {
    let place = Place::new();
    if ["certutil", "pk12util"].iter().any(|program| find(program).is_none()) {
        return missing("the tools of NSS");
    }
    let profile = place.path("profile");
    fs::create_dir(&profile).unwrap();
    let database = format!("sql:{}", profile.display());
    assert!(
        Command::new("certutil")
            .args(["-N", "--empty-password", "-d", &database])
            .status()
            .unwrap()
            .success()
    );
    configure(&place, "thunderbird", &profile, false);
    let before = tree(&profile);
    // As Thunderbird does it: a link to the process, and a lock on a file.
    symlink(format!("127.0.0.1:+{}", std::process::id()), profile.join("lock")).unwrap();
    let refused = place.run("bob", &["device", "install"]).exits(1).stderr;
    assert!(refused.contains("Thunderbird is running"), "{refused}");
    fs::remove_file(profile.join("lock")).unwrap();
    assert_eq!(tree(&profile), before);

    let lock = fs::File::create(profile.join(".parentlock")).unwrap();
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let refused = report(&place.run("bob", &["device", "install", "--json"]).exits(1));
    assert_eq!(refused["problem"]["error"], "program-running");
    drop(lock);
    // A link that a crash left behind does not keep keys out.
    symlink("127.0.0.1:+2147483600", profile.join("lock")).unwrap();
    assert_eq!(install(&place, 0), (1, 1, 1));
}

#[test]
fn mutt_opens_mail_of_every_generation() {
    let place = Place::new();
    if ["mutt", "script", "smime_keys"].iter().any(|program| find(program).is_none()) {
        return missing("mutt");
    }
    let smime = place.path("smime");
    fs::DirBuilder::new().mode(0o700).create(&smime).unwrap();
    for folder in ["keys", "certificates"] {
        fs::create_dir(smime.join(folder)).unwrap();
        fs::write(smime.join(folder).join(".index"), "carol@example.org 12345678.0 carol ? t").unwrap();
    }
    configure(&place, "mutt", &smime, true);
    let first = sealed(&place, "first.p7m");
    assert_eq!(install(&place, 0), (1, 1, 1));
    let before = tree(&smime);
    assert_eq!(install(&place, 0), (1, 1, 0));
    assert_eq!(tree(&smime), before, "running twice changes nothing");
    renew(&place);
    let second = sealed(&place, "second.p7m");
    assert_eq!(install(&place, 0), (2, 2, 1));

    let index = fs::read_to_string(smime.join("keys/.index")).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "carol@example.org 12345678.0 carol ? t"));
    for (file, line) in [(&first, lines[1]), (&second, lines[2])] {
        let name = line.split(' ').nth(1).unwrap();
        assert_eq!(with_mutt(&place, file, name), "meet at noon\n");
    }
}

/// What mutt shows of a mail, with its own settings for S/MIME and this key.
fn with_mutt(place: &Place, sealed: &Path, key: &str) -> String {
    let body = Command::new("base64").arg(sealed).output().unwrap().stdout;
    let head = "From alice@example.org Sat Nov 21 12:00:00 2026\nFrom: alice@example.org\nTo: bob@example.org\n\
                Subject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\
                Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\n";
    place.write("box", [head.as_bytes(), &body, b"\n"].concat());
    let smime = place.path("smime");
    let smime = smime.display();
    place.write(
        "muttrc",
        format!(
            "set crypt_use_gpgme=no smime_is_default=yes pipe_decode=yes wait_key=no folder=.\n\
             set smime_keys=\"{smime}/keys\" smime_certificates=\"{smime}/certificates\"\n\
             set smime_default_key=\"{key}\"\n\
             set smime_decrypt_command=\"openssl cms -decrypt -passin stdin -inform DER -in %f -inkey %k -recip %c\"\n"
        ),
    );
    let opened = place.path("opened");
    let _ = fs::remove_file(&opened);
    let mutt =
        "mutt -n -F muttrc -f box -e 'push <display-message><pipe-message>cat>opened<enter><exit><exit>'";
    let mut terminal = Command::new("timeout");
    terminal.args(["60", "script", "-qec", mutt, "/dev/null"]).current_dir(place.path("."));
    terminal.env("TERM", "xterm").env("HOME", place.path(".")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    // mutt throws away what was typed before it asks.
    while !String::from_utf8_lossy(&shown).contains("passphrase:") {
        match screen.read(&mut part).unwrap() {
            0 => break,
            length => shown.extend_from_slice(&part[..length]),
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    keyboard.write_all(format!("{PASSPHRASE}\r").as_bytes()).unwrap();
    screen.read_to_end(&mut shown).unwrap();
    drop(keyboard);
    child.wait().unwrap();
    let text = fs::read_to_string(opened).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&shown)));
    assert!(text.contains("noon"), "{text} {}", String::from_utf8_lossy(&shown));
    text.lines().filter(|line| line.contains("noon")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn without_a_place_or_a_passphrase_nothing_is_put_anywhere() {
    let place = Place::new();
    let refused = place.run("bob", &["device", "install"]).exits(3).stderr;
    assert!(refused.contains("[[install]]"), "{refused}");
    let smime = place.path("smime");
    configure(&place, "mutt", &smime, false);
    let absent = report(&place.run("bob", &["device", "install", "--json"]).exits(1));
    assert_eq!(absent["problem"]["error"], "no-place");
    fs::create_dir(&smime).unwrap();
    let refused = report(&place.run("bob", &["device", "install", "--json"]).exits(1));
    assert_eq!(refused["problem"]["error"], "passphrase-needed");
    assert!(tree(&smime).is_empty());
    place.run("bob", &["device", "install", "gpgsm"]).exits(3);
}

#[test]
fn keys_go_into_programs_after_a_round_of_the_devices() {
    let place = Place::new();
    let smime = place.path("smime");
    fs::create_dir(&smime).unwrap();
    let found = ["device", "export", "--store", "copy", "--no-recovery"];
    place.run("bob", &found).exits(1);
    configure(&place, "mutt", &smime, true);
    let before = fs::read_to_string(place.path("bob/config.toml")).unwrap();
    fs::create_dir(place.path("stick")).unwrap();
    place.write(
        "bob/config.toml",
        format!("{before}[[sync]]\nfolder = \"{}\"\n", place.path("stick").display()),
    );
    let index = || fs::read_to_string(smime.join("keys/.index")).unwrap_or_default().lines().count();
    place.run("bob", &["device", "sync"]).exits(0);
    assert_eq!(index(), 1);
    let list = place.run("bob", &["device", "list"]).exits(0).text();
    assert!(list.contains("installed in: mutt (1 of 1 key)"), "{list}");
    // What was taken away by somebody is not put back by every round, but by the command.
    fs::remove_file(smime.join("keys/.index")).unwrap();
    place.run("bob", &["device", "sync"]).exits(0);
    assert_eq!(index(), 0);
    place.run("bob", &["device", "install"]).exits(0);
    assert_eq!(index(), 1);
}
