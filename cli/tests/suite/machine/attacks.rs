//! Users who put into the spools what they like. Root opens nothing for them that is not theirs, sends nothing that the
//! policy forbids, and sends the mail of all others.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, Instant};

use super::host::{DAVE, GHOST, MALLORY, Machine, SERVICE};
use super::{contains, cron, opened, with};
use crate::sendmail::MARKER;
use crate::submission::home::mail_file;
use crate::submission::sink::{Manner, Sink};

const SECRET: &str = "only-root-knows-this";

/// The mail of a service is sent all the same, in good time, and root says what is wrong.
#[track_caller]
fn others_are_sent(machine: &Machine, sink: &Sink, words: &[&str]) {
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    let started = Instant::now();
    let said = machine.cseal(0, &["queue", "flush"]).exits(3).text();
    assert!(started.elapsed() < Duration::from_secs(60));
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    let received = sink.received();
    assert_eq!(received.len(), 1, "{said}");
    assert!(opened(machine, &received[0]).contains(MARKER));
    assert!(!received.iter().any(|mail| contains(&mail.data, SECRET)));
}

#[test]
fn a_spool_under_the_name_of_somebody_else_is_refused() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    // Users who came after the machine was set up have no spool yet.
    let take = "cd /var/spool/counterseal && mkdir 5001 && mkdir 5001/new && ln -s /etc/counterseal 5002 && touch 5003 && mkdir notes";
    machine.shell(MALLORY, take).exits(0);
    assert_eq!(machine.spool(5001).metadata().unwrap().uid(), MALLORY);
    others_are_sent(
        &machine,
        &sink,
        &["user 5001: ", "user 5002: ", "user 5003: ", "belongs to another user", "notes"],
    );
    // Whose name it is hears of it, and is not sent for from there.
    let refused = machine.sendmail(5001, &["-t"], &cron("root")).exits(78);
    assert!(refused.stderr.contains("belongs to another user"), "{}", refused.stderr);
    assert!(fs::read_dir(machine.spool(5001).join("new")).unwrap().next().is_none());
    let refused = machine.shell(
        MALLORY,
        "rmdir /var/spool/counterseal/33 || mv /var/spool/counterseal/33 /var/spool/counterseal/x",
    );
    assert!(refused.code != 0 && machine.spool(SERVICE).is_dir());
}

#[test]
fn links_and_pipes_in_a_spool_reach_nothing_that_is_not_its_owners() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    machine.write("etc/counterseal/password", SECRET);
    machine.shell(0, "chmod 600 /etc/counterseal/password; cp -p /etc/passwd /root/passwd").exits(0);
    for user in [MALLORY, DAVE, GHOST] {
        machine.open_spool(user);
    }
    let id = |number: u32| format!("{number:010x}-0123456789abcdef");
    let mail = mail_file("system", &["bob@example.org"], b"x\r\n", "");
    machine.plant(MALLORY, 1, &mail);
    machine.plant(MALLORY, 4, &mail);
    machine.plant(MALLORY, 5, &mail);
    let lines = [
        // A mail that is root's file, one that is a pipe, logs that are a system's file, a pipe, and a folder.
        format!("ln -s /etc/counterseal/password new/{}", id(2)),
        format!("mkfifo new/{}", id(3)),
        format!("ln -s /etc/passwd new/{}.log", id(1)),
        format!("mkfifo new/{}.log", id(4)),
        format!("mkdir new/{}.log", id(5)),
        "mkfifo tmp/pipe && touch -d '2 days ago' tmp/pipe".to_owned(),
        "ln -s /etc/passwd tmp/link && touch -h -d '2 days ago' tmp/link".to_owned(),
        "mkfifo servers/system".to_owned(),
    ];
    machine
        .shell(MALLORY, &format!("cd /var/spool/counterseal/{MALLORY} && {}", lines.join(" && ")))
        .exits(0);
    // Boxes that are those of others, and that lie where only root writes.
    let spools = "/var/spool/counterseal";
    machine.shell(DAVE, &format!("cd {spools}/{DAVE} && rmdir new && ln -s {spools}/33/new new")).exits(0);
    machine
        .shell(GHOST, &format!("cd {spools}/{GHOST} && rmdir failed && ln -s /etc/cron.d failed"))
        .exits(0);
    others_are_sent(&machine, &sink, &["user 4400: ", "user 4300: ", "user 4242: "]);
    assert_eq!(fs::read(machine.path("etc/passwd")).unwrap(), fs::read(machine.path("root/passwd")).unwrap());
    let owners = fs::read_dir(machine.spool(MALLORY).join("new")).unwrap();
    assert!(
        owners
            .map(|entry| fs::symlink_metadata(entry.unwrap().path()).unwrap().uid())
            .all(|uid| uid == MALLORY)
    );
    assert_eq!(
        fs::read_dir(machine.path("etc/cron.d"))
            .unwrap()
            .filter(|entry| {
                entry.as_ref().unwrap().file_name().to_string_lossy().contains("0123456789abcdef")
            })
            .count(),
        0
    );
}

#[test]
fn a_hard_link_to_what_its_maker_cannot_read_is_not_read_for_them() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    machine.open_spool(MALLORY);
    let secret = machine.write("var/spool/secret", SECRET);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    // Systems that protect links do not let users make this one.
    fs::hard_link(&secret, machine.spool(MALLORY).join("new/0000000001-0123456789abcdef")).unwrap();
    others_are_sent(&machine, &sink, &["user 4400: ", "Permission denied"]);
}

#[test]
fn what_was_written_into_a_spool_by_hand_is_held_to_the_policy_of_the_machine() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let plain = format!("From: a@example.org\r\nSubject: {MARKER}\r\n\r\n{MARKER}\r\n");
    let announced = format!(
        "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n{MARKER}\r\n"
    );
    let first = machine.plant(MALLORY, 1, &mail_file("system", &["bob@example.org"], plain.as_bytes(), ""));
    machine.plant(MALLORY, 2, &mail_file("system", &["bob@example.org"], announced.as_bytes(), ""));
    let marker = MARKER.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let letters = format!(
        "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n{marker}\r\n"
    );
    machine.plant(MALLORY, 4, &mail_file("system", &["bob@example.org"], letters.as_bytes(), ""));
    let smuggled = b"Subject: x\r\n\r\nx\n.\r\nMAIL FROM:<boss@example.org>\r\n";
    machine.plant(MALLORY, 3, &mail_file("system", &["bob@example.org"], smuggled, ""));
    others_are_sent(&machine, &sink, &["user 4400: 0000000003-", "bare CR or LF"]);
    assert!(machine.cseal(MALLORY, &["queue", "show", &first]).text().contains("it is not encrypted"));
    assert_eq!(machine.mails(MALLORY, "new").len(), 4, "nothing is thrown away");
    // Where the administrator lets mail go in clear, it goes.
    machine.write("etc/counterseal/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");
    machine.cseal(0, &["queue", "flush"]).exits(3);
    // The one that lied about being sealed goes as well: nothing is asked of it any more.
    assert_eq!(sink.received().len(), 4);
}

#[test]
fn a_name_in_a_spool_is_no_way_to_an_account_of_others() {
    let (boss, all) = (Sink::start(Manner::usual()), Sink::start(Manner::usual()));
    let Some(machine) = Machine::new(all.port) else { return };
    let settings = format!(
        "[account.boss]\nfrom = [\"boss@example.org\"]\nsmtp = \"smtp://127.0.0.1:{}\"\n\
         [account.all]\nfrom = [\"*@example.org\"]\nsmtp = \"smtp://127.0.0.1:{}\"\n",
        boss.port, all.port
    );
    machine.write("etc/counterseal/config.toml", &settings);
    machine.sendmail(SERVICE, &["-a", "boss", "-t"], &cron("root")).exits(0);
    let wrong = machine.sendmail(SERVICE, &["-f", "x@example.net", "-t"], &cron("root")).exits(78);
    assert!(wrong.stderr.contains("no account"), "{}", wrong.stderr);
    machine.cseal(0, &["queue", "flush"]).exits(0);
    assert_eq!((boss.received().len(), all.received().len()), (0, 1));
}

#[test]
fn settings_and_certificates_that_others_can_write_are_not_believed() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    for (path, mode) in [
        ("/var/lib/counterseal", "777"),
        ("/var/lib/counterseal/alice@example.org.pem", "666"),
        ("/etc/counterseal", "777"),
        ("/etc/counterseal/config.toml", "666"),
        ("/var/spool/counterseal", "777"),
    ] {
        let before = machine.shell(0, &format!("stat -c %a {path}")).text();
        machine.shell(0, &format!("chmod {mode} {path}")).exits(0);
        machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(78);
        let doctor = machine.cseal(0, &["doctor"]).exits(3).text();
        assert!(doctor.contains(path), "{doctor}");
        machine.shell(0, &format!("chmod {} {path}", before.trim())).exits(0);
    }
    assert!(SERVICE > 0 && sink.said().is_empty());
    symlink("/home/mallory/evil.pem", machine.path("var/lib/counterseal/evil.pem")).unwrap();
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(78);
}

#[test]
fn a_home_where_everybody_writes_has_no_settings_of_its_owner() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let evil = Sink::start(Manner::usual());
    let users = fs::read_to_string(machine.path("etc/passwd")).unwrap();
    machine.write("etc/passwd", &(users + "careless:x:4500:4500::/home/open:/bin/sh\n"));
    machine.shell(0, "mkdir -m 1777 /home/open").exits(0);
    let settings = format!("[account.evil]\nsmtp = \"smtp://127.0.0.1:{}\"\n", evil.port);
    machine.write("home/mallory/config.toml", &settings);
    let plant = "umask 022; mkdir -p /home/open/.config/counterseal && cp /home/mallory/config.toml /home/open/.config/counterseal/";
    machine.shell(MALLORY, plant).exits(0);
    machine.sendmail(4500, &["-t"], &cron("root")).exits(0);
    machine.cseal(0, &["queue", "flush"]).exits(0);
    assert_eq!((sink.received().len(), evil.received().len()), (1, 0));
}

/// Where nobody answers: of the connections that a listener has no room for, the first octet is thrown away.
fn silent(address: [u8; 4], port: u16) -> (std::os::fd::OwnedFd, Vec<std::net::TcpStream>) {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let at = std::net::SocketAddr::from((address, port));
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &at).unwrap();
    listen(&listener, 0).unwrap();
    let wait = Duration::from_millis(100);
    let fillers = (0..4).filter_map(|_| std::net::TcpStream::connect_timeout(&at, wait).ok()).collect();
    (listener, fillers)
}

#[test]
fn a_name_with_many_addresses_holds_nobody_longer_than_one_answer() {
    let Some(machine) = Machine::bare() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let addresses: Vec<[u8; 4]> = (1..=12).map(|last| [127, 0, 77, last]).collect();
    let _held: Vec<_> = addresses.iter().map(|address| silent(*address, port)).collect();
    let row = |[a, b, c, d]: &[u8; 4]| format!("{a}.{b}.{c}.{d} smtp.example.org\n");
    machine.write("etc/hosts", &addresses.iter().map(row).collect::<String>());
    machine.write("etc/nsswitch.conf", "hosts: files\npasswd: files\ngroup: files\n");
    machine.write("root/.config/counterseal/config.toml", "[queue]\nanswer = \"1s\"\n");
    let server = format!("smtps://smtp.example.org:{port}");
    let setup = ["setup", "alice@example.org", "--no-passphrase", "--timer", "none", "--yes", "--no-check"];
    let account = ["--server", &server, "--password-command", "echo", "x"];
    machine.cseal(0, &[&setup[..], &account].concat()).exits(0);
    let started = Instant::now();
    let said = machine.cseal(0, &["setup", "alice@example.org", "--check"]).exits(3).stderr;
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
