//! A mail server that lies: everything it does ends soon, costs little, and is named.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use counterseal_core::secret::SecretBytes;
use counterseal_keysync::transport::imap::{Credential, ImapTransport, Mailbox, direct};
use counterseal_keysync::transport::{Cursor, ObjectBox, ObjectName, Transport, TransportError};

/// What it answers to a command, beside the tagged line; nothing where it says nothing at all from then on.
type Answer = fn(&str) -> Option<String>;

/// A server that lets everybody in, and the way to it.
fn way(answer: Answer) -> ImapTransport {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream, answer));
        }
    });
    let mailbox = Mailbox {
        host: "localhost".into(),
        connect: direct("127.0.0.1", port),
        user: "alice".into(),
        credential: Credential::Password(SecretBytes::copy_of(b"geheim")),
        tls: None,
    };
    ImapTransport::new(mailbox, &target()).unwrap().within(Duration::from_secs(3))
}

fn target() -> ObjectBox {
    ObjectBox::derive(&SecretBytes::copy_of(&[1; 32]), "test")
}

/// The Message-ID of an object in the box.
fn id(name: &ObjectName) -> String {
    let id: String = target().id().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("Message-ID: <{name}.{id}@keysync.invalid>\r\n\r\n")
}

fn serve(stream: &TcpStream, answer: Answer) -> Option<()> {
    let mut out = stream;
    out.write_all(b"* OK here\r\n").ok()?;
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        let (tag, command) = line.split_once(' ')?;
        let Some(said) = answer(command) else {
            // Still there, and silent.
            thread::sleep(Duration::from_secs(30));
            return None;
        };
        out.write_all(said.as_bytes()).ok()?;
        out.write_all(format!("{tag} OK done\r\n").as_bytes()).ok()?;
    }
    None
}

/// What everybody says who means well.
fn usual(command: &str) -> String {
    match command.split(' ').next().unwrap() {
        "CAPABILITY" => "* CAPABILITY IMAP4rev1 NAMESPACE UIDPLUS\r\n".into(),
        "NAMESPACE" => "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".into(),
        "SELECT" => "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n".into(),
        _ => String::new(),
    }
}

fn header(uid: u32, header: &str) -> String {
    format!(
        "* 1 FETCH (UID {uid} FLAGS () RFC822.SIZE 500 BODY[HEADER.FIELDS (MESSAGE-ID)] {{{}}}\r\n{header})\r\n",
        header.len()
    )
}

#[test]
fn what_it_announces_costs_no_memory() {
    let mut huge = way(|command| {
        Some(match command.starts_with("UID FETCH") {
            true => "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (MESSAGE-ID)] {500000000}\r\nMessage-ID: ".into(),
            false => usual(command),
        })
    });
    let began = Instant::now();
    let refused = huge.list(&Cursor::default());
    assert!(
        matches!(&refused, Err(TransportError::Forged(why)) if why.contains("announces too much")),
        "{refused:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_answer_without_an_end_ends() {
    for at in ["LOGIN", "CAPABILITY", "NAMESPACE", "SELECT", "UID FETCH"] {
        // One static function for each place.
        let answer: Answer = match at {
            "LOGIN" => |command| (!command.starts_with("LOGIN")).then(|| usual(command)),
            "CAPABILITY" => |command| (!command.starts_with("CAPABILITY")).then(|| usual(command)),
            "NAMESPACE" => |command| (!command.starts_with("NAMESPACE")).then(|| usual(command)),
            "SELECT" => |command| (!command.starts_with("SELECT")).then(|| usual(command)),
            _ => |command| (!command.starts_with("UID FETCH")).then(|| usual(command)),
        };
        let began = Instant::now();
        let late = way(answer).list(&Cursor::default());
        assert!(
            matches!(&late, Err(TransportError::Unreachable(why)) if why.contains("too long")),
            "{at}: {late:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{at}");
    }
}

#[test]
fn a_line_and_a_list_without_an_end_are_cut_off() {
    let mut line = way(|command| {
        Some(match command.starts_with("SELECT") {
            true => format!("* OK {}", "x".repeat(1 << 20)),
            false => usual(command),
        })
    });
    let cut = line.list(&Cursor::default());
    assert!(matches!(cut, Err(TransportError::Forged(_))), "{cut:?}");
    let mut namespaces = way(|command| {
        Some(match command.starts_with("NAMESPACE") {
            true => "* OK by the way\r\n".repeat(2000),
            false => usual(command),
        })
    });
    let cut = namespaces.list(&Cursor::default());
    assert!(matches!(&cut, Err(TransportError::Forged(why)) if why.contains("does not end")), "{cut:?}");
}

#[test]
fn other_bytes_and_other_numbers_are_no_object() {
    fn lie(command: &str) -> Option<String> {
        let name = ObjectName::of(b"right");
        Some(match command {
            _ if command.starts_with("UID SEARCH") => "* SEARCH 4 4294967295\r\n".into(),
            _ if command.contains("HEADER.FIELDS") => {
                // A mail of somebody else, one without a number, and the one that was asked for under two of them.
                let stranger = header(3, "Message-ID: <x@example.org>\r\n\r\n");
                format!(
                    "{stranger}* 2 FETCH (FLAGS ())\r\n{}{}",
                    header(4, &id(&name)),
                    header(9, &id(&name))
                )
            }
            _ if command.contains("BODY.PEEK[TEXT]") => {
                // Another mail than the one that was asked for, whichever it was.
                "* 1 FETCH (UID 3 BODY[TEXT] {8}\r\ncmlnaHQ=)\r\n* 1 FETCH (UID 4 BODY[TEXT] {8}\r\nd3Jvbmc=)\r\n".into()
            }
            _ => usual(command),
        })
    }
    let mut lying = way(lie);
    let name = ObjectName::of(b"right");
    assert_eq!(lying.list(&Cursor::default()).unwrap().names, [name]);
    let refused = lying.get(&name);
    assert!(matches!(refused, Err(TransportError::Forged(_) | TransportError::Absent)), "{refused:?}");
}

#[test]
fn what_is_no_imap_is_named_and_not_repeated() {
    for answer in [
        (|_: &str| Some("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned())) as Answer,
        |_| Some("* \u{1b}[2J all is well {\r\n".to_owned()),
        |command| Some(format!("{}* 1 FETCH (((((((((\r\n", usual(command))),
    ] {
        let refused = way(answer).list(&Cursor::default()).unwrap_err();
        let words = refused.to_string();
        assert!(words.len() < 400 && !words.contains('\u{1b}'), "{words}");
    }
}
