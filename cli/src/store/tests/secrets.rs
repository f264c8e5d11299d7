//! Two hundred known secrets are looked for in every file of a home.

use std::collections::HashMap;
use std::fs::{self, File};

use counterseal_core::x509::{KeyKind, SecretKey};

use super::super::*;
use super::{SecretBytes, now};
use crate::randomness::SystemRandom;

const COUNT: usize = 200;
/// Bytes of a P-256 secret key that are looked for: the scalar stands whole in every form of it.
const NEEDLE: usize = 32;

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

/// The scalar of a P-256 key: 32 octets in the first such OCTET STRING (RFC 5915, section 3). The public
/// key behind it is no secret, and may hold the same two octets.
fn scalar(pkcs8: &[u8]) -> [u8; NEEDLE] {
    let at = pkcs8.windows(2).position(|window| window == [0x04, 0x20]).unwrap();
    pkcs8[at + 2..at + 2 + NEEDLE].try_into().unwrap()
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
