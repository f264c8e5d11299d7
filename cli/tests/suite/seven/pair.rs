//! A machine becomes one of Alice's devices, by each of the ways.

use std::process::Command;

use serde_json::Value;

use super::machine::Machines;
use crate::talk::Talk;

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_else(|| panic!("{event}")).to_owned()
}

fn join<'m>(machines: &'m Machines, new: &str, how: &[&str]) -> Talk<'m> {
    let head = ["device", "join", "--json", "--name", new, "--no-passphrase"];
    machines.talk(new, &[&head, how].concat())
}

fn add<'m>(machines: &'m Machines, old: &str, role: &str, how: &[&str]) -> Talk<'m> {
    machines.talk(old, &[&["device", "add", "--json", "--role", role][..], how].concat())
}

/// The picture of a code on the new screen, read by another decoder than ours. It says by which relay.
#[track_caller]
pub fn by_picture(machines: &Machines, old: &str, new: &str, role: &str, ways: &[&str]) {
    let picture = format!("{new}.png");
    let mut joining = join(machines, new, &[ways, &["--save-code", &picture]].concat());
    let shown = text(&joining.event("code"), "code");
    let read = Command::new("zbarimg")
        .args(["--quiet", "--raw", "-Sbinary", &picture])
        .current_dir(machines.place.path(""))
        .output()
        .unwrap();
    let code = String::from_utf8(read.stdout).unwrap();
    assert_eq!(code.trim_end(), shown, "{}", String::from_utf8_lossy(&read.stderr));
    let mut adding = add(machines, old, role, &["--paste"]);
    adding.asked("code");
    adding.say(code.trim_end());
    let digits = text(&adding.event("digits"), "digits");
    adding.asked("approve");
    adding.say("y");
    joining.asked("digits");
    joining.say(&digits);
    end(joining, adding, role);
}

/// Words on the new screen, typed on the old one.
#[track_caller]
pub fn by_words(machines: &Machines, old: &str, new: &str, role: &str, ways: &[&str]) {
    let mut joining = join(machines, new, &[ways, &["--words"]].concat());
    let words = text(&joining.event("words"), "words");
    let mut adding = add(machines, old, role, &[ways, &["--typed"]].concat());
    adding.asked("words");
    adding.say(&words);
    let digits = text(&joining.event("digits"), "digits");
    joining.asked("confirm");
    joining.say("y");
    adding.asked("digits");
    adding.say(&digits);
    adding.asked("approve");
    adding.say("y");
    end(joining, adding, role);
}

#[track_caller]
fn end(mut joining: Talk<'_>, mut adding: Talk<'_>, role: &str) {
    assert_eq!(joining.event("joined")["role"], role);
    assert_eq!(adding.event("added")["acknowledged"], true);
    joining.ends(0);
    adding.ends(0);
}

/// Two files, which somebody carries; no wire is needed.
#[track_caller]
pub fn by_files(machines: &Machines, old: &str, new: &str, role: &str) {
    carry_files(|host, arguments| machines.talk(host, arguments), old, new, role);
}

/// The same, wherever commands are run.
#[track_caller]
pub fn carry_files<'p>(talk: impl Fn(&str, &[&str]) -> Talk<'p>, old: &str, new: &str, role: &str) {
    let [request, answer] = ["request", "answer"].map(|file| format!("{new}.{file}"));
    let join = ["device", "join", "--json", "--name", new, "--no-passphrase", "--file", &request];
    let mut joining = talk(new, &join);
    let words = text(&joining.event("fingerprint"), "words");
    joining.ends(0);
    let add = ["device", "add", "--json", "--role", role, "--file", &request, "--answer", &answer];
    let mut adding = talk(old, &add);
    assert_eq!(text(&adding.event("fingerprint"), "words"), words);
    adding.asked("fingerprint");
    adding.say("y");
    adding.asked("approve");
    adding.say("y");
    let words = text(&adding.event("answer-words"), "words");
    adding.ends(0);
    let mut joining = talk(new, &["device", "join", "--json", "--answer", &answer]);
    joining.asked("answer-words");
    joining.say(&words);
    assert_eq!(joining.event("joined")["role"], role);
    joining.ends(0);
}
