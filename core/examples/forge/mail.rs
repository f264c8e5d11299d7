//! The mails around the objects.

use crate::keys::base64;
use crate::people::Person;
use crate::signed::Signed;

pub(crate) const FROM: &str = "From: Alice <alice@example.org>\r\n";
const REST: &str = "To: bob@example.org\r\nSubject: Monday\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\
    Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n";

/// From alice to bob.
pub(crate) fn headers() -> String {
    headers_with(FROM)
}

/// To bob, from whoever the fields say.
pub(crate) fn headers_with(from: &str) -> String {
    format!("{from}{REST}")
}

/// An application/pkcs7-mime entity.
pub(crate) fn object(smime_type: &str, object: &[u8]) -> String {
    let smime_type = if smime_type.is_empty() { String::new() } else { format!("; smime-type={smime_type}") };
    format!(
        "Content-Type: application/pkcs7-mime{smime_type}; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        base64(object, "\r\n")
    )
}

/// A sealed mail from alice to bob.
pub(crate) fn sealed(object_der: &[u8]) -> String {
    headers() + &object("", object_der)
}

/// A mail that is signed opaquely, from alice to bob.
pub(crate) fn opaque(object_der: &[u8]) -> String {
    headers() + &object("signed-data", object_der)
}

/// The last part of a multipart/signed.
pub(crate) fn signature_part(signature: &[u8]) -> String {
    format!(
        "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        base64(signature, "\r\n")
    )
}

/// A multipart/signed entity of a content and a signature.
pub(crate) fn multipart_signed(content: &str, signature: &[u8]) -> String {
    format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; \
         boundary=\"signed\"\r\n\r\n--signed\r\n{content}\r\n--signed\r\n{}\r\n--signed--\r\n",
        signature_part(signature)
    )
}

/// A multipart/signed entity that somebody signed as it should be.
pub(crate) fn signed_by(person: &Person, content: &str) -> String {
    multipart_signed(content, &Signed::good(person, content.as_bytes()).detached().build())
}

/// A container of these parts.
pub(crate) fn container(subtype: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--outer\r\n{part}\r\n")).collect();
    format!("Content-Type: multipart/{subtype}; boundary=\"outer\"\r\n\r\n{parts}--outer--\r\n")
}

/// A part of HTML.
pub(crate) fn html(text: &str) -> String {
    format!("Content-Type: text/html; charset=us-ascii\r\n\r\n{text}")
}
