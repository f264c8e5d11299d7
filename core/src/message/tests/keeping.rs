//! What is kept: mail without its encryption, and mail for other readers.

use super::*;
use crate::cms::{self, ContentType, KeyTransport, OpenOptions};
use crate::message::{Opening, RewrapError, RewrapRequest, Rewrapped, content_digest, rewrap, unseal};

fn opened(mail: &str, reader: &Person) -> Result<String, ReadError> {
    let options = OpenOptions::default();
    let opening = Opening { keys: &reader.keys, options: &options, spools: &MemorySpools };
    let mut output = Vec::new();
    unseal(&mut Cursor::new(mail), &opening, &mut SystemRandom, &mut output)?;
    Ok(String::from_utf8(output).unwrap())
}

/// An entity sealed for bob as other programs do it, in a mail with these header fields.
fn sealed_entity(fields: &str, entity: &str, reader: &Person) -> String {
    let recipient = cms::Recipient::Certificate {
        certificate: reader.encryption.clone(),
        transport: KeyTransport::usual_for(reader.encryption.public_key().algorithm()).unwrap(),
    };
    let mut object = Vec::new();
    let (cipher, kind) = (crate::algorithm::ContentEncryption::Aes256Cbc, ContentType::Data);
    cms::seal(&mut entity.as_bytes(), None, &kind, &[recipient], cipher, &mut SystemRandom, &mut object)
        .unwrap();
    let body = base64_simd::STANDARD.encode_to_string(&object);
    format!(
        "{fields}MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\
         Content-Transfer-Encoding: base64\n\n{body}\n"
    )
}

fn text(mail: Vec<u8>) -> String {
    String::from_utf8(mail).unwrap()
}

#[test]
fn a_signed_layer_keeps_its_bytes_and_stays_verified_and_the_subject_is_readable() {
    let (alice, bob) = (alice(), bob());
    let mail = format!("X-Status: RO\r\nReceived: by mx\r\n{}", text(sent(MAIL, &alice, &bob)));
    assert!(mail.contains("Subject: [...]\r\n"));
    let plain = opened(&mail, &bob).unwrap();
    assert!(plain.starts_with("X-Status: RO\r\nReceived: by mx\r\n"), "{plain}");
    assert_eq!(plain.matches("\nSubject: Lunch at noon\r\n").count(), 3, "outside, signed, for old programs");
    assert!(!plain.split("\r\n\r\n").next().unwrap().contains("[...]"));
    let status = verified(plain.as_bytes(), &pinning(&alice));
    assert_eq!((status.verdict, status.reasons), (Verdict::Verified, vec![Reason::Pinned]));
    let (decrypted, _) = read(mail.as_bytes(), &bob, &pinning(&alice), true).unwrap();
    let signed = |mail: &str| mail[mail.find("multipart/signed").unwrap()..].to_owned();
    assert_eq!(signed(&plain), signed(&decrypted));
}

#[test]
fn an_opaque_signature_is_looked_into_for_the_subject_as_well() {
    let (alice, bob) = (alice(), bob());
    let recipients = [recipient(&bob, false)];
    let signer = alice.signer();
    let request = EncryptRequest { form: SignatureForm::Opaque, ..request(&recipients, Some(&signer)) };
    let mail = text(sealed(MAIL, &request).remove(0).1);
    let plain = opened(&mail, &bob).unwrap();
    assert!(plain.contains("\r\nSubject: Lunch at noon\r\n") && !plain.contains("[...]"));
    assert_eq!(verified(plain.as_bytes(), &pinning(&alice)).verdict, Verdict::Verified);
}

#[test]
fn fields_inside_count_only_where_they_are_protected() {
    let bob = bob();
    let outer = "From: alice@example.org\nSubject: outside\nX-Label: old\n";
    let entity = "From: mallory@example.org\r\nSubject: inside\r\nX-Inner: 1\r\nContent-Type: text/plain\r\n\r\nHello\r\n";
    let plain = opened(&sealed_entity(outer, entity, &bob), &bob).unwrap();
    assert_eq!(
        plain,
        format!("{outer}MIME-Version: 1.0\nX-Inner: 1\r\nContent-Type: text/plain\r\n\r\nHello\r\n")
    );
    let protected = entity.replace("text/plain", "text/plain; hp=\"cipher\"");
    let plain = opened(&sealed_entity(outer, &protected, &bob), &bob).unwrap();
    assert_eq!(plain, format!("X-Label: old\nMIME-Version: 1.0\n{protected}"));
}

#[test]
fn what_is_not_encrypted_is_said_to_be_so_and_a_nested_part_is_named() {
    let (alice, bob) = (alice(), bob());
    let signed = text(sign_as(&alice, MAIL, SignatureForm::Opaque));
    for mail in [MAIL, &signed, "", "Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nx\n"] {
        let outcome = opened(mail, &bob);
        assert!(matches!(outcome, Err(ReadError::NotEncrypted { nested: false })), "{outcome:?}");
    }
    let part = sealed_entity("", "\r\nx\r\n", &bob);
    let listed = format!(
        "From: alice@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n{part}\n--b\n\nfooter\n--b--\n"
    );
    assert!(matches!(opened(&listed, &bob), Err(ReadError::NotEncrypted { nested: true })));
    let garbage = "Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\nAAAA\n";
    assert!(matches!(opened(garbage, &bob), Err(ReadError::Open(_))));
}

#[test]
fn encryption_is_found_behind_signatures_and_behind_encryption() {
    let (alice, bob) = (alice(), bob());
    let inner = sealed_entity("", "Content-Type: text/plain\r\n\r\nHello\r\n", &bob);
    for form in [SignatureForm::Opaque, SignatureForm::Detached] {
        let mail = format!("From: alice@example.org\r\n{inner}");
        let signed = text(sign_as(&alice, &mail, form));
        assert!(opened(&signed, &bob).unwrap().ends_with("\r\n\r\nHello\r\n"), "{form:?}");
    }
    let twice = sealed_entity("From: alice@example.org\n", &inner, &bob);
    assert!(opened(&twice, &bob).unwrap().ends_with("\r\n\r\nHello\r\n"));
    let carol = Person::new("carol@example.org");
    let for_carol = sealed_entity("", "Content-Type: text/plain\r\n\r\nHello\r\n", &carol);
    let twice = opened(&sealed_entity("From: alice@example.org\n", &for_carol, &bob), &bob).unwrap();
    assert!(twice.contains("pkcs7-mime") && opened(&twice, &carol).is_ok());
}

fn rewrapped(mail: &str, reader: &Person, to: &[Accepted]) -> Result<(Rewrapped, String), RewrapError> {
    let options = OpenOptions::default();
    let opening = Opening { keys: &reader.keys, options: &options, spools: &MemorySpools };
    let request = RewrapRequest { recipients: to, key_transport: None, reseal: None };
    let mut output = Vec::new();
    let done = rewrap(&mut Cursor::new(mail), &request, &opening, &mut SystemRandom, &mut output)?;
    Ok((done, text(output)))
}

#[test]
fn a_mail_for_another_reader_says_the_same_and_is_signed_by_the_same() {
    let (alice, bob, carol) = (alice(), bob(), Person::new("carol@example.org"));
    let mail = text(sent(MAIL, &alice, &bob));
    let (done, output) = rewrapped(&mail, &bob, &[accepted(&carol)]).unwrap();
    let Rewrapped::Replaced(change) = done else { panic!("{done:?}") };
    let body = |mail: &str| mail.find("\r\n\r\n").unwrap();
    assert_eq!(output[..body(&output)], mail[..body(&mail)]);
    assert!(read(output.as_bytes(), &bob, &pinning(&alice), false).is_err());
    let (kept, _) = read(output.as_bytes(), &carol, &pinning(&alice), true).unwrap();
    assert_eq!(kept, read(mail.as_bytes(), &bob, &pinning(&alice), true).unwrap().0);
    let options = OpenOptions::default();
    let opening = Opening { keys: &carol.keys, options: &options, spools: &MemorySpools };
    let digest = content_digest(&mut Cursor::new(&output), &opening, &mut SystemRandom).unwrap();
    assert_eq!(digest, change.digest);
    let (again, nothing) = rewrapped(&output, &carol, &[accepted(&carol)]).unwrap();
    assert!(matches!(again, Rewrapped::Already) && nothing.is_empty());
}

#[test]
fn line_ends_and_encodings_of_the_mail_stay() {
    let (bob, carol) = (bob(), Person::new("carol@example.org"));
    let mail = sealed_entity("From: alice@example.org\n", "\r\nHello\r\n", &bob);
    let (_, output) = rewrapped(&mail, &bob, &[accepted(&carol)]).unwrap();
    assert!(!output.contains('\r') && output.lines().all(|line| line.len() <= 76));
    assert!(opened(&output, &carol).unwrap().ends_with("Hello\r\n"));
    let quoted = mail.replace("Encoding: base64", "Encoding: quoted-printable");
    assert!(matches!(rewrapped(&quoted, &bob, &[accepted(&carol)]), Err(RewrapError::Encoding)));
}

#[test]
fn a_signature_around_the_encryption_is_not_broken() {
    let (alice, bob) = (alice(), bob());
    let mail = sealed_entity("From: alice@example.org\n", "\r\nHello\r\n", &bob);
    let signed = text(sign_as(&alice, &mail, SignatureForm::Detached));
    assert!(matches!(rewrapped(&signed, &bob, &[accepted(&alice)]), Err(RewrapError::SignedOutside)));
    let unsealed = rewrapped(MAIL, &bob, &[accepted(&alice)]);
    assert!(matches!(unsealed, Err(RewrapError::Read(ReadError::NotEncrypted { .. }))));
}
