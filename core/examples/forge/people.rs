//! Who is in the play: a CA, alice who signs, bob who reads, mallory who should not be believed.

use crate::certificates::{Authority, DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_ENCIPHERMENT, Template};
use crate::keys::{Key, pem};

/// A key with its certificate.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) template: Template,
    pub(crate) key: Key,
    pub(crate) certificate: Vec<u8>,
}

impl Person {
    /// From a template, signed by its issuer as it should be.
    pub(crate) fn issued(template: Template, key: Key, issuer: &Authority) -> Self {
        let certificate = template.signed_by(&issuer.key);
        Self { template, key, certificate }
    }

    /// From a template and a certificate that was made from it in some other way.
    pub(crate) fn with(template: Template, key: Key, certificate: Vec<u8>) -> Self {
        Self { template, key, certificate }
    }
}

/// Everybody.
pub(crate) struct Cast {
    pub(crate) root: Authority,
    pub(crate) alice: Person,
    pub(crate) alice_rsa: Person,
    pub(crate) bob: Person,
    pub(crate) bob_p256: Person,
    pub(crate) bob_x25519: Person,
    pub(crate) mallory: Person,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let root = Authority::root("Example Root CA", Key::p256("root"));
        let person = |name: &str, address: &str, key: Key, usage: u8| {
            Person::issued(Template::leaf(name, address, &key, &root, usage), key, &root)
        };
        Self {
            alice: person("Alice", "alice@example.org", Key::p256("alice"), DIGITAL_SIGNATURE),
            alice_rsa: person(
                "Alice (RSA)",
                "alice@example.org",
                Key::rsa("alice", 2048, 65537),
                DIGITAL_SIGNATURE,
            ),
            bob: person("Bob", "bob@example.org", Key::rsa("bob", 2048, 65537), KEY_ENCIPHERMENT),
            bob_p256: person("Bob (P-256)", "bob@example.org", Key::p256("bob"), KEY_AGREEMENT),
            bob_x25519: person("Bob (X25519)", "bob@example.org", Key::x25519("bob"), KEY_AGREEMENT),
            mallory: person("Mallory", "mallory@example.org", Key::p256("mallory"), DIGITAL_SIGNATURE),
            root,
        }
    }

    /// What the programs under test need of them, as files.
    pub(crate) fn files(&self) -> Vec<(&'static str, String)> {
        let certificate = |person: &Person| pem("CERTIFICATE", &person.certificate);
        let key = |person: &Person| pem("PRIVATE KEY", &person.key.pkcs8());
        vec![
            ("root.pem", pem("CERTIFICATE", &self.root.certificate)),
            ("alice.pem", certificate(&self.alice)),
            ("mallory.pem", certificate(&self.mallory)),
            ("bob.key", key(&self.bob)),
            ("bob.pem", certificate(&self.bob)),
            ("bob-p256.key", key(&self.bob_p256)),
            ("bob-p256.pem", certificate(&self.bob_p256)),
            ("bob-x25519.key", key(&self.bob_x25519)),
            ("bob-x25519.pem", certificate(&self.bob_x25519)),
        ]
    }
}
