//! Files: whole or not at all, nothing replaced, nobody else's business.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::people::{MAIL, Place};

const WITH_ATTACHMENTS: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n\
    --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment; filename=\"../../evil.sh\"\r\n\r\naGVsbG8=\r\n\
    --b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nnotes\r\n--b--\r\n";

#[test]
fn attachments_are_saved_inside_their_directory_and_nowhere_else() {
    let place = Place::new();
    let (head, _) = MAIL.split_once("MIME-Version").unwrap();
    place.write("mail.eml", format!("{head}{WITH_ATTACHMENTS}"));
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(0);
    fs::create_dir(place.path("deep")).unwrap();
    place.write("notes.txt", "mine");
    let arguments = ["decrypt", "--json", "--extract", "deep/saved", "-o", "read.eml", "out.eml"];
    let status = place.run("bob", &arguments).exits(0).json();
    assert_eq!(status["extracted"].as_array().unwrap().len(), 2);
    assert_eq!(place.read("deep/saved/evil.sh"), b"hello");
    assert_eq!(place.read("deep/saved/notes.txt").trim_ascii_end(), b"notes");
    let mode = fs::metadata(place.path("deep/saved/evil.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = ["decrypt", "--extract", "deep/saved", "-o", "again.eml", "out.eml"];
    place.run("bob", &again).exits(0);
    assert_eq!(fs::read_dir(place.path("deep/saved")).unwrap().count(), 4, "nothing was overwritten");
    assert!(!place.path("evil.sh").exists());
}

#[test]
fn a_file_that_exists_is_kept_unless_told_otherwise() {
    let place = Place::new();
    place.write("out.eml", "mine");
    let refused = place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml"]).exits(3);
    assert!(refused.stderr.contains("--overwrite"));
    assert_eq!(place.read("out.eml"), b"mine");
    place.run("alice", &["encrypt", "mail.eml", "-o", "out.eml", "--overwrite"]).exits(0);
    assert_ne!(place.read("out.eml"), b"mine");
}

#[test]
fn what_is_made_is_the_owners_alone_whatever_the_umask() {
    let place = Place::new();
    let script = format!(
        "umask 000; COUNTERSEAL_HOME=open {0} init eve@example.org --no-passphrase --algorithm p-256 &&
         COUNTERSEAL_HOME=open {0} keys export eve@example.org -o eve.pem",
        env!("CARGO_BIN_EXE_cseal")
    );
    let status = Command::new("sh").args(["-c", &script]).current_dir(place.path("")).status().unwrap();
    assert!(status.success());
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("open"), mode("open/store.sqlite3"), mode("eve.pem")), (0o700, 0o600, 0o600));
}

#[test]
fn no_temporary_file_stays_after_a_failure() {
    let place = Place::new();
    place.write("broken.p7m", [0x30, 0x82, 0x03, 0xE8, 6, 9, 0x2A]);
    let before = fs::read_dir(place.path("")).unwrap().count();
    place.run("bob", &["decrypt", "--cms", "-o", "read", "broken.p7m"]).exits(3);
    place.run("bob", &["decrypt", "-o", "read", "mail.eml"]).exits(3);
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), before);
}
