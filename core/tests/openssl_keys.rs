//! Secret keys that OpenSSL makes, in every form in which it writes them, and certificates of ours
//! that OpenSSL verifies. Skipped, loudly, where there is no `openssl`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;

use counterseal_core::address::EmailAddress;
use counterseal_core::algorithm::{DigestAlgorithm, KeyAlgorithm, SignatureAlgorithm};
use counterseal_core::keys::{Keyring, import};
use counterseal_core::ports::{OaepParameters, Random};
use counterseal_core::secret::SecretBytes;
use counterseal_core::time::Time;
use counterseal_core::x509::issue::{self, Issuer, Subject, Validity};
use counterseal_core::x509::{Certificate, KeyKind, PublicKey, SecretKey, SecretKeyError, pem};

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterseal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs `openssl` here; the arguments are separated by spaces.
    fn openssl(&self, arguments: &str) {
        assert!(self.openssl_succeeds(arguments), "openssl {arguments}");
    }

    fn openssl_succeeds(&self, arguments: &str) -> bool {
        self.succeeds(Path::new("openssl"), arguments)
    }

    fn succeeds(&self, program: &Path, arguments: &str) -> bool {
        let output = Command::new(program).args(arguments.split(' ')).current_dir(&self.0).output().unwrap();
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn openssl_is_there() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: openssl is not at hand");
    }
    there
}

fn passphrase(text: &str) -> SecretBytes {
    SecretBytes::copy_of(text.as_bytes())
}

/// How OpenSSL makes a key of each kind.
const KINDS: [(&str, KeyAlgorithm); 8] = [
    ("RSA -pkeyopt rsa_keygen_bits:1024", KeyAlgorithm::Rsa { bits: 1024 }),
    ("RSA -pkeyopt rsa_keygen_bits:2048", KeyAlgorithm::Rsa { bits: 2048 }),
    ("RSA -pkeyopt rsa_keygen_bits:3000", KeyAlgorithm::Rsa { bits: 3000 }),
    ("EC -pkeyopt ec_paramgen_curve:P-256", KeyAlgorithm::P256),
    ("EC -pkeyopt ec_paramgen_curve:P-384", KeyAlgorithm::P384),
    ("EC -pkeyopt ec_paramgen_curve:P-521", KeyAlgorithm::P521),
    ("ED25519", KeyAlgorithm::Ed25519),
    ("X25519", KeyAlgorithm::X25519),
];

#[test]
fn keys_of_openssl_are_read_in_every_form() {
    if !openssl_is_there() {
        return;
    }
    let folder = Folder::new("key-forms");
    for (kind, algorithm) in KINDS {
        folder.openssl(&format!("genpkey -algorithm {kind} -out key.pem"));
        folder.openssl("pkey -in key.pem -pubout -outform DER -out public.der");
        let public = PublicKey::from_der(&folder.read("public.der")).unwrap();
        assert_eq!(public.algorithm(), algorithm);
        folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
        let mut forms = vec!["key.pem", "key.der"];
        if matches!(algorithm, KeyAlgorithm::Rsa { .. }) {
            folder.openssl("rsa -in key.pem -traditional -out traditional.pem");
            folder.openssl("rsa -in key.pem -traditional -outform DER -out traditional.der");
            forms.extend(["traditional.pem", "traditional.der"]);
        }
        if matches!(algorithm, KeyAlgorithm::P256 | KeyAlgorithm::P384 | KeyAlgorithm::P521) {
            folder.openssl("ec -in key.pem -out traditional.pem");
            folder.openssl("ec -in key.pem -outform DER -out traditional.der");
            forms.extend(["traditional.pem", "traditional.der"]);
        }
        for form in forms {
            let key = SecretKey::from_any(&folder.read(form), None).unwrap();
            assert_eq!(*key.public_key(), public, "{kind} {form}");
            let again = SecretKey::from_pkcs8_der(key.to_pkcs8_der().expose()).unwrap();
            assert_eq!(*again.public_key(), public);
            let found = import(&folder.read(form), None);
            assert_eq!((found.keys.len(), found.refused.len()), (1, 0), "{kind} {form}");
        }
    }
}

#[test]
fn encrypted_keys_of_openssl_open_with_their_passphrase_only() {
    if !openssl_is_there() {
        return;
    }
    let folder = Folder::new("encrypted-keys");
    folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let encryptions = [
        "-v2 aes-128-cbc -v2prf hmacWithSHA1",
        "-v2 aes-256-cbc -v2prf hmacWithSHA256",
        "-v2 aes-192-cbc -v2prf hmacWithSHA512",
        "-v2 des3",
        "-scrypt",
        "-v1 PBE-SHA1-3DES",
    ];
    for encryption in encryptions {
        folder
            .openssl(&format!("pkcs8 -topk8 -in key.pem {encryption} -passout pass:geheim -out locked.pem"));
        let file = folder.read("locked.pem");
        let opened = SecretKey::from_any(&file, Some(&passphrase("geheim"))).unwrap();
        let plain = SecretKey::from_any(&folder.read("key.pem"), None).unwrap();
        assert_eq!(opened.fingerprint(), plain.fingerprint(), "{encryption}");
        let refused = SecretKey::from_any(&file, Some(&passphrase("falsch"))).unwrap_err();
        assert_eq!(refused, SecretKeyError::WrongPassphrase, "{encryption}");
        let refused = SecretKey::from_any(&file, None).unwrap_err();
        assert_eq!(refused, SecretKeyError::PassphraseNeeded);
    }
}

#[test]
fn what_we_make_openssl_reads() {
    if !openssl_is_there() {
        return;
    }
    let folder = Folder::new("made-keys");
    // OpenSSL before 3.5 knows no ML-KEM and no ML-DSA.
    for kind in KeyKind::ALL.into_iter().take(8) {
        let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        assert_eq!(key.algorithm(), kind.algorithm());
        folder.write("key.pem", key.to_pkcs8_pem().expose());
        folder.openssl("pkey -in key.pem -check -noout");
        folder.openssl("pkey -in key.pem -pubout -outform DER -out public.der");
        assert_eq!(folder.read("public.der"), key.public_key().as_der(), "{kind:?}");
    }
}

/// RSA operations against OpenSSL, with a key that aws-lc-rs takes and one that it does not.
#[test]
fn rsa_operations_agree_with_openssl() {
    if !openssl_is_there() {
        return;
    }
    let folder = Folder::new("rsa-operations");
    for bits in [1024, 1031, 2048] {
        folder.openssl(&format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out key.pem"));
        let key = SecretKey::from_any(&folder.read("key.pem"), None).unwrap();
        decryptions(&folder, &key);
        signatures(&folder, &key);
    }
}

/// What stands in for a badly padded message is what OpenSSL has since 3.2: there it has a length of
/// its own, and is the end of what comes here for the length of the modulus.
#[test]
fn a_bad_padding_gives_what_openssl_gives() {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let openssl = cache.unwrap_or_default().join("counterseal/openssl-4.0.3/openssl");
    if !openssl.is_file() {
        let required = std::env::var_os("COUNTERSEAL_REQUIRE_PEERS").is_some();
        assert!(!required, "OpenSSL 4.0 is not at hand: scripts/build-openssl-4 makes it");
        eprintln!("SKIPPED: OpenSSL 4.0 is not at hand");
        return;
    }
    let folder = Folder::new("implicit-rejection");
    for bits in [1024, 2048] {
        let key = format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out key.pem");
        assert!(folder.succeeds(&openssl, &key));
        let key = SecretKey::from_any(&folder.read("key.pem"), None).unwrap();
        let secret = passphrase("0123456789abcdef");
        let mut sealed = key.public_key().encrypt_rsa_pkcs1(&mut SystemRandom, &secret).unwrap();
        let length = sealed.len();
        for octet in 0..8 {
            sealed[length - 1] = octet;
            folder.write("sealed", &sealed);
            assert!(folder.succeeds(&openssl, "pkeyutl -decrypt -inkey key.pem -in sealed -out opened"));
            let (theirs, ours) = (folder.read("opened"), key.decrypt_rsa_pkcs1(&sealed, length).unwrap());
            if theirs == secret.expose() {
                continue; // The octet that it had before.
            }
            assert!(ours.secret.expose().ends_with(&theirs), "{bits} {octet}");
            assert_eq!(ours.secret.expose(), ours.rejection.expose());
        }
    }
}

fn decryptions(folder: &Folder, key: &SecretKey) {
    let secret = passphrase("0123456789abcdef");
    folder.write("secret", secret.expose());
    folder.openssl("pkeyutl -encrypt -inkey key.pem -in secret -out sealed");
    let opened = key.decrypt_rsa_pkcs1(&folder.read("sealed"), secret.len()).unwrap();
    assert_eq!(opened.secret.expose(), secret.expose());
    let ours = key.public_key().encrypt_rsa_pkcs1(&mut SystemRandom, &secret).unwrap();
    folder.write("sealed", &ours);
    folder.openssl("pkeyutl -decrypt -inkey key.pem -in sealed -out opened");
    assert_eq!(folder.read("opened"), secret.expose());
    let digests = [
        ("sha1", DigestAlgorithm::Sha1),
        ("sha256", DigestAlgorithm::Sha256),
        ("sha384", DigestAlgorithm::Sha384),
    ];
    for (name, digest) in digests {
        for (mask_name, mask_digest) in digests {
            let parameters = OaepParameters { digest, mask_digest, label: Vec::new() };
            let options = format!(
                "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{name} -pkeyopt rsa_mgf1_md:{mask_name}"
            );
            folder.openssl(&format!("pkeyutl -encrypt -inkey key.pem {options} -in secret -out sealed"));
            let opened = key.decrypt_rsa_oaep(&parameters, &folder.read("sealed")).unwrap();
            assert_eq!(opened.expose(), secret.expose());
            let ours = key.public_key().encrypt_rsa_oaep(&mut SystemRandom, &parameters, &secret).unwrap();
            folder.write("sealed", &ours);
            folder.openssl(&format!("pkeyutl -decrypt -inkey key.pem {options} -in sealed -out opened"));
            assert_eq!(folder.read("opened"), secret.expose());
        }
    }
}

fn signatures(folder: &Folder, key: &SecretKey) {
    let message = b"message";
    folder.write("message", message);
    let digests = [
        ("sha224", DigestAlgorithm::Sha224),
        ("sha256", DigestAlgorithm::Sha256),
        ("sha384", DigestAlgorithm::Sha384),
        ("sha3-256", DigestAlgorithm::Sha3_256),
    ];
    for (name, digest) in digests {
        let plain = SignatureAlgorithm::RsaPkcs1(digest);
        check_signature(folder, key, plain, &format!("-{name}"));
        for salt_length in [0, 20, 32] {
            let pss = SignatureAlgorithm::RsaPss { digest, mask_digest: digest, salt_length };
            let options =
                format!("-{name} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt_length}");
            check_signature(folder, key, pss, &options);
        }
    }
}

fn check_signature(folder: &Folder, key: &SecretKey, algorithm: SignatureAlgorithm, options: &str) {
    folder.openssl(&format!("dgst {options} -sign key.pem -out theirs message"));
    let theirs = folder.read("theirs");
    assert_eq!(key.public_key().verify(algorithm, b"message", &theirs), Ok(()), "{options}");
    assert!(key.public_key().verify(algorithm, b"massage", &theirs).is_err());
    folder.write("ours", &key.sign(algorithm, b"message").unwrap());
    folder.openssl("pkey -in key.pem -pubout -out public.pem");
    folder.openssl(&format!("dgst {options} -verify public.pem -signature ours message"));
}

fn validity() -> Validity {
    let start = Time::from_unix_seconds(1_795_262_400);
    Validity { not_before: start, not_after: start.plus_days(365) }
}

fn write_certificate(folder: &Folder, name: &str, certificate: &Certificate) {
    folder.write(name, pem::encode("CERTIFICATE", certificate.as_der()).as_bytes());
}

#[test]
fn openssl_verifies_what_a_personal_ca_issues() {
    if !openssl_is_there() {
        return;
    }
    let folder = Folder::new("personal-ca");
    let addresses = [EmailAddress::parse("alice@example.org").unwrap()];
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let keys = Keyring::from(key.clone());
    fn alice<'a>(addresses: &'a [EmailAddress], public_key: &'a PublicKey) -> Subject<'a> {
        Subject { name: "Alice", addresses, public_key }
    }
    let authority =
        issue::personal_ca(&keys, &alice(&addresses, key.public_key()), validity(), &mut SystemRandom)
            .unwrap();
    write_certificate(&folder, "ca.pem", &authority);
    let issuer = Issuer { certificate: &authority, keys: &keys };
    let verify = "verify -x509_strict -attime 1795300000 -CAfile ca.pem -purpose";
    for kind in [KeyKind::Rsa3072, KeyKind::P256, KeyKind::P384, KeyKind::P521] {
        let leaf = SecretKey::generate(kind, &mut SystemRandom).unwrap();
        let subject = alice(&addresses, leaf.public_key());
        let encryption =
            issue::encryption_certificate(&issuer, &subject, validity(), None, &mut SystemRandom).unwrap();
        write_certificate(&folder, "leaf.pem", &encryption);
        if matches!(kind, KeyKind::Rsa3072) {
            folder.openssl(&format!("{verify} smimeencrypt leaf.pem"));
        } else {
            // OpenSSL asks for keyEncipherment whatever the key; it encrypts all the same.
            folder.openssl(&format!("{verify} any leaf.pem"));
        }
        let signing = issue::signing_certificate(&issuer, &subject, validity(), &mut SystemRandom).unwrap();
        write_certificate(&folder, "leaf.pem", &signing);
        folder.openssl(&format!("{verify} smimesign leaf.pem"));
    }
    // Another person's address is outside of the name constraints.
    let mallory = [EmailAddress::parse("bob@example.org").unwrap()];
    let leaf = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let subject = Subject { name: "Bob", addresses: &mallory, public_key: leaf.public_key() };
    let outside = issue::signing_certificate(&issuer, &subject, validity(), &mut SystemRandom).unwrap();
    write_certificate(&folder, "leaf.pem", &outside);
    assert!(!folder.openssl_succeeds(&format!("{verify} smimesign leaf.pem")));
}
