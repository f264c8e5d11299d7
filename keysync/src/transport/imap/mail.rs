//! An object as a mail, and the object in it.

use counterseal_core::time::Time;
use data_encoding::{BASE64, Specification};

use super::super::ObjectName;
use crate::limits;

/// Base64 lines of a mail (RFC 2045, section 6.8).
const LINE: usize = 76;

/// The mail that holds an object.
pub(super) fn write(object: &[u8], name: &ObjectName, box_name: &str, now: Time) -> String {
    let mut mail = format!(
        "From: KeySync <keysync@keysync.invalid>\r\nDate: {}\r\nSubject: Keys of your devices: please leave this here\r\n\
         Message-ID: <{name}.{box_name}@keysync.invalid>\r\nMIME-Version: 1.0\r\n\
         Content-Type: application/vnd.counterseal-keysync\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"keysync.p7m\"\r\n\r\n",
        date(now)
    );
    let encoded = BASE64.encode(object);
    for line in encoded.as_bytes().chunks(LINE) {
        mail.push_str(&String::from_utf8_lossy(line));
        mail.push_str("\r\n");
    }
    mail
}

/// The moment as mail writes it (RFC 5322, section 3.3), without the name of the day.
fn date(now: Time) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = now.to_rfc3339();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{} {} {} {} +0000", part(8, 10), month.unwrap_or(&"Jan"), part(0, 4), part(11, 19))
}

/// The object that a mail of this box says it holds, from its Message-ID field.
#[must_use]
pub fn name_in_header(header: &[u8], box_name: &str) -> Option<ObjectName> {
    let header = std::str::from_utf8(header.get(..header.len().min(limits::IMAP_HEADER_BYTES))?).ok()?;
    let (field, value) = header.split_once(':')?;
    if !field.trim().eq_ignore_ascii_case("message-id") {
        return None;
    }
    let id = value.trim().strip_prefix('<')?.strip_suffix('>')?;
    let (name, rest) = id.split_once('.')?;
    (rest.strip_suffix("@keysync.invalid")? == box_name).then(|| ObjectName::from_hexadecimal(name))?
}

/// The object in the body of a mail: base64, with line ends wherever the server put them.
#[must_use]
pub fn object_in_body(body: &[u8]) -> Option<Vec<u8>> {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    specification.padding = Some('=');
    specification.ignore.push_str("\r\n");
    let object = specification.encoding().ok()?.decode(body).ok()?;
    (object.len() <= limits::OBJECT_BYTES).then_some(object)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BOX: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn an_object_is_found_again_in_its_mail() {
        let object: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        let name = ObjectName::of(&object);
        let mail = write(&object, &name, BOX, Time::from_unix_seconds(1_795_000_000));
        assert!(mail.contains("Date: 18 Nov 2026 "), "{}", &mail[..200]);
        assert!(mail.lines().all(|line| line.len() <= 200));
        let (header, body) = mail.split_once("\r\n\r\n").unwrap();
        let field = header.lines().find(|line| line.starts_with("Message-ID")).unwrap();
        assert_eq!(name_in_header(format!("{field}\r\n\r\n").as_bytes(), BOX), Some(name));
        assert_eq!(object_in_body(body.as_bytes()).unwrap(), object);
    }

    #[test]
    fn other_mails_hold_nothing() {
        let name = ObjectName::of(b"x");
        for header in [
            String::new(),
            "Message-ID: <x@example.org>".into(),
            format!("Message-ID: <{name}.{BOX}@example.org>"),
            format!("Message-ID: <{name}.0{BOX}@keysync.invalid>"),
            format!("Message-ID: <x{name}.{BOX}@keysync.invalid>"),
            format!("In-Reply-To: <{name}.{BOX}@keysync.invalid>"),
            format!("Message-ID: {name}.{BOX}@keysync.invalid"),
        ] {
            assert_eq!(name_in_header(header.as_bytes(), BOX), None, "{header}");
        }
        for body in [&b"hello, world"[..], b"AAA", b"\xff\xff\xff\xff"] {
            assert_eq!(object_in_body(body), None);
        }
    }
}
