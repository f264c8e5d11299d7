//! The queue as files: damaged ones, full disks, processes that die, and two at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::home::Home;
use super::sink::{Deed, Manner, Sink};

fn with(manner: Manner) -> (Home, Sink) {
    let sink = Sink::start(manner);
    (Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), ""), sink)
}

#[test]
fn a_damaged_file_is_never_sent_and_stops_no_other() {
    let (home, sink) = with(Manner::usual());
    let id = home.put(1, &["bob@example.org"]);
    let path = home.path("queue/new").join(&id);
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() - 80;
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::write(home.path("queue/new/0000000002-0123456789abcdef"), "").unwrap();
    fs::create_dir(home.path("queue/new/0000000003-0123456789abcdef")).unwrap();
    fs::write(home.path("queue/new/notes.txt"), "not ours").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.path("queue/new/0000000004-0123456789abcdef")).unwrap();
    home.put(5, &["carol@example.org"]);
    let said = home.flush().exits(3).text();
    assert!(said.starts_with("1 sent, 0 waiting, 0 failed\n"), "{said}");
    assert_eq!(sink.received()[0].recipients, ["RCPT TO:<carol@example.org>"]);
    assert!(home.cseal(&["queue", "list"]).exits(0).text().contains("damaged"));
    home.cseal(&["queue", "drop", &id]).exits(0);
    assert!(!path.exists() && home.path("queue/new/notes.txt").exists());
}

#[test]
fn a_fifo_in_the_queue_hangs_nobody() {
    let (home, _sink) = with(Manner::usual());
    let path = home.path("queue/new/0000000001-0123456789abcdef");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let started = Instant::now();
    home.flush().exits(3);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn two_at_a_time_send_one_copy() {
    let slow = |line: &str| {
        if line == "DATA" {
            thread::sleep(Duration::from_secs(2));
        }
        Deed::Usual
    };
    let (home, sink) = with(Manner::script(slow));
    home.put(1, &["bob@example.org"]);
    let mut first = home.command(&["queue", "flush"]).spawn().unwrap();
    while !sink.said().contains(&"DATA".to_owned()) {
        thread::sleep(Duration::from_millis(10));
    }
    let said = home.flush().exits(1).text();
    assert!(said.starts_with("0 sent, 1 waiting"), "{said}");
    assert!(first.wait().unwrap().success());
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn who_dies_with_a_mail_in_hand_lets_it_go() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let hang = move |line: &str| {
        let is_first = line == "DATA" && count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if is_first { Deed::Hang } else { Deed::Usual }
    };
    let (home, sink) = with(Manner::script(hang));
    home.put(1, &["bob@example.org"]);
    let mut first = home.command(&["queue", "flush"]).spawn().unwrap();
    while !sink.said().contains(&"DATA".to_owned()) {
        thread::sleep(Duration::from_millis(10));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    home.flush().exits(0);
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn who_has_the_mail_does_not_get_it_again_after_a_crash() {
    // A hundred have it, one transaction later the server hangs, and the process is killed.
    let hang = |line: &str| if line.contains("RCPT TO:<carol") { Deed::Hang } else { Deed::Usual };
    let (home, sink) = with(Manner { offers: &[], ..Manner::script(hang) });
    let people: Vec<String> =
        (0..100).map(|n| format!("bob{n}@example.org")).chain(["carol@example.org".to_owned()]).collect();
    home.put(1, &people.iter().map(String::as_str).collect::<Vec<_>>());
    let mut first = home.command(&["queue", "flush"]).spawn().unwrap();
    while !sink.said().iter().any(|line| line.contains("carol")) {
        thread::sleep(Duration::from_millis(10));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let second = Sink::start(Manner::usual());
    home.configure(&format!("smtp = \"smtp://127.0.0.1:{}\"", second.port), "");
    home.flush().exits(0);
    assert_eq!(sink.received()[0].recipients.len(), 100);
    let again: Vec<String> = second.received().into_iter().flat_map(|one| one.recipients).collect();
    assert_eq!(again, ["RCPT TO:<carol@example.org>"]);
}

#[test]
fn a_mail_that_nobody_took_for_too_long_has_failed() {
    let never =
        |line: &str| if line.starts_with("RCPT") { Deed::Say("450 4.2.0 never") } else { Deed::Usual };
    let sink = Sink::start(Manner::script(never));
    let account = format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port);
    let home = Home::new(&account, "[queue]\ngive_up = \"1s\"");
    let id = home.put(1, &["bob@example.org"]);
    thread::sleep(Duration::from_millis(1100));
    home.flush().exits(1);
    assert_eq!(home.mails("failed"), [id.as_str()]);
    assert!(home.cseal(&["queue", "show", &id]).text().contains("given up after 0 h: 450 4.2.0 never"));
}

#[test]
fn a_queue_that_others_can_read_is_refused() {
    let (home, sink) = with(Manner::usual());
    home.put(1, &["bob@example.org"]);
    fs::set_permissions(home.path("queue/new"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(home.flush().exits(3).stderr.contains("its mode must be 0700"));
    assert!(sink.said().is_empty());
}

#[test]
fn a_log_finds_its_mail_and_one_without_a_mail_goes() {
    let (home, _sink) = with(Manner::usual());
    for (name, content) in [
        ("new/0000000001-0123456789abcdef.log", "a"),
        ("new/0000000002-0123456789abcdef.log", "b"),
        ("failed/0000000002-0123456789abcdef", "c"),
    ] {
        fs::write(home.path("queue").join(name), content).unwrap();
    }
    home.flush().exits(0);
    assert!(!home.path("queue/new/0000000001-0123456789abcdef.log").exists());
    assert_eq!(fs::read(home.path("queue/failed/0000000002-0123456789abcdef.log")).unwrap(), b"b");
}

#[test]
fn what_a_dead_writer_left_goes_and_what_is_being_written_stays() {
    let (home, _sink) = with(Manner::usual());
    let (old, young) = (home.path("queue/tmp/old"), home.path("queue/tmp/young"));
    fs::write(&old, "half a m").unwrap();
    fs::write(&young, "half a m").unwrap();
    assert!(Command::new("touch").args(["-d", "2 hours ago"]).arg(&old).status().unwrap().success());
    // Their logs are there before the mails are.
    let ids = ["0000000001-0123456789abcdef", "0000000002-0123456789abcdef"];
    let logs = ids.map(|id| home.path(&format!("queue/new/{id}.log")));
    logs.iter().for_each(|log| fs::write(log, "").unwrap());
    fs::write(home.path("queue/tmp").join(ids[1]), "half a m").unwrap();
    home.flush().exits(0);
    assert!(!old.exists() && young.exists());
    assert!(!logs[0].exists() && logs[1].exists());
}

#[test]
fn json_says_where_each_mail_is_and_what_was_said() {
    let bad =
        |line: &str| if line.contains("bob") { Deed::Say("450 4.2.1 \u{1b}[2Jlater") } else { Deed::Usual };
    let (home, _sink) = with(Manner::script(bad));
    let id = home.put(1, &["bob@example.org", "carol@example.org"]);
    let flushed: serde_json::Value =
        serde_json::from_slice(&home.cseal(&["queue", "flush", "--json"]).exits(1).stdout).unwrap();
    assert_eq!((&flushed["sent"], &flushed["queued"]), (&0.into(), &1.into()));
    let listed: serde_json::Value =
        serde_json::from_slice(&home.cseal(&["queue", "list", "--json"]).exits(0).stdout).unwrap();
    let mail = &listed["mails"][0];
    assert_eq!(
        (&mail["id"], &mail["box"], &mail["sender"]),
        (&id.as_str().into(), &"new".into(), &"alice@example.org".into())
    );
    assert_eq!(mail["recipients"][1]["reply"], "450 4.2.1 ?[2Jlater");
    let dropped: serde_json::Value =
        serde_json::from_slice(&home.cseal(&["queue", "drop", &id, "--json"]).exits(0).stdout).unwrap();
    assert_eq!(dropped["ids"][0], id.as_str());
    assert!(home.cseal(&["queue", "show", &id]).exits(1).stderr.contains("there is no such mail"));
    home.cseal(&["queue", "show", "../../etc/passwd"]).exits(1);
    assert_eq!(home.cseal(&["queue", "list"]).exits(0).text(), "the queue is empty\n");
}
