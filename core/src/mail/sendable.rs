//! What is signed is what arrives: a mail brought into a form that no transport changes.

use super::entity::Entity;
use super::{MailError, Part};

/// Brings a MIME entity into the form in which it is signed (RFC 8551, section 3.1): canonical
/// line ends, 7bit, no line over 998 characters. White space at line ends and lines that start
/// with `From ` are encoded too, because gateways change them and a signature would break.
///
/// # Errors
/// [`MailError`] where the mail passes a limit, where a part cannot be decoded, and where bytes
/// that somebody signed would have to be changed.
pub fn sendable(entity: &[u8]) -> Result<Vec<u8>, MailError> {
    let part = Part::read(entity)?;
    Ok(Entity::sendable(&part)?.into_pieces()?.into_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::limits::LINE_BYTES;
    use crate::mail::entity::{Passage, passage};
    use proptest::prelude::*;

    fn text(entity: &str) -> String {
        String::from_utf8(sendable(entity.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_safe_already_only_gets_its_line_ends() {
        let mail = "Subject: x\nContent-Type: multipart/mixed; boundary=a\n\npreamble\n--a\n\nHello\n\n--a\n\
            Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBO\n--a--\nepilogue\n";
        let canonical = mail.replace('\n', "\r\n");
        assert_eq!(text(mail), canonical);
        assert_eq!(text(&canonical), canonical);
    }

    #[test]
    fn text_beyond_ascii_becomes_quoted_printable() {
        let mail = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nCafé au lait\n-- \nAlice\n";
        assert_eq!(
            text(mail),
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
             Caf=C3=A9 au lait\r\n--=20\r\nAlice\r\n"
        );
    }

    #[test]
    fn text_of_other_scripts_becomes_base64() {
        let mail = "Content-Type: text/plain; charset=utf-8\n\nПривет\n";
        let sent = text(mail);
        assert!(sent.contains("Content-Transfer-Encoding: base64\r\n"));
        assert_eq!(Part::read(sent.as_bytes()).unwrap().text().unwrap(), "Привет\r\n");
    }

    #[test]
    fn text_without_a_type_gets_the_true_one() {
        assert!(text("Subject: x\n\ncafé\n").contains("Content-Type: text/plain; charset=\"utf-8\"\r\n"));
        let latin = sendable(b"Subject: x\n\ncaf\xe9\n").unwrap();
        assert!(String::from_utf8(latin).unwrap().contains("charset=\"unknown-8bit\""));
    }

    #[test]
    fn long_lines_and_binaries_are_encoded() {
        let long = "word ".repeat(400);
        let sent = text(&format!("Content-Type: text/plain\n\n{long}"));
        assert!(sent.lines().all(|line| line.len() <= LINE_BYTES));
        assert_eq!(Part::read(sent.as_bytes()).unwrap().text().unwrap(), long);
        let binary = b"Content-Type: application/x\nContent-Transfer-Encoding: binary\n\n\0\r\xff\n";
        let sent = sendable(binary).unwrap();
        assert_eq!(Part::read(&sent).unwrap().decoded().unwrap(), b"\0\r\xff\n");
    }

    #[test]
    fn carried_messages_are_made_safe_too() {
        let mail = "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n\
            Subject: café\nContent-Type: text/plain; charset=utf-8\n\nFrom café\n";
        let sent = text(mail);
        assert_eq!(passage(sent.as_bytes()), Passage::Canonical);
        let root = Part::read(sent.as_bytes()).unwrap();
        let inner = &root.children()[0];
        assert_eq!(inner.headers().first("Subject").unwrap().text(), "café");
        assert_eq!(inner.text().unwrap(), "From café\r\n");
    }

    #[test]
    fn a_signed_part_is_never_changed() {
        let signed = |text: &str| {
            format!("Content-Type: multipart/signed; boundary=a\n\n--a\n\n{text}\n--a\n\nsignature\n--a--\n")
        };
        assert!(text(&signed("From here \n-- ")).contains("From here \r\n-- \r\n"));
        assert_eq!(sendable(signed("café").as_bytes()), Err(MailError::PartNotSendable));
    }

    #[test]
    fn a_part_that_cannot_be_decoded_is_not_sent() {
        let mail = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n**é**\n";
        assert!(matches!(sendable(mail.as_bytes()), Err(MailError::Transfer(_))));
    }

    proptest! {
        #[test]
        fn the_content_stays_and_the_form_is_safe(
            text in "[ \tFrom.é\r\n=-]{0,60}",
            media_type in prop::sample::select(vec!["text/plain; charset=utf-8", "application/x"]),
            encoding in prop::sample::select(vec!["7bit", "8bit", "binary"]),
        ) {
            let mail = format!(
                "Content-Type: {media_type}\nContent-Transfer-Encoding: {encoding}\n\n{text}"
            );
            let sent = sendable(mail.as_bytes()).unwrap();
            prop_assert_eq!(passage(&sent), Passage::Canonical);
            prop_assert_eq!(&sendable(&sent).unwrap(), &sent);
            let lines = |text: &[u8]| String::from_utf8_lossy(text).replace("\r\n", "\n");
            let arrived = Part::read(&sent).unwrap().decoded().unwrap();
            prop_assert_eq!(lines(&arrived), lines(text.as_bytes()));
        }
    }
}
