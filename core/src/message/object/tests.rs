#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Cursor;

use super::*;
use crate::policy;
use crate::ports::MemorySpools;
use crate::testing::{NOW, Person, SystemRandom};
use crate::trust::{Anchor, Knowledge};
use crate::x509::KeyKind;

fn knowing(person: &Person) -> Knowledge {
    Knowledge { anchors: vec![Anchor::own(person.authority.clone(), None)], ..Knowledge::default() }
}

fn accepted(reader: &Person) -> Accepted {
    policy::accept_given(&reader.encryption, None, &Knowledge::default(), NOW).unwrap()
}

fn sealed(content: &[u8], readers: &[Accepted], signer: Option<&Signer<'_>>) -> Vec<u8> {
    let request = SealRequest {
        recipients: readers,
        shared_secrets: &[],
        signer,
        cipher: None,
        key_transport: None,
        at: NOW,
    };
    let mut output = Vec::new();
    encrypt(
        Content::Source(&mut Cursor::new(content)),
        &request,
        &MemorySpools,
        &mut SystemRandom,
        &mut output,
    )
    .unwrap();
    output
}

fn opened(
    object: &[u8],
    reader: &Person,
    knowledge: &Knowledge,
    keep: bool,
) -> Result<(Vec<u8>, Status), ReadError> {
    let context = Context { keys: &reader.keys, knowledge, at: NOW, spools: &MemorySpools };
    let options = ReadOptions { keep_signature: keep, ..ReadOptions::default() };
    let mut output = Vec::new();
    decrypt(&mut Cursor::new(object), &context, &mut SystemRandom, &options, &mut output)
        .map(|status| (output, status))
}

#[test]
fn what_alice_seals_and_signs_bob_opens_and_verifies() {
    let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
    let object = sealed(b"some bytes", &[accepted(&bob)], Some(&alice.signer()));
    let (content, status) = opened(&object, &bob, &knowing(&alice), false).unwrap();
    assert_eq!(content, b"some bytes");
    assert_eq!(status.verdict, Verdict::Verified);
    assert_eq!(status.score, 120);
    assert!(status.encrypted.unwrap().integrity);
    assert_eq!(status.signers.first().unwrap().address.as_ref(), Some(&alice.address));
}

#[test]
fn a_signer_under_no_anchor_is_not_verified() {
    let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
    let object = sealed(b"some bytes", &[accepted(&bob)], Some(&alice.signer()));
    let (_, status) = opened(&object, &bob, &knowing(&bob), false).unwrap();
    assert_eq!(status.verdict, Verdict::Unverified);
}

#[test]
fn the_signed_layer_can_be_kept() {
    let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
    let object = sealed(b"some bytes", &[accepted(&bob)], Some(&alice.signer()));
    let (signed, _) = opened(&object, &bob, &Knowledge::default(), true).unwrap();
    let knowledge = knowing(&alice);
    let context = Context { keys: &bob.keys, knowledge: &knowledge, at: NOW, spools: &MemorySpools };
    let mut content = Vec::new();
    let status = verify(&mut Cursor::new(signed), None, &context, &mut content).unwrap();
    assert_eq!((content.as_slice(), status.verdict), (&b"some bytes"[..], Verdict::Verified));
}

#[test]
fn short_and_empty_contents_come_back() {
    let bob = Person::new("bob@example.org");
    for content in [&b""[..], b"0", &[0x30; 63], &[0x30; 65]] {
        let object = sealed(content, &[accepted(&bob)], None);
        let (opened, status) = opened(&object, &bob, &Knowledge::default(), false).unwrap();
        assert_eq!(opened, content);
        assert_eq!(status.verdict, Verdict::Unsigned);
    }
}

#[test]
fn one_reader_of_unknown_abilities_makes_it_cbc_for_all() {
    let carol = Person::with("carol@example.org", KeyKind::P256, KeyKind::P256, None);
    let bob = Person::new("bob@example.org");
    let object = sealed(b"x", &[accepted(&bob), accepted(&carol)], None);
    for reader in [&bob, &carol] {
        let (_, status) = opened(&object, reader, &Knowledge::default(), false).unwrap();
        assert!(status.reasons.contains(&Reason::NoIntegrity));
        assert!(!status.encrypted.unwrap().integrity);
    }
}

#[test]
fn somebody_else_is_told_whom_it_is_for() {
    let (alice, bob) = (Person::new("alice@example.org"), Person::new("bob@example.org"));
    let object = sealed(b"x", &[accepted(&bob)], None);
    let error = opened(&object, &alice, &Knowledge::default(), false).unwrap_err();
    assert_eq!(error.word(), "not-for-us");
    assert_eq!(error.recipients().len(), 1);
}

#[test]
fn a_detached_signature_holds_for_its_content_only() {
    let alice = Person::new("alice@example.org");
    let mut signature = Vec::new();
    sign(&mut Cursor::new(b"content"), &alice.signer(), true, NOW, &mut signature).unwrap();
    let knowledge = knowing(&alice);
    let context = Context { keys: &alice.keys, knowledge: &knowledge, at: NOW, spools: &MemorySpools };
    for (content, verdict) in [(&b"content"[..], Verdict::Verified), (b"Content", Verdict::Invalid)] {
        let mut content = Cursor::new(content);
        let status =
            verify(&mut Cursor::new(&signature), Some(&mut content), &context, &mut io::sink()).unwrap();
        assert_eq!(status.verdict, verdict);
    }
}
