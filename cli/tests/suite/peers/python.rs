//! Python's `cryptography` 48, through `scripts/peers/python_peer.py`.

use std::path::Path;
use std::process::Command;

use super::command::{Expectation, Outcome, Server, cache, missing, repository};
use super::formats::{Cipher, Scheme, Sealing, Transport};
use super::people::People;

pub struct Python {
    server: Server,
    people: &'static People,
}

impl Python {
    pub fn with_cryptography() -> Option<Self> {
        let interpreter = cache("python/bin/python");
        let (true, Some(people)) = (interpreter.is_file(), People::all()) else {
            missing("Python's cryptography");
            return None;
        };
        let program = repository().join("scripts/peers/python_peer.py");
        Some(Self { server: Server::start(Command::new(interpreter).arg(program)), people })
    }

    pub fn opens(&self, sealing: Sealing) -> Expectation {
        match (sealing.cipher, sealing.transport, sealing.streamed) {
            (Cipher::Aes128Cbc | Cipher::Aes256Cbc, Transport::Pkcs1, false) => Expectation::Works,
            (_, _, true) => Expectation::Fails("it reads DER only"),
            (Cipher::TripleDes | Cipher::Aes192Cbc, ..) => {
                Expectation::Fails("it reads AES-128 and AES-256 only")
            }
            (cipher, ..) if !cipher.is_cbc() => Expectation::Fails("it does not know AuthEnvelopedData"),
            _ => Expectation::Fails(
                "it reads KeyTransRecipientInfo with PKCS#1 v1.5 only, and nothing beside it",
            ),
        }
    }

    pub fn seals(&self, sealing: Sealing) -> Expectation {
        match self.opens(sealing) {
            Expectation::Works => Expectation::Works,
            _ => Expectation::NoWay("it writes AES-CBC with RSA PKCS#1 v1.5 only"),
        }
    }

    pub fn seal(&self, sealing: Sealing, content: &Path, sealed: &Path) -> Outcome {
        let certificate = self.people.file(&format!("{}.der", sealing.transport.reader()));
        self.server.ask(&["seal", sealing.cipher.name(), &certificate, text(content), text(sealed)])
    }

    pub fn open(&self, sealing: Sealing, sealed: &Path, content: &Path) -> Outcome {
        let [key, certificate] =
            ["key.der", "der"].map(|end| self.people.file(&format!("{}.{end}", sealing.transport.reader())));
        self.server.ask(&["open", &key, &certificate, text(sealed), text(content)])
    }

    pub fn signs(&self, scheme: Scheme) -> Expectation {
        match scheme {
            Scheme::RsaSha256 | Scheme::RsaSha512 | Scheme::PssSha256 => Expectation::Works,
            scheme if scheme.is_ecdsa() => Expectation::Works,
            _ => Expectation::NoWay("it signs with RSA and ECDSA only"),
        }
    }

    pub fn sign(&self, scheme: Scheme, content: &Path, signed: &Path) -> Outcome {
        let [key, certificate] =
            ["key.der", "der"].map(|end| self.people.file(&format!("{}.{end}", scheme.signer())));
        self.server.ask(&["sign", scheme.name(), &key, &certificate, text(content), text(signed)])
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
