//! People with key stores of their own, made once for all tests, and copied for each.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, OnceLock};

use tempfile::TempDir;

/// A mail of now: one that is signed a day after its Date is not verified without a remark.
pub static MAIL: LazyLock<String> = LazyLock::new(|| {
    let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!(
        "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\n\
         Subject: Secret plans\r\nDate: {now}\r\nMessage-ID: <1@example.org>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Bob,\r\nlet us meet.\r\n"
    )
});

/// A folder in which people have their homes and their files.
pub struct Place {
    directory: TempDir,
}

/// Alice, Bob and Carol, who know each other's certificates; Alice and Bob compared fingerprints.
static MADE: OnceLock<TempDir> = OnceLock::new();

impl Place {
    /// A copy of the folder, for one test.
    pub fn new() -> Self {
        let made = MADE.get_or_init(make);
        let directory = tempfile::tempdir().unwrap();
        copy(made.path(), directory.path());
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs cseal with somebody's store, in the folder, without a terminal.
    pub fn run(&self, person: &str, arguments: &[&str]) -> Ran {
        run(self.directory.path(), person, arguments, b"")
    }

    /// The same, with bytes on standard input.
    pub fn pipe(&self, person: &str, arguments: &[&str], input: &[u8]) -> Ran {
        run(self.directory.path(), person, arguments, input)
    }

    /// A store whose keys the CA of an organisation certified, which is made with it: `HOME.ca.pem`. Others find
    /// the certificate in `HOME.pem`.
    #[track_caller]
    pub fn employee(&self, home: &str, address: &str) {
        let named = |end: &str| format!("{home}.{end}");
        let (authority, key, leaf) = (named("ca.pem"), named("key"), named("pem"));
        let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj"];
        let is_authority = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let files = ["-keyout", &named("ca.key"), "-out", &authority];
        self.openssl(&[&new[..], &["/O=Example/CN=Employer"], &is_authority, &files].concat());
        let names = format!("subjectAltName=email:{address}");
        let usage = "keyUsage=critical,digitalSignature,keyEncipherment";
        let extensions =
            ["-addext", &names, "-addext", usage, "-addext", "basicConstraints=critical,CA:FALSE"];
        let issuer = ["-CA", &authority, "-CAkey", &named("ca.key"), "-keyout", &key, "-out", &leaf];
        self.openssl(&[&new[..], &["/O=Example/CN=Employee"], &extensions, &issuer].concat());
        self.write("p12.passphrase", "correct horse\n");
        let sealed = ["-passout", "file:p12.passphrase", "-out", &named("p12")];
        let content = ["pkcs12", "-export", "-inkey", &key, "-in", &leaf, "-certfile", &authority];
        self.openssl(&[&content[..], &sealed].concat());
        let elsewhere = format!("{home}@example.net");
        self.run(home, &["init", &elsewhere, "--no-passphrase", "--algorithm", "rsa-2048"]).exits(0);
        let import = ["keys", "import", &named("p12"), "--passphrase-file", "p12.passphrase"];
        self.run(home, &import).exits(0);
    }

    #[track_caller]
    fn openssl(&self, arguments: &[&str]) {
        let ran = Command::new("openssl").args(arguments).current_dir(self.path("")).output().unwrap();
        assert!(ran.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// The same as [`Place::run`], with a variable of the environment.
    pub fn run_with(&self, variable: (&str, &Path), person: &str, arguments: &[&str]) -> Ran {
        run_with(Some(variable), self.directory.path(), person, arguments, b"")
    }
}

/// What came of running cseal.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    /// Holds it to its exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.text(), self.stderr);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The one JSON object on standard error.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {}", self.stderr))
    }
}

fn run(directory: &Path, person: &str, arguments: &[&str], input: &[u8]) -> Ran {
    run_with(None, directory, person, arguments, input)
}

fn run_with(
    variable: Option<(&str, &Path)>,
    directory: &Path,
    person: &str,
    arguments: &[&str],
    input: &[u8],
) -> Ran {
    // A session of its own has no terminal, wherever the tests are run.
    let mut child = Command::new("setsid")
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_cseal"))
        .args(arguments)
        .current_dir(directory)
        .env("COUNTERSEAL_HOME", directory.join(person))
        .env_remove("NO_COLOR")
        .envs(variable)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).expect("standard error is UTF-8");
    Ran { code: status.code().expect("ended by itself"), stdout, stderr }
}

fn make() -> TempDir {
    let made = tempfile::tempdir().unwrap();
    let run = |person: &str, arguments: &[&str]| run(made.path(), person, arguments, b"").exits(0);
    fs::write(made.path().join("mail.eml"), MAIL.as_str()).unwrap();
    for person in ["alice", "bob", "carol"] {
        let address = format!("{person}@example.org");
        // Smaller keys than usual: making them is what these tests spend their time on.
        let made_keys = run(person, &["init", &address, "--no-passphrase", "--algorithm", "rsa-2048"]);
        let fingerprint = made_keys.text().split_whitespace().next().unwrap().to_owned();
        fs::write(made.path().join(format!("{person}.fingerprint")), fingerprint).unwrap();
        run(person, &["keys", "export", &address, "-o", &format!("{person}.pem")]);
    }
    for (person, other) in [("alice", "bob"), ("bob", "alice")] {
        let fingerprint = fs::read_to_string(made.path().join(format!("{other}.fingerprint"))).unwrap();
        run(person, &["keys", "import", &format!("{other}.pem"), "--pin", &fingerprint]);
    }
    run("alice", &["keys", "import", "carol.pem"]);
    run("carol", &["keys", "import", "alice.pem"]);
    made
}

/// Copies what is in one folder into another.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
