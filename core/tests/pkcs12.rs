//! PKCS#12 against the programs that write and read it: OpenSSL, NSS and Java.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use counterseal_core::algorithm::DigestAlgorithm;
use counterseal_core::der::{Tag, encode, encode_all};
use counterseal_core::ports::Random;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::pkcs12::{
    CertificateEntry, Contents, Integrity, KeyEntry, Pkcs12Error, Pkcs12Limit, Protection,
    decrypt_private_key, read, write,
};

/// What OpenSSL takes for `-certpbe` and `-keypbe`.
const SCHEMES: [&str; 14] = [
    "PBE-SHA1-RC2-40",
    "PBE-SHA1-RC2-128",
    "PBE-SHA1-3DES",
    "PBE-SHA1-2DES",
    "PBE-SHA1-RC4-128",
    "PBE-SHA1-RC4-40",
    "PBE-MD5-DES",
    "PBE-SHA1-DES",
    "PBE-MD5-RC2-64",
    "PBE-SHA1-RC2-64",
    "AES-128-CBC",
    "AES-192-CBC",
    "AES-256-CBC",
    "DES-EDE3-CBC",
];

#[test]
fn every_encryption_of_openssl_is_read_and_a_wrong_passphrase_is_called_that() {
    let Some(person) = Person::new() else { return };
    for scheme in SCHEMES {
        let file = person.export(&["-certpbe", scheme, "-keypbe", scheme], "geheim");
        person.assert_read(&file, "geheim", scheme);
        assert_eq!(refusal(&file, "Geheim"), Pkcs12Error::WrongPassphrase, "{scheme}");
    }
}

#[test]
fn every_integrity_of_openssl_is_read() {
    let Some(person) = Person::new() else { return };
    for (name, digest) in [
        ("sha1", DigestAlgorithm::Sha1),
        ("sha224", DigestAlgorithm::Sha224),
        ("sha256", DigestAlgorithm::Sha256),
        ("sha384", DigestAlgorithm::Sha384),
        ("sha512", DigestAlgorithm::Sha512),
    ] {
        let file = person.export(&["-macalg", name], "geheim");
        assert_eq!(person.assert_read(&file, "geheim", name).integrity, Integrity::Mac(digest));
    }
    let file = person.export(&["-nomac"], "geheim");
    assert_eq!(person.assert_read(&file, "geheim", "no MAC").integrity, Integrity::None);
    assert_eq!(refusal(&file, "Geheim"), Pkcs12Error::WrongPassphrase);
}

#[test]
fn empty_and_foreign_passphrases_and_clear_files_are_read() {
    let Some(person) = Person::new() else { return };
    for passphrase in ["", "пароль", "geheim für alle", "🔑🔑"] {
        for scheme in ["PBE-SHA1-3DES", "AES-256-CBC"] {
            let file = person.export(&["-certpbe", scheme, "-keypbe", scheme], passphrase);
            person.assert_read(&file, passphrase, scheme);
        }
    }
    let file = person.export(&["-certpbe", "NONE", "-keypbe", "NONE"], "geheim");
    person.assert_read(&file, "geheim", "in clear");
    assert_eq!(refusal(&file, ""), Pkcs12Error::WrongPassphrase);
}

#[test]
fn encrypted_private_keys_of_openssl_are_read() {
    let Some(person) = Person::new() else { return };
    let out = person.path("encrypted.der");
    for arguments in [
        &["-v1", "PBE-SHA1-3DES"][..],
        &["-v1", "PBE-MD5-DES"],
        &["-v1", "PBE-SHA1-RC2-40"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA224"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA256"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "des3"],
        &["-v2", "rc2"],
        &["-scrypt"],
    ] {
        let mut command = openssl(&["pkcs8", "-topk8", "-provider", "default", "-provider", "legacy"]);
        command.args(["-outform", "DER", "-passout", "pass:geheim", "-in"]).arg(person.path("key.pem"));
        succeed(command.args(arguments).arg("-out").arg(&out));
        let file = std::fs::read(&out).unwrap();
        let key = decrypt_private_key(&file, &passphrase("geheim"));
        let key = key.unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert_eq!(key.expose(), person.key, "{arguments:?}");
        let refused = decrypt_private_key(&file, &passphrase("Geheim")).unwrap_err();
        assert_eq!(refused, Pkcs12Error::WrongPassphrase, "{arguments:?}");
    }
}

#[test]
fn pbmac1_is_checked() {
    let Some(person) = Person::new() else { return };
    let file = person.export(&["-nomac"], "geheim");
    let good = person.with_pbmac1(&file, "geheim");
    let contents = person.assert_read(&good, "geheim", "PBMAC1");
    assert_eq!(contents.integrity, Integrity::Pbmac1(DigestAlgorithm::Sha256));
    let bad = person.with_pbmac1(&file, "Geheim");
    assert_eq!(refusal(&bad, "geheim"), Pkcs12Error::WrongPassphrase);
}

#[test]
fn openssl_reads_what_is_written() {
    let Some(person) = Person::new() else { return };
    for (protection, arguments) in [(Protection::Modern, &[][..]), (Protection::TripleDes, &["-legacy"])] {
        for passphrase in ["geheim", "", "пароль"] {
            let file = person.written("ours.p12", passphrase, protection);
            let mut command = openssl(&["pkcs12", "-nodes", "-passin", &format!("pass:{passphrase}")]);
            let text = succeed(command.args(arguments).arg("-in").arg(&file)).stdout;
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("friendlyName: Alice"), "{text}");
            let key = text.split_inclusive('\n').skip_while(|line| !line.starts_with("-----BEGIN PRIVATE"));
            std::fs::write(person.path("back.pem"), key.collect::<String>()).unwrap();
            assert_eq!(private_key_info(&person.path("back.pem")), person.key);
        }
    }
}

#[test]
fn nss_reads_what_is_written_and_is_read() {
    let Some(person) = Person::new() else { return };
    if !(runs("pk12util", &["-H"]) && runs("certutil", &["-H"])) {
        return skipped("NSS (pk12util, certutil)");
    }
    for protection in [Protection::Modern, Protection::TripleDes] {
        let database = person.nss_database(&format!("{protection:?}"));
        let file = person.written("ours.p12", "geheim", protection);
        succeed(Command::new("pk12util").args(["-d", &database, "-W", "geheim", "-i"]).arg(&file));
        let keys = succeed(Command::new("certutil").args(["-K", "-d", &database])).stdout;
        assert!(String::from_utf8_lossy(&keys).contains("Alice"), "{protection:?}");
        for ciphers in [
            &[][..],
            &["-c", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC"],
            &["-c", "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC"],
            &["-c", "AES-128-CBC", "-C", "AES-256-CBC"],
            &["-c", "AES-256-CBC", "-C", "none", "-M", "SHA-512"],
        ] {
            let out = person.path("nss.p12");
            let mut command = Command::new("pk12util");
            command.args(["-d", &database, "-W", "пароль", "-n", "Alice", "-o"]).arg(&out);
            succeed(command.args(ciphers));
            person.assert_read(&std::fs::read(out).unwrap(), "пароль", &format!("NSS {ciphers:?}"));
        }
    }
}

#[test]
fn java_reads_what_is_written_and_is_read() {
    let Some(person) = Person::new() else { return };
    if !runs("keytool", &["-help"]) {
        return skipped("Java (keytool)");
    }
    for protection in [Protection::Modern, Protection::TripleDes] {
        let file = person.written("ours.p12", "geheim", protection);
        let mut command = Command::new("keytool");
        command.args(["-list", "-storetype", "PKCS12", "-storepass", "geheim", "-keystore"]);
        let listed = succeed(command.arg(&file)).stdout;
        assert!(String::from_utf8_lossy(&listed).contains("PrivateKeyEntry"), "{protection:?}");
        for legacy in ["", "-J-Dkeystore.pkcs12.legacy"] {
            let out = person.path("java.p12");
            let _ = std::fs::remove_file(&out);
            let mut command = Command::new("keytool");
            command.args(["-importkeystore", "-noprompt", "-deststoretype", "PKCS12", "-destalias", "bob"]);
            command.args(["-srcalias", "alice", "-srcstorepass", "geheim", "-deststorepass", "anders"]);
            command.arg("-srckeystore").arg(&file).arg("-destkeystore").arg(&out);
            succeed(command.args(Some(legacy).filter(|argument| !argument.is_empty())));
            let file = std::fs::read(out).unwrap();
            let contents = read(&file, &passphrase("anders")).unwrap();
            assert_eq!(contents.keys[0].private_key_info.expose(), person.key);
            assert_eq!(contents.keys[0].friendly_name.as_deref(), Some("bob"));
        }
    }
}

#[test]
fn a_cut_or_changed_file_gives_nothing_wrong() {
    let (key, certificate) = (b"\x30\x03\x02\x01\x07".to_vec(), b"\x30\x03\x02\x01\x09".to_vec());
    let keys =
        [KeyEntry { private_key_info: SecretBytes::copy_of(&key), friendly_name: None, local_key_id: None }];
    let certificates = [CertificateEntry {
        certificate: certificate.clone(),
        friendly_name: Some("Alice".into()),
        local_key_id: Some(vec![1]),
    }];
    let secret = passphrase("geheim");
    let file = write(&keys, &certificates, &secret, Protection::TripleDes, &mut Counter(0)).unwrap();
    assert_eq!(read(&file, &secret).unwrap().certificates, certificates);
    for length in 0..file.len() {
        assert!(read(&file[..length], &secret).is_err(), "cut to {length} bytes");
    }
    // Every bit would take minutes of key derivation; one in each byte, another in each run of eight.
    for position in 0..file.len() {
        let mut changed = file.clone();
        changed[position] ^= 1 << (position % 8);
        if let Ok(contents) = read(&changed, &secret) {
            assert_eq!(contents.keys[0].private_key_info.expose(), key, "changed at {position}");
            assert_eq!(contents.certificates, certificates, "changed at {position}");
        }
    }
}

#[test]
fn limits_hold() {
    let none = passphrase("");
    let large = vec![0; (10 << 20) + 1];
    assert_eq!(read(&large, &none).unwrap_err(), Pkcs12Error::Limit(Pkcs12Limit::Bytes));

    let bag = certificate_bag();
    let at_limit = clear_file(&encode_all(Tag::SEQUENCE, &vec![bag.clone(); 1000]));
    assert_eq!(read(&at_limit, &none).unwrap().certificates.len(), 1000);
    let beyond = clear_file(&encode_all(Tag::SEQUENCE, &vec![bag.clone(); 1001]));
    assert_eq!(read(&beyond, &none).unwrap_err(), Pkcs12Error::Limit(Pkcs12Limit::Bags));

    let nested = |depth| {
        let mut contents = encode_all(Tag::SEQUENCE, &[&bag]);
        for _ in 0..depth {
            let inner = encode(Tag::context(0), true, &contents);
            let name = encode(Tag::OBJECT_IDENTIFIER, false, b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x06");
            contents = encode_all(Tag::SEQUENCE, &[encode_all(Tag::SEQUENCE, &[name, inner])]);
        }
        clear_file(&contents)
    };
    assert_eq!(read(&nested(8), &none).unwrap().certificates.len(), 1);
    assert_eq!(read(&nested(9), &none).unwrap_err(), Pkcs12Error::Limit(Pkcs12Limit::Nesting));
}

#[test]
fn parameters_that_would_stop_a_careless_reader_are_refused() {
    // A salt of 200 bytes, an initialization vector of 3, 2^32 - 1 iterations.
    let integer = |bytes: &[u8]| encode(Tag::INTEGER, false, bytes);
    let octets = |length| encode(Tag::OCTET_STRING, false, &vec![7; length]);
    let name = |bytes: &[u8]| encode(Tag::OBJECT_IDENTIFIER, false, bytes);
    let file = |salt, iterations: &[u8], vector| {
        let derivation = encode_all(Tag::SEQUENCE, &[octets(salt), integer(iterations)]);
        let derivation =
            encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"), derivation]);
        let cipher = encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x03\x07"), octets(vector)]);
        let parameters = encode_all(Tag::SEQUENCE, &[derivation, cipher]);
        let algorithm =
            encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"), parameters]);
        encode_all(Tag::SEQUENCE, &[algorithm, octets(16)])
    };
    let refusal = |file: Vec<u8>| decrypt_private_key(&file, &passphrase("x")).unwrap_err();
    assert_eq!(refusal(file(8, b"\x07", 8)), Pkcs12Error::WrongPassphrase);
    assert_eq!(refusal(file(200, b"\x07", 8)), Pkcs12Error::WrongPassphrase);
    assert_eq!(refusal(file(8, b"\x07", 3)), Pkcs12Error::Malformed { what: "encryption parameters" });
    assert_eq!(refusal(file(8, b"\x00", 8)), Pkcs12Error::Malformed { what: "iteration count" });
    let endless = file(8, b"\x00\xff\xff\xff\xff", 8);
    assert_eq!(refusal(endless), Pkcs12Error::Limit(Pkcs12Limit::Iterations));
}

/// Somebody with a key and a certificate that OpenSSL made, and a folder.
struct Person {
    folder: tempfile::TempDir,
    key: Vec<u8>,
    certificate: Vec<u8>,
}

impl Person {
    fn new() -> Option<Self> {
        if !runs("openssl", &["version"]) {
            skipped("OpenSSL");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
        let mut command = openssl(&["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"]);
        command.args(["-subj", "/CN=Alice", "-addext", "subjectAltName=email:alice@example.org"]);
        succeed(command.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        let der = succeed(openssl(&["x509", "-outform", "DER", "-in"]).arg(&certificate)).stdout;
        Some(Self { key: private_key_info(&key), certificate: der, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn export(&self, arguments: &[&str], passphrase: &str) -> Vec<u8> {
        let out = self.path("openssl.p12");
        let mut command = openssl(&["pkcs12", "-export", "-provider", "default", "-provider", "legacy"]);
        command.args(["-name", "Alice", "-passout", &format!("pass:{passphrase}")]);
        command.arg("-inkey").arg(self.path("key.pem")).arg("-in").arg(self.path("certificate.pem"));
        succeed(command.args(arguments).arg("-out").arg(&out));
        std::fs::read(out).unwrap()
    }

    fn written(&self, name: &str, secret: &str, protection: Protection) -> PathBuf {
        let keys = [KeyEntry {
            private_key_info: SecretBytes::copy_of(&self.key),
            friendly_name: Some("Alice".into()),
            local_key_id: Some(vec![1, 2, 3]),
        }];
        let certificates = [CertificateEntry {
            certificate: self.certificate.clone(),
            friendly_name: Some("Alice".into()),
            local_key_id: Some(vec![1, 2, 3]),
        }];
        let file = write(&keys, &certificates, &passphrase(secret), protection, &mut Counter(0)).unwrap();
        self.assert_read(&file, secret, "our own file");
        std::fs::write(self.path(name), file).unwrap();
        self.path(name)
    }

    fn assert_read(&self, file: &[u8], secret: &str, what: &str) -> Contents {
        let contents = read(file, &passphrase(secret)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(contents.keys.len(), 1, "{what}");
        assert_eq!(contents.keys[0].private_key_info.expose(), self.key, "{what}");
        assert_eq!(contents.keys[0].friendly_name.as_deref(), Some("Alice"), "{what}");
        assert_eq!(contents.certificates.len(), 1, "{what}");
        assert_eq!(contents.certificates[0].certificate, self.certificate, "{what}");
        assert_eq!(contents.certificates[0].local_key_id, contents.keys[0].local_key_id, "{what}");
        contents
    }

    fn nss_database(&self, name: &str) -> String {
        let folder = self.path(name);
        std::fs::create_dir(&folder).unwrap();
        let database = format!("sql:{}", folder.display());
        succeed(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]));
        database
    }

    /// Adds MacData with PBMAC1 (RFC 9579), computed by OpenSSL's `kdf` and `mac`.
    fn with_pbmac1(&self, file: &[u8], secret: &str) -> Vec<u8> {
        let contents = children(file);
        let explicit = &children(&contents[1])[1];
        let octets = &children(explicit)[0];
        let message = content(octets);
        let message_file = self.path("message");
        std::fs::write(&message_file, message).unwrap();
        let mut command = openssl(&["kdf", "-keylen", "32", "-kdfopt", "digest:SHA256"]);
        command.args(["-kdfopt", &format!("pass:{secret}"), "-kdfopt", "salt:saltsalt"]);
        let key = succeed(command.args(["-kdfopt", "iter:2048", "PBKDF2"])).stdout;
        let key = String::from_utf8(key).unwrap().trim().replace(':', "");
        let mut command = openssl(&["mac", "-digest", "SHA256", "-macopt", &format!("hexkey:{key}"), "-in"]);
        let mac = succeed(command.arg(&message_file).arg("HMAC")).stdout;
        let mac = String::from_utf8(mac).unwrap();
        let mac: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&mac[2 * i..2 * i + 2], 16).unwrap()).collect();

        let name = |bytes: &[u8]| encode(Tag::OBJECT_IDENTIFIER, false, bytes);
        let octet_string = |bytes: &[u8]| encode(Tag::OCTET_STRING, false, bytes);
        let null = encode(Tag::NULL, false, &[]);
        let hmac = encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x02\x09"), null]);
        let iterations = encode(Tag::INTEGER, false, &[8, 0]);
        let length = encode(Tag::INTEGER, false, &[32]);
        let derivation =
            encode_all(Tag::SEQUENCE, &[octet_string(b"saltsalt"), iterations, length, hmac.clone()]);
        let derivation =
            encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"), derivation]);
        let parameters = encode_all(Tag::SEQUENCE, &[derivation, hmac]);
        let pbmac1 = encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e"), parameters]);
        let digest_info = encode_all(Tag::SEQUENCE, &[pbmac1, octet_string(&mac)]);
        let mac_data = encode_all(Tag::SEQUENCE, &[digest_info, octet_string(b"NOT USED")]);
        encode_all(Tag::SEQUENCE, &[contents[0].clone(), contents[1].clone(), mac_data])
    }
}

/// A PFX without MAC around SafeContents in clear.
fn clear_file(safe_contents: &[u8]) -> Vec<u8> {
    let data = |content: &[u8]| {
        let name = encode(Tag::OBJECT_IDENTIFIER, false, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
        let octets = encode(Tag::OCTET_STRING, false, content);
        encode_all(Tag::SEQUENCE, &[name, encode(Tag::context(0), true, &octets)])
    };
    let safe = encode_all(Tag::SEQUENCE, &[data(safe_contents)]);
    encode_all(Tag::SEQUENCE, &[encode(Tag::INTEGER, false, &[3]), data(&safe)])
}

fn certificate_bag() -> Vec<u8> {
    let name = |bytes: &[u8]| encode(Tag::OBJECT_IDENTIFIER, false, bytes);
    let octets = encode(Tag::OCTET_STRING, false, b"certificate");
    let certificate = encode(Tag::context(0), true, &octets);
    let inner = encode_all(Tag::SEQUENCE, &[name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"), certificate]);
    let bag = name(b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03");
    encode_all(Tag::SEQUENCE, &[bag, encode(Tag::context(0), true, &inner)])
}

fn passphrase(text: &str) -> SecretBytes {
    SecretBytes::copy_of(text.as_bytes())
}

fn refusal(file: &[u8], secret: &str) -> Pkcs12Error {
    read(file, &passphrase(secret)).unwrap_err()
}

/// DER of the key in a PEM file, by OpenSSL.
fn private_key_info(pem: &Path) -> Vec<u8> {
    succeed(openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in"]).arg(pem)).stdout
}

fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments);
    command
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok()
}

fn skipped(program: &str) {
    eprintln!("SKIPPED: {program} is not installed; nothing was tested against it");
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}{}", String::from_utf8_lossy(&output.stdout));
    output
}

/// Content octets of a DER element.
fn content(element: &[u8]) -> &[u8] {
    match element[1] {
        length @ 0..0x80 => &element[2..2 + usize::from(length)],
        octets => &element[2 + usize::from(octets & 0x7f)..],
    }
}

/// The elements in a DER element.
fn children(element: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = counterseal_core::der::Reader::new(content(element));
    let mut elements = Vec::new();
    while !reader.at_end().unwrap() {
        elements.push(reader.element(1 << 20).unwrap());
    }
    elements
}

/// Not random at all.
struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}
