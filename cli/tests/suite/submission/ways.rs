//! Ways beside SMTP: another sendmail, LMTP, a proxy.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::thread;

use super::certificates::CERTIFICATES;
use super::home::{Home, MESSAGE};
use super::sink::{Deed, Manner, Sink, Tls};

#[test]
fn another_sendmail_gets_its_arguments_as_they_are() {
    let home = Home::new("smtp = \"lmtp:/x\"", "");
    let program = home.script("next", "for a in \"$@\"; do printf '%s\\n' \"$a\"; done > args; cat > mail");
    home.configure(&format!("smtp = \"sendmail:{}\"", program.display()), "");
    home.put_message(
        1,
        &["*@example.org", "\\\"$(id)\\\"@example.org", "-n@example.org"],
        b"A: b\r\n\r\n.\r\nx\r\n",
        "",
    );
    home.flush().exits(0);
    let arguments = fs::read_to_string(home.path("args")).unwrap();
    assert_eq!(
        arguments,
        "-i\n-falice@example.org\n--\n*@example.org\n\"$(id)\"@example.org\n-n@example.org\n"
    );
    assert_eq!(fs::read(home.path("mail")).unwrap(), b"A: b\n\n.\nx\n");
}

#[test]
fn what_another_sendmail_refuses_fails_and_what_it_puts_off_stays() {
    for (code, place) in [(75, "new"), (1, "new"), (67, "failed")] {
        let home = Home::new("smtp = \"lmtp:/x\"", "");
        let program = home.script("next", &format!("cat > /dev/null; exit {code}"));
        home.configure(&format!("smtp = \"sendmail:{}\"", program.display()), "");
        let id = home.put(1, &["bob@example.org"]);
        home.flush().exits(1);
        assert_eq!(home.mails(place), [id.as_str()], "{code}");
    }
}

#[test]
fn we_are_not_our_own_next_sendmail() {
    let home = Home::new("smtp = \"lmtp:/x\"", "");
    symlink(env!("CARGO_BIN_EXE_cseal-sendmail"), home.path("sendmail")).unwrap();
    home.configure(&format!("smtp = \"sendmail:{}\"", home.path("sendmail").display()), "");
    let id = home.put(1, &["bob@example.org"]);
    assert!(home.flush().exits(1).text().contains("round in a circle"));
    assert_eq!(home.mails("new"), [id.as_str()]);
    // By way of a program in between it shows by the mark that it was given.
    let program = home.script("next", &format!("exec {} queue flush >out", env!("CARGO_BIN_EXE_cseal")));
    home.configure(&format!("smtp = \"sendmail:{}\"", program.display()), "");
    home.put(2, &["bob@example.org"]);
    home.flush();
    assert!(fs::read_to_string(home.path("out")).unwrap().contains("round in a circle"));
    let program =
        home.script("back", &format!("{} \"$@\"; echo $? > code", env!("CARGO_BIN_EXE_cseal-sendmail")));
    home.configure(&format!("smtp = \"sendmail:{}\"", program.display()), "");
    home.flush();
    assert_eq!(fs::read_to_string(home.path("code")).unwrap(), "78\n");
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let home = Home::new("smtp = \"lmtp:/x\"", "");
    let socket = home.path("lmtp");
    let count = std::sync::atomic::AtomicUsize::new(0);
    let second = move |line: &str| {
        let is_second = line == "." && count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1;
        if is_second { Deed::Say("552 5.2.2 mailbox full") } else { Deed::Usual }
    };
    let sink = Sink::at(&socket, Manner { is_lmtp: true, ..Manner::script(second) });
    home.configure(&format!("smtp = \"lmtp:{}\"", socket.display()), "");
    let id = home.put(1, &["bob@example.org", "carol@example.org"]);
    home.flush().exits(1);
    assert_eq!(sink.said()[0], "LHLO [127.0.0.1]");
    let shown = home.cseal(&["queue", "show", &id]).exits(0).text();
    assert!(
        shown.contains("sent       bob@example.org") && shown.contains("refused    carol@example.org"),
        "{shown}"
    );
}

/// A proxy that connects to this machine whatever it is asked for. What it was asked for is the answer.
fn proxy(answer: u8) -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut hello = [0; 3];
        client.read_exact(&mut hello).unwrap();
        assert_eq!(hello, [5, 1, 0]);
        client.write_all(&[5, 0]).unwrap();
        let mut head = [0; 5];
        client.read_exact(&mut head).unwrap();
        assert_eq!(head[..4], [5, 1, 0, 3]);
        let mut rest = vec![0; usize::from(head[4]) + 2];
        client.read_exact(&mut rest).unwrap();
        client.write_all(&[5, answer, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        if answer == 0 {
            let port = u16::from_be_bytes([rest[rest.len() - 2], rest[rest.len() - 1]]);
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut client, &mut &server);
        }
        rest
    });
    (port, proxy)
}

/// A server with TLS, and an account that reaches it through a proxy.
fn behind(port: u16) -> (Home, Sink) {
    let sink = Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls("good")), ..Manner::usual() });
    let account =
        format!("smtp = \"smtps://localhost:{}\"\nproxy = \"socks5://127.0.0.1:{port}\"", sink.port);
    (Home::new(&account, ""), sink)
}

#[test]
fn a_proxy_is_told_the_name_and_carries_the_mail() {
    let (port, proxy) = proxy(0);
    let (home, sink) = behind(port);
    home.put(1, &["bob@example.org"]);
    home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
    assert_eq!(sink.received()[0].data, MESSAGE);
    assert!(proxy.join().unwrap().starts_with(b"localhost"));
}

#[test]
fn a_proxy_that_refuses_is_not_gone_around() {
    let (port, _proxy) = proxy(2);
    let (home, sink) = behind(port);
    home.put(1, &["bob@example.org"]);
    let ran = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(1);
    assert!(ran.text().contains("the proxy does not connect: its rules forbid it"), "{}", ran.text());
    assert!(sink.said().is_empty());
}
