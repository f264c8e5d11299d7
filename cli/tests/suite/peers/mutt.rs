//! The keys that the README gives to mutt.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::command::{find, missing, repository, run};
use super::cseal::Cseal;
use super::people::People;

#[test]
fn mutt_opens_a_mail_with_the_macro_of_the_readme() {
    if find("mutt").is_none() || find("script").is_none() {
        return missing("mutt");
    }
    let people = People::all().unwrap();
    let scratch = people.scratch("mutt");
    let file = |name: &str| scratch.join(name);
    let mut encrypt = Cseal::new(people).command("encrypt");
    encrypt.args(["--certificate", &people.file("bob-rsa.pem"), "--no-sign", "--overwrite", "-o"]);
    run(encrypt.arg(file("sealed")).arg(repository().join("testdata/mail/plain.eml"))).unwrap();
    let sealed = fs::read(file("sealed")).unwrap();
    fs::write(
        file("box"),
        [b"From alice@example.org Sat Nov 21 12:00:00 2026\n", &sealed[..], b"\n"].concat(),
    )
    .unwrap();
    // mutt runs `cseal`; this one has no store, so it is told the key, and keeps what it says.
    let program = format!(
        "#!/bin/sh\n'{}' \"$@\" --key '{}' --certificate '{}' > '{}' 2> '{}'\n",
        env!("CARGO_BIN_EXE_cseal"),
        people.file("bob-rsa.key.pem"),
        people.file("bob-rsa.pem"),
        file("opened").display(),
        file("words").display(),
    );
    fs::write(file("cseal"), program).unwrap();
    fs::set_permissions(file("cseal"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(file("muttrc"), muttrc() + "set wait_key=no\nset folder=.\n").unwrap();
    let mutt = "mutt -n -F muttrc -f box -e 'push <Esc>d<exit>'";
    let path = format!("{}:{}", scratch.display(), std::env::var("PATH").unwrap());
    let mut terminal = Command::new("timeout");
    terminal.args(["60", "script", "-qec", mutt, "/dev/null"]).current_dir(&scratch);
    run(terminal.env("PATH", path).env("TERM", "xterm").env("HOME", &scratch)).unwrap();
    let opened = fs::read_to_string(file("opened")).unwrap();
    assert!(opened.contains("the usual place at half past twelve?"), "{opened}");
    assert!(fs::read_to_string(file("words")).unwrap().contains("ENCRYPTED"));
}

/// The block of the README that has the macros.
fn muttrc() -> String {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let mut blocks = readme.split("```").skip(1).step_by(2);
    blocks
        .find(|block| block.contains("macro index,pager"))
        .expect("the README has macros for mutt")
        .to_owned()
}
