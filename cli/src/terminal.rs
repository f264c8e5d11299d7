//! The terminal: the streams, colour, questions, and text that is safe to show.

mod prompt;
mod qr;
mod safe_text;
mod shell;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use prompt::{Question, ask_secret, ask_shown, can_ask, show_on_terminal};
pub(crate) use qr::qr_code;
pub(crate) use safe_text::{SafeText, is_unsafe};
pub(crate) use shell::shell_word;

use crate::args;

/// Whether verdict words on standard error are coloured; decided once, at the start.
static COLORED: AtomicBool = AtomicBool::new(false);

/// Decides about colour by the option, then by NO_COLOR, then by what standard error is.
pub(crate) fn choose_color(when: args::Color) {
    let colored = match when {
        args::Color::Always => true,
        args::Color::Never => false,
        args::Color::Auto => {
            env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::stderr().is_terminal()
        }
    };
    COLORED.store(colored, Ordering::Relaxed);
}

/// How a verdict word looks where colour is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Green, ✓.
    Positive,
    /// No colour, no claim.
    Neutral,
    /// Yellow, !.
    Warning,
    /// Red, ✗.
    Error,
}

/// The word with its colour and its sign. Colour never says anything that the sign does not say.
pub(crate) fn marked(mark: Mark, word: &str) -> String {
    let (sign, color) = match mark {
        Mark::Positive => ("✓ ", "\u{1b}[32m"),
        Mark::Neutral => ("", ""),
        Mark::Warning => ("! ", "\u{1b}[33m"),
        Mark::Error => ("✗ ", "\u{1b}[31m"),
    };
    if COLORED.load(Ordering::Relaxed) && !color.is_empty() {
        format!("{color}{sign}{word}\u{1b}[0m")
    } else {
        format!("{sign}{word}")
    }
}

/// Writes a line of ours to standard error. Where nobody listens, nothing is lost.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes text of ours to standard output.
///
/// # Errors
/// Whatever the system says, a closed pipe included.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Whether standard output is a terminal: secrets and binary data do not go there unasked.
pub(crate) fn output_is_terminal() -> bool {
    io::stdout().is_terminal()
}
