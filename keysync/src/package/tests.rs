//! Packages that open, and forged ones that must not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use counterseal_core::keys::Keyring;
use counterseal_core::secret::SecretBytes;
use counterseal_core::x509::issue::{self, Subject, Validity};
use counterseal_core::x509::{KeyKind, SecretKey};

use super::*;
use crate::device::DeviceKeys;
use crate::identifiers::RECIPIENTS;
use crate::log::{AccountId, EntryId, KeyId, Purpose};
use crate::root::RootKeys;
use crate::testing::{NOW, SystemRandom};

/// An author, two readers and the root.
struct People {
    author: DeviceKeys,
    readers: Vec<DeviceKeys>,
}

impl People {
    fn new() -> Self {
        let device = |name| DeviceKeys::generate(name, NOW, &mut SystemRandom).unwrap();
        let root = RootKeys::from_seed(&SecretBytes::new(vec![7; 32])).unwrap();
        let mut readers =
            vec![device("thinkpad-7"), device("nas"), root.certify(NOW, &mut SystemRandom).unwrap()];
        readers.sort_by_key(|reader| reader.certificates().id());
        Self { author: device("desk"), readers }
    }

    fn certificates(&self) -> Vec<DeviceCertificates> {
        self.readers.iter().map(|reader| reader.certificates().clone()).collect()
    }

    fn heading(&self) -> Heading {
        Heading {
            account: AccountId::from_bytes([1; 32]),
            recipients: self.readers.iter().map(|reader| reader.certificates().id()).collect(),
            heads: vec![EntryId::from_bytes([3; 32])],
        }
    }

    fn pack(&self, key: &SharedKey) -> Vec<u8> {
        pack(&self.author.signer(), key, &self.heading(), &self.certificates(), NOW, &mut SystemRandom)
            .unwrap()
    }
}

fn open(package: &[u8], reader: &DeviceKeys) -> Result<Unpacked, CraftError> {
    unpack(package, reader.secret_keys(), reader.certificates().id(), &mut SystemRandom)
}

fn decryption_key(kind: KeyKind) -> SharedKey {
    let key = SecretKey::generate(kind, &mut SystemRandom).unwrap();
    let addresses = [counterseal_core::address::EmailAddress::parse("alice@example.org").unwrap()];
    let signer = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let mut keys = Keyring::from(signer.clone());
    keys.add_key(key.clone());
    let validity = Validity { not_before: NOW, not_after: NOW.plus_days(30) };
    let subject = Subject { name: "Alice", addresses: &addresses, public_key: signer.public_key() };
    let authority = issue::personal_ca(&keys, &subject, validity, &mut SystemRandom).unwrap();
    let subject = Subject { public_key: key.public_key(), ..subject };
    let issuer = issue::Issuer { certificate: &authority, keys: &keys };
    let certificate =
        issue::encryption_certificate(&issuer, &subject, validity, None, &mut SystemRandom).unwrap();
    SharedKey {
        id: KeyId::of_public_key(key.public_key().as_der()),
        purpose: Purpose::Decryption,
        secret: key.to_pkcs8_der(),
        certificates: vec![certificate.as_der().to_vec(), authority.as_der().to_vec()],
    }
}

fn log_secret() -> SharedKey {
    let secret = SecretBytes::new(vec![9; 32]);
    SharedKey {
        id: KeyId::of_log_secret(&secret),
        purpose: Purpose::LogSecret,
        secret,
        certificates: Vec::new(),
    }
}

#[test]
fn every_recipient_and_the_root_open_every_kind_of_key() {
    let people = People::new();
    let authority = SharedKey { purpose: Purpose::PersonalAuthority, ..decryption_key(KeyKind::P256) };
    for key in [decryption_key(KeyKind::Rsa2048), decryption_key(KeyKind::MlKem768), authority, log_secret()]
    {
        let package = people.pack(&key);
        for reader in &people.readers {
            let opened = open(&package, reader).unwrap();
            assert_eq!(
                (opened.author, &opened.heading),
                (people.author.certificates().id(), &people.heading())
            );
            assert_eq!((opened.key.id, opened.key.purpose), (key.id, key.purpose));
            assert_eq!(opened.key.secret.expose(), key.secret.expose());
            assert_eq!(opened.key.certificates, key.certificates);
        }
    }
}

#[test]
fn nobody_else_opens_it_and_its_author_is_not_seen() {
    let people = People::new();
    let package = people.pack(&log_secret());
    assert_eq!(open(&package, &people.author).unwrap_err(), CraftError::NotForUs);
    let holds = |needle: &[u8]| package.windows(needle.len()).any(|window| window == needle);
    let signing = people.author.certificates().signing();
    assert!(!holds(signing.public_key().as_der()) && !holds(b"desk"));
}

#[test]
fn a_package_that_was_opened_cannot_be_handed_on_as_one_for_somebody_else() {
    let people = People::new();
    let eve = DeviceKeys::generate("eve", NOW, &mut SystemRandom).unwrap();
    let package = people.pack(&log_secret());
    let reader = &people.readers[0];
    let inner =
        layer::open(&package, layer::Kind::Encapsulated, reader.secret_keys(), &mut SystemRandom).unwrap();
    let signed =
        layer::open(inner.expose(), layer::Kind::Agreed, reader.secret_keys(), &mut SystemRandom).unwrap();
    let inner = layer::seal(signed.expose(), &[eve.certificates().agreeing()], &mut SystemRandom).unwrap();
    let outer = layer::seal(&inner, &[eve.certificates().decapsulating()], &mut SystemRandom).unwrap();
    assert_eq!(open(&outer, &eve).unwrap_err(), CraftError::Forged);
}

#[test]
fn a_layer_that_is_missing_or_another_is_refused() {
    let people = People::new();
    let reader = &people.readers[0];
    let package = people.pack(&log_secret());
    let inner =
        layer::open(&package, layer::Kind::Encapsulated, reader.secret_keys(), &mut SystemRandom).unwrap();
    assert_eq!(open(inner.expose(), reader).unwrap_err(), CraftError::Forged);
    let twice = layer::seal(inner.expose(), &[reader.certificates().agreeing()], &mut SystemRandom).unwrap();
    assert_eq!(open(&twice, reader).unwrap_err(), CraftError::Forged);
    let signed =
        layer::open(inner.expose(), layer::Kind::Agreed, reader.secret_keys(), &mut SystemRandom).unwrap();
    let once =
        layer::seal(signed.expose(), &[reader.certificates().decapsulating()], &mut SystemRandom).unwrap();
    assert_eq!(open(&once, reader).unwrap_err(), CraftError::Forged);
}

/// Seals a signed content as its author would.
fn sealed(people: &People, signed: &[u8]) -> Vec<u8> {
    let agreeing: Vec<_> = people.certificates().iter().map(DeviceCertificates::agreeing).collect();
    let decapsulating: Vec<_> = people.certificates().iter().map(DeviceCertificates::decapsulating).collect();
    let inner = layer::seal(signed, &agreeing, &mut SystemRandom).unwrap();
    layer::seal(&inner, &decapsulating, &mut SystemRandom).unwrap()
}

#[test]
fn what_is_signed_must_be_whole_and_sound() {
    let people = People::new();
    let reader = &people.readers[0];
    let content = content::write(&log_secret()).unwrap();
    let attributes = heading::write(&people.heading());
    let sign = |content_type: &[u8], content: &[u8], attributes: &[_]| {
        people.author.signer().sign(content_type, content, attributes, NOW).unwrap()
    };
    let good = sign(&KEY_PACKAGE, content.expose(), &attributes);
    assert!(open(&sealed(&people, &good), reader).is_ok());
    let mut unsigned = good.clone();
    *unsigned.last_mut().unwrap() ^= 1;
    let without = |kind: &[u8]| {
        let some: Vec<_> = attributes.iter().filter(|attribute| attribute.kind != kind).cloned().collect();
        sign(&KEY_PACKAGE, content.expose(), &some)
    };
    let mut twice = content.expose().to_vec();
    twice.extend_from_slice(content.expose());
    for forged in [
        unsigned,
        content.expose().to_vec(),
        without(&RECIPIENTS),
        without(&crate::identifiers::ACCOUNT),
        without(&crate::identifiers::LOG_HEADS),
        sign(&crate::log::ENTRY_CONTENT_TYPE, content.expose(), &attributes),
        sign(&KEY_PACKAGE, &twice, &attributes),
        sign(&KEY_PACKAGE, &content.expose()[1..], &attributes),
        sign(&KEY_PACKAGE, &[], &attributes),
    ] {
        assert_eq!(open(&sealed(&people, &forged), reader).unwrap_err(), CraftError::Forged);
    }
}

#[test]
fn a_key_whose_certificates_or_purpose_are_anothers_is_refused() {
    let (key, other) = (decryption_key(KeyKind::P256), decryption_key(KeyKind::P256));
    let read = |key: &SharedKey| content::read(content::write(key).unwrap().expose());
    assert!(read(&key).is_some());
    for wrong in [
        SharedKey { certificates: other.certificates.clone(), ..key.clone() },
        SharedKey {
            certificates: [key.certificates.clone(), other.certificates[..1].to_vec()].concat(),
            ..key.clone()
        },
        SharedKey { certificates: Vec::new(), ..key.clone() },
        SharedKey { certificates: key.certificates.clone(), ..log_secret() },
        SharedKey { secret: SecretBytes::new(vec![1; 31]), ..log_secret() },
    ] {
        assert!(read(&wrong).is_none());
    }
}

#[test]
fn no_octet_of_a_package_can_be_changed_or_cut_off() {
    let people = People::new();
    let package = people.pack(&log_secret());
    let reader = &people.readers[0];
    let good = open(&package, reader).unwrap();
    for index in (0..package.len()).step_by(29) {
        let mut changed = package.clone();
        changed[index] ^= 1;
        // Another reader's part may be broken, or a version that says nothing; the key is the same then.
        if let Ok(opened) = open(&changed, reader) {
            assert_eq!(
                (opened.author, opened.heading, opened.key.id),
                (good.author, good.heading.clone(), good.key.id)
            );
        }
        assert!(open(&package[..index], reader).is_err());
    }
}

#[test]
fn seven_devices_and_the_root_fit_into_sixteen_kibibytes() {
    let people = People::new();
    let more = (0..5).map(|_| DeviceKeys::generate("more", NOW, &mut SystemRandom).unwrap());
    let mut readers: Vec<_> = people.readers.into_iter().chain(more).collect();
    readers.sort_by_key(|reader| reader.certificates().id());
    let people = People { readers, ..People::new() };
    let package = people.pack(&decryption_key(KeyKind::P256));
    assert!(package.len() < 16 << 10, "{}", package.len());
}
