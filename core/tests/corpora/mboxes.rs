//! Mboxes of other programs: Thunderbird's in three dialects, and one of mutt's time.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use counterseal_core::mail::mbox::{Dialect, MboxReader};

use super::folder;

/// The mails of a file; together with their separators they must be the whole file.
fn mails(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut reader = MboxReader::new(File::open(path).unwrap(), Dialect::Mboxrd);
    let (mut mails, mut position) = (Vec::new(), 0);
    while let Some(entry) = reader.next_entry().unwrap() {
        assert_eq!(entry.separator.start, position, "{path:?}");
        position = entry.end;
        let mut mail = Vec::new();
        entry.open(&mut Cursor::new(&bytes), Dialect::Mboxrd).unwrap().read_to_end(&mut mail).unwrap();
        mails.push(String::from_utf8_lossy(&mail).into_owned());
    }
    assert_eq!(position, bytes.len() as u64, "{path:?}");
    mails
}

#[test]
fn thunderbirds_mboxes_of_every_age_have_two_mails() {
    let Some(folder) = folder("thunderbird-mime") else { return };
    for (name, bodies) in [
        (
            "mbox_mboxrd",
            [
                "This is the body.\nFrom (should be escaped).\nThere are 3 lines.\n",
                "This is the second body.\n",
            ],
        ),
        (
            "mbox_unquoted",
            [
                "like this:\nFrom \nThis could cause problems, if a reader decides to split the message\nhere.\n",
                "body.\n",
            ],
        ),
        (
            "mbox_modern",
            [
                "\n From - Fri Aug 24 11:55:47 2018\nThis could cause problems, if a reader decides to split the message\nhere.\n",
                "body.\n",
            ],
        ),
    ] {
        let mails = mails(&folder.join("mailnews/test/data").join(name));
        assert_eq!(mails.len(), 2, "{name}");
        assert!(mails.iter().zip(bodies).all(|(mail, body)| mail.ends_with(body)), "{name}: {mails:?}");
    }
}

#[test]
fn james_finds_five_mails_and_so_do_we() {
    let Some(folder) = folder("james-mime4j-testmsgs") else { return };
    let mails = mails(&folder.join("mbox/src/test/resources/test-1/mbox.rlug"));
    assert_eq!(mails.len(), 5);
    assert!(mails.iter().all(|mail| mail.contains("\nMessage-ID: ") || mail.contains("\nMessage-Id: ")));
}

#[test]
fn every_separator_of_imaptests_mailboxes_begins_a_mail() {
    let Some(folder) = folder("dovecot-imaptest") else { return };
    let mut files = 0;
    for entry in fs::read_dir(folder.join("src/tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "mbox") {
            let text = fs::read(&path).unwrap();
            let separators =
                text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"From ")).count();
            assert_eq!(mails(&path).len(), separators, "{path:?}");
            files += 1;
        }
    }
    assert!(files >= 30, "{files}");
}
