//! Certificates and revocation lists, every field of which can be wrong.

use crate::asn1::{bits, explicit, implicit, integer, number, octets, oid, seq, set, tag, tlv};
use crate::keys::{Key, utc_time};

/// Bits of the key usage.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(crate) const KEY_ENCIPHERMENT: u8 = 0x20;
pub(crate) const KEY_AGREEMENT: u8 = 0x08;
pub(crate) const CERTIFICATE_SIGN: u8 = 0x06;

pub(crate) const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

/// A certificate in parts. As the functions here make one it is good; a case then spoils a part.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) version: Option<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key_info: Vec<u8>,
    /// Whole Extension values, in order.
    pub(crate) extensions: Vec<Vec<u8>>,
    /// The algorithm outside, where it differs from the one inside.
    pub(crate) outer_algorithm: Option<Vec<u8>>,
}

impl Template {
    /// Somebody's certificate for signing mail, issued under `issuer`'s name.
    pub(crate) fn leaf(name: &str, address: &str, key: &Key, issuer: &Authority, usage: u8) -> Self {
        let extensions = vec![
            key_usage(usage),
            extended_key_usage(EMAIL_PROTECTION),
            alternative_names(&[rfc822(address)]),
            subject_key_identifier(&key.identifier()),
            authority_key_identifier(&issuer.key.identifier()),
        ];
        Self {
            version: Some(2),
            serial: serial(name, &key.public()),
            issuer: issuer.name.clone(),
            not_before: "250101000000Z".into(),
            not_after: "491231235959Z".into(),
            subject: common_name(name),
            public_key_info: key.public_key_info(),
            extensions,
            outer_algorithm: None,
        }
    }

    /// A CA under `issuer`.
    pub(crate) fn authority(name: &str, key: &Key, issuer: &Authority) -> Self {
        let mut template = Self::leaf(name, "", key, issuer, CERTIFICATE_SIGN);
        template.extensions = vec![
            basic_constraints(true, None),
            key_usage(CERTIFICATE_SIGN),
            subject_key_identifier(&key.identifier()),
            authority_key_identifier(&issuer.key.identifier()),
        ];
        template
    }

    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Another value for the extension of the same kind.
    pub(crate) fn replacing(mut self, extension: Vec<u8>) -> Self {
        let kind = |extension: &[u8]| extension.get(2..7).map(<[u8]>::to_vec);
        self.extensions.retain(|old| kind(old) != kind(&extension));
        self.with(extension)
    }

    fn to_be_signed(&self, algorithm: &[u8]) -> Vec<u8> {
        let version = self.version.map(|version| explicit(0, &number(u64::from(version))));
        let extensions = match self.extensions.as_slice() {
            [] => Vec::new(),
            extensions => explicit(3, &seq(&[&extensions.concat()])),
        };
        seq(&[
            &version.unwrap_or_default(),
            &integer(&self.serial),
            algorithm,
            &self.issuer,
            &seq(&[&utc_time(&self.not_before), &utc_time(&self.not_after)]),
            &self.subject,
            &self.public_key_info,
            &extensions,
        ])
    }

    /// Signed as its issuer does.
    pub(crate) fn signed_by(&self, key: &Key) -> Vec<u8> {
        self.signed_with(&key.usual(), |message| key.sign(message))
    }

    /// Signed in any way.
    pub(crate) fn signed_with(&self, algorithm: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let message = self.to_be_signed(algorithm);
        let outer = self.outer_algorithm.as_deref().unwrap_or(algorithm);
        seq(&[&message, outer, &bits(&sign(&message))])
    }
}

/// Whoever issues.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) name: Vec<u8>,
    pub(crate) key: Key,
    /// Its own certificate; empty for a name that nobody vouches for.
    pub(crate) certificate: Vec<u8>,
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str, key: Key) -> Self {
        let mut own = Self { name: common_name(name), key: key.clone(), certificate: Vec::new() };
        let template = Template::authority(name, &key, &own);
        own.certificate = template.signed_by(&key);
        own
    }

    /// A CA under another, from its template.
    pub(crate) fn under(issuer: &Self, template: &Template, key: Key) -> Self {
        Self { name: template.subject.clone(), certificate: template.signed_by(&issuer.key), key }
    }
}

/// A serial number that follows from what the certificate is for.
fn serial(name: &str, public: &[u8]) -> Vec<u8> {
    let mut serial = crate::primitives::sha256(&[name.as_bytes(), public].concat());
    serial.truncate(8);
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

pub(crate) fn common_name(name: &str) -> Vec<u8> {
    let attribute = seq(&[&oid("2.5.4.3"), &tlv(tag::UTF8_STRING, &[name.as_bytes()])]);
    seq(&[&set(&[&attribute])])
}

/// A name with emailAddress in it.
pub(crate) fn name_with_address(name: &str, address: &str) -> Vec<u8> {
    let attribute = seq(&[&oid("2.5.4.3"), &tlv(tag::UTF8_STRING, &[name.as_bytes()])]);
    let mail = seq(&[&oid("1.2.840.113549.1.9.1"), &tlv(tag::IA5_STRING, &[address.as_bytes()])]);
    seq(&[&set(&[&attribute]), &set(&[&mail])])
}

pub(crate) fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(tag::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    seq(&[&oid(dotted), &critical, &octets(value)])
}

pub(crate) fn key_usage(usage: u8) -> Vec<u8> {
    let unused = usage.trailing_zeros() as u8;
    extension("2.5.29.15", true, &tlv(tag::BIT_STRING, &[&[unused, usage]]))
}

pub(crate) fn extended_key_usage(purpose: &str) -> Vec<u8> {
    extension("2.5.29.37", false, &seq(&[&oid(purpose)]))
}

pub(crate) fn basic_constraints(is_authority: bool, path_length: Option<u64>) -> Vec<u8> {
    let authority = if is_authority { tlv(tag::BOOLEAN, &[&[0xff]]) } else { Vec::new() };
    let length = path_length.map(number).unwrap_or_default();
    extension("2.5.29.19", true, &seq(&[&authority, &length]))
}

pub(crate) fn alternative_names(names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", false, &seq(&[&names.concat()]))
}

pub(crate) fn rfc822(address: &str) -> Vec<u8> {
    implicit(1, address.as_bytes())
}

pub(crate) fn uri(text: &str) -> Vec<u8> {
    implicit(6, text.as_bytes())
}

pub(crate) fn subject_key_identifier(identifier: &[u8]) -> Vec<u8> {
    extension("2.5.29.14", false, &octets(identifier))
}

pub(crate) fn authority_key_identifier(identifier: &[u8]) -> Vec<u8> {
    extension("2.5.29.35", false, &seq(&[&implicit(0, identifier)]))
}

/// Name constraints on mail addresses.
pub(crate) fn name_constraints(permitted: &[&str], excluded: &[&str]) -> Vec<u8> {
    let subtrees = |number, bases: &[&str]| match bases {
        [] => Vec::new(),
        bases => {
            let all: Vec<u8> = bases.iter().flat_map(|base| seq(&[&rfc822(base)])).collect();
            explicit(number, &all)
        }
    };
    extension("2.5.29.30", true, &seq(&[&subtrees(0, permitted), &subtrees(1, excluded)]))
}

/// A revocation list that names these serial numbers.
pub(crate) fn revocation_list(issuer: &Authority, next_update: &str, serials: &[&[u8]]) -> Vec<u8> {
    let algorithm = issuer.key.usual();
    let entries: Vec<u8> =
        serials.iter().flat_map(|serial| seq(&[&integer(serial), &utc_time("260601000000Z")])).collect();
    let entries = if entries.is_empty() { Vec::new() } else { seq(&[&entries]) };
    let crl_number = extension("2.5.29.20", false, &number(1));
    let identifier = authority_key_identifier(&issuer.key.identifier());
    let list = seq(&[
        &number(1),
        &algorithm,
        &issuer.name,
        &utc_time("260701000000Z"),
        &utc_time(next_update),
        &entries,
        &explicit(0, &seq(&[&identifier, &crl_number])),
    ]);
    seq(&[&list, &algorithm, &bits(&issuer.key.sign(&list))])
}
