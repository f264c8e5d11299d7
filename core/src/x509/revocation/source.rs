//! Revocation lists and OCSP responses from elsewhere, asked for when a path needs them.

use std::fmt::Debug;

use const_oid::ObjectIdentifier;

use super::{OcspResponse, RevocationList};
use crate::limits;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::certificate::extension;
use crate::x509::tlv::{Elements, only, tag};

/// id-pe-authorityInfoAccess and id-ad-ocsp (RFC 5280, section 4.2.2.1).
const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
/// uniformResourceIdentifier of a GeneralName.
const URI: u8 = 0x86;

/// Where lists and responses come from that are not at hand: a cache, the network.
///
/// It is asked only about paths that reached an accepted anchor: whoever else writes a certificate could
/// name any host, and would learn when it is looked at.
pub trait RevocationSource: Debug + Send + Sync {
    /// What is known of the certificates of a path, the leaf first and the anchor last. Each list and
    /// response is checked again before it counts.
    fn about(&self, path: &[Certificate], at: Time) -> (Vec<RevocationList>, Vec<OcspResponse>);
}

/// Where a certificate says that its revocation can be asked for: addresses of plain HTTP. Lists and
/// responses are signed by themselves, and a certificate of the server would have to be checked the same way
/// (RFC 5280, section 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationAddresses {
    /// Of lists (RFC 5280, section 4.2.1.13).
    pub lists: Vec<String>,
    /// Of OCSP responders (RFC 6960, section 3.1).
    pub responders: Vec<String>,
}

impl RevocationAddresses {
    /// Of a certificate, [`limits::REVOCATION_ADDRESSES`] of each kind at most.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let value = |identifier| certificate.extension(identifier).map(|(_, value)| value);
        let lists = value(extension::CRL_DISTRIBUTION_POINTS).and_then(list_addresses);
        let responders = value(AUTHORITY_INFORMATION_ACCESS).and_then(responder_addresses);
        Self { lists: usable(lists), responders: usable(responders) }
    }
}

fn usable(addresses: Option<Vec<&[u8]>>) -> Vec<String> {
    let texts =
        addresses.unwrap_or_default().into_iter().filter_map(|octets| std::str::from_utf8(octets).ok());
    let usable = texts.filter(|text| {
        let is_http = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        is_http && text.len() <= limits::URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    usable.take(limits::REVOCATION_ADDRESSES).map(str::to_owned).collect()
}

fn list_addresses(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut points = Elements::new(only(value, tag::SEQUENCE)?);
    let mut addresses = Vec::new();
    while !points.is_empty() {
        let mut fields = Elements::new(points.expect(tag::SEQUENCE)?.content);
        let Some(point) = fields.optional(tag::constructed(0))? else { continue };
        let full_name = Elements::new(point.content).any().filter(|name| name.tag == tag::constructed(0));
        let mut names = Elements::new(full_name.map(|name| name.content).unwrap_or_default());
        while !names.is_empty() {
            let name = names.any()?;
            addresses.extend((name.tag == URI).then_some(name.content));
        }
    }
    Some(addresses)
}

fn responder_addresses(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut descriptions = Elements::new(only(value, tag::SEQUENCE)?);
    let mut addresses = Vec::new();
    while !descriptions.is_empty() {
        let mut fields = Elements::new(descriptions.expect(tag::SEQUENCE)?.content);
        let is_ocsp = fields.expect(tag::OBJECT_IDENTIFIER)?.content == OCSP.as_bytes();
        let location = fields.any()?;
        addresses.extend((is_ocsp && location.tag == URI).then_some(location.content));
    }
    Some(addresses)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::Person;
    use crate::x509::tlv;

    fn point(names: &[&[u8]]) -> Vec<u8> {
        let full_name = tlv::encode(tag::constructed(0), &names.concat());
        tlv::sequence(&[&tlv::encode(tag::constructed(0), &full_name)])
    }

    fn uri(text: &str) -> Vec<u8> {
        tlv::encode(URI, text.as_bytes())
    }

    #[test]
    fn addresses_of_lists_are_those_of_plain_http() {
        let (one, two) = (uri("http://a.example/1.crl"), uri("HTTP://b.example/2.crl"));
        let value = tlv::sequence(&[
            &point(&[&one, &uri("ldap://c.example/")]),
            &point(&[&two, &uri("https://d.example/")]),
        ]);
        let found = usable(list_addresses(&value));
        assert_eq!(found, ["http://a.example/1.crl", "HTTP://b.example/2.crl"]);
        let hostile =
            point(&[&uri("http://a b"), &uri(&format!("http://{}", "a".repeat(limits::URL_BYTES)))]);
        assert!(usable(list_addresses(&tlv::sequence(&[&hostile]))).is_empty());
        let many: Vec<Vec<u8>> = (0..100).map(|number| uri(&format!("http://a.example/{number}"))).collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        let many = usable(list_addresses(&tlv::sequence(&[&point(&many)])));
        assert_eq!(many.len(), limits::REVOCATION_ADDRESSES);
        assert!(list_addresses(&[1, 2, 3]).is_none());
    }

    #[test]
    fn a_responder_is_told_from_other_access() {
        let description =
            |oid: &[u8], url: &str| tlv::sequence(&[&tlv::encode(tag::OBJECT_IDENTIFIER, oid), &uri(url)]);
        const CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
        let value = tlv::sequence(&[
            &description(CA_ISSUERS, "http://a.example/ca.cer"),
            &description(OCSP.as_bytes(), "http://b.example/"),
        ]);
        assert_eq!(usable(responder_addresses(&value)), ["http://b.example/"]);
    }

    #[test]
    fn a_personal_ca_names_nobody_to_ask() {
        let alice = Person::new("alice@example.org");
        assert_eq!(RevocationAddresses::of(&alice.encryption), RevocationAddresses::default());
    }
}
