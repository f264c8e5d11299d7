#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(test)]
mod keeping;
#[cfg(test)]
mod reading;

use std::io::Cursor;

use super::*;
use crate::cms::{Capabilities, RecipientKind};
use crate::mail::protected::{HeaderConfidentiality, Reference};
use crate::policy::{self, Accepted};
use crate::ports::MemorySpools;
use crate::testing::{NOW, Person, SystemRandom};
use crate::trust::evidence::{Comparison, Correspondence};
use crate::trust::{KnownKey, Pin};
use crate::x509::KeyKind;

const MAIL: &str = "From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Lunch at noon\r\n\
    Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nCafé at noon?\r\n";

fn alice() -> Person {
    Person::new("alice@example.org")
}

fn bob() -> Person {
    Person::new("bob@example.org")
}

fn pinning(person: &Person) -> Knowledge {
    let pin =
        Pin { address: person.address.clone(), fingerprint: person.fingerprint(), how: Comparison::InPerson };
    Knowledge { pins: vec![pin], ..Knowledge::default() }
}

fn accepted(reader: &Person) -> Accepted {
    policy::accept_given(&reader.encryption, Some(&reader.address), &Knowledge::default(), NOW).unwrap()
}

fn recipient(reader: &Person, blind: bool) -> Recipient {
    Recipient { address: reader.address.clone(), accepted: accepted(reader), blind }
}

fn request<'r>(recipients: &'r [Recipient], signer: Option<&'r Signer<'r>>) -> EncryptRequest<'r> {
    EncryptRequest {
        recipients,
        signer,
        form: SignatureForm::Detached,
        own: None,
        cipher: None,
        key_transport: None,
        single_copy: false,
        hide_recipients: false,
        confidentiality: HeaderConfidentiality::Baseline,
        reference: Reference::default(),
        at: NOW,
    }
}

/// Each copy as it was planned and as it was written.
fn sealed(mail: &str, request: &EncryptRequest<'_>) -> Vec<(OutgoingCopy, Vec<u8>)> {
    let outgoing = encrypt(mail.as_bytes(), request, &mut SystemRandom).unwrap();
    let written = |copy: &OutgoingCopy| {
        let mut mail = Vec::new();
        outgoing.write(copy, &mut SystemRandom, &mut mail).unwrap();
        (copy.clone(), mail)
    };
    outgoing.copies().iter().map(written).collect()
}

fn sent(mail: &str, from: &Person, to: &Person) -> Vec<u8> {
    let recipients = [recipient(to, false)];
    let signer = from.signer();
    let mut copies = sealed(mail, &request(&recipients, Some(&signer)));
    assert_eq!(copies.len(), 1);
    copies.remove(0).1
}

fn read(
    mail: &[u8],
    reader: &Person,
    knowledge: &Knowledge,
    keep_signature: bool,
) -> Result<(String, Status), ReadError> {
    let context = Context { keys: &reader.keys, knowledge, at: NOW, spools: &MemorySpools };
    let options = ReadOptions { keep_signature, ..ReadOptions::default() };
    let mut output = Vec::new();
    let readable = decrypt(&mut Cursor::new(mail), &context, &mut SystemRandom, &options, &mut output)?;
    Ok((String::from_utf8(output).unwrap(), readable.status))
}

fn verified(mail: &[u8], knowledge: &Knowledge) -> Status {
    let nobody = crate::ports::NoSecretKeys;
    let context = Context { keys: &nobody, knowledge, at: NOW, spools: &MemorySpools };
    let mut output = Vec::new();
    let options = ReadOptions::default();
    verify(&mut Cursor::new(mail), &context, &mut SystemRandom, &options, &mut output).unwrap().status
}

#[test]
fn what_alice_writes_bob_reads_and_knows_that_it_is_from_alice() {
    let (alice, bob) = (alice(), bob());
    let mail = sent(MAIL, &alice, &bob);
    let outside = String::from_utf8_lossy(&mail);
    assert!(outside.contains("Subject: [...]\r\n") && !outside.contains("Lunch"));
    assert!(outside.contains("To: bob@example.org\r\n"));
    assert!(outside.contains("application/pkcs7-mime; name"), "no smime-type with GCM");
    let (text, status) = read(&mail, &bob, &pinning(&alice), false).unwrap();
    assert!(text.contains("Subject: Lunch at noon\r\n"), "{text}");
    assert!(text.contains("Caf=C3=A9 at noon?") && !text.contains("[...]") && !text.contains("pkcs7"));
    assert_eq!(status.verdict, Verdict::Verified, "{status:?}");
    assert_eq!(status.reasons, [Reason::Pinned]);
    assert_eq!(status.address.as_ref(), Some(&alice.address));
    assert!(status.encrypted.unwrap().integrity);
}

#[test]
fn without_any_evidence_the_same_mail_is_unverified_and_with_an_imported_key_signed() {
    let (alice, bob) = (alice(), bob());
    let mail = sent(MAIL, &alice, &bob);
    let verdict = |knowledge: &Knowledge| read(&mail, &bob, knowledge, false).unwrap().1.verdict;
    assert_eq!(verdict(&Knowledge::default()), Verdict::Unverified);
    let known = KnownKey {
        address: alice.address.clone(),
        fingerprint: alice.signing.fingerprint(),
        history: Correspondence::first_mail(NOW),
    };
    assert_eq!(verdict(&Knowledge { known: vec![known], ..Knowledge::default() }), Verdict::Signed);
}

#[test]
fn a_certificate_out_of_its_time_is_named_for_what_it_is() {
    let alice = alice();
    let (mail, knowledge) = (sign_as(&alice, MAIL, SignatureForm::Detached), pinning(&alice));
    for (at, reason) in [(NOW.plus_days(-60), Reason::NotYetValid), (NOW.plus_days(800), Reason::Expired)] {
        let context =
            Context { keys: &crate::ports::NoSecretKeys, knowledge: &knowledge, at, spools: &MemorySpools };
        let options = ReadOptions::default();
        let mut source = Cursor::new(mail.as_slice());
        let read = verify(&mut source, &context, &mut SystemRandom, &options, &mut Vec::new()).unwrap();
        assert_eq!(read.status.verdict, Verdict::Checked, "neither verified nor a conflict");
        let named =
            [Reason::NotYetValid, Reason::Expired].map(|reason| read.status.reasons.contains(&reason));
        assert_eq!(named, [reason == Reason::NotYetValid, reason == Reason::Expired], "{:?}", read.status);
    }
}

#[test]
fn a_key_that_contradicts_a_pin_is_a_conflict() {
    let (alice, bob, mallory) = (alice(), bob(), alice());
    let mail = sent(MAIL, &mallory, &bob);
    let (_, status) = read(&mail, &bob, &pinning(&alice), false).unwrap();
    assert_eq!(status.verdict, Verdict::Conflict);
    assert_eq!(status.reasons, [Reason::PinConflict]);
}

#[test]
fn somebody_elses_signature_is_a_mismatch() {
    let (alice, bob) = (alice(), bob());
    let signed = sign_as(&alice, MAIL, SignatureForm::Detached);
    let forged = String::from_utf8(signed).unwrap().replace("<alice@example.org>", "<carol@example.org>");
    assert_eq!(verified(forged.as_bytes(), &pinning(&alice)).verdict, Verdict::Invalid);
    let outside_only = forged.replacen("<carol@example.org>", "<alice@example.org>", 2).replacen(
        "<alice@example.org>",
        "<carol@example.org>",
        1,
    );
    let status = verified(outside_only.as_bytes(), &pinning(&alice));
    assert_eq!((status.verdict, status.reasons.first()), (Verdict::Mismatch, Some(&Reason::FromDiffers)));
    let refused = sign(
        MAIL.as_bytes(),
        &SignRequest { signer: &bob.signer(), form: SignatureForm::Detached, at: NOW },
        &mut SystemRandom,
    );
    assert!(matches!(refused, Err(WriteError::NotTheSigner { .. })));
}

fn sign_as(person: &Person, mail: &str, form: SignatureForm) -> Vec<u8> {
    let signer = person.signer();
    let request = SignRequest { signer: &signer, form, at: NOW };
    sign(mail.as_bytes(), &request, &mut SystemRandom).unwrap().into_bytes()
}

#[test]
fn both_forms_of_signature_are_verified() {
    let alice = alice();
    for form in [SignatureForm::Detached, SignatureForm::Opaque] {
        let status = verified(&sign_as(&alice, MAIL, form), &pinning(&alice));
        assert_eq!(status.verdict, Verdict::Verified, "{form:?} {:?}", status.reasons);
    }
}

#[test]
fn a_footer_outside_the_signature_is_partial() {
    let alice = alice();
    let signed = String::from_utf8(sign_as(&alice, MAIL, SignatureForm::Detached)).unwrap();
    let with_epilogue = format!("{signed}List footer\r\n");
    let status = verified(with_epilogue.as_bytes(), &pinning(&alice));
    assert_eq!((status.verdict, status.reasons.last()), (Verdict::Checked, Some(&Reason::Partial)));
    let split = signed.find("Content-Type: multipart/signed").unwrap();
    let (fields, entity) = signed.split_at(split);
    let wrapped = format!(
        "{fields}Content-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n{entity}\r\n--list\r\n\r\n\
         You are subscribed.\r\n--list--\r\n"
    );
    let status = verified(wrapped.as_bytes(), &pinning(&alice));
    assert_eq!(status.verdict, Verdict::Checked, "{:?}", status.reasons);
    assert!(status.reasons.contains(&Reason::Partial));
}

#[test]
fn a_forwarded_signed_mail_does_not_sign_its_carrier() {
    let alice = alice();
    let signed = String::from_utf8(sign_as(&alice, MAIL, SignatureForm::Detached)).unwrap();
    let carrier = format!("From: alice@example.org\r\nContent-Type: message/rfc822\r\n\r\n{signed}");
    let status = verified(carrier.as_bytes(), &pinning(&alice));
    assert_eq!(status.verdict, Verdict::Unsigned);
    assert!(status.parts.iter().any(|part| part.verdict == Some(Verdict::Verified)), "{:?}", status.parts);
}

/// A mail with as many signed parts, all under one header section.
fn digest_of(parts: usize) -> Status {
    let signed = sign_as(&alice(), MAIL, SignatureForm::Detached);
    let entity = [b"--d\r\nContent-Type: message/rfc822\r\n\r\n".as_slice(), &signed, b"\r\n"].concat();
    let mut mail = b"From: bob@example.org\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n".to_vec();
    mail.extend(entity.repeat(parts));
    mail.extend_from_slice(b"--d--\r\n");
    verified(&mail, &Knowledge::default())
}

#[test]
fn only_so_many_signed_parts_are_looked_into_and_the_reader_is_told() {
    let (within, beyond) =
        (digest_of(crate::limits::NESTED_OBJECTS), digest_of(crate::limits::NESTED_OBJECTS + 1));
    let judged = |status: &Status| status.parts.iter().filter(|part| part.verdict.is_some()).count();
    assert_eq!(judged(&within), crate::limits::NESTED_OBJECTS);
    assert!(!within.reasons.contains(&Reason::NotSplit));
    assert_eq!(judged(&beyond), crate::limits::NESTED_OBJECTS);
    assert!(beyond.reasons.contains(&Reason::NotSplit));
}

#[test]
fn an_encrypted_part_among_others_is_never_opened() {
    let (alice, bob) = (alice(), bob());
    let mail = String::from_utf8(sent(MAIL, &alice, &bob)).unwrap();
    let split = mail.find("Content-Type: application/pkcs7-mime").unwrap();
    let (fields, entity) = mail.split_at(split);
    let efail = format!(
        "{fields}Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n\
         <img src=\"http://example.org/\r\n--x\r\n{entity}\r\n--x\r\nContent-Type: text/html\r\n\r\n\">\r\n--x--\r\n"
    );
    let error = read(efail.as_bytes(), &bob, &Knowledge::default(), false).unwrap_err();
    assert!(matches!(error, ReadError::NotEncrypted { nested: true }), "{error:?}");
}

#[test]
fn each_bcc_reader_has_a_copy_that_nobody_else_knows_of() {
    let (alice, bob, carol) = (alice(), bob(), Person::new("carol@example.org"));
    let recipients = [recipient(&bob, false), recipient(&carol, true)];
    let signer = alice.signer();
    let own = accepted(&alice);
    let mail = MAIL.replacen("Subject", "Bcc: carol@example.org\r\nSubject", 1);
    let copies = sealed(&mail, &EncryptRequest { own: Some(&own), ..request(&recipients, Some(&signer)) });
    assert_eq!(copies.len(), 2);
    for ((copy, mail), readers) in copies.iter().zip([2, 1]) {
        assert!(!String::from_utf8_lossy(mail).contains("carol@example.org"));
        let reader = if copy.blind { &carol } else { &bob };
        let (text, status) = read(mail, reader, &pinning(&alice), false).unwrap();
        assert!(!text.contains("carol@example.org"));
        assert_eq!(status.encrypted.unwrap().recipients.len(), readers);
    }
}

#[test]
fn readers_of_different_programs_have_different_copies_unless_one_is_asked_for() {
    let rsa = Person::with("bob@example.org", KeyKind::Rsa2048, KeyKind::P256, None);
    let curve = Person::with("carol@example.org", KeyKind::P256, KeyKind::P256, None);
    let quantum = Person::with("dave@example.org", KeyKind::MlKem768, KeyKind::P256, None);
    let ours = Person::new("erin@example.org");
    let recipients = [&rsa, &curve, &quantum, &ours].map(|reader| recipient(reader, false));
    let copies = sealed(MAIL, &request(&recipients, None));
    let kinds: Vec<_> = copies.iter().map(|(copy, _)| copy.cipher.name()).collect();
    assert_eq!(kinds, ["aes-256-cbc", "aes-256-cbc", "aes-256-gcm", "aes-256-gcm"]);
    let single = sealed(MAIL, &EncryptRequest { single_copy: true, ..request(&recipients, None) });
    assert_eq!(single.len(), 1);
    for reader in [&rsa, &curve, &quantum, &ours] {
        let (_, status) = read(&single[0].1, reader, &Knowledge::default(), false).unwrap();
        let encrypted = status.encrypted.unwrap();
        assert_eq!((encrypted.recipients.len(), encrypted.integrity), (4, false));
    }
    let hidden = EncryptRequest { hide_recipients: true, ..request(&recipients, None) };
    assert_eq!(sealed(MAIL, &hidden).len(), 4);
    let capable = Capabilities::ours().to_der();
    let announced =
        [Recipient { accepted: accepted(&rsa).with_capabilities(Some(capable)), ..recipients[0].clone() }];
    let copies = sealed(MAIL, &request(&announced, None));
    let (_, status) = read(&copies[0].1, &rsa, &Knowledge::default(), false).unwrap();
    let encrypted = status.encrypted.unwrap();
    assert!(encrypted.integrity);
    assert_eq!(encrypted.recipients[0].kind, RecipientKind::KeyTransport);
}

#[test]
fn a_kept_signature_is_still_good() {
    let (alice, bob) = (alice(), bob());
    let mail = sent(MAIL, &alice, &bob);
    let (kept, _) = read(&mail, &bob, &pinning(&alice), true).unwrap();
    assert!(kept.contains("multipart/signed"));
    assert_eq!(verified(kept.as_bytes(), &pinning(&alice)).verdict, Verdict::Verified);
}

#[test]
fn a_mail_for_somebody_else_that_was_sealed_anew_is_noticed() {
    let (alice, bob, carol) = (alice(), bob(), Person::new("carol@example.org"));
    let mail = sent(MAIL, &alice, &carol);
    let (_, status) = read(&mail, &carol, &pinning(&alice), false).unwrap();
    assert_eq!(status.verdict, Verdict::Checked);
    assert!(status.reasons.contains(&Reason::NotAddressedToReader));
    let (_, twin) = read(&sent(MAIL, &alice, &bob), &bob, &pinning(&alice), false).unwrap();
    assert_eq!(twin.verdict, Verdict::Verified);
}

#[test]
fn an_old_signature_under_a_new_date_is_noticed() {
    let alice = alice();
    let mail = MAIL.replace("21 Nov", "28 Nov");
    let status = verified(&sign_as(&alice, &mail, SignatureForm::Detached), &pinning(&alice));
    assert_eq!(status.verdict, Verdict::Checked);
    assert!(status.reasons.contains(&Reason::TimeDiffers));
}

#[test]
fn a_plain_mail_is_unsigned_and_not_encrypted() {
    assert_eq!(verified(MAIL.as_bytes(), &Knowledge::default()).verdict, Verdict::Unsigned);
    let error = read(MAIL.as_bytes(), &bob(), &Knowledge::default(), false).unwrap_err();
    assert!(matches!(error, ReadError::NotEncrypted { nested: false }));
}

#[test]
fn line_ends_come_back_as_they_were_in_the_input() {
    let (alice, bob) = (alice(), bob());
    let mail = String::from_utf8(sent(MAIL, &alice, &bob)).unwrap().replace("\r\n", "\n");
    let (text, status) = read(mail.as_bytes(), &bob, &pinning(&alice), false).unwrap();
    assert_eq!(status.verdict, Verdict::Verified);
    assert!(!text.contains('\r'));
}

#[test]
fn several_authors_are_a_mismatch() {
    let alice = alice();
    let signed = String::from_utf8(sign_as(&alice, MAIL, SignatureForm::Detached)).unwrap();
    let doubled = format!("From: mallory@example.org\r\n{signed}");
    let status = verified(doubled.as_bytes(), &pinning(&alice));
    assert_eq!(status.verdict, Verdict::Mismatch, "{:?}", status.reasons);
}
