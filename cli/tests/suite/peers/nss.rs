//! NSS 3.87 of Debian 12: `cmsutil`, on a database that `certutil` and `pk12util` fill.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::{Expectation, Outcome, find, missing, run};
use super::formats::{Cipher, Scheme, Sealing, Transport};
use super::people::{P12_PASSPHRASE, People};

pub struct Nss {
    program: PathBuf,
    database: tempfile::TempDir,
}

impl Nss {
    pub fn of_debian() -> Option<Self> {
        let (Some(program), Some(people)) = (find("cmsutil"), People::all()) else {
            missing("NSS cmsutil");
            return None;
        };
        let nss = Self { program, database: tempfile::tempdir().unwrap() };
        nss.fill("certutil", &["-N", "--empty-password"]);
        nss.fill("certutil", &["-A", "-n", "root", "-t", "CT,C,C", "-i", &people.file("root.der")]);
        for name in [
            "alice-rsa",
            "alice-p256",
            "alice-p384",
            "alice-p521",
            "bob-rsa",
            "bob-p256",
            "bob-p384",
            "bob-p521",
        ] {
            nss.fill("pk12util", &["-i", &people.file(&format!("{name}.p12")), "-W", P12_PASSPHRASE]);
        }
        Some(nss)
    }

    fn directory(&self) -> String {
        format!("sql:{}", self.database.path().display())
    }

    fn fill(&self, program: &str, arguments: &[&str]) {
        run(Command::new(program).args(["-d", &self.directory()]).args(arguments))
            .unwrap_or_else(|reason| panic!("{program} {arguments:?}: {reason}"));
    }

    fn cmsutil(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args([what, "-d", &self.directory()]);
        command
    }

    pub fn opens(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (_, Transport::OaepSha1 | Transport::OaepSha256) => Expectation::Fails("OAEP came with 3.101"),
            (_, Transport::Agreement(..) | Transport::Pkcs1BesideAgreement) => {
                Expectation::Fails("before 3.110 any KeyAgreeRecipientInfo is SEC_ERROR_BAD_DER")
            }
            (_, Transport::X25519) => Expectation::Fails("nobody reads X25519 yet"),
            (_, Transport::Passphrase | Transport::KeyEncryptionKey) => {
                Expectation::Fails("it knows recipients with certificates only")
            }
            (_, transport) if transport.is_ml_kem() => {
                Expectation::Fails("it does not know KEMRecipientInfo")
            }
            (cipher, _) if !cipher.is_cbc() => Expectation::Fails("AuthEnvelopedData came with 3.132"),
            _ => Expectation::Works,
        }
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport, sealing.streamed) {
            (Cipher::Aes128Cbc, Transport::Pkcs1, false) => Expectation::Works,
            _ => Expectation::NoWay("cmsutil 3.87 chooses AES-128-CBC with RSA PKCS#1 v1.5 itself"),
        }
    }

    pub fn seal(&self, content: &Path, sealed: &Path) -> Outcome {
        run(self.cmsutil("-E").args(["-r", "bob-rsa", "-i"]).arg(content).arg("-o").arg(sealed))
    }

    pub fn open(&self, sealed: &Path, content: &Path) -> Outcome {
        run(self.cmsutil("-D").arg("-i").arg(sealed).arg("-o").arg(content))
    }

    pub fn verifies(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::Ed25519 => Expectation::Fails("it knows no Ed25519 in CMS"),
            scheme if scheme.is_ml_dsa() => Expectation::Fails("it knows no ML-DSA"),
            _ => Expectation::Works,
        }
    }

    pub fn signs(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::RsaSha256 | Scheme::RsaSha512 => Expectation::Works,
            scheme if scheme.is_ecdsa() => Expectation::Works,
            _ => Expectation::NoWay("cmsutil signs with RSA PKCS#1 v1.5 and ECDSA only"),
        }
    }

    pub fn sign(&self, scheme: Scheme, detached: bool, content: &Path, signed: &Path) -> Outcome {
        let mut command = self.cmsutil("-S");
        command.args(["-N", scheme.signer(), "-H", &scheme.digest().to_uppercase(), "-G"]);
        if detached {
            command.arg("-T");
        }
        run(command.arg("-i").arg(content).arg("-o").arg(signed))
    }

    pub fn verify(&self, signed: &Path, detached_from: Option<&Path>, content: &Path) -> Outcome {
        let mut command = self.cmsutil("-D");
        if let Some(covered) = detached_from {
            command.arg("-c").arg(covered);
        }
        run(command.arg("-i").arg(signed).arg("-o").arg(content))
    }
}
