//! Key packages, opened by hand with `openssl cms`: the inner layer with what Debian has, both with OpenSSL 4.0, which
//! `scripts/build-openssl-4` builds.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterseal_core::cms::{self, OpenOptions};
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::pem;
use counterseal_keysync::device::{DeviceKeyUse, DeviceKeys};
use counterseal_keysync::log::{AccountId, EntryId, KeyId, Purpose};
use counterseal_keysync::package::pack;
use counterseal_keysync::root::RootKeys;
use counterseal_keysync::sync::{Heading, SharedKey};

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

const NOW: Time = Time::from_unix_seconds(1_795_262_400);

/// A package for three devices and the root, with the second of them and the secret that is in it.
struct Packed {
    package: Vec<u8>,
    reader: DeviceKeys,
    secret: SecretBytes,
    folder: tempfile::TempDir,
}

impl Packed {
    fn new() -> Self {
        let device = |name| DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap();
        let root = RootKeys::from_seed(&SecretBytes::new(vec![7; 32])).unwrap();
        let mut readers = vec![
            device("desk"),
            device("thinkpad-7"),
            device("nas"),
            root.certify(NOW, &mut SystemRandom).unwrap(),
        ];
        readers.sort_by_key(|reader| reader.certificates().id());
        let secret = SecretBytes::new((1..=32).collect());
        let key = SharedKey {
            id: KeyId::of_log_secret(&secret),
            purpose: Purpose::LogSecret,
            secret: secret.clone(),
            certificates: Vec::new(),
        };
        let heading = Heading {
            account: AccountId::from_bytes([1; 32]),
            recipients: readers.iter().map(|reader| reader.certificates().id()).collect(),
            heads: vec![EntryId::from_bytes([2; 32])],
        };
        let certificates: Vec<_> = readers.iter().map(|reader| reader.certificates().clone()).collect();
        let author = device("author");
        let package = pack(&author.signer(), &key, &heading, &certificates, NOW, &mut SystemRandom).unwrap();
        Self { package, reader: readers.remove(1), secret, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate and a key of the reader, for `-recip` and `-inkey`.
    fn write_key(&self, key_use: DeviceKeyUse, name: &str) {
        let certificate = pem::encode("CERTIFICATE", self.reader.certificate(key_use).as_der());
        fs::write(self.path(&format!("{name}.pem")), certificate).unwrap();
        let key = self.reader.to_pkcs8(key_use).unwrap();
        fs::write(self.path(&format!("{name}.key")), pem::encode("PRIVATE KEY", key.expose())).unwrap();
    }

    /// `openssl cms -decrypt` of one layer.
    fn decrypt(&self, program: &Path, layer: &str, key: &str, output: &str) {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(["cms", "-decrypt", "-binary", "-inform", "DER"]);
        command.args(["-in", layer, "-recip", &format!("{key}.pem"), "-inkey", &format!("{key}.key")]);
        run(command.args(["-out", output]));
    }

    /// `openssl cms -verify` of the innermost layer, and whether the key is in it.
    fn verify(&self, program: &Path, signed: &str) {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args([
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-noverify",
        ]);
        run(command.args(["-in", signed, "-out", "content"]));
        let content = fs::read(self.path("content")).unwrap();
        let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
        assert!(holds(self.secret.expose()));
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .args(["cms", "-cmsout", "-print", "-inform", "DER", "-in", signed]);
        let printed = run(&mut command);
        assert!(printed.contains("2.16.840.1.101.2.1.2.78.5"), "{printed}");
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_openssl_of_debian_opens_the_inner_layer_and_verifies_what_is_in_it() {
    let packed = Packed::new();
    let mut inner = Vec::new();
    let (keys, options) = (packed.reader.secret_keys(), OpenOptions::default());
    cms::open(&mut Cursor::new(&packed.package), keys, &mut SystemRandom, &options, &mut inner).unwrap();
    fs::write(packed.path("inner"), inner).unwrap();
    packed.write_key(DeviceKeyUse::Agreement, "agreement");
    packed.decrypt(Path::new("openssl"), "inner", "agreement", "signed");
    packed.verify(Path::new("openssl"), "signed");
}

#[test]
fn openssl_4_opens_both_layers() {
    let Some(program) = openssl_4() else { return };
    let packed = Packed::new();
    fs::write(packed.path("package"), &packed.package).unwrap();
    packed.write_key(DeviceKeyUse::Encapsulation, "encapsulation");
    packed.write_key(DeviceKeyUse::Agreement, "agreement");
    packed.decrypt(&program, "package", "encapsulation", "inner");
    packed.decrypt(&program, "inner", "agreement", "signed");
    packed.verify(&program, "signed");
}

fn openssl_4() -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let program = cache.join("counterseal/openssl-4.0.3/openssl");
    if program.is_file() {
        return Some(program);
    }
    eprintln!("SKIPPED: OpenSSL 4.0 is not there; scripts/build-openssl-4 builds it");
    assert_ne!(std::env::var("COUNTERSEAL_REQUIRE_PEERS").as_deref(), Ok("1"), "OpenSSL 4.0 is missing");
    None
}
