//! Writing a mail with protected header fields (RFC 9788, section 5).

use super::{HIDDEN_SUBJECT, LEGACY_PARAMETER, OUTER_FIELD, PARAMETER, Reference, legacy_display};
use crate::mail::entity::{Entity, OwnedField};
use crate::mail::field_writer::write_mailbox;
use crate::mail::{
    AddressEntry, Defect, HeaderSection, MailError, Part, Pieces, main_body_parts, parse_address_list,
};

/// Which header fields an encrypted mail hides outside (RFC 9788, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderConfidentiality {
    /// `hcp_baseline`: the Subject says `[...]`, Keywords and Comments are left out; and so is
    /// Thread-Topic, in which Outlook repeats the Subject.
    Baseline,
    /// `hcp_no_confidentiality`: nothing is hidden, all is protected.
    None,
}

/// What the cryptography around a mail will be.
#[derive(Clone, Debug)]
pub enum Protection {
    /// Signed only.
    Signed,
    /// Encrypted, signed or not.
    Encrypted {
        /// Which fields are hidden outside.
        confidentiality: HeaderConfidentiality,
        /// Whether hidden fields are repeated in the text, for programs without header protection.
        legacy_display: bool,
        /// What the mail that is answered kept secret.
        reference: Reference,
    },
}

/// A mail whose header fields moved inside.
#[derive(Clone, Debug)]
pub struct Composed<'m> {
    /// What is to be signed or encrypted: a MIME entity in canonical form, ready to arrive as it
    /// is.
    pub payload: Pieces<'m>,
    /// The fields for outside with MIME-Version, each with its line ends. The fields that describe
    /// the body are to be added: Content-Type and so on.
    pub outer: Vec<u8>,
}

/// Moves the header fields of a mail inside and decides what stays visible outside.
///
/// Bcc fields are in neither half: each blind copy is sealed by itself, and no other reader shall
/// know of it (RFC 9788, section 11.4).
///
/// # Errors
/// [`MailError`] where the mail passes a limit or cannot be written in a form that arrives.
pub fn protect<'m>(mail: &'m [u8], protection: &Protection) -> Result<Composed<'m>, MailError> {
    let part = Part::read(mail)?;
    require_whole_header(part.headers())?;
    let mut entity = Entity::sendable(&part)?;
    let original = std::mem::take(&mut entity.fields);
    let (structural, own): (Vec<_>, Vec<_>) =
        original.into_iter().filter(|field| !is_left_out(field)).partition(OwnedField::is_structural);
    entity.fields = structural.into_iter().filter(|field| !field.is("MIME-Version")).collect();
    let mut outer = Vec::new();
    for field in &own {
        outer.push((field, outside(field, protection)?));
    }
    if let Protection::Encrypted { legacy_display: true, .. } = protection {
        add_legacy_display(&mut entity, &part, &hidden(&part, &outer))?;
    }
    protect_payload(&mut entity, &outer, protection)?;
    let visible = outer.into_iter().filter_map(|(_, outside)| outside).flat_map(|field| field.raw);
    // RFC 2045, section 4: it stands at the top of a mail, and nowhere inside.
    let outer = visible.chain(*b"MIME-Version: 1.0\r\n").collect();
    Ok(Composed { payload: entity.into_pieces()?, outer })
}

fn require_whole_header(headers: &HeaderSection<'_>) -> Result<(), MailError> {
    if headers.defects().contains(&Defect::MalformedHeaderLine) {
        let lines = headers.bytes().iter().filter(|byte| **byte == b'\n').count();
        return Err(MailError::MalformedHeaderLine(lines + 1));
    }
    Ok(())
}

/// Fields that are in neither half: claims about protection that are not ours, and blind copies.
fn is_left_out(field: &OwnedField) -> bool {
    field.is(OUTER_FIELD) || field.is("Bcc") || field.is("Resent-Bcc")
}

/// Adds the fields to the payload, and the record of what went outside.
fn protect_payload(
    entity: &mut Entity<'_>,
    outer: &[(&OwnedField, Option<OwnedField>)],
    protection: &Protection,
) -> Result<(), MailError> {
    let mut fields: Vec<OwnedField> = outer.iter().map(|(field, _)| (*field).clone()).collect();
    let hp = match protection {
        Protection::Signed => "clear",
        Protection::Encrypted { .. } => {
            for outside in outer.iter().filter_map(|(_, outside)| outside.as_ref()) {
                let value = format!("{}: {}", outside.name, outside.value());
                fields.push(OwnedField::with_addresses(OUTER_FIELD, &value)?);
            }
            "cipher"
        }
    };
    entity.fields.splice(0..0, fields);
    entity.set_parameter(PARAMETER, Some(hp))
}

/// The field as it goes outside, or nothing where it does not (RFC 9788, section 3.1).
fn outside(field: &OwnedField, protection: &Protection) -> Result<Option<OwnedField>, MailError> {
    let Protection::Encrypted { confidentiality, reference, .. } = protection else {
        return Ok(Some(field.clone()));
    };
    let baseline = *confidentiality == HeaderConfidentiality::Baseline;
    let hides_subject = baseline || reference.hides_subject();
    if hides_subject && field.is("Subject") {
        return OwnedField::new(&field.name, HIDDEN_SUBJECT).map(Some);
    }
    if hides_subject && field.is("Thread-Topic") || baseline && (field.is("Keywords") || field.is("Comments"))
    {
        return Ok(None);
    }
    if ["To", "Cc", "Reply-To", "Followup-To", "Mail-Followup-To"].iter().any(|name| field.is(name)) {
        return without_hidden_addresses(field, reference);
    }
    if field.is("In-Reply-To") || field.is("References") {
        return without_hidden_message_ids(field, reference);
    }
    Ok(Some(field.clone()))
}

fn without_hidden_addresses(
    field: &OwnedField,
    reference: &Reference,
) -> Result<Option<OwnedField>, MailError> {
    let Ok(entries) = parse_address_list(field.value().as_bytes()) else { return Ok(Some(field.clone())) };
    let mailboxes: Vec<_> = entries
        .into_iter()
        .flat_map(|entry| match entry {
            AddressEntry::Mailbox(mailbox) => vec![mailbox],
            AddressEntry::Group(members) => members,
        })
        .collect();
    let visible: Vec<_> =
        mailboxes.iter().filter(|mailbox| !reference.hides_address(&mailbox.address)).collect();
    if visible.len() == mailboxes.len() {
        return Ok(Some(field.clone()));
    }
    if visible.is_empty() {
        return Ok(None);
    }
    let texts: Vec<String> = visible.into_iter().map(write_mailbox).collect();
    OwnedField::with_addresses(&field.name, &texts.join(", ")).map(Some)
}

fn without_hidden_message_ids(
    field: &OwnedField,
    reference: &Reference,
) -> Result<Option<OwnedField>, MailError> {
    let value = field.value();
    let is_visible = |id: &&str| !reference.hides_message_id(id);
    let visible: Vec<&str> = value.split_ascii_whitespace().filter(is_visible).collect();
    if visible.len() == value.split_ascii_whitespace().count() {
        return Ok(Some(field.clone()));
    }
    if visible.is_empty() { Ok(None) } else { OwnedField::new(&field.name, &visible.join(" ")).map(Some) }
}

/// The fields that readers look at and that are not the same outside, in a reader's words
/// (RFC 9788, section 5.2.1; RFC 9787, section 1.1.2).
fn hidden(part: &Part<'_>, outer: &[(&OwnedField, Option<OwnedField>)]) -> Vec<(String, String)> {
    const USER_FACING: [&str; 8] =
        ["Subject", "From", "To", "Cc", "Date", "Reply-To", "Followup-To", "Sender"];
    let is_hidden = |name: &str| {
        outer.iter().any(|(field, outside)| {
            field.is(name) && outside.as_ref().is_none_or(|outside| outside.raw != field.raw)
        })
    };
    USER_FACING
        .iter()
        .filter(|name| is_hidden(name))
        .flat_map(|name| part.headers().all(name))
        .map(|field| (field.name().to_owned(), field.text()))
        .collect()
}

fn add_legacy_display(
    entity: &mut Entity<'_>,
    part: &Part<'_>,
    hidden: &[(String, String)],
) -> Result<(), MailError> {
    if hidden.is_empty() {
        return Ok(());
    }
    let places = part.walk();
    for body in main_body_parts(part) {
        let path = places.iter().find(|(_, part)| std::ptr::eq(*part, body)).map(|(path, _)| path);
        let Some(text_entity) = path.and_then(|path| entity.at(path)) else { continue };
        match body.content_type().name() {
            "text/plain" => text_entity.put_before(legacy_display::before_plain(hidden), body)?,
            "text/html" => text_entity.set_text(legacy_display::add_to_html(&body.text()?, hidden))?,
            _ => continue,
        }
        text_entity.set_parameter(LEGACY_PARAMETER, Some("1"))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MAIL: &str = "From: Alice <alice@example.org>\nTo: bob@example.org\nCc: Carol <carol@example.org>\n\
        Bcc: dave@example.org\nSubject: Handling the case\nThread-Topic: the case\nKeywords: secret\n\
        Message-ID: <2@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\nHello\n";

    fn encrypted() -> Protection {
        Protection::Encrypted {
            confidentiality: HeaderConfidentiality::Baseline,
            legacy_display: true,
            reference: Reference::default(),
        }
    }

    fn texts(composed: Composed<'_>) -> (String, String) {
        (
            String::from_utf8(composed.payload.into_bytes()).unwrap(),
            String::from_utf8(composed.outer).unwrap(),
        )
    }

    #[test]
    fn a_signed_mail_hides_nothing_and_protects_all() {
        let (payload, outer) = texts(protect(MAIL.as_bytes(), &Protection::Signed).unwrap());
        assert!(
            payload.contains("Subject: Handling the case\r\n")
                && outer.contains("Subject: Handling the case\r\n")
        );
        assert!(
            payload.contains("Content-Type: text/plain; charset=\"us-ascii\"; hp=\"clear\"\r\n\r\nHello\r\n")
        );
        assert!(!payload.contains("HP-Outer"));
        assert!(outer.ends_with("\r\nMIME-Version: 1.0\r\n") && !payload.contains("MIME-Version"));
    }

    #[test]
    fn an_encrypted_mail_hides_its_subject() {
        let (payload, outer) = texts(protect(MAIL.as_bytes(), &encrypted()).unwrap());
        assert!(
            outer.contains("Subject: [...]\r\n") && !outer.contains("case") && !outer.contains("Keywords")
        );
        assert!(payload.contains("\r\nSubject: Handling the case\r\nThread-Topic: the case\r\n"));
        assert!(payload.contains("\r\nHP-Outer: Subject: [...]\r\n"));
        assert!(payload.contains("\r\nHP-Outer: From: Alice <alice@example.org>\r\n"));
        assert!(payload.contains("hp-legacy-display=\"1\"; hp=\"cipher\"\r\n"));
        assert!(payload.ends_with("\r\n\r\nSubject: Handling the case\r\n\r\nHello\r\n"));
    }

    #[test]
    fn an_address_beyond_ascii_is_protected_and_recorded_as_it_is() {
        let mail = MAIL.replace("bob@", "élise@");
        let (payload, outer) = texts(protect(mail.as_bytes(), &encrypted()).unwrap());
        assert!(outer.contains("\r\nTo: élise@example.org\r\n"));
        assert!(payload.contains("\r\nTo: élise@example.org\r\n"));
        assert!(payload.contains("\r\nHP-Outer: To: élise@example.org\r\n"));
        let differences = |outer: &str| {
            let outer = HeaderSection::read(outer.as_bytes()).unwrap();
            crate::mail::protected::render(&outer, payload.as_bytes()).unwrap().differences
        };
        assert_eq!(differences(&outer), []);
        // A server on the way that writes another address there is noticed.
        assert_eq!(differences(&outer.replace("élise", "elise"))[0].outer, "elise@example.org");
    }

    #[test]
    fn blind_copies_are_nowhere() {
        for protection in [Protection::Signed, encrypted()] {
            let (payload, outer) = texts(protect(MAIL.as_bytes(), &protection).unwrap());
            assert!(!payload.contains("dave") && !outer.contains("dave"));
        }
    }

    #[test]
    fn a_subject_that_need_not_be_hidden_is_not_repeated_in_the_text() {
        let open = Protection::Encrypted {
            confidentiality: HeaderConfidentiality::None,
            legacy_display: true,
            reference: Reference::default(),
        };
        let (payload, outer) = texts(protect(MAIL.as_bytes(), &open).unwrap());
        assert!(outer.contains("Subject: Handling the case\r\n") && outer.contains("Keywords: secret\r\n"));
        assert!(
            !payload.contains("hp-legacy-display") && payload.ends_with("hp=\"cipher\"\r\n\r\nHello\r\n")
        );
    }

    #[test]
    fn every_alternative_of_the_text_gets_the_element() {
        let mail = "Subject: café\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\
            Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n\
            <body>html</body>\n--b--\n--a\nContent-Type: text/plain\nContent-Disposition: attachment\n\nlog\n--a--\n";
        let composed = protect(mail.as_bytes(), &encrypted()).unwrap();
        let payload = composed.payload.into_bytes();
        let root = Part::read(&payload).unwrap();
        let bodies: Vec<String> = main_body_parts(&root).iter().map(|part| part.text().unwrap()).collect();
        assert_eq!(bodies[0], "Subject: café\r\n\r\nplain");
        assert!(bodies[1].contains("<pre>Subject: café</pre>"));
        assert_eq!(root.children()[1].body(), b"log");
    }

    #[test]
    fn a_field_behind_a_broken_line_is_not_taken_for_text() {
        let mail = "From: alice@example.org\nSubject x\nBcc: dave@example.org\n\ntext\n";
        for protection in [Protection::Signed, encrypted()] {
            let error = protect(mail.as_bytes(), &protection).unwrap_err();
            assert_eq!(error, MailError::MalformedHeaderLine(2));
        }
        let twin = mail.replace("Subject x", "Subject: x");
        protect(twin.as_bytes(), &Protection::Signed).unwrap();
    }

    #[test]
    fn claims_of_the_input_are_not_kept() {
        let mail = "Subject: x\nHP-Outer: Subject: y\nContent-Type: text/plain; hp=cipher\n\nx\n";
        let (payload, _) = texts(protect(mail.as_bytes(), &Protection::Signed).unwrap());
        assert!(!payload.contains("HP-Outer") && !payload.contains("cipher"));
    }

    #[test]
    fn an_answer_keeps_what_the_question_hid() {
        let question = HeaderSection::read(
            b"Subject: Handling the case\nCc: carol@example.org\nFrom: bob@example.org\nMessage-ID: <1@example.org>\n\
              HP-Outer: Subject: [...]\nHP-Outer: From: bob@example.org\nContent-Type: text/plain; hp=cipher\n\n",
        )
        .unwrap();
        let answer = MAIL.replace(
            "Keywords: secret",
            "In-Reply-To: <1@example.org>\nReferences: <0@example.org> <1@example.org>",
        );
        let protection = Protection::Encrypted {
            confidentiality: HeaderConfidentiality::None,
            legacy_display: false,
            reference: Reference::of(&question),
        };
        let (payload, outer) = texts(protect(answer.as_bytes(), &protection).unwrap());
        assert!(outer.contains("Subject: [...]\r\n"));
        assert!(!outer.contains("carol") && payload.contains("Cc: Carol <carol@example.org>\r\n"));
        assert!(!outer.contains("In-Reply-To") && outer.contains("References: <0@example.org>\r\n"));
    }
}
