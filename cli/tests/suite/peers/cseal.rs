//! Our own program, as the others see it: key and certificate files, no store.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::command::{Expectation, Outcome, run};
use super::formats::{Cipher, KEY_ENCRYPTION_KEY, KEY_IDENTIFIER, PASSPHRASE, Scheme, Sealing, Transport};
use super::people::People;

pub struct Cseal {
    people: &'static People,
    /// Without a home of its own a mistake of ours could reach the store of whoever runs the tests.
    home: tempfile::TempDir,
}

impl Cseal {
    pub fn new(people: &'static People) -> Self {
        Self { people, home: tempfile::tempdir().unwrap() }
    }

    pub fn command(&self, what: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cseal"));
        command.env("COUNTERSEAL_HOME", self.home.path()).arg(what);
        command
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport) {
            (Cipher::TripleDes, _) => Expectation::Fails("Triple DES is for reading old mail"),
            (Cipher::Aes256GcmTag12 | Cipher::Aes256GcmTag14, _) => {
                Expectation::NoWay("we write tags of 16 octets")
            }
            (_, Transport::OaepSha1) => Expectation::NoWay("we write OAEP with SHA-256"),
            (_, Transport::Agreement(_, digest)) if digest != "sha256" => {
                Expectation::NoWay("we write the key derivation function over SHA-256")
            }
            _ => Expectation::Works,
        }
    }

    pub fn seal(&self, sealing: Sealing, content: &Path, sealed: &Path) -> Outcome {
        let mut command = self.command("encrypt");
        command.args(["--cms", "--no-sign", "--cipher", sealing.cipher.name(), "-o"]).arg(sealed);
        match sealing.transport {
            Transport::Passphrase => {
                command.args(["--message-passphrase-file", &self.secret("passphrase", PASSPHRASE.as_bytes())])
            }
            Transport::KeyEncryptionKey => command.args([
                "--message-key-file",
                &self.secret("key", &key_encryption_key()),
                "--message-key-id",
                KEY_IDENTIFIER,
            ]),
            Transport::Pkcs1BesideAgreement => {
                command.args(["--single-copy", "--certificate", &self.people.file("bob-p256.pem")]);
                command.args(["--certificate", &self.people.file("bob-rsa.pem")])
            }
            transport => {
                command.args(["--certificate", &self.people.file(&format!("{}.pem", transport.reader()))])
            }
        };
        match sealing.transport {
            Transport::Pkcs1 => command.args(["--key-transport", "pkcs1"]),
            Transport::OaepSha256 => command.args(["--key-transport", "oaep-sha256"]),
            _ => &mut command,
        };
        if sealing.streamed {
            // Of a pipe we do not know the length, so the lengths are indefinite.
            return through_pipe(&mut command, content);
        }
        run(command.arg(content))
    }

    pub fn open(&self, sealing: Sealing, sealed: &Path, content: &Path) -> Outcome {
        let mut command = self.command("decrypt");
        command.args(["--cms", "-o"]).arg(content);
        match sealing.transport {
            Transport::Passphrase => {
                command.args(["--message-passphrase-file", &self.secret("passphrase", PASSPHRASE.as_bytes())])
            }
            Transport::KeyEncryptionKey => command.args([
                "--message-key-file",
                &self.secret("key", &key_encryption_key()),
                "--message-key-id",
                KEY_IDENTIFIER,
            ]),
            transport => {
                let [key, certificate] =
                    ["key.pem", "pem"].map(|end| self.people.file(&format!("{}.{end}", transport.reader())));
                command.args(["--key", &key, "--certificate", &certificate])
            }
        };
        run(command.arg(sealed))
    }

    pub fn sign(&self, scheme: Scheme, detached: bool, content: &Path, signed: &Path) -> Outcome {
        let mut command = self.command("sign");
        let [key, certificate] =
            ["key.pem", "pem"].map(|end| self.people.file(&format!("{}.{end}", scheme.signer())));
        command.args(["--cms", "--key", &key, "--signer", &certificate, "-o"]).arg(signed);
        if detached {
            command.arg("--detached");
        }
        match scheme {
            Scheme::RsaSha256 => command.args(["--signature", "pkcs1", "--digest", "sha256"]),
            Scheme::RsaSha512 => command.args(["--signature", "pkcs1", "--digest", "sha512"]),
            Scheme::PssSha256 => command.args(["--signature", "pss", "--digest", "sha256"]),
            // The key says it all.
            _ => &mut command,
        };
        run(command.arg(content))
    }

    pub fn verify(&self, signed: &Path, detached_from: Option<&Path>, content: &Path) -> Outcome {
        let mut command = self.command("verify");
        command.args(["--cms", "--anchor", &self.people.file("root.pem")]);
        match detached_from {
            Some(covered) => command.arg("--content").arg(covered),
            None => command.arg("-o").arg(content),
        };
        run(command.arg(signed))
    }

    fn secret(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.home.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

fn key_encryption_key() -> Vec<u8> {
    (0..KEY_ENCRYPTION_KEY.len())
        .step_by(2)
        .map(|position| u8::from_str_radix(&KEY_ENCRYPTION_KEY[position..position + 2], 16).unwrap())
        .collect()
}

fn through_pipe(command: &mut Command, content: &Path) -> Outcome {
    let mut cat =
        Command::new("cat").arg(content).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let pipe = cat.stdout.take().ok_or("no pipe")?;
    let output = command.stdin(pipe).stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
    cat.wait().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// Whether the file begins as BER with an indefinite length.
pub fn has_indefinite_length(file: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| start[1] == 0x80)
}
