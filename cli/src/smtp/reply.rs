//! An answer of a server (RFC 5321, section 4.2).

use std::fmt;

/// Bytes of one line of an answer. RFC 5321 has 512; servers with long greetings exist.
pub(super) const LINE_BYTES: usize = 4096;
/// Lines of one answer.
const LINES: usize = 128;
/// Characters of an answer that are kept for people.
const KEPT: usize = 400;

/// A code, and what the server says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// The lines, without code; nothing in them steers a terminal.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// An answer that we give ourselves in place of the server.
    pub(crate) fn ours(code: u16, text: &str) -> Self {
        Self { code, lines: vec![text.to_owned()] }
    }

    /// 2xx.
    pub(crate) const fn is_positive(&self) -> bool {
        matches!(self.code, 200..=299)
    }

    /// 5xx.
    pub(crate) const fn is_permanent(&self) -> bool {
        matches!(self.code, 500..=599)
    }

    /// 421: the server closes the connection.
    pub(super) const fn is_good_bye(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.code, cut(&self.lines.join(" ")))
    }
}

/// As much of a foreign text as a person, or a file, is given.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

/// Collects the lines of an answer.
#[derive(Debug, Default)]
pub(super) struct Lines {
    code: Option<u16>,
    lines: Vec<String>,
}

impl Lines {
    /// Takes one line without its end. The answer, where it was the last one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, &'static str> {
        let (digits, rest) = line.split_at_checked(3).ok_or("an answer is shorter than its code")?;
        let is_code = matches!(digits, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']);
        let code =
            std::str::from_utf8(digits).ok().filter(|_| is_code).and_then(|digits| digits.parse().ok());
        let code: u16 = code.ok_or("an answer does not begin with a code")?;
        if self.code.is_some_and(|before| before != code) {
            return Err("the lines of one answer have different codes");
        }
        let (is_last, text) = match rest.split_first() {
            None => (true, &[][..]),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err("an answer does not begin with a code"),
        };
        if self.lines.len() >= LINES {
            return Err("an answer has too many lines");
        }
        self.code = Some(code);
        self.lines.push(plain(text));
        Ok(is_last.then(|| Reply { code, lines: std::mem::take(&mut self.lines) }))
    }
}

/// Foreign text without control characters.
fn plain(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|character| if crate::terminal::is_unsafe(character) { '?' } else { character })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_have_several_lines() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"250-mail.example.org").unwrap(), None);
        assert_eq!(lines.take(b"250-SIZE 1000").unwrap(), None);
        let reply = lines.take(b"250 OK").unwrap().unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(Lines::default().take(b"250").unwrap().unwrap().lines, [""]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for line in [
            &b""[..],
            b"25",
            b"HTTP/1.1 400 Bad Request",
            b"999 x",
            b"150 x",
            b"2500",
            b"2a0 x",
            b"\xff\xff\xff",
        ] {
            assert!(Lines::default().take(line).is_err(), "{line:?}");
        }
        let mut lines = Lines::default();
        lines.take(b"250-a").unwrap();
        assert!(lines.take(b"550 b").is_err());
        let mut lines = Lines::default();
        assert!((0..1000).any(|_| lines.take(b"250-more").is_err()));
    }

    #[test]
    fn what_a_server_says_steers_no_terminal() {
        let reply = Lines::default().take(b"550 \x1b[2Jgone\r").unwrap().unwrap();
        assert_eq!(reply.to_string(), "550 ?[2Jgone?");
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(lines: Vec<Vec<u8>>) {
            let mut answer = Lines::default();
            for line in lines {
                if let Ok(Some(reply)) = answer.take(&line) {
                    proptest::prop_assert!(!reply.to_string().contains(char::is_control));
                }
            }
        }
    }
}
