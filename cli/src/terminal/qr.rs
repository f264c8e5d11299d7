//! QR codes on the terminal.

use std::io;

use counterseal_keysync::qr::{Code, Correction};

/// What terminals have that do not tell their size.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// The code of `text` as lines for the terminal. Where it does not fit into the window a line says so, and
/// `instead`, which does the same in words.
pub(crate) fn qr_code(text: &str, instead: &str) -> String {
    let (columns, rows) = window();
    within(text, instead, columns, rows)
}

fn within(text: &str, instead: &str, columns: usize, rows: usize) -> String {
    let Ok(code) = Code::of(text, Correction::Medium) else {
        return format!("(this is too long for a QR code; {instead})\n");
    };
    code.terminal_text(columns, rows).unwrap_or_else(|| {
        let (wide, high) = code.terminal_size();
        format!("(the QR code needs a window of {wide} x {high} characters; {instead})\n")
    })
}

/// Columns and rows of the window that standard output is.
fn window() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (COLUMNS, ROWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_window_is_told_what_to_do_instead() {
        assert!(within("CSEAL:AAAA", "use words", 80, 24).contains('█'));
        let narrow = within(&"A".repeat(120), "use words", 40, 24);
        assert_eq!(narrow, "(the QR code needs a window of 41 x 21 characters; use words)\n");
        assert!(within(&"a".repeat(3000), "use words", 80, 24).ends_with("use words)\n"));
    }
}
