//! What a mail shows and what it only carries.

use std::collections::BTreeSet;

use super::{Part, TransferError};
use crate::address::is_hidden;
use crate::limits::FILE_NAME_BYTES;

/// A part that is saved rather than shown.
#[derive(Clone, Debug)]
pub struct Attachment<'p, 'a> {
    /// The part.
    pub part: &'p Part<'a>,
    /// A name for its file: one component, visible, and unique among the attachments of the mail.
    pub file_name: String,
}

impl Attachment<'_, '_> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`TransferError`] where the body is malformed.
    pub fn content(&self) -> Result<Vec<u8>, TransferError> {
        // A carried message is kept as it is.
        if self.part.is_container() { Ok(self.part.body().to_vec()) } else { self.part.decoded() }
    }
}

/// The parts of a mail that are saved rather than shown: whatever calls itself an attachment, has
/// a file name, or is neither text nor multipart. Signatures of a multipart/signed are not.
#[must_use]
pub fn attachments<'p, 'a>(root: &'p Part<'a>) -> Vec<Attachment<'p, 'a>> {
    let mut parts = Vec::new();
    collect(root, &mut parts);
    let mut taken = BTreeSet::new();
    parts
        .into_iter()
        .zip(1..)
        .map(|(part, number)| {
            let wanted = part.disposition().file_name.clone().or_else(|| part.content_type().file_name());
            let file_name = unique(&safe_name(wanted.as_deref(), part, number), &mut taken);
            Attachment { part, file_name }
        })
        .collect()
}

fn collect<'p, 'a>(part: &'p Part<'a>, parts: &mut Vec<&'p Part<'a>>) {
    if part.content_type().media_type() == "multipart" {
        let signed = part.content_type().is("multipart/signed");
        for child in part.children() {
            if !(signed && child.content_type().is_application("pkcs7-signature")) {
                collect(child, parts);
            }
        }
    } else if is_attachment(part) {
        parts.push(part);
    }
}

fn is_attachment(part: &Part<'_>) -> bool {
    let is_text = part.content_type().media_type() == "text";
    part.disposition().kind == "attachment"
        || part.disposition().file_name.is_some()
        || part.content_type().file_name().is_some()
        || !is_text
}

/// The text parts that a reader sees, in order: of alternatives the first plain one, otherwise
/// every text that is no attachment. Messages that the mail carries show nothing by themselves.
#[must_use]
pub fn shown_texts<'p, 'a>(root: &'p Part<'a>) -> Vec<&'p Part<'a>> {
    if root.content_type().is("multipart/alternative") {
        let choices: Vec<Vec<&Part<'a>>> = root.children().iter().map(shown_texts).collect();
        let is_plain = |texts: &&Vec<&Part<'a>>| {
            !texts.is_empty() && texts.iter().all(|part| part.content_type().is("text/plain"))
        };
        let plain = choices.iter().find(is_plain).cloned();
        return plain
            .or_else(|| choices.into_iter().rev().find(|texts| !texts.is_empty()))
            .unwrap_or_default();
    }
    if root.content_type().media_type() == "multipart" {
        return root.children().iter().flat_map(shown_texts).collect();
    }
    if is_attachment(root) { Vec::new() } else { vec![root] }
}

/// The parts that a reader takes for the message itself (RFC 9788, section 1.1, "Main Body
/// Part"): every alternative of the first part.
#[must_use]
pub fn main_body_parts<'p, 'a>(root: &'p Part<'a>) -> Vec<&'p Part<'a>> {
    if root.content_type().is("multipart/alternative") {
        return root.children().iter().flat_map(main_body_parts).collect();
    }
    if root.content_type().media_type() == "multipart" {
        return root.children().first().map(main_body_parts).unwrap_or_default();
    }
    if root.content_type().media_type() == "text" && !is_attachment(root) { vec![root] } else { Vec::new() }
}

/// One component that every file system takes: no path, no hidden file, nothing invisible.
fn safe_name(wanted: Option<&str>, part: &Part<'_>, number: usize) -> String {
    let base = wanted.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = base
        .chars()
        .filter(|character| !is_hidden(*character))
        .map(|character| if "<>:\"|?*".contains(character) { '_' } else { character })
        .collect();
    let trimmed = clean.trim_start_matches(['.', ' ', '-']).trim_end_matches(['.', ' ']);
    if trimmed.is_empty() || is_device(trimmed) {
        return format!("attachment-{number}{}", default_ending(part));
    }
    shorten(trimmed)
}

/// Windows opens a device where a file has one of these names, whatever its ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered =
        |prefix: &str| stem.strip_prefix(prefix).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

fn default_ending(part: &Part<'_>) -> &'static str {
    match part.content_type().name() {
        "message/rfc822" | "message/global" => ".eml",
        "text/plain" => ".txt",
        "text/html" => ".html",
        "application/pdf" => ".pdf",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        _ => ".bin",
    }
}

/// Cuts a name at a character, and keeps its ending.
fn shorten(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES {
        return name.to_owned();
    }
    let (stem, ending) = split_ending(name);
    let mut end = FILE_NAME_BYTES - ending.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", stem.get(..end).unwrap_or_default())
}

/// A name and its ending, where that is as short as endings are.
fn split_ending(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if name.len() - dot <= 12 => name.split_at_checked(dot).unwrap_or((name, "")),
        _ => (name, ""),
    }
}

/// Letter case does not tell two names apart: on some systems they are one file.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let (stem, ending) = split_ending(name);
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.to_lowercase()) {
        candidate = format!("{stem}-{number}{ending}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Vec<String> {
        let parts: String = wanted
            .iter()
            .map(|name| {
                format!("--a\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"{name}\"\n\nx\n")
            })
            .collect();
        let mail = format!("Content-Type: multipart/mixed; boundary=a\n\n{parts}--a--\n");
        let root = Part::read(mail.as_bytes()).unwrap();
        attachments(&root).into_iter().map(|attachment| attachment.file_name).collect()
    }

    #[test]
    fn a_good_name_is_kept() {
        assert_eq!(
            names(&["Angebot 2026.pdf", "=?utf-8?q?caf=C3=A9?=.pdf"]),
            ["Angebot 2026.pdf", "café.pdf"]
        );
    }

    #[test]
    fn a_name_is_never_a_path() {
        for (wanted, name) in [
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("C:\\\\Windows\\\\system.ini", "system.ini"),
            ("..", "attachment-1.pdf"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("", "attachment-1.pdf"),
            ("a/", "attachment-1.pdf"),
            ("CON.txt", "attachment-1.pdf"),
            ("com1", "attachment-1.pdf"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a:b*c.pdf", "a_b_c.pdf"),
            ("name. ", "name"),
        ] {
            assert_eq!(names(&[wanted]), [name], "{wanted}");
        }
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(names(&["a.pdf", "A.pdf", "a.pdf"]), ["a.pdf", "A-2.pdf", "a-3.pdf"]);
        let long = format!("{}.pdf", "é".repeat(300));
        assert!(names(&[&long]).iter().all(|name| name.len() <= FILE_NAME_BYTES && name.ends_with("é.pdf")));
    }

    const MAIL: &str = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n\n\
        --b\n\nplain\n--b\nContent-Type: text/html\n\n<p>\n--b--\n--a\nContent-Type: image/png\n\
        Content-Transfer-Encoding: base64\n\niVBO\n--a\nContent-Type: text/plain; name=log.txt\n\nlog\n--a\n\
        Content-Type: message/rfc822\n\nSubject: x\n\ny\n--a--\n";

    #[test]
    fn what_is_shown_is_not_saved() {
        let root = Part::read(MAIL.as_bytes()).unwrap();
        let shown: Vec<&[u8]> = shown_texts(&root).into_iter().map(Part::body).collect();
        assert_eq!(shown, [b"plain"]);
        let saved = attachments(&root);
        let names: Vec<&str> = saved.iter().map(|attachment| attachment.file_name.as_str()).collect();
        assert_eq!(names, ["attachment-1.png", "log.txt", "attachment-3.eml"]);
        assert_eq!(saved[0].content().unwrap(), [0x89, b'P', b'N']);
        assert_eq!(saved[2].content().unwrap(), b"Subject: x\n\ny");
    }

    #[test]
    fn all_alternatives_of_the_first_part_are_the_message() {
        let root = Part::read(MAIL.as_bytes()).unwrap();
        let found: Vec<&[u8]> = main_body_parts(&root).into_iter().map(Part::body).collect();
        assert_eq!(found, [&b"plain"[..], b"<p>"]);
    }

    #[test]
    fn the_signature_of_a_signed_mail_is_no_attachment() {
        let mail = "Content-Type: multipart/signed; boundary=a\n\n--a\n\nx\n--a\n\
            Content-Type: application/pkcs7-signature; name=smime.p7s\n\nMAA=\n--a--\n";
        assert!(attachments(&Part::read(mail.as_bytes()).unwrap()).is_empty());
    }
}
