//! Load for a relay, as a population of devices makes it: polls that mostly find nothing, and puts. It waits for nobody: a
//! request is due at its time, and what it takes is counted from then.
//!
//! ```text
//! relay_load fill relay.db BOXES                  makes boxes in a file, without a relay
//! relay_load run ADDRESS BOXES POLLS PUTS SECONDS CONNECTIONS [FIRST]
//! ```
//!
//! `run` prints one line of JSON: counts, rates, and percentiles in milliseconds.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod load;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["fill", path, boxes] => fill(path, boxes),
        ["run", address, rest @ ..] => run(address, rest),
        _ => Err("relay_load fill FILE BOXES | run ADDRESS BOXES POLLS PUTS SECONDS CONNECTIONS [FIRST]"
            .to_owned()),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn fill(path: &str, boxes: &str) -> Result<String, String> {
    let seconds = load::fill(path.as_ref(), number(boxes)?)?;
    Ok(format!("{{\"boxes\":{boxes},\"seconds\":{seconds:.1}}}"))
}

fn run(address: &str, words: &[&str]) -> Result<String, String> {
    let ([boxes, polls, puts, seconds, connections] | [boxes, polls, puts, seconds, connections, _]) = words
    else {
        return Err("run ADDRESS BOXES POLLS PUTS SECONDS CONNECTIONS [FIRST]".to_owned());
    };
    let load = load::Load {
        address: address.parse().map_err(|_| format!("{address}: no address"))?,
        boxes: number(boxes)?,
        polls: number(polls)?,
        puts: number(puts)?,
        seconds: number(seconds)?,
        connections: number(connections)?,
        first: words.get(5).map_or(Ok(0), |first| number(first))?,
    };
    load.run().map(|report| report.to_json())
}

fn number(typed: &str) -> Result<u64, String> {
    typed.parse().map_err(|_| format!("{typed}: no number"))
}
