//! Certificates and revocation lists made to order, broken ones too.

use counterseal_core::der::{Tag, encode, encode_all};
use counterseal_core::time::Time;
use counterseal_core::x509::Certificate;
use counterseal_core::x509::revocation::{OcspResponse, RevocationList};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use sha2::Digest;

pub const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub const ECDSA_SHA1: &str = "1.2.840.10045.4.1";
pub const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

pub const DIGITAL_SIGNATURE: u16 = 0x8000;
pub const NON_REPUDIATION: u16 = 0x4000;
pub const KEY_AGREEMENT: u16 = 0x0800;
pub const KEY_CERT_SIGN: u16 = 0x0400;
pub const CRL_SIGN: u16 = 0x0200;

/// Object identifier, whether it is critical, and DER of the value.
pub type Extension = (&'static str, bool, Vec<u8>);

/// A key pair; the same number makes the same one.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

/// Noon of a day.
pub fn day(year: i64, month: u8, day: u8) -> Time {
    Time::from_civil(year, month, day, 12, 0, 0).unwrap()
}

/// A certificate to be.
#[derive(Clone)]
pub struct Template {
    pub version: u8,
    pub serial_number: Vec<u8>,
    pub subject: Vec<u8>,
    pub issuer: Vec<u8>,
    pub not_before: Time,
    pub not_after: Time,
    /// The number of its key, and of the key that signs it.
    pub key: u8,
    pub signer: u8,
    pub algorithm: &'static str,
    /// The algorithm field outside, where it differs from the one inside.
    pub outer_algorithm: Option<&'static str>,
    pub extensions: Vec<Extension>,
}

impl Template {
    pub fn new(subject: &str, key: u8, issuer: &str, signer: u8) -> Self {
        Self {
            version: 3,
            serial_number: vec![key],
            subject: name(subject),
            issuer: name(issuer),
            not_before: day(2026, 1, 1),
            not_after: day(2027, 1, 1),
            key,
            signer,
            algorithm: ECDSA_SHA256,
            outer_algorithm: None,
            extensions: Vec::new(),
        }
    }

    /// A CA.
    pub fn authority(subject: &str, key: u8, issuer: &str, signer: u8) -> Self {
        Self::new(subject, key, issuer, signer)
            .with(basic_constraints(true, None))
            .with(key_usage(KEY_CERT_SIGN | CRL_SIGN))
    }

    /// A person who signs mail.
    pub fn person(address: &str, key: u8, issuer: &str, signer: u8) -> Self {
        Self::new(address, key, issuer, signer)
            .with(key_usage(DIGITAL_SIGNATURE | KEY_AGREEMENT))
            .with(extended_key_usage(&[EMAIL_PROTECTION]))
            .with(alternative_names(&[rfc822(address)]))
    }

    /// With an extension, in the place of one that is there already.
    pub fn with(mut self, extension: Extension) -> Self {
        self.set(extension);
        self
    }

    pub fn set(&mut self, extension: Extension) {
        self.remove(extension.0);
        self.extensions.push(extension);
    }

    pub fn remove(&mut self, identifier: &str) {
        self.extensions.retain(|(other, _, _)| *other != identifier);
    }

    pub fn mint(&self) -> Certificate {
        Certificate::from_der(&self.der()).unwrap()
    }

    pub fn der(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if self.version > 1 {
            let version = encode(Tag::INTEGER, false, &[self.version - 1]);
            fields.push(encode(Tag::context(0), true, &version));
        }
        fields.extend([
            encode(Tag::INTEGER, false, &self.serial_number),
            algorithm(self.algorithm),
            self.issuer.clone(),
            encode_all(Tag::SEQUENCE, &[time(self.not_before), time(self.not_after)]),
            self.subject.clone(),
            public_key(self.key),
        ]);
        if !self.extensions.is_empty() {
            fields.push(encode(Tag::context(3), true, &extensions(&self.extensions)));
        }
        let to_be_signed = encode_all(Tag::SEQUENCE, &fields);
        let outer = self.outer_algorithm.unwrap_or(self.algorithm);
        signed(to_be_signed, self.algorithm, outer, self.signer)
    }
}

/// A revocation list to be.
#[derive(Clone)]
pub struct ListTemplate {
    pub issuer: Vec<u8>,
    pub signer: u8,
    pub this_update: Time,
    pub next_update: Option<Time>,
    /// Serial number, date, and extensions of the entry.
    pub entries: Vec<(Vec<u8>, Time, Vec<Extension>)>,
    pub extensions: Vec<Extension>,
}

impl ListTemplate {
    pub fn new(issuer: &str, signer: u8) -> Self {
        Self {
            issuer: name(issuer),
            signer,
            this_update: day(2026, 6, 1),
            next_update: Some(day(2026, 7, 1)),
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    pub fn revoking(mut self, serial_number: u8, when: Time) -> Self {
        self.entries.push((vec![serial_number], when, Vec::new()));
        self
    }

    /// An entry for a certificate of another issuer.
    pub fn revoking_of(mut self, issuer: Vec<u8>, serial_number: u8, when: Time) -> Self {
        let issuer = ("2.5.29.29", true, encode_all(Tag::SEQUENCE, &[directory(&issuer)]));
        self.entries.push((vec![serial_number], when, vec![issuer]));
        self
    }

    /// An entry with a reason, by its number.
    pub fn revoking_for(mut self, reason: u8, serial_number: u8, when: Time) -> Self {
        let reason = ("2.5.29.21", false, encode(Tag::universal(10), false, &[reason]));
        self.entries.push((vec![serial_number], when, vec![reason]));
        self
    }

    pub fn with(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    pub fn mint(&self) -> RevocationList {
        RevocationList::from_der(&self.der()).unwrap()
    }

    pub fn der(&self) -> Vec<u8> {
        let mut fields = vec![
            encode(Tag::INTEGER, false, &[1]),
            algorithm(ECDSA_SHA256),
            self.issuer.clone(),
            time(self.this_update),
        ];
        fields.extend(self.next_update.map(time));
        if !self.entries.is_empty() {
            let entry = |(serial_number, when, list): &(Vec<u8>, Time, Vec<_>)| {
                let mut fields = vec![encode(Tag::INTEGER, false, serial_number), time(*when)];
                if !list.is_empty() {
                    fields.push(extensions(list));
                }
                encode_all(Tag::SEQUENCE, &fields)
            };
            let entries: Vec<Vec<u8>> = self.entries.iter().map(entry).collect();
            fields.push(encode_all(Tag::SEQUENCE, &entries));
        }
        if !self.extensions.is_empty() {
            fields.push(encode(Tag::context(0), true, &extensions(&self.extensions)));
        }
        signed(encode_all(Tag::SEQUENCE, &fields), ECDSA_SHA256, ECDSA_SHA256, self.signer)
    }
}

/// An OCSP response to be, about one certificate.
#[derive(Clone)]
pub struct ResponseTemplate {
    /// The responder by name, or by its key.
    pub responder: Option<Vec<u8>>,
    pub signer: u8,
    pub algorithm: &'static str,
    pub produced_at: Time,
    /// Of the certificate: name and key of its issuer, and its serial number.
    pub issuer: Vec<u8>,
    pub issuer_key: u8,
    pub serial_number: u8,
    /// Whether it is identified by SHA-256 instead of SHA-1.
    pub sha256: bool,
    pub status: Vec<u8>,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub single_extensions: Vec<Extension>,
    pub extensions: Vec<Extension>,
    pub certificates: Vec<Vec<u8>>,
}

impl ResponseTemplate {
    /// A good answer of the issuer about one of its certificates.
    pub fn new(issuer: &str, issuer_key: u8, serial_number: u8) -> Self {
        Self {
            responder: Some(name(issuer)),
            signer: issuer_key,
            algorithm: ECDSA_SHA256,
            produced_at: day(2026, 6, 14),
            issuer: name(issuer),
            issuer_key,
            serial_number,
            sha256: false,
            status: encode(Tag::context(0), false, &[]),
            this_update: day(2026, 6, 14),
            next_update: Some(day(2026, 6, 20)),
            single_extensions: Vec::new(),
            extensions: Vec::new(),
            certificates: Vec::new(),
        }
    }

    /// The certificate is revoked, for a reason by its number.
    pub fn revoked(mut self, when: Time, reason: Option<u8>) -> Self {
        let reason = reason.map(|reason| encode(Tag::universal(10), false, &[reason]));
        let reason = reason.map(|reason| encode(Tag::context(0), true, &reason));
        let fields = [vec![generalized_time(when)], reason.into_iter().collect()].concat();
        self.status = encode_all(Tag::context(1), &fields);
        self
    }

    /// The responder does not know the certificate.
    pub fn unknown(mut self) -> Self {
        self.status = encode(Tag::context(2), false, &[]);
        self
    }

    /// Signed by somebody else, whose certificate comes along.
    pub fn by(mut self, delegate: &Template) -> Self {
        self.responder = Some(delegate.subject.clone());
        self.signer = delegate.key;
        self.certificates = vec![delegate.der()];
        self
    }

    pub fn mint(&self) -> OcspResponse {
        OcspResponse::from_der(&self.der()).unwrap()
    }

    pub fn der(&self) -> Vec<u8> {
        let bits = |number| key(number).verifying_key().to_sec1_point(false).as_bytes().to_vec();
        let digest = |bytes: &[u8]| match self.sha256 {
            true => sha2::Sha256::digest(bytes).to_vec(),
            false => sha1::Sha1::digest(bytes).to_vec(),
        };
        let octets = |octets: &[u8]| encode(Tag::OCTET_STRING, false, octets);
        let identifier = encode_all(
            Tag::SEQUENCE,
            &[
                algorithm(if self.sha256 { "2.16.840.1.101.3.4.2.1" } else { "1.3.14.3.2.26" }),
                octets(&digest(&self.issuer)),
                octets(&digest(&bits(self.issuer_key))),
                encode(Tag::INTEGER, false, &[self.serial_number]),
            ],
        );
        let mut single = vec![identifier, self.status.clone(), generalized_time(self.this_update)];
        single.extend(self.next_update.map(|time| encode(Tag::context(0), true, &generalized_time(time))));
        if !self.single_extensions.is_empty() {
            single.push(encode(Tag::context(1), true, &extensions(&self.single_extensions)));
        }
        let by_key = || encode(Tag::context(2), true, &octets(&sha1::Sha1::digest(bits(self.signer))));
        let by_name = |name: &Vec<u8>| encode(Tag::context(1), true, name);
        let mut data = vec![
            self.responder.as_ref().map_or_else(by_key, by_name),
            generalized_time(self.produced_at),
            encode(Tag::SEQUENCE, true, &encode_all(Tag::SEQUENCE, &single)),
        ];
        if !self.extensions.is_empty() {
            data.push(encode(Tag::context(1), true, &extensions(&self.extensions)));
        }
        let mut basic =
            signed_fields(encode_all(Tag::SEQUENCE, &data), self.algorithm, self.algorithm, self.signer);
        if !self.certificates.is_empty() {
            let certificates = encode_all(Tag::SEQUENCE, &self.certificates);
            basic.push(encode(Tag::context(0), true, &certificates));
        }
        let basic = [object_identifier("1.3.6.1.5.5.7.48.1.1"), octets(&encode_all(Tag::SEQUENCE, &basic))];
        let bytes = encode(Tag::context(0), true, &encode_all(Tag::SEQUENCE, &basic));
        encode_all(Tag::SEQUENCE, &[encode(Tag::universal(10), false, &[0]), bytes])
    }
}

/// A Name with a common name; an empty one of an empty text.
pub fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return encode(Tag::SEQUENCE, true, &[]);
    }
    attribute_name("2.5.4.3", common_name)
}

/// A Name with one attribute.
pub fn attribute_name(kind: &str, value: &str) -> Vec<u8> {
    let value = encode(Tag::universal(12), false, value.as_bytes());
    let attribute = encode_all(Tag::SEQUENCE, &[object_identifier(kind), value]);
    encode_all(Tag::SEQUENCE, &[encode(Tag::SET, true, &attribute)])
}

pub fn rfc822(address: &str) -> Vec<u8> {
    encode(Tag::context(1), false, address.as_bytes())
}

pub fn dns(name: &str) -> Vec<u8> {
    encode(Tag::context(2), false, name.as_bytes())
}

pub fn directory(name: &[u8]) -> Vec<u8> {
    encode(Tag::context(4), true, name)
}

pub fn other_name(kind: &str, text: &str) -> Vec<u8> {
    let value = encode(Tag::context(0), true, &encode(Tag::universal(12), false, text.as_bytes()));
    encode(Tag::context(0), true, &[object_identifier(kind), value].concat())
}

pub fn basic_constraints(authority: bool, path_length: Option<u8>) -> Extension {
    let mut fields = Vec::new();
    if authority {
        fields.push(encode(Tag::BOOLEAN, false, &[0xff]));
    }
    fields.extend(path_length.map(|length| encode(Tag::INTEGER, false, &[length])));
    ("2.5.29.19", true, encode_all(Tag::SEQUENCE, &fields))
}

pub fn key_usage(bits: u16) -> Extension {
    let octets = bits.to_be_bytes();
    let unused = (bits.trailing_zeros().min(15) % 8) as u8;
    let content = if octets[1] == 0 { vec![unused, octets[0]] } else { vec![unused, octets[0], octets[1]] };
    ("2.5.29.15", true, encode(Tag::BIT_STRING, false, &content))
}

pub fn extended_key_usage(purposes: &[&str]) -> Extension {
    let purposes: Vec<Vec<u8>> = purposes.iter().map(|purpose| object_identifier(purpose)).collect();
    ("2.5.29.37", false, encode_all(Tag::SEQUENCE, &purposes))
}

pub fn alternative_names(names: &[Vec<u8>]) -> Extension {
    ("2.5.29.17", false, encode_all(Tag::SEQUENCE, names))
}

pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let list = |number, names: &[Vec<u8>]| {
        let subtrees: Vec<Vec<u8>> = names.iter().map(|name| encode(Tag::SEQUENCE, true, name)).collect();
        (!names.is_empty()).then(|| encode_all(Tag::context(number), &subtrees))
    };
    let lists: Vec<Vec<u8>> = [list(0, permitted), list(1, excluded)].into_iter().flatten().collect();
    ("2.5.29.30", true, encode_all(Tag::SEQUENCE, &lists))
}

pub fn subject_key_identifier(identifier: &[u8]) -> Extension {
    ("2.5.29.14", false, encode(Tag::OCTET_STRING, false, identifier))
}

pub fn authority_key_identifier(identifier: &[u8]) -> Extension {
    let identifier = encode(Tag::context(0), false, identifier);
    ("2.5.29.35", false, encode(Tag::SEQUENCE, true, &identifier))
}

/// cRLDistributionPoints: all of them lists of another issuer.
pub fn lists_issued_by(names: &[&str]) -> Extension {
    let point = |text: &&str| {
        let issuer = encode_all(Tag::context(2), &[directory(&name(text))]);
        encode(Tag::SEQUENCE, true, &issuer)
    };
    ("2.5.29.31", false, encode_all(Tag::SEQUENCE, &names.iter().map(point).collect::<Vec<_>>()))
}

/// issuingDistributionPoint of an indirect list.
pub fn indirect() -> Extension {
    ("2.5.29.28", true, vec![0x30, 3, 0x84, 1, 0xff])
}

/// issuingDistributionPoint of a list for some reasons: the content of their BIT STRING.
pub fn only_some_reasons(flags: &[u8]) -> Extension {
    ("2.5.29.28", true, encode(Tag::SEQUENCE, true, &encode(Tag::context(3), false, flags)))
}

pub fn list_number(number: u8) -> Extension {
    ("2.5.29.20", false, encode(Tag::INTEGER, false, &[number]))
}

/// deltaCRLIndicator: changes to the list of that number.
pub fn delta(base: u8) -> Extension {
    ("2.5.29.27", true, encode(Tag::INTEGER, false, &[base]))
}

/// certificatePolicies with numbers below 2.25.
pub fn policies(numbers: impl Iterator<Item = String>) -> Extension {
    let information =
        numbers.map(|number| encode_all(Tag::SEQUENCE, &[object_identifier(&format!("2.25.{number}"))]));
    ("2.5.29.32", false, encode_all(Tag::SEQUENCE, &information.collect::<Vec<_>>()))
}

/// An extension that nobody knows.
pub fn unknown_extension(critical: bool) -> Extension {
    ("2.25.4711", critical, encode(Tag::NULL, false, &[]))
}

pub fn object_identifier(dotted: &str) -> Vec<u8> {
    let identifier = const_oid::ObjectIdentifier::new(dotted).unwrap();
    encode(Tag::OBJECT_IDENTIFIER, false, identifier.as_bytes())
}

pub fn generalized_time(time: Time) -> Vec<u8> {
    let digits: String = time.to_rfc3339().chars().filter(char::is_ascii_digit).collect();
    encode(Tag::universal(24), false, format!("{digits}Z").as_bytes())
}

fn time(time: Time) -> Vec<u8> {
    let digits: String = time.to_rfc3339().chars().filter(char::is_ascii_digit).collect();
    encode(Tag::universal(23), false, format!("{}Z", &digits[2..]).as_bytes())
}

fn algorithm(identifier: &str) -> Vec<u8> {
    encode_all(Tag::SEQUENCE, &[object_identifier(identifier)])
}

fn public_key(number: u8) -> Vec<u8> {
    let point = key(number).verifying_key().to_sec1_point(false);
    let algorithm = [object_identifier("1.2.840.10045.2.1"), object_identifier("1.2.840.10045.3.1.7")];
    let point = encode(Tag::BIT_STRING, false, &[&[0][..], point.as_bytes()].concat());
    encode_all(Tag::SEQUENCE, &[encode_all(Tag::SEQUENCE, &algorithm), point])
}

fn extensions(list: &[Extension]) -> Vec<u8> {
    let extension = |(identifier, critical, value): &Extension| {
        let mut fields = vec![object_identifier(identifier)];
        if *critical {
            fields.push(encode(Tag::BOOLEAN, false, &[0xff]));
        }
        fields.push(encode(Tag::OCTET_STRING, false, value));
        encode_all(Tag::SEQUENCE, &fields)
    };
    encode_all(Tag::SEQUENCE, &list.iter().map(extension).collect::<Vec<_>>())
}

fn signed(to_be_signed: Vec<u8>, inner: &str, outer: &str, signer: u8) -> Vec<u8> {
    encode_all(Tag::SEQUENCE, &signed_fields(to_be_signed, inner, outer, signer))
}

fn signed_fields(to_be_signed: Vec<u8>, inner: &str, outer: &str, signer: u8) -> Vec<Vec<u8>> {
    let digest = match inner {
        ECDSA_SHA1 => sha1::Sha1::digest(&to_be_signed).to_vec(),
        _ => sha2::Sha256::digest(&to_be_signed).to_vec(),
    };
    let signature: p256::ecdsa::Signature = key(signer).sign_prehash(&digest).unwrap();
    let signature = [&[0][..], signature.to_der().as_bytes()].concat();
    let signature = encode(Tag::BIT_STRING, false, &signature);
    vec![to_be_signed, algorithm(outer), signature]
}
