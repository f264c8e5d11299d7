//! Every mail of three corpora, whatever its state: it gives a tree in which each part has its
//! place, or an error that names a limit. What it shows has no control characters, and what is made
//! of it to be sent arrives as it is.

use std::path::{Path, PathBuf};

use counterseal_core::limits::{LINE_BYTES, MIME_DEPTH, MIME_PARTS};
use counterseal_core::mail::{
    MailError, Part, attachments, author, cms_part, nested_cms, parse_address_list, sendable, shown_texts,
};

#[test]
fn every_mail_has_its_parts_in_their_places() {
    for (corpus, at_least) in
        [("james-mime4j-testmsgs", 80), ("dovecot-imaptest", 39), ("thunderbird-mime", 100)]
    {
        let Some(folder) = super::folder(corpus) else { continue };
        let files = mails(&folder);
        assert!(files.len() >= at_least, "{corpus}: {}", files.len());
        for file in files {
            check(&std::fs::read(&file).unwrap(), &file);
        }
    }
}

/// Files that are mails or mailboxes; a mailbox is read as the first of its mails.
fn mails(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let no_mail = ["js", "json", "sql", "db", "xml", "out", "txt", "bin", "msf", "toml", "dat", "md"];
        if path.is_dir() {
            found.extend(mails(&path));
        } else if !no_mail.contains(&ending.as_str()) {
            found.push(path);
        }
    }
    found
}

fn check(mail: &[u8], file: &Path) {
    let name = file.display();
    assert!(cms_part(&mut std::io::Cursor::new(mail)).is_ok(), "{name}");
    let root = match Part::read(mail) {
        Ok(root) => root,
        Err(error) => panic!("{name}: {error}"),
    };
    check_ranges(mail, &root);
    let parts = root.walk();
    assert!(parts.len() <= MIME_PARTS && parts.iter().all(|(path, _)| path.len() <= MIME_DEPTH), "{name}");
    for field in parts.iter().flat_map(|(_, part)| part.headers().fields()) {
        assert!(!field.text().chars().any(char::is_control), "{name}: {}", field.name());
        if let Ok(entries) = parse_address_list(field.raw_value()) {
            assert!(!format!("{entries:?}").contains('\n'), "{name}");
        }
    }
    if let Ok(author) = author(root.headers()) {
        assert!(author.address.to_string().contains('@'), "{name}");
    }
    for attachment in attachments(&root) {
        let safe =
            !attachment.file_name.contains(['/', '\\', '\0']) && !attachment.file_name.starts_with('.');
        assert!(safe && !attachment.file_name.is_empty(), "{name}: {}", attachment.file_name);
    }
    let shown = shown_texts(&root);
    assert!(shown.iter().all(|part| part.content_type().media_type() == "text"), "{name}");
    assert!(nested_cms(&root).is_ok(), "{name}");
    check_sendable(mail, file);
}

/// Parts are slices of the mail, in order, within the part around them and none over another.
fn check_ranges(mail: &[u8], part: &Part<'_>) {
    assert_eq!(&mail[part.range()], part.bytes());
    assert_eq!(&mail[part.body_range()], part.body());
    let mut end = part.body_range().start;
    for child in part.children() {
        assert!(child.range().start >= end && child.range().end <= part.range().end);
        end = child.range().end;
        check_ranges(mail, child);
    }
}

fn check_sendable(mail: &[u8], file: &Path) {
    let name = file.display();
    let sent = match sendable(mail) {
        Ok(sent) => sent,
        // Malformed base64 and bytes beyond ASCII in places where none can be encoded.
        Err(MailError::Transfer(_) | MailError::HeaderNotEncodable | MailError::PartNotSendable) => return,
        Err(error) => panic!("{name}: {error}"),
    };
    // Beyond ASCII are only addresses that cannot be otherwise.
    let is_sendable = |line: &[u8]| line.is_ascii() || line.contains(&b'@');
    assert!(sent.split(|byte| *byte == b'\n').all(is_sendable), "{name}");
    for line in sent.split_inclusive(|byte| *byte == b'\n') {
        assert!(
            line.len() <= LINE_BYTES + 2 && (line.ends_with(b"\r\n") || !line.contains(&b'\n')),
            "{name}"
        );
    }
    assert_eq!(sendable(&sent).as_ref(), Ok(&sent), "{name}: sent twice");
    // The content of each leaf is what it was.
    let (before, after) = (Part::read(mail).unwrap(), Part::read(&sent).unwrap());
    let leaves = |root: &Part<'_>| -> Vec<Vec<u8>> {
        let parts = root.walk();
        let leaves = parts.iter().filter(|(_, part)| !part.is_container());
        leaves.map(|(_, part)| part.decoded().unwrap_or_default()).map(without_carriage_returns).collect()
    };
    assert_eq!(leaves(&before), leaves(&after), "{name}");
}

fn without_carriage_returns(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().filter(|byte| *byte != b'\r').collect()
}
