//! Ways beside SMTP: another sendmail, LMTP, a proxy.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;

use super::certificates::CERTIFICATES;
use super::home::{Home, MESSAGE};
use super::sink::{Deed, Manner, Sink, Tls};
use crate::socks::{FORBIDDEN, Socks, nobody, settings};

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

/// A server with TLS, and an account that reaches it by a name that only the proxy knows.
fn behind(
    leads: impl Fn(u16) -> Socks,
    account: &str,
    more: impl Fn(&Socks) -> String,
) -> (Home, Sink, Socks) {
    let sink = Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls("good")), ..Manner::usual() });
    let proxy = leads(sink.port);
    let account = format!("smtp = \"smtps://smtp.example.org\"\n{account}");
    let home = Home::new(&account.replace("PORT", &proxy.port.to_string()), &more(&proxy));
    home.put(1, &["bob@example.org"]);
    (home, sink, proxy)
}

fn knowing(port: u16) -> Socks {
    Socks::knowing(&[("smtp.example.org:465", (Ipv4Addr::LOCALHOST, port).into())])
}

const OWN_PROXY: &str = "proxy = \"socks5://127.0.0.1:PORT\"";

#[test]
fn a_proxy_is_told_the_name_and_carries_the_mail() {
    // The account's own goes before the one of all.
    let ways: [(&str, &dyn Fn(&Socks) -> String); 2] =
        [(OWN_PROXY, &|_| settings(nobody())), ("", &Socks::settings)];
    for (account, more) in ways {
        let (home, sink, proxy) = behind(knowing, account, more);
        home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
        assert_eq!(sink.received()[0].data, MESSAGE);
        assert_eq!(proxy.asked(), ["smtp.example.org:465"]);
    }
}

#[test]
fn a_proxy_that_refuses_is_not_gone_around() {
    let (home, sink, proxy) = behind(|_| Socks::start(|_| Err(FORBIDDEN)), OWN_PROXY, |_| String::new());
    let ran = home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(1);
    assert!(ran.text().contains("the proxy does not connect: its rules forbid it"), "{}", ran.text());
    assert!(sink.said().is_empty());
    assert_eq!(proxy.asked().len(), 1);
}

#[test]
fn an_account_may_go_straight_where_all_others_have_a_proxy() {
    let sink = Sink::start(Manner { tls: Tls::Implicit(CERTIFICATES.tls("good")), ..Manner::usual() });
    // A server of this machine does so by itself.
    for (host, account) in [("127.0.0.1", "proxy = \"none\""), ("localhost", "")] {
        let account = format!("smtp = \"smtps://{host}:{}\"\n{account}", sink.port);
        let home = Home::new(&account, &settings(nobody()));
        home.put(1, &["bob@example.org"]);
        home.cseal_with_roots(&CERTIFICATES.path("ca.pem"), &["queue", "flush"]).exits(0);
    }
    assert_eq!(sink.received().len(), 2);
}
