//! Dovecot's imaptest: a script for a server, and the mailbox that it is about. The answers for
//! whole parts, headers and decoded contents say what a parser must find.

use std::path::Path;

use counterseal_core::mail::{AddressEntry, Part, parse_address_list};

/// Scripts whose answers are about parts of the first mail of their mailbox.
const SCRIPTS: [(&str, usize); 7] = [
    ("fetch-body", 1),
    ("fetch-body-mime", 12),
    ("fetch-body-message-rfc822", 6),
    ("fetch-body-message-rfc822-mime", 13),
    ("fetch-body-message-rfc822-x2", 9),
    ("fetch-binary-mime-base64", 7),
    ("fetch-binary-mime-qp", 1),
];

#[test]
fn every_part_is_where_the_server_should_find_it() {
    let Some(folder) = super::folder("dovecot-imaptest") else { return };
    for (name, answers) in SCRIPTS {
        let mail = first_mail(&folder.join("src/tests").join(format!("{name}.mbox")));
        let script = std::fs::read_to_string(folder.join("src/tests").join(name)).unwrap();
        let root = Part::read(&mail).unwrap();
        let mut count = 0;
        for (section, expected) in whole_answers(&script) {
            let found = find(&root, &section).unwrap_or_else(|| panic!("{name}: no part for {section}"));
            assert_eq!(found.trim_end(), expected.trim_end(), "{name}: {section}");
            count += 1;
        }
        assert_eq!(count, answers, "{name}");
    }
}

#[test]
fn addresses_are_those_of_the_envelope() {
    let Some(folder) = super::folder("dovecot-imaptest") else { return };
    let mailbox = std::fs::read_to_string(folder.join("src/tests/fetch-envelope.mbox")).unwrap();
    let mails: Vec<&str> = mailbox.split("From user@domain  ").skip(1).collect();
    let field = |mail: usize, name: &str| {
        let mail = mails[mail].split_once('\n').unwrap().1;
        let root = Part::read(mail.as_bytes()).unwrap();
        let value = root.headers().first(name).unwrap().raw_value().to_vec();
        parse_address_list(&value).map(|entries| entries.iter().map(describe).collect::<Vec<_>>())
    };
    assert_eq!(field(0, "From").unwrap(), ["From Real/fromuser@fromdomain.org"]);
    assert_eq!(field(0, "Reply-To").unwrap(), ["ReplyTo Real/replytouser@replytodomain.org"]);
    assert_eq!(field(1, "From").unwrap(), ["/user@domain"]);
    // The server takes the comment for a name. It is none.
    assert_eq!(field(3, "From").unwrap(), ["/user@domain"]);
    assert_eq!(field(3, "To").unwrap(), ["/g1@d1.org;/g2@d2.org", "/g3@d3.org"]);
    assert_eq!(field(3, "Cc").unwrap(), ["", ""]);
    // The server drops the route, which is obsolete since 2001. Two readings: nobody's address.
    assert!(field(5, "From").is_err());
}

fn describe(entry: &AddressEntry) -> String {
    let members = match entry {
        AddressEntry::Mailbox(mailbox) => std::slice::from_ref(mailbox),
        AddressEntry::Group(members) => members,
    };
    let texts = members.iter().map(|mailbox| {
        format!("{}/{}", mailbox.display_name.as_deref().unwrap_or_default(), mailbox.address)
    });
    texts.collect::<Vec<_>>().join(";")
}

fn first_mail(mailbox: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(mailbox).unwrap();
    let (_, mails) = text.split_once('\n').unwrap();
    mails.split("\nFrom user@domain ").next().unwrap().as_bytes().to_vec()
}

/// Sections and their whole texts: `body[1.2.MIME] {{{` up to `}}}`. Pieces of parts are left out.
fn whole_answers(script: &str) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    let mut rest = script;
    while let Some((before, after)) = rest.split_once("{{{\n") {
        let (text, behind) = after.split_once("\n}}}").unwrap();
        let line = before.rsplit('\n').next().unwrap();
        let section = line
            .trim_end()
            .trim_end_matches('~')
            .trim_end()
            .rsplit(' ')
            .next()
            .unwrap()
            .trim_start_matches('(');
        let section = section.to_ascii_lowercase();
        if section.ends_with(']') && section.contains('[') {
            answers.push((section, text.replace('\r', "")));
        }
        rest = behind;
    }
    answers
}

/// What IMAP calls by that name (RFC 3501, section 6.4.5).
fn find(root: &Part<'_>, section: &str) -> Option<String> {
    let (kind, section) = section.trim_end_matches(']').split_once('[')?;
    let numbers: Vec<usize> = section.split('.').map_while(|piece| piece.parse().ok()).collect();
    let word = section.split('.').find(|piece| piece.parse::<usize>().is_err()).unwrap_or_default();
    let mut part = root;
    for (index, number) in numbers.iter().enumerate() {
        // A message that is a part stands for what is in it.
        let is_message = part.content_type().media_type() == "message" && index > 0;
        let inside = if is_message { part.children().first()? } else { part };
        part = match inside.content_type().media_type() {
            "multipart" => inside.children().get(number - 1)?,
            // A mail without parts is its own first part.
            _ => Some(inside).filter(|_| *number == 1)?,
        };
    }
    let message = if part.content_type().media_type() == "message" && !numbers.is_empty() {
        part.children().first()?
    } else {
        part
    };
    let bytes = match (kind, word) {
        ("binary", _) => part.decoded().ok()?,
        (_, "") if numbers.is_empty() => part.bytes().to_vec(),
        (_, "") => part.body().to_vec(),
        (_, "mime") => part.headers().bytes().to_vec(),
        (_, "header") => message.headers().bytes().to_vec(),
        (_, "text") => message.body().to_vec(),
        _ => return None,
    };
    Some(String::from_utf8_lossy(&bytes).replace('\r', ""))
}
