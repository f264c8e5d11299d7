//! Disks that are really full: small ones of the test's own, mounted where nobody else sees them. It takes root.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::faults::{alice, sendmail, whole_mails};
use super::home::Home;
use super::sink::{Deed, Manner, Sink};
use crate::people::Place;

/// A file system of 300 kB.
pub const MEMORY: &str = "mount -t tmpfs -o size=300k,mode=700 none DISK";
/// An ext4 in a file.
const EXT4: &str = "truncate -s 2M image && mkfs.ext4 -q -F -O ^has_journal -m 0 image && mount -o loop image DISK && chmod 700 DISK";

/// Runs a script that may mount, with `$DISK` a small disk. Nothing, said loudly, where that is not possible.
pub fn with_disk(place: &Path, disk: &Path, kind: &str, script: &str) -> Option<String> {
    let mount = kind.replace("DISK", "\"$DISK\"");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script]).current_dir(place).env("DISK", disk);
        command.env("COUNTERSEAL_HOME", place.join("alice")).stdin(Stdio::null()).output().unwrap()
    };
    if !run(&mount).status.success() {
        eprintln!("SKIPPED: a full disk: only root mounts one ({kind})");
        return None;
    }
    let ran = run(&format!("{mount} || exit 99\n{script}"));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{said}");
    Some(String::from_utf8(ran.stdout).unwrap())
}

/// Sends until it is refused. The codes are in the file `codes`; the queue, as it is then, in `saved`; a flush with the disk
/// full to its last block, another, and one with room again follow.
fn script() -> String {
    let send = sendmail().map(|word| format!("'{word}'")).join(" ");
    let cseal = env!("CARGO_BIN_EXE_cseal");
    format!(
        "n=0
         while [ $n -lt 500 ]; do
             {send} < mail 2>> said; code=$?; echo $code >> codes; n=$((n + 1))
             [ $code = 0 ] || break
         done
         mkdir -p saved/queue; cp -a \"$DISK\"/. saved/queue/
         cat /dev/zero > \"$DISK/filler\" 2> /dev/null
         {send} < mail 2>> said; echo $? >> codes
         {cseal} queue list > /dev/null || exit 1
         {cseal} queue flush > full.1 2>&1
         {cseal} queue flush > full.2 2>&1
         rm -f \"$DISK/filler\"
         {cseal} queue flush > room 2>&1; echo $?
         ls \"$DISK/new\" \"$DISK/failed\" \"$DISK/tmp\""
    )
}

#[test]
fn a_disk_that_is_really_full_refuses_what_is_new_and_keeps_what_is_old() {
    for kind in [MEMORY, EXT4] {
        let place = alice();
        let sink = Sink::start(Manner::usual());
        let config = format!("[account.test]\nsmtp = \"smtp://127.0.0.1:{}\"\n", sink.port);
        place.write("alice/config.toml", config);
        place.write("mail", super::faults::MAIL);
        let disk = place.path("alice/queue");
        fs::create_dir(&disk).unwrap();
        let Some(end) = with_disk(&place.path(""), &disk, kind, &script()) else { return };
        let codes = String::from_utf8(place.read("codes")).unwrap();
        let codes: Vec<&str> = codes.lines().collect();
        let taken = codes.iter().filter(|code| **code == "0").count();
        assert!(taken > 3 && codes[taken..] == ["75", "75"], "{codes:?}");
        assert_eq!(
            whole_mails(&place.path("saved")),
            taken,
            "what was taken is there, whole, and nothing else"
        );
        assert_eq!(fs::read_dir(place.path("saved/queue/tmp")).unwrap().count(), 0);
        let said = String::from_utf8(place.read("said")).unwrap();
        assert!(said.contains("no space left on the disk"), "{said}");
        every_copy_arrived_once(&place, &sink, taken, &end);
    }
}

/// Nobody got a mail twice, also where it could not be written down that they have it.
#[track_caller]
fn every_copy_arrived_once(place: &Place, sink: &Sink, mails: usize, end: &str) {
    let said = ["full.1", "full.2", "room"].map(|name| String::from_utf8(place.read(name)).unwrap());
    let received = sink.received();
    let mut copies: Vec<_> = received.iter().map(|one| (one.recipients.clone(), one.data.clone())).collect();
    copies.sort();
    copies.dedup();
    assert_eq!((received.len(), copies.len()), (2 * mails, 2 * mails), "two copies of each: {said:?}");
    assert!(end.starts_with("0\n"), "{end}{said:?}");
    assert!(!end.contains('-'), "nothing is left: {end}");
}

#[test]
fn a_full_disk_under_the_mailbox_costs_the_report_and_not_the_mail() {
    let sink = Sink::start(Manner::script(|line| {
        if line.starts_with("RCPT") { Deed::Say("550 5.1.1 no such user") } else { Deed::Usual }
    }));
    let disk = tempfile::tempdir().unwrap();
    let home = Home::new("smtp = \"lmtp:/x\"", "");
    let maildir = disk.path().join("Maildir");
    home.configure(
        &format!("smtp = \"smtp://127.0.0.1:{}\"", sink.port),
        &format!("[queue]\nmaildir = \"{}\"", maildir.display()),
    );
    let id = home.put(1, &["bob@example.org"]);
    let before = fs::read(home.path("queue/new").join(&id)).unwrap();
    let script = format!(
        "mkdir -p \"$DISK\"/Maildir/new \"$DISK\"/Maildir/cur \"$DISK\"/Maildir/tmp
         cat /dev/zero > \"$DISK/filler\" 2> /dev/null
         COUNTERSEAL_HOME={} {} queue flush > /dev/null; echo $?; ls -A \"$DISK\"/Maildir/*",
        home.path("").display(),
        env!("CARGO_BIN_EXE_cseal")
    );
    let Some(said) = with_disk(&home.path(""), disk.path(), MEMORY, &script) else { return };
    assert!(said.starts_with("1\n"), "{said}");
    assert_eq!(home.mails("failed"), [id.as_str()]);
    assert_eq!(fs::read(home.path("queue/failed").join(&id)).unwrap(), before);
    assert!(home.cseal(&["queue", "show", &id]).exits(0).text().contains("550 5.1.1 no such user"));
}
