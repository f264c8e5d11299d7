//! What is added to a file of settings: at its end, whole or not at all, and nothing of what stood there is touched.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::files::write_file;

/// A text with another behind it, an empty line between them.
pub(crate) fn with_end(before: &str, end: &str) -> String {
    if before.trim().is_empty() {
        return format!("{before}{end}");
    }
    let line_end = if before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{line_end}\n{end}")
}

/// Writes the file, and the folder that it is in.
///
/// # Errors
/// Whatever the system says.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| Failure::io(directory.display().to_string(), &error))?;
    }
    write_file(path, text.as_bytes(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_there_stands_there_still() {
        for before in ["", "# mine\n", "[queue]\ngive_up = \"2d\" # days", "a = 1\r\n"] {
            let after = with_end(before, "[account.home]\n");
            assert!(
                after.starts_with(before) && after.ends_with("\n[account.home]\n") || before.is_empty(),
                "{after}"
            );
        }
    }
}
