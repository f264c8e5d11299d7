//! Two hundred known secrets are looked for wherever they could be left: in every file, and in the memory of a
//! process that has used them and let go of them.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

use counterseal_core::x509::{KeyKind, SecretKey};

use super::super::*;
use super::{SecretBytes, now};
use crate::randomness::SystemRandom;

const COUNT: usize = 200;
/// Bytes of a P-256 secret key that are looked for: the scalar stands whole in every form of it.
const NEEDLE: usize = 32;
/// Names the home of the process that is looked into.
const HOME: &str = "COUNTERSEAL_TEST_SECRETS";

/// A home with a store, a backup and two hundred secret keys, and the keys' scalars.
fn home() -> (tempfile::TempDir, Vec<[u8; NEEDLE]>) {
    let home = tempfile::tempdir().unwrap();
    let passphrase = Protection::Passphrase(SecretBytes::copy_of(b"correct horse"));
    let mut store = Store::create(home.path(), &passphrase, now()).unwrap();
    let mut scalars = Vec::new();
    store
        .write(now(), |writer| {
            for _ in 0..COUNT {
                let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
                let pkcs8 = key.to_pkcs8_der();
                scalars.push(scalar(pkcs8.expose()));
                writer.add_secret_key(KeyUse::Signing, "p-256", key.public_key().as_der(), &pkcs8)?;
            }
            Ok(())
        })
        .unwrap();
    let code = Protection::RecoveryCode(RecoveryCode::generate());
    let added = store.add_protection(&code, now()).unwrap();
    assert!(store.replace_protection(&added, now()).unwrap());
    let mut backup = File::create(home.path().join("keys.backup")).unwrap();
    store.back_up(None, &mut backup, now()).unwrap();
    // The log is there and not empty while a store is open and was written to.
    store.write(now(), |writer| writer.keep_evidence(EvidenceKind::Anchor, b"name", b"content")).unwrap();
    fs::write(home.path().join("log"), format!("{:?}", store.secret_keys().unwrap())).unwrap();
    for ending in ["-wal", "-shm"] {
        let bytes = fs::read(home.path().join(format!("{FILE}{ending}"))).unwrap();
        assert!(!bytes.is_empty());
        fs::write(home.path().join(format!("kept{ending}")), bytes).unwrap();
    }
    (home, scalars)
}

/// The scalar of a P-256 key: 32 octets in an OCTET STRING behind the version 1 (RFC 5915, section 3).
fn scalar(pkcs8: &[u8]) -> [u8; NEEDLE] {
    let begin = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = pkcs8.windows(begin.len()).position(|window| window == begin).unwrap() + begin.len();
    pkcs8[at..at + NEEDLE].try_into().unwrap()
}

/// How many of the needles stand in some bytes.
#[derive(Default)]
struct Search {
    needles: HashMap<[u8; 8], [u8; NEEDLE]>,
    found: std::collections::BTreeSet<[u8; NEEDLE]>,
}

impl Search {
    fn of(needles: &[[u8; NEEDLE]]) -> Self {
        let needles = needles.iter().map(|needle| (*needle.first_chunk().unwrap(), *needle)).collect();
        Self { needles, found: Default::default() }
    }

    fn look(&mut self, bytes: &[u8]) {
        for window in bytes.windows(NEEDLE) {
            let Some(needle) = self.needles.get(window.first_chunk::<8>().unwrap()) else { continue };
            if window == needle {
                self.found.insert(*needle);
            }
        }
    }
}

#[test]
fn no_secret_is_in_any_file_of_the_home() {
    let (home, scalars) = home();
    let mut search = Search::of(&scalars);
    let mut names = Vec::new();
    for entry in fs::read_dir(home.path()).unwrap().map(Result::unwrap) {
        search.look(&fs::read(entry.path()).unwrap());
        names.push(entry.file_name().into_string().unwrap());
    }
    assert!(search.found.is_empty(), "{} secrets are in the files", search.found.len());
    for name in [FILE, "store.sqlite3.seen", "keys.backup", "log", "kept-wal", "kept-shm"] {
        assert!(names.iter().any(|found| found == name), "{name} was not looked at: {names:?}");
    }
    // The search finds what is there: the same keys without the store around them.
    search.look(&scalars.concat());
    assert_eq!(search.found.len(), COUNT);
}

/// The process that is looked into: it uses every key, lets go of all of them, and waits.
#[test]
fn uses_the_secrets_and_waits() {
    let Some(home) = env::var_os(HOME) else { return };
    let store = Store::open(Path::new(&home)).unwrap();
    store.unlock(Some(Opener::Passphrase(&SecretBytes::copy_of(b"correct horse")))).unwrap();
    let keys = StoreKeys::new(&store, None, None).unwrap();
    for stored in keys.stored() {
        let key = keys.open(&stored.fingerprint).unwrap();
        assert_eq!(key.fingerprint(), stored.fingerprint);
    }
    wait("unlocked");
    drop(keys);
    drop(store);
    wait("locked");
}

/// Says where it is, and goes on when it is told to.
fn wait(state: &str) {
    println!("\n{state}");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Everything that a process has in its memory and may write to: what a core image holds of secrets.
fn memory(process: u32, mut look: impl FnMut(&str, &[u8])) -> std::io::Result<()> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut memory = File::open(format!("/proc/{process}/mem"))?;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, rest) = line.split_once('-').unwrap();
        let until = rest.split(' ').next().unwrap();
        let (from, until) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(until, 16).unwrap());
        memory.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        // Pages of devices cannot be read; they hold nothing of ours.
        let _ = (&mut memory).take(until - from).read_to_end(&mut bytes);
        look(line, &bytes);
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_in_memory_after_the_store_was_locked() {
    let (home, scalars) = home();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::tests::secrets::uses_the_secrets_and_waits", "--nocapture"])
        .env(HOME, home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut found = Vec::new();
    for state in ["unlocked", "locked"] {
        assert!(lines.any(|line| line.unwrap() == state), "it never was {state}");
        let mut search = Search::of(&scalars);
        let look = |place: &str, bytes: &[u8]| {
            let before = search.found.len();
            search.look(bytes);
            if state == "locked" && search.found.len() > before {
                println!("{} in {place}", search.found.len() - before);
            }
        };
        if let Err(error) = memory(child.id(), look) {
            eprintln!("SKIPPED: the memory of another process cannot be read here: {error}");
            child.kill().and_then(|()| child.wait()).unwrap();
            return;
        }
        found.push(search.found.len());
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
    assert!(child.wait().unwrap().success());
    // While the keys are in use they are in memory, or the search is worth nothing.
    assert_eq!(found, [COUNT, 0]);
}
