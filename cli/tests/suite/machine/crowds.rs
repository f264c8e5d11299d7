//! Users who put more into the spools than a machine bears. Root's memory, its time and its answers are not theirs to use
//! up, and the mail of all others is sent.

use std::fs;
use std::os::unix::fs::chown;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::host::{MALLORY, Machine, SERVICE};
use super::{cron, with};
use crate::submission::home::mail_file;
use crate::submission::sink::{Deed, Manner};

/// Root runs a program with no more memory than this: more than it needs, and less than what it could be made to use.
const MEMORY: &str = "ulimit -v 1500000";

fn as_root(machine: &Machine, arguments: &str) -> crate::people::Ran {
    machine.shell(0, &format!("{MEMORY}; exec {} {arguments}", machine.path("bin/cseal").display()))
}

/// A file beside those of a box of a user.
fn beside(machine: &Machine, user: u32, name: &str, content: &[u8]) {
    let path = machine.spool(user).join(name);
    fs::write(&path, content).unwrap();
    chown(&path, Some(user), Some(user)).unwrap();
}

/// A line of a log, as we write them.
fn event(reply: &str) -> String {
    let json = format!("{{\"at\":1,\"unit\":0,\"result\":\"deferred\",\"reply\":\"{reply}\"}}");
    let check: String = Sha256::digest(&json).iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    format!("{check} {json}\n")
}

#[test]
fn spools_under_false_names_in_great_numbers_keep_the_mail_of_nobody() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    let names =
        "cd /var/spool/counterseal && seq 100000 125000 | xargs mkdir && seq -f x%g 1 300 | xargs mkdir";
    machine.shell(MALLORY, names).exits(0);
    let started = Instant::now();
    let said = machine.cseal(0, &["queue", "flush"]).exits(3).text();
    assert_eq!(sink.received().len(), 1, "{said}");
    assert!(
        said.lines().count() < 300
            && said.contains("belongs to another user")
            && said.contains("more lie there"),
        "{said}"
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_root_is_shown_does_not_end_where_one_user_wants_it_to() {
    let Some((machine, _sink)) = with(Manner::usual()) else { return };
    machine.open_spool(MALLORY);
    // As if a server said it to all.
    beside(
        &machine,
        MALLORY,
        "servers/system",
        br#"{"tries":9,"last":1,"why":"call mallory","is_reported":true}"#,
    );
    let seen = || machine.cseal(0, &["queue", "list"]).exits(0).text();
    machine.shell(MALLORY, &format!("chmod 0 /var/spool/counterseal/{MALLORY}/new")).exits(0);
    let service = machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    assert!(service.stderr.is_empty());
    let all = seen();
    assert!(all.contains("user 33 ") && all.contains("user 4400: "), "{all}");
    assert!(!all.contains("\naccount system"), "{all}");
    // More of them than files may be open at a time.
    machine.shell(MALLORY, &format!("chmod 700 /var/spool/counterseal/{MALLORY}/new")).exits(0);
    for number in 0..1100 {
        machine.plant_in_open(MALLORY, number, &mail_file("system", &["bob@example.org"], b"x\r\n", ""));
    }
    let all = seen();
    assert!(
        all.lines().filter(|line| line.contains("user 4400 ")).count() == 1100 && !all.contains("damaged"),
        "{all}"
    );
    assert!(all.contains("user 4400: account system: call mallory"), "{all}");
    let ghost = machine.sendmail(9999, &["-t"], &cron("root")).exits(0);
    assert!(ghost.stderr.is_empty() && seen().contains("user 9999"));
}

#[test]
fn what_is_refused_takes_no_place_of_what_is_sent() {
    let Some((machine, _sink)) = with(Manner::usual()) else { return };
    machine.open_spool(SERVICE);
    let held = machine.spool(SERVICE).join("held");
    let mail = mail_file("system", &["bob@example.org"], b"x\r\n", "");
    for number in 0..10_000 {
        fs::write(held.join(format!("{number:010x}-0123456789abcdef")), &mail).unwrap();
    }
    machine.shell(0, "chown -R 33:33 /var/spool/counterseal/33").exits(0);
    let refused = machine.sendmail(SERVICE, &["-t"], "To: bob@example.org\n\nx\n").exits(77);
    assert!(refused.stderr.contains("no copy is kept"), "{}", refused.stderr);
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    assert_eq!((machine.mails(SERVICE, "held").len(), machine.mails(SERVICE, "new").len()), (10_000, 1));
}

#[test]
fn a_file_of_a_user_costs_root_no_more_memory_than_it_has() {
    let Some((machine, sink)) = with(Manner::usual()) else { return };
    let everybody = vec!["bob@example.org"; 2000];
    let id = machine.plant(MALLORY, 1, &mail_file("system", &everybody, b"x\r\n", ""));
    // What is said of each of them is 3 MB long.
    beside(&machine, MALLORY, &format!("new/{id}.log"), event(&"x".repeat(3_000_000)).as_bytes());
    // A list that is far larger in memory than in its file.
    let wishes = vec!["\"\""; 20_000_000].join(",");
    let wide = format!("{{\"address\":\"bob@example.org\",\"notify\":[{wishes}]}}");
    machine.plant(MALLORY, 2, &mail_file("system", &[&wide], b"x\r\n", ""));
    // A time that no calendar has.
    for (number, time) in [(3, i64::MIN), (4, i64::MAX)] {
        let text = String::from_utf8(mail_file("system", &["bob@example.org"], b"x\r\n", "")).unwrap();
        let (head, rest) = text.split_once("\"committed\":").unwrap();
        let (_, rest) = rest.split_once(',').unwrap();
        let (_, envelope) = head.split_once('\n').unwrap();
        let envelope = format!("{envelope}\"committed\":{time},{}", rest.lines().next().unwrap());
        let mut file = format!("counterseal-queue 1 {}\n{envelope}\nx\r\n", envelope.len());
        let digest: String = Sha256::digest(&file).iter().map(|octet| format!("{octet:02x}")).collect();
        file.push_str(&format!("end {digest}\n"));
        machine.plant(MALLORY, number, file.as_bytes());
    }
    machine.sendmail(SERVICE, &["-t"], &cron("root")).exits(0);
    for arguments in ["queue list", "queue list --json", &format!("queue show {id}"), "doctor"] {
        let ran = as_root(&machine, arguments);
        assert!(ran.code < 3 || arguments == "doctor", "{arguments}: {} {}", ran.code, ran.stderr);
        assert!(ran.stdout.len() < 3_000_000, "{arguments}");
    }
    let flushed = as_root(&machine, "queue flush --system").exits(3).text();
    assert!(!flushed.contains("its process"), "{flushed}");
    assert_eq!(sink.received().len(), 1, "{flushed}");
}

#[test]
fn who_keeps_root_busy_keeps_the_mail_of_nobody_else_waiting() {
    let slow = |line: &str| {
        if line.starts_with("MAIL FROM:<alice@") {
            thread::sleep(Duration::from_secs(40));
        }
        Deed::Usual
    };
    let Some((machine, sink)) = with(Manner::script(slow)) else { return };
    machine.write("etc/counterseal/policy.toml", "[[send]]\naddress = \"*\"\nencrypt = \"if-possible\"\n");
    machine.plant(MALLORY, 1, &mail_file("system", &["bob@example.org"], b"X: y\r\n\r\nx\r\n", ""));
    let program = machine.path("bin/cseal");
    let mut flush = machine.command(0, program.to_str().unwrap(), &["queue", "flush", "--due", "--system"]);
    let mut flush = flush.spawn().unwrap();
    let started = Instant::now();
    while !sink.said().iter().any(|line| line.starts_with("MAIL FROM:<alice@")) {
        thread::sleep(Duration::from_millis(10));
    }
    machine.sendmail(SERVICE, &["-f", "www@example.org", "-t"], &cron("root")).exits(0);
    while sink.received().is_empty() && started.elapsed() < Duration::from_secs(35) {
        thread::sleep(Duration::from_millis(100));
    }
    let first = sink.received().into_iter().next();
    assert!(flush.wait().unwrap().success());
    assert_eq!(first.expect("in time").recipients, ["RCPT TO:<alice@example.org>"]);
}
