//! Entries as DER.

use counterseal_core::der::tlv::{self, tag};

use super::entry::{Admitted, Announced, Author, Body, Entry, EntryId, Policy};
use crate::device::Role;

impl Entry {
    /// The content that is signed.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let account = self.account.as_ref().map_or(&[][..], |account| account.as_bytes());
        tlv::sequence(&[
            &unsigned(1),
            &octets(account),
            &write_hashes(self.parents.iter().map(EntryId::as_bytes)),
            &unsigned(self.lamport),
            &unsigned(u64::try_from(self.time.unix_seconds()).unwrap_or_default()),
            &author(&self.author),
            &body(&self.body),
        ])
    }

    /// What the entry is called by those after it.
    #[must_use]
    pub fn id(&self) -> EntryId {
        EntryId::of(&self.to_der())
    }
}

fn author(author: &Author) -> Vec<u8> {
    let number = match author {
        Author::Device(_) => 0,
        Author::Root(_) => 1,
    };
    tlv::encode(tag::primitive(number), author.key().as_bytes())
}

fn body(body: &Body) -> Vec<u8> {
    let fields = |number, fields: &[&[u8]]| tlv::encode(tag::constructed(number), &fields.concat());
    match body {
        Body::Genesis { first, root } => fields(0, &[&admitted(first), &strings(root)]),
        Body::Add(device) => fields(1, &[&admitted(device)]),
        Body::Role { device, role: what_for } => fields(2, &[&octets(device.as_bytes()), &role(*what_for)]),
        Body::Revoke { device, retired } => {
            fields(3, &[&octets(device.as_bytes()), &write_hashes(retired.iter().map(|key| key.as_bytes()))])
        }
        Body::Key(announced) => fields(4, &[&key(announced)]),
        Body::CertificateRequest(request) => fields(5, &[&octets(request)]),
        Body::CertificateAnswer { request, certificates } => {
            fields(6, &[&octets(request.as_bytes()), &strings(certificates)])
        }
        Body::KemRoll(certificates) => fields(7, &[&strings(certificates)]),
        Body::Snapshot(digest) => fields(8, &[&octets(digest)]),
        Body::Recover { revoked, retired, added } => {
            let added: Vec<u8> = added.iter().flat_map(admitted).collect();
            fields(
                9,
                &[
                    &write_hashes(revoked.iter().map(|device| device.as_bytes())),
                    &write_hashes(retired.iter().map(|key| key.as_bytes())),
                    &tlv::encode(tag::SEQUENCE, &added),
                ],
            )
        }
        Body::Policy(Policy { lan_only, beacon_days }) => {
            let lan_only = tlv::encode(tag::BOOLEAN, &[if *lan_only { 0xff } else { 0 }]);
            fields(10, &[&lan_only, &unsigned(u64::from(*beacon_days))])
        }
    }
}

fn admitted(device: &Admitted) -> Vec<u8> {
    tlv::sequence(&[
        &octets(device.device.as_bytes()),
        &role(device.role),
        &tlv::encode(tag::UTF8_STRING, device.name.as_bytes()),
        &strings(&device.certificates),
    ])
}

fn key(announced: &Announced) -> Vec<u8> {
    let certificate = announced.certificate.as_ref().map_or(&[][..], |digest| &digest[..]);
    [
        octets(announced.key.as_bytes()),
        tlv::encode(ENUMERATED, &[announced.purpose.number()]),
        octets(certificate),
        octets(announced.package.as_bytes()),
        write_hashes(announced.recipients.iter().map(|device| device.as_bytes())),
    ]
    .concat()
}

/// The tag of ENUMERATED.
pub(super) const ENUMERATED: u8 = 0x0a;

fn role(role: Role) -> Vec<u8> {
    let null = |number| tlv::encode(tag::primitive(number), &[]);
    match role {
        Role::Reader => null(0),
        Role::Writer => null(1),
        Role::Admin => null(2),
        Role::Courier => null(3),
        Role::Kiosk { since } => {
            let seconds = u64::try_from(since.unix_seconds()).unwrap_or_default();
            let mut integer = unsigned(seconds);
            if let Some(identifier) = integer.first_mut() {
                *identifier = tag::primitive(4);
            }
            integer
        }
    }
}

/// An INTEGER that is not negative.
pub(crate) fn unsigned(value: u64) -> Vec<u8> {
    tlv::integer(&value.to_be_bytes())
}

/// An OCTET STRING.
pub(crate) fn octets(content: &[u8]) -> Vec<u8> {
    tlv::encode(tag::OCTET_STRING, content)
}

/// A SEQUENCE OF OCTET STRING.
pub(crate) fn strings(strings: &[Vec<u8>]) -> Vec<u8> {
    let strings: Vec<u8> = strings.iter().flat_map(|string| octets(string)).collect();
    tlv::encode(tag::SEQUENCE, &strings)
}

/// A SEQUENCE OF OCTET STRING of hashes.
pub(crate) fn write_hashes<'a>(hashes: impl Iterator<Item = &'a [u8; 32]>) -> Vec<u8> {
    let hashes: Vec<u8> = hashes.flat_map(|hash| octets(hash)).collect();
    tlv::encode(tag::SEQUENCE, &hashes)
}
