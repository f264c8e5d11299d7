//! The messages of RFC 9788, appendix C: payloads as they are after decryption and verification,
//! and the mails that they came in.

use std::path::Path;

use counterseal_core::mail::protected::{
    HeaderConfidentiality, HeaderProtection, Protection, Reference, protect, render,
};
use counterseal_core::mail::{HeaderSection, Part, Wrapping, cms_part};

/// Each message with its protection and the Subject that it is to be shown with.
const MESSAGES: [(&str, HeaderProtection); 10] = [
    ("smime-one-part", HeaderProtection::None),
    ("smime-one-part-complex", HeaderProtection::None),
    ("smime-one-part-hp", HeaderProtection::Clear),
    ("smime-multipart", HeaderProtection::None),
    ("smime-multipart-complex", HeaderProtection::None),
    ("smime-multipart-hp", HeaderProtection::Clear),
    ("smime-signed-enc", HeaderProtection::None),
    ("smime-signed-enc-complex", HeaderProtection::None),
    ("smime-signed-enc-hp-baseline", HeaderProtection::Cipher),
    ("smime-signed-enc-hp-baseline-legacy", HeaderProtection::Cipher),
];

fn read(folder: &Path, name: &str, ending: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

#[test]
fn every_message_is_shown_as_the_rfc_says() {
    let Some(folder) = super::folder("rfc9788") else { return };
    for (name, protection) in MESSAGES {
        let mail = read(&folder, name, "eml");
        let outer = HeaderSection::read(&mail).unwrap();
        let rendered = render(&outer, &read(&folder, name, "payload")).unwrap();
        assert_eq!(rendered.protection, protection, "{name}");
        assert!(!rendered.is_altered(), "{name}");
        // Without header protection every field outside is anybody's.
        assert_eq!(rendered.unprotected.is_empty(), protection != HeaderProtection::None, "{name}");
        assert_eq!(rendered.author.unwrap().address.to_string(), "alice@smime.example");
        let shown = Part::read(&rendered.mail).unwrap();
        assert_eq!(shown.headers().first("Subject").unwrap().text(), name);
        let text = String::from_utf8(rendered.mail.clone()).unwrap();
        assert!(!text.contains("HP-Outer") && !text.contains("hp="), "{name}");
        // No message of the RFC starts its own text with its Subject.
        assert!(!text.contains("\r\n\r\nSubject:") && text.contains(&format!("\r\n{name}\r\n")), "{name}");
    }
}

#[test]
fn every_message_has_the_wrapping_of_its_name() {
    let Some(folder) = super::folder("rfc9788") else { return };
    for (name, _) in MESSAGES {
        let mail = read(&folder, name, "eml");
        let found = cms_part(&mut std::io::Cursor::new(&mail)).unwrap();
        assert!(found.defects.is_empty(), "{name}");
        match found.wrapping {
            Wrapping::Signed(parts) => {
                let range = parts.content.start as usize..parts.content.end as usize;
                assert_eq!(
                    mail[range].trim_ascii_end(),
                    read(&folder, name, "payload").trim_ascii_end(),
                    "{name}"
                );
                assert!(name.starts_with("smime-multipart"));
            }
            Wrapping::Cms(body) => {
                let kind = if name.contains("enc") { "enveloped-data" } else { "signed-data" };
                assert_eq!(body.smime_type.as_deref(), Some(kind), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// What we compose of the same mail has the same fields as the payload of the RFC.
#[test]
fn the_baseline_is_composed_as_the_rfc_does() {
    let Some(folder) = super::folder("rfc9788") else { return };
    for (name, legacy_display) in
        [("smime-signed-enc-hp-baseline", false), ("smime-signed-enc-hp-baseline-legacy", true)]
    {
        let mail = read(&folder, name, "eml");
        let theirs = read(&folder, name, "payload");
        let plain = render(&HeaderSection::read(&mail).unwrap(), &theirs).unwrap().mail;
        let protection = Protection::Encrypted {
            confidentiality: HeaderConfidentiality::Baseline,
            legacy_display,
            reference: Reference::default(),
        };
        let ours = protect(&plain, &protection).unwrap();
        let payload = ours.payload.into_bytes();
        let fields = |bytes: &[u8]| {
            let section = HeaderSection::read(bytes).unwrap();
            let text = |field: counterseal_core::mail::HeaderField<'_>| {
                format!("{}: {}", field.name(), field.text())
            };
            let mut fields: Vec<String> = section
                .fields()
                .filter(|field| !field.is("MIME-Version") && !field.name().starts_with("Content-"))
                .map(text)
                .collect();
            fields.sort();
            fields
        };
        assert_eq!(fields(&payload), fields(&theirs), "{name}");
        assert_eq!(fields(&[ours.outer.as_slice(), b"\r\n"].concat()), fields(&mail), "{name}");
        let body = |bytes: &[u8]| Part::read(bytes).unwrap().text().unwrap();
        assert_eq!(body(&payload).trim_end(), body(&theirs).trim_end(), "{name}");
    }
}
