//! How an agent is, in words and as JSON.

use serde::Serialize;

use super::json::line;
use crate::agent::State;
use crate::failure::Failure;
use crate::terminal;

#[derive(Serialize)]
struct StatusObject {
    version: u32,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<u64>,
}

/// Whether it runs, and for how long.
pub(crate) fn status(state: Option<&State>, json: bool) -> Result<(), Failure> {
    let object = StatusObject {
        version: 1,
        running: state.is_some(),
        process: state.map(|state| state.process),
        seconds: state.map(|state| state.seconds),
        operations: state.map(|state| state.operations),
    };
    print(&match state {
        _ if json => line(&object),
        None => "no agent is running: each command asks for the passphrase".to_owned(),
        Some(State { process, seconds, operations }) => {
            let minutes = seconds.div_ceil(60);
            format!("unlocked for {minutes} min more, process {process}, {operations} operations so far")
        }
    })
}

/// Whether one had to be locked.
pub(crate) fn locked(was_running: bool, json: bool) -> Result<(), Failure> {
    let object = StatusObject { version: 1, running: false, process: None, seconds: None, operations: None };
    print(&match was_running {
        _ if json => line(&object),
        true => "locked: the agent has ended".to_owned(),
        false => "no agent was running".to_owned(),
    })
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::print(&format!("{text}\n")).map_err(|error| Failure::io("standard output", &error))
}
