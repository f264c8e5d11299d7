//! How the author of a mail asks for encryption within the mail: for programs that pass nothing else.
//!
//! Both ways only ever ask for more. Whatever is written there, nothing turns encryption off.

use crate::mail::{HeaderField, encode_words, write_field};

/// The word of a Subject that asks for encryption.
const TAG: &str = "[encrypt]";
/// The field that asks for it, whatever it says.
const FIELD: &str = "X-Counterseal-Encrypt";

/// Whether a field asks for encryption.
pub(super) fn asks(field: &HeaderField<'_>) -> bool {
    field.is(FIELD) || (field.is("Subject") && position(&field.text()).is_some())
}

/// The field without what asks: the reader has no use for it. Nothing where the whole field goes.
/// A Subject that cannot be written anew stays, because asking is more than tidiness.
pub(super) fn without(field: &HeaderField<'_>) -> Option<Vec<u8>> {
    if field.is(FIELD) {
        return None;
    }
    let mut subject = field.text();
    while let Some(at) = position(&subject) {
        subject.replace_range(at..at + TAG.len(), "");
    }
    let words: Vec<&str> = subject.split_whitespace().collect();
    let written = write_field(field.name(), &encode_words(&words.join(" ")));
    Some(written.unwrap_or_else(|_| field.raw().to_vec()))
}

/// Where the tag stands, in whatever letter case.
fn position(subject: &str) -> Option<usize> {
    subject.to_ascii_lowercase().find(TAG)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::mail::HeaderSection;

    fn tidied(header: &str) -> Option<Option<String>> {
        let section = HeaderSection::read(header.as_bytes()).unwrap();
        let field = section.fields().next().unwrap();
        asks(&field).then(|| without(&field).map(|raw| String::from_utf8(raw).unwrap()))
    }

    #[test]
    fn a_tag_is_found_in_every_form_and_goes() {
        for (subject, left) in [
            ("[encrypt] plans", "Subject: plans\r\n"),
            ("Re: [ENCRYPT] plans", "Subject: Re: plans\r\n"),
            ("plans [Encrypt][encrypt]", "Subject: plans\r\n"),
            ("=?utf-8?q?=5Bencrypt=5D_caf=C3=A9?=", "Subject: =?utf-8?q?caf=C3=A9?=\r\n"),
            ("[encrypt]", "Subject:\r\n"),
        ] {
            let found = tidied(&format!("Subject: {subject}\r\n\r\n")).unwrap().unwrap();
            let readable =
                |raw: &str| HeaderSection::read(raw.as_bytes()).unwrap().fields().next().unwrap().text();
            assert_eq!(readable(&found), readable(left), "{subject}");
        }
        assert_eq!(tidied("Subject: encrypt [this]\r\n\r\n"), None);
        assert_eq!(tidied("Comments: [encrypt]\r\n\r\n"), None);
    }

    #[test]
    fn the_field_asks_whatever_it_says() {
        for value in ["yes", "no", "", "0", "?"] {
            assert_eq!(tidied(&format!("x-counterseal-encrypt: {value}\r\n\r\n")), Some(None));
        }
    }
}
