//! Command lines that a person is to paste.

/// A text as one word for a shell, whatever stands in it.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_what_was_written() {
        for text in
            ["alice@example.org", "", "a b", "a'; rm -rf /; '", "$(id)", "`id`", "a\\", "\"", "-n", "~", "*"]
        {
            let line = format!("printf %s {}", shell_word(text));
            let read = Command::new("sh").args(["-c", &line]).output().unwrap().stdout;
            assert!(read == text.as_bytes(), "{line}: {read:?}");
        }
    }
}
