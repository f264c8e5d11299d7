//! Bouncy Castle 1.72 of Debian 12, through `scripts/peers/BouncyCastlePeer.java`.

use std::path::Path;
use std::process::Command;

use super::command::{Expectation, Outcome, Server, find, missing, repository, run};
use super::formats::{KEY_ENCRYPTION_KEY, KEY_IDENTIFIER, PASSPHRASE, Scheme, Sealing, Transport};
use super::people::People;

const JARS: &str = "/usr/share/java/bcpkix.jar:/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar";

pub struct BouncyCastle {
    server: Server,
    people: &'static People,
}

impl BouncyCastle {
    pub fn of_debian() -> Option<Self> {
        let jars = JARS.split(':').all(|jar| Path::new(jar).exists());
        let (Some(compiler), true, Some(people)) = (find("javac"), jars, People::all()) else {
            missing("Bouncy Castle (libbcpkix-java and a JDK)");
            return None;
        };
        let classes = tempfile::tempdir().unwrap();
        let source = repository().join("scripts/peers/BouncyCastlePeer.java");
        run(Command::new(compiler).args(["-cp", JARS, "-d"]).arg(classes.path()).arg(source)).unwrap();
        // The classes are loaded by the first answer; after that the folder may go.
        let path = format!("{JARS}:{}", classes.path().display());
        let server =
            Server::start(Command::new("java").args(["-Xshare:auto", "-cp", &path, "BouncyCastlePeer"]));
        assert!(server.ask(&["nothing", "/dev/null", "/dev/null"]).is_err());
        Some(Self { server, people })
    }

    pub fn opens(&self, sealing: Sealing) -> Expectation {
        match sealing.transport {
            Transport::X25519 => Expectation::Fails("its EC classes refuse the key"),
            transport if transport.is_ml_kem() => Expectation::Fails("KEMRecipientInfo came with 1.79"),
            _ => Expectation::Works,
        }
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match (sealing.transport, sealing.streamed) {
            (_, true) => Expectation::NoWay("our program uses its generators that keep all in memory"),
            (Transport::Pkcs1BesideAgreement, _) => Expectation::NoWay("our program writes one recipient"),
            _ => self.opens(sealing),
        }
    }

    pub fn seal(&self, sealing: Sealing, content: &Path, sealed: &Path) -> Outcome {
        let recipient = match sealing.transport {
            Transport::Passphrase => PASSPHRASE.to_owned(),
            Transport::KeyEncryptionKey => format!("{KEY_IDENTIFIER}:{KEY_ENCRYPTION_KEY}"),
            transport => self.people.file(&format!("{}.der", transport.reader())),
        };
        let transport = name(sealing.transport);
        self.server.ask(&["seal", sealing.cipher.name(), &transport, &recipient, text(content), text(sealed)])
    }

    pub fn open(&self, sealing: Sealing, sealed: &Path, content: &Path) -> Outcome {
        let key = match sealing.transport {
            Transport::Passphrase => PASSPHRASE.to_owned(),
            Transport::KeyEncryptionKey => format!("{KEY_IDENTIFIER}:{KEY_ENCRYPTION_KEY}"),
            transport => self.people.file(&format!("{}.key.der", transport.reader())),
        };
        self.server.ask(&["open", &name(sealing.transport), &key, text(sealed), text(content)])
    }

    pub fn verifies(&self, scheme: Scheme) -> Expectation {
        if scheme.is_ml_dsa() { Expectation::Fails("ML-DSA came with 1.79") } else { Expectation::Works }
    }

    pub fn sign(&self, scheme: Scheme, content: &Path, signed: &Path) -> Outcome {
        let [key, certificate] =
            ["key.der", "der"].map(|end| self.people.file(&format!("{}.{end}", scheme.signer())));
        self.server.ask(&["sign", scheme.name(), &key, &certificate, text(content), text(signed)])
    }

    pub fn verify(&self, signed: &Path, content: &Path) -> Outcome {
        self.server.ask(&["verify", &self.people.file("root.der"), text(signed), text(content)])
    }

    /// CompressedData (RFC 3274).
    pub fn compress(&self, content: &Path, compressed: &Path) -> Outcome {
        self.server.ask(&["compress", text(content), text(compressed)])
    }
}

/// The transport as the Java program calls it.
fn name(transport: Transport) -> String {
    match transport {
        Transport::OaepSha1 => "oaep-sha1".to_owned(),
        Transport::OaepSha256 => "oaep-sha256".to_owned(),
        Transport::Agreement(_, digest) => format!("agreement-{digest}"),
        Transport::X25519 => "agreement-sha256".to_owned(),
        Transport::Passphrase => "passphrase".to_owned(),
        Transport::KeyEncryptionKey => "key".to_owned(),
        _ => "pkcs1".to_owned(),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
