//! Finding and running programs.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// Done, or why not: exit code and what the program said.
pub type Outcome = Result<(), String>;

/// Whether a peer can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It does.
    Works,
    /// It is asked and must fail, for this reason. When it learns, the table wants a change.
    Fails(&'static str),
    /// It has no way to be asked.
    NoWay(&'static str),
}

/// Runs a program to its end; anything but exit code 0 is an error that quotes what it said.
pub fn run(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(4).collect();
    Err(format!("{} says: {}", output.status, last.into_iter().rev().collect::<Vec<_>>().join(" / ")))
}

/// The full path of a program, looked up in `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// What `scripts/install-test-tools` puts outside the clone.
pub fn cache(file: &str) -> PathBuf {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
    };
    base.join("counterseal").join(file)
}

/// Says that a peer is missing, and fails where the tests were told that all of them must be there.
pub fn missing(peer: &str) {
    eprintln!("SKIPPED: {peer} is not installed; scripts/install-test-tools installs it");
    assert_ne!(
        std::env::var("COUNTERSEAL_REQUIRE_PEERS").as_deref(),
        Ok("1"),
        "{peer} is missing and COUNTERSEAL_REQUIRE_PEERS=1"
    );
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A peer whose start is slow: one process answers line by line.
pub struct Server(Mutex<(Child, ChildStdin, BufReader<ChildStdout>)>);

impl Server {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self(Mutex::new((child, requests, answers)))
    }

    /// Sends the fields of one request, and waits for its answer.
    pub fn ask(&self, fields: &[&str]) -> Outcome {
        let mut server = self.0.lock().unwrap();
        writeln!(server.1, "{}", fields.join("\t")).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        server.2.read_line(&mut answer).map_err(|error| error.to_string())?;
        match answer.trim_end() {
            "ok" => Ok(()),
            "" => Err("the peer has died".to_owned()),
            other => Err(other.to_owned()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok((child, ..)) = self.0.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
