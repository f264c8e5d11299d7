//! What is in other programs, in words and as JSON.

use serde::Serialize;

use super::counted;
use super::json::line;
use crate::args::Report;
use crate::commands::device::install::Installed;
use crate::failure::Failure;
use crate::terminal::{SafeText, print, say};

#[derive(Serialize)]
struct InstalledObject<'a> {
    version: u32,
    programs: Vec<ProgramObject<'a>>,
}

/// One program.
#[derive(Serialize)]
struct ProgramObject<'a> {
    program: &'static str,
    place: String,
    keys: usize,
    of: usize,
    added: usize,
    unsuitable: usize,
    at: String,
    problem: Option<ProblemObject<'a>>,
}

#[derive(Serialize)]
struct ProblemObject<'a> {
    error: &'static str,
    message: &'a str,
}

/// Says what each program has now.
pub(crate) fn installed(programs: &[Installed], report: &Report) -> Result<(), Failure> {
    if report.json {
        let programs = programs.iter().map(object).collect();
        let object = line(&InstalledObject { version: 1, programs });
        return print(&format!("{object}\n")).map_err(|error| Failure::io("standard output", &error));
    }
    for program in programs {
        say(&sentence(program));
        if let Some(problem) = &program.problem {
            say(&format!("  {}", SafeText(&problem.message)));
            if let Some(hint) = &problem.hint {
                say(&format!("  hint: {}", SafeText(hint)));
            }
        }
    }
    Ok(())
}

/// `gpgsm /home/alice/.gnupg: 5 of 5 keys, 2 of them new`
pub(crate) fn sentence(program: &Installed) -> String {
    let place = program.place.display().to_string();
    let mut text = format!(
        "{} {}: {} of {}",
        program.program,
        SafeText(&place),
        program.keys,
        counted(program.of, "key")
    );
    if program.added > 0 {
        text.push_str(&format!(", {} of them new", program.added));
    }
    if program.unsuitable > 0 {
        text.push_str(&format!("; {} of a kind that it does not take", program.unsuitable));
    }
    text
}

fn object(program: &Installed) -> ProgramObject<'_> {
    ProgramObject {
        program: program.program,
        place: program.place.display().to_string(),
        keys: program.keys,
        of: program.of,
        added: program.added,
        unsuitable: program.unsuitable,
        at: program.at.to_rfc3339(),
        problem: program
            .problem
            .as_ref()
            .map(|problem| ProblemObject { error: problem.word, message: &problem.message }),
    }
}
