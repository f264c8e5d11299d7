//! Many questions, one JSON object a line; the answers come in the same order, one a line.

use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use counterseal_core::address::StrongAddress;
use counterseal_core::time::Time;
use serde::Deserialize;

use super::Question;
use super::ground::Ground;
use super::web::{self, Asked, Binding};
use crate::args;
use crate::clock;
use crate::commands::{store, strong};
use crate::failure::{Exit, Failure};
use crate::render::failure;
use crate::render::trust::{openpgp, show};
use crate::terminal;

/// Bytes of one question.
const LINE_BYTES: u64 = 64 << 10;

/// A question as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    address: String,
    certificate: Option<PathBuf>,
    fingerprint: Option<String>,
    user_id: Option<String>,
    at: Option<String>,
}

/// Answers every line. A question that cannot be answered gets an error in its place, and the next
/// one is answered all the same.
pub(super) fn run(arguments: &args::TrustShow, now: Time) -> Result<Exit, Failure> {
    let (web, reliances) = (web::read(&arguments.keyrings)?, web::reliances(&arguments.rely)?);
    let given = Ground::of(arguments, None)?;
    let mut grounds = Grounds { arguments, given, stored: None, asked: Asked::new(&web, &reliances) };
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        match read.map_err(|error| Failure::io("standard input", &error))? {
            0 => return Ok(Exit::Done),
            read if read as u64 == LINE_BYTES && line.last() != Some(&b'\n') => {
                return Err(Failure::usage("a question is longer than 64 KiB"));
            }
            _ => {}
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = grounds.answer(&line, now).unwrap_or_else(|failure| failure::json(&failure));
        terminal::print(&format!("{answer}\n")).map_err(|error| Failure::io("standard output", &error))?;
    }
}

/// A question that names a certificate leaves the store out; the store is opened once, by the first
/// that does not.
struct Grounds<'a> {
    arguments: &'a args::TrustShow,
    given: Ground,
    stored: Option<Ground>,
    asked: Asked<'a>,
}

impl Grounds<'_> {
    fn answer(&mut self, line: &[u8], now: Time) -> Result<String, Failure> {
        let line: Line = serde_json::from_slice(line)
            .map_err(|error| Failure::usage("this is no question").because(error))?;
        let StrongAddress { address, demand } = strong::parse(&line.address)?;
        let at = line.at.map_or(Ok(now), |typed| clock::parse("at", &typed))?;
        if let Some(fingerprint) = &line.fingerprint {
            let binding = Binding::of(address, fingerprint, line.user_id, at)?;
            return Ok(openpgp::json(&self.asked.answer(&binding)?));
        }
        let question = Question { address, demand, certificate: line.certificate, at };
        if question.certificate.is_none() && self.stored.is_none() {
            self.stored = Some(Ground::of(self.arguments, Some(&store::open()?))?);
        }
        let stored = self.stored.as_ref().filter(|_| question.certificate.is_none());
        let answer = stored.unwrap_or(&self.given).answer(&question, &mut self.asked)?;
        Ok(show::json(&answer))
    }
}
