//! A command that asks: events on its standard output, answers on its standard input.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::people::Place;

/// How long something may take that takes moments.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running command.
pub struct Talk<'p> {
    child: Child,
    input: ChildStdin,
    events: Receiver<Value>,
    /// What came and was not asked for yet.
    waiting: Vec<Value>,
    _place: &'p Place,
}

impl<'p> Talk<'p> {
    /// Begins a command with somebody's store, without a terminal.
    pub fn begin(place: &'p Place, home: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_cseal")]).args(arguments);
        command.current_dir(place.path("")).env("COUNTERSEAL_HOME", place.path(home));
        Self::of(place, command)
    }

    /// Begins this command, whose files are in the folder.
    pub fn of(place: &'p Place, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, events) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap_or(Value::String(line))).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        Self { child, input, events, waiting: Vec::new(), _place: place }
    }

    /// The next event of this kind.
    #[track_caller]
    pub fn event(&mut self, kind: &str) -> Value {
        self.find(|event| event["event"] == kind).unwrap_or_else(|| self.missing(kind))
    }

    /// The next question of this kind.
    #[track_caller]
    pub fn asked(&mut self, kind: &str) -> Value {
        self.find(|event| event["event"] == "ask" && event["ask"] == kind)
            .unwrap_or_else(|| self.missing(kind))
    }

    fn find(&mut self, is_meant: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(index) = self.waiting.iter().position(&is_meant) {
            return Some(self.waiting.remove(index));
        }
        while let Ok(event) = self.events.recv_timeout(PATIENCE) {
            if is_meant(&event) {
                return Some(event);
            }
            self.waiting.push(event);
        }
        None
    }

    #[track_caller]
    fn missing(&mut self, kind: &str) -> ! {
        let _ = self.child.kill();
        let mut said = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut said);
        panic!("no {kind} came, but {:?}\n{said}", self.waiting);
    }

    /// Answers a question.
    pub fn say(&mut self, line: &str) {
        // Who ended meanwhile does not listen any more.
        let _ = writeln!(self.input, "{line}");
    }

    /// Waits for its end; answers with what it said on standard error.
    #[track_caller]
    pub fn ends(mut self, code: i32) -> String {
        drop(self.input);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let ended = self.child.wait().unwrap();
        let rest: Vec<Value> = self.events.try_iter().collect();
        assert_eq!(ended.code(), Some(code), "{said}\n{:?}\n{rest:?}", self.waiting);
        said
    }

    /// Ends it from outside.
    pub fn stop(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
