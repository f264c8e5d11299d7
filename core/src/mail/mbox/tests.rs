use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const SEPARATOR: &str = "From alice@example.org Fri Jul  8 12:08:34 2011\n";

fn entries(file: &[u8], dialect: Dialect) -> Vec<MboxEntry> {
    let mut reader = MboxReader::new(Cursor::new(file), dialect);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        entries.push(entry);
    }
    entries
}

fn mails(file: &[u8], dialect: Dialect) -> Vec<String> {
    let mut source = Cursor::new(file);
    entries(file, dialect)
        .iter()
        .map(|entry| {
            let mut mail = String::new();
            entry.open(&mut source, dialect).unwrap().read_to_string(&mut mail).unwrap();
            mail
        })
        .collect()
}

fn file_of(mails: &[&str], dialect: Dialect, line_end: &str) -> Vec<u8> {
    let mut file = Vec::new();
    for mail in mails {
        file.extend_from_slice(SEPARATOR.trim_end().as_bytes());
        file.extend_from_slice(line_end.as_bytes());
        write_mail(&mut Cursor::new(mail), dialect, line_end.as_bytes(), &mut file).unwrap();
    }
    file
}

#[test]
fn what_was_put_in_comes_out() {
    let first = "Subject: a\n\nFrom here to there\n>From x Fri Jul  8 12:08:34 2011\n\n";
    let second = "Subject: b\n\nFrom x Fri Jul  8 12:08:34 2011\nend\n";
    assert_eq!(mails(&file_of(&[first, second], Dialect::Mboxrd, "\n"), Dialect::Mboxrd), [first, second]);
    let crlf = [first, second].map(|mail| mail.replace('\n', "\r\n"));
    let file = file_of(&[&crlf[0], &crlf[1]], Dialect::Mboxrd, "\r\n");
    assert_eq!(mails(&file, Dialect::Mboxrd), crlf);
}

#[test]
fn a_length_that_fits_is_believed_and_a_wrong_one_is_not() {
    let mail = format!("Subject: a\nContent-Length: 7\n\nx\n\n{SEPARATOR}\ny\n");
    let file = file_of(&[&mail, "Subject: b\n\nb\n"], Dialect::Mboxcl2, "\n");
    let found = mails(&file, Dialect::Mboxcl2);
    assert_eq!(found.len(), 2);
    assert!(found[0].contains("\nContent-Length: 54\n\nx\n\nFrom alice") && found[0].ends_with("y\n"));
    for length in ["3", "53", "99999", "18446744073709551615", "184467440737095516150", "-1", ""] {
        let file = String::from_utf8(file.clone()).unwrap().replace(": 54", &format!(": {length}"));
        assert_eq!(entries(file.as_bytes(), Dialect::Mboxcl2).len(), 3, "{length}");
    }
    assert_eq!(entries(&file, Dialect::Mboxrd).len(), 3);
}

#[test]
fn a_separator_has_a_date_or_nothing() {
    for (line, behind_blank, expected) in [
        (SEPARATOR, false, true),
        ("From - Fri Aug 24 11:55 2018\r\n", false, true),
        ("From \n", true, true),
        ("From \n", false, false),
        ("From - \n", true, true),
        ("From here on\n", true, false),
        ("From 2018 on\n", true, false),
        (">From x Fri Jul  8 12:08:34 2011\n", true, false),
        ("From: alice@example.org 12:08:34 2011\n", true, false),
    ] {
        assert_eq!(is_separator(line.as_bytes(), behind_blank), expected, "{line:?}");
    }
}

#[test]
fn a_mail_that_was_cut_off_does_not_swallow_the_next() {
    let file = format!("{SEPARATOR}Subject: a\n\nMIIB\n{SEPARATOR}Subject: b\n\nb\n");
    assert_eq!(mails(file.as_bytes(), Dialect::Mboxrd), ["Subject: a\n\nMIIB\n", "Subject: b\n\nb\n"]);
}

#[test]
fn what_begins_otherwise_is_no_mbox_and_an_empty_file_is_one() {
    let mut reader = MboxReader::new(Cursor::new(b"Subject: a\n\nb\n"), Dialect::Mboxrd);
    assert!(matches!(reader.next_entry(), Err(MboxError::NotAnMbox)));
    assert!(entries(b"", Dialect::Mboxrd).is_empty());
    assert_eq!(mails(b"From x\n", Dialect::Mboxrd), [""]);
    assert_eq!(mails(b"From x\n\n", Dialect::Mboxrd), [""]);
}

#[test]
fn reading_goes_on_at_the_end_of_any_entry() {
    let file =
        file_of(&["Subject: a\n\na\n", "Subject: b\n\nb\n", "Subject: c\n\nc\n"], Dialect::Mboxrd, "\n");
    let all = entries(&file, Dialect::Mboxrd);
    for (index, entry) in all.iter().enumerate() {
        let mut reader = MboxReader::at(Cursor::new(&file), Dialect::Mboxrd, entry.end).unwrap();
        assert_eq!(reader.next_entry().unwrap().as_ref(), all.get(index + 1));
    }
}

proptest! {
    #[test]
    fn the_entries_are_the_whole_file(
        lines in proptest::collection::vec(
            "(From x Fri Jul  8 12:08:34 2011|From |Content-Length: [0-9]{1,3}|[a-zF>]{0,4})\r?\n", 0..40),
    ) {
        let file = format!("From \n{}", lines.concat()).into_bytes();
        for dialect in [Dialect::Mboxrd, Dialect::Mboxo, Dialect::Mboxcl2] {
            let mut position = 0;
            for entry in entries(&file, dialect) {
                prop_assert_eq!(entry.separator.start, position);
                prop_assert_eq!(entry.separator.end, entry.mail.start);
                prop_assert!(entry.mail.start <= entry.mail.end && entry.mail.end <= entry.end);
                prop_assert!(entry.end - entry.mail.end <= 2);
                position = entry.end;
            }
            prop_assert_eq!(position, file.len() as u64);
        }
    }
}
