//! `cseal-sendmail` as programs call it: what is in the queue afterwards, and what is not.

mod argv;
mod bytes;
pub mod clients;
mod dialogue;
mod policy;
mod settings;
mod told;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use crate::people::{Place, Ran};

/// What no file of the queue and no message may hold.
pub const MARKER: &str = "the-usual-place-at-half-past-twelve";

/// Alice's programs, and her queue, which nothing leaves: her server does not exist.
pub struct Outbox {
    pub place: Place,
}

/// The secret keys of everybody, as OpenSSL reads them.
static KEYS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let place = Place::new();
    let password = place.write("p12.passphrase", "correct horse\n");
    let keys = ["alice", "bob", "carol"].map(|person| {
        let (file, address) = (format!("{person}.p12"), format!("{person}@example.org"));
        let format = ["keys", "export", "--secret", "--format", "p12", "-o", &file];
        let rest = ["--new-passphrase-file", "p12.passphrase", &address];
        place.run(person, &[&format[..], &rest].concat()).exits(0);
        let mut openssl = Command::new("openssl");
        openssl.args(["pkcs12", "-nodes", "-passin", &format!("file:{}", password.display()), "-in"]);
        let ran = openssl.arg(place.path(&file)).output().unwrap();
        assert!(ran.status.success());
        (person, String::from_utf8(ran.stdout).unwrap())
    });
    HashMap::from(keys)
});

/// One message of the queue.
pub struct Unit {
    pub recipients: BTreeSet<String>,
    pub sender: String,
    pub envelope: serde_json::Value,
    pub message: String,
}

/// One mail of the queue.
pub struct Queued {
    pub envelope: serde_json::Value,
    pub units: Vec<Unit>,
}

impl Queued {
    /// Everybody who gets a copy, each as often as they get one.
    pub fn recipients(&self) -> Vec<String> {
        let mut all: Vec<String> = self.units.iter().flat_map(|unit| unit.recipients.clone()).collect();
        all.sort();
        all
    }
}

impl Outbox {
    pub fn new() -> Self {
        let place = Place::new();
        let nowhere = place.path("no-server");
        let config = format!(
            "[account.test]\nsmtp = \"lmtp:{}\"\n[sendmail]\ndomain = \"example.org\"\naliases = \"{}\"\n",
            nowhere.display(),
            place.write("aliases", "root: bob@example.org, carol\nprogram: |/bin/true\n").display()
        );
        place.write("alice/config.toml", config);
        Self { place }
    }

    /// Runs a program by its name with Alice's store, in a session of its own.
    pub fn run_as(&self, program: &Path, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(program, arguments).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(stderr).expect("standard error is UTF-8");
        Ran { code: status.code().expect("ended by itself"), stdout, stderr }
    }

    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.place.path(""))
            .env("COUNTERSEAL_HOME", self.place.path("alice"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn send(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        self.run_as(program(), arguments, input.as_ref())
    }

    /// Sends, and gives the one mail that the queue holds then.
    #[track_caller]
    pub fn queued(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Queued {
        let ran = self.send(arguments, input).exits(0);
        assert_eq!((ran.text().as_str(), ran.stderr.as_str()), ("", ""), "success is silent");
        self.only("new")
    }

    /// All mails of a box, the oldest first.
    pub fn mails(&self, name: &str) -> Vec<Queued> {
        let Ok(entries) = fs::read_dir(self.place.path("alice/queue").join(name)) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_none());
        files.sort();
        files.iter().map(|path| read(path)).collect()
    }

    #[track_caller]
    pub fn only(&self, name: &str) -> Queued {
        let mut mails = self.mails(name);
        assert_eq!(mails.len(), 1, "one mail in {name}");
        mails.remove(0)
    }

    #[track_caller]
    pub fn holds_nothing(&self) {
        for name in ["new", "held", "failed", "tmp"] {
            assert_eq!(self.mails(name).len(), 0, "a mail in {name}");
        }
    }

    pub fn clear(&self) {
        let _ = fs::remove_dir_all(self.place.path("alice/queue"));
    }

    /// What OpenSSL makes of a message with the keys of somebody, without the signed layer.
    pub fn opened(&self, person: &str, message: &str) -> Option<String> {
        let text = &KEYS[person];
        let sealed = self.place.write("sealed.eml", message);
        text.split("-----BEGIN PRIVATE KEY-----").skip(1).find_map(|key| {
            let key = self.place.write("one.key", format!("-----BEGIN PRIVATE KEY-----{key}"));
            let mut openssl = Command::new("openssl");
            openssl.args(["cms", "-decrypt", "-in"]).arg(&sealed).arg("-inkey").arg(key);
            let ran = openssl.output().unwrap();
            ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap())
        })
    }

    /// Holds a mail to what every mail must be: sealed, each copy readable by those it is for and by nobody who
    /// is blind to others, without Bcc, with a Date and a Message-ID.
    #[track_caller]
    pub fn check_sealed(&self, queued: &Queued, body: &str) {
        for unit in &queued.units {
            let (header, _) = unit.message.split_once("\r\n\r\n").unwrap();
            let header = format!("\r\n{}", header.to_ascii_lowercase());
            assert!(!header.contains("\r\nbcc") && !header.contains("\r\nresent-bcc"), "{header}");
            assert!(header.contains("\r\ndate:"), "{header}");
            assert!(header.contains("\r\nmessage-id:"), "{header}");
            assert!(header.contains("application/pkcs7-mime"), "{header}");
            assert!(!unit.message.contains(MARKER));
            for address in &unit.recipients {
                let person = address.split('@').next().unwrap();
                let opened = self.opened(person, &unit.message).expect("its reader opens it");
                assert!(opened.replace("\r\n", "\n").contains(body), "{body:?}: {opened}");
                let inner = opened.to_ascii_lowercase();
                for dropped in ["bcc", "resent-bcc", "return-path", "content-length"] {
                    assert!(!inner.contains(&format!("\n{dropped}:")), "{opened}");
                }
            }
        }
        let stored = fs::read_dir(self.place.path("alice/queue/new")).unwrap();
        for entry in stored {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()), "plaintext");
        }
    }
}

pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cseal-sendmail"))
}

/// Reads a file of the queue, as `docs/formats/queue.md` says it.
fn read(path: &Path) -> Queued {
    let bytes = fs::read(path).unwrap();
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let length: usize =
        std::str::from_utf8(&bytes[..line]).unwrap().split(' ').next_back().unwrap().parse().unwrap();
    let envelope: serde_json::Value = serde_json::from_slice(&bytes[line + 1..][..length]).unwrap();
    let mut rest = &bytes[line + 1 + length + 1..];
    let units = envelope["units"].as_array().unwrap().iter().map(|unit| {
        let (message, after) = rest.split_at(unit["bytes"].as_u64().unwrap() as usize);
        rest = after;
        let recipients = unit["recipients"].as_array().unwrap().iter();
        Unit {
            recipients: recipients.map(|one| one["address"].as_str().unwrap().to_owned()).collect(),
            sender: unit["sender"].as_str().unwrap().to_owned(),
            envelope: unit.clone(),
            message: String::from_utf8(message.to_vec()).unwrap(),
        }
    });
    let units = units.collect();
    assert!(rest.starts_with(b"end "));
    Queued { envelope, units }
}
