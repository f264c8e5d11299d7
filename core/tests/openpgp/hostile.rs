//! Keyrings and webs that are made to be slow, large or endless.

use std::time::{Duration, Instant};

use counterseal_core::address::EmailAddress;
use counterseal_core::fingerprint::OpenPgpFingerprint;
use counterseal_core::keys::Keyring;
use counterseal_core::limits;
use counterseal_core::openpgp::{
    Certificate, CertificateRefused, Certification, Depth, FULL, Reliances, Revocation, Span, Spans, UserId,
    Web, export_twin,
};
use counterseal_core::time::Time;
use counterseal_core::x509::{KeyKind, SecretKey};

use super::grafts::SystemRandom;

const NOW: Time = Time::from_unix_seconds(1_790_000_000);
/// Optimised it takes a tenth; what is bounded by nothing takes minutes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate of version 4 in its packets: key, user identifier, self-signature.
fn certificate() -> (Vec<u8>, OpenPgpFingerprint) {
    let key = SecretKey::generate(KeyKind::P256, &mut SystemRandom).unwrap();
    let mut keys = Keyring::new();
    keys.add_key(key.clone());
    let alice = EmailAddress::parse("alice@example.org").unwrap();
    let armored = export_twin(&keys, key.public_key(), "Alice", &[alice], NOW).unwrap();
    let mut packets = Vec::new();
    let mut reader = sequoia_openpgp::armor::Reader::from_bytes(armored.as_bytes(), None);
    std::io::Read::read_to_end(&mut reader, &mut packets).unwrap();
    let mut web = Web::new();
    web.import(&[&packets]).unwrap();
    (packets, web.certificates().next().unwrap().fingerprint)
}

/// A certification that looks good until its numbers are tried.
fn forged(issuer: &OpenPgpFingerprint, number: u32) -> Vec<u8> {
    let subpacket =
        |kind: u8, value: &[u8]| [&[u8::try_from(value.len()).unwrap() + 1, kind], value].concat();
    let created = u32::try_from(NOW.unix_seconds()).unwrap() - 100_000 + number;
    let hashed =
        [subpacket(33, &[&[4], issuer.as_bytes()].concat()), subpacket(2, &created.to_be_bytes())].concat();
    let mut body = vec![4, 0x10, 19, 8, 0, u8::try_from(hashed.len()).unwrap()];
    body.extend(&hashed);
    body.extend([0, 0, 0xab, 0xcd]);
    for _ in 0..2 {
        body.extend([1, 0]);
        body.extend([0xff; 32]);
    }
    [&[0xc2, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

fn user_id(text: &str) -> Vec<u8> {
    [&[0xcd, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// Reads a keyring in time.
fn read(keyring: &[u8]) -> (Web, Option<CertificateRefused>) {
    let start = Instant::now();
    let mut web = Web::new();
    let imported = web.import(&[keyring]).unwrap();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    (web, imported.refused.first().map(|refused| refused.why))
}

#[test]
fn a_flooded_certificate_is_read_as_far_as_the_limits_allow() {
    let (mut flooded, fingerprint) = certificate();
    let (known, issuer) = certificate();
    let unknown = OpenPgpFingerprint::Version4([9; 20]);
    for number in 0..10_000 {
        flooded.extend(forged(if number % 2 == 0 { &issuer } else { &unknown }, number));
    }
    let (web, refused) = read(&[flooded, known].concat());
    assert_eq!(refused, None);
    let certificate = web.certificate(&fingerprint).unwrap();
    assert!(certificate.certifications.is_empty() && certificate.is_usable_at(NOW));
    assert_eq!(certificate.unknown_issuers.len(), 1);
}

fn armored(octets: &[u8]) -> Vec<u8> {
    let kind = sequoia_openpgp::armor::Kind::PublicKey;
    let mut writer = sequoia_openpgp::armor::Writer::new(Vec::new(), kind).unwrap();
    std::io::Write::write_all(&mut writer, octets).unwrap();
    writer.finalize().unwrap()
}

#[test]
fn a_packet_that_claims_to_be_large_gets_no_room() {
    // A user identifier of 4 GiB behind a key, armored: only the first octets of it are there.
    let (mut packets, _) = certificate();
    packets.extend([0xcd, 0xff, 0xff, 0xff, 0xff, 0xff, b'a']);
    let armored = armored(&packets);
    let twice = self::armored(&armored);
    let behind_junk = [&[0xff, 0xff, b'\n'], &armored[..]].concat();
    let peak = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    let before = peak();
    for keyring in [&packets, &twice, &behind_junk, &armored, &[&armored[..], b"\n", &armored].concat()] {
        let _ = Web::new().import(&[keyring]);
    }
    assert!(peak() - before < 1 << 20, "less than 1 GiB more than {before} KiB");
}

#[test]
fn too_much_of_its_own_is_refused() {
    let (packets, fingerprint) = certificate();
    let mut signed = packets.clone();
    for number in 0..u32::try_from(limits::OPENPGP_SELF_SIGNATURES).unwrap() - 1 {
        signed.extend(forged(&fingerprint, number));
    }
    assert_eq!(read(&signed).1, None);
    signed.extend(forged(&fingerprint, 50_000));
    assert_eq!(read(&signed).1, Some(CertificateRefused::TooManySelfSignatures));

    let mut named = packets.clone();
    for number in 0..limits::OPENPGP_USER_IDS {
        named.extend(user_id(&format!("alice-{number}@example.org")));
    }
    assert_eq!(read(&named).1, Some(CertificateRefused::TooManyUserIds));

    let mut large = packets;
    while large.len() <= limits::OPENPGP_CERTIFICATE_BYTES {
        // A picture of 64 KiB.
        large.extend([&[0xd1, 0xff, 0, 1, 0, 0][..], &[0; 65_536]].concat());
    }
    assert_eq!(read(&large).1, Some(CertificateRefused::TooLarge));
}

#[test]
fn a_keyring_may_end_anywhere() {
    let (packets, _) = certificate();
    for length in 0..packets.len() {
        let _ = Web::new().import(&[&packets[..length]]);
    }
    for place in 0..packets.len() {
        let mut bent = packets.clone();
        bent[place] ^= 0x81;
        let _ = Web::new().import(&[&bent]);
    }
}

#[test]
fn a_web_with_countless_paths_is_searched_in_time() {
    // Everybody certifies everybody, for anything, through any number of others, with odd amounts.
    const PEOPLE: u8 = 200;
    let always = || Spans::new(vec![Span { from: Time::from_unix_seconds(0), until: None }]);
    let person = |number: u8| OpenPgpFingerprint::Version4([number; 20]);
    let mut web = Web::new();
    for target in 0..PEOPLE {
        let certifications = (0..PEOPLE).filter(|issuer| *issuer != target).map(|issuer| Certification {
            issuer: person(issuer),
            user_id: 0,
            amount: 1 + (issuer ^ target) % 3,
            depth: if issuer % 2 == 0 { Depth::Unlimited } else { Depth::Limited(3) },
            regular_expressions: Vec::new(),
            created: Time::from_unix_seconds(1_700_000_000),
            expires: None,
            revoked: None,
            digest: [issuer; 32],
        });
        web.insert(Certificate {
            fingerprint: person(target),
            primary_key: Vec::new(),
            own_digest: [0; 32],
            valid: always(),
            live: always(),
            revocation: Revocation::default(),
            user_ids: vec![UserId {
                text: format!("{target}@example.org"),
                self_signed: always(),
                revoked: Spans::default(),
                links: Vec::new(),
            }],
            links: Vec::new(),
            certifications: certifications.collect(),
            unknown_issuers: Vec::new(),
        });
    }
    let start = Instant::now();
    let network = web.network(&Reliances::new().with_root(person(0), FULL), NOW);
    let found = network.authenticate("7@example.org", &person(7), u32::MAX);
    assert!(found.paths.len() <= limits::OPENPGP_PATHS && found.amount > 0);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}
