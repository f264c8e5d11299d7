//! The lines that divide a multipart (RFC 2046, section 5.1.1).

/// What a line is to a multipart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// A part starts behind it.
    Open,
    /// The last part ended before it.
    Close,
    /// It starts with the boundary and goes on. RFC 2046 says that this divides too; nearly every
    /// program takes it for text, and so do we, with a note.
    Ambiguous,
}

/// Whether `line`, with or without its end, divides the multipart of that boundary.
pub(crate) fn delimiter(line: &[u8], boundary: &str) -> Option<Delimiter> {
    let behind = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    Some(match behind.trim_ascii_end() {
        b"" => Delimiter::Open,
        b"--" => Delimiter::Close,
        _ => Delimiter::Ambiguous,
    })
}

/// How many bytes at the end of a line are its end: 2, 1 or 0.
pub(crate) fn line_end_length(line: &[u8]) -> usize {
    match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_the_whole_line() {
        assert_eq!(delimiter(b"--b\r\n", "b"), Some(Delimiter::Open));
        assert_eq!(delimiter(b"--b \t\n", "b"), Some(Delimiter::Open));
        assert_eq!(delimiter(b"--b--", "b"), Some(Delimiter::Close));
        assert_eq!(delimiter(b"--b-- \r\n", "b"), Some(Delimiter::Close));
        assert_eq!(delimiter(b"--bc\r\n", "b"), Some(Delimiter::Ambiguous));
        assert_eq!(delimiter(b"--b--c\r\n", "b"), Some(Delimiter::Ambiguous));
        assert_eq!(delimiter(b"-- b\r\n", "b"), None);
        assert_eq!(delimiter(b" --b\r\n", "b"), None);
        assert_eq!(delimiter(b"--B\r\n", "b"), None);
    }

    #[test]
    fn a_line_ends_in_one_of_three_ways() {
        assert_eq!([&b"a\r\n"[..], b"a\n", b"a"].map(line_end_length), [2, 1, 0]);
    }
}
