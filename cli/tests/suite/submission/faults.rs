//! A mail is taken whole or not at all, and nothing that was taken is lost: killed, or with a full disk, at each system
//! call that touches a disk. Skipped, loudly, where there is no `strace` or it may not trace.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::home::{Home, MESSAGE};
use super::sink::{Manner, Sink};
use crate::people::Place;

/// What a disk is touched by.
const CALLS: [&str; 9] =
    ["write", "fsync", "fdatasync", "rename", "unlink", "flock", "pwrite64", "fallocate", "mkdir"];
/// What else a run makes, between which it may be killed.
const MORE_CALLS: [&str; 4] = ["openat", "close", "ftruncate", "setsid"];
/// More calls of one kind than any of these runs makes.
const MOST: usize = 400;

fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        eprintln!("SKIPPED: strace is not installed, or may not trace");
    }
    can
}

/// Runs a program under strace, which does something at a call of its, the first, second, … of its kind. Its exit code;
/// nothing where it was killed.
fn injected(home: &Path, program: &[&str], input: &[u8], fault: &str, log: &Path) -> Option<i32> {
    let mut child = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-o",
            &log.display().to_string(),
            "-e",
            &format!("trace={}", [&CALLS[..], &MORE_CALLS].concat().join(",")),
        ])
        .args(["-e", &format!("inject={fault}")])
        .args(program)
        .current_dir(home)
        .env("COUNTERSEAL_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait().unwrap().code()
}

/// How many mails are there; each of them whole, to its digest.
pub fn whole_mails(home: &Path) -> usize {
    let entries = fs::read_dir(home.join("queue/new"));
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let paths: Vec<_> = paths.filter(|path| path.extension().is_none()).collect();
    for path in &paths {
        let file = fs::read(path).unwrap();
        let (content, end) = file.split_at(file.len() - 69);
        let digest: String = Sha256::digest(content).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(end, format!("end {digest}\n").as_bytes());
        assert_eq!(String::from_utf8_lossy(content).matches("\"recipients\"").count(), 2, "both copies");
    }
    paths.len()
}

fn temporary(home: &Path) -> usize {
    fs::read_dir(home.join("queue/tmp")).map_or(0, Iterator::count)
}

/// To Bob, and blindly to Carol: two copies.
pub const MAIL: &[u8] = b"From: alice@example.org\nTo: bob@example.org\nSubject: x\n\nHello.\n";

pub fn sendmail() -> [&'static str; 5] {
    [env!("CARGO_BIN_EXE_cseal-sendmail"), "-odq", "-i", "bob@example.org", "carol@example.org"]
}

pub fn alice() -> Place {
    let place = Place::new();
    fs::write(place.path("alice/config.toml"), "[account.test]\nsmtp = \"lmtp:/nowhere\"\n").unwrap();
    place
}

#[test]
fn a_mail_is_taken_only_when_it_is_on_the_disk() {
    if !can_trace() {
        return;
    }
    let place = alice();
    let (home, log) = (place.path("alice"), place.path("trace"));
    assert_eq!(injected(&home, &sendmail(), MAIL, "fsync:delay_exit=1", &log), Some(0));
    assert_eq!(whole_mails(&home), 1);
    let trace = fs::read_to_string(&log).unwrap();
    let line = |what: &str, part: &str| {
        let place = trace.lines().position(|line| line.contains(what) && line.contains(part));
        place.unwrap_or_else(|| panic!("no {what} of {part} in\n{trace}"))
    };
    let queue = home.join("queue").display().to_string();
    let file = line("fsync(", &format!("{queue}/tmp/"));
    let rename = line("rename", &format!("{queue}/new/"));
    let committed = line("fsync(", &format!("{queue}/new>"));
    assert!(file < rename && rename < committed, "{trace}");
}

/// Does something for each call that a run makes: with the kind and number of a call, it answers whether there was such a call.
fn for_each_call(least: usize, run: impl FnMut(&str, usize) -> bool) {
    for_each_of(&CALLS, least, run);
}

fn for_each_of(kinds: &[&str], least: usize, mut run: impl FnMut(&str, usize) -> bool) {
    let mut calls = 0;
    for call in kinds {
        let made = (1..MOST).take_while(|number| run(call, *number)).count();
        assert!(made < MOST - 1, "it calls {call} more than {MOST} times");
        calls += made;
    }
    assert!(calls >= least, "only {calls} calls");
}

fn was_injected(log: &Path) -> bool {
    let trace = fs::read_to_string(log).unwrap();
    trace.contains("INJECTED") || trace.contains("killed by SIGKILL")
}

#[test]
fn killed_anywhere_a_mail_is_there_whole_or_not_at_all() {
    if !can_trace() {
        return;
    }
    for_each_of(&[&CALLS[..], &MORE_CALLS].concat(), 60, |call, number| {
        let place = alice();
        let (home, log) = (place.path("alice"), place.path("trace"));
        let code = injected(&home, &sendmail(), MAIL, &format!("{call}:signal=KILL:when={number}"), &log);
        let mails = whole_mails(&home);
        assert!(mails <= 1, "{call} {number}");
        assert!(code != Some(0) || mails == 1, "{call} {number}");
        was_injected(&log)
    });
}

#[test]
fn with_a_full_disk_anywhere_the_exit_code_says_the_truth() {
    if !can_trace() {
        return;
    }
    for error in ["ENOSPC", "EIO", "EDQUOT"] {
        for_each_call(10, |call, number| {
            let place = alice();
            let (home, log) = (place.path("alice"), place.path("trace"));
            let code =
                injected(&home, &sendmail(), MAIL, &format!("{call}:error={error}:when={number}"), &log);
            let mails = whole_mails(&home);
            match code {
                Some(0) => assert_eq!(mails, 1, "taken, and not there: {call} {number}"),
                Some(code) => {
                    assert_eq!(mails, 0, "refused, and there: {call} {number}");
                    // What is full today has room tomorrow: whoever called tries again. No lock ends with a full disk.
                    let is_later = error == "EIO" || call == "flock" || code == 75;
                    assert!(is_later, "{code}: {error} at {call} {number}");
                }
                None => panic!("died of {error} at {call} {number}"),
            }
            assert_eq!(temporary(&home), 0, "left over: {call} {number}");
            was_injected(&log)
        });
    }
}

#[test]
fn a_mail_survives_whatever_happens_to_whoever_sends_it() {
    if !can_trace() {
        return;
    }
    for fault in ["signal=KILL", "error=ENOSPC", "error=EIO"] {
        for_each_call(5, |call, number| {
            let sink = Sink::start(Manner::usual());
            let home = Home::new(&format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port), "");
            home.put(1, &["bob@example.org"]);
            let log = home.path("trace");
            let program = [env!("CARGO_BIN_EXE_cseal"), "queue", "flush"];
            injected(&home.path(""), &program, b"", &format!("{call}:{fault}:when={number}"), &log);
            // The next run ends what this one could not.
            home.flush().exits(0);
            let received = sink.received();
            assert!((1..=2).contains(&received.len()), "{fault} {call} {number}: {} copies", received.len());
            assert!(received.iter().all(|one| one.data == MESSAGE), "{fault} {call} {number}");
            assert!(home.mails("new").is_empty() && home.mails("failed").is_empty());
            was_injected(&log)
        });
    }
}

#[test]
fn the_text_of_a_mail_leaves_the_process_by_no_system_call() {
    if !can_trace() {
        return;
    }
    let place = alice();
    let log = place.path("trace");
    let marker = crate::sendmail::MARKER;
    let mail = [MAIL, marker.as_bytes(), b"\n"].concat();
    let mut child = Command::new("strace")
        .args(["-f", "-s", "100000", "-o", &log.display().to_string()])
        .args(sendmail())
        .env("COUNTERSEAL_HOME", place.path("alice"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&mail).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(whole_mails(&place.path("alice")), 1);
    let trace = fs::read_to_string(&log).unwrap();
    let calls: Vec<&str> = trace.lines().filter(|line| line.contains(marker)).collect();
    assert!(calls.len() == 1 && calls[0].contains(" read(0, "), "{calls:#?}");
    assert!(trace.contains("end "), "what is written is in the trace");
}

#[test]
fn no_core_file_shows_the_memory_of_whoever_reads_a_mail() {
    let place = alice();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cseal-sendmail"))
        .arg("-t")
        .env("COUNTERSEAL_HOME", place.path("alice"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(MAIL).unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    super::servers::wait_until("it has begun", || {
        let limits = fs::read_to_string(&limits).unwrap_or_default();
        let line =
            limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default().to_owned();
        line.split_whitespace().skip(4).take(2).eq(["0", "0"])
    });
    let killed = Command::new("kill").args(["-SEGV", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    let status = child.wait().unwrap();
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status}");
}
