//! A machine that sends for its users: for root, for services, for users without a home; and users who attack it.

mod attacks;
mod crowds;
mod host;
mod setup;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::sendmail::MARKER;
use crate::socks::{Socks, nobody, settings};
use crate::submission::sink::{Deed, Manner, Received, Sink};
use host::{DAVE, GHOST, MALLORY, Machine, SERVICE};

/// What cron hands over.
fn cron(user: &str) -> String {
    format!(
        "From: {user} (Cron Daemon)\nTo: {user}\nSubject: Cron <{user}@host> {MARKER}\n\n{MARKER}\n.\nafter the dot\n"
    )
}

fn with(manner: Manner) -> Option<(Machine, Sink)> {
    let sink = Sink::start(manner);
    Some((Machine::new(sink.port)?, sink))
}

/// Every byte below a folder.
fn holds_marker(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().any(|path| {
        let found = fs::symlink_metadata(&path).unwrap();
        match found.is_dir() {
            true => holds_marker(&path),
            false => found.is_file() && contains(&fs::read(&path).unwrap(), MARKER),
        }
    })
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

/// A mail that went over the wire: to one person, and nobody else can read it.
#[track_caller]
fn opened(machine: &Machine, received: &Received) -> String {
    assert_eq!(received.recipients, ["RCPT TO:<alice@example.org>"]);
    let text = String::from_utf8(received.data.clone()).unwrap();
    assert!(!text.contains(MARKER), "{text}");
    machine.outbox.opened("alice", &text).expect("Alice opens it")
}

#[test]
fn mail_of_root_of_a_service_and_of_a_user_without_a_home_reaches_who_reads_mail_for_root() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    // What cronie, Debian's cron and at pass.
    let cronie = ["-FCronDaemon", "-i", "-odq", "-oem", "-oi", "-t", "-f", "root"];
    machine.sendmail(0, &cronie, &cron("root")).exits(0);
    machine
        .sendmail(SERVICE, &["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "www-data"], &cron("www-data"))
        .exits(0);
    machine.sendmail(GHOST, &["-i", "ghost"], &cron("ghost")).exits(0);
    machine.sendmail(DAVE, &["-t"], &cron("root").replace("To: root", "To: backup")).exits(0);
    machine.sendmail(DAVE, &["-t"], &cron("root").replace("To: root", "To: stranger")).exits(65);
    for user in [0, SERVICE, GHOST, DAVE] {
        assert_eq!(machine.mails(user, "new").len(), 1, "{user}");
        for other in [SERVICE, GHOST, DAVE, MALLORY].into_iter().filter(|other| *other != user) {
            let look = format!(
                "ls /var/spool/counterseal; ls /var/spool/counterseal/{user}; cat /var/spool/counterseal/{user}/new/*"
            );
            let ran = machine.shell(other, &look);
            assert!(ran.stdout.is_empty() && ran.code != 0, "{other} sees mail of {user}: {}", ran.text());
        }
    }
    assert!(!holds_marker(&machine.path("var")));
    assert!(sink.said().is_empty());
    let said = machine.cseal(0, &["queue", "flush"]).exits(0).text();
    assert_eq!(said, "4 sent, 0 waiting, 0 failed\n");
    let received = sink.received();
    assert_eq!(received.len(), 4);
    for mail in &received {
        assert_eq!(mail.mail.split(' ').nth(1), Some("FROM:<alice@example.org>"));
        let text = opened(&machine, mail).replace("\r\n", "\n");
        assert!(text.contains(&format!("{MARKER}\n.\nafter the dot")), "{text}");
        assert!(text.contains("From: ") && text.contains("alice@example.org"), "{text}");
    }
    assert!([0, SERVICE, GHOST, DAVE].iter().all(|user| machine.mails(*user, "new").is_empty()));
}

#[test]
fn the_line_for_cron_sends_and_is_silent() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let crontab = fs::read_to_string(machine.path("etc/cron.d/counterseal")).unwrap();
    let line = crontab.lines().find_map(|line| line.strip_prefix("* * * * * root ")).unwrap();
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    let ran = machine.shell(0, line).exits(0);
    assert_eq!((ran.text().as_str(), ran.stderr.as_str()), ("", ""));
    assert!(opened(&machine, &sink.received()[0]).contains(MARKER));
}

#[test]
fn only_root_reads_the_password_and_others_need_nothing_of_the_settings() {
    let sink = Sink::start(Manner { offers: &["AUTH PLAIN LOGIN"], ..Manner::usual() });
    let Some(machine) = Machine::new(sink.port) else { return };
    let settings = format!(
        "[account.system]\nsmtp = \"smtp://127.0.0.1:{}\"\nuser = \"machine\"\n\
         password = {{ command = [\"cat\", \"/etc/counterseal/password\"] }}\n",
        sink.port
    );
    machine.write("etc/counterseal/config.toml", &settings);
    machine.write("etc/counterseal/password", "correct horse\n");
    machine.shell(0, "chmod 600 /etc/counterseal/config.toml /etc/counterseal/password").exits(0);
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    assert!(
        machine
            .shell(SERVICE, "cat /etc/counterseal/config.toml /etc/counterseal/password")
            .stdout
            .is_empty()
    );
    // A user cannot have it sent at once, nor take the place of root.
    machine.cseal(SERVICE, &["queue", "flush"]).exits(3);
    machine.cseal(SERVICE, &["queue", "flush", "--system"]).exits(3);
    machine.cseal(SERVICE, &["queue", "flush", "--spool", "0"]).exits(0);
    assert!(sink.said().is_empty());
    machine.cseal(0, &["queue", "flush", "--due", "--system"]).exits(0);
    assert!(sink.said().iter().any(|line| line.starts_with("AUTH")));
    assert!(opened(&machine, &sink.received()[0]).contains(MARKER));
}

#[test]
fn look_ups_go_through_the_proxy_of_the_machine_and_not_at_all_where_nobody_may_know_it() {
    let sink = Sink::start(Manner::usual());
    let Some(machine) = Machine::new(sink.port) else { return };
    let account = format!("[account.system]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
    let own = |text: &str| {
        machine.write("home/dave/.config/counterseal/config.toml", text);
        machine.shell(0, "chown -R dave:4300 /home/dave && chmod -R go-w /home/dave").exits(0);
    };
    let find = || {
        let ask = ["keys", "find", "--json", "bob@example.org", "--source", "http"];
        machine.cseal(DAVE, &ask).exits(3).text()
    };
    let proxy = Socks::knowing(&[]);
    machine.write("etc/counterseal/config.toml", &format!("{account}{}", proxy.settings()));
    assert!(find().contains("the server is unreachable"), "{}", find());
    assert!(proxy.asked().iter().all(|asked| asked == "example.org:443"));
    machine.shell(0, "chmod 600 /etc/counterseal/config.toml").exits(0);
    assert!(find().contains("\"config\""), "{}", find());
    assert!(proxy.asked().is_empty());
    own(&settings(nobody()));
    assert!(find().contains("\"proxy\""), "{}", find());
}

#[test]
fn what_a_user_says_makes_the_policy_of_the_machine_stricter_and_never_looser() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let says = |policy: &str| {
        machine.write("home/dave/.config/counterseal/policy.toml", policy);
        machine.shell(0, "chown -R dave:4300 /home/dave && chmod -R go-w /home/dave").exits(0);
    };
    says("[[send]]\naddress = \"*\"\nencrypt = \"never\"\naccept = \"unverified\"\n");
    let refused = machine.sendmail(DAVE, &["-t"], &format!("To: bob@example.org\n\n{MARKER}\n")).exits(77);
    assert!(refused.stderr.contains("no-key"), "{}", refused.stderr);
    machine.sendmail(DAVE, &["-t"], &cron("root")).exits(0);
    says("[[send]]\naddress = \"*\"\naccept = \"strong\"\n");
    machine.sendmail(DAVE, &["-t"], &cron("root")).exits(77);
    // Nor does somebody who wants a signature get mail without one.
    says("[[send]]\naddress = \"*\"\nsign = \"yes\"\n");
    machine.sendmail(DAVE, &["-t"], &cron("root")).exits(77);
    machine.cseal(0, &["queue", "flush"]).exits(0);
    assert_eq!(sink.received().len(), 1);
    assert!(!opened(&machine, &sink.received()[0]).is_empty());
    assert!(!holds_marker(&machine.path("var")));
}

#[test]
fn who_has_an_account_sends_with_their_own_keys() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let own = Sink::start(Manner::usual());
    let settings = format!("[account.own]\nsmtp = \"smtp://127.0.0.1:{}\"\n", own.port);
    machine.write("home/dave/.config/counterseal/config.toml", &settings);
    let store = "home/dave/.local/share/counterseal";
    fs::create_dir_all(machine.path(store)).unwrap();
    crate::people::copy(&machine.outbox.place.path("alice"), &machine.path(store));
    machine.shell(0, "chown -R dave:4300 /home/dave && chmod -R go= /home/dave").exits(0);
    machine
        .sendmail(DAVE, &["-t"], &format!("From: alice@example.org\nTo: bob@example.org\n\n{MARKER}\n"))
        .exits(0);
    assert_eq!((own.received().len(), sink.received().len()), (1, 0));
    let text = String::from_utf8(own.received()[0].data.clone()).unwrap();
    assert!(machine.outbox.opened("bob", &text).unwrap().contains("multipart/signed"));
    assert!(machine.mails(DAVE, "new").is_empty());
}

#[test]
fn what_is_refused_is_sealed_to_who_reads_mail_for_root_and_a_release_sends_it_there() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let refused = machine
        .sendmail(SERVICE, &["-t"], &format!("To: bob@example.org\nSubject: x\n\n{MARKER}\n"))
        .exits(77);
    assert!(refused.stderr.contains("sealed to alice@example.org"), "{}", refused.stderr);
    let held = machine.mails(SERVICE, "held");
    assert_eq!(held.len(), 1);
    assert!(!holds_marker(&machine.path("var")));
    machine.cseal(SERVICE, &["queue", "release", &held[0]]).exits(0);
    assert!(machine.mails(SERVICE, "held").is_empty());
    machine.cseal(0, &["queue", "flush"]).exits(0);
    let text = opened(&machine, &sink.received()[0]);
    assert!(text.contains(MARKER) && text.contains("To: bob@example.org"), "{text}");
    // Nothing of the machine waits for a key that it could not open the mail for.
    machine.write("etc/counterseal/policy.toml", "[[send]]\naddress = \"*\"\nmixed = \"hold\"\n");
    machine.sendmail(SERVICE, &["-t"], &format!("To: bob@example.org\n\n{MARKER}\n")).exits(77);
}

#[test]
fn root_sees_the_mail_of_all_and_drops_and_releases_it() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    machine.sendmail(GHOST, &["-t"], &format!("To: bob@example.org\n\n{MARKER}\n")).exits(77);
    machine.shell(MALLORY, "mkdir /var/spool/counterseal/5001").exits(0);
    let listed = machine.cseal(0, &["queue", "list"]).exits(0).text();
    assert!(
        listed.contains("user 33 ") && listed.contains("user 4242") && listed.contains("user 5001: "),
        "{listed}"
    );
    let json: serde_json::Value =
        serde_json::from_slice(&machine.cseal(0, &["queue", "list", "--json"]).exits(0).stdout).unwrap();
    assert_eq!((&json["mails"][0]["user"], &json["wrong"][0]["user"]), (&33.into(), &5001.into()));
    let doctor = machine.cseal(0, &["doctor"]).exits(1).text();
    assert!(
        doctor.contains("mails that were refused: 1,") && doctor.contains("counterseal/5001"),
        "{doctor}"
    );
    let (sent, held) = (machine.mails(SERVICE, "new"), machine.mails(GHOST, "held"));
    machine.cseal(GHOST, &["queue", "show", &sent[0]]).exits(1);
    machine.cseal(GHOST, &["queue", "drop", &sent[0]]).exits(1);
    machine.cseal(0, &["queue", "show", &sent[0]]).exits(0);
    machine.cseal(0, &["queue", "release", &held[0]]).exits(0);
    assert_eq!((machine.mails(GHOST, "new").len(), machine.mails(0, "new").len()), (1, 0));
    machine.cseal(0, &["queue", "drop", &sent[0]]).exits(0);
    assert!(machine.mails(SERVICE, "new").is_empty());
    machine.cseal(0, &["queue", "flush"]).exits(3);
    assert!(opened(&machine, &sink.received()[0]).contains("To: bob@example.org"));
}

#[test]
fn a_mail_that_comes_while_another_is_sent_is_sent_by_the_next_run() {
    let slow = |line: &str| {
        if line == "DATA" {
            thread::sleep(Duration::from_secs(2));
        }
        Deed::Usual
    };
    let Some((machine, sink)) = with(Manner::script(slow)) else { return };
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    let program = machine.path("bin/cseal");
    let mut flush = machine.command(0, program.to_str().unwrap(), &["queue", "flush", "--due", "--system"]);
    let mut flush = flush.spawn().unwrap();
    while !sink.said().contains(&"DATA".to_owned()) {
        thread::sleep(Duration::from_millis(10));
    }
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    machine.sendmail(GHOST, &["-t"], &cron("root")).exits(0);
    // The one that runs is left alone.
    machine.cseal(0, &["queue", "flush", "--due", "--system"]).exits(0);
    assert!(flush.wait().unwrap().success());
    machine.cseal(0, &["queue", "flush"]).exits(0);
    let received = sink.received();
    let mut ids: Vec<String> = received.iter().map(|mail| message_id(&mail.data)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((received.len(), ids.len()), (3, 3));
}

fn message_id(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    text.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()
}

#[test]
fn symfony_and_its_like_speak_smtp_on_a_pipe() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let dialogue = format!(
        "EHLO x\r\nMAIL FROM:<shop@example.org>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n\
         From: shop@example.org\r\nTo: alice@example.org\r\n\r\n{MARKER}\r\n.\r\nQUIT\r\n"
    );
    let said = machine.sendmail(SERVICE, &["-bs"], &dialogue).exits(0).text();
    assert!(said.contains("550 5.7.10") && said.contains("250 2.0.0"), "{said}");
    machine.cseal(0, &["queue", "flush"]).exits(0);
    assert!(opened(&machine, &sink.received()[0]).contains(MARKER));
    assert_eq!(sink.received()[0].mail.split(' ').nth(1), Some("FROM:<shop@example.org>"));
}

#[test]
fn with_rights_that_the_caller_does_not_have_nothing_runs() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let program = machine.path("bin/cseal-sendmail");
    let cseal = machine.path("bin/cseal");
    for (who, program, arguments, code) in [
        ("--ruid 33", &program, "-t", 78),
        ("--rgid 33", &program, "-t", 78),
        ("--ruid 33", &program, "-bp", 78),
        ("--ruid 33", &cseal, "queue flush --system", 3),
        ("--rgid 33", &cseal, "keys list", 3),
    ] {
        let line = format!("echo To: root | setpriv {who} --clear-groups {} {arguments}", program.display());
        let ran = machine.shell(0, &line).exits(code);
        assert!(ran.stderr.contains("rights that its caller does not have"), "{line}: {}", ran.stderr);
    }
    assert!(machine.mails(0, "new").is_empty() && sink.said().is_empty());
}

#[test]
fn whom_the_machine_sends_for_has_no_say_in_how() {
    let Some((machine, _sink)) = with(Manner::usual()) else { return };
    machine.write("home/dave/other.toml", "[account.mine]\nsmtp = \"smtp://127.0.0.1:9\"\n");
    let refused = machine.sendmail(DAVE, &["-C", "/home/dave/other.toml", "-t"], &cron("root")).exits(78);
    assert!(refused.stderr.contains("settings of its own"), "{}", refused.stderr);
    assert!(machine.mails(DAVE, "new").is_empty());
}
