//! Errors: `error:` the cause, its details, a blank line, `hint:` what to do.

use std::panic::PanicHookInfo;

use serde::Serialize;

use crate::args::Report;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::terminal::{SafeText, say};

/// An error as JSON (`docs/formats/json.md`).
#[derive(Serialize)]
struct ErrorObject<'a> {
    version: u32,
    error: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// Shows why a command stopped, in words or as one JSON object.
pub(crate) fn show(failure: &Failure, report: Option<&Report>, verbose: bool) {
    if is_broken_pipe(failure) {
        return;
    }
    let wants_json = report.is_some_and(|report| report.json);
    let status = report.and_then(|report| report.status.as_deref());
    if wants_json || status.is_some() {
        let json = json(failure);
        match status {
            Some(path) => {
                if files::write_file(path, format!("{json}\n").as_bytes(), true).is_err() {
                    say(&json);
                }
            }
            None => say(&json),
        }
    }
    if !wants_json {
        say(&text(failure, verbose));
    }
}

/// Whoever reads our output has gone: nothing to tell, and nobody to tell it to.
fn is_broken_pipe(failure: &Failure) -> bool {
    failure.word == "io" && failure.message.ends_with("Broken pipe")
}

/// An error as one JSON object.
pub(crate) fn json(failure: &Failure) -> String {
    let object = ErrorObject {
        version: 1,
        error: failure.word,
        message: &failure.message,
        details: &failure.details,
        hint: failure.hint.as_deref(),
    };
    serde_json::to_string(&object).unwrap_or_else(|_| r#"{"version":1,"error":"bug"}"#.to_owned())
}

fn text(failure: &Failure, verbose: bool) -> String {
    let mut lines = vec![format!("error: {}", SafeText(&failure.message))];
    lines.extend(failure.details.iter().map(|detail| format!("  {}", SafeText(detail))));
    if let Some(cause) = failure.cause.as_deref().filter(|_| verbose) {
        lines.push(format!("cause: {}", SafeText(cause)));
    }
    if let Some(hint) = &failure.hint {
        lines.push(String::new());
        lines.push(format!("hint: {}", SafeText(hint)));
    }
    lines.join("\n")
}

/// Shows what clap says about the command line: help and version on standard output with 0, errors
/// on standard error with 2, as JSON where JSON was asked for.
pub(crate) fn command_line(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned();
        say(&json(&Failure::usage(message)));
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

/// Shows a panic as our bug. What the panic says may hold foreign text.
pub(crate) fn panic(information: &PanicHookInfo<'_>) {
    let place = information.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let words = information
        .payload()
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| information.payload().downcast_ref::<String>().map(String::as_str))
        .unwrap_or_default();
    say(&format!(
        "error: this is a bug in cseal{}: {}\n\nhint: report it with the command line; nothing was written",
        place.unwrap_or_default(),
        SafeText(words)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure::no("no-key", "erin\u{1b}[31m@example.net: no certificate")
            .details(vec!["erin@example.net   no-key".to_owned()])
            .hint("cseal keys import mail.eml")
            .because("below")
    }

    #[test]
    fn an_error_is_a_cause_details_and_a_hint_without_control_characters() {
        assert_eq!(
            text(&failure(), false),
            "error: erin\\u{1b}[31m@example.net: no certificate\n  erin@example.net   no-key\n\n\
             hint: cseal keys import mail.eml"
        );
        assert!(text(&failure(), true).contains("\ncause: below\n"));
    }

    #[test]
    fn an_error_is_one_json_object() {
        let value: serde_json::Value = serde_json::from_str(&json(&failure())).unwrap_or_default();
        assert_eq!(value["version"], 1);
        assert_eq!(value["error"], "no-key");
        assert!(!json(&failure()).contains('\u{1b}'));
    }
}
