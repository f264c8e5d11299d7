//! `openssl cms` of two generations: 3.0 as Debian 12 has it, and 4.0 from `scripts/build-openssl-4`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::{Expectation, Outcome, cache, find, missing, run};
use super::formats::{Cipher, KEY_ENCRYPTION_KEY, KEY_IDENTIFIER, PASSPHRASE, Scheme, Sealing, Transport};
use super::people::People;

/// The program that `scripts/build-openssl-4` makes.
pub fn program_4() -> Option<PathBuf> {
    Some(cache("openssl-4.0.3/openssl")).filter(|program| program.is_file())
}

pub struct OpenSsl {
    program: PathBuf,
    /// Whether it knows what came after 3.0: ML-KEM, ML-DSA, Ed25519 in CMS, zlib.
    modern: bool,
    people: &'static People,
}

impl OpenSsl {
    pub fn of_debian() -> Option<Self> {
        let Some(people) = People::all() else {
            missing("openssl");
            return None;
        };
        Some(Self { program: find("openssl")?, modern: false, people })
    }

    pub fn version_4() -> Option<Self> {
        let (Some(program), Some(people)) = (program_4(), People::all()) else {
            missing("OpenSSL 4.0");
            return None;
        };
        Some(Self { program, modern: true, people })
    }

    /// `openssl cms WHAT` on octets as they are.
    pub fn cms(&self, what: &str) -> Command {
        let mut command = self.cms_text(what);
        command.arg("-binary");
        command
    }

    /// `openssl cms WHAT` on a mail: with `-binary` it reads no multipart/signed rightly.
    pub fn cms_text(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["cms", what]);
        command
    }

    pub fn opens(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (Cipher::Aes256GcmTag12, _) => Expectation::Fails(
                "its template makes aes-ICVlen mandatory: cipher parameter initialisation error",
            ),
            (Cipher::Aes256Ccm | Cipher::ChaCha20Poly1305, _) => {
                Expectation::Fails("its AuthEnvelopedData knows GCM only")
            }
            (_, Transport::X25519) => Expectation::Fails("it cannot do RFC 8418 (its issue 22388 is open)"),
            (_, transport) if transport.is_ml_kem() && !self.modern => {
                Expectation::Fails("KEMRecipientInfo came with 3.6")
            }
            _ => Expectation::Works,
        }
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (Cipher::Aes256GcmTag12 | Cipher::Aes256GcmTag14, _) => {
                Expectation::NoWay("it writes tags of 16 octets only")
            }
            _ => self.opens(sealing),
        }
    }

    pub fn seal(&self, sealing: Sealing, content: &Path, sealed: &Path) -> Outcome {
        let mut command = self.cms("-encrypt");
        command.arg(format!("-{}", sealing.cipher.name().replace("des-ede3-cbc", "des3")));
        command.args(["-outform", "DER", "-in"]).arg(content).arg("-out").arg(sealed);
        if sealing.streamed {
            command.arg("-stream");
        }
        let recipient = self.people.file(&format!("{}.pem", sealing.transport.reader()));
        match sealing.transport {
            Transport::Passphrase => command.args(["-pwri_password", PASSPHRASE]),
            Transport::KeyEncryptionKey => {
                command.args(["-secretkey", KEY_ENCRYPTION_KEY, "-secretkeyid", KEY_IDENTIFIER])
            }
            Transport::Pkcs1BesideAgreement => {
                command.args(["-recip", &self.people.file("bob-p256.pem"), "-recip", &recipient])
            }
            _ => command.args(["-recip", &recipient]),
        };
        match sealing.transport {
            Transport::OaepSha1 => {
                command.args(["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha1"]);
            }
            Transport::OaepSha256 => {
                command.args(["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"]);
            }
            Transport::Agreement(_, digest) => {
                command.args(["-keyopt", &format!("ecdh_kdf_md:{digest}")]);
            }
            _ => {}
        }
        run(&mut command)
    }

    /// CompressedData (RFC 3274); Debian builds its 3.0 without zlib.
    pub fn compress(&self, content: &Path, compressed: &Path) -> Outcome {
        run(self.cms("-compress").args(["-outform", "DER", "-in"]).arg(content).arg("-out").arg(compressed))
    }

    pub fn open(&self, sealing: Sealing, sealed: &Path, content: &Path) -> Outcome {
        let mut command = self.cms("-decrypt");
        command.args(["-inform", "DER", "-in"]).arg(sealed).arg("-out").arg(content);
        match sealing.transport {
            Transport::Passphrase => command.args(["-pwri_password", PASSPHRASE]),
            Transport::KeyEncryptionKey => {
                command.args(["-secretkey", KEY_ENCRYPTION_KEY, "-secretkeyid", KEY_IDENTIFIER])
            }
            transport => {
                let [key, certificate] =
                    ["key.pem", "pem"].map(|end| self.people.file(&format!("{}.{end}", transport.reader())));
                command.args(["-inkey", &key, "-recip", &certificate])
            }
        };
        run(&mut command)
    }

    pub fn verifies(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::Ed25519 if !self.modern => Expectation::Fails("3.0 has no Ed25519 in CMS"),
            scheme if scheme.is_ml_dsa() && !self.modern => Expectation::Fails("ML-DSA came with 3.5"),
            _ => Expectation::Works,
        }
    }

    pub fn signs(&self, scheme: Scheme) -> Expectation {
        self.verifies(scheme)
    }

    pub fn sign(&self, scheme: Scheme, detached: bool, content: &Path, signed: &Path) -> Outcome {
        let mut command = self.cms("-sign");
        command.args(["-outform", "DER", "-md", scheme.digest(), "-in"]).arg(content).arg("-out").arg(signed);
        if !detached {
            command.arg("-nodetach");
        }
        let [key, certificate] =
            ["key.pem", "pem"].map(|end| self.people.file(&format!("{}.{end}", scheme.signer())));
        command.args(["-signer", &certificate, "-inkey", &key]);
        if scheme == Scheme::PssSha256 {
            // Without it the salt is as long as the key allows, and gpgsm 2.2 aborts over that.
            command.args(["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"]);
        }
        run(&mut command)
    }

    /// `detached_from` names what a detached signature covers.
    pub fn verify(&self, signed: &Path, detached_from: Option<&Path>, content: &Path) -> Outcome {
        let mut command = self.cms("-verify");
        command.args(["-inform", "DER", "-purpose", "smimesign", "-CAfile", &self.people.file("root.pem")]);
        command.arg("-in").arg(signed).arg("-out").arg(content);
        if let Some(covered) = detached_from {
            command.arg("-content").arg(covered);
        }
        run(&mut command)
    }
}
