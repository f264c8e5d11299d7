//! gpgsm 2.2.40 of Debian 12, with a home of its own and no pinentry.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::command::{Expectation, Outcome, find, missing, run};
use super::formats::{Cipher, Scheme, Sealing, Transport};
use super::people::{P12_PASSPHRASE, People};

pub struct Gpgsm {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Gpgsm {
    pub fn of_debian() -> Option<Self> {
        let (Some(program), Some(people), Some(_)) = (find("gpgsm"), People::all(), find("gpg-agent")) else {
            missing("gpgsm");
            return None;
        };
        // A short path: the agent's socket lies in it, and a socket's path has at most 107 bytes.
        let home = tempfile::Builder::new().prefix("gpgsm").tempdir_in("/tmp").unwrap();
        let gpgsm = Self { program, home };
        // The iteration count of stored keys is for guessers; here it only costs time.
        gpgsm.configure("gpg-agent.conf", "allow-loopback-pinentry\ns2k-count 65536\n");
        gpgsm.configure("gpgsm.conf", "disable-crl-checks\nno-secmem-warning\n");
        gpgsm.import(&people.file("root.pem"));
        gpgsm.configure("trustlist.txt", &format!("{} S relax\n", root_fingerprint(people)));
        for name in ["alice-rsa", "bob-rsa"] {
            gpgsm.import_key(people, name);
        }
        Some(gpgsm)
    }

    fn configure(&self, file: &str, text: &str) {
        fs::write(self.home.path().join(file), text).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--homedir").arg(self.home.path());
        command.args(["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        command
    }

    /// Runs gpgsm with the one passphrase that opens every `.p12` and protects every key.
    fn run(&self, command: &mut Command) -> Outcome {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        // A gpgsm that asks for no passphrase may be gone before it is offered one.
        let _ = writeln!(child.stdin.take().unwrap(), "{P12_PASSPHRASE}");
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    fn import(&self, file: &str) {
        self.run(self.command().args(["--import", file])).unwrap_or_else(|reason| panic!("{file}: {reason}"));
    }

    /// Whether it takes keys from a `.p12` under [`P12_PASSPHRASE`].
    pub fn takes(&self, file: &Path) -> Outcome {
        self.run(self.command().arg("--import").arg(file))
    }

    /// gpgsm 2.2.40 misreads two salts in 256, and OpenSSL writes two into a file: such a file is made anew. Ours have none.
    fn import_key(&self, people: &People, name: &str) {
        let p12 = self.home.path().join("import.p12");
        let mut outcome = Ok(());
        for _ in 0..4 {
            people.make_p12(Path::new("openssl"), name, p12.to_str().unwrap());
            outcome = self.takes(&p12);
            if outcome.is_ok() {
                return;
            }
        }
        panic!("{name}: {outcome:?}");
    }

    pub fn opens(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (_, Transport::OaepSha1 | Transport::OaepSha256) => Expectation::Fails("no gpgsm knows OAEP"),
            (_, Transport::Agreement(..)) => {
                Expectation::Fails("2.2.40 cannot hold an EC key: its import crashes")
            }
            (_, Transport::X25519) => Expectation::Fails("nobody reads X25519 yet"),
            (_, Transport::Passphrase | Transport::KeyEncryptionKey) => {
                Expectation::Fails("it knows recipients with certificates only")
            }
            (_, transport) if transport.is_ml_kem() => {
                Expectation::Fails("it does not know KEMRecipientInfo")
            }
            (cipher, _) if cipher.is_gcm() => Expectation::Fails(
                "its ASN.1 library reads GCM parameters without aes-ICVlen only: Buffer too short",
            ),
            (Cipher::Aes256GcmTag14 | Cipher::Aes256Ccm | Cipher::ChaCha20Poly1305, _) => {
                Expectation::Fails("it knows CBC, and GCM with a tag of 12 octets")
            }
            _ => Expectation::Works,
        }
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (
                Cipher::TripleDes | Cipher::Aes128Cbc | Cipher::Aes192Cbc | Cipher::Aes256Cbc,
                Transport::Pkcs1,
            ) => Expectation::Works,
            _ => Expectation::NoWay("it writes CBC with RSA PKCS#1 v1.5 only"),
        }
    }

    pub fn seal(&self, sealing: Sealing, content: &Path, sealed: &Path) -> Outcome {
        let cipher = match sealing.cipher {
            Cipher::TripleDes => "3DES",
            Cipher::Aes128Cbc => "AES",
            Cipher::Aes192Cbc => "AES192",
            _ => "AES256",
        };
        let mut command = self.command();
        command.args(["--encrypt", "--recipient", "bob@example.org", "--cipher-algo", cipher]);
        self.run(command.arg("--output").arg(sealed).arg(content))
    }

    pub fn open(&self, sealing: Sealing, sealed: &Path, content: &Path) -> Outcome {
        let outcome = self.run(self.command().arg("--decrypt").arg("--output").arg(content).arg(sealed));
        match (sealing.transport, outcome) {
            // It complains about the other recipient and exits 2, with all of the content written.
            (Transport::Pkcs1BesideAgreement, Err(_)) => Ok(()),
            (_, outcome) => outcome,
        }
    }

    pub fn verifies(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::EcdsaP521Sha512 => {
                Expectation::Fails("2.2.40 wants a curve of whole octets: Internal error")
            }
            Scheme::Ed25519 => Expectation::Fails("2.2.40 knows no Ed25519 in CMS"),
            scheme if scheme.is_ml_dsa() => Expectation::Fails("it knows no ML-DSA"),
            _ => Expectation::Works,
        }
    }

    pub fn signs(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::RsaSha256 | Scheme::RsaSha512 => Expectation::Works,
            _ => Expectation::NoWay("2.2.40 signs with RSA PKCS#1 v1.5 only"),
        }
    }

    pub fn sign(&self, scheme: Scheme, detached: bool, content: &Path, signed: &Path) -> Outcome {
        let mut command = self.command();
        command.arg(if detached { "--detach-sign" } else { "--sign" });
        command.args(["--local-user", "alice@example.org", "--digest-algo", &scheme.digest().to_uppercase()]);
        self.run(command.arg("--output").arg(signed).arg(content))
    }

    pub fn verify(&self, signed: &Path, detached_from: Option<&Path>, content: &Path) -> Outcome {
        let mut command = self.command();
        command.arg("--verify");
        match detached_from {
            Some(covered) => command.arg(signed).arg(covered),
            None => command.arg("--output").arg(content).arg(signed),
        };
        self.run(&mut command)
    }
}

impl Drop for Gpgsm {
    /// Ends the agent that gpgsm started behind our back.
    fn drop(&mut self) {
        let _ =
            run(Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "gpg-agent"]));
    }
}

/// The SHA-1 fingerprint by which gpgsm names the root that it shall trust.
fn root_fingerprint(people: &People) -> String {
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha1", "-in", &people.file("root.pem")])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().rsplit('=').next().unwrap().to_owned()
}
