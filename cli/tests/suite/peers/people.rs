//! Keys and certificates of alice and bob under one test root, made by OpenSSL when the tests start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::command::{find, run};
use super::openssl;

/// Name, what `openssl genpkey` is told, key usage.
const PEOPLE: &[(&str, &[&str], &str)] = &[
    (
        "bob-rsa",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "digitalSignature,keyEncipherment",
    ),
    ("bob-p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "keyAgreement"),
    ("bob-p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "keyAgreement"),
    ("bob-p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "keyAgreement"),
    ("bob-x25519", &["-algorithm", "X25519"], "keyAgreement"),
    (
        "alice-rsa",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "digitalSignature,keyEncipherment",
    ),
    ("alice-p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "digitalSignature"),
    ("alice-p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "digitalSignature"),
    ("alice-p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "digitalSignature"),
    ("alice-ed25519", &["-algorithm", "ED25519"], "digitalSignature"),
];

/// The same for what only OpenSSL 4.0 makes.
const POST_QUANTUM_PEOPLE: &[(&str, &[&str], &str)] = &[
    ("bob-mlkem512", &["-algorithm", "ML-KEM-512"], "keyEncipherment"),
    ("bob-mlkem768", &["-algorithm", "ML-KEM-768"], "keyEncipherment"),
    ("bob-mlkem1024", &["-algorithm", "ML-KEM-1024"], "keyEncipherment"),
    ("alice-mldsa44", &["-algorithm", "ML-DSA-44"], "digitalSignature"),
    ("alice-mldsa65", &["-algorithm", "ML-DSA-65"], "digitalSignature"),
    ("alice-mldsa87", &["-algorithm", "ML-DSA-87"], "digitalSignature"),
];

/// The passphrase of every `.p12` here.
pub const P12_PASSPHRASE: &str = "p12";

/// The folder with the files of all people: `NAME.key.pem`, `NAME.key.der` (PKCS#8), `NAME.pem`, `NAME.der`, for RSA
/// and EC `NAME.p12` (Triple DES); and `root.pem`, `root.der`.
pub struct People {
    directory: PathBuf,
}

impl People {
    /// Made once for all tests of this run; nobody where OpenSSL is missing.
    pub fn all() -> Option<&'static Self> {
        static PEOPLE: OnceLock<Option<People>> = OnceLock::new();
        PEOPLE.get_or_init(Self::make).as_ref()
    }

    pub fn file(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    /// Whether this person could be made: the post-quantum ones only by OpenSSL 4.0.
    pub fn has(&self, name: &str) -> bool {
        self.directory.join(format!("{name}.pem")).is_file()
    }

    /// A folder of its own for what one test writes.
    pub fn scratch(&self, name: &str) -> PathBuf {
        let scratch = self.directory.join("scratch").join(name);
        fs::create_dir_all(&scratch).unwrap();
        scratch
    }

    fn make() -> Option<Self> {
        let program = find("openssl")?;
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let people = Self { directory };
        people.make_root(&program);
        for (name, algorithm, key_usage) in PEOPLE {
            people.make_person(&program, name, algorithm, key_usage);
            if !name.ends_with("25519") {
                people.make_p12(&program, name, &format!("{name}.p12"));
            }
        }
        if let Some(program) = openssl::program_4() {
            for (name, algorithm, key_usage) in POST_QUANTUM_PEOPLE {
                people.make_person(&program, name, algorithm, key_usage);
            }
        }
        Some(people)
    }

    fn make_root(&self, openssl: &Path) {
        let configuration = "[req]\ndistinguished_name=name\nx509_extensions=ca\nprompt=no\n\
            [name]\nO=Example Mail CA\nCN=Example Root\n\
            [ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
        fs::write(self.file("root.conf"), configuration).unwrap();
        self.make_files(
            openssl,
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-sha256",
                "-days",
                "3650",
                "-config",
                "root.conf",
            ],
            &["-keyout", "root.key.pem", "-out", "root.pem"],
        );
        self.make_files(openssl, &["x509", "-in", "root.pem"], &["-outform", "DER", "-out", "root.der"]);
    }

    fn make_person(&self, openssl: &Path, name: &str, algorithm: &[&str], key_usage: &str) {
        let (person, _) = name.split_once('-').unwrap();
        let [key, key_der, public, extensions, certificate, certificate_der] =
            ["key.pem", "key.der", "public.pem", "extensions", "pem", "der"]
                .map(|end| format!("{name}.{end}"));
        let text = format!(
            "basicConstraints=CA:FALSE\nkeyUsage=critical,{key_usage}\nextendedKeyUsage=emailProtection\n\
             subjectAltName=email:{person}@example.org\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        );
        fs::write(self.file(&extensions), text).unwrap();
        self.make_files(openssl, &[&["genpkey"], algorithm].concat(), &["-out", &key]);
        self.make_files(openssl, &["pkey", "-in", &key], &["-pubout", "-out", &public]);
        self.make_files(
            openssl,
            &["pkcs8", "-topk8", "-nocrypt", "-in", &key],
            &["-outform", "DER", "-out", &key_der],
        );
        let subject = format!("/O=Example People/CN={name}");
        self.make_files(
            openssl,
            &[
                "x509",
                "-new",
                "-force_pubkey",
                &public,
                "-subj",
                &subject,
                "-extfile",
                &extensions,
                "-days",
                "900",
            ],
            &["-CA", "root.pem", "-CAkey", "root.key.pem", "-sha256", "-out", &certificate],
        );
        self.make_files(
            openssl,
            &["x509", "-in", &certificate],
            &["-outform", "DER", "-out", &certificate_der],
        );
    }

    /// Triple DES and SHA-1: gpgsm 2.2 opens nothing newer. Each file has salts of its own.
    pub fn make_p12(&self, openssl: &Path, name: &str, p12: &str) {
        let [key, certificate] = ["key.pem", "pem"].map(|end| format!("{name}.{end}"));
        let password = format!("pass:{P12_PASSPHRASE}");
        self.make_files(
            openssl,
            &[
                "pkcs12",
                "-export",
                "-certpbe",
                "PBE-SHA1-3DES",
                "-keypbe",
                "PBE-SHA1-3DES",
                "-macalg",
                "sha1",
            ],
            &["-inkey", &key, "-in", &certificate, "-name", name, "-passout", &password, "-out", p12],
        );
    }

    fn make_files(&self, openssl: &Path, what: &[&str], files: &[&str]) {
        run(Command::new(openssl).current_dir(&self.directory).args(what).args(files))
            .unwrap_or_else(|reason| panic!("openssl {what:?} {files:?}: {reason}"));
    }
}
