//! The sheet as lines of text.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::Sheet;
use super::page::COLUMNS;

/// More bytes than a sheet needs, so that the buffer does not move and leave what it held behind.
const CAPACITY: usize = 16 << 10;
/// Columns of a terminal.
const COLUMNS_OF_TEXT: usize = 80;

pub(super) fn write(sheet: &Sheet) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(CAPACITY));
    // Writing into a string does not fail.
    let _ = write_lines(&mut text, sheet);
    text
}

fn write_lines(text: &mut String, sheet: &Sheet) -> std::fmt::Result {
    wrapped(text, &sheet.title())?;
    writeln!(text)?;
    wrapped(text, &sheet.warning().join(" "))?;
    writeln!(text)?;
    for (label, value) in sheet.belongs_to() {
        writeln!(text, "{label:<9}{value}")?;
    }
    writeln!(text)?;
    let rows = sheet.words.iter().count().div_ceil(COLUMNS);
    for row in 0..rows {
        let in_row = sheet.words.iter().enumerate().skip(row).step_by(rows);
        for (index, word) in in_row {
            write!(text, "{:>3} {word:<12}", index + 1)?;
        }
        writeln!(text)?;
    }
    writeln!(text)?;
    Sheet::steps().iter().try_for_each(|step| wrapped(text, step))
}

/// The words of a paragraph in lines of at most 80 columns.
fn wrapped(text: &mut String, paragraph: &str) -> std::fmt::Result {
    let mut used = 0;
    for word in paragraph.split_whitespace() {
        if used > 0 && used + 1 + word.len() > COLUMNS_OF_TEXT {
            writeln!(text)?;
            used = 0;
        }
        if used > 0 {
            write!(text, " ")?;
            used += 1;
        }
        write!(text, "{word}")?;
        used += word.len();
    }
    writeln!(text)
}
